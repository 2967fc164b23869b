"""What a failed cluster test leaves behind for whoever reads it: logs, Events, our resources, mount tables."""

import os
import re
import subprocess
from pathlib import Path

from tests.support.cluster.kubectl import Kubectl

FOLDER = Path(os.environ.get("BOSH_TEST_ARTEFACTS", "build/artefacts"))
OURS = "virtualmachines,stemcells,pods,persistentvolumeclaims,configmaps,services,leases"


def save(test: str, namespaces: list[str]) -> Path:
    """Write what the cluster says of these namespaces into a folder of the test's name; return that folder.

    Secrets are left out on purpose.
    """
    folder = FOLDER / re.sub(r"[^a-zA-Z0-9_.-]+", "-", test)[-120:]
    folder.mkdir(parents=True, exist_ok=True)
    for namespace in namespaces:
        kubectl = Kubectl(namespace=namespace)
        (folder / f"{namespace}-resources.yaml").write_text(kubectl.run("get", OURS, "-o", "yaml", check=False))
        (folder / f"{namespace}-events.txt").write_text(
            kubectl.run("get", "events", "--sort-by=.lastTimestamp", check=False)
        )
        for pod in kubectl.run("get", "pods", "-o", "name", check=False).split():
            name = pod.removeprefix("pod/")
            log = kubectl.run("logs", pod, "--all-containers", "--tail=400", check=False)
            before = kubectl.run("logs", pod, "--all-containers", "--tail=400", "--previous", check=False)
            (folder / f"{namespace}-{name}.log").write_text(f"{before}\n--- this container ---\n{log}")
            mounts = kubectl.exec(name, "cat", "/proc/self/mountinfo", check=False)
            guest = kubectl.exec(name, "/firmware/enter", "cat", "/proc/1/mountinfo", check=False)
            (folder / f"{namespace}-{name}-mounts.txt").write_text(f"{mounts}\n--- the guest's ---\n{guest}")
    for node in Kubectl().list("nodes"):
        name = node["metadata"]["name"]
        words = ["docker", "exec", name, "cat", "/proc/1/mountinfo"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        (folder / f"node-{name}-mounts.txt").write_text(done.stdout + done.stderr)
    (folder / "persistent-volumes.yaml").write_text(Kubectl().run("get", "pv", "-o", "yaml", check=False))
    return folder
