"""A stand-in for what gives claims their volumes, a driver with its sidecars and the kubelets: it moves claims' status.

No volumes and no file systems. A claim is bound at once unless its class waits for a Pod. One that asks for more grows
as it does in a cluster: first the volume; then, if the driver has a step on the node (`on_node`), the file system,
which waits for a mount: a Pod that has the disk's name, or a machine that has the disk attached. What does not go well
is told beforehand: `idle`, `errors`.
"""

from typing import Any

from bosh_kubernetes_api.machine import disk_status
from bosh_kubernetes_api.quantities import in_bytes
from tests.support.fakeapi.controller import Controller
from tests.support.fakeapi.store import Store

Json = dict[str, Any]

CLAIM = "PersistentVolumeClaim"
PENDING = "Waiting for user to (re-)start a pod to finish file system resize of volume on node."


class FakeStorage(Controller):
    def __init__(self, store: Store, namespace: str) -> None:
        super().__init__(store, namespace)
        self.on_node = True
        self.idle = False  # nothing grows a volume
        self.errors: dict[str, tuple[str, str, str]] = {}  # disk CID -> condition, message, step that it stays at
        self.mounted: list[str] = []  # disks whose file system was grown, in order

    def look(self) -> None:
        for claim in self._store.list(CLAIM, self._namespace):
            self._look(claim)

    def _look(self, claim: Json) -> None:
        status, asked = claim.get("status", {}), claim["spec"]["resources"]["requests"]["storage"]
        if status.get("phase", "Pending") == "Pending":
            if not self._late(claim):
                name = claim["metadata"]["name"]
                spec = {"volumeName": f"pvc-{claim['metadata']['uid']}"}
                self._store.merge_patch(CLAIM, self._namespace, name, {"spec": spec})
                self._say(claim, phase="Bound", capacity={"storage": asked})
        elif in_bytes(asked) > in_bytes(status.get("capacity", {}).get("storage", "0")) and not self.idle:
            self._grow(claim, asked)

    def _late(self, claim: Json) -> bool:
        found = self._store.find("StorageClass", "", claim["spec"].get("storageClassName", ""))
        return found is None or found.get("volumeBindingMode") == "WaitForFirstConsumer"

    def _grow(self, claim: Json, asked: str) -> None:
        cid = claim["metadata"]["name"]
        steps = {condition["type"] for condition in claim["status"].get("conditions") or ()}
        told = self.errors.get(cid)
        if told and (told[2].startswith("Controller") or self._has_mount(cid)):
            pending = [_condition("FileSystemResizePending", PENDING)] if told[2].startswith("Node") else []
            self._step(claim, told[2], asked, *pending, _condition(told[0], told[1]))
        elif "Resizing" not in steps and "FileSystemResizePending" not in steps:
            self._step(claim, "ControllerResizeInProgress", asked, _condition("Resizing"))
        elif self.on_node and "FileSystemResizePending" not in steps:
            conditions = (_condition("Resizing"), _condition("FileSystemResizePending", PENDING))
            self._step(claim, "NodeResizePending", asked, *conditions)
        elif not self.on_node or self._has_mount(cid):
            self.mounted += [cid] if self.on_node else []
            self._say(claim, capacity={"storage": asked}, conditions=None, allocatedResourceStatuses=None)

    def _has_mount(self, cid: str) -> bool:
        machines = self._store.list("VirtualMachine", self._namespace)
        attached = any((disk_status(machine, cid) or {}).get("phase") == "Attached" for machine in machines)
        return attached or self._store.find("Pod", self._namespace, cid) is not None

    def _step(self, claim: Json, step: str, asked: str, *conditions: Json) -> None:
        allocated = {"allocatedResources": {"storage": asked}, "allocatedResourceStatuses": {"storage": step}}
        self._say(claim, conditions=list(conditions), **allocated)

    def _say(self, claim: Json, **status: Any) -> None:
        self._store.merge_patch(CLAIM, self._namespace, claim["metadata"]["name"], {"status": status}, status=True)


def _condition(kind: str, message: str = "") -> Json:
    return {"type": kind, "status": "True", **({"message": message} if message else {})}
