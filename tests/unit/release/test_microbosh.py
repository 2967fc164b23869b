"""microbosh: what its files agree on, and the words with which its script calls the client."""

import os
import re
import subprocess
import sys
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
FAKE_KUBECTL = """#!/bin/sh
# STAND-IN for kubectl: answers what the script asks for, and notes what it applies.
case "$*" in
  *"contexts"*) echo kind-microbosh ;;
  *"clusters"*) echo https://127.0.0.1:6443 ;;
  *"get secret bosh-cpi-token"*) printf 'kubernetes: {server: s, ca: c, token: t}\\nnamespace: bosh-machines\\n' ;;
  *"get service kubernetes"*) echo 10.96.0.1 ;;
  *" apply -f "*) echo "$*" >>"$NOTES" ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac
"""
FAKE_BOSH = f"""#!/bin/sh
# STAND-IN for the client: `int` is the driver's, other commands are noted.
if [ "$1" = int ]; then PYTHONPATH={ROOT} exec {sys.executable} -m tests.e2e.driver "$@"; fi
for word in "$@"; do echo "$word" >>"$NOTES"; done
"""


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


class Script:
    """The script with stand-ins for what it calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes = folder / "notes"
        for name, text in {"kubectl": FAKE_KUBECTL, "bosh": FAKE_BOSH, "ruby": "#!/bin/sh\n"}.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        deployment = folder / "bosh-deployment/docker"
        deployment.mkdir(parents=True)
        stemcell = {"url": "https://example.com/s.tgz", "sha1": "0123"}
        (deployment / "cpi.yml").write_text(
            yaml.safe_dump([{"name": "cpi", "value": {}}, {"name": "stemcell", "value": stemcell}])
        )
        (folder / "cpi.tgz").touch()

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        given = {"MICROBOSH": str(self.folder), "CPI_RELEASE": str(self.folder / "cpi.tgz"), "NOTES": str(self.notes)}
        path = f"{self.folder}:{os.environ['PATH']}"
        return subprocess.run(
            [FOLDER / "microbosh", *words], env={"PATH": path, **given, **environment}, cwd=self.folder,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def variables(self) -> dict[str, str]:
        """-v of the noted call."""
        words = self.notes.read_text().splitlines()
        pairs = [words[at + 1] for at, word in enumerate(words) if word == "-v"]
        return dict(pair.split("=", 1) for pair in pairs)

    def ops(self) -> list[str]:
        return re.findall(r"/ops/kubernetes/([\w-]+)\.yml", self.notes.read_text())


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


def test_director_takes_the_stemcell_of_bosh_deployment_and_all_that_kind_needs(script: Script) -> None:
    done = script.run("director", "-o", "mine.yml")

    assert done.returncode == 0, done.stderr
    assert script.ops() == ["cpi", "chart-registry", "inside-server", "node-ports", "kind"]
    assert script.variables() == {
        "kubernetes_cluster_ip": "10.96.0.1",
        "cpi_release": f"file://{script.folder}/cpi.tgz",
        "stemcell_url": "https://example.com/s.tgz",
        "stemcell_sha1": "0123",
        "director_name": "bosh",
        "internal_ip": "10.96.0.200",
        "internal_cidr": "10.96.0.0/16",
        "internal_gw": "10.96.0.1",
        "external_ip": "127.0.0.1",
    }
    noted = script.notes.read_text().splitlines()
    assert noted[-2:] == ["-o", "mine.yml"]
    assert "node-ports.yml" in noted[0], "the Service is there before the machine"
    assert (script.folder / "kubernetes.yml").stat().st_mode & 0o077 == 0, "it holds a token"


def test_a_stemcell_of_one_s_own_needs_no_digest(script: Script) -> None:
    done = script.run("director", STEMCELL=str(script.folder / "cpi.tgz"))

    assert done.returncode == 0, done.stderr
    assert script.variables()["stemcell_url"] == f"file://{script.folder}/cpi.tgz"
    assert script.variables()["stemcell_sha1"] == '""'


def test_paths_are_read_from_the_current_folder(script: Script) -> None:
    """The client reads a relative one from the manifest's."""
    done = script.run("director", STEMCELL="cpi.tgz", CPI_RELEASE="./cpi.tgz", MICROBOSH=".")

    assert done.returncode == 0, done.stderr
    assert script.variables()["stemcell_url"] == f"file://{script.folder}/cpi.tgz"
    assert script.variables()["cpi_release"] == f"file://{script.folder}/./cpi.tgz"
    assert str(script.folder) in script.notes.read_text()


def test_where_no_director_is_nothing_is_exported(script: Script) -> None:
    (script.folder / "bosh").write_text("#!/bin/sh\necho no such file >&2; exit 1\n")
    done = script.run("env")

    assert done.returncode != 0
    assert done.stdout == ""


def test_delete_has_the_words_of_create(script: Script) -> None:
    script.run("director")
    created = script.notes.read_text().splitlines()[1:]
    script.notes.unlink()
    done = script.run("delete")

    assert done.returncode == 0, done.stderr
    assert created[0] == "create-env"
    assert script.notes.read_text().splitlines() == ["delete-env", *created[1:]]


@pytest.mark.parametrize(
    ("words", "environment", "says", "code"),
    [
        (["director"], {"CPI_RELEASE": "/nonexistent"}, "make release", 1),
        (["director"], {"STEMCELL": "/nonexistent.tgz"}, "/nonexistent.tgz: no such file", 1),
        (["director"], {"BOSH": "no-such-client"}, "no-such-client is not on the PATH", 1),
        ([], {}, "usage: microbosh COMMAND", 64),
        (["destroy"], {}, "usage: microbosh COMMAND", 64),
    ],
)
def test_what_is_missing_is_said(
    script: Script, words: list[str], environment: dict[str, str], says: str, code: int
) -> None:
    done = script.run(*words, **environment)

    assert says in done.stderr
    assert done.returncode == code
    assert not script.notes.exists(), "something was done"


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
