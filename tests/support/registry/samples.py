"""Root file systems to upload."""

from __future__ import annotations

import io
import random
import tarfile


def root_file_system(size: int = 3 << 20) -> bytes:
    """A tar with one file of `size` bytes, half of which do not compress."""
    noise = random.Random(size).randbytes(size // 2)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        member = tarfile.TarInfo("./etc/data")
        member.size = len(noise) + size // 2
        tar.addfile(member, io.BytesIO(noise + bytes(size // 2)))
    return out.getvalue()
