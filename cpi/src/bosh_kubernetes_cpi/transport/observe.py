"""Waiting for one object to become what is wanted: a watch that is never trusted to be complete or alive.

The object is read again whenever the watch ends, breaks, is too old (410) or has been silent; so a lost event or a
connection that died without a word costs seconds, never an answer.
"""

from __future__ import annotations

import json
from time import monotonic

from bosh_kubernetes_api import paths

from ..errors import ApiError, TimedOut, TooManyRequests, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from ..operator_life import OperatorLife
    from .api import Api

    Json = dict[str, Any]
    T = TypeVar("T")

SILENCE = 10.0  # seconds without a word from a watch after which the object is read again
GONE_PAUSE = 0.2  # seconds between two readings while there is no object to watch, or a watch ends at once


class Wait:
    """Not yet; look again after `seconds` at the latest, even if nothing is heard."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float = SILENCE) -> None:
        self.seconds = seconds


def until(
    api: Api,
    collection: str,
    name: str,
    decide: Callable[[Json | None], T | Wait],
    *,
    doing: str,
    life: OperatorLife | None = None,
    state: Callable[[Json], str] | None = None,
) -> T:
    """What `decide` answers for the object (None: there is none) as soon as that is not a Wait.

    decide is called with every state that is seen, and may raise. `life` is checked before every new reading, when the
    connection is free. Raises TimedOut, with `doing` and the object's `state` in words, at the deadline of `api`.
    """
    path = paths.item(collection, name)
    silence = life.pulse if life is not None else SILENCE
    current: Json | None = None
    while True:
        if api.deadline.passed():
            last = f"; {state(current)}" if state is not None and current is not None else ""
            raise TimedOut(f"{doing}: not done in time{last}")
        if life is not None:
            life.check()
        current = api.find(path)
        answer = decide(current)
        if not isinstance(answer, Wait):
            return answer
        if current is None:
            api.deadline.pause(min(answer.seconds, GONE_PAUSE))
            continue
        began = monotonic()
        answer = _follow(api, collection, name, current, decide, answer, silence)
        if not isinstance(answer, Wait):
            return answer
        if monotonic() - began < GONE_PAUSE:
            api.deadline.pause(GONE_PAUSE)


def _follow(
    api: Api,
    collection: str,
    name: str,
    current: Json,
    decide: Callable[[Json | None], T | Wait],
    answer: Wait,
    silence: float,
) -> T | Wait:
    """Follow one watch to its end; a Wait means that the object has to be read again."""
    path = paths.query(
        collection,
        watch="true",
        fieldSelector=f"metadata.name={name}",
        resourceVersion=current["metadata"]["resourceVersion"],
        allowWatchBookmarks="true",
        timeoutSeconds="300",
    )
    patience = min(answer.seconds, silence)
    try:
        response = api.stream(path, patience=patience)
    except (Unavailable, TooManyRequests):
        api.deadline.pause(1.0)
        return answer
    except ApiError as error:
        if error.status == 410:
            return answer
        raise
    try:
        heard = monotonic()
        while True:
            left = heard + patience - monotonic()  # a bookmark is nothing heard: it says neither object nor operator
            if left <= 0:
                return answer
            api.patience(left)
            line = response.readline()
            if not line.endswith(b"\n"):
                return answer
            event = json.loads(line)
            if event["type"] == "ERROR":
                return answer
            if event["type"] == "BOOKMARK":
                continue
            result = decide(None if event["type"] == "DELETED" else event["object"])
            if not isinstance(result, Wait):
                return result
            if event["type"] == "DELETED":
                return result
            answer, patience, heard = result, min(result.seconds, silence), monotonic()
    except (OSError, ValueError):
        return answer
    finally:
        api.close()
