"""microbosh: what its files agree on."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bosh_kubernetes_cpi import cloud_properties, config
from bosh_kubernetes_cpi.networks import machine_networks
from tests.e2e.driver import manifest
from tests.e2e.driver.variables import interpolate

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "cpi/release/microbosh"
OPS = ROOT / "cpi/release/ops/kubernetes"
SERVICES = ["node-ports.yml", "load-balancer.yml"]
AGENT, DIRECTOR = 6868, 25555


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


def operations(name: str) -> dict[str, Any]:
    return {one["path"]: one["value"] for one in yaml.safe_load((OPS / f"{name}.yml").read_text())}


def ports(name: str) -> dict[int, int]:
    """Port of the machine to the node's."""
    return {port["port"]: port.get("nodePort", port["port"]) for port in load(FOLDER / name)["spec"]["ports"]}


def test_kind_maps_each_node_port_to_the_same_port_of_loopback() -> None:
    (node,) = load(FOLDER / "kind.yml")["nodes"]

    assert {one["containerPort"] for one in node["extraPortMappings"]} == set(ports("node-ports.yml").values())
    for mapping in node["extraPortMappings"]:
        assert mapping["hostPort"] == mapping["containerPort"]
        assert mapping["listenAddress"] == "127.0.0.1"


@pytest.mark.parametrize(("service", "ops"), [("node-ports.yml", "node-ports"), ("load-balancer.yml", "load-balancer")])
def test_the_agent_s_port_is_the_one_that_the_client_is_told(service: str, ops: str) -> None:
    assert operations(ops)["/cloud_provider/mbus"].endswith(f"@((external_ip)):{ports(service)[AGENT]}")


def test_the_director_s_port_is_the_one_that_is_printed() -> None:
    assert f"https://$EXTERNAL_IP:{ports('node-ports.yml')[DIRECTOR]}" in (FOLDER / "microbosh").read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_services_follow_the_label_of_the_machine_and_its_ports(name: str) -> None:
    of_cpi = operations("cpi")
    (label,) = of_cpi["/resource_pools/name=vms/cloud_properties?"]["labels"]
    static_ip = of_cpi["/networks/name=default/subnets/0/cloud_properties?"]["static_ip"]
    service = load(FOLDER / name)

    assert list(service["spec"]["selector"]) == [label]
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert set(ports(name)) == set(static_ip["ports"]) - {4222, 25250}  # those two are for machines only


def test_the_service_range_is_the_script_s() -> None:
    assert (
        f"internal_cidr={load(FOLDER / 'kind.yml')['networking']['serviceSubnet']} "
        in (FOLDER / "microbosh").read_text()
    )


def test_the_manifest_of_bosh_init_has_what_the_cpi_knows(tmp_path: Path) -> None:
    """Filled in as its head says; read in the form of 2018: one of `jobs`, with `templates`."""
    values = {
        "kubernetes": {"server": "https://10.0.0.10:6443", "ca": "CA", "token": "TOKEN"},
        "namespace": "bosh-machines",
        **{name: f"file:///{name}.tgz" for name in ("director_release", "cpi_release", "stemcell_url")},
        "internal_ip": "10.96.0.200",
        "internal_cidr": "10.96.0.0/16",
        "internal_gw": "10.96.0.1",
        "director_name": "bosh",
    }
    document, missing = interpolate(load(FOLDER / "bosh-init.yml"), values, tmp_path / "creds.yml")
    read = manifest.load(FOLDER / "bosh-init.yml", document)
    spec = load(ROOT / "cpi/release/jobs/kubernetes_cpi/spec")
    sections = {name.partition(".")[0] for name in spec["properties"]}

    assert not missing
    assert "instance_groups" not in document
    assert read.env["bosh"]["mbus"]["cert"]["certificate"], "no agent comes up without"
    assert read.env["bosh"]["blobstores"][0]["provider"] == "local", "nor without this"
    assert [job.name for job in read.jobs] == ["nats", "blobstore", "director", "kubernetes_cpi"]
    for properties in (
        read.template.properties,
        {key: read.properties[key] for key in sections & set(read.properties)},
    ):
        assert properties is not None
        effective = config.merge(properties, {})
        assert effective["kubernetes"] == values["kubernetes"]
        assert effective["registry"]["pull_host"] == "localhost:5005"
    cloud_properties.read(cloud_properties.VM, read.cloud_properties, "the VM", config.merge({}, {}))
    networks, _ = machine_networks(read.networks, [])
    assert networks == [
        {"name": "default", "type": "manual", "ip": "10.96.0.200", "ports": [22, 4222, 6868, 25250, 25555]}
    ]
    named = re.findall(r"^# (\w+)  +\S", (FOLDER / "bosh-init.yml").read_text(), re.MULTILINE)
    assert set(named) == set(values)


@pytest.mark.parametrize("place", ["microbosh/", "kubernetes.yml", "creds.yml", "state.json"])
def test_credentials_in_the_usual_places_are_not_for_git(place: str) -> None:
    """`make microbosh` and docs/cluster.md keep state, keys and token in the work tree."""
    assert f"/{place}" in (ROOT / ".gitignore").read_text().splitlines()
