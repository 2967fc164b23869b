"""Fault points: one (scenario, request, kind of fault) each, and what has to hold there."""

import os
import random
import subprocess
import time
from typing import NamedTuple

from tests.support.cpi_process import Answer
from tests.support.faults.kinds import KINDS
from tests.support.faults.scenarios import SCENARIOS
from tests.support.faults.world import World

SEED = os.environ.get("FAULT_SEED") or str(int(time.time()) // 86400)  # of samples; other points each day


class Undisturbed(NamedTuple):
    """A run in which nothing goes wrong: its requests, what was there before and after, and its answer."""

    calls: list[tuple[str, int]]
    before: list[str]
    after: list[str]
    said: str


class Point(NamedTuple):
    scenario: str
    kind: str
    at: tuple[str, int]

    def __str__(self) -> str:
        return f"{self.scenario}: {self.kind} at {self.at[0]} ({self.at[1] + 1})"


def undisturbed(scenario: str, world: World) -> Undisturbed:
    world.begin()
    request = SCENARIOS[scenario].arrange(world)
    before = world.rest()
    answer = world.call(*request)
    assert answer is not None
    return Undisturbed(list(world.calls), before, world.rest(), world.said(answer))


def points(scenario: str, calls: list[tuple[str, int]]) -> list[Point]:
    """All of them."""
    return [
        Point(scenario, name, at)
        for name, kind in KINDS.items()
        for at in dict.fromkeys(calls)
        if not kind.watch or at[0].startswith("WATCH")
    ]


def sample(all_points: list[Point]) -> list[Point]:
    """One of every group of kinds; which one is up to SEED."""
    groups: dict[str, list[Point]] = {}
    for point in all_points:
        groups.setdefault(KINDS[point.kind].group, []).append(point)
    return [random.Random(f"{SEED} {some[0].scenario} {group}").choice(some) for group, some in groups.items()]


def check(point: Point, normal: Undisturbed, world: World) -> list[str]:
    """What is wrong at this point; nothing when all is well."""
    scenario, kind = SCENARIOS[point.scenario], KINDS[point.kind]
    world.begin()
    request = scenario.arrange(world)
    if not world.settles(lambda told: told == normal.before):
        return [f"the same arrangement gave something else: {_difference(normal.before, world.tell())}"]
    doomed = {request[1]} if point.scenario == "delete_disk" else set()
    names = world.nameless()
    disks = {cid: uid for cid, uid in world.disks().items() if cid not in doomed}
    try:
        answer = world.call(*request, at=point.at, fault=kind.fault(world.kill), lasts=kind.lasts)
    except subprocess.TimeoutExpired:
        return ["no answer in time"]
    if not world.met:
        return [f"never came to pass: {world.calls}"]
    wrong = _answer(point, normal, world, answer) + _lost(disks, world)
    failed = answer is None or (answer.error is not None and world.said(answer) != normal.said)
    undone = failed and not kind.kills and not kind.lasts and not scenario.stored
    if undone and not world.settles(lambda told: _clean(normal, told)):
        wrong.append(f"left behind by a call that failed: {_difference(normal.before, world.tell())}")
    if not failed and not kind.lasts and not scenario.stored and not world.settles(lambda told: told == normal.after):
        wrong.append(f"not done, though it says so: {_difference(normal.after, world.tell())}")
    nobody_knows = failed and scenario.nameless and _is_told(answer, world.nameless() - names)
    if failed or scenario.again:
        again = world.call(*request)
        if again is None or world.said(again) != normal.said:
            wrong.append(f"the repeat answered {again}")
    scenario.finish(world)
    wanted = normal.after
    if not world.settles(lambda told: told == wanted or (nobody_knows and _one_more(wanted, told))):
        wrong.append(f"not as after an undisturbed run: {_difference(wanted, world.tell())}")
    return wrong + _lost(disks, world)


def _answer(point: Point, normal: Undisturbed, world: World, answer: Answer | None) -> list[str]:
    kind = KINDS[point.kind]
    if answer is None or kind.kills:
        return [] if answer is None and kind.kills else [f"killed, and answered {answer}"]
    said = world.said(answer)
    if said == normal.said:
        return []
    wanted = "VMCreationFailed" if point.scenario.startswith("create_vm") else "CloudError"
    if kind.survived or said != f"Bosh::Clouds::{wanted} True":
        return [f"answered {answer.error or answer.result}"]
    return []


def _lost(disks: dict[str, str], world: World) -> list[str]:
    return [f"disk lost: {cid}" for cid, _ in set(disks.items()) - set(world.disks().items())]


def _clean(normal: Undisturbed, told: list[str]) -> bool:
    """Nothing more than before the call, or all done: what was asked for is stored, and comes true."""
    return told == normal.after or set(told) <= set(normal.before)


def _is_told(answer: Answer | None, made: set[str]) -> bool:
    """Nobody could tell of what was made (the CPI was killed), or its name is in the error."""
    return answer is None or all(cid in answer.error["message"] for cid in made if answer.error)


def _one_more(wanted: list[str], told: list[str]) -> bool:
    return set(told) == set(wanted) and len(told) == len(wanted) + 1


def _difference(wanted: list[str], found: list[str]) -> str:
    lines = [f"+ {line}" for line in found if line not in wanted] + [
        f"- {line}" for line in wanted if line not in found
    ]
    return "\n".join(lines) or f"{len(found)} instead of {len(wanted)} things"
