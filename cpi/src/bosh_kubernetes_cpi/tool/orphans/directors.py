"""UUIDs of Directors, out of what BOSH's programs write. Pure."""

from __future__ import annotations

import json
from typing import Any

from ..codes import WrongUse


def read(text: str, where: str) -> list[str]:
    """From the answer of `bosh env --json` (`uuid`) or a state file of create-env (`director_id`). WrongUse if none."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise WrongUse(f"{where} is no JSON: the answer of `bosh env --json` or a state file is expected") from error
    found = [uuid for uuid in _uuids(document) if uuid.strip()]
    if not found:
        raise WrongUse(f"{where} names no Director: neither `uuid` in a table of bosh's nor `director_id`")
    return found


def _uuids(document: Any) -> list[str]:
    if not isinstance(document, dict):
        return []
    tables = document.get("Tables")
    rows = [row for each in tables if isinstance(each, dict) for row in each.get("Rows") or ()] if tables else []
    found = [row.get("uuid") for row in rows if isinstance(row, dict)] + [document.get("director_id")]
    return [uuid for uuid in found if isinstance(uuid, str)]
