"""The client that drives a life: the real `bosh` when BOSH_CLI names it, else the driver. Both take the same words."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class ClientError(AssertionError):
    """create-env or delete-env failed; the message is all that the client printed."""


@dataclass(frozen=True)
class Client:
    """Runs `create-env` and `delete-env`; what the client keeps in the home folder stays below `home`."""

    home: Path

    @property
    def name(self) -> str:
        return f"bosh ({os.environ['BOSH_CLI']})" if os.environ.get("BOSH_CLI") else "driver"

    def run(self, command: str, manifest: Path, state: Path, *words: str) -> str:
        """All that the client printed.

        Raises:
            ClientError: it failed.
        """
        if cli := os.environ.get("BOSH_CLI"):
            program = [cli, "--non-interactive", "--tty"]
        else:
            program = [sys.executable, "-m", "tests.e2e.driver"]
        done = subprocess.run(
            [*program, command, str(manifest), "--state", str(state), *words],
            cwd=ROOT,
            env={**os.environ, "HOME": str(self.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ClientError(f"{self.name}: {command} failed with exit code {done.returncode}\n{done.stdout}")
        return done.stdout
