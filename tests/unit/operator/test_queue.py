"""The queue on a clock of the test's own: no test waits for time to pass."""

import asyncio
from collections.abc import Callable

import pytest

from bosh_kubernetes_operator.errors import OperatorError
from bosh_kubernetes_operator.queue import BACKOFF_MOST, Again, Queue


class Bench:
    """A queue whose time stands still until the test moves it, and whose work ends when the test says."""

    def __init__(self, answer=Again.SETTLED, workers: int = 4, most: float = 240.0) -> None:
        self.now = 100.0
        self.answer = answer
        self.began: list[str] = []
        self.hold: asyncio.Event | None = None
        self.queue = Queue(
            self.work, resync=300.0, workers=workers, most=most, clock=lambda: self.now, jitter=lambda: 0.5
        )

    async def work(self, key: str) -> Again:
        self.began.append(key)
        if self.hold:
            await self.hold.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def turn(self) -> None:
        """Lets the queue do all that is due now."""
        task = asyncio.create_task(self.queue.run())
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    """Lets everything run until `condition` holds."""

    async def spin() -> None:
        while not condition():
            await asyncio.sleep(0)

    await asyncio.wait_for(spin(), 10)


async def test_a_key_added_often_is_worked_on_once() -> None:
    bench = Bench()
    for _ in range(3):
        bench.queue.add("a")
    assert bench.queue.depth == 1
    await bench.turn()
    assert bench.began == ["a"]


async def test_a_key_added_while_it_is_worked_on_has_one_more_turn_afterwards_and_never_two_at_once() -> None:
    bench = Bench()
    bench.hold = asyncio.Event()
    runner = asyncio.create_task(bench.queue.run())
    bench.queue.add("a")
    await asyncio.sleep(0.0)
    while not bench.began:
        await asyncio.sleep(0)
    bench.queue.add("a")
    bench.queue.add("a")
    for _ in range(20):
        await asyncio.sleep(0)
    assert bench.began == ["a"]
    bench.hold.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert bench.began == ["a", "a"]
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)


async def test_no_more_keys_are_worked_on_than_there_are_workers() -> None:
    bench = Bench(workers=2)
    bench.hold = asyncio.Event()
    for key in "abc":
        bench.queue.add(key)
    await bench.turn()
    assert bench.began == ["a", "b"]


async def next_turn(bench: Bench) -> float:
    """Seconds until the key's next turn."""
    bench.began.clear()
    bench.queue.add("a")
    await bench.turn()
    delay = bench.queue.due_now()
    assert delay is not None
    bench.now += delay
    bench.queue.due_now()
    return round(delay, 3)


async def test_a_settled_key_is_looked_at_again_after_the_resync_time() -> None:
    assert await next_turn(Bench(Again.SETTLED)) == 300.0
    assert await next_turn(Bench(Again.WAITING)) == 15.0


async def test_a_gone_key_has_no_other_turn() -> None:
    bench = Bench(Again.GONE)
    bench.queue.add("a")
    await bench.turn()
    assert bench.queue.due_now() is None
    assert bench.queue.depth == 0


async def test_polling_is_quick_first_and_slow_later_and_starts_anew() -> None:
    bench = Bench(Again.POLL)
    delays = [await next_turn(bench) for _ in range(125)]
    assert delays[0] == delays[19] == 0.1
    assert delays[20] == delays[59] == 0.2
    assert delays[60] == delays[119] == 1.0
    assert delays[120] == delays[124] == 5.0
    bench.answer = Again.SETTLED
    await next_turn(bench)
    bench.answer = Again.POLL
    assert await next_turn(bench) == 0.1


@pytest.mark.parametrize("error", [OperatorError("no"), ValueError("a fault of ours")])
async def test_errors_back_off_up_to_a_bound_until_one_turn_succeeds(error) -> None:
    bench = Bench(error)
    delays = [await next_turn(bench) for _ in range(12)]
    assert delays[:3] == [0.375, 0.75, 1.5]
    assert delays[-1] == BACKOFF_MOST * 0.75
    bench.answer = Again.SETTLED
    await next_turn(bench)
    bench.answer = error
    assert await next_turn(bench) == 0.375


async def test_an_event_overtakes_a_later_turn() -> None:
    bench = Bench()
    bench.queue.add_after("a", 50)
    bench.queue.add_after("a", 80)
    assert bench.queue.due_now() == 50
    bench.queue.add("a")
    await bench.turn()
    assert bench.began == ["a"]
    bench.now += 60
    bench.queue.due_now()
    assert bench.queue.depth == 0


async def test_the_oldest_key_tells_how_stuck_the_queue_is() -> None:
    bench = Bench(workers=1)
    assert bench.queue.oldest == 0.0
    bench.queue.add("a")
    bench.now += 7
    bench.queue.add("b")
    bench.now += 5
    assert bench.queue.oldest == 12.0


async def test_a_queue_that_does_nothing_though_it_could_is_stuck() -> None:
    bench = Bench(workers=2)
    bench.hold = asyncio.Event()
    runner = asyncio.create_task(bench.queue.run())
    bench.now += 1000
    assert bench.queue.stuck == 0.0, "nothing was asked of it"
    for key in "abc":
        bench.queue.add(key)
    assert bench.queue.stuck == 0.0, "it had no time to begin"
    await until(lambda: bench.began == ["a", "b"])
    bench.now += 400
    assert bench.queue.stuck == 400.0
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)


async def test_a_queue_in_which_turns_end_is_not_stuck_however_long_one_takes() -> None:
    bench = Bench(workers=2)
    never = asyncio.Event()
    bench.queue._work = lambda key: never.wait() if key == "hung" else bench.work(key)
    runner = asyncio.create_task(bench.queue.run())
    bench.queue.add("hung")
    for _ in range(5):
        bench.now += 100
        bench.queue.add("a")
        bench.began.clear()
        await until(lambda: bench.began == ["a"])
    assert bench.queue.oldest == 400.0
    assert bench.queue.stuck == 0.0
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)


async def test_a_turn_that_takes_too_long_is_cut_short_and_comes_again(caplog) -> None:
    bench = Bench(workers=1, most=0.000001)
    bench.hold = asyncio.Event()
    bench.queue.add("a")
    runner = asyncio.create_task(bench.queue.run())
    await until(lambda: bench.queue.due_now() is not None)
    assert bench.began == ["a"]
    assert "cut short" in caplog.text
    assert "Traceback" not in caplog.text
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)
