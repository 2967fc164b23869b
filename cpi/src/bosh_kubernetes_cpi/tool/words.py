"""Tables, sizes and times as people read them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone

NONE = "-"
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as kubectl has them: as wide as their widest cell, two spaces between. Line breaks become spaces."""
    lines = [list(heads), *([" ".join(cell.split()) or NONE for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "".join("  ".join(map(str.ljust, line, widths)).rstrip() + "\n" for line in lines)


def facts(pairs: Iterable[tuple[str, str | list[str]]]) -> str:
    """`name  text`, one a line; what is empty is left out. Of lists, `some`."""
    there = [(name, text if isinstance(text, str) else some(text)) for name, text in pairs if text]
    width = max((len(name) for name, _ in there), default=0)
    return "".join(f"  {name.ljust(width)}  {text}\n" for name, text in there)


def size(count: int) -> str:
    """Bytes in the largest unit that leaves a number above one; empty for 0."""
    if not count:
        return ""
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.4g} {_UNITS[unit]}"


def moment(text: str) -> datetime | None:
    """A time of the Kubernetes API, which has seconds or a fraction of them; None for what is none."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
    except ValueError:
        return None


def age(since: str, now: datetime) -> str:
    """How long ago, in the one or two units that matter; empty when it is not known."""
    at = moment(since)
    if at is None:
        return ""
    seconds = max(0, int((now - at).total_seconds()))
    if seconds < 120:
        return f"{seconds}s"
    if seconds < 7200:
        return f"{seconds // 60}m"
    if seconds < 2 * 86400:
        return f"{seconds // 3600}h"
    return f"{seconds // 86400}d"


def listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def some(names: Sequence[str], at_most: int = 3) -> str:
    """The first few of many, and how many more there are."""
    rest = len(names) - at_most
    return listed(names) if rest <= 0 else f"{listed(names[:at_most])} and {rest} more"
