"""Fixtures of everything that runs on the test cluster."""

import functools
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import pytest

from bosh_kubernetes_api.names import stemcell_cid
from tests.e2e.life import Life
from tests.e2e.microbosh import Director
from tests.e2e.site import Site, route
from tests.support.cluster import artefacts, environment
from tests.support.cluster import stemcells as stemcells_of_the_cluster
from tests.support.cluster.certificates import Certificates
from tests.support.cluster.cpi import Cpi
from tests.support.cluster.installation import BLOBSTORE, Installation, Operator
from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.machines import Machine
from tests.support.cluster.node import Node
from tests.support.cluster.wait import eventually, together

BUS = "https://mbus:mbus-password@{ip}:6868/agent"
OURS = "virtualmachines.cpi.bosh.io,pods,persistentvolumeclaims,configmaps,secrets,services"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """On failure of a test that had a namespace of the cluster, save what the cluster says and name the folder."""
    report = yield
    namespaces: list[str] = []
    for given in getattr(item, "funcargs", {}).values():
        if isinstance(given, Installation):
            namespaces += [given.machines.namespace, given.system.namespace]
        elif isinstance(given, Life | Director):
            namespaces.append(given.site.namespace)
        elif isinstance(given, Kubectl):
            namespaces.append(given.namespace)
    if report.when != "teardown" and report.failed and namespaces:
        folder = artefacts.save(item.nodeid, namespaces)
        report.sections.append(("artefacts", str(folder)))
    return report


@pytest.fixture(scope="session")
def node() -> Node:
    return environment.only_node()


@pytest.fixture(scope="session")
def installation() -> Installation:
    return environment.installed(environment.place_of_tests())


@pytest.fixture(scope="session")
def site() -> Site:
    """What create-env needs."""
    return environment.site(environment.installed(environment.LIVES))


@pytest.fixture(scope="module")
def life(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """One environment for all tests of a module; what a failed test left of it is deleted."""
    with route(site):
        life = Life(site, tmp_path_factory.mktemp("life"))
        yield life
        if life.state_file.exists():
            life.delete()


@pytest.fixture
def operator(installation: Installation) -> Operator:
    return Operator(system=installation.system, machines=installation.machines)


@pytest.fixture(scope="session")
def block_class() -> str:
    """Storage class whose volumes are block devices, on one node each."""
    return "bosh-block"


@pytest.fixture(scope="session")
def file_class() -> str:
    """Storage class whose volumes are directories of the node."""
    return "standard"


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    """Certificate and key of every agent's bus in the tests."""
    return Certificates.make("127.0.0.1")


@pytest.fixture(scope="session")
def new_cpi(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Cpi]:
    """A CPI for a Director; keys given by name replace those of its configuration."""

    def make(director: str, version: int = 2, **overrides: Any) -> Cpi:
        path = tmp_path_factory.mktemp("cpi") / "cpi.json"
        path.write_text(json.dumps(installation.config(**overrides)))
        return Cpi(path, director=director, version=version)

    return make


@pytest.fixture
def cpi(new_cpi: Callable[..., Cpi]) -> Cpi:
    """A CPI for a Director of the test's own."""
    return new_cpi(str(uuid.uuid4()))


@pytest.fixture
def cpi_with_planted_secrets(new_cpi: Callable[..., Cpi]) -> Cpi:
    agent = {
        "mbus": "https://mbus:planted-mbus-password@0.0.0.0:6868",
        "blobstore": {
            "provider": "local",
            "options": {**BLOBSTORE["options"], "password": "planted-blobstore-password"},
        },
    }
    return new_cpi(str(uuid.uuid4()), agent=agent)


@pytest.fixture
def flavour() -> str:
    """Init of the stemcell; tests that concern inits parametrize it with `systemd` too."""
    return "runit"


@pytest.fixture(scope="session")
def stemcells(installation: Installation) -> Callable[[str], str]:
    """CID of the stemcell of a flavour."""
    return functools.cache(lambda flavour: stemcells_of_the_cluster.provide(environment.main(), installation, flavour))


@pytest.fixture
def stemcell(stemcells: Callable[[str], str], flavour: str) -> str:
    return stemcells(flavour)


@pytest.fixture
def stemcell_of(installation: Installation) -> Iterator[Callable[[str], str]]:
    """A Stemcell of any image, made past create_stemcell, which would ask the registry for it first."""
    made: list[str] = []

    def apply(image: str) -> str:
        name = stemcell_cid(image)
        spec = {"image": image, "name": "any", "version": "1", "format": "light", "users": []}
        kind = {"apiVersion": "cpi.bosh.io/v1alpha1", "kind": "Stemcell"}
        installation.machines.apply({**kind, "metadata": {"name": name}, "spec": spec})
        made.append(name)
        return name

    yield apply
    for name in made:
        installation.machines.delete("stemcells.cpi.bosh.io", name)


@contextmanager
def machine_factory(
    installation: Installation, owner: Cpi, certificates: Certificates, node: Node
) -> Iterator[Callable[..., Machine]]:
    """Makes machines by create_vm; deletes them and their disks at the end."""
    made: list[Machine] = []

    def make(
        stemcell: str, *, cpi: Cpi | None = None, environment: dict[str, Any] | None = None, agent_id: str = "",
        disk_cids: tuple[str, ...] = (), during: Callable[[], None] | None = None, **cloud_properties: Any,
    ) -> Machine:  # fmt: skip
        caller = cpi or owner
        networks = {"default": {"type": "dynamic", "cloud_properties": {}, "default": ["dns", "gateway"]}}
        env = environment if environment is not None else {"bosh": {"mbus": {"cert": certificates.settings()}}}
        arguments = (agent_id or str(uuid.uuid4()), stemcell, cloud_properties, networks, list(disk_cids), env)
        call = caller.start("create_vm", *arguments)
        if during:
            during()
        made_of = caller.finish(call, "create_vm")
        cid = made_of if caller.version == 1 else made_of[0]
        machine = Machine(cid, caller, installation.machines, node, BUS)
        made.append(machine)
        return machine

    yield make
    # Machines first: a disk may have gone from the one that made it to another.
    together(*(partial(machine.cpi, "delete_vm", machine.cid) for machine in made))
    together(*(partial(machine.cpi, "delete_disk", disk) for machine in made for disk in machine.disks))


@pytest.fixture
def make_machine(
    installation: Installation, cpi: Cpi, certificates: Certificates, node: Node
) -> Iterator[Callable[..., Machine]]:
    """Machines of one test."""
    with machine_factory(installation, cpi, certificates, node) as make:
        yield make


@pytest.fixture(scope="module")
def shared_machine(
    installation: Installation, new_cpi: Callable[..., Cpi], certificates: Certificates, node: Node,
    stemcells: Callable[[str], str],
) -> Iterator[Machine]:  # fmt: skip
    """One machine for all tests of a module, whose disks come and go."""
    with machine_factory(installation, new_cpi(str(uuid.uuid4())), certificates, node) as make:
        machine = make(stemcells("runit"))
        machine.wait_agent()
        yield machine


@pytest.fixture
def busybox(installation: Installation) -> Iterator[Callable[[str], str]]:
    """Starts a Pod of no machine that has a claim at /data; its name."""
    kubectl = installation.machines
    made: list[str] = []

    def start(claim: str) -> str:
        name = f"busybox-{uuid.uuid4().hex[:6]}"
        container = {
            "name": "c", "image": "bosh.local/busybox:v1", "imagePullPolicy": "Never", "command": ["sleep", "100000"],
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        }  # fmt: skip
        volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
        spec = {"terminationGracePeriodSeconds": 0, "containers": [container], "volumes": volumes}
        kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
        made.append(name)
        return name

    yield start
    for name in made:
        kubectl.delete("pod", name, "--wait=true")


@pytest.fixture
def busy_machine(make_machine: Callable[..., Machine], stemcell: str, block_class: str) -> Machine:
    """A machine with a block device on its store, a job that writes there from every boot on, and marks on its root."""
    machine = make_machine(stemcell)
    machine.occupy(block_class)
    return machine


@pytest.fixture
def leftovers(installation: Installation) -> Callable[[str], list[str]]:
    """What is in the cluster with a Director's label, as `kind/name`."""

    def find(director: str) -> list[str]:
        found = installation.machines.list(OURS, f"cpi.bosh.io/director={director}")
        return [f"{item['kind']}/{item['metadata']['name']}" for item in found]

    return find


@pytest.fixture
def quota(installation: Installation) -> Callable[[dict[str, str]], AbstractContextManager[None]]:
    """A ResourceQuota on the machines' namespace for the time of a `with` block."""

    @contextmanager
    def limit(hard: dict[str, str]) -> Iterator[None]:
        kubectl = installation.machines
        kubectl.apply(
            {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "limit"}, "spec": {"hard": hard}}
        )
        eventually(
            lambda: (kubectl.get("resourcequota", "limit") or {}).get("status", {}).get("hard"),
            within=30, what="the quota is in force",
        )  # fmt: skip
        try:
            yield
        finally:
            kubectl.delete("resourcequota", "limit")

    return limit


@pytest.fixture
def everything_said(operator: Operator, installation: Installation) -> Callable[[], str]:
    """Every log, Event and resource (Secrets left out) of the installation, as one text."""

    def gather() -> str:
        machines = installation.machines
        said = operator.log() + machines.run("get", "events", "-o", "json")
        said += machines.run("get", "virtualmachines,stemcells,pods,configmaps,services,pvc", "-o", "json")
        for pod in machines.list("pods"):
            said += machines.run("logs", pod["metadata"]["name"], "--all-containers", check=False)
        return said

    return gather
