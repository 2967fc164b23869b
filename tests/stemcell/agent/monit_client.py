"""How the stand-in agent talks to the stand-in monit (monit.py): JSON on 127.0.0.1:2822."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

from .errors import AgentError
from .services import Services

ADDRESS = ("127.0.0.1", 2822)
USER = Path("/var/vcap/monit/monit.user")


class Monit:
    def __init__(self, services: Services) -> None:
        self._manager = services

    def services(self) -> list[dict[str, Any]]:
        """Those of group vcap: name, monitored, pending, status (see monit.status), uptime (seconds)."""
        return [one for one in self._ask("/status")["services"] if one["group"] == "vcap"]

    def order(self, service: str, action: str) -> None:
        """start, stop or unmonitor."""
        self._ask(f"/{service}", action.encode())

    def reload(self) -> None:
        """Kills and starts monit until it is another one than before."""
        before = self._ask("/status")["incarnation"]
        self._manager.kill_and_start_monit()
        deadline = time.monotonic() + 60
        while self._ask("/status")["incarnation"] == before:
            if time.monotonic() > deadline:
                raise AgentError(f"Failed to reload monit: before={before}")
            time.sleep(0.1)

    def _ask(self, path: str, body: bytes | None = None) -> Any:
        """One question, repeated for ten seconds while monit does not listen yet, or was killed as it answered."""
        deadline = time.monotonic() + 10
        while True:
            try:
                return self._ask_once(path, body)
            except AgentError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _ask_once(self, path: str, body: bytes | None) -> Any:
        password = base64.b64encode(USER.read_bytes().strip()).decode()
        url = f"http://{ADDRESS[0]}:{ADDRESS[1]}{path}"
        request = urllib.request.Request(url, data=body, headers={"Authorization": f"Basic {password}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except (OSError, ValueError, HTTPException) as cause:
            raise AgentError(f"Sending request to monit: {cause}") from cause
