"""Lines of progress on standard error: `<UTC time> <method> <text>`. The Director adds them to the task's CPI log."""

from __future__ import annotations

import os
import time

_method = "-"


def begin(method: str) -> None:
    """Lines from now on belong to `method`."""
    global _method
    _method = method if method.isidentifier() and len(method) < 64 else "-"


def progress(text: str) -> None:
    """One line. A reader that went away is no reason to fail."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = " ".join(text.split())
    try:
        os.write(2, f"{stamp} {_method} {line}\n".encode("ascii", "backslashreplace"))
    except OSError:
        return
