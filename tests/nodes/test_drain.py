"""A node that is taken out of service in an orderly way."""

from collections.abc import Callable

from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.machines import Machine
from tests.support.cluster.node import Node
from tests.support.cluster.wait import eventually


def test_a_drained_node_gives_its_machine_and_disks_to_another(
    busy: Callable[..., Machine], workers: tuple[Node, Node], anywhere: str
) -> None:
    machine = busy(anywhere, root_disk={"storage_class": anywhere}, ephemeral_disk_size=200)
    [disk] = machine.disks
    here = machine.status()["pod"]["node"]
    [there] = [node.name for node in workers if node.name != here]
    uid, boots, lines = machine.identity().uid, machine.boots(), machine.lines()
    kubectl = Kubectl()
    try:
        kubectl.run("drain", here, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=120s")
        eventually(lambda: machine.identity().uid != uid, within=120, what="another Pod")
        machine.wait_booted(boots + 1, within=120)
        machine.wait("Running")

        assert machine.status()["pod"]["node"] == there
        attachment = machine.kubectl.get("pod", disk)
        assert attachment is not None
        assert attachment["spec"]["nodeName"] == there
        machine.assert_whole(lines)
    finally:
        kubectl.run("uncordon", here)
