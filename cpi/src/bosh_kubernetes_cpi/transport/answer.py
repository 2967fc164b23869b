"""One answer of an HTTP/1.1 server, read strictly: what is not clearly one answer is refused (RFC 9112).

The standard library's http.client reads headers with its e-mail package: 30 modules, and a quarter of the time of a
has_vm with it. So this is our own, and small, as it needs only what an API server and a registry say.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

LONGEST_LINE = 65_536  # bytes, of a head or before a chunk
MOST_FIELDS = 100
MOST_INTERIM = 8  # answers of 1xx before the real one
LARGEST = 64 << 20  # bytes of a body, or of one line of a stream

_PIECE = 65_536  # bytes read at a time, so that memory is taken for what comes and not for what is announced
_LONGEST_NUMBER = 15  # digits of a length
_CONTROLS = bytes({*range(32), 127} - {9})
_DIGITS = frozenset(b"0123456789")
_HEX = frozenset(b"0123456789abcdefABCDEF")
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class BrokenAnswer(ConnectionError):  # noqa: N818 (it says what happened)
    """An answer that broke off, or is no HTTP/1.1. The message completes "the server: …"."""


class Answer:
    """The head of an answer, read from `file`, and its body, not yet read.

    `method` is that of the request. `fields` has the names in lower case, and one value for each: those of fields that
    came several times are joined by commas. The constructor and every reading method raise BrokenAnswer, and OSError
    of `file`.
    """

    def __init__(self, file: BinaryIO, method: str) -> None:
        self._file = file
        for _ in range(MOST_INTERIM + 1):
            version, self.status, self.reason = _status(_line(file, begun=False))
            self.fields = _fields(file)
            if self.status >= 200:
                break
        else:
            raise _no_http("no end of interim answers")
        self._keeps = version == b"HTTP/1.1" and "close" not in self.fields.get("connection", "").lower()
        self._chunked = False
        self._behind_chunk = False  # whether the end of line after a chunk's bytes is still to be read
        self._left = 0  # bytes to come, of the body or of the current chunk
        self._to_end = False  # whether the body ends with the connection
        self._find_end(method, version)

    @property
    def done(self) -> bool:
        """Whether the body was read to its end."""
        return not self._left and not self._chunked and not self._to_end

    @property
    def reusable(self) -> bool:
        """Whether another answer may follow on the connection."""
        return self.done and self._keeps

    def read(self, most: int = LARGEST) -> bytes:
        """The rest of the body; one of more than `most` bytes is refused."""
        parts = []
        while piece := self._take(self._file.read):
            most -= len(piece)
            if most < 0:
                raise BrokenAnswer("its answer is too large")
            parts.append(piece)
        return b"".join(parts)

    def readline(self, most: int = LARGEST) -> bytes:
        """The body's next line as soon as it is there; without a newline, what was left at the body's end."""
        parts = []
        while piece := self._take(self._file.readline):
            most -= len(piece)
            if most < 0:
                raise BrokenAnswer("a line of its answer is too large")
            parts.append(piece)
            if piece.endswith(b"\n"):
                break
        return b"".join(parts)

    def _find_end(self, method: str, version: bytes) -> None:
        coding, length = self.fields.get("transfer-encoding"), self.fields.get("content-length")
        if coding is not None and (coding.lower() != "chunked" or length is not None or version != b"HTTP/1.1"):
            raise _no_http("unclear where its body ends")
        if length is not None and not _is_number(length.encode("latin-1"), _DIGITS):
            raise _no_http("unclear where its body ends")
        if method == "HEAD" or (method == "CONNECT" and self.status < 300) or self.status in (204, 304):
            return
        if coding is not None:
            self._chunked = True
        elif length is not None:
            self._left = int(length)
        else:
            self._to_end = True
            self._keeps = False

    def _take(self, read: Callable[[int], bytes]) -> bytes:
        """What `read` finds of the body, empty at the body's end."""
        if self._chunked and not self._left:
            self._next_chunk()
        if self._to_end:
            piece = read(_PIECE)
            self._to_end = bool(piece)
            return piece
        piece = read(min(self._left, _PIECE)) if self._left else b""
        if self._left and not piece:
            raise BrokenAnswer("its answer broke off")
        self._left -= len(piece)
        return piece

    def _next_chunk(self) -> None:
        if self._behind_chunk and _line(self._file):
            raise _no_http("a chunk is longer than it says")
        size = _line(self._file).partition(b";")[0].rstrip(b" \t")
        if not _is_number(size, _HEX):
            raise _no_http("a chunk without a size")
        self._left = int(size, 16)
        self._behind_chunk = True
        if not self._left:
            self._chunked = False
            _fields(self._file)


def retry_after(fields: Mapping[str, str]) -> float:
    """Seconds after which the server wants to be asked again; 0 when it does not say, or names a time of the day."""
    text = fields.get("retry-after", "")
    return float(text) if text.isdecimal() else 0.0


def _line(file: BinaryIO, *, begun: bool = True) -> bytes:
    """One line of a head, without its end. `begun`: whether something of the answer was read already."""
    line = file.readline(LONGEST_LINE)
    if not line:
        raise BrokenAnswer("its answer broke off" if begun else "it closed the connection")
    if not line.endswith(b"\r\n"):
        broke = b"\n" not in line and len(line) < LONGEST_LINE
        raise BrokenAnswer("its answer broke off") if broke else _no_http("a line without its end")
    if line.translate(None, _CONTROLS) != line[:-2]:
        raise _no_http("control characters")
    return line[:-2]


def _status(line: bytes) -> tuple[bytes, int, str]:
    """Version, status and reason of a status line."""
    version, _, rest = line.partition(b" ")
    status, _, reason = rest.partition(b" ")
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or len(status) != 3 or not _is_number(status, _DIGITS):
        raise _no_http("no status line")
    if not 100 <= int(status) <= 599 or status == b"101":  # 101: another protocol, for which we never ask
        raise _no_http("no status that we know")
    return version, int(status), reason.decode("latin-1")


def _fields(file: BinaryIO) -> dict[str, str]:
    """The fields up to the empty line."""
    fields: dict[str, str] = {}
    for _ in range(MOST_FIELDS + 1):
        line = _line(file)
        if not line:
            return fields
        name, colon, value = line.partition(b":")
        if not colon or not name or not _TOKEN.issuperset(name):
            raise _no_http("a line that is no field")
        key, text = name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    raise _no_http("too many fields")


def _is_number(text: bytes, digits: frozenset[int]) -> bool:
    return 0 < len(text) <= _LONGEST_NUMBER and digits.issuperset(text)


def _no_http(why: str) -> BrokenAnswer:
    return BrokenAnswer(f"its answer is no HTTP/1.1 ({why})")
