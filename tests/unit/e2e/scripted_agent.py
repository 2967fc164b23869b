"""STAND-IN for an agent behind create-env: the real TLS, the real basic authentication, answers from a script.

It knows which disks are mounted and nothing else of a machine. Refused as by the real one: wrong credentials (401),
unknown messages (an exception "unknown message …").
"""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.cluster.certificates import Certificates

TASKS = {
    "apply", "compile_package", "stop", "drain", "run_script", "mount_disk", "unmount_disk", "migrate_disk",
    "add_persistent_disk", "remove_persistent_disk",
}  # fmt: skip


class ScriptedAgent:
    """Notes every message in order (pings and get_task left out), as JSON with sorted keys, and every upload's path."""

    def __init__(self, user: str, password: str) -> None:
        self.authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.messages: list[str] = []
        self.mounted: list[str] = []
        self.results: dict[str, Any] = {}

    def answer(self, text: str) -> dict[str, Any]:
        message = json.loads(text)
        method, arguments = message["method"], message["arguments"]
        if method == "ping":
            return {"value": "pong"}
        if method == "get_task":
            return {"value": self.results[arguments[0]]}
        self.messages.append(json.dumps(message, sort_keys=True, separators=(",", ":")))
        if method == "mount_disk":
            self.mounted.append(arguments[0])
        if method in ("unmount_disk", "remove_persistent_disk"):
            self.mounted.remove(arguments[0])
        if method in TASKS:
            task = str(len(self.results))
            self.results[task] = 0 if method == "drain" else "done"
            if method == "compile_package":
                name = arguments[2]
                self.results[task] = {"result": {"blobstore_id": f"compiled-{name}", "sha1": f"digest-{name}"}}
            return {"value": {"agent_task_id": task, "state": "running"}}
        if method == "list_disk":
            return {"value": list(self.mounted)}
        if method == "start":
            return {"value": "started"}
        if method == "get_state":
            return {"value": {"job_state": "running", "networks": {}}}
        return {"exception": {"message": f"unknown message {method}"}}


@contextmanager
def serving(agent: ScriptedAgent, certificates: Certificates) -> Iterator[int]:
    """The agent behind HTTPS on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def _reply(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _body(self) -> bytes | None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Authorization"] != agent.authorization:
                self._reply(401)
                return None
            return body

        def do_POST(self) -> None:
            if (body := self._body()) is not None:
                self._reply(200, json.dumps(agent.answer(body.decode())).encode())

        def do_PUT(self) -> None:
            if self._body() is not None:
                agent.messages.append(f"PUT {self.path}")
                self._reply(201)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:
        pem.write(certificates.certificate + certificates.private_key)
        pem.flush()
        context.load_cert_chain(Path(pem.name))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
