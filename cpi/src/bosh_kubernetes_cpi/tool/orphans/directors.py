"""UUIDs of Directors, out of what BOSH's programs write. Pure."""

from __future__ import annotations

import json
from typing import Any

from ..codes import WrongUse

SHOWN = 300  # characters of what bosh says


def read(text: str, where: str) -> list[str]:
    """From the answer of `bosh env --json` (`uuid`) or a state file of create-env (`director_id`). WrongUse if none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WrongUse(f"{where} is no JSON: the answer of `bosh env --json` or a state file is expected") from error
    found = [uuid for uuid in _uuids(document) if uuid.strip()]
    if not found:
        said = f"; bosh says: {told}" if (told := _told(document)) else ""
        raise WrongUse(f"{where} names no Director: neither `uuid` in a table of bosh's nor `director_id`{said}")
    return found


def _told(document: Any) -> str:
    """What a bosh that failed put into its answer, where nobody has read it."""
    lines = document.get("Lines") if isinstance(document, dict) else None
    words = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
    return " ".join(" ".join(line for line in words if not line.startswith("Exit code")).split())[:SHOWN]


def _uuids(document: Any) -> list[str]:
    if not isinstance(document, dict):
        return []
    tables = _objects(document.get("Tables"))
    rows = [row for table in tables for row in _objects(table.get("Rows"))]
    found = [row.get("uuid") for row in rows] + [document.get("director_id")]
    return [uuid for uuid in found if isinstance(uuid, str)]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
