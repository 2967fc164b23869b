"""Create, look at and delete clusters of kind. Each has a folder `run/<name>` in the cache with its own kubeconfig."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import archive, cache, images, machine, node_image, programs, say
from .engine import Engine
from .errors import ClusterError, CommandError
from .run import run
from .versions import OFFICIAL_NODE_IMAGE

ASSETS = Path(__file__).with_name("assets")
PULL_SECONDS = 900
READY = "180s"
VOLUMES = "/var/lib/bosh-csi"  # on every node: the folder of the CSI driver (assets/storage.yaml)

# Where the tests' images can be pulled they are official ones under the names that we would give to our own.
OFFICIAL_TEST_IMAGES = {
    images.TEST_IMAGE: "busybox:1.37",
    images.REGISTRY_IMAGE: "registry:3.0.0",
    images.PYTHON_IMAGE: "python:3.11-slim-bookworm",
}
# A node has room for several machines only when each asks for little, a tenth of a core; held to that a boot would take
# ten times as long.
_NO_QUOTA = """kind: KubeletConfiguration
apiVersion: kubelet.config.k8s.io/v1beta1
cpuCFSQuota: false
"""
_CGROUP_V1 = """kind: KubeletConfiguration
apiVersion: kubelet.config.k8s.io/v1beta1
failCgroupV1: false
"""
# Three nodes are there for losing one: that shows after 15 s (not 50), and after 5 s more (not 300) the node's Pods are
# evicted, but for those that say otherwise.
_LEASE = """kind: KubeletConfiguration
apiVersion: kubelet.config.k8s.io/v1beta1
nodeLeaseDurationSeconds: 12
"""
_CONTROL_PLANE = {
    "controllerManager": {"node-monitor-grace-period": "15s", "node-monitor-period": "2s"},
    "apiServer": {"default-unreachable-toleration-seconds": "5", "default-not-ready-toleration-seconds": "5"},
}


@dataclass(frozen=True)
class Cluster:
    """A cluster by name; it need not exist."""

    name: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", self.name):
            raise ClusterError(f"{self.name!r} is no name for a cluster: use a-z, 0-9 and -, at most 32 characters")

    @property
    def folder(self) -> Path:
        """What belongs to this cluster and goes with it."""
        return cache.root() / "run" / self.name

    @property
    def volumes(self) -> Path:
        """The folder of the CSI driver: volumes and snapshots, as on the nodes."""
        return self.folder / "volumes"

    @property
    def whole(self) -> Path:
        """A file that is there once nothing is left to be done for the cluster."""
        return self.folder / "whole"

    @property
    def kubeconfig(self) -> Path:
        """A file of its own: the user's ~/.kube/config is never touched."""
        return self.folder / "kubeconfig"

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl on this cluster. Raises CommandError."""
        kubectl = programs.link_folder() / "kubectl"
        return run([kubectl, "--kubeconfig", self.kubeconfig, "--request-timeout=10s", *arguments], stdin=stdin)

    def wait(self, *arguments: str) -> None:
        """Run a command of kubectl that waits, at most for two minutes. Raises CommandError."""
        run([programs.link_folder() / "kubectl", "--kubeconfig", self.kubeconfig, *arguments, "--timeout=120s"])

    def nodes(self) -> dict[str, bool]:
        """Node name -> Ready. Raises CommandError when the API server does not answer."""
        listed = json.loads(self.kubectl("get", "nodes", "-o", "json"))["items"]
        return {node["metadata"]["name"]: _ready(node) for node in listed}


def _ready(node: dict[str, dict[str, list[dict[str, str]]]]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"].get("conditions", []))


def kind_config(name: str, nodes: int, cgroup: int, volumes: Path) -> dict[str, object]:
    """kind's configuration: one control plane, the other nodes workers; the folder of the volumes is on all of them."""
    mounts = [{"hostPath": str(volumes), "containerPath": VOLUMES}]
    roles = ["control-plane", *(["worker"] * (nodes - 1))]
    config: dict[str, object] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": name,
        "nodes": [{"role": role, "extraMounts": mounts} for role in roles],
    }
    patches = ((_NO_QUOTA, True), (_CGROUP_V1, cgroup == 1), (_LEASE, nodes > 1))
    config["kubeadmConfigPatches"] = [patch for patch, wanted in patches if wanted]
    if nodes > 1:
        # Added to kind's own arguments; a merge patch would replace them.
        added = [
            {"op": "add", "path": f"/{part}/extraArgs/-", "value": {"name": name, "value": value}}
            for part, arguments in _CONTROL_PLANE.items()
            for name, value in arguments.items()
        ]
        of = {"group": "kubeadm.k8s.io", "version": "v1beta4", "kind": "ClusterConfiguration"}
        config["kubeadmConfigPatchesJSON6902"] = [{**of, "patch": json.dumps(added)}]
    return config


def state(cluster: Cluster, nodes: int) -> str:
    """ "" when the cluster is up with so many Ready nodes, else what is wrong with it."""
    if not cluster.kubeconfig.exists():
        return "does not exist"
    if not cluster.whole.exists():
        return "was not finished"
    try:
        found = cluster.nodes()
    except CommandError as error:
        return f"does not answer: {str(error).splitlines()[-1]}"
    if len(found) != nodes:
        return f"has {len(found)} nodes, not {nodes}"
    lost = [name for name, ready in found.items() if not ready]
    return f"nodes not Ready: {', '.join(lost)}" if lost else ""


def prepare(engine: Engine) -> tuple[str, dict[str, Path]]:
    """The node image to use, and archives of images to load: pulled where possible, else built, and that is said."""
    why = _why_not_official(engine)
    if not why:
        for ours, official in OFFICIAL_TEST_IMAGES.items():
            if not engine.image_id(ours):
                engine.run("pull", official, timeout=PULL_SECONDS)
                engine.run("tag", official, ours)
        return OFFICIAL_NODE_IMAGE, {}
    say.line(
        f"the official node image cannot be used ({why}): node and images are built from Go modules and Debian packages"
    )
    name = node_image.ensure(engine)
    archives = images.make(images.TEST_IMAGES)
    _load_into_engine(engine, archives[images.PYTHON_IMAGE])
    return name, archives


def _load_into_engine(engine: Engine, file: Path) -> None:
    name, expected = archive.name_and_id(file)
    if engine.image_id(name) != expected:
        with say.step(f"load {name} into the engine"):
            engine.run("load", "-i", file)


def _why_not_official(engine: Engine) -> str:
    if not machine.has_sys_resource():
        return "this machine has no CAP_SYS_RESOURCE"
    if engine.image_id(OFFICIAL_NODE_IMAGE):
        return ""
    if engine.image_id(node_image.tag()):
        return "pulling it failed before, and a built one is there"
    try:
        with say.step(f"pull {OFFICIAL_NODE_IMAGE.partition('@')[0]}"):
            engine.run("pull", OFFICIAL_NODE_IMAGE, timeout=PULL_SECONDS)
    except CommandError as error:
        return f"pulling failed: {str(error).splitlines()[-1]}"
    return ""


def create(engine: Engine, cluster: Cluster, nodes: int, image: str, kind: Path) -> None:
    """Make the cluster. On failure its logs are kept and named, and the rest is removed. Raises ClusterError."""
    cluster.volumes.mkdir(parents=True, exist_ok=True)
    config = cluster.folder / "kind.json"
    config.write_text(json.dumps(kind_config(cluster.name, nodes, machine.cgroup_version(), cluster.volumes), indent=1))
    command = ["create", "cluster", "--name", cluster.name, "--config", str(config), "--image", image]
    target = ["--kubeconfig", str(cluster.kubeconfig)]
    with say.step(f"kind create cluster {cluster.name}, {nodes} node{'s' if nodes > 1 else ''}"):
        try:
            run([kind, *command, *target, "--wait", READY, "--retain"], env=engine.env)
        except CommandError as error:
            logs = cache.root() / "artefacts" / f"{cluster.name}-create"
            shutil.rmtree(logs, ignore_errors=True)
            run([kind, "export", "logs", logs, "--name", cluster.name], env=engine.env)
            run([kind, "delete", "cluster", "--name", cluster.name, *target], env=engine.env)
            raise ClusterError(f"{error}\nThe nodes' logs are in {logs}") from error
    cluster.wait("wait", "--for=create", "serviceaccount/default")  # Pods are refused until the namespace has it


def load(engine: Engine, cluster: Cluster, image: str, kind: Path) -> None:
    """Load an image into every node: an archive's path, or the name of an image in the engine."""
    source = ["image-archive", image] if Path(image).is_file() else ["docker-image", image]
    run([kind, "load", *source, "--name", cluster.name], env=engine.env)


def delete(engine: Engine, cluster: Cluster, kind: Path) -> None:
    """Remove the cluster's nodes and files; nothing to do when there is none."""
    run([kind, "delete", "cluster", "--name", cluster.name, "--kubeconfig", cluster.kubeconfig], env=engine.env)
    shutil.rmtree(cluster.folder, ignore_errors=True)


def existing(engine: Engine, kind: Path | None) -> list[str]:
    """Names of the clusters that kind knows in this engine and that are ours (they have a folder in the cache)."""
    if kind is None:
        return []
    known = run([kind, "get", "clusters"], env=engine.env).split()
    return [name for name in known if (cache.root() / "run" / name).is_dir()]


def tools() -> dict[str, Path]:
    """kind, kubectl and helm, linked into the folder for the PATH."""
    found = programs.tools(["kind", "kubectl", "helm"])
    programs.link(found)
    return found
