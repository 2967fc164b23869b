"""The tool as a person runs it: a process of the console script, and what it says."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

COMMAND = [sys.executable, "-I", "-m", "bosh_kubernetes_cpi"]
PATIENCE = 120  # seconds


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def tool(
    *arguments: object,
    config: Path | None = None,
    stdin: str = "",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Said:
    """One command, run to its end. `config` becomes --config."""
    process = start(*arguments, config=config, folder=folder, environment=environment)
    out, err = process.communicate(stdin, timeout=PATIENCE)
    return Said(process.returncode, out, err)


def at_a_terminal(answer: str, *arguments: object, config: Path) -> Said:
    """One command with a terminal as its standard input, at which somebody types a line."""
    ours, theirs = os.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        process = start(*arguments, config=config, stdin=theirs)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        os.close(ours)
        os.close(theirs)
    return Said(process.returncode, out, err)


def start(
    *arguments: object,
    config: Path | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: int = subprocess.PIPE,
) -> "subprocess.Popen[str]":
    words = [*COMMAND, *map(str, arguments), *(["--config", str(config)] if config else [])]
    return subprocess.Popen(
        words,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **(environment or {})},
        preexec_fn=_default_signals,
    )


def _default_signals() -> None:
    """A shell in the background ignores SIGINT for its children; a person's does not."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
