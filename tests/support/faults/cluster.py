"""The world of the cluster tests: a real API server behind the proxy, a real operator, machines that run.

Machines and disks are lent again where a call leaves them as they were. What an earlier arrangement has left is not
told. Requests to the chart's registry pass through the API server, too, and are left alone: they are the registry's
(tests/component/stemcell).
"""

import gzip
import json
import os
import random
import uuid
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from bosh_kubernetes_api import names, paths
from bosh_kubernetes_api.claims import asked_size
from bosh_kubernetes_api.machine import wanted_disks
from bosh_kubernetes_api.quantities import MIB
from bosh_kubernetes_cpi.clock import Deadline
from bosh_kubernetes_cpi.connection import connect
from tests.support.cluster.installation import Installation
from tests.support.cluster.wait import eventually, together
from tests.support.fakeapi.server import Seen
from tests.support.faults.proxy import Proxy
from tests.support.faults.world import CID, METADATA, NETWORKS, STEMCELL_CID, World
from tests.support.registry.samples import root_file_system

Json = dict[str, Any]

KINDS = ("configmaps", "secrets", "services", "pods", "persistentvolumeclaims")
ROOT = {"root_disk": {"storage_class": "standard"}}
SIZE = 64  # MiB of a disk
DRIVER = "loop.csi.bosh.test"
CLASSES = {"storage_class": "bosh-block", "snapshot_class": "bosh-block"}
SETTLING = 60  # seconds until what was stored has come true
LOOKS = 3  # that are alike in a row before nothing changes any more
CLEANUP = "cleanup"  # role of a Pod that ends by itself


class Cluster(World):
    limit = 120.0
    answer = 3.0

    def __init__(self, folder: Path, proxy: Proxy, installation: Installation, stemcell: str) -> None:
        super().__init__(folder, director=str(uuid.uuid4()))
        self.server, self.stemcell, self.namespace = proxy, stemcell, installation.machines.namespace
        config = installation.config()
        config["kubernetes"] |= {"server": proxy.url, "ca": proxy.authority.pem}
        self.config.write_text(json.dumps(config))
        kubeconfig = Path(os.environ["KUBECONFIG"]).read_text()
        self._api, _ = connect({"kubernetes": {"kubeconfig": kubeconfig}, "namespace": self.namespace}, Deadline(60))
        self._ours = names.selector(director=self.context["director_uuid"])
        self._earlier: set[str] = set()  # CIDs of what was there when the arrangement began
        self._lent: dict[str, str] = {}  # what it is for -> CID
        self._spent: list[str] = []  # CIDs of disks that serve one arrangement
        self._attributes = paths.item(paths.attributes_classes(), f"faults-{uuid.uuid4().hex[:8]}")
        self.changed = {**CLASSES, "attributes_class": self._attributes.rpartition("/")[2]}

    def __enter__(self) -> "Cluster":
        body = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "driverName": DRIVER}
        body |= {"metadata": {"name": self.changed["attributes_class"]}, "parameters": {"label": "fast"}}
        self._api.create(paths.attributes_classes(), body)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Everything of this Director goes."""
        machines = self._list(paths.machines, self._ours)
        together(*(partial(self.arrange, "delete_vm", _name(one)) for one in machines))
        self._delete(self.nameless())
        self._api.delete(self._attributes)
        for stemcell in self._list(paths.stemcells):
            if self.context["director_uuid"] in [user["director"] for user in stemcell["spec"]["users"]]:
                self.arrange("delete_stemcell", _name(stemcell))
        self._api.close()

    # ---- what a scenario needs ----

    def begin(self) -> None:
        self._delete({*self._spent, *(cid for cid in self.nameless() if cid.startswith("snapshot-"))})
        self._spent = []
        self._earlier = {cid for one in self._all() for cid in _cids(_name(one))}
        self.known = {}

    def machine(self, name: str = "vm-1", agent: str = "agent-1") -> str:
        """The shared one has two disks."""
        if name == "vm-1":
            return self.with_disk()[0]
        selector = names.selector(director=self.context["director_uuid"], agent=agent)
        left = [_name(one) for one in self._list(paths.machines, selector)]
        cid: str = left[0] if left else self._new_machine(agent, ROOT)
        self.known[cid] = name
        return cid

    def disk(self, name: str = "disk-1") -> str:
        cid = self._disk(f"{name}, free")
        self.known[cid] = name
        return cid

    def with_disk(self) -> tuple[str, str]:
        cid = self._lent.get("machine", "")
        if not cid or not self.arrange("has_vm", cid):
            cid = self._lent["machine"] = self._new_machine("agent-1", {})
        disks = [self._disk("first"), self._disk("second")]
        for other in set(self.arrange("get_disks", cid)) - set(disks):
            self.arrange("detach_disk", cid, other)
        for disk in disks:
            self.arrange("attach_disk", cid, disk)
        self.arrange("set_vm_metadata", cid, {})
        self.known |= {cid: "vm-1", disks[0]: "disk-1", disks[1]: "disk-2"}
        return cid, disks[0]

    def disk_with_classes(self) -> str:
        """It has had a machine: there is no volume before."""
        machine, _ = self.with_disk()
        disk: str = self.arrange("create_disk", SIZE, CLASSES, None)
        self._spent.append(disk)
        self.arrange("attach_disk", machine, disk)
        self.arrange("detach_disk", machine, disk)
        self.known[disk] = "disk-3"
        return disk

    def growing_disk(self) -> str:
        return self.disk_with_classes()

    def snapshot(self) -> str:
        cid: str = self.arrange("snapshot_disk", self.disk_with_classes(), METADATA)
        self.known[cid] = "snapshot-1"
        return cid

    def image(self) -> str:
        image = Path(self.folder, "image")
        size = (1 << 16) + 2 * random.SystemRandom().randrange(1 << 15)  # which decides of the content
        image.write_bytes(gzip.compress(root_file_system(size), 1, mtime=0))
        return str(image)

    def mount_late(self) -> None:
        return

    def _delete(self, cids: Iterable[str]) -> None:
        """Disks and snapshots."""
        together(*(partial(self.arrange, f"delete_{cid.partition('-')[0]}", cid) for cid in cids))

    def _new_machine(self, agent: str, properties: Json) -> str:
        cid: str = self.arrange("create_vm", agent, self.stemcell, properties, NETWORKS, [], {})[0]
        return cid

    def _disk(self, what: str) -> str:
        cid = self._lent.get(what, "")
        if cid not in [_name(one) for one in self._list(paths.claims) if asked_size(one) == SIZE * MIB]:
            cid = self._lent[what] = self.arrange("create_disk", SIZE, {}, None)
        self.arrange("set_disk_metadata", cid, {})
        return cid

    # ---- while a call runs ----

    def quiet(self, quiet: bool) -> None:
        """It never is."""

    def counts(self, seen: Seen) -> bool:
        return "/proxy/" not in seen.path

    # ---- what there is ----

    def tell(self) -> list[str]:
        """Machines, Stemcells and disks by what the Director knows of them, all else by its name."""
        told = []
        for one in self._all():
            here = _cids(_name(one)) - (self._earlier - set(self.known))
            if here and not self._of_others(one):
                told.append(self.named(json.dumps([_name(one), *_what(one)], sort_keys=True)))
        return sorted(told)

    def _of_others(self, one: Json) -> bool:
        """Also what ends by itself."""
        users = [user["director"] for user in one.get("spec", {}).get("users", [])]
        cleans_up = one["metadata"].get("labels", {}).get(names.ROLE) == CLEANUP
        return cleans_up or (bool(users) and self.context["director_uuid"] not in users)

    def rest(self) -> list[str]:
        looks = [self.tell()]

        def same() -> bool:
            looks.append(self.tell())
            return len(looks) >= LOOKS and all(look == looks[-1] for look in looks[-LOOKS:])

        eventually(same, within=SETTLING, what="nothing changes any more", every=0.15)
        return looks[-1]

    def settles(self, wanted: Callable[[list[str]], bool]) -> bool:
        try:
            return eventually(lambda: wanted(self.tell()), within=SETTLING, what="it comes true")
        except AssertionError:
            return False

    def disks(self) -> dict[str, str]:
        claims = [one["metadata"] for one in self._list(paths.claims, self._ours) if _is_disk(one)]
        there = [metadata for metadata in claims if "deletionTimestamp" not in metadata]
        return {metadata["name"]: metadata["uid"] for metadata in there}

    def nameless(self) -> set[str]:
        found = self._list(paths.claims, self._ours) + self._list(paths.snapshots, self._ours)
        return {_name(one) for one in found if _is_disk(one) or _is_snapshot(one)}

    def _all(self) -> list[Json]:
        found = self._list(paths.machines) + self._list(paths.stemcells) + self._list(paths.snapshots)
        for plural in KINDS:
            found += self._list(lambda namespace, plural=plural: f"/api/v1/namespaces/{namespace}/{plural}")
        return found

    def _list(self, collection: Callable[[str], str], selector: str = "") -> list[Json]:
        self._api.deadline = Deadline(60)
        path = collection(self.namespace)
        items: list[Json] = self._api.get(paths.query(path, labelSelector=selector) if selector else path)["items"]
        return items


def _name(one: Json) -> str:
    name: str = one["metadata"]["name"]
    return name


def _is_disk(one: Json) -> bool:
    return _name(one).startswith("disk-")


def _is_snapshot(one: Json) -> bool:
    return _name(one).startswith("snapshot-")


def _cids(name: str) -> set[str]:
    return {found[0] for pattern in (CID, STEMCELL_CID) for found in pattern.finditer(name)}


def _what(one: Json) -> list[Any]:
    """Besides its name."""
    metadata, spec, status = one["metadata"], one.get("spec", {}), one.get("status", {})
    told: list[Any] = [metadata.get("annotations", {}).get(names.METADATA)]
    told += ["going"] if "deletionTimestamp" in metadata or names.DELETING in metadata.get("annotations", {}) else []
    if "machine" in spec:
        phases = sorted([disk["cid"], disk["phase"]] for disk in status.get("disks", []))
        told += [sorted(wanted_disks(one)), phases, status.get("printableStatus")]
    if _is_disk(one) and "resources" in spec:
        told += [spec["resources"]["requests"], spec.get("volumeAttributesClassName")]
        told.append(metadata.get("annotations", {}).get(names.SNAPSHOT_CLASS))
    if _is_snapshot(one):
        told.append(status.get("readyToUse"))
    if "users" in spec:
        told.append(sorted(user["director"] for user in spec["users"]))
    return told
