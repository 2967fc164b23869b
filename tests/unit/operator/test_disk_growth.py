"""When a disk is mounted for its growth alone, by which Pod, and who comes first. With a stand-in API server."""

import pytest

from bosh_kubernetes_api import claims, names
from bosh_kubernetes_operator.disk import growth
from bosh_kubernetes_operator.disk.reconcile import DiskReconciler
from bosh_kubernetes_operator.errors import ConflictError, RefusedError
from bosh_kubernetes_operator.events import Recorder
from bosh_kubernetes_operator.machine.apply import Applier
from bosh_kubernetes_operator.machine.steps import CreateAttachment
from bosh_kubernetes_operator.queue import Again
from tests.unit.operator.things import NOW, VM, attached, observed, pod, vm

DISK = "disk-1"
PENDING = {"type": "FileSystemResizePending", "status": "True"}
OPERATOR_IMAGE = "registry/operator:1"


def disk(*conditions: dict, phase: str = "Bound", annotations: dict | None = None, **metadata) -> dict:
    claim = claims.claim(DISK, director="director-1", size=1024)
    claim["metadata"] |= {"uid": "uid-claim", "namespace": "machines", "annotations": annotations or {}, **metadata}
    return claim | {"status": {"phase": phase, "conditions": list(conditions)}}


def growth_pod(**more) -> dict:
    return pod(DISK, labels={names.ROLE: names.ROLE_GROWTH, names.DISK: DISK}, **more)


def attachment_pod() -> dict:
    return pod(DISK, labels={names.ROLE: names.ROLE_ATTACHMENT, names.DISK: DISK, names.MACHINE: VM})


class Cluster:
    """Stand-in for the API server: `things` by kind and name. Pods that are deleted end when `end` is called."""

    def __init__(self, *things: tuple[str, dict], refusal: Exception | None = None) -> None:
        self.things = {(kind, thing["metadata"]["name"]): thing for kind, thing in things}
        self.refusal, self.wrote = refusal, []

    async def get(self, kind, name):
        return self.things.get((kind, name)) or ({} if kind == "ConfigMap" else None)

    async def list(self, kind, label_selector="", field_selector=""):
        return [thing for (of, _), thing in self.things.items() if of == kind]

    async def create(self, kind, body):
        key = (kind, body["metadata"]["name"])
        if self.refusal and kind == "Pod":
            raise self.refusal
        if key in self.things:
            raise ConflictError(f"post {kind}", 409, "AlreadyExists", "already exists")
        self.things[key] = body | {"metadata": {"uid": f"new-{len(self.wrote)}"} | body["metadata"]}
        self.wrote.append(("create", kind))

    async def delete(self, kind, name, uid, grace=None):
        assert self.things[kind, name]["metadata"]["uid"] == uid
        assert grace is None, "a Pod that is gone before the kubelet has let the disk go would be no lock"
        self.things[kind, name]["metadata"]["deletionTimestamp"] = "T"
        self.wrote.append(("delete", kind))

    def end(self) -> None:
        self.things = {k: thing for k, thing in self.things.items() if "deletionTimestamp" not in thing["metadata"]}

    def change(self, kind: str, thing: dict) -> None:
        self.things[kind, thing["metadata"]["name"]] = thing

    @property
    def role(self) -> str:
        """Of the Pod that has the disk's name."""
        found = self.things.get(("Pod", DISK))
        return found["metadata"]["labels"][names.ROLE] if found else ""


def reconciler(cluster: Cluster) -> DiskReconciler:
    return DiskReconciler(cluster, Recorder(cluster, "me"), OPERATOR_IMAGE)


MARK = {names.DELETING: str(int(NOW.timestamp()))}
OLD_MARK = {names.DELETING: "1"}


@pytest.mark.parametrize(
    ("claim", "machines", "wanted"),
    [
        (None, [], False),
        (disk(), [], False),
        (disk({"type": "Resizing", "status": "True"}), [], False),
        (disk(PENDING | {"status": "False"}), [], False),
        (disk(PENDING), [], True),
        (disk(PENDING), [vm()], True),
        (disk(PENDING), [vm(disks=(DISK,))], False),  # its attachment mounts it
        (disk(PENDING), [vm(status=attached(DISK))], False),  # which is there still
        (disk(PENDING, phase="Lost"), [], False),
        (disk(PENDING, annotations=MARK), [], False),
        (disk(PENDING, annotations=OLD_MARK), [], True),
        (disk(PENDING, deletionTimestamp="T"), [], False),
        (disk(PENDING, labels={names.ROLE: names.ROLE_ROOT}), [], False),
    ],
)
def test_what_is_mounted_for_its_growth(claim, machines, wanted) -> None:
    assert growth.wants_mount(claim, machines, NOW.timestamp()) is wanted


def test_the_pod_has_the_name_of_the_lock_and_leaves_the_disk_alone() -> None:
    built = growth.build(disk(PENDING), [], OPERATOR_IMAGE)
    spec, (container,) = built["spec"], built["spec"]["containers"]

    assert built["metadata"]["name"] == DISK
    assert growth.is_growth(built)
    assert "ownerReferences" not in built["metadata"]
    assert names.MACHINE not in built["metadata"]["labels"]
    assert spec["volumes"] == [{"name": "claim", "persistentVolumeClaim": {"claimName": DISK}}]  # not readOnly
    assert container["volumeMounts"] == [{"name": "claim", "mountPath": "/claim", "readOnly": True}]
    assert "fsGroup" not in spec["securityContext"]
    assert "privileged" not in container["securityContext"]
    assert container["image"] == OPERATOR_IMAGE
    assert growth.build(disk(PENDING), [], "")["spec"]["containers"][0]["image"]


def test_the_pod_goes_where_machines_of_its_director_may() -> None:
    ours, theirs = {"key": "bosh", "operator": "Exists"}, {"key": "other", "operator": "Exists"}
    machines = [
        vm(machine={"placement": {"tolerations": [ours]}}),
        vm(machine={"placement": {"tolerations": [ours]}}),
        vm(machine={"placement": None}),
        vm(machine={"placement": {"tolerations": [theirs]}}, metadata={"labels": {names.DIRECTOR: "director-2"}}),
    ]
    assert growth.build(disk(PENDING), machines, "")["spec"]["tolerations"] == [ours]


async def test_a_disk_is_mounted_until_it_has_grown() -> None:
    cluster = Cluster(("PersistentVolumeClaim", disk(PENDING)), ("VirtualMachine", vm()))
    look = reconciler(cluster)
    assert await look(DISK) is Again.WAITING
    assert await look(DISK) is Again.WAITING
    assert cluster.wrote == [("create", "Pod")]
    cluster.change("PersistentVolumeClaim", disk())
    assert await look(DISK) is Again.WAITING
    assert await look(DISK) is Again.WAITING
    assert cluster.wrote == [("create", "Pod"), ("delete", "Pod")]
    cluster.end()
    assert await look(DISK) is Again.GONE


@pytest.mark.parametrize("left", [[], [("PersistentVolumeClaim", disk())]])
async def test_a_pod_that_an_operator_before_has_left_goes(left) -> None:
    cluster = Cluster(("Pod", growth_pod()), *left)
    await reconciler(cluster)(DISK)
    assert cluster.wrote == [("delete", "Pod")]


@pytest.mark.parametrize("claim", [disk(PENDING, annotations=MARK), disk(PENDING, deletionTimestamp="T")])
async def test_a_disk_that_is_being_deleted_is_let_go(claim, monkeypatch) -> None:
    monkeypatch.setattr("time.time", NOW.timestamp)
    cluster = Cluster(("Pod", growth_pod()), ("PersistentVolumeClaim", claim))
    await reconciler(cluster)(DISK)
    assert cluster.wrote == [("delete", "Pod")]


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
async def test_a_pod_that_ended_for_good_is_made_again(phase) -> None:
    cluster = Cluster(("Pod", growth_pod(phase=phase)), ("PersistentVolumeClaim", disk(PENDING)))
    look = reconciler(cluster)
    await look(DISK)
    cluster.end()
    await look(DISK)
    assert cluster.wrote == [("delete", "Pod"), ("create", "Pod")]


async def test_an_attachment_of_the_disk_is_left_alone() -> None:
    for claim in (disk(PENDING), disk()):
        cluster = Cluster(("Pod", attachment_pod()), ("PersistentVolumeClaim", claim))
        await reconciler(cluster)(DISK)
        assert cluster.wrote == []


async def test_a_machine_that_wants_the_disk_comes_first_and_never_both() -> None:
    """Whoever looks next: the one who grows disks, or the machine that cannot create its attachment."""
    for first in ("disk", "machine"):
        cluster = Cluster(("Pod", growth_pod()), ("PersistentVolumeClaim", disk(PENDING)))
        machine = vm(disks=(DISK,))
        cluster.change("VirtualMachine", machine)
        applier, look = Applier(cluster, None, "/base", 60), reconciler(cluster)
        step, o = CreateAttachment(DISK), observed(machine, pod=pod())
        if first == "disk":
            await look(DISK)
        for _ in range(2):
            result = (await applier.apply(o, [step]))[step]
            assert (result.reason, cluster.role) == ("Attaching", names.ROLE_GROWTH)
        assert cluster.wrote.count(("delete", "Pod")) == 1
        cluster.end()
        await look(DISK)
        assert cluster.role == "", "it makes no other one"
        assert (await applier.apply(o, [step]))[step].reason == ""
        await look(DISK)
        assert cluster.role == names.ROLE_ATTACHMENT


async def test_who_is_slower_than_an_attachment_does_nothing() -> None:
    cluster = Cluster(("PersistentVolumeClaim", disk(PENDING)))
    found, cluster.get = cluster.get, None

    async def before_the_attachment_was_made(kind, name):
        return None if kind == "Pod" else await found(kind, name)

    cluster.get = before_the_attachment_was_made
    cluster.change("Pod", attachment_pod())
    assert await reconciler(cluster)(DISK) is Again.WAITING
    assert cluster.wrote == []


async def test_a_refused_pod_is_told_once_where_the_claim_is_looked_at() -> None:
    refusal = RefusedError("post Pod disk-1", 403, "Forbidden", "exceeded quota: pods=10")
    cluster = Cluster(("PersistentVolumeClaim", disk(PENDING)), refusal=refusal)
    for _ in range(2):
        with pytest.raises(RefusedError):
            await reconciler(cluster)(DISK)
    (event,) = [thing for (kind, _), thing in cluster.things.items() if kind == "Event"]
    assert event["type"] == "Warning"
    assert event["involvedObject"]["name"] == DISK
    assert "exceeded quota: pods=10" in event["message"]
