"""The job renders to the same for create-env, whose instance is bare, and for a Director, whose has links and more."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.driver.errors import ManifestError
from tests.e2e.driver.releases import render_template

JOB = Path(__file__).parents[3] / "cpi/release/jobs/kubernetes_cpi"
SPEC: dict[str, Any] = yaml.safe_load((JOB / "spec").read_text())
DEFAULTS = {name: definition.get("default") for name, definition in SPEC["properties"].items()}
PROPERTIES = {"kubernetes": {"server": "https://10.0.0.1:6443", "token": "t"}, "env": {"http_proxy": "http://proxy:1"}}
DIRECTOR: dict[str, Any] = {
    "spec": {
        "id": "6a1f8c3e-0000-4000-8000-000000000000",
        "az": "z1",
        "ip": "10.0.0.6",
        "name": "bosh",
        "bootstrap": True,
        "release": {"name": "bosh-kubernetes-cpi", "version": "1"},
        "persistent_disk": 65536,
        "networks": {"private": {"ip": "10.0.0.6", "netmask": "255.255.0.0", "gateway": "10.0.0.1"}},
    },
    "links": {"nats": {"instances": [{"address": "10.0.0.6"}], "properties": {"nats": {"port": 4222}}}},
}


def render(template: Path, director: dict[str, Any] | None = None) -> str:
    where = {"deployment": "bosh", "address": "10.0.0.6"} if director else {}
    found: str = render_template(template, SPEC["name"], PROPERTIES, DEFAULTS, director=director, **where)["text"]
    return found


@pytest.mark.parametrize("template", [*(f"templates/{source}" for source in SPEC["templates"]), "monit"])
def test_template_is_the_same_in_both_contexts(template: str) -> None:
    assert render(JOB / template) == render(JOB / template, DIRECTOR)


def test_context_of_create_env_has_no_links_and_that_of_a_director_has(tmp_path: Path) -> None:
    """Else the test above would show nothing."""
    template = tmp_path / "template.erb"
    template.write_text('<%= link("nats").instances[0].address %> <%= spec.ip %>')

    assert render(template, DIRECTOR) == "10.0.0.6 10.0.0.6"
    with pytest.raises(ManifestError, match="link"):
        render(template)
