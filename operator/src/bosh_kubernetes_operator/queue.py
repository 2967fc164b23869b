"""Work queue of keys: one worker a key at a time, no duplicates, backoff after errors, a look now and then anyway.

The same contract as client-go's rate limiting workqueue: a key added while it is being worked on is worked on once more
afterwards, and never by two workers at once.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import random
from collections.abc import Awaitable, Callable
from enum import Enum

from .errors import OperatorError

log = logging.getLogger(__name__)

# Seconds. An error: 0.5, 1, 2 … 60. A poll: often while somebody is likely to wait for it, then seldom.
BACKOFF_FIRST, BACKOFF_MOST = 0.5, 60.0
POLLS = ((20, 0.1), (60, 0.2), (120, 1.0), (0, 5.0))  # up to so many polls in a row: so often; 0: from there on
WAIT = 15.0
MOST = 240.0  # that a turn may take: each request and order in it has a shorter time, but there may be many


class Again(Enum):
    """What a reconcile found, and so when to look again without being told."""

    GONE = "gone"  # never: the object is no more
    SETTLED = "settled"  # nothing to do: after the resync time
    WAITING = "waiting"  # something is under way that an event will tell; look after a while all the same
    POLL = "poll"  # something is under way that no event tells


class Queue:
    """`work(key)` is called for every key added; what it returns or raises decides when the key's turn comes again."""

    def __init__(
        self,
        work: Callable[[str], Awaitable[Again]],
        *,
        resync: float,
        workers: int,
        most: float = MOST,
        clock: Callable[[], float] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._work, self._resync, self._workers, self._most = work, resync, workers, most
        self._clock = clock or asyncio.get_running_loop().time
        self._jitter = jitter
        self._ready: dict[str, float] = {}  # key: since when; ordered by arrival
        self._busy: dict[str, float] = {}  # key: since when
        self._dirty: set[str] = set()  # added while busy
        self._due: dict[str, float] = {}  # key: when its turn comes
        self._timers: list[tuple[float, str]] = []  # heap; an entry counts only if `_due` agrees
        self._failures: dict[str, int] = {}
        self._polls: dict[str, int] = {}
        self._moved = 0.0  # when a turn began or ended last, or the first key came after a rest
        self._wake = asyncio.Event()

    def add(self, key: str) -> None:
        """The key's turn is now."""
        if key in self._busy:
            self._dirty.add(key)
        elif key not in self._ready:
            self._due.pop(key, None)
            if not self._ready and not self._busy:
                self._moved = self._clock()
            self._ready[key] = self._clock()
            self._wake.set()

    def add_after(self, key: str, seconds: float) -> None:
        """The key's turn is in so many seconds, unless it comes earlier."""
        at = self._clock() + seconds
        if key in self._ready or self._due.get(key, at + 1) <= at:
            return
        self._due[key] = at
        heapq.heappush(self._timers, (at, key))
        self._wake.set()

    @property
    def depth(self) -> int:
        return len(self._ready)

    @property
    def oldest(self) -> float:
        """Seconds for which the key that waits, or is worked on, longest has done so."""
        return max((self._clock() - since for since in (*self._ready.values(), *self._busy.values())), default=0.0)

    @property
    def stuck(self) -> float:
        """Seconds for which no turn has begun or ended though there is work. One key that takes long is no cause."""
        return self._clock() - self._moved if self._ready or self._busy else 0.0

    def due_now(self) -> float | None:
        """Moves keys whose time has come to the ready ones; answers the seconds until the next one's time, or None."""
        now = self._clock()
        while self._timers:
            at, key = self._timers[0]
            if self._due.get(key) == at:
                if at > now:
                    return at - now
                self.add(key)
            heapq.heappop(self._timers)
        return None

    async def run(self) -> None:
        """Works until cancelled. What a worker is doing then is cut short: every step may be cut short anywhere."""
        tasks: set[asyncio.Task[None]] = set()
        try:
            while True:
                self._wake.clear()
                until_next = self.due_now()
                while self._ready and len(self._busy) < self._workers:
                    key = next(iter(self._ready))
                    del self._ready[key]
                    self._busy[key] = self._moved = self._clock()
                    task = asyncio.create_task(self._one(key), name=f"reconcile {key}")
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                try:
                    await asyncio.wait_for(self._wake.wait(), until_next)
                except asyncio.TimeoutError:
                    continue
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, key: str) -> None:
        try:
            again = await self._in_time(key)
        except Exception as error:  # whatever it is, the key's turn comes again
            self._failures[key] = failures = self._failures.get(key, 0) + 1
            delay = min(BACKOFF_FIRST * 2 ** (failures - 1), BACKOFF_MOST) * (0.5 + self._jitter() / 2)
            log.warning("try again in %.1f s: %s", delay, error, extra={"machine": key}, exc_info=unexpected(error))
            self._finish(key, delay)
        else:
            self._failures.pop(key, None)
            self._finish(key, self._delay(key, again))

    async def _in_time(self, key: str) -> Again:
        """A turn; cut short when it takes too long, as it may be anywhere."""
        try:
            return await asyncio.wait_for(self._work(key), self._most)
        except asyncio.TimeoutError:
            raise OperatorError(f"a turn of more than {self._most:.0f} s was cut short") from None

    def _delay(self, key: str, again: Again) -> float | None:
        polls = self._polls.pop(key, 0)
        if again is Again.GONE:
            return None
        if again is Again.POLL:
            self._polls[key] = polls + 1
            return next(seconds for most, seconds in POLLS if not most or polls < most)
        seconds = self._resync if again is Again.SETTLED else min(WAIT, self._resync)
        return seconds * (0.8 + 0.4 * self._jitter())

    def _finish(self, key: str, delay: float | None) -> None:
        del self._busy[key]
        self._moved = self._clock()
        self._wake.set()
        if key in self._dirty:
            self._dirty.discard(key)
            self.add(key)
        elif delay is not None:
            self.add_after(key, delay)


def unexpected(error: Exception) -> Exception | None:
    """The error when its traceback is worth a log line: not for those of our own tree, which say all in a sentence."""
    return None if isinstance(error, OperatorError) else error
