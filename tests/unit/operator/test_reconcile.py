"""One pass over a machine: when the status is written and told, and what an error does. With stand-ins."""

import pytest

from bosh_kubernetes_api import names
from bosh_kubernetes_operator.errors import ConflictError, OrderError, RefusedError
from bosh_kubernetes_operator.machine.apply import Applier
from bosh_kubernetes_operator.machine.orders import Answer
from bosh_kubernetes_operator.machine.reconcile import Reconciler, differs
from bosh_kubernetes_operator.queue import Again
from tests.unit.operator.things import NODE, OUT, READY, UNREACHABLE, VM, pod, ready, vm

GONE = {"deletionTimestamp": "2026-01-02T03:00:00Z"}


class Cluster:
    """Stand-in for the API server: `things` by kind and name; what is written to it is kept and noted in `wrote`."""

    def __init__(self, *things: tuple[str, dict], fail: Exception | None = None) -> None:
        self.things = {(kind, thing["metadata"]["name"]): thing for kind, thing in things}
        self.fail = fail
        self.wrote: list[tuple[str, str]] = []

    async def get(self, kind, name):
        return self.things.get((kind, name))

    async def list(self, kind, label_selector="", field_selector=""):
        wanted = dict(pair.split("=", 1) for pair in label_selector.split(",") if pair)
        named = [thing for (of, _), thing in self.things.items() if of == kind]
        return [thing for thing in named if wanted.items() <= thing["metadata"].get("labels", {}).items()]

    async def create(self, kind, body):
        if self.fail:
            raise self.fail
        if (kind, body["metadata"]["name"]) in self.things:
            raise ConflictError(f"post {kind}", 409, "AlreadyExists", "already exists")
        self.wrote.append(("create", kind))

    async def merge(self, kind, name, body):
        self.wrote.append(("merge", kind))
        if self.fail:
            raise self.fail
        thing = self.things[kind, name]
        assert body["metadata"].pop("resourceVersion") == thing["metadata"]["resourceVersion"], "edits are conditional"
        thing["metadata"] |= body["metadata"]
        if "deletionTimestamp" in thing["metadata"] and not thing["metadata"]["finalizers"]:
            del self.things[kind, name]

    async def apply_status(self, kind, name, uid, status):
        self.wrote.append(("status", kind))
        assert self.things[kind, name]["metadata"]["uid"] == uid
        self.things[kind, name]["status"] = status

    async def delete(self, kind, name, uid, grace=None):
        self.wrote.append(("delete", kind))
        assert self.things.pop((kind, name))["metadata"]["uid"] == uid


class Firmware:
    """Stand-in for the guests' firmware: nobody answers."""

    async def machine(self, name, *order) -> Answer:
        raise OrderError(f"{name}: no answer")

    attachment = machine


class Recorder:
    """Stand-in: notes the reasons told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def transitions(self, _vm, new) -> None:
        self.told.append(new["printableStatus"])


def reconciler(cluster: Cluster) -> tuple[Reconciler, Recorder]:
    recorder = Recorder()
    return Reconciler(cluster, Firmware(), Applier(cluster, Firmware(), "/base", 60), recorder), recorder


async def test_a_status_is_written_and_told_once_and_not_again_while_nothing_changes() -> None:
    cluster = Cluster(("VirtualMachine", vm()))
    reconcile, recorder = reconciler(cluster)
    for _ in range(3):
        assert await reconcile(VM) is Again.WAITING
    assert cluster.wrote == [("status", "VirtualMachine")]
    assert recorder.told == ["Provisioning"]


async def test_a_guest_is_not_asked_while_its_node_does_not_report() -> None:
    """An order would hang there for as long as it may, and the status wait for it."""

    class Asked(Firmware):
        async def machine(self, name, *order) -> Answer:
            raise AssertionError(f"{name} was asked {order}")

    cluster = Cluster(("VirtualMachine", vm()), ("Pod", pod()), ("Node", UNREACHABLE))
    recorder = Recorder()
    reconcile = Reconciler(cluster, Asked(), Applier(cluster, Asked(), "/base", 60), recorder)
    assert await reconcile(VM) is Again.WAITING
    assert recorder.told == ["NodeUnreachable"]


class Attached(Firmware):
    """Stand-in for firmware that runs a guest and sees disk-1 as soon as it is told of it; `asked` in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def machine(self, name, *order) -> Answer:
        self.asked.append(order)
        disk = {"mounted": True, "key": "7:1 /", "was": "7:1 /", "held": []}
        disks = {"disk-1": disk} if ("attach", "disk-1") in self.asked else {}
        return Answer(0, {"state": "running", "guest": 9, "boots": 1, "crashes": 0, "disks": disks}, "")


async def test_what_the_firmware_answers_to_an_order_it_is_not_asked_again() -> None:
    labels = {names.MACHINE: VM, names.ROLE: names.ROLE_ATTACHMENT}
    things = [("VirtualMachine", vm(disks=("disk-1",))), ("Pod", pod()), ("Pod", pod("disk-1", labels=labels))]
    cluster, firmware = Cluster(*things, ("Node", {"metadata": {"name": NODE}, "status": READY})), Attached()
    reconcile = Reconciler(cluster, firmware, Applier(cluster, firmware, "/base", 60), Recorder())
    await reconcile(VM)
    assert firmware.asked == [("status",), ("attach", "disk-1")]
    assert cluster.things["VirtualMachine", VM]["status"]["disks"][0]["phase"] == "Attached"


async def test_the_finalizer_is_the_first_that_is_written() -> None:
    cluster = Cluster(("VirtualMachine", vm(finalizer=False)))
    await reconciler(cluster)[0](VM)
    assert cluster.wrote == [("merge", "VirtualMachine"), ("status", "VirtualMachine")]


async def test_an_address_that_another_machine_has_is_told_at_the_first_look() -> None:
    network = {"name": "d", "type": "manual", "ip": "10.96.9.9", "ports": [6868]}
    held = {"metadata": {"name": "ip-10-96-9-9", "labels": {names.MACHINE: "vm-2"}}}
    settings = ("ConfigMap", {"metadata": {"name": VM}})
    cluster = Cluster(("VirtualMachine", vm(machine={"networks": [network]})), settings, ("Service", held))
    assert await reconciler(cluster)[0](VM) is Again.WAITING
    told = ready(cluster.things["VirtualMachine", VM]["status"])
    assert told["reason"] == "AddressInUse"
    assert "vm-2" in told["message"]


async def test_a_machine_that_had_no_pod_goes_with_its_finalizer() -> None:
    cluster = Cluster(("VirtualMachine", vm(metadata=GONE)))
    assert await reconciler(cluster)[0](VM) is Again.GONE
    assert cluster.things == {}


async def test_what_a_machine_that_is_no_more_has_attached_is_let_go() -> None:
    labels = {names.MACHINE: VM, names.ROLE: names.ROLE_ATTACHMENT}
    cable = pod("disk-1", state={"waiting": {}}, labels=labels)
    other = pod("disk-2", labels=labels | {names.MACHINE: "vm-2"})
    cluster = Cluster(("Pod", cable), ("Pod", other), ("Node", UNREACHABLE))
    assert await reconciler(cluster)[0](VM) is Again.WAITING
    assert ("Pod", "disk-1") not in cluster.things
    assert ("Pod", "disk-2") in cluster.things
    assert await reconciler(cluster)[0](VM) is Again.GONE


@pytest.mark.parametrize(("node", "left"), [(UNREACHABLE, "disk-1"), (OUT, ""), (None, "")])
async def test_a_disk_that_nobody_can_be_asked_for_keeps_no_other(node, left) -> None:
    """Who takes the finalizer away from a machine on a lost node leaves its attachments to the operator."""
    labels = {names.MACHINE: VM, names.ROLE: names.ROLE_ATTACHMENT}
    lost, cable = pod("disk-1", labels=labels), pod("disk-2", state={"waiting": {}}, node="node-2", labels=labels)
    nodes = [("Node", node)] if node else []
    cluster = Cluster(
        ("Pod", lost), ("Pod", cable), *nodes, ("Node", {"metadata": {"name": "node-2"}, "status": READY})
    )
    assert await reconciler(cluster)[0](VM) is Again.WAITING
    assert [name for kind, name in cluster.things if kind == "Pod"] == ([left] if left else [])


async def test_an_api_server_that_fails_is_told_to_the_queue_once_the_status_is_written() -> None:
    failure = RefusedError("merge VirtualMachine", 403, "Forbidden", "no such right")
    cluster = Cluster(("VirtualMachine", vm(finalizer=False)), fail=failure)
    with pytest.raises(RefusedError):
        await reconciler(cluster)[0](VM)
    assert cluster.wrote == [("merge", "VirtualMachine"), ("status", "VirtualMachine")]


@pytest.mark.parametrize(
    ("old", "new", "different"),
    [
        ({}, {"power": "Running"}, True),
        ({"disks": []}, {}, False),
        ({"conditions": [{"type": "A"}, {"type": "B"}]}, {"conditions": [{"type": "B"}, {"type": "A"}]}, False),
        ({"conditions": [{"type": "A", "reason": "x"}]}, {"conditions": [{"type": "A", "reason": "y"}]}, True),
        ({"disks": [{"cid": "disk-1"}, {"cid": "disk-2"}]}, {"disks": [{"cid": "disk-1"}]}, True),
    ],
)
def test_what_makes_a_status_worth_writing(old, new, different) -> None:
    assert differs(old, new) is different
