"""A node whose kubelet says nothing any more, while the machines on it run on."""

from collections.abc import Iterator

import pytest

from tests.support.cluster.cpi import CpiCallError
from tests.support.cluster.machines import Machine
from tests.support.cluster.node import Node
from tests.support.cluster.wait import eventually

pytestmark = [pytest.mark.alone, pytest.mark.full]


@pytest.fixture
def silent(node: Node) -> Iterator[Node]:
    node.sh("systemctl stop kubelet")
    yield node
    node.restart_kubelet()


def test_a_disk_on_a_silent_node_stays_until_that_answers(busy_machine: Machine, silent: Node) -> None:
    machine = busy_machine
    [disk] = machine.disks
    machine.wait("NodeUnreachable", within=120)

    with pytest.raises(CpiCallError) as failure:
        machine.cpi("detach_disk", machine.cid, disk)

    assert failure.value.type == "Bosh::Clouds::CloudError"
    assert failure.value.ok_to_retry
    for word in (disk, silent.name, "has not reported since", "kubectl taint nodes", "is stored"):
        assert word in failure.value.message
    entry = machine.disk(disk)
    assert (entry["phase"], entry["reason"]) == ("Detaching", "Detaching")
    assert "has not reported since" in entry["message"]
    assert machine.kubectl.get("pod", disk) is not None

    silent.restart_kubelet()
    eventually(lambda: machine.kubectl.get("pod", disk) is None, within=90, what="the request goes on by itself")
    machine.cpi("detach_disk", machine.cid, disk)
    assert machine.cpi("get_disks", machine.cid) == []
    assert machine.boots() == 1
