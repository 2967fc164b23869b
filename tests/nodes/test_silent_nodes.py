"""Nodes that fall silent, come back, or never do. The tests go on with the machines as the one before left them."""

import re
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest

from tests.nodes.conftest import OUT_OF_SERVICE
from tests.support.cluster.cpi import CpiCallError
from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.machines import Identity, Machine
from tests.support.cluster.node import Node
from tests.support.cluster.wait import eventually, together

SOON = 60  # seconds; the cluster takes 15 to miss a node, and the operator hears of it by the Pod


@dataclass(frozen=True)
class Machines:
    here: Machine  # on the first worker, as all others on the second; its disk is a directory of that worker
    plain: Machine  # its disk can be mounted on either
    rooted: Machine  # so can its root disk


@dataclass(frozen=True)
class Before:
    identity: Identity
    boots: int
    lines: int


def look(machine: Machine) -> Before:
    return Before(machine.identity(), machine.boots(), machine.lines())


@pytest.fixture(scope="module")
def machines(
    busy: Callable[..., Machine], workers: tuple[Node, Node], bystander: Callable[..., str], anywhere: str,
    file_class: str,
) -> Machines:  # fmt: skip
    bystander(workers[0], cpu="1")  # so that `rooted`, which may run anywhere, begins on the second worker

    on_claim = {"root_disk": {"storage_class": anywhere}, "ephemeral_disk_size": 200}
    here, plain, rooted = together(
        partial(busy, file_class, zone="zone-1"),
        partial(busy, anywhere, node_selector={"tests/disk": "fast"}),
        partial(busy, anywhere, **on_claim),
    )
    assert rooted.status()["pod"]["node"] == workers[1].name
    return Machines(here, plain, rooted)


def assert_unreachable(machine: Machine, node: Node, before: Before) -> str:
    """The message of Ready, once it says so; the machine is kept, and no other is made for it."""
    machine.wait("NodeUnreachable", within=SOON)
    conditions = {c["type"]: c for c in machine.status()["conditions"]}
    message: str = conditions["Ready"]["message"]
    assert re.search(rf"node {node.name} has not reported since \d{{4}}-\d\d-\d\dT", message)
    assert conditions["GuestRunning"]["status"] == "Unknown"
    assert machine.cpi("has_vm", machine.cid) is True
    assert machine.pod()["metadata"]["uid"] == before.identity.uid
    return message


def ending(kubectl: Kubectl, pod: str) -> bool:
    found = kubectl.get("pod", pod)
    return found is None or "deletionTimestamp" in found["metadata"]


def test_machines_of_silent_nodes_stay_and_go_on_when_these_come_back(
    machines: Machines, workers: tuple[Node, Node], bystander: Callable[..., str]
) -> None:
    """One node hangs, the other one is without power."""
    first, second = workers
    here, plain, rooted = machines.here, machines.plain, machines.rooted
    evicted = [bystander(node) for node in workers]
    before = {machine.cid: look(machine) for machine in (here, plain, rooted)}
    first.freeze()
    second.cut_power()
    try:
        for machine, node in ((here, first), (plain, second), (rooted, second)):
            assert_unreachable(machine, node, before[machine.cid])
        for pod in evicted:
            eventually(partial(ending, Kubectl(), pod), within=SOON, what=f"{pod}, no machine, is evicted")
        for machine in (here, plain, rooted):
            for pod in (machine.cid, *machine.disks):
                assert not ending(machine.kubectl, pod), f"Pod {pod} is evicted"
    finally:
        first.unfreeze()
        second.start()

    here.wait("Running")
    assert here.identity() == before[here.cid].identity
    assert here.boots() == before[here.cid].boots
    here.assert_whole(before[here.cid].lines)
    for machine in (plain, rooted):
        machine.wait_booted(before[machine.cid].boots + 1)
        machine.wait("Running")
        assert machine.identity().uid == before[machine.cid].identity.uid
        machine.assert_whole(before[machine.cid].lines)


def test_a_lost_node_is_given_up_by_a_person_and_then_its_machines_go_on_elsewhere(
    machines: Machines, workers: tuple[Node, Node]
) -> None:
    first, second = workers
    here, plain, rooted = machines.here, machines.plain, machines.rooted
    disk, cpi = plain.disks[0], plain.cpi
    before = {machine.cid: look(machine) for machine in (plain, rooted)}
    second.cut_power()
    assert_unreachable(plain, second, before[plain.cid])

    with pytest.raises(CpiCallError) as failure:
        cpi("delete_vm", plain.cid)
    message = failure.value.message
    assert failure.value.ok_to_retry
    assert_unreachable(plain, second, before[plain.cid])
    assert "deletionTimestamp" in plain.resource()["metadata"], "the request is stored"
    assert plain.kubectl.get("pod", disk) is not None, "the disk is still held"
    assert_unreachable(rooted, second, before[rooted.cid])
    assert re.search(rf"node {second.name} has not reported since \d{{4}}-\d\d-\d\dT", message)
    command = re.search(rf"kubectl taint nodes {second.name} {OUT_OF_SERVICE}=nodeshutdown:NoExecute", message)
    assert command, message

    subprocess.run(shlex.split(command.group()), check=True)
    cpi("delete_vm", plain.cid)
    assert cpi("has_vm", plain.cid) is False
    cpi("attach_disk", here.cid, disk)
    here.assert_lines_in_order(f"/warden-cpi-dev/{disk}")
    assert int(here.guest(f"wc -l < /warden-cpi-dev/{disk}/lines")) >= before[plain.cid].lines

    eventually(lambda: rooted.identity().uid != before[rooted.cid].identity.uid, within=120, what="another Pod")
    rooted.wait_booted(before[rooted.cid].boots + 1, within=120)
    rooted.wait("Running")
    assert rooted.status()["pod"]["node"] == first.name
    rooted.assert_whole(before[rooted.cid].lines)


def test_a_node_that_a_person_deletes_is_gone_with_its_machines_but_for_roots_on_claims(
    machines: Machines, workers: tuple[Node, Node]
) -> None:
    first, second = workers
    here, rooted, [disk] = machines.here, machines.rooted, machines.plain.disks
    cpi, kubectl, before = here.cpi, Kubectl(), look(rooted)
    first.cut_power()
    kubectl.delete("node", first.name)
    second.start()
    kubectl.run("taint", "node", second.name, f"{OUT_OF_SERVICE}-")

    here.wait("RootLost", within=120)
    assert cpi("has_vm", here.cid) is False
    cpi("delete_vm", here.cid)
    rooted.wait_booted(before.boots + 1, within=120)
    rooted.wait("Running")
    assert rooted.status()["pod"]["node"] == second.name
    rooted.assert_whole(before.lines)
    cpi("attach_disk", rooted.cid, disk)
    rooted.assert_lines_in_order(f"/warden-cpi-dev/{disk}")
    cpi("detach_disk", rooted.cid, disk)
