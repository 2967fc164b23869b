"""The schema of Stemcell: bounded everywhere, immutable but for its users, and what a person sees of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bosh_kubernetes_api import names, stemcells

CRD = yaml.safe_load((Path(__file__).parents[3] / "crds/stemcell.yaml").read_text())
VERSION = CRD["spec"]["versions"][0]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]
SPEC = SCHEMA["properties"]["spec"]["properties"]
IMAGE = f"localhost:5005/bosh/stemcells@sha256:{'0' * 64}"


def places(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for key, part in schema.get("properties", {}).items():
        yield from places(part, f"{path}.{key}")
    if "items" in schema:
        yield from places(schema["items"], f"{path}[]")


OURS = [(path, part) for path, part in places(SCHEMA) if path.startswith((".spec", ".status"))]


@pytest.mark.parametrize(("path", "part"), OURS, ids=[path for path, _ in OURS])
def test_everything_is_typed_and_bounded(path, part) -> None:
    assert "type" in part
    if part["type"] == "string":
        assert "maxLength" in part or "enum" in part
    if part["type"] == "array":
        assert "maxItems" in part
        assert part["x-kubernetes-list-type"] in ("map", "atomic")
    if part["type"] == "object":
        assert part["properties"]
    assert "x-kubernetes-preserve-unknown-fields" not in part


def test_everything_but_the_users_is_immutable() -> None:
    """A rule does not run when its field comes or goes: so each field is required or has a default."""
    required = SCHEMA["properties"]["spec"]["required"]
    for name, part in SPEC.items():
        rules = [rule["rule"] for rule in part.get("x-kubernetes-validations", [])]
        assert rules == ([] if name == "users" else ["self == oldSelf"]), name
        assert name in required or "default" in part, name


def test_users_are_a_map_by_director() -> None:
    assert SPEC["users"]["x-kubernetes-list-map-keys"] == ["director"]


def test_names_are_those_that_the_code_uses() -> None:
    spec = CRD["spec"]
    assert (spec["group"], VERSION["name"], spec["names"]["plural"]) == (names.GROUP, names.VERSION, names.STEMCELLS)
    assert (spec["names"]["shortNames"], spec["names"]["categories"]) == (["bstemcell"], ["bosh"])
    assert CRD["metadata"]["name"] == f"{names.STEMCELLS}.{names.GROUP}"
    assert VERSION["subresources"] == {"status": {}}


def test_columns_show_what_there_is() -> None:
    for column in VERSION["additionalPrinterColumns"]:
        part: dict[str, Any] = {
            "properties": {**SCHEMA["properties"], "metadata": {"properties": {"creationTimestamp": {}}}}
        }
        for key in column["jsonPath"].strip(".").split("."):
            part = part["properties"][key]
    assert VERSION["additionalPrinterColumns"][-1]["name"] == "Age"


def test_what_the_cpi_makes_is_accepted() -> None:
    body = stemcells.build(
        IMAGE, director="d" * 128, form=stemcells.HEAVY, name="n" * 999, version="v" * 999, pull_secrets=["a"]
    )
    jsonschema.validate(body, SCHEMA, cls=jsonschema.Draft7Validator)
    assert set(body["spec"]) == set(SPEC)


@pytest.mark.parametrize(
    "change",
    [
        {"image": "localhost:5005/a:latest"},
        {"image": ""},
        {"format": "medium"},
        {"pullSecrets": [""]},
        {"pullSecrets": ["a"] * 9},
        {"users": [{"director": ""}]},
        {"users": [{}]},
        {"name": "n" * 254},
    ],
)
def test_what_is_wrong_is_refused(change) -> None:
    body = stemcells.build(IMAGE, director="d", form=stemcells.LIGHT, pull_secrets=[])
    body["spec"].update(change)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, SCHEMA, cls=jsonschema.Draft7Validator)
