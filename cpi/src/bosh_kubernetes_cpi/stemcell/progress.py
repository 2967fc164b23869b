"""Lines about a long upload: what is done, how fast, at intervals that neither flood a log nor leave it silent."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

INTERVAL = 5.0  # seconds between two lines
MIB = 1 << 20


class Progress:
    """Counts bytes of `total`; `say` gets a line each INTERVAL seconds."""

    def __init__(self, total: int, say: Callable[[str], None], *, now: Callable[[], float] = monotonic) -> None:
        self._total = total
        self._say = say
        self._now = now
        self._done = 0
        self._began = self._next = now()
        self._next += INTERVAL

    def advance(self, count: int) -> None:
        self._done += count
        if self._now() >= self._next:
            self._next = self._now() + INTERVAL
            self._say(self.line())

    def line(self) -> str:
        seconds = max(self._now() - self._began, 1e-3)
        share = 100 * self._done // self._total if self._total else 100
        speed = self._done / MIB / seconds
        return f"{self._done} of {self._total} bytes uploaded ({share} %), {speed:.1f} MiB/s, {seconds:.0f} s"
