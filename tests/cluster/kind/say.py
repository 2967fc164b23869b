"""What the user sees: one line a step with its seconds, a summary, and the same as JSON for the test suite."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_steps: list[dict[str, object]] = []


def line(text: str) -> None:
    """One line on standard error (standard output belongs to the answer of a command)."""
    print(f"cluster: {text}", file=sys.stderr, flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say that something begins, and how many seconds it took, also when it failed."""
    line(f"{name} ...")
    began = time.monotonic()
    result = "failed"
    try:
        yield
        result = "done"
    finally:
        seconds = round(time.monotonic() - began, 1)
        _steps.append({"step": name, "seconds": seconds, "result": result})
        line(f"{name}: {result} in {seconds} s")


def summary(file: Path) -> None:
    """Print where the time went and keep it as JSON: [{"step", "seconds", "result"}, ...]."""
    if not _steps:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(_steps, indent=1) + "\n")
    ordered = sorted(_steps, key=lambda entry: -float(str(entry["seconds"])))
    line("where the time went: " + ", ".join(f"{entry['step']} {entry['seconds']} s" for entry in ordered))
