"""Builders of what an API server would show, for the operator's tests."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from bosh_kubernetes_api import names
from bosh_kubernetes_operator.machine.state import Guest, GuestDisk, Observed

Object = dict[str, Any]

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
LONG_AGO = "2026-01-01T00:00:00Z"
VM = "vm-1"
NODE = "node-1"
READY = {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "T"}]}
SILENT = {"conditions": [{"type": "Ready", "status": "Unknown", "lastTransitionTime": "T"}]}
TAINTED = {"taints": [{"key": "node.kubernetes.io/out-of-service"}]}
UNREACHABLE = {"metadata": {"name": NODE}, "spec": {}, "status": SILENT}
OUT = {"metadata": {"name": NODE}, "spec": TAINTED, "status": SILENT}
OUT_BUT_READY = {"metadata": {"name": NODE}, "spec": TAINTED, "status": READY}

GONE = {"deletionTimestamp": "2026-01-02T03:00:00Z"}
KNOWN_POD = {"pod": {"name": VM, "uid": f"uid-{VM}", "node": NODE}}


def vm(*, disks: tuple[str, ...] = (), status: Object | None = None, finalizer: bool = True, **more: Any) -> Object:
    """`wishes` has what is wanted of each disk, by CID."""
    machine = {
        "agentID": "agent-1",
        "stemcell": "stemcell-1",
        "image": "registry/stemcell@sha256:1",
        "resources": {"cpu": "1", "memory": "1024Mi", "ephemeralDisk": "4096Mi"},
        "networks": [{"name": "default", "type": "dynamic"}],
    } | more.pop("machine", {})
    metadata = {
        "name": VM,
        "namespace": "machines",
        "uid": "uid-vm",
        "generation": 3,
        "resourceVersion": "7",
        "labels": {names.DIRECTOR: "director-1", names.AGENT: "agent-1"},
        "finalizers": [names.FINALIZER] if finalizer else [],
    } | more.pop("metadata", {})
    wishes = more.pop("wishes", {})
    spec = {"machine": machine, "disks": [{"cid": cid, **wishes.get(cid, {})} for cid in disks], **more}
    return {"metadata": metadata, "spec": spec, "status": status or {}}


def pod(
    name: str = VM, *, node: str = NODE, state: Object | None = None, phase: str = "Running", **more: Any
) -> Object:
    """`state` is the container's; running when nothing is said. Other keys go into metadata."""
    status = {
        "phase": phase,
        "podIP": "10.0.0.1",
        "containerStatuses": [{"name": "c", "restartCount": 0, "lastState": {}, "state": state or {"running": {}}}],
        "conditions": more.pop("conditions", []),
    }
    metadata = {"name": name, "uid": f"uid-{name}", "creationTimestamp": LONG_AGO, "labels": {}} | more
    return {"metadata": metadata, "spec": {"nodeName": node} if node else {}, "status": status}


def waiting(reason: str, message: str = "") -> Object:
    return {"waiting": {"reason": reason, "message": message}}


def guest(state: str = "running", **more: Any) -> Guest:
    values = {"pid": 9 if state == "running" else None, "boots": 1, "crashes": 0, "pending": "", "served": ""}
    values |= {"missing": (), "stray": "", "disks": {}, "power": "off" if state == "stopped" else "on"} | more
    return Guest(state=state, **values)


def seen(key: str = "7:1 /", was: str | None = None, mounted: bool = True, held: tuple[str, ...] = ()) -> GuestDisk:
    return GuestDisk(mounted, key, key if was is None else was, held)


def claim(cid: str, phase: str = "Bound", **metadata: Any) -> Object:
    return {"metadata": {"name": cid, "uid": f"uid-{cid}", **metadata}, "spec": {}, "status": {"phase": phase}}


def observed(vm_: Object, *, node: Object | None = None, node_absent: bool = False, **more: Any) -> Observed:
    """`node` is NODE as it was found, `node_absent` says that it was not; without either nobody looked."""
    if node or node_absent:
        more["nodes"] = {NODE: node}
    return Observed(vm=vm_, now=NOW, **({"settings": True} | more))


def attached(*cids: str, **served: Any) -> Object:
    """`served` is what the status of each disk echoes."""
    return {
        "disks": [{"cid": cid, "phase": "Attached", "reason": "Attached", **served} for cid in cids],
        "pod": {"name": VM, "uid": f"uid-{VM}", "node": NODE},
    }


CABLE = {"disk-1": pod("disk-1")}  # the attachment of a disk


def unscheduled(message: str) -> Object:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return pod(node="", phase="Pending", state=waiting(""), conditions=[condition])


def ready(status: Object) -> Object:
    """The condition Ready of a status."""
    return next(c for c in status["conditions"] if c["type"] == "Ready")
