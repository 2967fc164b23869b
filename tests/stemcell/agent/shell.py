"""Runs a program. The agent's PATH starts with /var/vcap/bosh/bin: what lies there shadows mount, umount, shutdown."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from .errors import AgentError

Run = Callable[..., str]


def run(*command: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Runs a program to its end and returns what it printed.

    Raises:
        AgentError: it could not be started or ended with another status than 0.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=env,
            cwd=cwd,
        )
    except OSError as cause:
        raise AgentError(f"Running command: '{' '.join(command)}': {cause}") from cause
    if done.returncode:
        raise AgentError(
            f"Running command: '{' '.join(command)}', stdout: '{done.stdout}', stderr: '{done.stderr}': "
            f"exit status {done.returncode}"
        )
    return done.stdout
