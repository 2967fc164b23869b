"""Kubernetes Events: what the newest of some says."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Json = dict[str, Any]


def newest(events: Iterable[Json]) -> str:
    """Reason and message of the newest; empty when there is none."""
    event = max(events, key=when, default=None)
    return f"{event['reason']}: {event.get('message', '')}" if event else ""


def when(event: Json) -> str:
    """Time of an Event's last occurrence; clients differ in which field they set."""
    series = event.get("series") or {}
    last = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(last or event["metadata"].get("creationTimestamp") or "")
