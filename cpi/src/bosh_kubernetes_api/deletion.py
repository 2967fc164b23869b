"""The mark of a deletion that has begun, on a claim or a Stemcell (docs/architecture.md)."""

from __future__ import annotations

from .names import DELETING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

# Seconds after which a mark is left over from a call that died: delete_disk asks the API server for the deletion right
# after it, and delete_stemcell ends far earlier.
ABANDONED = 900.0


def deleting_since(thing: Json) -> str:
    """When a call began to delete it, in seconds of Unix time; empty when none has."""
    return str(thing["metadata"].get("annotations", {}).get(DELETING, ""))


def is_being_deleted(thing: Json, now: float) -> bool:
    """Whether a call is at it, or the API server (`now`: seconds of Unix time): no machine gets it any more."""
    since = deleting_since(thing)
    fresh = bool(since) and not (since.isdigit() and float(since) + ABANDONED < now)
    return fresh or "deletionTimestamp" in thing["metadata"]
