"""Running programs: output captured, failures as one readable error."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import CommandError

KEPT_LINES = 25


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout: float | None = None,
) -> str:
    """Run a program to its end and return what it wrote on standard output. Raises CommandError."""
    words = [str(word) for word in command]
    environment = {**os.environ, **(env or {})}
    try:
        done = subprocess.run(
            words, env=environment, cwd=cwd, input=stdin, text=True, capture_output=True, timeout=timeout
        )
    except OSError as error:
        raise CommandError(f"{words[0]} cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"`{' '.join(words)}` did not end within {timeout:.0f} s") from error
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-KEPT_LINES:])
        raise CommandError(f"`{' '.join(words)}` failed with exit code {done.returncode}:\n{last}")
    return done.stdout


def works(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, timeout: float | None = None) -> bool:
    """Whether a program runs and ends with exit code 0."""
    try:
        run(command, env=env, timeout=timeout)
    except CommandError:
        return False
    return True
