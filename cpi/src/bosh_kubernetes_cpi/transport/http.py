"""One HTTP/1.1 connection to one server: TLS, an optional proxy by CONNECT, and a deadline.

It neither retries nor reads meaning into an answer: transport.api does so for the API server, stemcell.registry for a
registry.
"""

from __future__ import annotations

import socket
import ssl

from .answer import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, BinaryIO

    from ..clock import Deadline

SLOWEST_READ = 60.0  # seconds that a server may be silent within one answer
CONNECT = 10.0  # seconds for TCP and TLS


class Unreachable(Exception):  # noqa: N818 (it says what happened)
    """No answer. `untrusted`: because of the server's certificate, so another try is none; `refused`: by the proxy, of
    which the same is true.
    """

    untrusted = False
    refused = False


class _Refused(ConnectionError):  # noqa: N818 (it says what happened)
    """A proxy that does not let us pass."""


class Endpoint:
    """Where and as whom: host, port, TLS (None: plain HTTP), headers of every request.

    `base` is put before every path, `server_name` is what the certificate must show (default: host), `proxy` is
    (host, port, headers) of an HTTP proxy. `renew` puts other credentials into `headers` and `tls` where it has some,
    and answers whether it did; its second argument is whether the server refused those that are there (401).
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
        renew: Callable[[Endpoint, bool], bool] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.tls = tls
        self.base = base.rstrip("/")
        self.headers = dict(headers or {})
        self.server_name = server_name or host
        self.proxy = proxy
        self.renew = renew

    @property
    def authority(self) -> str:
        """Host and port, as a proxy is told them."""
        host = _plain(self.host)
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def host_field(self) -> str:
        """The field Host of a request: the scheme's own port is not named."""
        return self.authority.removesuffix(":443" if self.tls else ":80")

    def __repr__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}{self.base}"


class Connection:
    """A connection that is made at the first request and again when nothing can follow on the old one."""

    def __init__(self, endpoint: Endpoint, deadline: Deadline) -> None:
        self.endpoint = endpoint
        self.deadline = deadline
        self._socket: socket.socket | None = None
        self._file: BinaryIO | None = None  # what the server says
        self._answer: Answer | None = None  # the last one

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = SLOWEST_READ,
    ) -> Answer:
        """Send one request; the answer's head is read, its body is not.

        A body that is not bytes is streamed, and Content-Length in `headers` says how long it is. An answer that was
        not read to its end costs the next request a new connection. `patience`: seconds that the server may be
        silent. Credentials that end meanwhile are renewed: a 401 to them is no answer yet, unless the body was
        streamed. Raises Unreachable, TimedOut when the deadline is over, and what the endpoint's `renew` raises.
        """
        if self.endpoint.renew is None:
            return self._request(method, path, body, headers, patience)
        if self.endpoint.renew(self.endpoint, False):
            self.close()
        answer = self._request(method, path, body, headers, patience)
        again = answer.status == 401 and (body is None or isinstance(body, bytes))
        if not again or not self.endpoint.renew(self.endpoint, True):
            return answer
        self.close()
        return self._request(method, path, body, headers, patience)

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None,
        headers: Mapping[str, str] | None,
        patience: float,
    ) -> Answer:
        self.deadline.check(f"talking to {self.endpoint!r}")
        if self._answer is not None and not self._answer.reusable:
            self.close()
        try:
            fields = {"Host": self.endpoint.host_field, "Accept-Encoding": "identity"}
            fields |= {**self.endpoint.headers, **(headers or {})}
            if isinstance(body, bytes) or (body is None and method in ("POST", "PUT", "PATCH")):
                fields["Content-Length"] = str(len(body or b""))
            assert body is None or "Content-Length" in fields
            head = request_head(method, self.endpoint.base + path, fields)
            connection, file = self._connected()
            connection.settimeout(min(patience, self.deadline.remaining() + 0.1))
            try:
                _send(connection, head, body)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
                # a server that refuses a body may answer and close before it has all of it: hear what it says
                if body is None:
                    raise
            self._answer = Answer(file, method)
            return self._answer
        except OSError as error:
            self.close()
            unreachable = Unreachable(f"{self.endpoint!r}: {explain(error)}")
            unreachable.untrusted = isinstance(error, ssl.SSLCertVerificationError)
            unreachable.refused = isinstance(error, _Refused)
            raise unreachable from error
        except BaseException:  # half a request: nothing can follow
            self.close()
            raise

    def patience(self, seconds: float) -> None:
        """Seconds that the server may be silent from now on, in the answer that is being read."""
        if self._socket is not None:
            self._socket.settimeout(max(0.05, min(seconds, self.deadline.remaining() + 0.1)))

    def close(self) -> None:
        connection, file = self._socket, self._file
        self._socket = self._file = self._answer = None
        if file is not None:
            file.close()
        if connection is not None:
            connection.close()

    def _connected(self) -> tuple[socket.socket, BinaryIO]:
        if self._socket is None or self._file is None:
            self._socket = _dial(self.endpoint, min(CONNECT, self.deadline.remaining() + 0.1))
            self._file = self._socket.makefile("rb")
        return self._socket, self._file


def request_head(method: str, target: str, fields: Mapping[str, str]) -> bytes:
    """The head of a request. Raises OSError for characters that would make it another request."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    if " " in target or not all(line.isascii() and line.isprintable() for line in lines):
        raise OSError("a request with characters that HTTP does not allow")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _send(connection: socket.socket, head: bytes, body: bytes | Iterable[bytes] | None) -> None:
    if body is None or isinstance(body, bytes):
        connection.sendall(head + (body or b""))
        return
    connection.sendall(head)
    for block in body:
        connection.sendall(block)


def _dial(endpoint: Endpoint, timeout: float) -> socket.socket:
    """A connection to the endpoint, through its proxy and with TLS where it has them."""
    host, port, headers = endpoint.proxy or (endpoint.host, endpoint.port, None)
    connection = socket.create_connection((_as_bytes(host), port), timeout)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if headers is not None:
            _tunnel(connection, endpoint.authority, headers)
        if endpoint.tls is None:
            return connection
        name = _as_bytes(endpoint.server_name)
        # Not suppressed: a connection that was cut must not look like the end of a body.
        return endpoint.tls.wrap_socket(connection, server_hostname=name, suppress_ragged_eofs=False)
    except BaseException:
        connection.close()
        raise


def _tunnel(connection: socket.socket, authority: str, headers: Mapping[str, str]) -> None:
    """Have a proxy connect us with `authority`."""
    connection.sendall(request_head("CONNECT", authority, {"Host": authority, **headers}))
    with connection.makefile("rb", buffering=0) as file:  # not a byte more than the answer: TLS follows
        answer = Answer(file, "CONNECT")  # type: ignore[arg-type]  # only what a BinaryIO has is used
    if not 200 <= answer.status < 300:
        kind = _Refused if answer.status in (401, 403, 407) else ConnectionError
        raise kind(f"the proxy refused to connect: HTTP {answer.status} {answer.reason}")


def _plain(host: str) -> str:
    """A host's name in ASCII."""
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise OSError("its name is none of a host") from error


def _as_bytes(host: str) -> Any:
    """A host's name for a socket: for text, even a plain one, Python loads its tables of international names, at 3 ms
    a process.
    """
    return _plain(host).encode("ascii")


def explain(error: BaseException) -> str:
    """A connection error in words: OpenSSL's and the resolver's own are for their authors."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved ({error.strerror})"
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return "it closed the connection"
    return str(error) or type(error).__name__
