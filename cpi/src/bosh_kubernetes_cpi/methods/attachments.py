"""attach_disk, detach_disk, get_disks: edits of `spec.disks`, waited for in `status.disks`."""

from __future__ import annotations

from time import time

from bosh_kubernetes_api import names, paths
from bosh_kubernetes_api.claims import is_lost
from bosh_kubernetes_api.deletion import is_being_deleted
from bosh_kubernetes_api.machine import condition, disk_status, disk_wishes, has_observed, wanted_disks

from ..errors import CloudError, DiskNotFound, Failure, VMNotFound
from ..operator_life import OperatorLife
from ..transport.observe import Wait, until
from ..verdicts import (
    DISK,
    FINAL,
    LIFELESS,
    STORED,
    UNHEARD,
    UNKNOWN,
    Patience,
    machine_left,
    machine_limit,
    node_lost,
    paused,
    summary,
    unreachable,
    wait,
)
from .disks import disk_claim, holder_of
from .edit import change, machine, new_request, served_by, wanting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from ..call import Call

    Json = dict[str, Any]
    T = TypeVar("T")


def attach_disk(call: Call, vm_cid: str, disk_cid: str) -> Json:
    """The hint for the agent: the path where the guest sees the disk. Attached already is success.

    A caller of version 1 does not tell the agent: its settings list the disk when this is answered. That is asked for
    each time, as a boot of the machine lists one disk only.

    Raises VMNotFound, DiskNotFound, and CloudError with the operator's reason, be it the disk's or the machine's; then
    the machine wants the disk no more.
    """
    machine(call, vm_cid)
    claim = disk_claim(call, disk_cid)
    if is_lost(claim):
        raise CloudError(f"disk {disk_cid}: its claim is Lost, the volume {claim['spec'].get('volumeName')} is gone")
    if is_being_deleted(claim, time()):
        raise DiskNotFound(f"disk {disk_cid} is being deleted")
    if holder := holder_of(call, disk_cid, other_than=vm_cid):
        raise CloudError(
            f"disk {disk_cid} cannot be attached to {vm_cid}: VirtualMachine {holder} has it; detach it there first"
        )
    added = False
    request = new_request() if call.version == 1 else ""
    wish = {"cid": disk_cid} | ({"inSettings": request} if request else {})

    def add(current: Json) -> Json | None:
        nonlocal added
        if current["metadata"].get("deletionTimestamp"):
            raise VMNotFound(f"VirtualMachine {vm_cid} is being deleted")
        wishes = disk_wishes(current)
        before = wishes.get(disk_cid)
        if before is None:
            added = True  # and stays so: an edit whose answer was lost is found done at the next look
        elif before | wish == before:
            return None
        return wanting(wishes | {disk_cid: (before or {}) | wish})

    try:
        path = _until_attached(call, vm_cid, disk_cid, change(call, vm_cid, add), request)
    except BaseException:
        if added:
            _take_back(call, vm_cid, disk_cid)
        raise
    return {"path": path}


def detach_disk(call: Call, vm_cid: str, disk_cid: str) -> None:
    """Detached already, and a machine that is gone, are success.

    Raises CloudError with the processes of the guest that use the disk; then nothing has changed. On a node that does
    not answer, and of a machine that a person has paused, it is an error too, but the request stays stored.
    """

    removed: Json = {"cid": disk_cid}

    def remove(current: Json) -> Json | None:
        nonlocal removed
        wishes = disk_wishes(current)
        removed = wishes.get(disk_cid, removed)
        return wanting(_without(wishes, disk_cid)) if disk_cid in wishes else None

    try:
        current = change(call, vm_cid, remove)
    except VMNotFound:
        return
    patience, timeouts = Patience(), call.config["timeouts"]
    generation = current["metadata"]["generation"]
    # Kubernetes has waited before it says so; a node that boots again gets a minute more.
    node_limit = min(machine_limit("NodeUnreachable", timeouts)[0], timeouts["node_loss"])

    def released(now: Json | None) -> bool | Wait:
        if now is None:
            return True
        heard = has_observed(now, generation)
        status = disk_status(now, disk_cid) or {}
        if heard and not status:
            return True
        if why := paused(now):
            raise CloudError(f"disk {disk_cid} is still attached to {vm_cid}: {why}. {STORED}", ok_to_retry=True)
        if unreachable(now):
            if left := patience.left("NodeUnreachable", node_limit):
                return wait(left)
            told = node_lost(now, node_limit)
            raise CloudError(f"disk {disk_cid} cannot be detached from {vm_cid}: {told}", ok_to_retry=True)
        if not heard:
            return wait(patience.left(UNHEARD, UNKNOWN) or 1)
        reason = status.get("reason") or UNHEARD
        left = patience.left(reason, DISK.get(reason, UNKNOWN))
        if left and status.get("phase") != "Failed":
            return wait(left)
        if reason == "DiskBusy":
            raise _BusyError(_told(f"disk {disk_cid} cannot be detached from {vm_cid}", status))
        raise CloudError(_told(f"disk {disk_cid} is still attached to {vm_cid}", status), ok_to_retry=True)

    try:
        _observe(call, vm_cid, released, f"detaching disk {disk_cid} from VirtualMachine {vm_cid}")
    except _BusyError:
        change(
            call,
            vm_cid,
            lambda now: None if disk_cid in wanted_disks(now) else wanting(disk_wishes(now) | {disk_cid: removed}),
        )
        raise


def get_disks(call: Call, vm_cid: str) -> list[str]:
    """CIDs of the disks that the machine should have. Raises VMNotFound."""
    return wanted_disks(machine(call, vm_cid))


class _BusyError(CloudError):
    """Processes of the guest hold the disk."""


def _until_attached(call: Call, vm_cid: str, disk_cid: str, edited: Json, request: str) -> str:
    patience, machine_patience = Patience(), Patience()
    generation = edited["metadata"]["generation"]
    timeouts = call.config["timeouts"]

    def attached(now: Json | None) -> str | Wait:
        if now is None:
            raise VMNotFound(f"VirtualMachine {vm_cid} was deleted while a disk was attached")
        heard = has_observed(now, generation)
        status = disk_status(now, disk_cid) or {} if heard else {}  # nothing that was said about an earlier wish
        listed = not request or status.get("inSettings") in served_by(now, disk_cid, "inSettings", request)
        if status.get("phase") == "Attached" and listed:
            return str(status.get("path") or names.disk_path(disk_cid))
        if status.get("phase") == "Attached":
            status = {**status, "message": "the settings of the machine's agent do not list it yet"}
        if why := paused(now):
            raise CloudError(f"disk {disk_cid} cannot be attached to {vm_cid}: {why}")
        if condition(now, "Ready").get("reason") in LIFELESS and not machine_left(now, timeouts, machine_patience)[0]:
            told = f"disk {disk_cid} cannot be attached to {vm_cid}: the machine is {summary(now)}"
            raise CloudError(told, ok_to_retry=unreachable(now))
        reason = status.get("reason") or UNHEARD
        limit = DISK.get(reason, UNKNOWN)
        left = patience.left(reason, limit)
        if left and status.get("phase") != "Failed":
            return wait(left)
        raise _refusal(vm_cid, disk_cid, status)

    return _observe(call, vm_cid, attached, f"attaching disk {disk_cid} to VirtualMachine {vm_cid}")


def _observe(call: Call, vm_cid: str, decide: Callable[[Json | None], T | Wait], doing: str) -> T:
    life = OperatorLife(call)
    return until(call.api, paths.machines(call.namespace), vm_cid, decide, doing=doing, life=life, state=summary)


def _refusal(vm_cid: str, disk_cid: str, status: Json) -> Failure:
    text = _told(f"disk {disk_cid} cannot be attached to {vm_cid}", status)
    if status.get("reason") in ("ClaimMissing", "ClaimDeleting"):
        return DiskNotFound(text)
    return CloudError(text, ok_to_retry=status.get("reason") not in FINAL)


def _told(what: str, status: Json) -> str:
    message = status.get("message") or "the operator has said nothing about it"
    return f"{what}: {status.get('reason', '')}: {message}" if status.get("reason") else f"{what}: {message}"


def _take_back(call: Call, vm_cid: str, disk_cid: str) -> None:
    """The wish of a failed attach must not come true later, when the disk may be wanted elsewhere."""
    call.begin_cleanup(15)
    try:
        change(call, vm_cid, lambda now: wanting(_without(disk_wishes(now), disk_cid)))
    except Failure:
        return  # the failure that is being reported matters more; a repeat of the call finds the wish


def _without(wishes: dict[str, Json], disk_cid: str) -> dict[str, Json]:
    return {cid: wish for cid, wish in wishes.items() if cid != disk_cid}
