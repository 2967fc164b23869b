"""Files that the configuration names: read whole, and never for ever."""

from __future__ import annotations

import os
import stat

from .errors import RequestError

LARGEST = 1 << 20  # bytes; a token has a few thousand, a bundle of authorities some hundred thousand


def read_text(path: str, key: str) -> str:
    """The ASCII text of the file that the property `key` names.

    Raises RequestError, with reason and path, for one that is missing, no regular file (a FIFO would keep us waiting, a
    device may have no end), larger than LARGEST, or relative: the working directory is the caller's.
    """
    if not path.startswith("/"):  # not quoted: it may well be what should stand in the file
        raise RequestError(f"{key} must be an absolute path, as the CPI is started in any folder")
    try:
        return _content(path).decode("ascii")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or ("not ASCII" if isinstance(error, UnicodeDecodeError) else error)
        raise RequestError(f"{key}: cannot read {path}: {reason}") from error


def _content(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("no regular file")
        data = b""
        while piece := os.read(descriptor, 65_536):
            data += piece
            if len(data) > LARGEST:
                raise ValueError(f"larger than {LARGEST} bytes")
        return data
    finally:
        os.close(descriptor)
