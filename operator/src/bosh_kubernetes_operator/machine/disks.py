"""`status.disks`: one entry for every disk that is wanted or still there. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from bosh_kubernetes_api import names
from bosh_kubernetes_api.claims import is_lost
from bosh_kubernetes_api.deletion import is_being_deleted

from . import verdicts
from .state import (
    Object,
    Observed,
    astray,
    disk_lost,
    gone_for_good,
    meant_for,
    node_name,
    phase,
    running,
    silent,
    terminating,
)
from .steps import Attach, CreateAttachment, Detach, Flush, LetGo, Order, Result, Step


def disk_entries(o: Observed, results: Mapping[Step, Result]) -> list[Object]:
    """Sorted by CID. `path` is there as long as the guest may see the disk."""
    entries = {cid: _wanted(o, cid, results) for cid in o.wanted}
    entries |= {cid: _leaving(o, cid, results) for cid in o.leaving}
    for cid, entry in entries.items():
        entry |= _served(o, cid, results)
        if o.paused and entry["reason"] in ("Attaching", "Detaching"):
            entry["message"] = "spec.paused: the operator does nothing to this machine"
    return [entries[cid] for cid in sorted(entries)]


def _entry(cid: str, phase: str, reason: str, message: str = "") -> Object:
    entry = {"cid": cid, "phase": phase, "reason": reason}
    if phase in ("Attached", "Detaching"):
        entry["path"] = names.disk_path(cid)
    return entry | ({"message": message[:4096]} if message else {})


def _served(o: Observed, cid: str, results: Mapping[Step, Result]) -> Object:
    """The requests about a disk that were served last, in this pass or before it."""
    before = o.disk_status.get(cid, {})
    served: Object = {key: before[key] for key in ("inSettings", "flush") if key in before}
    for step, result in results.items():
        if isinstance(step, Attach) and step.disk == cid and step.settings and not result.reason:
            served["inSettings"] = step.settings
        if isinstance(step, Flush) and step.disk == cid and not result.reason:
            served["flush"] = {"id": step.id} | ({"error": result.message[:4096]} if result.message else {})
    return served


def _result(cid: str, results: Mapping[Step, Result], *kinds: type) -> Result | None:
    found = [r for s, r in results.items() if isinstance(s, kinds) and getattr(s, "disk", None) == cid]
    return found[-1] if found else None


def _wanted(o: Observed, cid: str, results: Mapping[Step, Result]) -> Object:
    cable, claim = o.attachments.get(cid), o.claims.get(cid)
    disk = o.guest.disks.get(cid) if o.guest else None
    if cable is None:
        return _without_attachment(o, cid, claim, results)
    if phase(cable) in ("Failed", "Succeeded") and not gone_for_good(o, node_name(cable)):
        return _entry(cid, "Attaching", "Attaching", _ended(o, cable))
    if astray(o, cable):
        tried = _result(cid, results, LetGo)
        why = f": {tried.message}" if tried is not None and tried.reason else ""
        return _entry(cid, "Attaching", "Attaching", f"its attachment Pod for node {meant_for(cable)} ends first{why}")
    if terminating(cable):
        return _entry(cid, "Attaching", "Attaching", "its attachment Pod is being deleted and will be made again")
    if _result(cid, results, Order):
        return _entry(cid, "Attaching", "DiskLost", "its device is another one than the guest had; the guest is reset")
    if disk and disk_lost(disk):
        return _entry(
            cid, "Attaching", "DiskLost", f"the device changed from {disk.was} to {disk.key}; the guest is reset"
        )
    if not running(cable):
        reason, message = verdicts.attachment(cable, claim, dict(o.warnings))
        return _entry(cid, "Pending" if not node_name(cable) else "Attaching", reason, message)
    tried = _result(cid, results, Attach)
    if tried is None and (ends := _result(cid, results, LetGo)) is not None:
        why = f": {ends.message}" if ends.reason else ""
        return _entry(cid, "Attaching", "Attaching", f"its attachment Pod has bound nothing and is made again{why}")
    before = o.disk_status.get(cid, {}).get("phase") == "Attached"
    if (tried is not None and not tried.reason) or (tried is None and before and (disk is None or disk.mounted)):
        return _entry(cid, "Attached", "Attached")
    if tried is not None:
        return _entry(cid, "Attaching", "Attaching", tried.message)
    return _entry(cid, "Attaching", "Attaching", "the machine's firmware does not answer yet")


def _ended(o: Observed, cable: Object) -> str:
    there, name = node_name(cable), cable["metadata"]["name"]
    why = cable["status"].get("reason") or cable["status"].get("message") or "its containers ended"
    said = f"its attachment Pod on node {there} ended for good ({why})"
    if there in ("", node_name(o.pod)) or not node_name(o.pod):
        return f"{said} and is made again"
    return (
        f"{said}, so that nobody there can be asked to unbind the disk, and the machine is on node {node_name(o.pod)}. "
        f"Once nothing on {there} has it mounted: kubectl delete pod {name}"
    )


def _without_attachment(o: Observed, cid: str, claim: Object | None, results: Mapping[Step, Result]) -> Object:
    if claim is None:
        return _entry(cid, "Failed", "ClaimMissing", f"there is no claim {cid}")
    if is_being_deleted(claim, o.now.timestamp()):
        return _entry(cid, "Failed", "ClaimDeleting", f"claim {cid} is being deleted")
    if is_lost(claim):
        return _entry(cid, "Failed", "ClaimLost", f"claim {cid} has lost its volume")
    if not node_name(o.pod) or terminating(o.pod):
        return _entry(cid, "Pending", "WaitingForMachine", "the machine has no node")
    tried = _result(cid, results, CreateAttachment)
    if tried is not None and tried.reason:
        return _entry(cid, "Attaching" if tried.reason == "Attaching" else "Failed", tried.reason, tried.message)
    return _entry(cid, "Attaching", "Attaching", "its attachment Pod is being made")


def _leaving(o: Observed, cid: str, results: Mapping[Step, Result]) -> Object:
    tried = _result(cid, results, Detach, LetGo)
    if tried is not None and tried.reason == "DiskBusy":
        return _entry(cid, "Detaching", "DiskBusy", tried.message)
    if tried is not None and tried.reason:
        return _entry(cid, "Detaching", "Detaching", tried.message)
    if since := silent(o):
        return _entry(cid, "Detaching", "Detaching", f"node {o.node_name} has not reported since {since}")
    return _entry(cid, "Detaching", "Detaching", "its attachment Pod ends")
