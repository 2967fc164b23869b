"""Before a snapshot: what the guest has written to a disk, and the node still has in memory, goes to its device."""

from __future__ import annotations

from bosh_kubernetes_api import paths
from bosh_kubernetes_api.machine import disk_status, disk_wishes

from ..errors import CloudError, VMNotFound
from ..operator_life import OperatorLife
from ..transport.observe import Wait, until
from ..verdicts import FLUSH, Patience, paused, summary, unreachable, wait
from .edit import change, new_request, served_by, wanting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]


def flush(call: Call, disk_cid: str) -> None:
    """Done at once for a disk that no machine has: it was unmounted when it was detached.

    Raises CloudError when the device cannot have everything: a snapshot without the last writes would pass for a whole
    one.
    """
    for machine in call.api.get(paths.machines(call.namespace))["items"]:
        if _may_have(machine, disk_cid):
            _flush_on(call, machine["metadata"]["name"], disk_cid)


def _flush_on(call: Call, vm_cid: str, disk_cid: str) -> None:
    request, patience = new_request(), Patience()

    def ask(machine: Json) -> Json | None:
        wishes = disk_wishes(machine)
        if disk_cid not in wishes:  # it is being detached, and unmounted with that
            return None
        return wanting(wishes | {disk_cid: {**wishes[disk_cid], "flush": request}})

    def flushed(now: Json | None) -> bool | Wait:
        if now is None or not _may_have(now, disk_cid):
            return True
        status = disk_status(now, disk_cid) or {}
        served = status.get("flush") or {}
        if served.get("id") in served_by(now, disk_cid, "flush", request):
            if why := served.get("error"):
                raise CloudError(f"{failed}: {why}")
            return True
        if why := paused(now):
            raise CloudError(f"{failed}: {why}", ok_to_retry=True)
        if unreachable(now):
            raise CloudError(f"{failed}: {summary(now)}", ok_to_retry=True)
        if left := patience.left("Flush", FLUSH):
            return wait(left)
        told = status.get("message") or "it takes too long"
        raise CloudError(f"{failed} within {FLUSH:.0f} s: {told}", ok_to_retry=True)

    failed = f"disk {disk_cid}: no snapshot, as what VirtualMachine {vm_cid} has written could not be flushed to it"
    try:
        change(call, vm_cid, ask)
    except VMNotFound:
        return
    doing = f"flushing disk {disk_cid} of VirtualMachine {vm_cid}"
    until(call.api, paths.machines(call.namespace), vm_cid, flushed, doing=doing, life=OperatorLife(call))


def _may_have(machine: Json, disk_cid: str) -> bool:
    """Whether the disk may be mounted on the machine's node. One that is refused, or waits for a node, is not."""
    return (disk_status(machine, disk_cid) or {}).get("phase") in ("Attaching", "Attached", "Detaching")
