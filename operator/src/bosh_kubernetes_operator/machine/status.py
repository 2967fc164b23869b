"""The status of a machine, from one look at it and what became of the steps. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from bosh_kubernetes_api import reasons

from ..queue import Again
from . import delete, verdicts
from .disks import disk_entries
from .state import (
    Object,
    Observed,
    condition,
    disk_lost,
    never_ran,
    node_name,
    phase,
    running,
    silent_node,
    terminating,
    unheard,
    unreachable,
)
from .steps import CreateAddress, CreateCleanup, CreatePod, CreateRootClaim, Order, Result, Step


class Verdict(NamedTuple):
    reason: str  # of reasons.MACHINE
    message: str


def compute(o: Observed, results: Mapping[Step, Result]) -> Object:
    """The whole status, ready to be applied: `conditions` keep the time of their last transition."""
    verdict = machine(o, results)
    disks = disk_entries(o, results)
    on = o.guest is not None and o.guest.runs and not o.guest.switching
    runs = on and not terminating(o.pod) and not unreachable(o.node)
    conditions = [
        _scheduled(o, verdict),
        _guest_running(o, verdict, runs),
        _disks_ready(disks),
    ]
    conditions.append(_ready(o, verdict, conditions, runs))
    status: Object = {
        "observedGeneration": o.vm["metadata"].get("generation", 0),
        "printableStatus": reasons.MACHINE[conditions[-1]["reason"]],
        "conditions": [_since(o, c) for c in conditions],
        "disks": disks,
        "power": _power(o, results),
        "pod": _pod(o),
        "guest": _guest(o),
        "reboot": _reboot(o),
    }
    return {key: value for key, value in status.items() if value not in (None, {}, "")}


def machine(o: Observed, results: Mapping[Step, Result]) -> Verdict:
    """What there is to say about the machine itself, the thing that matters most first."""
    if o.deleting and not o.paused:
        return _ending(o, results)
    if o.pod is None:
        return _without_pod(o, results)
    if o.root_lost:
        said = o.pod.get("status", {})
        why = ": ".join(filter(None, (said.get("reason"), said.get("message"))))
        return Verdict("RootLost", _lost(f"Pod {o.name} ended{' (' + why + ')' if why else ''}"))
    since = unreachable(o.node)
    if since:
        return Verdict("NodeUnreachable", verdicts.silent(o.node_name, since))
    if terminating(o.pod):
        return Verdict("Terminating", f"Pod {o.name} is being deleted, though not by this operator")
    if phase(o.pod) in ("Failed", "Succeeded"):
        return Verdict("PodCreating", f"Pod {o.name} ended and is made again: its root disk is on a claim")
    if not node_name(o.pod):
        return _unscheduled(o)
    if not running(o.pod):
        return _image(o, *verdicts.starting(o.pod, o.warnings.get(o.pod["metadata"]["uid"], "")))
    return _with_guest(o, results)


def _ending(o: Observed, results: Mapping[Step, Result]) -> Verdict:
    if silent_node(o)[0]:
        return Verdict("NodeUnreachable", delete.waits_for(o))
    for step, result in results.items():
        if isinstance(step, CreateCleanup) and result.reason in delete.REFUSED:
            return Verdict(result.reason, delete.refused(o, result.message))
    return Verdict("Terminating", delete.waits_for(o))


def _held(o: Observed, seen: str) -> str:
    asked = ", though it was asked to delete it" if o.deleting else ""
    return f"spec.paused: the operator does nothing to this machine{asked}; {seen}"


def _lost(what: str) -> str:
    return f"{what}, and its root disk with it; the machine has to be recreated"


def _without_pod(o: Observed, results: Mapping[Step, Result]) -> Verdict:
    if o.root_lost:
        return Verdict("RootLost", _lost(f"Pod {o.name} is gone"))
    if o.paused:
        return Verdict("Paused", _held(o, "there is no Pod"))
    if not o.settings:
        return Verdict("WaitingForSettings", f"ConfigMap {o.name} is not there yet")
    node, since = unheard(o)
    if node:
        return Verdict("NodeUnreachable", verdicts.silent(node, since))
    for step, result in results.items():
        if isinstance(step, (CreateAddress, CreateRootClaim, CreatePod)) and result.reason:
            return Verdict(result.reason, result.message)
    return Verdict("PodCreating", f"Pod {o.name} is being made")


def _unscheduled(o: Observed) -> Verdict:
    reason, message = verdicts.unscheduled(o.pod or {})
    asked = verdicts.wishes({**(o.machine.get("placement") or {}), "disks": o.placed})
    return Verdict(reason, f"{message} (asked for: {asked})" if asked and reason == "Unschedulable" else message)


def _image(o: Observed, reason: str, message: str) -> Verdict:
    """Between two tries the kubelet may not repeat why the last one failed: what was known stays."""
    before = _condition(o, "Ready")
    if reason == "ImagePullFailed" and before.get("reason") in ("ImageNotFound", "ImageDenied"):
        return Verdict(before["reason"], before["message"])
    return Verdict(reason, message)


def _with_guest(o: Observed, results: Mapping[Step, Result]) -> Verdict:
    g = o.guest
    lost = sorted({cid for cid, disk in (g.disks if g else {}).items() if disk_lost(disk)} | _resets(results))
    if lost:
        return Verdict(
            "DiskLost", f"the device of {', '.join(lost)} is another one than the guest had; the guest is reset"
        )
    if g is None or g.state == "starting":
        return Verdict("Starting", "the firmware starts")
    rebooting = bool(g.pending)
    if g.stray:
        return Verdict("WaitingForDisk", f"the guest uses disk {g.stray}, which the machine should not have")
    if g.state == "waiting":
        return Verdict(
            "WaitingForDisk", f"the guest boots once it has its disks: {', '.join(g.missing) or 'not there yet'}"
        )
    if g.state == "running" and g.switching:
        return Verdict("Stopped", "the guest was told to stop")
    if g.state == "crashed":
        return Verdict("GuestCrashing", f"the guest's init ended unexpectedly {g.crashes} times; it is started again")
    if g.state in ("stopping", "stopped"):
        off = reasons.GUEST_OFF if g.state == "stopped" else "the guest is stopping"
        return Verdict("Rebooting", "the guest reboots") if rebooting else Verdict("Stopped", off)
    if g.runs:
        return Verdict("Rebooting", "the guest reboots") if rebooting else Verdict("Running", "the guest's init runs")
    return Verdict("Starting", "the guest starts")


def _resets(results: Mapping[Step, Result]) -> set[str]:
    """Disks for whose sake the guest was reset in this pass: it may have let go of the old device already."""
    return {step.disk for step in results if isinstance(step, Order) and step.disk}


def _scheduled(o: Observed, verdict: Verdict) -> Object:
    node = node_name(o.pod)
    if node:
        return _new("Scheduled", "True", "Scheduled", f"on node {node}")
    unschedulable = condition(o.pod, "PodScheduled").get("status") == "False"
    return _new("Scheduled", "False" if unschedulable or o.pod is None else "Unknown", *verdict)


def _guest_running(o: Observed, verdict: Verdict, runs: bool) -> Object:
    if runs:
        return _new("GuestRunning", "True", "Running", "the guest's init runs")
    unknown = verdict.reason == "NodeUnreachable" or (running(o.pod) and o.guest is None)
    return _new("GuestRunning", "Unknown" if unknown else "False", *verdict)


def _disks_ready(disks: list[Object]) -> Object:
    for disk in sorted(disks, key=lambda d: d["phase"] != "Failed"):
        if disk["phase"] != "Attached":
            return _new("DisksReady", "False", disk["reason"], f"{disk['cid']}: {disk.get('message') or disk['phase']}")
    return _new("DisksReady", "True", "Attached", f"{len(disks)} attached")


def _ready(o: Observed, verdict: Verdict, conditions: list[Object], runs: bool) -> Object:
    disks = conditions[-1]
    if o.paused and verdict.reason not in ("Paused", "RootLost", "NodeUnreachable"):
        verdict = Verdict("Paused", _held(o, f"{verdict.reason}: {verdict.message}"))
    if verdict.reason == "Running" and disks["status"] == "False":
        word = "DiskLost" if disks["reason"] == "DiskLost" else "WaitingForDisk"
        return _new("Ready", "False", word, disks["message"])
    return _new("Ready", "True" if runs and verdict.reason == "Running" else "False", *verdict)


def _new(type_: str, status: str, reason: str, message: str) -> Object:
    return {"type": type_, "status": status, "reason": reason, "message": message[:4096]}


def _condition(o: Observed, type_: str) -> Object:
    return next((c for c in o.status.get("conditions") or () if c["type"] == type_), {})


def _since(o: Observed, new: Object) -> Object:
    before = _condition(o, new["type"])
    same = before.get("status") == new["status"]
    new["lastTransitionTime"] = before["lastTransitionTime"] if same else rfc3339(o.now)
    new["observedGeneration"] = o.vm["metadata"].get("generation", 0)
    return new


def rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _pod(o: Observed) -> Object | None:
    """What is known of the Pod; kept when it is gone, for that is how a lost root is told from a new machine."""
    before = o.status.get("pod")
    if o.pod is None:
        return before
    known = {
        "name": o.name,
        "uid": o.pod["metadata"]["uid"],
        "node": node_name(o.pod),
        "ip": o.pod.get("status", {}).get("podIP", ""),
    }
    return {key: value for key, value in known.items() if value}


def _guest(o: Observed) -> Object | None:
    if o.guest is None or o.guest.state == "starting":
        return o.status.get("guest")
    return {"boots": o.guest.boots, "crashes": o.guest.crashes}


def _power(o: Observed, results: Mapping[Step, Result]) -> str:
    served = {"stop": "Stopped", "start": "Running", "reboot": "Running"}
    for step, result in results.items():
        if isinstance(step, Order) and step.order in served and not result.reason:
            return served[step.order]
    return str(o.status.get("power", "Running"))


def _reboot(o: Observed) -> str | None:
    wanted = o.spec.get("reboot")
    served = wanted and o.guest and o.guest.served == wanted and o.guest.runs
    return wanted if served else o.status.get("reboot")


def again(o: Observed, status: Object, results: Mapping[Step, Result]) -> Again:
    """When to look at the machine again without being told."""
    if _resets(results) or any(result.soon for result in results.values()):
        return Again.POLL
    conditions = {c["type"]: c for c in status["conditions"]}
    settled = conditions["Ready"]["status"] == "True" or conditions["Ready"]["reason"] in ("RootLost", "Paused")
    if o.deleting or conditions["Ready"]["reason"] == "NodeUnreachable":
        return Again.WAITING
    g = o.guest
    if o.pod is not None and running(o.pod) and not terminating(o.pod):
        unsettled = g is None or g.state in ("starting", "stopping") or (g.state == "running" and not g.runs)
        if unsettled or (g and (g.switching or (g.pending and g.state != "waiting"))):
            return Again.POLL
        if g and g.state == "stopped" and conditions["DisksReady"]["status"] == "True":
            settled = True
    if o.pod is not None and node_name(o.pod) and never_ran(o.pod):
        return Again.WAITING
    return Again.SETTLED if settled else Again.WAITING
