"""The client that drives a life: the real `bosh` when BOSH_CLI names it, else the driver. Both take the same words."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class ClientError(AssertionError):
    """create-env or delete-env failed; the message is all that the client printed."""


@dataclass(frozen=True)
class Client:
    """Runs `create-env` and `delete-env`; what the client keeps in the home folder stays below `home`.

    `cli` is the real client's path, empty for the driver.
    """

    home: Path
    cli: str = field(default_factory=lambda: os.environ.get("BOSH_CLI", ""))
    words: tuple[str, ...] = ()  # for every run

    @property
    def name(self) -> str:
        return f"bosh ({self.cli})" if self.cli else "driver"

    def run(self, command: str, manifest: Path, state: Path, *words: str) -> str:
        """All that the client printed.

        Raises:
            ClientError: it failed.
        """
        driver = [sys.executable, "-m", "tests.e2e.driver"]
        program = [self.cli, "--non-interactive", "--tty"] if self.cli else driver
        done = subprocess.run(
            [*program, command, str(manifest), "--state", str(state), *self.words, *words],
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
