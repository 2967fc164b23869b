"""A runit stemcell with the stand-in agent, booted in namespaces of this machine: it needs root, and no cluster."""

from __future__ import annotations

import base64
import ctypes
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.cluster.certificates import Certificates

SHIM = Path(__file__).parents[3] / "operator/src/bosh_kubernetes_operator/firmware/mount"
PASSWORD = "p@ss/word"
CLONE_NEWNET = 0x40000000
SECONDS = 60


def wait_for(what: str, look: Callable[[], Any]) -> Any:
    """Looks until there is something true, and returns it."""
    deadline = time.monotonic() + SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {SECONDS} s for {what}"
        time.sleep(0.05)
    return found


class Machine:
    def __init__(self, rootfs: Path, folder: Path, disks: tuple[str, ...] = (), shim: Path | None = None) -> None:
        self.rootfs, self.folder, self.shim = rootfs, folder, shim
        self.certificates = Certificates.make("127.0.0.1")
        for disk in disks:
            (folder / "disks" / disk).mkdir(parents=True)
        self.settings: dict[str, Any] = {
            "agent_id": "agent-1",
            "vm": {"name": "vm-1"},
            "networks": {"default": {"type": "dynamic", "dns": ["192.0.2.1"], "preconfigured": True}},
            "disks": {"persistent": {}},
            "mbus": "https://mbus:p%40ss%2Fword@0.0.0.0:6868",
            "blobstore": {"provider": "local", "options": {"blobstore_path": "/var/vcap/micro_bosh/data/cache"}},
            "env": {"bosh": {"mbus": {"cert": self.certificates.settings()}}},
        }
        self.console = folder / "console"
        self.process: subprocess.Popen[bytes] | None = None

    # ---- power

    def on(self) -> None:
        (self.folder / "disks").mkdir(exist_ok=True)
        (self.folder / "settings.json").write_text(json.dumps(self.settings))
        script = Path(__file__).with_name("machine.sh")
        words = ["unshare", "--mount", "--uts", "--pid", "--net", "--fork", "--kill-child", str(script)]
        words += [str(self.rootfs), str(self.folder), *([str(self.shim)] if self.shim else [])]
        with self.console.open("ab") as console:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=console, stderr=console)

    def boot(self) -> None:
        """Switches on and waits for the agent."""
        self.on()
        wait_for("the agent", self.answers)

    def off(self) -> None:
        if self.process:
            if self.process.poll() is None:
                os.kill(self.init, signal.SIGKILL)
            self.process.wait(SECONDS)
            self.process = None

    def reboot(self) -> None:
        self.off()
        self.boot()

    @property
    def init(self) -> int:
        """The guest's process 1, seen from here."""
        assert self.process
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")

        def look() -> list[str]:
            assert self.process
            if self.process.poll() is not None:
                raise OSError(f"the machine is off: {self.console.read_text()}")
            return children.read_text().split()

        return int(wait_for("process 1", look)[0])

    # ---- the agent

    def answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.console.read_text()
        try:
            return self.ask("ping") == {"value": "pong"}
        except OSError:
            return False

    def ask(self, method: str, *arguments: object) -> dict[str, Any]:
        body = {"method": method, "arguments": list(arguments), "reply_to": "test"}
        status, answer = self.http("POST", "/agent", json.dumps(body).encode())
        assert status == 200
        return dict(json.loads(answer))

    def task(self, method: str, *arguments: object) -> dict[str, Any]:
        """Asks for something that takes time and waits: the answer of the get_task that says more than running."""
        task = self.ask(method, *arguments)["value"]["agent_task_id"]

        def done() -> dict[str, Any] | None:
            answer = self.ask("get_task", task)
            value = answer.get("value")
            return None if isinstance(value, dict) and value.get("state") == "running" else answer

        return dict(wait_for(method, done))

    def http(self, verb: str, path: str, body: bytes = b"", password: str = PASSWORD) -> tuple[int, bytes]:
        context = ssl.create_default_context(cadata=self.certificates.ca)
        with context.wrap_socket(self._connect(), server_hostname="127.0.0.1") as sock:
            connection = http.client.HTTPConnection("127.0.0.1")
            connection.sock = sock
            basic = base64.b64encode(f"mbus:{password}".encode()).decode()
            connection.request(verb, path, body, {"Authorization": f"Basic {basic}"})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def _connect(self) -> socket.socket:
        """A connection made inside the machine's network namespace, which one thread enters for it."""
        result: list[socket.socket | OSError] = []

        def connect() -> None:
            libc = ctypes.CDLL(None, use_errno=True)
            try:
                with open(f"/proc/{self.init}/ns/net") as namespace:
                    if libc.setns(namespace.fileno(), CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), "setns")
                result.append(socket.create_connection(("127.0.0.1", 6868), timeout=SECONDS))
            except OSError as failure:
                result.append(failure)

        thread = threading.Thread(target=connect)
        thread.start()
        thread.join()
        if isinstance(result[0], OSError):
            raise result[0]
        return result[0]

    # ---- inside

    def run(self, command: str) -> str:
        """Runs a shell command in the guest and returns what it printed."""
        words = ["nsenter", "-t", str(self.init), "-m", "-u", "-p", "-n", "-r", "-w", "/bin/sh", "-c", command]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    def mounts(self) -> dict[str, str]:
        """Mount point to options, the uppermost mount of each."""
        rows = (line.split() for line in self.run("cat /proc/self/mountinfo").splitlines())
        return {row[4]: row[5] for row in rows}

    def log(self) -> str:
        current = self.folder / "upper/var/vcap/bosh/log/current"
        return current.read_text() if current.exists() else ""
