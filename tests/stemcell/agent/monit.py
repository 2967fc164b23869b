"""Stand-in for monit 5.2.5: starts, watches and stops the jobs that /var/vcap/monit/job/*.monitrc describe.

Like monit it keeps in a file which jobs are not to be watched, starts all others when it starts itself (after a
reboot too), and starts a watched job again when its process is gone. It dies without harm to the jobs.

| monit | here |
|---|---|
| a cycle is 10 s | 1 s |
| checks of files, programs, memory, ports; dependencies; `mode`; time limits; uid and gid | ignored |
| command line (`monit summary`, `monit stop all`) | none |
| XML status, HTML pages, alerts | JSON, no alerts |
"""

from __future__ import annotations

import hmac
import json
import os
import re
import shlex
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .bus import authorization
from .monit_client import ADDRESS, USER
from .settings import write

JOBS = Path("/var/vcap/monit/job")
STATE = Path("/var/vcap/monit/standin.state")
CYCLE_SECONDS = 1
START_SECONDS = 30
CLEAN = {"PATH": "/bin:/usr/bin:/sbin:/usr/sbin"}

CHECK = re.compile(r"^\s*check\s+process\s+(\S+)(.*?)(?=^\s*check\s|\Z)", re.MULTILINE | re.DOTALL)


@dataclass
class Service:
    name: str
    pidfile: Path
    start: list[str]
    stop: list[str]
    group: str
    monitored: bool = True
    pending: str = ""
    starting_since: float = 0.0
    up_since: float = 0.0


def parse(text: str) -> list[Service]:
    """The `check process` sections of a monit file. One without pidfile, start and stop program is left out."""
    found = []
    for name, body in CHECK.findall(text):
        pidfile = re.search(r"\bpidfile\s+\"?([^\s\"]+)", body)
        programs = [re.search(rf"\b{verb}\s+program\s*=?\s*\"([^\"]+)\"", body) for verb in ("start", "stop")]
        group = re.search(r"\bgroup\s+(\S+)", body)
        if pidfile and all(programs):
            start, stop = (shlex.split(match.group(1)) for match in programs if match)
            found.append(Service(name, Path(pidfile.group(1)), start, stop, group.group(1) if group else ""))
    return found


def alive(pidfile: Path) -> int | None:
    """The process that a pid file names, if there is one and it is no zombie."""
    try:
        pid = int(pidfile.read_text().split()[0])
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (OSError, ValueError, IndexError):
        return None
    return None if state in "ZX" else pid


def status(service: Service, pid: int | None, now: float) -> str:
    if not service.monitored:
        return "unknown"
    if pid is not None:
        return "running"
    return "starting" if now - service.starting_since < START_SECONDS else "failing"


def due(service: Service, pid: int | None, now: float) -> str:
    """What a cycle has to do for a service: what was ordered, else start it when it is gone."""
    if service.pending:
        return service.pending
    if service.monitored and pid is None and now - service.starting_since >= START_SECONDS:
        return "start"
    return ""


class Monit:
    def __init__(self) -> None:
        self.incarnation = time.time_ns()
        unwatched = json.loads(STATE.read_text()) if STATE.exists() else []
        self.services = {one.name: one for file in sorted(JOBS.glob("*.monitrc")) for one in parse(file.read_text())}
        for service in self.services.values():
            service.monitored = service.name not in unwatched
        self._lock = threading.Lock()
        self._wake = threading.Event()

    def order(self, name: str, action: str) -> None:
        with self._lock:
            service = self.services[name]
            if action == "unmonitor":
                service.monitored, service.pending = False, ""
            else:
                service.pending = action
            self._save()
        self._wake.set()

    def run(self) -> None:
        """One cycle after the other, for ever."""
        while True:
            for service in list(self.services.values()):
                self._cycle(service)
            self._wake.wait(CYCLE_SECONDS)
            self._wake.clear()

    def report(self) -> dict[str, Any]:
        now = time.time()
        services = []
        for one in self.services.values():
            pid = alive(one.pidfile)
            services.append({
                "name": one.name, "group": one.group, "monitored": one.monitored, "pending": bool(one.pending),
                "status": status(one, pid, now), "uptime": int(now - one.up_since) if pid and one.up_since else 0,
            })  # fmt: skip
        return {"incarnation": self.incarnation, "services": services}

    def _cycle(self, service: Service) -> None:
        action = due(service, alive(service.pidfile), time.time())
        if action == "start":
            service.monitored = True
            # The real one waits for a program that it starts: a second order meanwhile does not start another.
            if alive(service.pidfile) is None and time.time() - service.starting_since >= START_SECONDS:
                service.starting_since = service.up_since = time.time()
                execute(service.start)
        elif action == "stop":
            service.monitored, service.starting_since = False, 0.0
            execute(service.stop)
            deadline = time.time() + START_SECONDS
            while alive(service.pidfile) is not None and time.time() < deadline:
                time.sleep(0.1)
        if alive(service.pidfile) is not None:
            service.starting_since = 0.0
        with self._lock:
            if service.pending == action:
                service.pending = ""
            self._save()

    def _save(self) -> None:
        write(STATE, [one.name for one in self.services.values() if not one.monitored])


def execute(command: list[str]) -> None:
    """Starts a program in a session of its own, with nothing of ours: it outlives us."""
    print(f"monit: {' '.join(command)}", flush=True)
    try:
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=CLEAN, start_new_session=True, cwd="/",
        )  # fmt: skip
    except OSError as failure:
        print(f"monit: {failure}", flush=True)


class Handler(BaseHTTPRequestHandler):
    monit: Monit

    def do_GET(self) -> None:
        if self._may_pass():
            self._answer(200, self.monit.report())

    def do_POST(self) -> None:
        action = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        name = self.path.lstrip("/")
        if self._may_pass():
            if name not in self.monit.services or action not in ("start", "stop", "unmonitor"):
                self._answer(404, {})
            else:
                self.monit.order(name, action)
                self._answer(200, {})

    def _may_pass(self) -> bool:
        user, _, password = USER.read_text().strip().partition(":")
        known = hmac.compare_digest(
            self.headers.get("Authorization", "").encode(), authorization(user, password).encode()
        )
        if not known:
            self._answer(401, {})
        return known

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Asked every second: not worth a line."""


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children that end are nobody's: the pid files tell
    os.chdir("/")
    Handler.monit = Monit()
    ThreadingHTTPServer.allow_reuse_address = True
    server = ThreadingHTTPServer(ADDRESS, Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Handler.monit.run()
