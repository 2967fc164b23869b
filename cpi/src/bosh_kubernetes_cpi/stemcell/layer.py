"""A stemcell's image, read once: its blocks for the upload, and meanwhile everything that the image's documents need.

The digest of the blob is taken by who reads; a second thread inflates and a third hashes the tar inside, because the
image's config names that tar by digest (`diff_id`) and the container runtime compares. hashlib, zlib and ssl let go of
the interpreter's lock, so the three really run side by side; short queues bound the memory.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from queue import Queue
from threading import Thread
from typing import BinaryIO

from ..errors import BadImage
from .image import LAYER_GZIP, LAYER_TAR, Layer

BLOCK = 256 << 10  # bytes read, inflated and sent at a time
_DEPTH = 8  # blocks that wait between two stages

_GZIP = b"\x1f\x8b"
_OTHERS = {b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"PK\x03\x04": "zip"}
_NO_TAR = "the stemcell's image is no tar of a root file system"
_GZIP_WINDOW = 31  # zlib: 32 KiB window, gzip header and check sum


class LayerReader:
    """Iterate over it to the end (once), then ask for `layer()`; `close()` in any case.

    Raises BadImage, while iterating or from `layer()`, for a file that is no tar or gzip of one, or is cut short.
    """

    def __init__(self, file: BinaryIO, *, advance: Callable[[int], None] = lambda count: None) -> None:
        self._file = file
        self._advance = advance
        self._blob = hashlib.sha256()
        self._tar = _Tar()
        self._size = 0
        self._hashing = _Stage(self._tar.update)
        self._inflate = _Inflate(self._hashing.put)
        self._inflating: _Stage | None = None
        self._media_type = LAYER_TAR

    def __iter__(self) -> Iterator[bytes]:
        feed: Callable[[bytes], None] = self._hashing.put
        while block := self._read():
            if not self._size and block.startswith(_GZIP):
                self._media_type = LAYER_GZIP
                self._inflating = _Stage(self._inflate.update)
                feed = self._inflating.put
            elif not self._size:
                _refuse_others(block)
            self._size += len(block)
            feed(block)
            self._blob.update(block)
            self._advance(len(block))
            yield block

    def layer(self) -> Layer:
        if not self._size:
            raise BadImage("the stemcell's image is empty")
        if self._inflating:
            self._inflating.end()
            self._inflating.check()
            self._inflate.end()
        self._hashing.end()
        self._hashing.check()
        diff_id = self._tar.digest()
        return Layer(f"sha256:{self._blob.hexdigest()}", self._size, diff_id, self._media_type)

    def close(self) -> None:
        """End the threads, in the order in which they feed each other."""
        if self._inflating:
            self._inflating.end()
        self._hashing.end()

    def _read(self) -> bytes:
        try:
            return self._file.read(BLOCK)
        except OSError as error:
            # it must not look like an error of the connection on which the block would have gone out
            raise BadImage(f"the stemcell's image cannot be read: {error.strerror}") from error


class _Stage:
    """A thread that works through blocks. After an error it only drains, so who feeds it never waits for ever."""

    def __init__(self, work: Callable[[bytes], None]) -> None:
        self._error: BaseException | None = None
        self._work = work
        self._queue: Queue[bytes | None] = Queue(_DEPTH)
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, block: bytes) -> None:
        self.check()
        self._queue.put(block)

    def check(self) -> None:
        if self._error:
            raise self._error

    def end(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (block := self._queue.get()) is not None:
            if self._error is None:
                try:
                    self._work(block)
                except BaseException as error:
                    self._error = error


class _Inflate:
    """gzip, also of several members one after the other (as pigz and bgzip write it)."""

    def __init__(self, out: Callable[[bytes], None]) -> None:
        self._out = out
        self._stream = zlib.decompressobj(_GZIP_WINDOW)
        self._begun = False

    def update(self, block: bytes) -> None:
        try:
            while block:
                if self._stream.eof:
                    self._stream = zlib.decompressobj(_GZIP_WINDOW)
                self._begun = True
                if data := self._stream.decompress(block, BLOCK):
                    self._out(data)
                block = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        except zlib.error as error:
            raise BadImage(f"the stemcell's image is damaged: its gzip data cannot be unpacked ({error})") from error

    def end(self) -> None:
        while not self._stream.eof:
            # the last block may have filled the output exactly, with more to come
            data = self._stream.decompress(b"", BLOCK)
            if not data:
                raise BadImage("the stemcell's image is cut short: its gzip data ends in the middle")
            self._out(data)


class _Tar:
    """Digest of a tar, whose first header is checked: everything else would be found by the nodes only."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._head = b""

    def update(self, data: bytes) -> None:
        if len(self._head) < 512:
            self._head += data[: 512 - len(self._head)]
            if len(self._head) == 512 and not is_tar_header(self._head):
                raise BadImage(_NO_TAR)
        self._hash.update(data)

    def digest(self) -> str:
        if len(self._head) < 512:
            raise BadImage(_NO_TAR)
        return f"sha256:{self._hash.hexdigest()}"


def is_tar_header(head: bytes) -> bool:
    """Whether the check sum of a tar header (POSIX pax, ustar) is right; its own field counts as spaces."""
    try:
        stated = int(head[148:156].strip(b" \0") or b"-", 8)
    except ValueError:
        return False
    return stated == sum(head[:148]) + 8 * ord(" ") + sum(head[156:512])


def _refuse_others(block: bytes) -> None:
    for magic, name in _OTHERS.items():
        if block.startswith(magic):
            raise BadImage(f"the stemcell's image is packed with {name}: pack it with gzip")
