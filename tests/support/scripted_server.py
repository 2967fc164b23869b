"""A server on loopback that says the bytes it is told to, whatever it is asked, and remembers what that was.

It is a stand-in for servers that are odd or broken: it knows of HTTP only where a request ends.
"""

import socket
import ssl
import threading
from types import TracebackType


class ScriptedServer:
    """`connections`: for each connection that is made, the answers to its requests; then it is closed.

    A connection beyond these is refused. With `tls` (a server's context) it speaks TLS, and cuts connections without
    the goodbye of TLS.
    """

    def __init__(self, *connections: list[bytes], tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[list[bytes]] = []
        self._connections = connections
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "ScriptedServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._listener.shutdown(socket.SHUT_RDWR)  # it may wait for a connection that will not come
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        for answers in self._connections:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            with connection:
                self.requests.append([])
                client = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
                for answer in answers:
                    self.requests[-1].append(_request(client))
                    client.sendall(answer)
                if self._tls:
                    client.close()
        self._listener.close()


def _request(client: socket.socket) -> bytes:
    text = b""
    while b"\r\n\r\n" not in text:
        if not (part := client.recv(65_536)):
            return text
        text += part
    head, _, body = text.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while len(body) < sum(map(int, lengths)):
        if not (part := client.recv(65_536)):
            break
        body += part
    return head + b"\r\n\r\n" + body
