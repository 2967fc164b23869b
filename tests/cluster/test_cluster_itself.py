"""What everything else rests on: the cluster that the tool brought up does what machines and disks need of it."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.kind import archive
from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.wait import eventually

TOOL = Path(__file__).parent / "kind/cluster.py"
BUSYBOX = "bosh.local/busybox:v1"
FOREVER = "exec sleep 100000"


def tool(*words: str) -> None:
    subprocess.run([sys.executable, TOOL, *words], check=True, timeout=300)


def pod(name: str, script: str, **spec: Any) -> dict[str, Any]:
    """A Pod of one busybox container; `container` and `volumes` add to it, other keywords to its spec."""
    container = {
        "name": "c",
        "image": BUSYBOX,
        "imagePullPolicy": "Never",
        "command": ["sh", "-c", script],
        **spec.pop("container", {}),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container], **spec},
    }


def claim(name: str, storage_class: str, size: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": storage_class,
            "resources": {"requests": {"storage": size}},
        },
    }


def service(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]},
    }


def on_claim(name: str) -> dict[str, Any]:
    """Keywords of `pod` that mount a claim at /data."""
    return {
        "container": {"volumeMounts": [{"name": "data", "mountPath": "/data"}]},
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}],
    }


@pytest.fixture(scope="module")
def kubectl() -> Iterator[Kubectl]:
    """kubectl in a namespace that lives as long as this module's tests."""
    name = f"cluster-itself-{uuid.uuid4().hex[:6]}"
    within = Kubectl(namespace=name)
    within.run("create", "namespace", name)
    within.run("wait", "--for=create", "serviceaccount/default", "--timeout=60s")
    yield within
    within.run("delete", "namespace", name, "--wait=true", "--timeout=120s", timeout=150)


@pytest.fixture
def start(kubectl: Kubectl) -> Iterator[Callable[..., None]]:
    """Apply objects and wait for the Pods among them; the Pods are deleted at the end."""
    started: list[str] = []

    def apply(*objects: dict[str, Any]) -> None:
        pods = [entry["metadata"]["name"] for entry in objects if entry["kind"] == "Pod"]
        started.extend(pods)
        kubectl.apply(*objects)
        kubectl.run("wait", "--for=condition=Ready", *(f"pod/{name}" for name in pods), "--timeout=90s")

    yield apply
    for name in started:
        kubectl.delete("pod", name, "--wait=false")


def test_nodes_and_what_runs_on_them_are_ready(kubectl: Kubectl) -> None:
    kubectl.run("wait", "--for=condition=Ready", "node", "--all", "--timeout=30s")
    workloads = {
        "kube-system": ("deployment/coredns",),
        "local-path-storage": ("deployment/local-path-provisioner",),
        "csi": ("deployment/csi-controller", "daemonset/csi-node"),
    }
    for namespace, names in workloads.items():
        for name in names:
            kubectl.within(namespace).run("rollout", "status", name, "--timeout=60s")


def test_loaded_image_is_on_the_node(kubectl: Kubectl, start: Callable[..., None], tmp_path: Path) -> None:
    root, image = tmp_path / "root", f"bosh.local/loaded:{uuid.uuid4().hex[:8]}"
    root.mkdir()
    (root / "greeting").write_text("from the archive")
    archive.write(tmp_path / "image.tar", image, root, archive.Settings())

    tool("load", str(tmp_path / "image.tar"), "--name", os.environ["BOSH_CLUSTER"])

    volume = {"name": "image", "image": {"reference": image, "pullPolicy": "Never"}}
    mount = {"volumeMounts": [{"name": "image", "mountPath": "/image"}]}
    start(pod("loaded", FOREVER, container=mount, volumes=[volume]))
    assert kubectl.exec("loaded", "cat", "/image/greeting") == "from the archive"


def test_logs_names_and_addresses(kubectl: Kubectl, start: Callable[..., None]) -> None:
    serve = "echo at work; mkdir /w; echo web > /w/index.html; exec httpd -f -p 8080 -h /w"
    start(pod("server", serve), service("server"), pod("client", FOREVER))

    assert kubectl.run("logs", "server") == "at work\n"
    found = kubectl.get("service", "server")
    assert found is not None
    assert found["spec"]["clusterIP"] in kubectl.exec(
        "client", "nslookup", f"server.{kubectl.namespace}.svc.cluster.local"
    )
    # the endpoint reaches kube-proxy a moment after the Pod is Ready
    eventually(lambda: kubectl.exec("client", "wget", "-qO-", "http://server/", check=False) == "web\n",
               within=30, what="the Service's address answers")  # fmt: skip


def test_every_node_reaches_the_pods_of_every_node(kubectl: Kubectl, start: Callable[..., None]) -> None:
    serve = "mkdir /w; hostname > /w/index.html; exec httpd -f -p 8080 -h /w"
    names = {f"on-{node['metadata']['name']}": node["metadata"]["name"] for node in kubectl.list("nodes")}
    start(*(pod(name, serve, nodeName=node) for name, node in names.items()))
    addresses = {}
    for name in names:
        found = kubectl.get("pod", name)
        assert found is not None
        addresses[name] = found["status"]["podIP"]

    for client in names:
        for server, address in addresses.items():
            assert kubectl.exec(client, "wget", "-qO-", f"http://{address}:8080/") == f"{server}\n"


def test_claim_of_the_default_class(kubectl: Kubectl, start: Callable[..., None]) -> None:
    start(claim("plain", "standard", "64Mi"), pod("plain", f"echo kept > /data/file; {FOREVER}", **on_claim("plain")))
    assert kubectl.exec("plain", "cat", "/data/file") == "kept\n"


def test_block_volume_is_a_device_of_its_size_and_empty(kubectl: Kubectl, start: Callable[..., None]) -> None:
    script = f"ls /data > /tmp/before; echo x > /data/file; {FOREVER}"
    start(claim("block", "bosh-block", "48Mi"), pod("block", script, **on_claim("block")))

    mounts = [line.split() for line in kubectl.exec("block", "cat", "/proc/self/mountinfo").splitlines()]
    device, kind = next((m[m.index("-") + 2], m[m.index("-") + 1]) for m in mounts if m[4] == "/data")
    assert device.startswith("/dev/loop")
    assert kind == "ext4"
    assert kubectl.exec("block", "cat", "/tmp/before").split() == ["lost+found"]
    size = int(kubectl.exec("block", "stat", "-f", "-c", "%b", "/data")) >> 10
    assert 36 <= size <= 48


def test_mounts_propagate_between_pods(kubectl: Kubectl, start: Callable[..., None]) -> None:
    """A disk is bound by one Pod and seen by another that runs already."""
    folder = f"/var/propagation-{uuid.uuid4().hex[:6]}"
    node = kubectl.list("nodes")[-1]["metadata"]["name"]

    def sharing(name: str, propagation: str) -> dict[str, Any]:
        mount = {"name": "shared", "mountPath": "/shared", "mountPropagation": propagation}
        container = {"volumeMounts": [mount], "securityContext": {"privileged": propagation == "Bidirectional"}}
        volume = {"name": "shared", "hostPath": {"path": folder, "type": "DirectoryOrCreate"}}
        return pod(name, FOREVER, nodeName=node, container=container, volumes=[volume])

    start(sharing("giver", "Bidirectional"), sharing("taker", "HostToContainer"))
    kubectl.exec(
        "giver", "sh", "-c", "mkdir /shared/m && mount -t tmpfs given /shared/m && echo given > /shared/m/file"
    )
    assert kubectl.exec("taker", "cat", "/shared/m/file") == "given\n"

    kubectl.exec("giver", "sh", "-c", "umount /shared/m && rmdir /shared/m")
    assert kubectl.exec("taker", "ls", "/shared") == ""


def test_privileged_pod_mounts_overlays_in_namespaces_of_its_own(kubectl: Kubectl, start: Callable[..., None]) -> None:
    script = (
        "set -e; cd /e; mkdir low up work all; echo low > low/file; "
        "mount -t overlay overlay -o lowerdir=/e/low,upperdir=/e/up,workdir=/e/work /e/all; echo high > all/file; "
        "unshare --mount --pid --fork sh -c 'mount -t proc proc /proc && readlink /proc/self > /e/inner'; " + FOREVER
    )
    container = {"securityContext": {"privileged": True}, "volumeMounts": [{"name": "e", "mountPath": "/e"}]}
    start(pod("overlay", script, container=container, volumes=[{"name": "e", "emptyDir": {}}]))

    eventually(lambda: kubectl.exec("overlay", "cat", "/e/inner", check=False).strip().isdigit(),
               within=20, what="the inner namespace has a /proc of its own")  # fmt: skip
    assert int(kubectl.exec("overlay", "cat", "/e/inner")) < 10
    assert kubectl.exec("overlay", "cat", "/e/low/file", "/e/up/file") == "low\nhigh\n"


def test_memory_limit_is_kept(kubectl: Kubectl) -> None:
    limited = {"resources": {"limits": {"memory": "32Mi"}}}
    kubectl.apply(pod("greedy", "head -c 200000000 /dev/zero | tail", container=limited, restartPolicy="Never"))
    where = "jsonpath={.status.containerStatuses[0].state.terminated.reason}"
    eventually(lambda: kubectl.run("get", "pod", "greedy", "-o", where) == "OOMKilled",
               within=60, what="the container is killed")  # fmt: skip
