"""A TLS proxy on loopback before a real API server, in which any request goes wrong that `intercept` says so of.

    with Proxy(server, ca) as proxy:   # what a kubeconfig says of the API server
        proxy.url, proxy.authority.pem  # what its clients are told instead

Requests go on with the credentials that they came with (headers only: no client certificates), watches event by event,
and upgrades (exec) as they are. Kinds of faults are those of the stand-in API server.
"""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from tests.support.fakeapi import errors
from tests.support.fakeapi.certs import Authority, server_context
from tests.support.fakeapi.faults import Fault, wait_for_hang_up
from tests.support.fakeapi.https import Handler, HttpsServer
from tests.support.fakeapi.server import Seen

OF_A_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "upgrade", "content-length"}
SILENCE = 60.0  # seconds that the API server may be silent
DONE = b'"status":"'  # of the Status that ends an exec


class Proxy:
    def __init__(self, server: str, ca: str) -> None:
        """`server`: URL of the API server; `ca`: PEM of its authority."""
        self.authority = Authority()
        self.intercept: Callable[[Seen], Fault | None] = lambda _: None
        url = urlsplit(server)
        self.target = (url.hostname or "", url.port or 443)
        self.trust = ssl.create_default_context(cadata=ca)
        self._server = _Server(self, server_context(self.authority))
        self.url = self._server.url
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(HttpsServer):
    def __init__(self, proxy: Proxy, context: ssl.SSLContext) -> None:
        super().__init__(_Handler, context)
        self.proxy = proxy


class _Handler(Handler):
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._upstream: http.client.HTTPSConnection | None = None  # for as long as the client's connection

    def finish(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
        super().finish()

    def _serve(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        fault = self.server.proxy.intercept(Seen(self.command, url.path, url.query, _json(data)))
        watches = "watch=true" in url.query
        if fault and not fault.after and not fault.opens:
            return self.fail(fault)
        if fault and fault.opens:
            return self._watch_nothing(fault)
        if self.headers.get("Upgrade"):
            return self._tunnel(fault)
        answer = self._ask(data)
        if fault:
            answer.close() if watches else answer.read()
            return self.fail(fault)
        return self._pass_on(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 (http.server's names)

    def _ask(self, data: bytes) -> http.client.HTTPResponse:
        """What the API server answers, its body not read. Nothing is ever asked twice."""
        if self._upstream is None:
            host, port = self.server.proxy.target
            self._upstream = http.client.HTTPSConnection(host, port, timeout=SILENCE, context=self.server.proxy.trust)
        headers = {name: text for name, text in self.headers.items() if name.lower() not in OF_A_CONNECTION | {"host"}}
        self._upstream.request(self.command, self.path, data or None, headers)
        return self._upstream.getresponse()

    def _pass_on(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status, answer.reason)
        for name, text in answer.getheaders():
            if name.lower() not in OF_A_CONNECTION:
                self.send_header(name, text)
        if answer.length is None and self.command != "HEAD":
            return self._stream(answer)
        body = answer.read()
        self.send_header("Content-Length", str(len(body)) if body else answer.getheader("Content-Length") or "0")
        self.end_headers()
        self.wfile.write(body)
        if answer.will_close:
            self.close_connection = True
        return None

    def _stream(self, answer: http.client.HTTPResponse) -> None:
        """Each piece as soon as it comes."""
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while piece := answer.read1(1 << 16):
            self.piece(piece)
        self.no_more_pieces()

    def _watch_nothing(self, fault: Fault) -> None:
        """A watch of which nothing is heard, or only that it is too late."""
        self.begin_watch()
        fault.then()
        if fault.silent:
            wait_for_hang_up(self.connection)
            self.close_connection = True
            return
        self.event({"type": "ERROR", "object": errors.too_old(1).status()})
        self.no_more_pieces()

    def _tunnel(self, fault: Fault | None) -> None:
        """Both ways until either ends. With a fault (after): until the command has ended, and nothing of it is told."""
        self.close_connection = True
        proxy = self.server.proxy
        with socket.create_connection(proxy.target, SILENCE) as plain:
            upstream = proxy.trust.wrap_socket(plain, server_hostname=proxy.target[0])
            with upstream:
                lines = [f"{name}: {text}" for name, text in self.headers.items() if name.lower() != "host"]
                head = [self.requestline, f"Host: {proxy.target[0]}:{proxy.target[1]}", *lines, "", ""]
                upstream.sendall("\r\n".join(head).encode())
                if fault:
                    told = b""
                    while DONE not in told and (piece := upstream.recv(1 << 16)):
                        told += piece
                    return self.fail(fault)
                back = threading.Thread(target=_copy, args=(upstream, self.connection), daemon=True)
                back.start()
                _copy(self.connection, upstream)
                back.join()
        return None


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Until the source ends; then the sink's other side is told so."""
    try:
        while piece := source.recv(1 << 16):
            sink.sendall(piece)
    except OSError:
        pass
    finally:
        _hang_up(sink)


def _hang_up(sink: socket.socket) -> None:
    try:
        sink.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _json(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return None  # a layer, say
