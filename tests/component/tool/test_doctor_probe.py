"""`doctor --probe` against the stand-ins of API server, registry and kubelet: it proves, and leaves nothing."""

import json
import signal
import time
from typing import Any

import pytest

from tests.component.conftest import IMAGE, NAMESPACE
from tests.component.tool.doctor import PROVEN, amiss, lines
from tests.support.registry.server import Fault, Registry, Traits
from tests.support.tool_process import start, tool

pytestmark = pytest.mark.usefixtures("healthy")


def test_the_probe_proves_push_pull_and_propagation_and_leaves_nothing(api, cpi, registry, kubelet, kubeconfig) -> None:
    found = lines(cpi, "--probe", "--kubeconfig", kubeconfig)

    assert amiss(found) == {}
    assert set(PROVEN) <= set(found)
    assert registry.store.manifests == {}
    assert api.store.list("Pod") == []
    pull, mount = kubelet.seen
    assert pull["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    assert mount["spec"]["containers"][0]["image"] == IMAGE


@pytest.mark.parametrize("end", ["attachment", "machine"])
def test_a_mount_that_does_not_come_through(cpi, kubelet, kubeconfig, api, end) -> None:
    kubelet.faults[end] = "no mount of the other end comes here"

    found = lines(cpi, "--probe", "--kubeconfig", kubeconfig)

    assert amiss(found) == {"mount propagation": "failure"}
    assert "on worker-1: " in found["mount propagation"]["found"]
    assert "no mount of the other end comes here" in found["mount propagation"]["found"]
    assert "shared mount" in found["mount propagation"]["remedy"]
    assert api.store.list("Pod") == []


def test_a_registry_that_does_not_delete(api, new_cpi, kubelet, kubeconfig, settings) -> None:
    with Registry(Traits(deletes=False)) as registry:
        kubelet.registry = registry.store

        found = lines(new_cpi(registry={"host": registry.host}), "--probe", "--kubeconfig", kubeconfig)

    assert amiss(found) == {"delete": "warning"}


def test_a_registry_that_takes_nothing(cpi, registry, kubelet, kubeconfig) -> None:
    with Registry(Traits(auth="basic", limit=10)) as small:
        kubelet.registry = small.store
        config = json.loads(cpi.config.read_text())
        config["registry"]["host"] = small.host
        cpi.config.write_text(json.dumps(config))

        found = lines(cpi, "--probe", "--kubeconfig", kubeconfig)

    assert amiss(found) == {"push": "failure"}
    assert "raise its limit" in found["push"]["found"]


def test_without_a_stemcell_the_operators_image_is_used(api, cpi, kubelet, kubeconfig) -> None:
    for stemcell in api.store.list("Stemcell"):
        api.store.delete("Stemcell", NAMESPACE, stemcell["metadata"]["name"])
    without = lines(cpi, "--probe", "--kubeconfig", kubeconfig)
    labels = {"app.kubernetes.io/component": "operator", "app.kubernetes.io/part-of": "bosh-kubernetes"}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "bosh-kubernetes-operator", "labels": labels},
        "spec": {"template": {"spec": {"containers": [{"image": "operator:1"}]}}},
    }
    api.store.create("Deployment", "bosh-system", body)

    found = lines(cpi, "--probe", "--kubeconfig", kubeconfig)

    assert amiss(without) == {"mount propagation": "warning"}
    assert amiss(found) == {}
    assert kubelet.seen[-1]["spec"]["containers"][0]["image"] == "operator:1"


def test_an_account_that_makes_no_pods_says_whose_would(cpi, kubelet, registry) -> None:
    found = lines(cpi, "--probe")

    assert amiss(found) == {"pull": "failure", "mount propagation": "failure"}
    assert "--kubeconfig" in found["pull"]["remedy"]
    assert registry.store.manifests == {}


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("pods", [1, 2])
def test_what_is_interrupted_leaves_nothing(api, cpi, registry, kubelet, kubeconfig, sign, pods) -> None:
    """While a node is at the first Pod, or at the second."""
    kubelet.idle = pods == 1
    made: list[dict[str, Any]] = []

    def hold(seen: Any) -> None:
        if seen.method == "POST" and seen.path.endswith("/pods"):
            made.append(seen)
            kubelet.idle = kubelet.idle or len(made) == pods

    api.intercept = hold
    process = start("doctor", "--probe", "--kubeconfig", kubeconfig, config=cpi.config)
    deadline = time.monotonic() + 60
    while len(made) < pods or not api.store.list("Pod"):
        assert process.poll() is None
        assert time.monotonic() < deadline
    process.send_signal(sign)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130, out + err
    assert api.store.list("Pod") == []
    assert registry.store.manifests == {}


def test_the_deletion_of_the_image_is_not_interrupted(api, cpi, registry, kubelet, kubeconfig) -> None:
    registry.faults += [Fault("DELETE", status=503)] * 2  # between its tries there is time
    process = start("doctor", "--probe", "--output", "json", "--kubeconfig", kubeconfig, config=cpi.config)
    deadline = time.monotonic() + 60
    while not any(step.startswith("DELETE") for step in registry.steps()):
        assert process.poll() is None
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)

    assert registry.store.manifests == {}, out + err


def test_a_pod_that_no_node_takes_proves_nothing(cpi, registry, kubelet, kubeconfig) -> None:
    kubelet.unschedulable = "0/1 nodes are available: 1 Insufficient memory."

    found = lines(cpi, "--probe", "--kubeconfig", kubeconfig)

    assert amiss(found) == {"pull": "warning", "mount propagation": "warning"}
    for check in ("pull", "mount propagation"):
        assert found[check]["found"].startswith("not proven: no node takes the Pod: 0/1 nodes")
        assert "--node" in found[check]["remedy"]


def test_a_pod_that_may_be_made_and_not_removed_is_told(api, cpi, registry, kubelet) -> None:
    api.rights["", "pods"] = {"create", "get", "list", "watch"}

    found = tool("doctor", "--probe", "--output", "json", config=cpi.config).json["checks"]

    told = [line for line in found if line["check"] == "clean-up"]
    left = [pod["metadata"]["name"] for pod in api.store.list("Pod")]
    assert len(left) == 2
    cures = {f"kubectl --namespace {NAMESPACE} delete pod {pod}" for pod in left}
    assert {line["remedy"] for line in told} == cures


def test_pods_that_a_killed_probe_left_are_swept(api, cpi, kubelet, kubeconfig) -> None:
    labels = {"cpi.bosh.io/role": "probe"}
    for name, role in (("doctor-old", labels), ("of-somebody", {})):
        metadata = {"name": name, "labels": role}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": []}}
        api.store.create("Pod", NAMESPACE, body)
        with api.store.changed:
            api.store._objects["Pod", NAMESPACE, name]["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"

    lines(cpi, "--probe", "--kubeconfig", kubeconfig)

    assert [pod["metadata"]["name"] for pod in api.store.list("Pod")] == ["of-somebody"]
