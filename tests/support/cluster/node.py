"""The node of the test cluster as its hardware sees it: containers killed, kubelet and node restarted."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.machines import Machine
from tests.support.cluster.shell import forget, shell
from tests.support.cluster.wait import eventually

CLUSTER = Path(__file__).parents[2] / "cluster/kind/cluster.py"


def tool(*words: str) -> None:
    """A command of the test cluster's tool, for the cluster of the tests."""
    words = (*words, "--name", os.environ["BOSH_CLUSTER"])
    done = subprocess.run(
        [sys.executable, str(CLUSTER), *words], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"cluster.py {' '.join(words)}: {done.stdout}{done.stderr}"


@dataclass(frozen=True)
class Node:
    """A kind node; DOCKER_HOST in the environment names the engine that runs it."""

    name: str

    def sh(self, script: str, *, check: bool = True) -> str:
        code, out, err = shell(self.name).run(script, 120)
        assert not check or code == 0, f"{script} on {self.name}: {err}"
        return out

    def address(self) -> str:
        return self._docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}").strip()

    def kill_container(self, machine: Machine) -> None:
        """SIGKILL to the process 1 of the machine's container, as the kernel's OOM killer does."""
        status = machine.pod()["status"]["containerStatuses"][0]
        container = status["containerID"].removeprefix("containerd://")
        self.sh(f"ctr --namespace k8s.io tasks kill --signal SIGKILL {container}")

    def restart_kubelet(self) -> None:
        self.sh("systemctl restart kubelet")
        eventually(lambda: self.sh("systemctl is-active kubelet", check=False).strip() == "active",
                   within=60, what="the kubelet runs")  # fmt: skip

    def running(self) -> bool:
        """Whether its container runs and is not frozen."""
        return self._docker("inspect", "-f", "{{.State.Status}}").strip() == "running"

    def cut_power(self) -> None:
        forget(self.name)
        tool("stop-node", self.name)

    def start(self) -> None:
        """After a power cut; returns when the node is Ready."""
        tool("start-node", self.name)

    def freeze(self) -> None:
        """Every process stands still: the node answers nobody, and nothing of it ends."""
        self._docker("pause")

    def unfreeze(self) -> None:
        self._docker("unpause")

    def _docker(self, *words: str) -> str:
        done = subprocess.run(["docker", *words, self.name], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"docker {' '.join(words)} {self.name}: {done.stderr}"
        return done.stdout

    def restart(self) -> None:
        """As when the machine below loses power and comes back: every process and mount of the node is gone."""
        forget(self.name)
        tool("restart-node", self.name)
        kubectl = Kubectl()
        eventually(lambda: "True" in kubectl.run("get", "node", self.name, "-o",
                   "jsonpath={.status.conditions[?(@.type=='Ready')].status}", check=False),
                   within=180, what=f"{self.name} is Ready")  # fmt: skip
