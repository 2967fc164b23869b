"""What the machine survives of its node: killed containers, a restarted kubelet, a restarted node."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.support.cluster.certificates import Certificates
from tests.support.cluster.cpi import Cpi
from tests.support.cluster.fixtures import machine_factory
from tests.support.cluster.installation import Installation, Operator
from tests.support.cluster.machines import Machine
from tests.support.cluster.node import Node
from tests.support.cluster.wait import eventually


@pytest.fixture(scope="module")
def lasting(
    installation: Installation, new_cpi: Callable[..., Cpi], certificates: Certificates, node: Node,
    stemcells: Callable[[str], str], block_class: str,
) -> Iterator[Machine]:  # fmt: skip
    """A busy machine that lives through all that is done to its node."""
    with machine_factory(installation, new_cpi(str(uuid.uuid4())), certificates, node) as make:
        machine = make(stemcells("runit"))
        machine.occupy(block_class)
        yield machine


def assert_back(machine: Machine, lines: int) -> None:
    """Root disk, store and job are as they were, and the job never ran without its disk."""
    machine.assert_marks()
    eventually(lambda: machine.lines() > lines, within=60, what="the job writes again")
    machine.assert_lines_whole()
    machine.assert_never_on_empty_store()
    assert machine.cpi("get_disks", machine.cid) == machine.disks


def root_disks(machine: Machine, node: Node) -> list[str]:
    """Loop devices that hold the machine's root disk. They are the kernel's: a restart of the node alone ends none."""
    volume = f"/var/lib/kubelet/pods/{machine.identity().uid}/volumes/kubernetes.io~empty-dir/root-disk"
    return node.sh(f"losetup -n -O NAME -j {volume}/root.img").split()


def test_container_killed_on_the_node(busy_machine: Machine, node: Node) -> None:
    machine = busy_machine
    before, lines = machine.identity(), machine.lines()
    node.kill_container(machine)
    eventually(lambda: machine.identity().restarts == before.restarts + 1, within=90, what="the container is back")
    machine.wait_booted(2)
    machine.wait("Running")

    after = machine.identity()
    assert (after.uid, after.ip) == (before.uid, before.ip)
    assert_back(machine, lines)


@pytest.mark.alone
def test_kubelet_restarted(lasting: Machine, node: Node) -> None:
    machine = lasting
    before, boots, lines = machine.identity(), machine.boots(), machine.lines()
    node.restart_kubelet()
    eventually(lambda: machine.lines() > lines, within=60, what="the job goes on")

    assert machine.identity() == before
    assert machine.boots() == boots
    assert_back(machine, lines)


@pytest.mark.alone
def test_node_restarted_with_disks_attached(lasting: Machine, node: Node, operator: Operator) -> None:
    machine = lasting
    before, boots, lines = machine.identity(), machine.boots(), machine.lines()
    node.restart()
    operator.wait_alive()
    machine.wait_booted(boots + 1, within=180)
    machine.wait("Running", within=120)

    assert machine.identity().uid == before.uid
    assert_back(machine, lines)
    assert machine.guest("mountpoint -q /var/vcap/store && echo mounted").strip() == "mounted"
    disk = machine.disks[0]
    binds = node.sh(f"grep -c 'disks/{disk} ' /proc/self/mountinfo", check=False).strip()
    assert binds == "1", "no stale mount of the disk is left on the node"
    assert len(root_disks(machine, node)) == 1
    machine.stop_writer()
    machine.cpi("detach_disk", machine.cid, disk)
    machine.cpi("delete_disk", disk)
