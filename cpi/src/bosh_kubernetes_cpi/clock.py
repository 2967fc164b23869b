"""Deadlines: every wait of a call ends by one."""

from __future__ import annotations

from time import monotonic, sleep

from .errors import TimedOut


class Deadline:
    """A moment `seconds` from now, and never later than `within`."""

    def __init__(self, seconds: float, *, within: Deadline | None = None) -> None:
        self.at = monotonic() + seconds
        if within is not None:
            self.at = min(self.at, within.at)

    def remaining(self) -> float:
        """Seconds that are left, never negative."""
        return max(0.0, self.at - monotonic())

    def passed(self) -> bool:
        return monotonic() >= self.at

    def check(self, what: str) -> None:
        """Raises TimedOut, saying `what` was being done, when the time is over."""
        if self.passed():
            raise TimedOut(f"no time left while {what}")

    def pause(self, seconds: float) -> None:
        """Sleep `seconds`, or what is left."""
        sleep(min(seconds, self.remaining()))
