"""A stand-in for the operator on the stand-in API server: it moves the status of machines and nothing else.

No Pods, no kubelet. A machine whose ConfigMap and Secret are there runs at once; a wanted disk whose claim is there
is attached at once. What does not go well is told beforehand: `reasons`, `disk_reasons`, `busy`, `stopped`,
`unreachable`.
"""

import threading
import time
from types import TracebackType
from typing import Any

from tests.support.fakeapi.errors import Refusal
from tests.support.fakeapi.store import Store

Json = dict[str, Any]

FINALIZER = "cpi.bosh.io/machine"
LEASE = "bosh-kubernetes-operator"
STAMP = "2026-01-01T00:00:00Z"
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"


class FakeOperator:
    def __init__(self, store: Store, namespace: str) -> None:
        self.reasons: dict[
            str, tuple[str, str]
        ] = {}  # agent id, or "*" -> reason and message of Ready that it stays at
        self.disk_reasons: dict[str, tuple[str, str, str]] = {}  # disk CID, or "*" -> phase, reason, message
        self.busy: set[str] = set()  # disks that the guest uses
        self.unreachable: set[str] = set()  # machines whose node does not answer
        self.deaf: set[str] = set()  # machines that this operator does not look at
        self.stopped = False  # no work, no Lease
        self._store = store
        self._namespace = namespace
        self._ending = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "FakeOperator":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending = True
        with self._store.changed:
            self._store.changed.notify_all()
        self._thread.join()

    def lost_root(self, cid: str) -> None:
        """The machine's Pod was deleted and its root disk with it."""
        with self._store.changed:
            machine = self._store.get("VirtualMachine", self._namespace, cid)
            self.reasons[machine["spec"]["machine"]["agentID"]] = ("RootLost", "the Pod is gone, and its root disk")

    def _run(self) -> None:
        while not self._ending:
            with self._store.changed:
                before = self._store.version
                if not self.stopped:
                    self._renew()
                    for machine in self._store.list("VirtualMachine", self._namespace):
                        if machine["metadata"]["name"] not in self.deaf:
                            self._reconcile(machine)
                if self._store.version <= before + 1 and not self._ending:
                    self._store.changed.wait(0.2)

    def _renew(self) -> None:
        spec = {"holderIdentity": "fake", "renewTime": f"{time.time():.1f}"}
        try:
            self._store.merge_patch("Lease", self._namespace, LEASE, {"spec": spec})
        except Refusal:
            body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": LEASE}, "spec": spec}
            self._store.create("Lease", self._namespace, body)

    def _reconcile(self, machine: Json) -> None:
        metadata = machine["metadata"]
        name = metadata["name"]
        if name in self.unreachable:
            words = f"node worker-1 has not reported since {STAMP}; kubectl taint nodes worker-1 {OUT_OF_SERVICE}"
            self._say(machine, "NodeUnreachable", words, running=False)
            return
        if metadata.get("deletionTimestamp"):
            self._patch(name, {"metadata": {"finalizers": None}})
            return
        if FINALIZER not in metadata.get("finalizers", []):
            self._patch(name, {"metadata": {"finalizers": [FINALIZER]}})
        settings = self._store.find("ConfigMap", self._namespace, name)
        if settings is None or self._store.find("Secret", self._namespace, name) is None:
            self._say(machine, "WaitingForSettings", "there is no ConfigMap yet", running=False)
            return
        agent = machine["spec"]["machine"]["agentID"]
        reason = self.reasons.get(agent) or self.reasons.get("*")
        if reason:
            self._say(machine, *reason, running=False)
        else:
            self._say(machine, "Running", "the guest runs", running=True)

    def _say(self, machine: Json, reason: str, message: str, *, running: bool) -> None:
        def condition(kind: str) -> Json:
            return {
                "type": kind,
                "status": "True" if running else "False",
                "reason": reason,
                "message": message,
                "lastTransitionTime": STAMP,
            }

        status: Json = {
            "observedGeneration": machine["metadata"]["generation"],
            "printableStatus": reason,
            "conditions": [condition("Ready"), condition("GuestRunning")],
            "pod": {"name": machine["metadata"]["name"], "uid": "1", "node": "worker-1", "ip": "10.244.0.7"},
            "disks": self._disks(machine) if running else machine.get("status", {}).get("disks", []),
            "power": "Running",
        }
        if running and machine["spec"].get("reboot"):
            status["reboot"] = machine["spec"]["reboot"]
        self._patch(machine["metadata"]["name"], {"status": status}, status=True)

    def _disks(self, machine: Json) -> list[Json]:
        wanted = [disk["cid"] for disk in machine["spec"].get("disks", [])]
        result = [self._disk(machine, cid) for cid in wanted]
        for disk in machine.get("status", {}).get("disks", []):
            if disk["cid"] not in wanted and disk["cid"] in self.busy:
                words = "processes in the guest: 423 postgres"
                result.append({**disk, "phase": "Detaching", "reason": "DiskBusy", "message": words})
        return result

    def _disk(self, machine: Json, cid: str) -> Json:
        told = self.disk_reasons.get(cid) or self.disk_reasons.get("*")
        if told:
            return {"cid": cid, "phase": told[0], "reason": told[1], "message": told[2]}
        for other in self._store.list("VirtualMachine", self._namespace):
            if other["metadata"]["name"] != machine["metadata"]["name"]:
                for disk in other.get("status", {}).get("disks", []):
                    if disk["cid"] == cid and disk["phase"] == "Attached":
                        words = f"VirtualMachine {other['metadata']['name']} holds the disk"
                        return {"cid": cid, "phase": "Failed", "reason": "DiskInUse", "message": words}
        if self._store.find("PersistentVolumeClaim", self._namespace, cid) is None:
            return {"cid": cid, "phase": "Failed", "reason": "ClaimMissing", "message": f"there is no claim {cid}"}
        path = f"/warden-cpi-dev/{cid}"
        return {"cid": cid, "phase": "Attached", "path": path, "reason": "Attached", "message": "mounted"}

    def _patch(self, name: str, patch: Json, *, status: bool = False) -> None:
        self._store.merge_patch("VirtualMachine", self._namespace, name, patch, status=status)
