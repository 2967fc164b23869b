"""PersistentVolumes that are real block devices: loop devices over sparse files, class `bosh-block`.

Those of class `bosh-block-anywhere` can be mounted on every node, as a network's block device can: all nodes are
containers of one kernel. Nothing keeps two nodes from mounting one at a time, as something would with a real one.
A backing file is `run/<cluster>/volumes/<number>.img`: by that path a loop device is known to be ours.
Nobody provisions: a volume that was used and released is wiped and offered again by `recycle`.
"""

import json
import os
import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import restart, say
from .create import Cluster
from .engine import Engine
from .engine import folder as engine_folder
from .errors import ClusterError
from .run import run

CLASS = "bosh-block"
ANYWHERE = "bosh-block-anywhere"
FREE = 30  # seconds
MIB = 1 << 20


@dataclass(frozen=True)
class Volume:
    """One volume: its number in the cluster, loop device, size (MiB), class and the nodes that may mount it."""

    number: int
    device: str
    size: int
    storage_class: str
    nodes: tuple[str, ...]

    def manifest(self, cluster: str) -> dict[str, object]:
        """The PersistentVolume."""
        expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": list(self.nodes)}
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"{cluster}-block-{self.number}"},
            "spec": {
                "capacity": {"storage": f"{self.size}Mi"},
                "accessModes": ["ReadWriteOnce"],
                "volumeMode": "Filesystem",
                "storageClassName": self.storage_class,
                "persistentVolumeReclaimPolicy": "Retain",
                "local": {"path": self.device, "fsType": "ext4"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}},
            },
        }


def ensure(engine: Engine, cluster: Cluster, count: int, sizes: list[int], storage_class: str) -> list[Volume]:
    """Make volumes until `count` of the class are Available, of the sizes (MiB) in turn; returns the new ones."""
    listed = [volume for volume in _listed(cluster) if volume["spec"]["storageClassName"] == storage_class]
    missing = lacking(listed, count, sizes)
    return _add(engine, cluster, missing, storage_class) if missing else []


def lacking(volumes: list[dict[str, Any]], count: int, sizes: list[int]) -> list[int]:
    """Sizes (MiB) to make, so that beside the Available volumes there are `count` of the given sizes in turn."""
    wanted = Counter(sizes[index % len(sizes)] for index in range(count))
    wanted -= Counter(_size(volume) for volume in volumes if volume["status"]["phase"] == "Available")
    return sorted(wanted.elements())


def _add(engine: Engine, cluster: Cluster, sizes: list[int], storage_class: str) -> list[Volume]:
    """Make a volume of each size, spread over the nodes that take Pods, or for all of these."""
    nodes = _workers(cluster)
    first = 1 + max((int(file.stem) for file in _folder(cluster).glob("*.img")), default=0)
    made = []
    with say.step(f"{len(sizes)} block devices"):
        try:
            for index, size in enumerate(sizes):
                number = first + index
                places = nodes if storage_class == ANYWHERE else [nodes[number % len(nodes)]]
                device = _attach(cluster, number, size)
                made.append(Volume(number, device, size, storage_class, tuple(places)))
            for node in cluster.nodes():
                restart.restore_devices(engine, node)
            _offer(cluster, made)
        except BaseException:  # also an interruption: nothing half-made stays
            for volume in made:
                run(["losetup", "--detach", volume.device])
                _file(cluster, volume.number).unlink()
            raise
    return made


def recycle(cluster: Cluster) -> list[str]:
    """Wipe every Released volume and offer it again; returns their names.

    Raises ClusterError if one is still in use after FREE seconds: its Pod may just be ending.
    """
    released = [volume for volume in _listed(cluster) if volume["status"]["phase"] in ("Released", "Failed")]
    for volume in released:
        name, spec = volume["metadata"]["name"], volume["spec"]
        device = spec["local"]["path"]
        _wipe(name, device)
        cluster.kubectl("delete", "persistentvolume", name, "--timeout=30s")
        expression = spec["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]
        number, places = int(name.rpartition("-")[2]), tuple(expression["values"])
        _offer(cluster, [Volume(number, device, _size(volume), spec["storageClassName"], places)])
    return [volume["metadata"]["name"] for volume in released]


def detach_all(cluster: Cluster) -> None:
    """Detach this cluster's loop devices, and those whose backing file went away with a node of our engine."""
    ours, dead = f"{_folder(cluster)}/", f"{engine_folder()}/data/volumes/"
    for device, file in _loops().items():
        if file.startswith(ours) or (file.startswith(dead) and file.endswith("(deleted)")):
            run(["losetup", "--detach", device])


def _listed(cluster: Cluster) -> list[dict[str, Any]]:
    """The PersistentVolumes of our classes."""
    volumes = json.loads(cluster.kubectl("get", "persistentvolumes", "-o", "json"))["items"]
    return [volume for volume in volumes if volume["spec"].get("storageClassName") in (CLASS, ANYWHERE)]


def _size(volume: dict[str, Any]) -> int:
    """MiB, as the API server writes it: 256Mi, 1Gi."""
    text: str = volume["spec"]["capacity"]["storage"]
    return int(text[:-2]) * {"Mi": 1, "Gi": 1024}[text[-2:]]


def _folder(cluster: Cluster) -> Path:
    return cluster.folder / "volumes"


def _file(cluster: Cluster, number: int) -> Path:
    return _folder(cluster) / f"{number}.img"


def _workers(cluster: Cluster) -> list[str]:
    """Nodes that take Pods: without a NoSchedule taint."""
    nodes = json.loads(cluster.kubectl("get", "nodes", "-o", "json"))["items"]
    names = [
        node["metadata"]["name"]
        for node in nodes
        if not any(taint["effect"] == "NoSchedule" for taint in node["spec"].get("taints", []))
    ]
    if not names:
        raise ClusterError(f"no node of {cluster.name} takes Pods")
    return names


def _attach(cluster: Cluster, number: int, size: int) -> str:
    file = _file(cluster, number)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        stream.truncate(size * MIB)
    return run(["losetup", "--find", "--show", file]).strip()


def _offer(cluster: Cluster, volumes: list[Volume]) -> None:
    items = [volume.manifest(cluster.name) for volume in volumes]
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


def _wipe(name: str, device: str) -> None:
    """Empty a device that nobody holds: an exclusive open is the proof (a mount table is none)."""
    deadline = time.monotonic() + FREE
    while True:
        try:
            os.close(os.open(device, os.O_RDWR | os.O_EXCL))
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"{name} is Released and {device} is still in use ({error.strerror}): who has it mounted?"
                ) from error
        time.sleep(0.2)
    run(["blkdiscard", "--force", device])


def _loops() -> dict[str, str]:
    """Loop device -> backing file, for every loop device in use."""
    found = {}
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            backing = file.read_text().strip()
        except OSError:
            continue  # detached between listing and reading
        if re.fullmatch(r"loop\d+", file.parts[3]):
            found[f"/dev/{file.parts[3]}"] = backing
    return found
