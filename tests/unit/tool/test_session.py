"""The configuration with which a command works: the CPI's file, or the properties that docs/install.md has one keep."""

from pathlib import Path

import pytest

from bosh_kubernetes_cpi.errors import RequestError
from bosh_kubernetes_cpi.tool.parser import parser
from bosh_kubernetes_cpi.tool.session import Session

PROPERTIES = """\
kubernetes:
  server: https://10.0.0.10:6443
  ca: "-----BEGIN CERTIFICATE-----\\nMII\\n"
  token: secret-token
namespace: vms
"""


def session(path: Path) -> Session:
    return Session(parser().parse_args(["doctor", "--config", str(path)]))


@pytest.mark.parametrize("name", ["kubernetes.yml", "kubernetes.yaml"])
def test_properties_in_yaml_are_a_configuration_too(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(PROPERTIES)

    found = session(path).config

    assert found["kubernetes"]["ca"] == "-----BEGIN CERTIFICATE-----\nMII\n"
    assert found["namespace"] == "vms"
    assert found["registry"]["repository"] == "bosh/stemcells"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kubernetes: {server: [", "is no YAML"),
        ("just words", "is no YAML object"),
        ("1: 2", "unknown key '1'"),
        ("kubernetes: {sever: https://10.0.0.10}", "unknown key 'kubernetes.sever'"),
        (None, "No such file"),
    ],
)
def test_what_is_wrong_with_one_is_said_without_its_text(tmp_path: Path, text: str | None, says: str) -> None:
    path = tmp_path / "kubernetes.yml"
    if text is not None:
        path.write_text(text)

    with pytest.raises(RequestError) as refused:
        _ = session(path).config

    assert says in refused.value.message
    assert "10.0.0.10" not in refused.value.message


def test_what_yaml_makes_more_of_than_json_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "kubernetes.yml"
    path.write_text(PROPERTIES.replace("vms", "2026-11-26"))

    assert session(path).config["namespace"] == "2026-11-26"
