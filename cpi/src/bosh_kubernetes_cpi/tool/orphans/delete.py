"""Deleting orphans by the CPI's own methods, whose checks hold here too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from bosh_kubernetes_api import paths

from ...clock import Deadline
from ...errors import Failure
from ...methods.delete_vm import delete_vm
from ...methods.disks import delete_disk
from ...methods.snapshots import delete_snapshot
from ...methods.stemcells import delete_stemcell
from ..session import Session
from .find import DISK, MACHINE, SNAPSHOT, STEMCELL, Orphan

NOBODY = "nobody"  # in the place of a Director for what has none
LOOK = 30.0  # seconds to see what a failure has left

_METHODS: dict[str, Callable[..., None]] = {
    MACHINE: delete_vm,
    DISK: delete_disk,
    SNAPSHOT: delete_snapshot,
    STEMCELL: delete_stemcell,
}
_COLLECTIONS: dict[str, Callable[[str], str]] = {
    MACHINE: paths.machines,
    DISK: paths.claims,
    SNAPSHOT: paths.snapshots,
    STEMCELL: paths.stemcells,
}


class Fate(NamedTuple):
    """`why` it may still be there; empty: it is gone. `goes_on`: its deletion was asked for, and nobody stops it."""

    why: str = ""
    goes_on: bool = False


def delete(session: Session, orphan: Orphan, still: Callable[[Orphan], bool]) -> Fate:
    """Delete it if it is `still` one that may go."""
    try:
        if not still(orphan):
            return Fate("left alone: it changed meanwhile")
    except Failure as failure:
        return Fate(f"not deleted: {failure.message}")
    method = _METHODS[orphan.kind]
    # A stemcell loses one Director a call, and goes with the last; all else has one.
    for director in orphan.directors or (NOBODY,):
        call = session.call(method.__name__, director)
        try:
            method(call, orphan.cid)
        except Failure as failure:
            return left(session, orphan, failure.message)
        finally:
            call.api.close()
    return _stays(session, orphan) if orphan.kind == STEMCELL else Fate()


def left(session: Session, orphan: Orphan, why: str) -> Fate:
    """What a deletion that did not come to its end, `why`, has left: the methods store it first, and wait then."""
    try:
        there = _is_there(session, orphan)
    except Failure as failure:
        return Fate(f"it is not known whether its deletion was asked for ({failure.message}): {why}")
    if there:
        return Fate(f"not deleted: {why}")
    return Fate(f"its deletion was asked for and goes on: {why}", goes_on=True)


def _stays(session: Session, orphan: Orphan) -> Fate:
    """delete_stemcell succeeds where somebody else needs the stemcell."""
    try:
        there = _is_there(session, orphan)
    except Failure as failure:
        return Fate(f"it is not known whether it is gone: {failure.message}")
    return Fate("stays: a Director or a machine uses it since") if there else Fate()


def _is_there(session: Session, orphan: Orphan) -> bool:
    """This very object, and nobody has asked for its deletion."""
    api = session.api
    api.close()  # it may have been interrupted in an answer
    api.deadline = Deadline(LOOK)
    found: dict[str, Any] | None = api.find(paths.item(_COLLECTIONS[orphan.kind](session.namespace), orphan.cid))
    metadata = (found or {}).get("metadata", {})
    return metadata.get("uid") == orphan.uid and not metadata.get("deletionTimestamp")
