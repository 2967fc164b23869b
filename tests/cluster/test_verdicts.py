"""What create_vm says when a cluster gives no machine: the type, the cluster's own reason, and nothing left behind."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.cluster import environment, images
from tests.support.cluster.cpi import Cpi, CpiCallError
from tests.support.cluster.installation import Installation
from tests.support.cluster.node import Node
from tests.support.cluster.wait import eventually


@pytest.fixture
def refused(make_machine, cpi: Cpi, leftovers):
    """Calls create_vm, which must fail, and checks that nothing of it is left; the error and the seconds it took."""

    def call(stemcell: str, **cloud_properties: Any) -> tuple[CpiCallError, float]:
        began = time.monotonic()
        with pytest.raises(CpiCallError) as failure:
            make_machine(stemcell, **cloud_properties)
        assert failure.value.type == "Bosh::Clouds::VMCreationFailed"
        seconds = time.monotonic() - began
        # What the machine owned goes by the cluster's own collection, a moment after the machine.
        eventually(lambda: leftovers(cpi.director) == [], within=90, what=f"nothing left: {leftovers(cpi.director)}")
        return failure.value, seconds

    return call


@pytest.fixture
def empty_registry(installation: Installation) -> Iterator[Callable[..., str]]:
    """Starts a registry that has nothing, on the nodes' loopback; its host. `password`: it wants one nobody has."""
    machines, name, port = installation.machines, "empty-registry", installation.registry_port + 100

    def start(*, password: bool = False) -> str:
        configuration: dict[str, Any] = {
            "version": "0.1",
            "http": {"addr": ":5000"},
            "storage": {"inmemory": {}},
        }
        if password:  # made by the registry itself, and written to its log only
            configuration["auth"] = {"htpasswd": {"realm": "test", "path": "/tmp/htpasswd"}}
        data = {"config.yml": json.dumps(configuration)}
        machines.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
        ports = [{"containerPort": 5000, "hostPort": port, "hostIP": "127.0.0.1"}]
        container = {
            "name": "registry", "image": images.registry_image(), "imagePullPolicy": "Never", "ports": ports,
            "args": ["serve", "/config/config.yml"], "env": [{"name": "OTEL_TRACES_EXPORTER", "value": "none"}],
            "volumeMounts": [{"name": "config", "mountPath": "/config"}, {"name": "tmp", "mountPath": "/tmp"}],
            "readinessProbe": {"tcpSocket": {"port": 5000}, "periodSeconds": 1},
        }  # fmt: skip
        volumes = [{"name": "config", "configMap": {"name": name}}, {"name": "tmp", "emptyDir": {}}]
        spec = {"containers": [container], "volumes": volumes, "automountServiceAccountToken": False}
        machines.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
        machines.run("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s", timeout=70)
        return f"localhost:{port}"

    yield start
    machines.delete("pod", name, "--grace-period=1")
    machines.delete("configmap", name)


NO_IMAGE = "no/such/image@sha256:" + "0" * 64


@pytest.fixture
def folder_on_node(installation: Installation, cpi: Cpi, node: Node) -> Callable[[], str]:
    """The directory on the node of the only machine of this test's Director; waited for."""

    def find() -> str:
        kubectl, selector = installation.machines, f"cpi.bosh.io/director={cpi.director}"
        [machine] = eventually(
            lambda: kubectl.list("virtualmachines.cpi.bosh.io", selector), within=30, what="the machine is there"
        )
        folder = f"/var/lib/bosh-kubernetes/{machine['metadata']['uid']}"
        eventually(lambda: exists(node, folder), within=30, what="the kubelet has made its directory")
        return folder

    return find


def exists(node: Node, folder: str) -> bool:
    return node.sh(f"test -d {folder} && echo yes || echo no").strip() == "yes"


def test_wrong_image(refused, stemcell_of, empty_registry, folder_on_node, node: Node) -> None:
    found: list[str] = []
    stemcell = stemcell_of(f"{empty_registry()}/{NO_IMAGE}")
    error, seconds = refused(stemcell, during=lambda: found.append(folder_on_node()))

    assert not error.ok_to_retry
    assert "no/such/image" in error.message
    assert "not found" in error.message.lower()
    assert seconds < 75
    assert not exists(node, found[0])


@pytest.mark.full
def test_denied_image(refused, stemcell_of, empty_registry) -> None:
    error, seconds = refused(stemcell_of(f"{empty_registry(password=True)}/{NO_IMAGE}"))

    assert not error.ok_to_retry
    assert "ImageDenied" in error.message
    assert "no/such/image" in error.message
    assert seconds < 75


@pytest.mark.full
def test_image_that_the_chart_s_registry_does_not_have(refused, stemcell_of) -> None:
    """Its mirrors give the same answer when it is out of reach: that may pass, so it is worth another try."""
    error, seconds = refused(stemcell_of(f"localhost:{environment.MAIN.registry_port}/{NO_IMAGE}"))

    assert error.ok_to_retry
    assert "does not have the image" in error.message
    assert seconds < 105


def test_unschedulable(refused, stemcell: str) -> None:
    error, seconds = refused(stemcell, cpu="900")

    assert error.ok_to_retry
    assert "Insufficient cpu" in error.message
    assert seconds < 40


def test_quota_exceeded(refused, stemcell: str, quota) -> None:
    with quota({"pods": "0"}):
        error, seconds = refused(stemcell)

    assert not error.ok_to_retry
    assert "QuotaExceeded" in error.message
    assert "exceeded quota" in error.message
    assert seconds < 20


def test_operator_not_running(refused, stemcell: str, operator, new_cpi, cpi: Cpi) -> None:
    hasty = new_cpi(cpi.director, timeouts={"operator": 10})
    with operator.stopped():
        error, seconds = refused(stemcell, cpi=hasty)

    assert error.ok_to_retry
    assert "the operator is not running" in error.message
    assert seconds < 60


def test_root_claim_of_an_unknown_class(refused, stemcell: str) -> None:
    error, _ = refused(stemcell, root_disk={"storage_class": "no-such-class"})

    assert "no-such-class" in error.message
