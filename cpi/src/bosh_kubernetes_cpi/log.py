"""Lines of progress on standard error: `<UTC time> <method> <text>`. The Director adds them to the task's CPI log."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_method = "-"


def _as_it_is(text: str) -> str:
    return text


_redacted: Callable[[str], str] = _as_it_is


def begin(method: str, redacted: Callable[[str], str] = _as_it_is) -> None:
    """Lines from now on belong to `method`, and pass through `redacted`."""
    global _method, _redacted
    _method = method if method.isidentifier() and len(method) < 64 else "-"
    _redacted = redacted


def progress(text: str) -> None:
    """One line. A reader that went away is no reason to fail."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = " ".join(_redacted(text).split())
    try:
        os.write(2, f"{stamp} {_method} {line}\n".encode("ascii", "backslashreplace"))
    except OSError:
        return
