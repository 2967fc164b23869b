"""The HTTPS message bus: POST /agent, GET and PUT /blobs/<id>, TLS and basic auth from the settings.

As in mbus/https_handler.go: 401 without the right password, 404 for what it does not know, 500 for what is not JSON.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import shutil
import ssl
import tempfile
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import SplitResult, unquote

Dispatch = Callable[[dict[str, Any]], dict[str, Any]]

IDLE_SECONDS = 60


class Bus(ThreadingHTTPServer):
    """Listens as soon as it is made; `serve_forever` answers.

    Handshakes are done by the thread of the connection: a caller that says nothing holds up nobody else.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, url: SplitResult, certificate: tuple[str, str], dispatch: Dispatch, blobs: Path) -> None:
        self.dispatch = dispatch
        self.blobs = blobs
        self.authorization = authorization(unquote(url.username or ""), unquote(url.password or ""))
        super().__init__((url.hostname or "0.0.0.0", url.port or 443), Handler)
        self.socket = context(*certificate).wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections that break are the caller's affair."""


def authorization(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def context(certificate: str, key: str) -> ssl.SSLContext:
    """TLS 1.2 and up with the given certificate and key (PEM). Python loads them from files only."""
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    result.minimum_version = ssl.TLSVersion.TLSv1_2
    descriptor, name = tempfile.mkstemp()
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{key}\n{certificate}\n")
        result.load_cert_chain(name)
    finally:
        os.unlink(name)
    return result


class Handler(BaseHTTPRequestHandler):
    server: Bus
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        if self._may_pass():
            blob = self._blob()
            if blob is None or not blob.is_file():
                self._answer(404)
            else:
                with blob.open("rb") as file:
                    self.send_response(200)
                    self.send_header("Content-Length", str(blob.stat().st_size))
                    self.end_headers()
                    shutil.copyfileobj(file, self.wfile)

    def do_PUT(self) -> None:
        if self._may_pass():
            blob = self._blob()
            if blob is None:
                self._body()
                self._answer(404)
            else:
                blob.parent.mkdir(parents=True, exist_ok=True)
                with blob.open("wb") as file:
                    for part in self._body():
                        file.write(part)
                blob.chmod(0o640)
                self._answer(201)

    def do_POST(self) -> None:
        if self._may_pass():
            body = b"".join(self._body())
            if self.path != "/agent":
                self._answer(404)
                return
            try:
                request = json.loads(body)
                if not isinstance(request, dict):
                    raise ValueError("not an object")
            except ValueError:
                self._answer(500)
            else:
                self._answer(200, json.dumps(self.server.dispatch(request)).encode())

    def _may_pass(self) -> bool:
        if self.path != "/agent" and not self.path.startswith("/blobs/"):
            self._body()
            self._answer(404)
            return False
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), self.server.authorization.encode()):
            self._body()
            self._answer(401, headers={"WWW-Authenticate": 'Basic realm=""'})
            return False
        return True

    def _blob(self) -> Path | None:
        name = PurePosixPath(self.path).name
        known = self.path.startswith("/blobs/") and name not in ("", "blobs")
        return self.server.blobs / name if known else None

    def _body(self) -> list[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return parts
        return [self.rfile.read(int(self.headers.get("Content-Length") or 0))]

    def _answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        print(f"bus: {format % args}", flush=True)
