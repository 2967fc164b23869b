"""resize_disk: the claim asks for more, and the call waits until the file system has it (contract 2.2, trap 44).

What the claim asks for is the wish: Kubernetes grows the volume, and the kubelet the file system where it is mounted. A
disk that no machine has is mounted by the operator for it.
"""

from __future__ import annotations

from time import time

from bosh_kubernetes_api import paths
from bosh_kubernetes_api.claims import asked_size, capacity, is_bound, is_lost, waits_for_mount
from bosh_kubernetes_api.deletion import is_being_deleted
from bosh_kubernetes_api.events import newest
from bosh_kubernetes_api.quantities import MIB
from bosh_kubernetes_api.reasons import GROWTH_REFUSED

from ..errors import CloudError, Conflict, DiskNotFound, Failure, Forbidden, NotFound, NotSupported
from ..operator_life import OperatorLife
from ..transport.observe import Wait, until
from ..verdicts import GROWTH, Patience, growth, wait
from .disks import disk_claim, holder_of
from .edit import PAUSE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]

UNCHANGED = "Nothing was changed"
# The API server's words for a claim that cannot grow, whatever our account may read.
REFUSALS = ("must support resize", "claims can be expanded")
# Reasons of Events that tell of a growth or a mount. Others, such as those of images, are none of its.
TELLING = frozenset(
    ["VolumeResizeFailed", "FileSystemResizeFailed", "FailedMount", "FailedAttachVolume", "FailedScheduling"]
) | {GROWTH_REFUSED}


def resize_disk(call: Call, disk_cid: str, new_size: int) -> None:
    """Grow the disk to `new_size` MiB, attached or not. The size that it has is success.

    Raises DiskNotFound; NotSupported for a smaller size, a disk without a volume, and a storage class that does not
    grow, with nothing changed; CloudError with what Kubernetes says when it does not come about: it stays asked for.
    """
    asked = new_size * MIB
    if not is_bound(_ask(call, disk_cid, new_size)):
        return
    try:
        if not _until_grown(call, disk_cid, asked, stop_at_mount=True):
            _until_grown(call, disk_cid, asked, life=_mounter(call, disk_cid))
    except _StuckError as stuck:
        warning = _warning(call, disk_cid)
        told = f"{stuck.message}{f'. The last warning about it: {warning}' if warning else ''}"
        asked_for = "It stays asked for, and goes on by itself when it can; the data is untouched"
        raise CloudError(f"{told}. {asked_for}", ok_to_retry=stuck.ok_to_retry) from stuck


class _StuckError(CloudError):
    """The growth does not come about."""


def _ask(call: Call, disk_cid: str, new_size: int) -> Json:
    """The claim once it asks for `new_size` MiB."""
    while True:
        found = disk_claim(call, disk_cid)
        _check(found)
        if new_size * MIB == asked_size(found):
            return found
        refuse_growth(call, found, new_size)
        body = {
            "metadata": {"resourceVersion": found["metadata"]["resourceVersion"]},
            "spec": {"resources": {"requests": {"storage": f"{new_size}Mi"}}},
        }
        try:
            return call.api.merge_patch(paths.item(paths.claims(call.namespace), disk_cid), body)
        except Conflict:
            call.deadline.check(f"changing the claim {disk_cid}, which others change all the time")
            call.deadline.pause(PAUSE)
        except NotFound as error:
            raise DiskNotFound(f"disk {disk_cid} was deleted meanwhile") from error
        except Forbidden as error:
            if any(words in error.message for words in REFUSALS):
                raise NotSupported(f"disk {disk_cid} cannot grow: {error.message}. {UNCHANGED}") from error
            raise


def _check(claim: Json) -> None:
    """Raises DiskNotFound, or CloudError for a claim that has lost its volume."""
    cid = claim["metadata"]["name"]
    if is_lost(claim):
        raise CloudError(f"disk {cid}: its claim is Lost, the volume {claim['spec'].get('volumeName')} is gone")
    if is_being_deleted(claim, time()):
        raise DiskNotFound(f"disk {cid} is being deleted")


def refuse_growth(call: Call, claim: Json, new_size: int) -> None:
    """Raises NotSupported when the claim cannot get that size, which is not the one that it asks for."""
    cid, has = claim["metadata"]["name"], asked_size(claim)
    if new_size * MIB < has:
        raise NotSupported(
            f"disk {cid} cannot become smaller: it has {has / MIB:.12g} MiB, and {new_size} were asked for; Kubernetes "
            f"makes no volume smaller. {UNCHANGED}"
        )
    if not is_bound(claim):
        raise NotSupported(
            f"disk {cid} cannot grow: its claim has no volume yet, and Kubernetes grows none before that. Attach the "
            f"disk once, or make a new one. {UNCHANGED}"
        )
    name = claim["spec"].get("storageClassName", "")
    if not name:
        raise NotSupported(
            f"disk {cid} cannot grow: its claim has no storage class, and Kubernetes grows none without. {UNCHANGED}"
        )
    try:
        storage_class = call.api.find(paths.item(paths.storage_classes(), name))
    except Forbidden:
        return  # then the API server decides alone
    if storage_class is None:
        raise NotSupported(f"disk {cid} cannot grow: its storage class {name} is no more. {UNCHANGED}")
    if not storage_class.get("allowVolumeExpansion"):
        raise NotSupported(
            f"disk {cid} cannot grow: its storage class {name} does not allow it. If its driver can do it: "
            f"kubectl patch storageclass {name} -p '{{\"allowVolumeExpansion\":true}}'. {UNCHANGED}"
        )


def _until_grown(
    call: Call, disk_cid: str, asked: int, *, stop_at_mount: bool = False, life: OperatorLife | None = None
) -> bool:
    """True once the file system has `asked` bytes; False, if asked so, once it only waits for being mounted."""
    patience = Patience()

    def grown(claim: Json | None) -> bool | Wait:
        if claim is None:
            raise DiskNotFound(f"disk {disk_cid} was deleted while it was resized")
        _check(claim)
        if capacity(claim) >= asked and not waits_for_mount(claim):
            return True
        reason, message = growth(claim)
        if stop_at_mount and reason == "FileSystemResizePending":
            return False
        limit, retry = GROWTH[reason]
        if left := patience.left(reason, limit):
            return wait(left)
        has = f"its file system has {capacity(claim) / MIB:.12g} MiB of {asked // MIB} that are asked for"
        raise _StuckError(f"disk {disk_cid} has not grown: {has}: {reason}: {message}", ok_to_retry=retry)

    doing = f"resizing disk {disk_cid}"
    return until(call.api, paths.claims(call.namespace), disk_cid, grown, doing=doing, life=life, state=_state)


def _state(claim: Json) -> str:
    return ": ".join(growth(claim))


def _mounter(call: Call, disk_cid: str) -> OperatorLife | None:
    """The operator, which mounts a disk that no machine has."""
    return None if holder_of(call, disk_cid) else OperatorLife(call)


def _warning(call: Call, disk_cid: str) -> str:
    """The newest telling Event about the claim or the Pod of that name; empty when there is none, or none to be read.

    The failure that is being reported matters more than one to find out why.
    """
    call.begin_cleanup(15)
    query = paths.query(paths.events(call.namespace), fieldSelector=f"involvedObject.name={disk_cid},type=Warning")
    try:
        events = [event for event in call.api.get(query)["items"] if event.get("reason") in TELLING]
    except Failure:
        return ""
    return newest(events)
