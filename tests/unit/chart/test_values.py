"""Values: what is accepted, what is refused, and what they do."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from tests.unit.chart.rendering import CASES, CHART, RefusedError, helm, one, render, render_case

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())

Path = tuple[str, ...]


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return SCHEMA["$defs"][reference.rsplit("/", 1)[1]] if reference else schema


def levels(schema: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every object of the values whose keys are ours: all but Kubernetes' own structures and free maps."""
    schema = resolve(schema)
    if "properties" in schema:
        yield path, schema
        for name, each in schema["properties"].items():
            yield from levels(each, (*path, name))


LEVELS = dict(levels(SCHEMA))


def at(values: dict[str, Any], path: Path) -> dict[str, Any]:
    for name in path:
        values = values[name]
    return values


@pytest.mark.parametrize("path", LEVELS, ids=".".join)
def test_a_key_that_is_not_known_is_refused_at_every_level(path: Path) -> None:
    values = copy.deepcopy(VALUES)
    at(values, path)["typo"] = 1

    with pytest.raises(jsonschema.ValidationError, match="typo"):
        jsonschema.Draft202012Validator(SCHEMA).validate(values)


@pytest.mark.parametrize("path", LEVELS, ids=".".join)
def test_every_key_of_the_schema_has_a_default_in_the_values(path: Path) -> None:
    known = set(LEVELS[path]["properties"]) - {"global"}

    assert known == set(at(VALUES, path))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"registyr": {}}, "registyr"),
        ({"machines": {"namspace": "x"}}, "namspace"),
        ({"machines": {"namespace": "Upper"}}, "namespace"),
        ({"machines": {"hostDirectory": "relative"}}, "hostDirectory"),
        ({"image": {"repository": "x", "digest": "sha256:short"}}, "digest"),
        ({"operator": {"logLevel": "LOUD"}}, "logLevel"),
        ({"registry": {"networkPolicy": {"apiServer": ["10.0.0.1"]}}}, "apiServer"),
        ({"image": {}}, "image.repository is not set"),
        ({"machines": {"namespace": "bosh-system"}}, "need a namespace of their own"),
        ({"registry": {"enabled": True}}, "registry.networkPolicy.apiServer is empty"),
    ],
    ids=json.dumps,
)
def test_helm_refuses_and_names_the_value(values: dict[str, Any], said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        render(values)


@pytest.mark.parametrize("case", CASES)
def test_lint_finds_nothing(case: str) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART), "--values", str(CHART / "ci" / case))


@pytest.mark.parametrize(
    ("image", "rendered"),
    [
        ({"repository": "r/o"}, "r/o:0.1.0"),
        ({"repository": "r/o", "tag": "t"}, "r/o:t"),
        ({"repository": "r/o", "tag": "t", "digest": "sha256:" + "a" * 64}, "r/o@sha256:" + "a" * 64),
    ],
    ids=["version of the chart", "tag", "digest wins"],
)
def test_image_of_the_operator(image: dict[str, str], rendered: str) -> None:
    deployment = one(render({"image": image}), "Deployment", "bosh-kubernetes-operator")

    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == rendered


@pytest.mark.parametrize(
    ("release", "values", "name"),
    [
        ("bosh-kubernetes-operator", {}, "bosh-kubernetes-operator"),
        ("prod", {}, "prod-bosh-kubernetes-operator"),
        ("prod", {"nameOverride": "cpi"}, "prod-cpi"),
        ("prod", {"fullnameOverride": "bosh"}, "bosh"),
    ],
)
def test_name_of_the_operator(release: str, values: dict[str, Any], name: str) -> None:
    assert one(render(values, release=release), "Deployment", name)["metadata"]["namespace"] == "bosh-system"


def test_what_is_scheduled_where_the_values_say() -> None:
    deployment = one(render_case("everything-values.yaml"), "Deployment", "bosh")
    spec = deployment["spec"]["template"]["spec"]

    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert spec["tolerations"] == [{"key": "infra", "operator": "Exists"}]
    assert "nodeAffinity" in spec["affinity"]
    assert spec["priorityClassName"] == "system-cluster-critical"
    assert spec["imagePullSecrets"] == [{"name": "pull"}]
    assert "--workers=4" in spec["containers"][0]["args"]
    assert deployment["spec"]["template"]["metadata"]["labels"]["colour"] == "blue"
    assert deployment["spec"]["template"]["metadata"]["annotations"] == {"example.com/note": "yes"}


def test_monitoring_is_rendered_on_request_only() -> None:
    kinds = {each["kind"] for each in render()}
    everything = render_case("everything-values.yaml")
    monitor = one(everything, "PodMonitor", "bosh")
    operator = one(everything, "Deployment", "bosh")["spec"]["template"]

    assert not kinds & {"PodMonitor", "PrometheusRule"}
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= operator["metadata"]["labels"].items()
    ports = {port["name"] for port in operator["spec"]["containers"][0]["ports"]}
    assert {each["port"] for each in monitor["spec"]["podMetricsEndpoints"]} <= ports
    assert one(everything, "PrometheusRule", "bosh")["spec"]["groups"][0]["rules"]
