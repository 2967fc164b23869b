"""HTTPS on loopback as both stand-ins before a client have it: the API server, and the proxy before a real one."""

import json
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from tests.support.fakeapi import errors
from tests.support.fakeapi.faults import Fault, cut, wait_for_hang_up

Json = dict[str, Any]


class HttpsServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, handler: "type[Handler]", context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._handler = handler
        self._context = context
        self.connections = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}"

    def finish_request(self, request: Any, client_address: Any) -> None:
        """TLS in the connection's own thread: a client that is slow to greet holds up nobody."""
        try:
            with self._context.wrap_socket(request, server_side=True) as secure:
                self.connections += 1
                self._handler(cast(Any, secure), client_address, self)
        except OSError:
            return  # clients break off, and some are meant to

    def handle_error(self, request: Any, client_address: Any) -> None:
        return


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        return

    def fail(self, fault: Fault) -> None:
        """The answer that a fault makes, or none."""
        fault.then()
        if fault.slow:
            wait_for_hang_up(self.connection)
        if fault.slow or fault.status == 0:
            self.close_connection = True
            return cut(self.connection)
        refusal = errors.Refusal(fault.status, "Injected", f"injected fault {fault.status}")
        return self.send(fault.status, fault.body or refusal.status(), retry_after=fault.header)

    def send(self, code: int, body: Json | str, retry_after: str = "") -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain; charset=utf-8" if isinstance(body, str) else "application/json")
        self.send_header("Content-Length", str(len(data)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(data)

    def begin_watch(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def piece(self, data: bytes) -> None:
        """One of a chunked body, at once."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def event(self, value: Json) -> None:
        """One of a watch."""
        self.piece(json.dumps(value).encode() + b"\n")

    def no_more_pieces(self) -> None:
        self.wfile.write(b"0\r\n\r\n")
