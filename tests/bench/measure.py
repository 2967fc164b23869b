"""Ratios measured side by side: the cases take turns within one run, so that a busy machine slows all of them alike."""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path("build/bench.json")


def seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def side_by_side(rounds: int, cases: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Median of the seconds that each case says it took, over `rounds` rounds after one that does not count."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(rounds + 1):
        for name, case in cases.items():
            value = case()
            if turn:
                taken[name].append(value)
    return {name: statistics.median(values) for name, values in taken.items()}


def report(title: str, medians: dict[str, float], *, base: str, aim: str, rounds: int, note: str = "") -> None:
    """Print one table, every case as a multiple of `base`, and keep it in build/bench.json."""
    print(f"\n{title} (aim {aim}; medians of {rounds}){'; ' + note if note else ''}")
    for name, value in medians.items():
        print(f"  {value * 1000:10.0f} ms  {value / medians[base]:6.2f}x  {name}")
    note_down(title, {"seconds": medians, "base": base, "aim": aim, "rounds": rounds, "note": note})


def note_down(title: str, figures: dict[str, Any]) -> None:
    """Keep them in build/bench.json."""
    RESULTS.parent.mkdir(exist_ok=True)
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    kept[title] = figures
    RESULTS.write_text(json.dumps(kept, indent=1))
