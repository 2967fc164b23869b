"""STAND-IN for NATS, a Director's API and its blobstore: HTTPS on the port of the one whose configuration it is given.

GET /info answers what the configuration has for it. With a folder, GET and PUT of other paths read and write its
files, with the user and password of the configuration. With an authority of clients, TLS without a certificate of it is
refused. NATS's own protocol it does not speak.
"""

import base64
import json
import ssl
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CONFIG: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/info":
            self._answer(200, json.dumps(CONFIG["info"]).encode())
        elif (file := self._file()) is not None:
            self._answer(200, file.read_bytes()) if file.is_file() else self._answer(404)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if (file := self._file()) is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
            self._answer(201)

    def _file(self) -> "Path | None":
        if not CONFIG.get("folder"):
            self._answer(404)
            return None
        wanted = "Basic " + base64.b64encode(f"{CONFIG['user']}:{CONFIG['password']}".encode()).decode()
        if self.headers.get("Authorization") != wanted:
            self._answer(401)
            return None
        return Path(CONFIG["folder"], Path(self.path).name)

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
with tempfile.NamedTemporaryFile("w") as pem:
    pem.write(CONFIG["certificate"] + CONFIG["private_key"])
    pem.flush()
    context.load_cert_chain(pem.name)
if CONFIG.get("client_ca"):
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=CONFIG["client_ca"])
server = ThreadingHTTPServer(("0.0.0.0", CONFIG["port"]), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
