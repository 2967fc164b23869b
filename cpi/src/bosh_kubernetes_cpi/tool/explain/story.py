"""What happened to a thing, in the order of time: its making, its conditions, Events that name it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any, NamedTuple

from bosh_kubernetes_api import events

from ..words import moment

Json = dict[str, Any]

_FIRST = datetime.min.replace(tzinfo=timezone.utc)


class Happened(NamedTuple):
    time: str  # as the API has it
    about: str  # kind of the object that it is told of
    what: str


def tell(thing: Json, told: Iterable[Json]) -> list[Happened]:
    """The story of `thing` with the Events `told`."""
    cid = thing["metadata"]["name"]
    found = [Happened(thing["metadata"].get("creationTimestamp", ""), thing["kind"], "made")]
    if at := thing["metadata"].get("deletionTimestamp"):
        found.append(Happened(at, thing["kind"], "its deletion was asked for"))
    found += [_condition(thing["kind"], each) for each in thing.get("status", {}).get("conditions") or ()]
    found += [_event(each) for each in told if names(each, cid)]
    return sorted(found, key=lambda each: moment(each.time) or _FIRST)


def names(event: Json, cid: str) -> bool:
    """Whether an Event is about the thing, something of it, or tells of it."""
    about = event.get("involvedObject", {}).get("name", "")
    return about == cid or about.startswith(f"{cid}-") or cid in event.get("message", "")


def _condition(kind: str, condition: Json) -> Happened:
    said = f"{condition['type']} became {condition['status']}"
    reason, message = condition.get("reason", ""), condition.get("message", "")
    said += f": {reason}" if reason else ""
    return Happened(condition.get("lastTransitionTime", ""), kind, said + (f", {message}" if message else ""))


def _event(event: Json) -> Happened:
    count = (event.get("series") or {}).get("count") or event.get("count") or 1
    times = f" ({count} times)" if count > 1 else ""
    said = f"{event.get('reason', '')}: {event.get('message', '')}"
    loud = "" if event.get("type") == "Normal" else f"{event.get('type', '')} "
    return Happened(events.when(event), event.get("involvedObject", {}).get("kind", ""), f"{loud}{said}{times}")
