"""The operator on the test cluster, installed as a user installs it: by helm, from the chart.

Installations stand side by side, each in namespaces of its own: what a test does to one (its operator killed, a quota
set) no other test feels.
"""

import base64
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.wait import eventually

ROOT = Path(__file__).parents[3]
CHART = ROOT / "charts/bosh-kubernetes-operator"
RELEASE = "bosh-kubernetes-operator"
BLOBSTORE = {"provider": "local", "options": {"blobstore_path": "/var/vcap/micro_bosh/data/cache"}}


@dataclass(frozen=True)
class Place:
    """Where an installation stands: the end of its namespaces' names, its registry, the port for one on the nodes."""

    suffix: str = ""
    registry_port: int = 5005
    registry: bool = True

    @property
    def main(self) -> bool:
        """The one with the names of the documentation; it alone brings the custom resources."""
        return not self.suffix

    @property
    def system(self) -> Kubectl:
        return Kubectl(namespace=f"bosh-system{self.suffix}")

    @property
    def machines(self) -> Kubectl:
        return Kubectl(namespace=f"bosh-machines{self.suffix}")


@dataclass(frozen=True)
class Installation:
    """An installed release: where its operator runs, where its machines live."""

    system: Kubectl
    machines: Kubectl
    registry_port: int

    def config(self, **overrides: Any) -> dict[str, Any]:
        """Configuration of a CPI for this installation (docs/configuration.md)."""
        view = json.loads(self.system.run("config", "view", "--raw", "--minify", "-o", "json"))
        cluster = view["clusters"][0]["cluster"]
        token = self.machines.get("secret", "bosh-cpi-token")
        assert token is not None
        return {
            "kubernetes": {
                "server": cluster["server"],
                "ca": base64.b64decode(cluster["certificate-authority-data"]).decode(),
                "token": base64.b64decode(token["data"]["token"]).decode(),
            },
            "namespace": self.machines.namespace,
            "agent": {"mbus": "https://mbus:mbus-password@0.0.0.0:6868", "ntp": [], "blobstore": BLOBSTORE},
            "machines": {"cpu": "100m", "memory": 256, "ephemeral_disk_size": 512},
            "registry": {
                "service": f"{self.machines.namespace}/bosh-registry:5000",
                "pull_host": f"localhost:{self.registry_port}",
            },
            "timeouts": {"schedule": 20, "pull": 300, "node_loss": 30},
        } | overrides


def install(place: Place, image: str, registry_image: str, node_address: str, **scheduling: Any) -> Installation:
    """`helm upgrade --install --wait`, with images that are on the nodes already; operator and registry run where
    `scheduling` (nodeSelector, tolerations, affinity) says.
    """
    repository, _, tag = image.rpartition(":")
    registry, _, registry_tag = registry_image.rpartition(":")
    values = {
        "image": {"repository": repository, "tag": tag, "pullPolicy": "Never"},
        "registry": {
            "enabled": place.registry,
            "image": {"repository": registry, "tag": registry_tag, "pullPolicy": "Never"},
            "storage": {"size": "2Gi"},
            "mirror": {"port": place.registry_port},
            "networkPolicy": {"apiServer": [{"ipBlock": {"cidr": f"{node_address}/32"}}]},
            **scheduling,
        },
        "operator": {
            "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
            "extraArgs": ["--off-timeout=20"],  # a test waits for the end of it
            **scheduling,
        },
        "machines": {"namespace": place.machines.namespace},
        "crds": {"install": place.main},
    }
    helm(
        place.system, "upgrade", "--install", RELEASE, str(CHART), "--create-namespace", "--wait", "--timeout", "180s",
        "--values", "-", stdin=json.dumps(values),
    )  # fmt: skip
    return Installation(place.system, place.machines, place.registry_port)


def helm(system: Kubectl, *words: str, stdin: str | None = None) -> str:
    done = subprocess.run(
        ["helm", "--kube-context", system.context, "--namespace", system.namespace, *words],
        input=stdin, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, f"helm {words[0]}: {done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Operator:
    """The running operator, to be killed, stopped and doubled."""

    system: Kubectl
    machines: Kubectl

    def pods(self) -> list[dict[str, Any]]:
        return self.system.list("pods", "app.kubernetes.io/component=operator")

    def kill(self, *, after: float = 0) -> None:
        """SIGKILL `after` seconds from now: the moment is the test's, not a condition to wait for."""
        time.sleep(after)
        for pod in self.pods():
            self.system.delete("pod", pod["metadata"]["name"], "--force", "--grace-period=0")

    def wait_ready(self, *, within: float = 90) -> None:
        self.system.run("rollout", "status", f"deployment/{RELEASE}", f"--timeout={within:g}s", timeout=within + 10)

    def wait_alive(self, *, within: float = 180) -> None:
        """Until it renews its Lease again. After a restart of the node all else that is known of it is old."""
        before = self._renewed()
        eventually(lambda: self._renewed() != before, within=within, what="the operator renews its Lease")

    def _renewed(self) -> str:
        lease = self.machines.get("lease", "bosh-kubernetes-operator") or {}
        return str(lease.get("spec", {}).get("renewTime"))

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.system.run("scale", f"deployment/{RELEASE}", "--replicas=0")
        eventually(lambda: not self.pods(), within=60, what="the operator is gone")
        try:
            yield
        finally:
            self.system.run("scale", f"deployment/{RELEASE}", "--replicas=1")
            self.wait_ready()

    @contextmanager
    def twin_without_lease(self) -> Iterator[Callable[[], None]]:
        """A second operator that works at the same time: it claims to be the holder of the Lease.

        Gives a function that fails unless both have taken steps by then.
        """
        identity = eventually(self._holder, within=60, what="the operator that runs holds the Lease")
        deployment = self.system.get("deployment", RELEASE)
        assert deployment is not None
        spec = deployment["spec"]["template"]["spec"]
        container = spec["containers"][0]
        container["args"] = [*container.get("args", []), f"--identity={identity}"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "operator-twin"}, "spec": spec}
        self.system.apply(pod)
        try:
            eventually(lambda: "holding the Lease" in self.system.run("logs", "operator-twin", check=False),
                       within=60, what="the twin works")  # fmt: skip
            yield self._both_work
        finally:
            self.system.delete("pod", "operator-twin", "--grace-period=1")

    def _holder(self) -> str:
        """Identity in the Lease, if it is that of the operator that runs: one that was killed keeps it for a while."""
        lease = self.machines.get("lease", "bosh-kubernetes-operator") or {}
        holder: str = lease.get("spec", {}).get("holderIdentity") or ""
        return holder if any(holder.startswith(pod["metadata"]["name"]) for pod in self.pods()) else ""

    def _both_work(self) -> None:
        [first] = self.pods()
        for name in (first["metadata"]["name"], "operator-twin"):
            log = self.system.run("logs", name)
            assert re.search(r'"step": "\w+"', log), f"{name} took no step:\n{log}"

    def log(self) -> str:
        return "".join(
            self.system.run("logs", pod["metadata"]["name"], "--tail=-1", check=False)
            + self.system.run("logs", pod["metadata"]["name"], "--tail=-1", "--previous", check=False)
            for pod in self.pods()
        )
