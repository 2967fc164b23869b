"""Rows of the reference tables: properties of the job, values of the chart, fields of resources, metrics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from bosh_kubernetes_operator.metrics import registry

if TYPE_CHECKING:
    Row = list[str]

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "charts/bosh-kubernetes-operator"
NONE = "\N{EN DASH}"
# Definitions of values.schema.json -> what a person is told
WORDS = {
    "name": "a name",
    "names": "a list of strings",
    "strings": "an object of strings",
    "kubernetes": "an object, as in a Pod",
    "kubernetesList": "a list of objects",
    "quantity": "a quantity",
}


def job_properties() -> Iterator[Row]:
    """Key, default and meaning of each property of the job `kubernetes_cpi`."""
    spec = yaml.safe_load((ROOT / "cpi/release/jobs/kubernetes_cpi/spec").read_text())
    for key, known in spec["properties"].items():
        default = known.get("default")
        yield [f"`{key}`", NONE if default in (None, [], {}) else f"`{flat(default)}`", line(known["description"])]


def chart_values() -> Iterator[Row]:
    """Key, kind, default and meaning of each value; a section that has a comment has a row of its own."""
    text = (CHART / "values.yaml").read_text()
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    yield from _values(yaml.compose(text), text.splitlines(), schema, schema["$defs"], "")


def _values(node: yaml.MappingNode, lines: list[str], schema: Any, known: Any, prefix: str) -> Iterator[Row]:
    for key, value in node.value:
        path, meaning = prefix + key.value, _comment(lines, key.start_mark.line)
        here = schema.get("properties", {}).get(key.value, {})
        words = WORDS.get(here.get("$ref", "").rpartition("/")[2])
        here = known[here["$ref"].rpartition("/")[2]] if "$ref" in here else here
        if isinstance(value, yaml.MappingNode) and not value.flow_style:
            if meaning:
                yield [f"`{path}`", NONE, NONE, meaning]
            yield from _values(value, lines, here, known, f"{path}.")
            continue
        default = lines[value.start_mark.line][value.start_mark.column :].strip()
        shown = NONE if default in ('""', "{}", "[]") else f"`{default}`"
        yield [f"`{path}`", words or kind(here), shown, meaning or NONE]


def _comment(lines: list[str], number: int) -> str:
    """What stands right above a line."""
    first = number
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return line(" ".join(each.lstrip(" #") for each in lines[first:number]))


def fields(resource: str) -> Iterator[Row]:
    """Path, kind and meaning of each field of a custom resource's spec and status."""
    definition = yaml.safe_load((ROOT / "crds" / f"{resource}.yaml").read_text())
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for part in ("spec", "status"):
        yield from _fields(schema["properties"][part], part)


def _fields(schema: dict[str, Any], path: str) -> Iterator[Row]:
    inner, suffix = schema, ""
    if schema.get("type") == "array":
        inner, suffix = schema["items"], "[]"
    if "properties" not in inner:
        yield [f"`{path}`", kind(schema), line(schema.get("description", "")) or NONE]
        return
    if "description" in schema:
        yield [f"`{path}`", kind(schema), line(schema["description"])]
    for name, field in inner["properties"].items():
        yield from _fields(field, f"{path}{suffix}.{name}")


def metrics() -> Iterator[Row]:
    """Name, kind and meaning of each metric of the operator, as its code says."""
    for each in registry.collect():
        yield [f"`{each.name}{'_total' if each.type == 'counter' else ''}`", each.type, each.documentation]


def kind(schema: dict[str, Any]) -> str:
    """What a schema admits, in words."""
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    if schema.get("type") == "array":
        items = kind(schema["items"]).removeprefix("a ").removeprefix("an ")
        return f"a list, each {items}" if items.startswith("one of") else f"a list of {items}s"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return "an object of strings"
    words = {"object": "an object", "integer": "an integer", "boolean": "true or false", "string": "a string"}
    return "a time" if schema.get("format") == "date-time" else words.get(schema.get("type", ""), NONE)


def line(text: str) -> str:
    """On one line, with `<` not read as HTML."""
    return " ".join(text.split()).replace("<", "&lt;")


def flat(value: Any) -> str:
    if isinstance(value, str):
        return value
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("\n").removesuffix("...").strip()
