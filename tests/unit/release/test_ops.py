"""The ops files and configs of cpi/release/ops: applied to a manifest with the paths of bosh-deployment's bosh.yml, and
what comes out checked against the jobs' specs, the schema of cloud properties, and the keys of the configuration.

With BOSH_CLI the real client applies them too. BOSH_DEPLOYMENT_FOLDER names a folder with
cloudfoundry/bosh-deployment: then its own bosh.yml is taken as well.
"""

import ipaddress
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from bosh_kubernetes_cpi import cloud_properties, config
from bosh_kubernetes_cpi.networks import machine_networks
from bosh_kubernetes_cpi.vm_properties import shape
from tests.e2e.driver.manifest import interfaces

ROOT = Path(__file__).parents[3]
OPS = ROOT / "cpi/release/ops/kubernetes"
CONFIGS = {"cloud-config.yml", "cloud-config-kind.yml", "cpi-config.yml"}
FILES = sorted(path.name for path in OPS.iterdir())
STAND_IN = ROOT / "tests/e2e/director"
SPECS = [*(STAND_IN / "release/jobs").glob("*/spec"), ROOT / "cpi/release/jobs/kubernetes_cpi/spec"]
"""Those of the stand-in have the names of the real jobs' properties."""
PROGRAMS = [[sys.executable, "-m", "tests.e2e.driver"]]
if os.environ.get("BOSH_CLI"):
    PROGRAMS.append([os.environ["BOSH_CLI"]])
MANIFESTS = [STAND_IN / "bosh.yml"]
if os.environ.get("BOSH_DEPLOYMENT_FOLDER"):
    MANIFESTS.append(Path(os.environ["BOSH_DEPLOYMENT_FOLDER"], "bosh.yml"))
COMBINATIONS: dict[str, list[str]] = {
    "a given cluster": ["cpi", "registry", "load-balancer", "storage-class", "persistent-root"],
    "a registry with an authority of one's own": ["cpi", "registry", "registry-ca"],
    "the chart's registry": ["cpi", "chart-registry"],
    "kind": ["cpi", "chart-registry", "inside-server", "node-ports", "kind"],
    "a Director's wishes": ["cpi", "registry", "resurrector", "disks", "snapshots"],
    "everything": ["cpi", "chart-registry", "inside-server", "node-ports", "kind", "storage-class", "persistent-root",
                   "resurrector", "disks", "snapshots"],
    "beside another CPI": ["cpi-secondary"],
}  # fmt: skip
VALUES: dict[str, Any] = {
    "kubernetes": {"server": "https://10.0.0.10:6443", "ca": "CA", "token": "TOKEN"},
    "namespace": "bosh-machines",
    "cpi_release": "file:///cpi.tgz",
    "stemcell_url": "file:///stemcell.tgz",
    "stemcell_sha1": "",
    "director_name": "bosh",
    "internal_ip": "10.96.0.200",
    "internal_cidr": "10.96.0.0/16",
    "internal_gw": "10.96.0.1",
    "external_ip": "192.0.2.7",
    "kubernetes_cluster_ip": "10.96.0.1",
    "registry_host": "registry.example.com",
    "registry_username": "pusher",
    "registry_password": "secret",
    "registry_pull_secret": "registry",
    "registry_ca": "-----BEGIN CERTIFICATE-----",
    "storage_class": "fast",
    "root_storage_class": "roots",
    "fast_storage_class": "fast",
    "snapshot_schedule": "0 0 7 * * * UTC",
    "first": {"kubernetes": {"server": "https://a.example.com", "ca": "A", "token": "A"}, "namespace": "a"},
    "second": {"kubernetes": {"server": "https://b.example.com", "ca": "B", "token": "B"}, "namespace": "b",
               "root_storage_class": "roots", "storage_class": "fast"},
    "zone_1": "eu-1a",
    "zone_2": "eu-1b",
    "zone_3": "eu-1c",
    "static_cidr": "10.96.0.224/27",
    "static_gw": "10.96.0.225",
    "static_range": "10.96.0.226-10.96.0.254",
}  # fmt: skip
NEVER_IN_A_CONTEXT = {"vm", "director_uuid", "request_id"}


def interpolated(program: list[str], path: Path, folder: Path, ops: Sequence[str] = (), *, store: bool = False) -> Any:
    (folder / "vars.yml").write_text(yaml.safe_dump(VALUES))
    words = [*program, "int", str(path), "-l", str(folder / "vars.yml")]
    words += [word for name in ops for word in ("-o", str(OPS / f"{name}.yml"))]
    words += ["--vars-store", str(folder / "creds.yml")] if store else []
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


@pytest.fixture(params=[(program, manifest) for manifest in MANIFESTS for program in PROGRAMS],
                ids=lambda it: f"{Path(it[0][0]).name}-{it[1].parent.name}")  # fmt: skip
def manifest(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    program, path = request.param
    return lambda ops, **options: interpolated(program, path, tmp_path, ops, **options)


@pytest.fixture(params=COMBINATIONS)
def combination(request: pytest.FixtureRequest) -> list[str]:
    return COMBINATIONS[request.param]


def leaves(values: Any, path: str = "") -> Iterator[str]:
    """Dotted names of what is not an object, or an empty one."""
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from leaves(value, f"{path}.{key}" if path else key)
    else:
        yield path


def declared(spec: Path) -> set[str]:
    return set(yaml.safe_load(spec.read_text())["properties"])


def read_vm_properties(values: dict[str, Any] | None) -> dict[str, Any]:
    """Cloud properties of a VM as create_vm reads them. Unknown keys and wrong values raise."""
    properties = cloud_properties.read(cloud_properties.VM, values, "the VM", config.merge({}, {}))
    shape(properties, group="", disks=[])
    return properties


def configuration_of(properties: dict[str, Any]) -> dict[str, Any]:
    """What the job makes of properties that must all be its own. Unknown keys and wrong types raise."""
    return config.merge(properties, {})


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from strings(key)
            yield from strings(value)
    elif isinstance(node, list):
        for entry in node:
            yield from strings(entry)
    elif isinstance(node, str):
        yield node


# ---- ops files on bosh.yml


def test_each_ops_file_is_in_a_combination() -> None:
    combined = {f"{name}.yml" for names in COMBINATIONS.values() for name in names}

    assert combined | CONFIGS == set(FILES)


def test_no_variable_is_left(manifest: Any, combination: list[str]) -> None:
    document = manifest(combination, store=True)

    assert {text for text in strings(document) if "((" in text} == set()


def test_the_cpi_gets_properties_that_it_knows(manifest: Any, combination: list[str]) -> None:
    document = manifest(combination)
    (job,) = [one for one in document["instance_groups"][0]["jobs"] if one["name"] == "kubernetes_cpi"]

    under_director = configuration_of(job["properties"])
    by_client = configuration_of(document["cloud_provider"]["properties"]) if "cpi" in combination else None

    assert under_director["agent"]["mbus"] == "nats://10.96.0.200:4222"
    if by_client:
        assert re.fullmatch(r"https://mbus:.*@0\.0\.0\.0:6868", by_client["agent"]["mbus"])
        assert by_client["kubernetes"] == VALUES["kubernetes"]
        assert by_client["registry"] == under_director["registry"]
        assert (by_client["namespace"], under_director["namespace"]) == ("bosh-machines", "bosh-machines")
        assert document["instance_groups"][0]["properties"]["director"]["cpi_job"] == "kubernetes_cpi"


def test_properties_are_those_of_a_job(combination: list[str], tmp_path: Path) -> None:
    """What the ops files add for the Director's own jobs, by the names in their specs."""
    known = set().union(*map(declared, SPECS))
    before = interpolated(PROGRAMS[0], MANIFESTS[0], tmp_path)["instance_groups"][0]["properties"]
    after = interpolated(PROGRAMS[0], MANIFESTS[0], tmp_path, combination)["instance_groups"][0]["properties"]

    assert set(leaves(after)) - set(leaves(before)) <= known


def test_cloud_properties_are_known(manifest: Any, combination: list[str]) -> None:
    document = manifest(combination)
    settings = config.merge({}, {})

    for pool in document["resource_pools"]:
        read_vm_properties(pool.get("cloud_properties"))
    for pool in document["disk_pools"]:
        cloud_properties.read(cloud_properties.DISK, pool.get("cloud_properties"), "the disk", settings)
    if "cpi" in combination:
        group = document["instance_groups"][0]
        networks, _ = machine_networks(interfaces(group["networks"], document["networks"]), [])
        assert [(one["ip"], one["ports"]) for one in networks] == [
            ("10.96.0.200", [22, 4222, 6868, 8443, 8844, 25250, 25555])
        ]


@pytest.mark.parametrize("ops", [["cpi"], ["cpi-secondary"]])
def test_nats_knows_a_new_machine_before_its_agent_gives_up(manifest: Any, ops: list[str]) -> None:
    """An agent that NATS has refused twice, two seconds apart, asks again when it starts anew, minutes later."""
    properties = manifest(ops)["instance_groups"][0]["properties"]

    assert properties["nats-sync"]["intervals"]["poll_user_sync"] == 1


def test_the_director_reaches_the_api_server_from_inside(manifest: Any) -> None:
    document = manifest(["cpi", "inside-server"])
    (job,) = [one for one in document["instance_groups"][0]["jobs"] if one["name"] == "kubernetes_cpi"]

    assert job["properties"]["kubernetes"] == {**VALUES["kubernetes"], "server": "https://10.96.0.1"}
    assert document["cloud_provider"]["properties"]["kubernetes"] == VALUES["kubernetes"]


@pytest.mark.parametrize(
    ("ops", "agent", "outside"),
    [
        (["cpi"], "10.96.0.200:6868", set()),
        (["cpi", "node-ports"], "192.0.2.7:30868", {"192.0.2.7"}),
        (["cpi", "load-balancer"], "192.0.2.7:6868", {"192.0.2.7"}),
    ],
)
def test_certificates_carry_the_addresses_that_are_used(
    manifest: Any, tmp_path: Path, ops: list[str], agent: str, outside: set[str]
) -> None:
    document = manifest(ops, store=True)
    creds = yaml.safe_load((tmp_path / "creds.yml").read_text())

    def addresses(name: str) -> set[str]:
        loaded = x509.load_pem_x509_certificate(creds[name]["certificate"].encode())
        loaded.verify_directly_issued_by(x509.load_pem_x509_certificate(creds[name]["ca"].encode()))
        names = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return {str(address) for address in names.get_values_for_type(x509.IPAddress)}

    assert document["cloud_provider"]["mbus"].rpartition("@")[2] == agent
    assert addresses("mbus_bootstrap_ssl") == {"10.96.0.200"} | outside
    assert addresses("director_ssl") == {"10.96.0.200"} | outside
    assert addresses("nats_server_tls") == {"10.96.0.200"}
    assert addresses("blobstore_server_tls") == {"10.96.0.200"}


def test_bosh_deployment_s_own_dns_file_goes_with_ours(tmp_path: Path) -> None:
    """Its misc/dns.yml replaces a key that must be there."""
    (tmp_path / "dns.yml").write_text(
        "- {type: replace, path: /networks/name=default/subnets/0/dns, value: [10.96.0.10]}"
    )
    words = ["int", str(MANIFESTS[0]), "-o", str(OPS / "cpi.yml"), "-o", str(tmp_path / "dns.yml")]
    done = subprocess.run([*PROGRAMS[0], *words], cwd=ROOT, capture_output=True, text=True, check=True)

    assert yaml.safe_load(done.stdout)["networks"][0]["subnets"][0]["dns"] == ["10.96.0.10"]


# ---- configs


@pytest.mark.parametrize("name", sorted(name for name in CONFIGS if name.startswith("cloud")))
def test_cloud_configs(name: str, tmp_path: Path) -> None:
    document = interpolated(PROGRAMS[0], OPS / name, tmp_path)
    settings = config.merge({}, {})
    azs = {zone["name"] for zone in document["azs"]}
    properties = {
        kind: {one["name"]: one.get("cloud_properties") or {} for one in document[kind]}
        for kind in ("azs", "vm_types", "vm_extensions")
    }
    assert not [text for text in strings(document) if "((" in text]
    for zone in properties["azs"].values():
        for vm in properties["vm_types"].values():
            for extension in properties["vm_extensions"].values():
                read_vm_properties({**zone, **vm, **extension})
    for disk in document["disk_types"]:
        assert disk["disk_size"] > 0
        cloud_properties.read(cloud_properties.DISK, disk.get("cloud_properties"), "the disk", settings)
    compilation = document["compilation"]
    assert compilation["az"] in azs
    assert compilation["vm_type"] in properties["vm_types"]
    assert compilation["network"] in {one["name"] for one in document["networks"]}
    for network in document["networks"]:
        for subnet in network["subnets"]:
            assert set(subnet["azs"]) == azs


@pytest.mark.parametrize("name", sorted(name for name in CONFIGS if name.startswith("cloud")))
def test_networks_of_cloud_configs_are_such_as_the_cpi_gives(name: str, tmp_path: Path) -> None:
    document = interpolated(PROGRAMS[0], OPS / name, tmp_path)
    kinds = {one["name"]: one for one in document["networks"]}
    (web,) = [one["cloud_properties"] for one in document["vm_extensions"] if one["name"] == "web"]
    (subnet,) = kinds["static"]["subnets"]
    first, _, last = subnet["static"][0].partition("-")
    given = {"static": {"type": kinds["static"]["type"], "ip": first, "cloud_properties": {}},
             "default": {"type": kinds["default"]["type"], "cloud_properties": {}}}  # fmt: skip

    networks, _ = machine_networks(given, read_vm_properties(web)["static_ip"]["ports"])

    assert networks == [{"name": "static", "type": "manual", "ip": first, "ports": [22, 80, 443]},
                        {"name": "default", "type": "dynamic"}]  # fmt: skip
    own = ipaddress.ip_network(subnet["range"])
    taken = {ipaddress.ip_address(VALUES[key]) for key in ("internal_ip", "internal_gw")}
    assert {ipaddress.ip_address(one) for one in (first, last, subnet["gateway"])} <= set(own)
    assert not taken & set(own), "an instance of the network could get the Director's address"


def test_entries_of_the_cpi_config_are_configurations(tmp_path: Path) -> None:
    document = interpolated(PROGRAMS[0], OPS / "cpi-config.yml", tmp_path)
    beside = interpolated(PROGRAMS[0], MANIFESTS[0], tmp_path, ["cpi-secondary"])
    (job,) = [one for one in beside["instance_groups"][0]["jobs"] if one["name"] == "kubernetes_cpi"]

    for entry, key in zip(document["cpis"], ("first", "second"), strict=True):
        assert entry["type"] == "kubernetes"  # the job's name without _cpi
        assert set(entry["properties"]) <= set(config.SCHEMA) - NEVER_IN_A_CONTEXT
        merged = config.merge(job["properties"], {**entry["properties"], "director_uuid": "…", "request_id": "cpi-1"})
        assert merged["kubernetes"] == VALUES[key]["kubernetes"]
        assert merged["namespace"] == VALUES[key]["namespace"]
        assert merged["agent"]["mbus"] == "nats://10.96.0.200:4222"
        assert merged["registry"]["repository"] == "bosh/stemcells"
        assert "host" in merged["registry"] or "service" in merged["registry"]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: Path(program[0]).name)
def test_the_authority_of_a_registry_goes_to_client_and_director(program: list[str], tmp_path: Path) -> None:
    document = interpolated(program, MANIFESTS[0], tmp_path, ["cpi", "registry", "registry-ca"])
    (job,) = [job for job in document["instance_groups"][0]["jobs"] if job["name"] == "kubernetes_cpi"]

    for registry in (document["cloud_provider"]["properties"]["registry"], job["properties"]["registry"]):
        assert registry["host"] == VALUES["registry_host"]
        assert registry["ca"] == VALUES["registry_ca"]


# ---- headers


@pytest.mark.parametrize("name", FILES)
def test_the_header_names_what_the_file_needs_and_how_to_use_it(name: str) -> None:
    text = (OPS / name).read_text()
    header = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    used = set(re.findall(r"\(\((\w+)", "\n".join(line for line in text.splitlines() if not line.startswith("#"))))
    used -= {"mbus_bootstrap_password"}  # bosh.yml's own
    named = {
        variable
        for line in re.findall(r"^# (\w+(?:, \w+)*)  +\S", header, re.MULTILINE)
        for variable in line.split(", ")
    }
    command = re.search(r"^#   (bosh [a-z-]+ [^\n]+(\n#  +[^\n]+)*)", header, re.MULTILINE)

    assert named - {"internal_cidr", "internal_gw"} == used  # bosh.yml's, for which cpi.yml has the words
    assert command, "there is no example command"
    assert name in command[1] or f"{name.removesuffix('.yml')}.yml" in command[1]
    of_the_command = set(re.findall(r"(?:-v|--var-file) (\w+)=", command[1])) | set(
        re.findall(r"-l (\w+)\.yml", command[1])
    )
    assert used - of_the_command <= {"namespace", "internal_ip"}, "the example command does not give these"


def test_a_typing_error_is_noticed() -> None:
    """The checks above stand on these two."""
    with pytest.raises(Exception, match="static_ips"):
        read_vm_properties({"static_ips": {"ports": [1]}})
    with pytest.raises(Exception, match="sever"):
        config.merge({"kubernetes": {"sever": "x"}}, {})
