"""Writes the tables of docs/ that the code decides, and the pictures: `make docs`.

tests/unit/layout/test_docs.py compares them. A table stands between the lines `<!-- table: NAME -->` and
`<!-- end -->` of a page.
"""

from __future__ import annotations

import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import drawings
import schemas

from bosh_kubernetes_api import reasons
from bosh_kubernetes_cpi import cloud_properties, config, errors, verdicts
from bosh_kubernetes_cpi.tool import parser

if TYPE_CHECKING:
    from bosh_kubernetes_cpi.cloud_properties import Property, Schema

HERE = Path(__file__).resolve().parent
OPS = HERE.parent / "cpi/release/ops/kubernetes"
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


def catalogue() -> str:
    """The errors, in the order in which the module has them."""
    kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind) and kind.__module__ == errors.__name__]
    rows = [
        [f"`{kind.__name__}`", kind.type.rpartition("::")[2], _retry(kind.retry), *when_and_remedy(kind)]
        for kind in kinds
        if kind is not errors.Failure
    ]
    return table(["error", "type", "ok_to_retry", "when", "remedy"], rows)


def when_and_remedy(kind: type) -> tuple[str, str]:
    """From the class's own docstring."""
    when, _, remedy = inspect.cleandoc(kind.__dict__.get("__doc__") or "").partition("Remedy: ")
    return " ".join(when.split()), " ".join(remedy.split())


def machine_reasons() -> str:
    rows = []
    for reason, status in reasons.MACHINE.items():
        limit, retry = verdicts.MACHINE[reason]
        rows.append(
            [f"`{reason}`", status, _limit(limit), _retry(retry), reasons.MACHINE_MEANING[reason], _cure(reason)]
        )
    return table(["reason", "STATUS", "create_vm bears it", "ok_to_retry", "meaning", "remedy"], rows)


def disk_reasons() -> str:
    rows = [
        [f"`{reason}`", _limit(verdicts.DISK[reason]), _retry(reason not in verdicts.FINAL), meaning, _cure(reason)]
        for reason, meaning in reasons.DISK.items()
    ]
    return table(["reason", "a call bears it", "ok_to_retry", "meaning", "remedy"], rows)


def ops_files() -> str:
    """The first sentence of each file's head, and the variables that the head explains."""
    rows = []
    for path in sorted(OPS.glob("*.yml")):
        head = [line[2:] for line in itertools.takewhile(lambda line: line[:1] == "#", path.read_text().splitlines())]
        purpose = re.split(r"(?<=[.]) ", " ".join(head[: head.index("")]))[0]
        names = [
            name for line in head for found in re.findall(r"^(\w+(?:, \w+)*)  +\S", line) for name in found.split(", ")
        ]
        link = f"[{path.stem}](../cpi/release/ops/kubernetes/{path.name})"
        rows.append([link, purpose, ", ".join(f"`{name}`" for name in names) or NONE])
    return table(["file", "for", "variables"], rows)


def _limit(limit: float | str) -> str:
    if isinstance(limit, str):
        return f"`timeouts.{limit}`: {config.DEFAULTS['timeouts'][limit]} s"
    return f"{limit:.0f} s" if limit else "not at all"


def _retry(retry: bool | None) -> str:
    return "as told" if retry is None else str(retry).lower()


def _cure(reason: str) -> str:
    return reasons.REMEDY.get(reason, NONE)


def help_text(command: str) -> str:
    """What `bosh-kubernetes-cpi COMMAND --help` prints."""
    return f"```text\n{parser.help_text(command)}```\n"


TABLES: dict[str, Callable[[], str]] = {
    "job": lambda: table(["property", "default", "meaning"], schemas.job_properties()),
    "chart": lambda: table(["value", "kind", "default", "meaning"], schemas.chart_values()),
    "virtualmachine": lambda: table(["field", "kind", "meaning"], schemas.fields("virtualmachine")),
    "stemcell-fields": lambda: table(["field", "kind", "meaning"], schemas.fields("stemcell")),
    "metrics": lambda: table(["metric", "kind", "meaning"], schemas.metrics()),
    "vm": lambda: properties(cloud_properties.VM),
    "disk": lambda: properties(cloud_properties.DISK),
    "network": lambda: properties(cloud_properties.NETWORK),
    "stemcell": lambda: properties(cloud_properties.STEMCELL),
    "errors": catalogue,
    "machine-reasons": machine_reasons,
    "disk-reasons": disk_reasons,
    "ops": ops_files,
    **{f"help-{name.replace(' ', '-')}": partial(help_text, name) for name in parser.COMMANDS},
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
    for name, draw in drawings.DRAWINGS.items():
        (HERE / f"pictures/{name}.svg").write_text(draw())
    return 0


if __name__ == "__main__":
    sys.exit(main())
