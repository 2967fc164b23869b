"""Writes the tables of docs/ that the code decides: `make docs`. tests/unit/layout/test_docs.py compares them.

A table stands between the lines `<!-- table: NAME -->` and `<!-- end -->` of a page.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bosh_kubernetes_cpi import cloud_properties, config

if TYPE_CHECKING:
    from bosh_kubernetes_cpi.cloud_properties import Property, Schema

HERE = Path(__file__).resolve().parent
NONE = "\N{EN DASH}"
PLACE = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def properties(schema: Schema) -> str:
    return table(["key", "value", "default", "meaning"], _rows(schema, ""))


def _rows(schema: Schema, prefix: str) -> Iterable[list[str]]:
    for key, known in schema.items():
        if isinstance(known.kind, dict):
            yield from _rows(known.kind, f"{prefix}{key}.")
            continue
        value = known.kind.words + (f", in {known.unit}" if known.unit else "")
        yield [f"`{prefix}{key}`", value, _default(known), _meaning(known)]


def _default(known: Property) -> str:
    if known.setting:
        section, _, name = known.setting.partition(".")
        literal = config.DEFAULTS[section][name]
        return f"`{known.setting}`" + (f": `{literal}`" if literal else "")
    return f"`{known.default}`" if known.default else NONE


def _meaning(known: Property) -> str:
    if known.alias:
        return f"another name of `{known.alias}`"
    return f"ignored ({known.meaning})" if known.ignored else known.meaning


TABLES: dict[str, Callable[[], str]] = {
    "vm": lambda: properties(cloud_properties.VM),
    "disk": lambda: properties(cloud_properties.DISK),
    "network": lambda: properties(cloud_properties.NETWORK),
    "stemcell": lambda: properties(cloud_properties.STEMCELL),
}


def written(page: str) -> str:
    """The text of a page with its tables as the code has them."""
    return PLACE.sub(lambda place: place[1] + TABLES[place[2]]() + place[3], page)


def main() -> int:
    for path in sorted(HERE.glob("*.md")):
        before = path.read_text()
        after = written(before)
        if after != before:
            path.write_text(after)
            print(f"{path.name}: written anew")
    return 0


if __name__ == "__main__":
    sys.exit(main())
