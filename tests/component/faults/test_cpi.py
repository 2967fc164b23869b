"""Something goes wrong at any request of any method: the answer is typed and in time, the repeat works, nothing leaks.

Real CPI processes with compressed deadlines (tests/support/faults/compressed.py) against the stand-ins.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from bosh_kubernetes_cpi import dispatch
from tests.support.faults.points import SEED, check, points, sample, undisturbed
from tests.support.faults.scenarios import ALONE, SCENARIOS
from tests.support.faults.stand_ins import StandIns


def test_every_method_is_disturbed_or_asks_nobody() -> None:
    assert {name.partition(",")[0] for name in SCENARIOS} | ALONE == set(dispatch.METHODS)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("choose", [sample, pytest.param(list, marks=pytest.mark.full)], ids=["sample", "all"])
def test_what_goes_wrong_once(scenario: str, choose: Callable, tmp_path: Path, record_property: Callable) -> None:
    with StandIns(tmp_path) as world:
        normal = undisturbed(scenario, world)
    assert normal.calls
    failed = normal.said.startswith("Bosh::") and not SCENARIOS[scenario].stored
    assert normal.after == normal.before or not failed, "a call that fails changes nothing"
    chosen = choose(points(scenario, normal.calls))
    wrong = {}
    for point in chosen:
        with StandIns(tmp_path) as world:
            if found := check(point, normal, world):
                wrong[str(point)] = found
    record_property("fault points of the CPI", len(chosen))
    if choose is sample:
        record_property("FAULT_SEED", SEED)

    assert not wrong, "\n".join(f"{point}: {'; '.join(found)}" for point, found in wrong.items())
