"""A stand-in for a driver's sidecars on the stand-in API server: it moves the status of claims and snapshots.

No volumes, no driver. A claim is bound at once, a snapshot is ready at once and let go at once, a volume gets the
attributes that its claim asks for at once. What does not go well is told beforehand: `errors`, `infeasible`, `silent`.
"""

from typing import Any

from tests.support.fakeapi.controller import Controller
from tests.support.fakeapi.store import Store

Json = dict[str, Any]

DRIVER = "csi.example.com"
PROVISIONER = "volume.kubernetes.io/storage-provisioner"
FINALIZER = "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection"
STAMP = "2026-01-01T00:00:00Z"


class FakeSidecars(Controller):
    def __init__(self, store: Store, namespace: str) -> None:
        super().__init__(store, namespace)
        self.errors: dict[str, str] = {}  # disk CID -> what its snapshots fail with
        self.infeasible: set[str] = set()  # attributes classes that the driver refuses
        self.silent = False  # it does nothing but bind claims

    def look(self) -> None:
        for claim in self._store.list("PersistentVolumeClaim", self._namespace):
            self._bind(claim)
            if not self.silent:
                self._modify(claim)
        if not self.silent and "VolumeSnapshot" in self._store.kinds:
            for snapshot in self._store.list("VolumeSnapshot", self._namespace):
                self._take(snapshot)

    def _bind(self, claim: Json) -> None:
        name = claim["metadata"]["name"]
        if PROVISIONER not in claim["metadata"].get("annotations", {}):
            self._patch("PersistentVolumeClaim", name, {"metadata": {"annotations": {PROVISIONER: DRIVER}}})
        if claim.get("status", {}).get("phase"):
            return
        status = {"phase": "Bound", "capacity": claim["spec"]["resources"]["requests"]}
        if attributes := claim["spec"].get("volumeAttributesClassName"):
            status["currentVolumeAttributesClassName"] = attributes
        self._patch("PersistentVolumeClaim", name, {"status": status}, status=True)

    def _modify(self, claim: Json) -> None:
        wanted, status = claim["spec"].get("volumeAttributesClassName"), claim.get("status", {})
        if not wanted or wanted == status.get("currentVolumeAttributesClassName"):
            return
        change: Json = {"currentVolumeAttributesClassName": wanted, "modifyVolumeStatus": None, "conditions": None}
        if wanted in self.infeasible:
            said = {"type": "ModifyVolumeError", "status": "True", "message": "no such IOPS"}
            target = {"status": "Infeasible", "targetVolumeAttributesClassName": wanted}
            change = {"modifyVolumeStatus": target, "conditions": [said]}
        self._patch("PersistentVolumeClaim", claim["metadata"]["name"], {"status": change}, status=True)

    def _take(self, snapshot: Json) -> None:
        metadata, status = snapshot["metadata"], snapshot.get("status", {})
        if metadata.get("deletionTimestamp"):
            self._patch("VolumeSnapshot", metadata["name"], {"metadata": {"finalizers": None}})
            return
        if status.get("readyToUse"):
            return
        content = {"boundVolumeSnapshotContentName": f"snapcontent-{metadata['uid']}"}
        if message := self.errors.get(snapshot["spec"]["source"]["persistentVolumeClaimName"]):
            status = {**content, "readyToUse": False, "error": {"message": message, "time": STAMP}}
        else:
            status = {**content, "readyToUse": True, "creationTime": STAMP, "error": None}
        self._patch("VolumeSnapshot", metadata["name"], {"metadata": {"finalizers": [FINALIZER]}})
        self._patch("VolumeSnapshot", metadata["name"], {"status": status}, status=True)

    def _patch(self, kind: str, name: str, patch: Json, *, status: bool = False) -> None:
        self._store.merge_patch(kind, self._namespace, name, patch, status=status)
