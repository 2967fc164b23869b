"""Orphans as a table and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..words import age, some, table
from .delete import Fate
from .find import Orphan

Json = dict[str, Any]

HEADS = ("KIND", "CID", "DIRECTOR", "AGE", "SIZE", "IN USE BY", "DELETE")


def page(found: Sequence[Orphan], unseen: Sequence[str], namespace: str, now: datetime, *, deletes: bool) -> str:
    lines = "".join(f"not looked at: {line}\n" for line in unseen)
    if not found:
        return f"{lines}no orphans in namespace {namespace}"
    rows = [
        (
            orphan.kind,
            orphan.cid,
            some(orphan.directors),
            age(orphan.created, now),
            orphan.size,
            some(orphan.used_by),
            f"no: {orphan.keeps}" if orphan.keeps else "yes",
        )
        for orphan in found
    ]
    hint = "" if deletes else "\nNothing is deleted without --delete."
    return table(HEADS, rows) + lines + hint


def document(found: Sequence[Orphan], unseen: Sequence[str], namespace: str, fates: Mapping[str, Fate]) -> Json:
    """`fates` by CID, of those whose turn has come."""
    return {
        "namespace": namespace,
        "orphans": [_entry(orphan, fates.get(orphan.cid)) for orphan in found],
        "not_looked_at": list(unseen),
    }


def _entry(orphan: Orphan, fate: Fate | None) -> Json:
    return {
        "kind": orphan.kind,
        "cid": orphan.cid,
        "directors": list(orphan.directors),
        "created": orphan.created,
        "size": orphan.size,
        "in_use_by": list(orphan.used_by),
        "kept": orphan.keeps or (fate.why if fate else ""),
        "deleted": fate is not None and not fate.why,
        "deleting": fate is not None and fate.goes_on,
    }
