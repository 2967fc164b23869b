"""Waiting for a condition with a deadline: the only way in which a test lets time pass. And waits side by side."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def eventually(check: Callable[[], T], *, within: float, what: str, every: float = 0.3) -> T:
    """Call `check` until it gives something true and return that; fail after `within` seconds, naming `what`.

    An AssertionError of `check` counts as "not yet" and is shown if it never comes true; any other error ends the wait.
    """
    deadline = time.monotonic() + within
    last: object = None
    while True:
        try:
            result = check()
            if result:
                return result
            last = result
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}; last seen: {last!r}")
        time.sleep(every)


def together(*calls: Callable[[], T]) -> list[T]:
    """What the calls return; they run at the same time."""
    with ThreadPoolExecutor(len(calls) or 1) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]
