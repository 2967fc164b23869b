"""What can go wrong with one request to the stand-in API server."""

import re
import select
import socket
import struct
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

LONGEST = 30.0  # seconds that an answer which never comes is held back, should the client wait so long


class Fault:
    """`status`: of the answer, 0 for none: the connection is reset. `after`: once the request has taken effect.

    `body` and `header` (Retry-After) are those of the answer. Of a watch: `silent` opens it and says nothing, `expired`
    tells in it that its resourceVersion is too old. `slow`: the answer does not come as long as the client waits for
    it. `then` is called at the moment when it goes wrong. `method` and `path` (a pattern) say which request is meant.
    """

    def __init__(
        self,
        status: int = 0,
        *,
        after: bool = False,
        silent: bool = False,
        expired: bool = False,
        slow: bool = False,
        body: Json | None = None,
        header: str = "",
        then: Callable[[], None] = lambda: None,
        method: str = "",
        path: str = "",
    ) -> None:
        self.status = status
        self.after = after
        self.silent = silent
        self.expired = expired
        self.slow = slow
        self.body = body
        self.header = header
        self.then = then
        self.method = method
        self.path = re.compile(path)

    @property
    def opens(self) -> bool:
        """A watch begins all the same."""
        return self.silent or self.expired

    def meets(self, method: str, path: str) -> bool:
        return method == self.method and bool(self.path.search(path))


def cut(connection: socket.socket) -> None:
    """Have the connection reset (RST) when it is closed, instead of ended in order."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        return  # the client was faster


def wait_for_hang_up(connection: socket.socket) -> None:
    """Until the client closes; nothing else can come from one that waits for an answer."""
    select.select([connection], [], [], LONGEST)
