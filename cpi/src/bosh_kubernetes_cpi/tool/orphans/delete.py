"""Deleting orphans by the CPI's own methods, whose checks hold here too."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import Failure
from ...methods.delete_vm import delete_vm
from ...methods.disks import delete_disk
from ...methods.snapshots import delete_snapshot
from ...methods.stemcells import delete_stemcell
from ..session import Session
from .find import DISK, MACHINE, SNAPSHOT, STEMCELL, Orphan

NOBODY = "nobody"  # in the place of a Director for what has none

_METHODS: dict[str, Callable[..., None]] = {
    MACHINE: delete_vm,
    DISK: delete_disk,
    SNAPSHOT: delete_snapshot,
    STEMCELL: delete_stemcell,
}


def delete(session: Session, orphan: Orphan, still: Callable[[Orphan], bool]) -> str:
    """Delete it if it is `still` one that may go; a sentence about it, or the reason why it is there."""
    if not still(orphan):
        return "left alone: it changed meanwhile"
    method = _METHODS[orphan.kind]
    # A stemcell loses one Director a call, and goes with the last; all else has one.
    for director in orphan.directors or (NOBODY,):
        call = session.call(method.__name__, director)
        try:
            method(call, orphan.cid)
        except Failure as failure:
            return f"not deleted: {failure.message}"
        finally:
            call.api.close()
    return ""
