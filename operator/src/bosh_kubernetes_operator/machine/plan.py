"""The next steps of a machine, from one look at it. Pure: the same look gives the same steps."""

from __future__ import annotations

from typing import NamedTuple

from bosh_kubernetes_api import names
from bosh_kubernetes_api.claims import is_lost
from bosh_kubernetes_api.deletion import is_being_deleted

from . import delete
from .pod import HELD_ON
from .state import (
    GuestDisk,
    Object,
    Observed,
    astray,
    disk_lost,
    gone_for_good,
    held_on,
    lost_id,
    node_name,
    phase,
    running,
    silent,
    terminating,
    unbound,
    unheard,
    unreachable,
)
from .steps import (
    AddFinalizer,
    Attach,
    CreateAddress,
    CreateAttachment,
    CreatePod,
    CreateRootClaim,
    DeletePod,
    Detach,
    Flush,
    LetGo,
    Order,
    Step,
)


class Power(NamedTuple):
    wanted: str
    served: str


def plan(o: Observed) -> list[Step]:
    """Steps in the order in which they are to be taken; those for different disks may be taken together."""
    if o.paused:
        return []
    if o.deleting:
        return delete.plan(o)
    if names.FINALIZER not in o.vm["metadata"].get("finalizers", ()):
        return [AddFinalizer()]
    if o.pod is None and not o.root_lost:
        return _make(o) + _disks(o)
    if o.pod is not None and phase(o.pod) in ("Failed", "Succeeded") and o.root_is_claim and not terminating(o.pod):
        # Its containers have ended for good, the root disk is on the claim: room for the next Pod.
        return [DeletePod(o.name, o.pod["metadata"]["uid"], 0)]
    if o.pod is not None and _waits_in_vain(o, o.pod):
        return [DeletePod(o.name, o.pod["metadata"]["uid"], 0), *_disks(o)]
    return _orders(o) + _disks(o)


def _make(o: Observed) -> list[Step]:
    """What the machine's Pod stands on comes first; a step that must wait for another is in a later plan.

    Nothing is made while the Pod before may run still, or hold disks, on a node that says nothing.
    """
    if not o.settings or unheard(o)[0]:
        return []
    ours = {ip for ip, service in o.services.items() if o.owns(service)}
    first: list[Step] = [CreateAddress(ip) for ip in o.addresses if ip not in ours]  # refused: it tells who has it
    if o.root_is_claim and o.root_claim is None:
        first.append(CreateRootClaim())
    return first or [CreatePod()]


def _waits_in_vain(o: Observed, pod: Object) -> bool:
    """The Pod waits for the node where disks of the machine were attached, and they no longer hold it there."""
    asked = (pod["metadata"].get("annotations") or {}).get(HELD_ON, "")
    return not node_name(pod) and not terminating(pod) and asked not in ("", held_on(o))


def power(o: Observed) -> Power:
    return Power(o.spec.get("power", "Running"), o.status.get("power", "Running"))


def _orders(o: Observed) -> list[Step]:
    if o.guest is None or o.guest.state == "starting":
        return []
    wanted, served = power(o)
    if wanted == "Stopped":
        return [Order("stop")] if served != wanted else []
    reboot = o.spec.get("reboot", "")
    if reboot and reboot not in (o.status.get("reboot"), o.guest.served, o.guest.pending):
        return [Order("reboot", reboot)]  # starts a machine that is off: with `start` before, it would boot twice
    return [Order("start")] if served != wanted else []


def _disks(o: Observed) -> list[Step]:
    steps = [_wanted(o, cid) for cid in o.wanted] + [_flush(o, cid) for cid in o.wanted]
    if not silent(o):  # letting go takes answers
        steps += [_leaving(o, cid) for cid in o.leaving]
    return [step for step in steps if step]


def _leaving(o: Observed, cid: str) -> Step:
    """Whatever may have the disk mounted is asked to release it first."""
    return Detach(cid) if o.guest_disks is None or cid in o.guest_disks else LetGo(cid)


def _wanted(o: Observed, cid: str) -> Step | None:
    attachment, disk = o.attachments.get(cid), o.guest.disks.get(cid) if o.guest else None
    lost = o.root_lost or unreachable(o.node) or gone_for_good(o, o.node_name)
    place = "" if terminating(o.pod) or lost else node_name(o.pod)
    if attachment is None:
        claim = o.claims.get(cid)
        usable = claim is not None and not is_being_deleted(claim, o.now.timestamp()) and not is_lost(claim)
        return CreateAttachment(cid) if usable and place else None
    there = node_name(attachment)
    if phase(attachment) in ("Failed", "Succeeded") and not gone_for_good(o, there):
        # Nobody can be asked there, and its bind may be left: only one on the same node goes on with that.
        return LetGo(cid) if place and there in ("", place) else None
    if astray(o, attachment):
        return LetGo(cid)
    if terminating(attachment):
        # Deleted by accident: the bind stays and guards the disk until the Pod can be made again. It may go at once
        # when the guest has nothing of the disk.
        return LetGo(cid) if o.guest_disks is not None and cid not in o.guest_disks else None
    if not running(attachment) or o.guest is None or o.guest.state == "starting":
        return None
    if disk and disk_lost(disk):
        return _lost(o, cid, disk)
    if unbound(attachment, o.now) and not (disk and disk.mounted):
        return LetGo(cid)
    before, settings = o.disk_status.get(cid, {}), o.wishes[cid].get("inSettings", "")
    # Once listed, the firmware decides which of several disks a boot lists: one more could keep the agent down.
    unserved = "" if before.get("inSettings") == settings else settings
    attached = before.get("phase") == "Attached" and disk and disk.mounted
    return None if attached and not unserved else Attach(cid, unserved)


def _flush(o: Observed, cid: str) -> Step | None:
    """Asked of the attachment: what it needs is there whether the guest runs, has mounted the disk, or is off."""
    request, attachment = o.wishes[cid].get("flush", ""), o.attachments.get(cid)
    if not request or (o.disk_status.get(cid, {}).get("flush") or {}).get("id") == request:
        return None
    there = node_name(attachment)
    if not running(attachment) or unreachable(o.nodes.get(there)) or gone_for_good(o, there):
        return None
    return Flush(cid, request)


def _lost(o: Observed, cid: str, disk: GuestDisk) -> Step | None:
    """The guest holds another device than the one that is bound now: a hard reset makes it let go of everything."""
    assert o.guest is not None
    request = lost_id(cid, disk, o.guest.boots)
    if not o.guest.runs or o.guest.served == request:
        return Attach(cid)  # records the device that is bound now
    return None if o.guest.pending == request else Order("reset", request, cid)
