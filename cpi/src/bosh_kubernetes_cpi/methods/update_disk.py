"""update_disk: a disk gets other cloud properties where it is; what cannot be had so is NotSupported, and is copied.

A claim can change the VolumeAttributesClass of its volume, it can grow (resize_disk), and the class of its snapshots is
ours. Its storage class and its access mode never change.
"""

from __future__ import annotations

from time import time

from bosh_kubernetes_api import names, paths
from bosh_kubernetes_api.claims import asked_size, is_bound, is_lost
from bosh_kubernetes_api.deletion import is_being_deleted
from bosh_kubernetes_api.machine import condition
from bosh_kubernetes_api.quantities import MIB

from ..errors import CloudError, Conflict, DiskNotFound, Failure, NotFound, NotSupported
from ..log import progress
from ..transport.observe import Wait, until
from ..verdicts import MODIFICATION, Patience, wait
from .attributes_class import check_attributes_class, has_attributes_classes
from .disks import disk_claim, disk_properties
from .edit import PAUSE
from .resize_disk import refuse_growth, resize_disk
from .storage_class import is_default_class

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]

UNCHANGED = "nothing was changed; the Director copies the disk instead"


def update_disk(call: Call, disk_cid: str, new_size: int, cloud_properties: Json | None) -> None:
    """Done in place, so the answer is null: the CID stays.

    Raises DiskNotFound; NotSupported when the disk would have to be another one, or its driver does not do it, with the
    disk as it was; CloudError for cloud properties that no disk can have.
    """
    if new_size <= 0:
        raise CloudError(f"a disk needs a size above 0 MiB, not {new_size}")
    properties = disk_properties(call, cloud_properties)
    claim = disk_claim(call, disk_cid)
    if is_being_deleted(claim, time()):
        raise DiskNotFound(f"disk {disk_cid} is being deleted")
    if is_lost(claim):
        raise CloudError(f"disk {disk_cid}: its claim is Lost, the volume {claim['spec'].get('volumeName')} is gone")
    snapshot_class, attributes = properties.get("snapshot_class", ""), properties.get("attributes_class", "")
    before = _attributes(claim)
    if obstacles := _obstacles(call, claim, properties):
        raise NotSupported(f"disk {disk_cid} cannot be changed in place: {'; '.join(obstacles)}; {UNCHANGED}")
    if new_size * MIB != asked_size(claim):
        refuse_growth(call, claim, new_size)
    if attributes and attributes != before:
        check_attributes_class(call, attributes)
    if snapshot_class and snapshot_class != _snapshot_class(claim):
        from .snapshot_class import check_snapshot_class

        check_snapshot_class(call, snapshot_class)
    if attributes != before:
        _modify(call, disk_cid, attributes, before)
    elif attributes and is_bound(claim) and modification(claim, attributes)[0]:  # asked for by a call that died
        has = claim.get("status", {}).get("currentVolumeAttributesClassName", "")
        _modify(call, disk_cid, attributes, has)
    if snapshot_class != _snapshot_class(claim):
        _change(call, disk_cid, lambda _: {"metadata": {"annotations": {names.SNAPSHOT_CLASS: snapshot_class or None}}})
    resize_disk(call, disk_cid, new_size)  # last: only this cannot be put back


def _obstacles(call: Call, claim: Json, properties: Json) -> list[str]:
    """Why the disk would have to be another one, whatever its size."""
    result = []
    spec = claim["spec"]
    storage_class, wanted_class = spec.get("storageClassName", ""), properties["storage_class"]
    if wanted_class and wanted_class != storage_class:
        result.append(f"its storage_class is {storage_class!r}, and {wanted_class!r} is asked for")
    elif not wanted_class and storage_class and not is_default_class(call, storage_class):
        result.append(f"its storage_class is {storage_class!r}, and the cluster's default one is asked for")
    access_mode = properties["access_mode"]
    if spec["accessModes"] != [access_mode]:
        result.append(f"its access_mode is {', '.join(spec['accessModes'])}, and {access_mode} is asked for")
    before, attributes = _attributes(claim), properties.get("attributes_class", "")
    if attributes == before:
        return result
    if not attributes:
        result.append(f"its attributes_class {before!r} can be changed, but not taken away")
    elif not is_bound(claim):
        result.append("it has no volume yet whose attributes could change")
    elif not has_attributes_classes(call):
        result.append("this Kubernetes has no VolumeAttributesClasses")
    return result


def _modify(call: Call, disk_cid: str, attributes: str, before: str) -> None:
    """Ask for the attributes and wait until the volume has them; otherwise ask for those before again."""
    try:
        _change(call, disk_cid, lambda _: {"spec": {"volumeAttributesClassName": attributes}})
        progress(f"{disk_cid}: waiting for its driver to change the volume")
        _until_modified(call, disk_cid, attributes)
    except BaseException as failure:
        call.begin_cleanup(15)
        rest = _put_back(call, disk_cid, attributes, before)
        if isinstance(failure, _RefusedError):
            raise NotSupported(f"{failure.message}; {rest or UNCHANGED}") from failure
        if rest and isinstance(failure, Failure):
            failure.message += f"; {rest}"
        raise


class _RefusedError(CloudError):
    """The driver does not do it."""


def _until_modified(call: Call, disk_cid: str, attributes: str) -> None:
    patience = Patience()

    def modified(claim: Json | None) -> bool | Wait:
        if claim is None:
            raise DiskNotFound(f"disk {disk_cid} was deleted while it was changed")
        if _attributes(claim) != attributes:
            raise CloudError(f"disk {disk_cid}: somebody else changed its VolumeAttributesClass meanwhile")
        reason, message = modification(claim, attributes)
        if not reason:
            return True
        limit = MODIFICATION[reason]
        if left := patience.left(reason, limit):
            return wait(left)
        raise _RefusedError(f"disk {disk_cid} does not get the VolumeAttributesClass {attributes!r}: {message}")

    doing = f"changing disk {disk_cid} to the VolumeAttributesClass {attributes!r}"
    until(
        call.api,
        paths.claims(call.namespace),
        disk_cid,
        modified,
        doing=doing,
        state=lambda claim: modification(claim, attributes)[1],
    )


def modification(claim: Json, attributes: str) -> tuple[str, str]:
    """What a volume that changes waits for (a key of MODIFICATION), and the words for it. Empty when it is done."""
    status = claim.get("status", {})
    at = status.get("modifyVolumeStatus") or {}
    if status.get("currentVolumeAttributesClassName") == attributes and not at:
        return "", ""
    if not at or at.get("targetVolumeAttributesClassName", attributes) != attributes:
        return "Unheard", "nothing in the cluster has begun to: can the driver and its external-resizer do it?"
    failed = condition(claim, "ModifyVolumeError")
    message = failed.get("message") or condition(claim, "ModifyingVolume").get("message") or "without a message"
    state = at.get("status")
    if state == "Infeasible":
        return state, f"its driver refuses it: {message}"
    if failed.get("status") == "True":
        return "Error", f"its driver fails: {message}"
    return ("InProgress" if state == "InProgress" else "Pending"), f"it is {state}: {message}"


def _put_back(call: Call, disk_cid: str, attributes: str, before: str) -> str:
    """Ask for what there was before; what comes of that in a sentence, empty when all is well."""

    def back(claim: Json) -> Json | None:
        return {"spec": {"volumeAttributesClassName": before or None}} if _attributes(claim) == attributes else None

    try:
        _change(call, disk_cid, back)
    except Failure as failure:
        return f"its claim asks for {attributes!r} still: {failure.message}"
    return ""


def _change(call: Call, disk_cid: str, patch_for: Callable[[Json], Json | None]) -> None:
    """Apply the patch that `patch_for` makes for the claim as it is; None: it is so already. Raises DiskNotFound."""
    path = paths.item(paths.claims(call.namespace), disk_cid)
    while True:
        found = disk_claim(call, disk_cid)
        patch = patch_for(found)
        if patch is None:
            return
        version = {"resourceVersion": found["metadata"]["resourceVersion"]}
        try:
            call.api.merge_patch(path, {**patch, "metadata": {**patch.get("metadata", {}), **version}})
        except Conflict:
            call.deadline.check(f"changing the claim {disk_cid}, which others change all the time")
            call.deadline.pause(PAUSE)
        except NotFound as error:
            raise DiskNotFound(f"disk {disk_cid} was deleted meanwhile") from error
        else:
            return


def _attributes(claim: Json) -> str:
    return str(claim["spec"].get("volumeAttributesClassName") or "")


def _snapshot_class(claim: Json) -> str:
    return str(claim["metadata"].get("annotations", {}).get(names.SNAPSHOT_CLASS, ""))
