"""One HTTP/1.1 connection to one server: TLS, an optional proxy by CONNECT, and a deadline.

It neither retries nor reads meaning into an answer: transport.api does so for the API server, stemcell.registry for a
registry.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl

from ..clock import Deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import IO, Any

SLOWEST_READ = 60.0  # seconds that a server may be silent within one answer
CONNECT = 10.0  # seconds for TCP and TLS


class Unreachable(Exception):  # noqa: N818 (it says what happened)
    """No answer: `sent` is False when the server cannot have seen the request."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class Endpoint:
    """Where and as whom: host, port, TLS (None: plain HTTP), headers of every request.

    `base` is put before every path, `server_name` is what the certificate must show (default: host), `proxy` is
    (host, port, headers) of an HTTP proxy.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None,
        base: str = "",
        headers: Mapping[str, str] | None = None,
        server_name: str = "",
        proxy: tuple[str, int, dict[str, str]] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.tls = tls
        self.base = base.rstrip("/")
        self.headers = dict(headers or {})
        self.server_name = server_name or host
        self.proxy = proxy

    def __repr__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}{self.base}"


class Connection:
    """A connection that is made at the first request and again after `close`."""

    def __init__(self, endpoint: Endpoint, deadline: Deadline) -> None:
        self.endpoint = endpoint
        self.deadline = deadline
        self._http: _Http | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | Iterable[bytes] | IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = SLOWEST_READ,
    ) -> http.client.HTTPResponse:
        """Send one request; the answer's head is read, its body is not.

        A body that is not bytes is streamed: give Content-Length in `headers`, else it goes out in chunks. The body
        of the answer must be read to its end, or the connection closed, before the next request. `patience`: seconds
        that the server may be silent. Raises Unreachable, and TimedOut when the deadline is over.
        """
        self.deadline.check(f"talking to {self.endpoint!r}")
        sent = False
        try:
            connection = self._connected()
            assert connection.sock is not None
            connection.sock.settimeout(min(patience, self.deadline.remaining() + 0.1))
            sent = True
            try:
                connection.request(
                    method, self.endpoint.base + path, body=body, headers={**self.endpoint.headers, **(headers or {})}
                )
            except (BrokenPipeError, ConnectionResetError):
                # a server that refuses a stream may answer and close before it has all of it: hear what it says
                if body is None or isinstance(body, bytes):
                    raise
            return connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unreachable(f"{self.endpoint!r}: {explain(error)}", sent=sent) from error

    def patience(self, seconds: float) -> None:
        """Seconds that the server may be silent from now on, in the answer that is being read."""
        if self._http is not None and self._http.sock is not None:
            self._http.sock.settimeout(max(0.05, min(seconds, self.deadline.remaining() + 0.1)))

    def close(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None

    def _connected(self) -> _Http:
        if self._http is None or self._http.sock is None:
            connection = _Http(self.endpoint, min(CONNECT, self.deadline.remaining() + 0.1))
            connection.connect()
            self._http = connection
        return self._http


class _Http(http.client.HTTPConnection):
    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        if endpoint.proxy:
            host, port, headers = endpoint.proxy
            super().__init__(host, port, timeout=timeout)
            self.set_tunnel(endpoint.host, endpoint.port, headers)
        else:
            super().__init__(endpoint.host, endpoint.port, timeout=timeout)
        self._endpoint = endpoint
        self._create_connection = _dial  # http.client's own hook

    def connect(self) -> None:
        super().connect()
        if self._endpoint.tls:
            name = _as_bytes(self._endpoint.server_name)
            self.sock = self._endpoint.tls.wrap_socket(self.sock, server_hostname=name)


def _dial(address: tuple[str, int], *arguments: Any) -> socket.socket:
    host, port = address
    return socket.create_connection((_as_bytes(host), port), *arguments)


def _as_bytes(host: str) -> Any:
    """A plain name as bytes: for text Python loads its tables of international names, at 3 ms a process."""
    return host.encode("ascii") if host.isascii() else host


def tls_context(*, ca: str = "", certificate: str = "", key: str = "") -> ssl.SSLContext:
    """A verifying client context. All arguments are PEM text; without `ca` the system's authorities are trusted.

    Raises ValueError for text that is no PEM of the kind; its message never quotes the text.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if ca:
            context.load_verify_locations(cadata=ca)
        else:
            context.load_default_certs()
    except (ssl.SSLError, ValueError) as error:
        raise ValueError("the certificate authority is no PEM certificate") from error
    if certificate:
        try:
            _load_chain(context, (certificate.rstrip() + "\n" + key.rstrip() + "\n").encode())
        except ssl.SSLError as error:
            raise ValueError("client certificate and key are no matching PEM pair") from error
    return context


def _load_chain(context: ssl.SSLContext, pem: bytes) -> None:
    """OpenSSL reads a key from a file only: one without a name where the system has such, else a private temporary
    one.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client")
        try:
            os.write(descriptor, pem)
            context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
        return
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)


def explain(error: BaseException) -> str:
    """A connection error in words: OpenSSL's and the resolver's own are for their authors."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved ({error.strerror})"
    if isinstance(error, http.client.RemoteDisconnected):
        return "it closed the connection"
    return str(error) or type(error).__name__
