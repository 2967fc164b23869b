"""create_disk, delete_disk, has_disk: a disk is a claim, and only delete_disk deletes it."""

from __future__ import annotations

from bosh_kubernetes_api import names, paths
from bosh_kubernetes_api.claims import claim, is_disk, is_lost
from bosh_kubernetes_api.deletion import deleting_since
from bosh_kubernetes_api.machine import holds_disk

from ..call import hold
from ..errors import CloudError, Conflict, DiskNotFound, Failure, NotFound
from ..transport.observe import Wait, until
from .storage_class import check_storage_class

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]


def create_disk(call: Call, size: int, cloud_properties: Json | None, _vm_cid: str | None = None) -> str:
    """CID of a new disk of `size` MiB. Not waited for: many classes bind a claim only when a Pod wants it."""
    if size <= 0:
        raise CloudError(f"a disk needs a size above 0 MiB, not {size}")
    properties = disk_properties(call, cloud_properties)
    director = call.director
    check_storage_class(call, properties["storage_class"])
    snapshot_class, attributes_class = properties.get("snapshot_class", ""), properties.get("attributes_class", "")
    if snapshot_class:
        from .snapshot_class import check_snapshot_class

        check_snapshot_class(call, snapshot_class)
    if attributes_class:
        from .attributes_class import check_attributes_class

        check_attributes_class(call, attributes_class)
    cid = names.new_cid("disk")
    wanted = claim(
        cid,
        director=director,
        size=size,
        storage_class=properties["storage_class"],
        access_mode=properties["access_mode"],
        snapshot_class=snapshot_class,
        attributes_class=attributes_class,
    )
    try:
        call.api.create(paths.claims(call.namespace), wanted)
        hold()
    except BaseException as failure:
        # the caller has no name to find it by: it may have been made although no answer came
        rest = _undo(call, cid)
        if rest and isinstance(failure, Failure):
            failure.message += rest
        raise
    return cid


def _undo(call: Call, cid: str) -> str:
    """Remove the claim, if it was made; when nobody can tell, a sentence about it."""
    call.begin_cleanup(15)
    try:
        call.api.delete(paths.item(paths.claims(call.namespace), cid))
    except Failure as failure:
        return f". The claim may be there all the same ({failure.message}); to remove it: kubectl delete pvc {cid}"
    return ""


def disk_properties(call: Call, cloud_properties: Json | None) -> Json:
    """Cloud properties of a disk with their defaults. Raises BadProperty that names a key that is wrong."""
    from ..cloud_properties import DISK, read  # has_disk needs none of it

    return {"storage_class": "", **read(DISK, cloud_properties, "the disk", call.config)}


def has_disk(call: Call, disk_cid: str) -> bool:
    """Raises CloudError for a claim that lost its volume: neither true nor false would be right."""
    found = call.api.find(paths.item(paths.claims(call.namespace), disk_cid)) if names.is_cid(disk_cid) else None
    if found is None or not is_disk(found):
        return False
    if is_lost(found):
        raise CloudError(f"disk {disk_cid}: its claim is Lost, the volume {found['spec'].get('volumeName')} is gone")
    return True


def delete_disk(call: Call, disk_cid: str) -> None:
    """An absent disk is success; one that a machine wants or has is an error, and stays.

    The claim is marked first, so that no operator attaches it after the machines were checked.
    """
    if not names.is_cid(disk_cid):
        return
    path = paths.item(paths.claims(call.namespace), disk_cid)
    found = _marked(call, path, disk_cid)
    if found is None:
        return
    uid = found["metadata"]["uid"]
    try:
        holder = holder_of(call, disk_cid)
    except BaseException:
        call.begin_cleanup(15)
        _try_to_unmark(call, path, found)
        raise
    if holder and not found["metadata"].get("deletionTimestamp"):
        _unmark(call, path, found)
        raise CloudError(
            f"disk {disk_cid} is attached to VirtualMachine {holder}: detach it first (detach_disk), or delete the VM; "
            "nothing was deleted"
        )
    try:
        call.api.delete(path, uid=uid)
    except Conflict:
        return

    def gone(current: Json | None) -> bool | Wait:
        return True if current is None or current["metadata"]["uid"] != uid else Wait()

    doing = f"deleting the claim {disk_cid}, which a Pod may still use (kubectl describe pvc {disk_cid})"
    until(call.api, paths.claims(call.namespace), disk_cid, gone, doing=doing)


def disk_claim(call: Call, disk_cid: str) -> Json:
    """The claim of a disk. Raises DiskNotFound."""
    found = call.api.find(paths.item(paths.claims(call.namespace), disk_cid)) if names.is_cid(disk_cid) else None
    if found is None or not is_disk(found):
        raise DiskNotFound(f"there is no disk {disk_cid!r} (a PersistentVolumeClaim) in namespace {call.namespace}")
    return found


def _marked(call: Call, path: str, disk_cid: str) -> Json | None:
    """The claim, marked as being deleted; None when there is none."""
    from time import time

    while True:
        found = call.api.find(path)
        if found is None:
            return None
        if not is_disk(found):
            raise CloudError(f"the claim {disk_cid} is no disk of BOSH (its labels say so): it is not deleted")
        before = deleting_since(found)
        mark = str(max(int(time()), int(before) + 1 if before.isdigit() else 0))  # another than anybody's before
        version = found["metadata"]["resourceVersion"]
        body = {"metadata": {"resourceVersion": version, "annotations": {names.DELETING: mark}}}
        try:
            return call.api.merge_patch(path, body)
        except Conflict:
            call.deadline.check(f"marking the claim {disk_cid}, which others change all the time")
            call.deadline.pause(0.05)
        except NotFound:
            return None


def _unmark(call: Call, path: str, marked: Json) -> None:
    """Unless another call has marked it since: that one relies on its mark."""
    found: Json | None = marked
    while found is not None and deleting_since(found) == deleting_since(marked):
        version = found["metadata"]["resourceVersion"]
        try:
            call.api.merge_patch(
                path, {"metadata": {"resourceVersion": version, "annotations": {names.DELETING: None}}}
            )
            return
        except Conflict:
            call.deadline.check("taking the mark of deletion off a claim that others change all the time")
            call.deadline.pause(0.05)
        found = call.api.find(path)


def _try_to_unmark(call: Call, path: str, marked: Json) -> None:
    try:
        _unmark(call, path, marked)
    except Failure:
        return  # the failure that is being reported matters more; the mark is believed for a while only


def holder_of(call: Call, disk_cid: str, *, other_than: str = "") -> str:
    """A machine of any Director that wants the disk or has it still; empty when there is none (`other_than` aside)."""
    for machine in call.api.get(paths.machines(call.namespace))["items"]:
        name: str = machine["metadata"]["name"]
        if name != other_than and holds_disk(machine, disk_cid):
            return name
    return ""
