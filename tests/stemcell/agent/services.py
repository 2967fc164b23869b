"""Starts monit by the machine's service manager: sv, or systemctl when agent.json says systemd."""

from __future__ import annotations

import time
from pathlib import Path

from .errors import AgentError, wrap
from .shell import Run, run

TRIES = 10


class Services:
    def __init__(self, manager: str, run: Run = run) -> None:
        self._tool = "systemctl" if manager == "systemd" else "sv"
        self._run = run

    def start_monit(self) -> None:
        """Makes runit know monit, then asks for its start ten times, a second apart."""
        if self._tool == "sv":
            with wrap("Setting up monit"):
                link(Path("/etc/sv/monit"), Path("/etc/service/monit"))
        for left in reversed(range(TRIES)):
            try:
                self._run(self._tool, "start", "monit")
            except AgentError as failure:
                if not left:
                    raise AgentError(f"Retrying to start monit: Starting monit: {failure}") from failure
                time.sleep(1)
            else:
                return

    def kill_and_start_monit(self) -> None:
        """The real agent's way to have monit read its files anew. `systemctl kill` reaches monit's jobs too."""
        self._run(self._tool, "kill", "monit")
        self._run(self._tool, "start", "monit")


def link(source: Path, path: Path) -> None:
    """Makes `path` a symbolic link to `source`, replacing what is there: a mount at that place makes it fail."""
    if path.is_symlink() and path.readlink() == source:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(source)
