"""A stand-in for the operator on the stand-in API server: it moves the status of machines and mounts disks that grow.

No other Pods, no kubelet, no steps. A machine whose ConfigMap and Secret are there runs at once; a wanted disk whose
claim is there is attached at once. What does not go well is told beforehand: `reasons`, `disk_reasons`, `busy`,
`lost`, `unreachable`, `stopped`, `mounts`.

What it says of a machine are the words of the real operator, for what that would see in such a case: nothing can be
tested with a status that never comes. Only `reasons` and `disk_reasons` put a message of the test's own in.
"""

import time
from datetime import datetime, timezone
from typing import Any

from bosh_kubernetes_api import reasons, version
from bosh_kubernetes_operator.disk import growth
from bosh_kubernetes_operator.machine.state import Guest, GuestDisk, Observed
from bosh_kubernetes_operator.machine.status import compute
from bosh_kubernetes_operator.machine.steps import DONE, Attach, CreateAttachment, Detach, Flush, Result, Step
from tests.support.fakeapi.controller import Controller
from tests.support.fakeapi.errors import Refusal
from tests.support.fakeapi.store import Store

Json = dict[str, Any]

FINALIZER = "cpi.bosh.io/machine"
LEASE = "bosh-kubernetes-operator"
NODE = "worker-1"
STAMP = "2026-01-01T00:00:00Z"
SILENT = {"status": {"conditions": [{"type": "Ready", "status": "Unknown", "lastTransitionTime": STAMP}]}}


def pod(name: str) -> Json:
    """One that runs."""
    status = {"phase": "Running", "podIP": "10.244.0.7", "containerStatuses": [{"state": {"running": {}}}]}
    return {"metadata": {"name": name, "uid": "1"}, "spec": {"nodeName": NODE}, "status": status}


class FakeOperator(Controller):
    anyway = 1  # its Lease

    def __init__(self, store: Store, namespace: str) -> None:
        super().__init__(store, namespace)
        self.reasons: dict[
            str, tuple[str, str]
        ] = {}  # agent id, or "*" -> reason and message of Ready that it stays at
        self.disk_reasons: dict[str, tuple[str, str, str]] = {}  # disk CID, or "*" -> phase, reason, message
        self.busy: set[str] = set()  # disks that the guest uses
        self.lost: set[str] = set()  # machines whose Pod was deleted, and their root disk with it
        self.unreachable: set[str] = set()  # machines whose node does not answer
        self.deaf: set[str] = set()  # machines that this operator does not look at
        self.mounts = True  # disks that grow
        self.flushes: dict[str, str] = {}  # disk CID -> what comes of a flush: "" goes on for ever, else why it fails
        self.flushed: list[str] = []  # disk CIDs, as often as they were flushed
        self.unlisted: set[str] = set()  # disks that do not get into the settings of the machine's agent
        self.idle = False  # it lives, and looks at nothing
        self.stopped = False  # no work, no Lease
        self.version = version.VERSION

    def look(self) -> None:
        if not self.stopped:
            self._renew()
            for machine in self._store.list("VirtualMachine", self._namespace):
                if not self.idle and machine["metadata"]["name"] not in self.deaf:
                    self._reconcile(machine)
            if self.mounts and not self.idle:
                self._grow()

    def _grow(self) -> None:
        """As the real operator's disk.reconcile, with its decision and its Pod."""
        machines = self._store.list("VirtualMachine", self._namespace)
        for claim in self._store.list("PersistentVolumeClaim", self._namespace):
            name = claim["metadata"]["name"]
            pod = self._store.find("Pod", self._namespace, name)
            wanted = growth.wants_mount(claim, machines, time.time())
            if wanted and pod is None:
                self._store.create("Pod", self._namespace, growth.build(claim, machines, ""))
            elif growth.is_growth(pod) and not wanted:
                self._store.delete("Pod", self._namespace, name)

    def _renew(self) -> None:
        spec = {"holderIdentity": "fake", "renewTime": f"{time.time():.1f}"}
        try:
            self._store.merge_patch("Lease", self._namespace, LEASE, {"spec": spec})
        except Refusal:
            metadata = {"name": LEASE, "labels": {version.LABEL: self.version}}
            body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
            self._store.create("Lease", self._namespace, body)

    def _reconcile(self, machine: Json) -> None:
        metadata = machine["metadata"]
        name = metadata["name"]
        if metadata.get("deletionTimestamp") and name not in self.unreachable:
            self._patch(name, {"metadata": {"finalizers": None}})
            return
        if FINALIZER not in metadata.get("finalizers", []):
            self._patch(name, {"metadata": {"finalizers": [FINALIZER]}})
        told = self.reasons.get(machine["spec"]["machine"]["agentID"]) or self.reasons.get("*")
        status = compute(*self._look(machine, has_pod=not told and name not in self.lost))
        if told:
            status["printableStatus"] = reasons.MACHINE[told[0]]
            for condition in status["conditions"]:
                if condition["type"] in ("Ready", "GuestRunning"):
                    condition |= {"status": "False", "reason": told[0], "message": told[1]}
        status["disks"] = [self._told(disk) for disk in status["disks"]]
        self._patch(name, {"status": status}, status=True)

    def _look(self, machine: Json, has_pod: bool) -> tuple[Observed, dict[Step, Result]]:
        """What the real operator would see of the machine, and what became of its steps."""
        name, spec, before = machine["metadata"]["name"], machine["spec"], machine.get("status", {})
        settings = all(self._store.find(kind, self._namespace, name) for kind in ("ConfigMap", "Secret"))
        has_pod, silent = has_pod and settings, name in self.unreachable
        wanted = [disk["cid"] for disk in spec.get("disks", [])]
        claims = {cid: self._store.find("PersistentVolumeClaim", self._namespace, cid) for cid in wanted}
        attached = {disk["cid"] for disk in before.get("disks", []) if disk["phase"] in ("Attached", "Detaching")}
        results: dict[Step, Result] = {}
        if has_pod and not silent:
            attached &= {*wanted, *self.busy}
            for cid in wanted:
                holder = self._holder(cid, name)
                if holder:
                    results[CreateAttachment(cid)] = Result("DiskInUse", f"disk {cid} is attached to machine {holder}")
                elif claims[cid]:
                    attached.add(cid)
                    results |= self._requests(cid, spec, before.get("disks", []))
            for cid in attached - set(wanted):
                results[Detach(cid)] = Result("DiskBusy", "the guest does not release the disk: processes 423 postgres")
        disks = {cid: GuestDisk(True, "7:1 /", "7:1 /") for cid in attached}
        guest = Guest("running", 9, 1, 0, "", spec.get("reboot", ""), (), "", disks)
        look = Observed(
            vm=machine,
            now=datetime.now(timezone.utc),
            settings=settings,
            pod=pod(name) if has_pod else None,
            guest=guest if has_pod and not silent else None,
            nodes={NODE: SILENT} if silent else {},
            attachments={cid: pod(cid) for cid in attached},
            claims=claims,
        )
        return look, results

    def _requests(self, cid: str, spec: Json, before: list[Json]) -> dict[Step, Result]:
        """Steps about an attached disk, with what became of them."""
        wish = next(wish for wish in spec["disks"] if wish["cid"] == cid)
        seen: Json = next((disk for disk in before if disk["cid"] == cid), {})
        results: dict[Step, Result] = {Attach(cid): DONE}
        request = wish.get("inSettings", "")
        if request != seen.get("inSettings", "") and cid not in self.unlisted:
            results = {Attach(cid, request): DONE}
        request = wish.get("flush", "")
        if request and not spec.get("paused") and request != seen.get("flush", {}).get("id"):
            fails = self.flushes.get(cid)
            self.flushed += [] if fails is not None else [cid]
            waits = Result("Unanswered", "what was written goes to the device", soon=True)
            results[Flush(cid, request)] = waits if fails == "" else Result(message=fails or "")
        return results

    def _holder(self, cid: str, machine: str) -> str:
        """Another machine that has the disk; empty when there is none."""
        for other in self._store.list("VirtualMachine", self._namespace):
            has = any(
                disk["cid"] == cid and disk["phase"] == "Attached" for disk in other.get("status", {}).get("disks", [])
            )
            if has and other["metadata"]["name"] != machine:
                return str(other["metadata"]["name"])
        return ""

    def _told(self, disk: Json) -> Json:
        told = self.disk_reasons.get(disk["cid"]) or self.disk_reasons.get("*")
        if not told:
            return disk
        assert told[1] in reasons.DISK
        return {"cid": disk["cid"], "phase": told[0], "reason": told[1], "message": told[2]}

    def _patch(self, name: str, patch: Json, *, status: bool = False) -> None:
        self._store.merge_patch("VirtualMachine", self._namespace, name, patch, status=status)
