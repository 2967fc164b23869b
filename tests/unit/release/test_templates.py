"""The job's templates, rendered by ruby in the bare context of create-env, and the spec of their properties."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bosh_kubernetes_cpi import config as config_module
from tests.e2e.driver.errors import ManifestError
from tests.e2e.driver.releases import render_template

JOB = Path(__file__).parents[3] / "cpi/release/jobs/kubernetes_cpi"
SPEC: dict[str, Any] = yaml.safe_load((JOB / "spec").read_text())
DEFAULTS = {name: definition.get("default") for name, definition in SPEC["properties"].items()}
TEMPLATES = list(SPEC["templates"])


def render(template: str, properties: dict[str, Any]) -> dict[str, Any]:
    return render_template(JOB / "templates" / template, "kubernetes_cpi", properties, DEFAULTS)


def config(properties: dict[str, Any]) -> dict[str, Any]:
    rendered: dict[str, Any] = json.loads(render("config/cpi.json.erb", properties)["text"])
    return rendered


def test_templates_read_exactly_the_properties_that_the_spec_declares() -> None:
    read = {name for template in TEMPLATES for name in render(template, {})["read"]}

    assert read == set(SPEC["properties"])


def test_every_property_says_what_it_is() -> None:
    assert [name for name, definition in SPEC["properties"].items() if len(definition["description"]) < 10] == []


def test_properties_and_defaults_are_those_of_the_configuration() -> None:
    keys = {key for key, shape in config_module.SCHEMA.items() if isinstance(shape, str)}
    keys |= {
        f"{section}.{key}"
        for section, shape in config_module.SCHEMA.items()
        if isinstance(shape, dict)
        for key in shape
    }

    assert {name for name in SPEC["properties"] if not name.startswith("env.")} == keys
    assert config_module.merge(config({}), {}) == config_module.merge({}, {})


def test_examples_and_defaults_are_taken_as_they_are() -> None:
    """What the spec shows is what the CPI reads, and nothing of it is unknown or of another kind."""
    shown = {name: value["example"] for name, value in SPEC["properties"].items() if "example" in value}
    shown |= {name: value["default"] for name, value in SPEC["properties"].items() if value.get("default")}
    nested: dict[str, Any] = {}
    for name, value in shown.items():
        section, _, key = name.partition(".")
        nested.setdefault(section, {})[key] = value
    merged = config_module.merge(config(nested), {})

    assert merged["kubernetes"]["exec"]["command"]
    for section, keys in nested.items():
        assert {key: merged[section][key] for key in keys} == keys


def test_keys_of_the_plugin_are_described_as_the_configuration_has_them() -> None:
    described = SPEC["properties"]["kubernetes.exec"]["description"]

    assert [key for key in config_module.SCHEMA["kubernetes"]["exec"] if key not in described] == []


@pytest.mark.parametrize("value", ['a "quoted"\nPEM & <text>', ["a", "b"], {"a": {"b": 1}}, True, False, 7])
def test_every_property_arrives_under_its_own_name(value: Any) -> None:
    properties: dict[str, Any] = {}
    for name in SPEC["properties"]:
        *path, last = name.split(".")
        section = properties
        for key in path:
            section = section.setdefault(key, {})
        section[last] = value

    rendered = config(properties)

    del properties["env"]  # for bin/cpi
    assert rendered == properties


def test_properties_of_others_are_not_seen() -> None:
    assert config({"director": {"name": "d"}, "kubernetes": {"sever": "typo"}}) == config({})


@pytest.mark.parametrize("template", ["bin/cpi.erb", "bin/bosh-kubernetes-cpi.erb"])
@pytest.mark.parametrize("name", ["http_proxy", "https_proxy", "no_proxy"])
def test_proxies_are_exported_as_they_are_whatever_characters_they_have(
    name: str, template: str, tmp_path: Path
) -> None:
    """For the program of kubernetes.exec, whoever starts it: the CPI, or the tool for people."""
    value = "http://u:p$(touch x)'\"@proxy:3128"
    script = render(template, {"env": {name: value}})["text"]
    package = tmp_path / "python_kubernetes_cpi/bin"
    package.mkdir(parents=True)
    python = package / "python"
    python.write_text("#!/bin/sh\nexec printenv\n")
    python.chmod(0o755)

    out = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": os.environ["PATH"], "BOSH_PACKAGES_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert f"{name}={value}" in out.splitlines()


@pytest.mark.parametrize("template", ["bin/cpi.erb", "bin/bosh-kubernetes-cpi.erb"])
def test_no_proxy_no_export(template: str) -> None:
    assert "_proxy" not in render(template, {})["text"]


def test_a_property_that_is_not_declared_is_an_error_as_for_the_real_client(tmp_path: Path) -> None:
    template = tmp_path / "template.erb"
    template.write_text('<%= p("not.there") %>')

    with pytest.raises(ManifestError, match=r"Can't find property 'not\.there'"):
        render_template(template, "kubernetes_cpi", {"not": {"there": 1}}, DEFAULTS)
