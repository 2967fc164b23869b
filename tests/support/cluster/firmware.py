"""Machines and attachments as bare Pods, made without operator: the firmware alone, on the real kubelet."""

import functools
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.cluster import images
from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.node import Node
from tests.support.cluster.wait import eventually

FOLDER = images.ROOT / "operator/src/bosh_kubernetes_operator/firmware"
MIB = 1 << 20


def scripts() -> dict[str, str]:
    return {path.name: path.read_text() for path in FOLDER.iterdir() if path.is_file() and "." not in path.name}


@functools.cache
def stemcell_image(flavour: str) -> str:
    """Name of the test stemcell as a container image, on the nodes."""
    with tempfile.TemporaryDirectory() as folder:
        path, _ = images.stemcell(flavour).unpack(Path(folder))
        name = f"bosh.local/firmware-{flavour}:{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
        if not images.engine_has(name):
            images.run("docker", "import", path, name)
    images.load(name)
    return name


def _container(
    name: str, image: str, env: dict[str, str], ready: list[str], mounts: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "name": name, "image": image, "imagePullPolicy": "Never", "command": ["/bin/sh", f"/firmware/{name}"],
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "securityContext": {"privileged": True, "runAsUser": 0},
        "readinessProbe": {"exec": {"command": ready}, "periodSeconds": 1, "failureThreshold": 1},
        "volumeMounts": [{"name": "firmware", "mountPath": "/firmware"}, *mounts],
    }  # fmt: skip


def _pod(name: str, container: dict[str, Any], volumes: list[dict[str, Any]], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "automountServiceAccountToken": False, "enableServiceLinks": False, "restartPolicy": "Always",
            "containers": [container],
            "volumes": [{"name": "firmware", "configMap": {"name": "firmware", "defaultMode": 0o555}}, *volumes],
            **spec,
        },
    }  # fmt: skip


@dataclass
class BareMachine:
    """A machine's Pod as the operator would make it."""

    name: str
    kubectl: Kubectl
    node: Node
    image: str
    base: str  # folder of the node for this machine's disks
    environment: dict[str, str]
    root: dict[str, Any]  # volume of the root disk
    disks: list[str] = field(default_factory=list)

    def create(self) -> None:
        mounts = [
            {"name": "root-disk", "mountPath": "/root-disk"},
            {"name": "settings", "mountPath": "/bosh-settings"},
            {"name": "disks", "mountPath": "/warden-cpi-dev", "mountPropagation": "HostToContainer"},
        ]
        credentials = {"key": "credentials.json", "path": "credentials/credentials.json"}
        sources = [{"configMap": {"name": "settings"}}, {"secret": {"name": "settings", "items": [credentials]}}]
        container = _container("machine", self.image, self.environment, ["/bin/sh", "/firmware/probe"], mounts)
        container["command"] = ["/bin/sh", "/firmware/firmware"]
        volumes = [
            {"name": "root-disk", **self.root},
            {"name": "settings", "projected": {"defaultMode": 0o400, "sources": sources}},
            {"name": "disks", "hostPath": {"path": self.base, "type": "DirectoryOrCreate"}},
        ]
        self.kubectl.apply(_pod(self.name, container, volumes, terminationGracePeriodSeconds=60))

    def pod(self) -> dict[str, Any]:
        return self.kubectl.get("pod", self.name) or {}

    def container(self) -> dict[str, Any]:
        return (self.pod().get("status", {}).get("containerStatuses") or [{}])[0]

    def identity(self) -> tuple[str, str, int]:
        """Uid and address of the Pod, restarts of the container: what a reboot must not change."""
        pod = self.pod()
        return pod["metadata"]["uid"], pod["status"]["podIP"], self.container()["restartCount"]

    def ctl(self, *words: str) -> dict[str, Any]:
        return self.kubectl.ctl(self.name, *words)

    def code(self, container: str, *command: str) -> tuple[int, str]:
        """Exit code and output of a command in a container of this machine or of a disk's attachment."""
        pod = self.name if container == "machine" else container
        code, out, _ = self.kubectl.exec_code(pod, *command, check=False)
        return code, out

    def guest(self, script: str, *, check: bool = True) -> str:
        return self.kubectl.guest(self.name, script, check=check)

    def logs(self) -> str:
        return self.kubectl.run("logs", self.name)

    def boots(self) -> int:
        return int(self.ctl("status").get("boots", 0))

    def wait(self, state: str, *, within: float = 60, **fields: Any) -> dict[str, Any]:
        """Until `ctl status` says this; a running machine also has a guest. Returns the status."""

        def reached() -> dict[str, Any]:
            seen = self.ctl("status")
            assert seen.get("state") == state, seen
            assert state != "running" or seen["guest"], seen
            assert all(seen[key] == value for key, value in fields.items()), seen
            return seen

        return eventually(reached, within=within, what=f"{self.name} is {state} {fields or ''}", every=0.2)

    def wait_init(self, flavour: str) -> None:
        """Until the guest's init can take orders: systemd has a bus, runit runs its services."""
        question = "systemctl is-active basic.target" if flavour == "systemd" else "sv status /etc/service/*"
        eventually(lambda: self.guest(question), within=60, what=f"init of {self.name} answers")

    def kill_container(self) -> None:
        """SIGKILL to process 1, as the kernel's OOM killer does; returns once the kubelet has made another."""
        before = self.container()
        container = before["containerID"].removeprefix("containerd://")
        self.node.sh(f"ctr --namespace k8s.io tasks kill --signal SIGKILL {container}")
        self.wait_restarted(before["restartCount"])

    def wait_restarted(self, restarts: int) -> dict[str, Any]:
        """How the firmware ended (`terminated` of its state), once there have been more restarts than these.

        A start that failed for the container runtime's own reasons (cgroup v1 freezes now and then) is no end of it.
        """
        ends: list[dict[str, Any]] = []

        def restarted() -> bool:
            now = self.container()
            seen = [now.get(state, {}).get("terminated") for state in ("state", "lastState")]
            ends.extend(end for end in seen if end and end.get("reason") != "StartError")
            return now.get("restartCount", 0) > restarts and "running" in now.get("state", {})

        eventually(restarted, within=90, what=f"{self.name} has a new container", every=0.1)
        assert ends, f"the end of {self.name} was not seen"
        return ends[-1]

    # ---- disks

    def claim(self, storage_class: str, size: int = 64) -> str:
        """Name of a new claim of `size` MiB."""
        name = f"disk-{self.name}-{len(self.disks)}"
        spec = {
            "storageClassName": storage_class, "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": f"{size}Mi"}},
        }  # fmt: skip
        self.kubectl.apply(
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}
        )
        self.disks.append(name)
        return name

    def plug(self, disk: str) -> None:
        """Make the attachment Pod and wait until the disk is bound on the node."""
        mounts = [
            {"name": "claim", "mountPath": "/claim"},
            {"name": "disks", "mountPath": "/disks", "mountPropagation": "Bidirectional"},
        ]
        container = _container("attachment", self.image, {"DISK": disk}, ["test", "-e", "/run/bound"], mounts)
        volumes = [
            {"name": "claim", "persistentVolumeClaim": {"claimName": disk}},
            {"name": "disks", "hostPath": {"path": self.base, "type": "DirectoryOrCreate"}},
        ]
        self.kubectl.apply(_pod(disk, container, volumes, hostPID=True, terminationGracePeriodSeconds=3600))
        # local-path gives up on a helper Pod after 120 s, and tries again
        self.kubectl.run("wait", "--for=condition=Ready", f"pod/{disk}", "--timeout=200s", timeout=220)

    def attach(self, storage_class: str, size: int = 64) -> str:
        """A new disk that the guest sees."""
        disk = self.claim(storage_class, size)
        self.plug(disk)
        eventually(lambda: self.code("machine", "/firmware/ctl", "attach", disk)[0] == 0, within=20,
                   what=f"{disk} is seen by {self.name}")  # fmt: skip
        return disk

    def use(self, disk: str) -> None:
        """What the agent does at mount_disk, with the notes that it keeps."""
        self.guest(
            f"mount /warden-cpi-dev/{disk} /var/vcap/store -o bind && cd /var/vcap/bosh &&"
            f" printf {disk} > managed_disk_settings.json && echo '{{\"{disk}\":{{}}}}' > persistent_disk_hints.json"
        )

    def unplug(self, disk: str) -> None:
        """Unbind, then delete the attachment Pod."""
        code, answer = self.code(disk, "/firmware/attachment", "unbind")
        assert code == 0, answer
        self.kubectl.delete("pod", disk)

    def remove(self) -> None:
        """Machine first, then the disks' Pods, which then nothing holds; claims and folder last."""
        self.kubectl.delete("pod", self.name, "--grace-period=1", "--wait=true")
        for disk in self.disks:
            self.code(disk, "/firmware/attachment", "unbind")
            self.kubectl.delete("pod", disk, "--wait=true")
            self.kubectl.delete("pvc", disk, "--wait=false")
        self.node.sh(f"rmdir {self.base}/* {self.base} 2>/dev/null", check=False)


def prepare(kubectl: Kubectl) -> None:
    """Namespace with firmware and settings."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": kubectl.namespace}}
    settings = json.dumps({"agent_id": "bare", "networks": {}, "disks": {}})
    credentials = json.dumps({"mbus": "https://mbus:planted-password@0.0.0.0:6868"})
    kubectl.apply(
        namespace,
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "firmware"}, "data": scripts()},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"},
         "data": {"settings.json": settings}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "settings"},
         "stringData": {"credentials.json": credentials}},
    )  # fmt: skip


def node_folder() -> str:
    """Folder of the node for the disks of bare machines: not the operator's, so that neither meets the other."""
    return f"/var/lib/bosh-firmware-tests/{os.getpid()}"
