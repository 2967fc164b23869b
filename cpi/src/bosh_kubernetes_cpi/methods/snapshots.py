"""snapshot_disk, delete_snapshot: a snapshot is a VolumeSnapshot, taken by the storage."""

from __future__ import annotations

from time import time

from bosh_kubernetes_api import names, paths
from bosh_kubernetes_api.claims import is_bound, is_lost
from bosh_kubernetes_api.deletion import is_being_deleted
from bosh_kubernetes_api.snapshots import is_snapshot, snapshot

from ..call import hold
from ..errors import ApiError, CloudError, Conflict, DiskNotFound, Failure
from ..log import progress
from ..transport.observe import Wait, until
from ..verdicts import SNAPSHOT, Patience, wait
from .disks import disk_claim
from .flush import flush
from .snapshot_class import snapshot_class_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]


def snapshot_disk(call: Call, disk_cid: str, metadata: Json | None) -> str:
    """CID of a new snapshot that is ready to be restored. It holds all that was written when it was asked for.

    Raises DiskNotFound; Unimplemented where the cluster has no snapshots, or no class for this disk's; CloudError with
    what the storage says, or why a machine's last writes do not reach the disk (flush). Whatever fails, the
    VolumeSnapshot is removed: the caller has no CID to do it by.
    """
    claim = disk_claim(call, disk_cid)
    if is_being_deleted(claim, time()):
        raise DiskNotFound(f"disk {disk_cid} is being deleted")
    if is_lost(claim):
        raise CloudError(f"disk {disk_cid}: its claim is Lost, the volume {claim['spec'].get('volumeName')} is gone")
    snapshot_class = snapshot_class_of(call, claim)
    if not is_bound(claim):
        raise CloudError(f"disk {disk_cid} has no volume yet (no machine has had it): there is nothing to snapshot")
    flush(call, disk_cid)
    cid = names.new_cid("snapshot")
    metadata = metadata or {}
    wanted = snapshot(cid, director=call.director, disk_cid=disk_cid, snapshot_class=snapshot_class, metadata=metadata)
    try:
        call.api.create(paths.snapshots(call.namespace), wanted)
        progress(f"{cid}: made, waiting for the storage to take it")
        _until_ready(call, cid, disk_cid)
        hold()
    except BaseException as failure:
        call.begin_cleanup(15)
        rest = _undo(call, cid)
        if rest and isinstance(failure, Failure):
            failure.message += rest
        raise
    return cid


def delete_snapshot(call: Call, snapshot_cid: str) -> None:
    """An absent snapshot is success, and it is absent where its kind is. Done when the storage has let it go."""
    if not names.is_cid(snapshot_cid):
        return
    path = paths.item(paths.snapshots(call.namespace), snapshot_cid)
    try:
        found = call.api.find(path)
    except ApiError as error:
        if error.status == 404 and not _has_snapshots(call):
            return
        raise
    if found is None:
        return
    if not is_snapshot(found):
        raise CloudError(f"VolumeSnapshot {snapshot_cid} is none of BOSH (its labels say so): it is not deleted")
    uid = found["metadata"]["uid"]
    try:
        call.api.delete(path, uid=uid)
    except Conflict:
        return  # another object of that name: the snapshot is gone

    def gone(current: Json | None) -> bool | Wait:
        return True if current is None or current["metadata"]["uid"] != uid else Wait()

    doing = f"deleting VolumeSnapshot {snapshot_cid} (kubectl describe volumesnapshot {snapshot_cid})"
    until(call.api, paths.snapshots(call.namespace), snapshot_cid, gone, doing=doing, state=_said)


def _until_ready(call: Call, cid: str, disk_cid: str) -> None:
    """Raises CloudError when an error of the storage, or its silence, lasts longer than it may."""
    patience = Patience()

    def ready(current: Json | None) -> bool | Wait:
        if current is None or current["metadata"].get("deletionTimestamp"):
            raise CloudError(f"snapshot of disk {disk_cid}: VolumeSnapshot {cid} was deleted while it was taken")
        status = current.get("status") or {}
        if status.get("readyToUse"):
            return True
        if status and not status.get("error"):
            return Wait()
        reason = "Error" if status else "Unheard"
        limit, retry = SNAPSHOT[reason]
        if left := patience.left(reason, limit):
            return wait(left)
        raise CloudError(
            f"disk {disk_cid} could not be snapshotted within {limit:.0f} s: {_said(current)}", ok_to_retry=retry
        )

    doing = f"waiting for the snapshot {cid} of disk {disk_cid}"
    until(call.api, paths.snapshots(call.namespace), cid, ready, doing=doing, state=_said)


def _said(found: Json) -> str:
    """What its status says."""
    status = found.get("status") or {}
    if error := status.get("error"):
        return str(error.get("message") or "the storage reports an error without a message")
    if not status:
        return "no snapshot controller has said a word about it: look whether one runs in the cluster"
    return "the storage is at it"


def _has_snapshots(call: Call) -> bool:
    """Whether the API server, which answered that a path is unknown, has the kinds of snapshots."""
    groups = call.api.get(paths.GROUPS)["groups"]
    return any(version["groupVersion"] == paths.SNAPSHOT_API for group in groups for version in group["versions"])


def _undo(call: Call, cid: str) -> str:
    """Remove the VolumeSnapshot, if it was made; when nobody can tell, a sentence about it."""
    try:
        call.api.delete(paths.item(paths.snapshots(call.namespace), cid))
    except Failure as failure:
        return f". It may be left over ({failure.message}); to remove it: kubectl delete volumesnapshot {cid}"
    return ""
