"""Archives whose bytes depend on their files alone: sorted entries without times and owners, and no compressor."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from pathlib import Path

Files = dict[str, tuple[bytes, int]]
"""Path in an archive to content and mode."""

BLOCK = 0xFFFF  # most that a stored block can hold


def archive(files: Files) -> bytes:
    """A `.tgz` of `files`. Names begin with `./`, as the bosh CLI writes them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for folder in sorted({str(parent) for name in files for parent in Path(name).parents}):
            entry = tarfile.TarInfo("./" if folder == "." else f"./{folder}/")
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, (content, mode) in sorted(files.items()):
            entry = tarfile.TarInfo(f"./{name}")
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return stored(buffer.getbuffer())


def stored(data: bytes | memoryview) -> bytes:
    """`data` as gzip (RFC 1952), in blocks that are not compressed.

    What fills a release are sources that are compressed already, and a compressor's output changes with its version:
    the same release would have another digest on another machine.
    """
    parts = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff"]
    for start in range(0, max(len(data), 1), BLOCK):
        block = data[start : start + BLOCK]
        last = start + BLOCK >= len(data)
        parts += [struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block]
    parts.append(struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF))
    return b"".join(parts)
