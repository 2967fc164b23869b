"""JSON as Go's encoding/json writes it: compact, maps sorted by key, `<`, `>` and `&` escaped, other text as UTF-8."""

from __future__ import annotations

import json
from typing import Any

_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def dumps(value: Any) -> str:
    """A Go map, list or scalar."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.translate(_ESCAPES)


def struct(fields: dict[str, Any]) -> str:
    """A Go struct: its fields keep their order; what is in them is sorted."""
    return "{" + ",".join(f"{dumps(key)}:{dumps(value)}" for key, value in fields.items()) + "}"
