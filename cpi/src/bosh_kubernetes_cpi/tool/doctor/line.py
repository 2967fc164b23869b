"""One line of doctor."""

from __future__ import annotations

from typing import NamedTuple

OK, WARNING, FAILURE = "ok", "warning", "failure"


class Line(NamedTuple):
    """`found` is what was seen, `remedy` what to do about it (empty when ok)."""

    check: str
    level: str
    found: str
    remedy: str = ""
