"""The operator dies at any of its changes: the next one finishes the work without hands, and no disk is harmed.

The operator's own Reconciler, in this process, against a stand-in of cluster and firmware which ends it at its n-th
change (tests/support/faults/node.py): everything it remembers is lost then. Kills of the real process are in
tests/cluster/test_operator_killed.py.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from bosh_kubernetes_api import claims, machine, settings
from bosh_kubernetes_operator.errors import ClusterError
from bosh_kubernetes_operator.events import Recorder
from bosh_kubernetes_operator.machine.apply import Applier
from bosh_kubernetes_operator.machine.reconcile import Reconciler
from bosh_kubernetes_operator.queue import Again
from tests.support.faults.node import NAMESPACE, Hands, Killed, Node

VM = "vm-1"
ADDRESS = {"name": "default", "type": "manual", "ip": "10.96.9.9", "ports": [6868]}
SHAPE = {
    "resources": {"cpu": "1", "memory": "1Mi", "ephemeralDisk": "1Mi"},
    "rootDisk": {"storageClass": "standard"},
    "networks": [ADDRESS],
}
UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DISKS = ("disk-1", "disk-2", "disk-3")


def make(node: Node) -> None:
    """As create_vm does; two disks are asked for before it runs."""
    body = machine.virtual_machine(
        VM, director="d", agent_id="a", stemcell="s", image="r/s@sha256:0", pull_secrets=[], shape=SHAPE
    )
    body["spec"]["disks"] = [{"cid": cid} for cid in DISKS[:2]]
    for cid in DISKS:
        node.store.create("PersistentVolumeClaim", NAMESPACE, claims.claim(cid, director="d", size=1))
    made = node.store.create("VirtualMachine", NAMESPACE, body)
    node.store.create("ConfigMap", NAMESPACE, settings.config_map(made, {"a": 1}))


def edit(**spec: Any) -> Callable[[Node], None]:
    def change(node: Node) -> None:
        node.store.merge_patch("VirtualMachine", NAMESPACE, VM, {"spec": spec})

    return change


def wanting(*disks: str) -> Callable[[Node], None]:
    return edit(disks=[{"cid": cid} for cid in disks])


def asking(**requests: str) -> Callable[[Node], None]:
    """Something is asked of the first of two disks."""
    return edit(disks=[{"cid": DISKS[0], **requests}, {"cid": DISKS[1]}])


def lose_pod(node: Node) -> None:
    """As when a node is drained."""
    node.store.delete("Pod", NAMESPACE, VM)


def delete(node: Node) -> None:
    node.store.delete("VirtualMachine", NAMESPACE, VM)


# What is asked of the operator -> how often guests have booted when it is done
WORK: dict[str, tuple[Callable[[Node], None], int]] = {
    "create": (make, 1),
    "attach": (wanting(*DISKS), 1),
    "detach": (wanting("disk-2"), 1),
    "exchange": (wanting("disk-2", "disk-3"), 1),
    "list in the settings": (asking(inSettings="s-1"), 1),
    "flush": (asking(flush="f-1"), 1),
    "reboot": (edit(reboot="order-1"), 2),
    "stop": (edit(power="Stopped"), 1),
    "remake": (lose_pod, 2),
    "delete": (delete, 1),
}


async def converge(node: Node, hands: Hands) -> None:
    """Turns of one operator process and of the kubelet until neither finds anything to do."""
    reconcile = Reconciler(hands, hands, Applier(hands, hands, "/base", 60), Recorder(hands, "test"))  # type: ignore
    for _ in range(40):
        before = node.store.version
        try:
            again = await reconcile(VM)
        except ClusterError:
            continue
        node.turn()
        if node.store.version == before and again in (Again.SETTLED, Again.GONE):
            return
    raise AssertionError(f"never done: {hands.changes}")


async def arranged(work: str) -> Node:
    """What there is when the work is asked for."""
    node = Node()
    if work != "create":
        make(node)
        await converge(node, Hands(node))
    WORK[work][0](node)
    return node


def tell(node: Node) -> list[str]:
    """All that is there but Events: one that nobody wrote is told to nobody."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(item) for item in value]
        drop = ("uid", "resourceVersion", "creationTimestamp", "lastTransitionTime", "startedAt", "deletionTimestamp")
        return {k: plain(v) for k, v in value.items() if k not in drop} if isinstance(value, dict) else value

    kinds = [kind for kind in node.store.kinds if kind != "Event"]
    listed = [f"listed: {sorted(guest.listed)}" for guest in node.guests.values()]
    found = [one for kind in kinds for one in node.store.list(kind)]
    return listed + [UID.sub("uid", json.dumps(plain(one), sort_keys=True)) for one in found]


@pytest.mark.parametrize("work", WORK)
async def test_killed_at_each_of_its_changes(work: str, record_property: Callable) -> None:
    normal = await arranged(work)
    hands = Hands(normal)
    await converge(normal, hands)
    assert normal.boots == WORK[work][1]
    points = [(number, after) for number in range(len(hands.changes)) for after in (False, True)]
    record_property("fault points of the operator", len(points))
    for number, after in points:
        what = f"{work}: killed {'after' if after else 'before'} {hands.changes[number]} ({number + 1})"
        node = await arranged(work)
        disks = {cid: node.store.get("PersistentVolumeClaim", NAMESPACE, cid)["metadata"]["uid"] for cid in DISKS}
        victim = Hands(node, number, after=after)
        with pytest.raises(Killed):
            await converge(node, victim)
        await converge(node, Hands(node))

        assert tell(node) == tell(normal), what
        assert node.boots == normal.boots, what
        found = {cid: node.store.get("PersistentVolumeClaim", NAMESPACE, cid)["metadata"]["uid"] for cid in DISKS}
        assert found == disks, what
    assert points
