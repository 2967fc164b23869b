"""The storage of the test cluster: the CSI driver of tests/support/csi with Kubernetes' own sidecars.

Volumes are images in the folder `volumes` of the cluster, which every node has mounted. A loop device over one is gone
with the last mount of it, so that nothing is left to detach when the cluster is removed.
"""

import shutil
from pathlib import Path

from . import cache, images, programs, say
from .create import Cluster
from .engine import Engine

ASSETS = Path(__file__).with_name("assets")
SNAPSHOT_KINDS = "github.com/kubernetes-csi/external-snapshotter/client/v8"
NAMESPACE = "csi"


def install(cluster: Cluster) -> None:
    """Kinds of snapshots, driver, classes; returns when the driver is there for every node. Raises CommandError."""
    folder = programs.module_folder("csi", SNAPSHOT_KINDS) / "config/crd"
    kinds = sorted(folder.glob("snapshot.storage.k8s.io_*.yaml"))
    cluster.kubectl("apply", *(f"--filename={file}" for file in kinds))
    cluster.wait("wait", "--for=condition=Established", *(f"--filename={file}" for file in kinds))
    cluster.kubectl("apply", f"--filename={ASSETS / 'storage.yaml'}")
    for workload in ("daemonset/csi-node", "deployment/csi-controller"):
        cluster.wait("rollout", "status", workload, "--namespace", NAMESPACE)


def build_on_official(engine: Engine) -> None:
    """The image of driver and sidecars, on a Debian that is pulled."""
    built = programs.build(list(images.CSI_PROGRAMS))
    with say.step(f"build {images.CSI_IMAGE}"), cache.work_folder() as folder:
        for name, path in built.items():
            shutil.copy(path, folder / name)
        engine.run("build", "--quiet", "--tag", images.CSI_IMAGE, "--file", ASSETS / "csi.Dockerfile", folder)
