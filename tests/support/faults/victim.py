"""The operator as a process of this machine, with its own account, behind the proxy: killed at one of its changes.

A change is a request that writes something other than its Lease and Events, or an order by exec that is more than a
look.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from base64 import b64encode
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qs

from tests.support.cluster.installation import RELEASE, Installation
from tests.support.fakeapi.faults import Fault
from tests.support.fakeapi.server import Seen
from tests.support.faults.proxy import Proxy

WRITING = ("POST", "PUT", "PATCH", "DELETE")
NO_CHANGE = ("leases", "events")
END = 40  # seconds that it may take to end in order


class Victim:
    """Runs within a `with` block, in which no other operator does: it ends in order, so that the next need not wait."""

    def __init__(self, proxy: Proxy, installation: Installation, folder: Path) -> None:
        self._proxy, self._log = proxy, folder / "operator.log"
        system = installation.system
        deployment = system.get("deployment", RELEASE)
        assert deployment is not None
        arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(_kubeconfig(proxy, system.run("create", "token", RELEASE).strip()))
        more = [f"--kubeconfig={kubeconfig}", "--identity=victim", "--health-port=0", "--metrics-port=0"]
        self._command = [sys.executable, "-m", "bosh_kubernetes_operator", *arguments, *more]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._last, self._after = -1, False
        self.changes: list[str] = []  # since `kill_at`
        self.killed_at = ""  # the change, once it is dead

    def __enter__(self) -> "Victim":
        self._proxy.intercept = self._asked
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._proxy.intercept = lambda _: None
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if error is not None:
            print(self.log())

    def start(self) -> None:
        with self._lock, self._log.open("ab") as log:
            if self._process is not None:
                self._process.wait()  # it was killed
            self._last = -1
            environment = {"PATH": os.environ["PATH"], "LOGNAME": "operator"}
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=environment)

    def kill_at(self, number: int, *, after: bool) -> None:
        """SIGKILL when its change of that number (from 0) arrives; `after`: once it has been made."""
        with self._lock:
            self._last, self._after = number, after
            self.changes, self.killed_at = [], ""

    def spare(self) -> None:
        """It is not killed any more."""
        with self._lock:
            self._last = -1

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def _asked(self, seen: Seen) -> Fault | None:
        change = _change(seen)
        if not change:
            return None
        with self._lock:
            here = len(self.changes) == self._last and not self.killed_at
            self.changes.append(change)
            return Fault(after=self._after, then=lambda: self._kill(change)) if here else None

    def _kill(self, change: str) -> None:
        with self._lock:
            assert self._process is not None
            self._process.kill()
            self._process.wait()
            self.killed_at = change


def _change(seen: Seen) -> str:
    """What the request changes, empty when nothing."""
    parts = seen.path.strip("/").split("/")
    if parts[-1] == "exec":
        command = parse_qs(seen.query).get("command", [])
        return f"order {command[1]}" if command[1:] and command[1] != "status" else ""
    if seen.method not in WRITING or "namespaces" not in parts:
        return ""
    plural, *rest = parts[parts.index("namespaces") + 2 :]
    return "" if plural in NO_CHANGE else " ".join([seen.method, plural, *rest[1:]])


def _kubeconfig(proxy: Proxy, token: str) -> str:
    """As JSON, which is YAML."""
    authority = b64encode(proxy.authority.pem.encode()).decode()
    cluster = {"server": proxy.url, "certificate-authority-data": authority}
    parts = {
        "clusters": [{"name": "proxy", "cluster": cluster}],
        "users": [{"name": "operator", "user": {"token": token}}],
        "contexts": [{"name": "victim", "context": {"cluster": "proxy", "user": "operator"}}],
    }
    return json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "victim", **parts})
