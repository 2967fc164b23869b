"""Fixtures of the tests on three nodes. What they rely on runs on the control plane, machines on the two workers."""

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.cluster import environment, images
from tests.support.cluster.certificates import Certificates
from tests.support.cluster.cpi import Cpi
from tests.support.cluster.fixtures import machine_factory
from tests.support.cluster.installation import Installation, install
from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.machines import Machine
from tests.support.cluster.node import Node

BUSYBOX = "bosh.local/busybox:v1"
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


def workers_in_service() -> tuple[Node, Node]:
    """Both workers, up whatever earlier tests left; in `zone-1` and `zone-2`, the second labelled."""
    kubectl, cluster = Kubectl(), os.environ["BOSH_CLUSTER"]
    first, second = Node(f"{cluster}-worker"), Node(f"{cluster}-worker2")
    for node, zone in ((first, "zone-1"), (second, "zone-2")):
        if kubectl.get("node", node.name) is None:
            # It would come back under another range of addresses than its Pods have.
            pytest.fail(f"an earlier run deleted {node.name}: `cluster.py up --nodes 3` makes the cluster again")
        if not node.running():
            node.start()
        kubectl.run("taint", "node", node.name, f"{OUT_OF_SERVICE}-", check=False)
        kubectl.run("label", "node", node.name, "--overwrite", f"topology.kubernetes.io/zone={zone}")
    kubectl.run("label", "node", second.name, "--overwrite", "tests/disk=fast")
    return first, second


@pytest.fixture(scope="module")
def workers(installation: Installation) -> tuple[Node, Node]:
    return workers_in_service()


@pytest.fixture(scope="session")
def installation() -> Installation:
    """Operator and registry, out of the way of tests that take workers away."""
    workers_in_service()
    return install(
        environment.MAIN, images.operator_image(), images.registry_image(), environment.only_node().address(),
        nodeSelector={CONTROL_PLANE: ""}, tolerations=[{"key": CONTROL_PLANE, "operator": "Exists"}],
    )  # fmt: skip


@pytest.fixture(scope="session")
def anywhere() -> str:
    """Storage class whose volumes every worker can mount."""
    return "bosh-block-anywhere"


@pytest.fixture(scope="module")
def director(new_cpi: Callable[..., Cpi]) -> Cpi:
    """The CPI of a Director of this module, which soon gives up on nodes."""
    return new_cpi(str(uuid.uuid4()), timeouts={"schedule": 5, "pull": 300, "node_loss": 5})


@pytest.fixture(scope="module")
def make(
    installation: Installation, director: Cpi, certificates: Certificates, node: Node, stemcells: Callable[[str], str]
) -> Iterator[Callable[..., Machine]]:
    """Makes machines that live as long as this module's tests."""
    stemcell = stemcells("runit")
    with machine_factory(installation, director, certificates, node) as factory:

        def one(**wishes: Any) -> Machine:
            return factory(stemcell, **wishes)

        yield one


@pytest.fixture(scope="module")
def busy(make: Callable[..., Machine]) -> Callable[..., Machine]:
    """Makes machines with a job that writes to a disk of the class, and marks on the root disk."""

    def one(disk_class: str, **wishes: Any) -> Machine:
        machine = make(**wishes)
        machine.occupy(disk_class)
        return machine

    return one


@pytest.fixture(scope="module")
def bystander() -> Iterator[Callable[..., str]]:
    """Runs a Pod of no machine on a node; its name."""
    kubectl = Kubectl()
    made: list[str] = []

    def run(node: Node, **requests: str) -> str:
        name = f"bystander-{uuid.uuid4().hex[:6]}"
        container = {
            "name": "c", "image": BUSYBOX, "imagePullPolicy": "Never", "command": ["sleep", "100000"],
            "resources": {"requests": requests},
        }  # fmt: skip
        spec = {"nodeName": node.name, "terminationGracePeriodSeconds": 0, "containers": [container]}
        kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
        made.append(name)
        kubectl.run("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
        return name

    yield run
    for name in made:
        kubectl.delete("pod", name, "--wait=false")
