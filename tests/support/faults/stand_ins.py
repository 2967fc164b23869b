"""The world of the component tests: stand-ins for API server, operator, storage and registry."""

import gzip
import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

from bosh_kubernetes_api import names, stemcells
from tests.support.cpi_process import Answer
from tests.support.fakeapi.faults import Fault
from tests.support.fakeapi.operator import FakeOperator
from tests.support.fakeapi.server import TOKEN, FakeApi, Seen
from tests.support.fakeapi.sidecars import DRIVER, FakeSidecars
from tests.support.fakeapi.storage import FakeStorage
from tests.support.faults.world import METADATA, NETWORKS, World
from tests.support.registry.samples import root_file_system
from tests.support.registry.server import PASSWORD, USER, Registry, Traits

Json = dict[str, Any]

NAMESPACE = "bosh-machines"
DIRECTOR = "9b0e9bd1-4e66-4c1c-8c0a-5d1ad1d8c4a1"
IMAGE = "registry.example.com/stemcell@sha256:" + "0" * 64
FINALIZER = {"metadata": {"finalizers": ["kubernetes.io/pvc-protection"]}}
SETTLING = 8  # seconds until what was stored has come true

_OF_A_RUN = ("uid", "resourceVersion", "creationTimestamp", "generation", "lastTransitionTime", "observedGeneration")
_OF_A_CALL = ("reboot", names.DELETING)  # ids and times that every call makes anew: whether there is one counts


class StandIns(World):
    """Operator and storage work while the call watches, and when no call runs: so every wait begins with a watch."""

    stemcell = names.stemcell_cid(IMAGE)
    namespace = NAMESPACE
    changed: ClassVar = {"attributes_class": "fast", "snapshot_class": "usual"}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, DIRECTOR)
        self.api = self.server = FakeApi()
        self.operator = FakeOperator(self.api.store, NAMESPACE)
        self.storage = FakeStorage(self.api.store, NAMESPACE)  # these two only where a scenario has them run
        self.sidecars = FakeSidecars(self.api.store, NAMESPACE)
        self._running: list[object] = []
        self.registry = Registry(Traits(auth="token"))
        self._stack = ExitStack()

    def __enter__(self) -> "StandIns":
        with self._stack as stack:
            stack.enter_context(self.api)
            stack.enter_context(self.operator)
            stack.enter_context(self.registry)
            self._stack = stack.pop_all()
        annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
        storage = {"metadata": {"name": "standard", "annotations": annotations}, "provisioner": "example.com/none"}
        storage["allowVolumeExpansion"] = True
        self.api.store.create(
            "StorageClass", "", {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", **storage}
        )
        stemcell = stemcells.build(IMAGE, director="somebody", form=stemcells.LIGHT, pull_secrets=[])
        self.api.store.create("Stemcell", NAMESPACE, stemcell)
        config = {
            "kubernetes": {"server": self.api.url, "ca": self.api.authority.pem, "token": TOKEN},
            "namespace": NAMESPACE,
            "agent": {"mbus": "nats://127.0.0.1:4222"},
            "registry": {"host": self.registry.host, "username": USER, "password": PASSWORD},
            "timeouts": {"schedule": 5, "pull": 5, "node_loss": 5, "operator": 3},
        }
        self.config.write_text(json.dumps(config))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self._stack.close()

    # ---- what a scenario needs ----

    def begin(self) -> None:
        return

    def machine(self, name: str = "vm-1", agent: str = "agent-1") -> str:
        cid: str = self.arrange("create_vm", agent, self.stemcell, {}, NETWORKS, [], {})[0]
        self.known[cid] = name
        return cid

    def disk(self, name: str = "disk-1", driver: FakeStorage | FakeSidecars | None = None) -> str:
        self.run(driver or self.storage)
        cid: str = self.arrange("create_disk", 1024, {}, None)
        self.known[cid] = name
        store = self.api.store
        store.merge_patch("PersistentVolumeClaim", NAMESPACE, cid, FINALIZER)  # as every claim has it
        with store.changed:
            assert store.changed.wait_for(lambda: "status" in store.get("PersistentVolumeClaim", NAMESPACE, cid), 20)
        return cid

    def with_disk(self) -> tuple[str, str]:
        pair = self.machine(), self.disk()
        self.arrange("attach_disk", *pair)
        self.arrange("attach_disk", pair[0], self.disk("disk-2"))
        return pair

    def disk_with_classes(self) -> str:
        body = {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass", "driver": DRIVER}
        annotations = {"snapshot.storage.kubernetes.io/is-default-class": "true"}
        more = {"metadata": {"name": "usual", "annotations": annotations}, "deletionPolicy": "Delete"}
        self.api.store.create("VolumeSnapshotClass", "", body | more)
        body = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "driverName": DRIVER}
        self.api.store.create(
            "VolumeAttributesClass", "", {**body, "metadata": {"name": "fast"}, "parameters": {"iops": "9"}}
        )
        return self.disk(driver=self.sidecars)

    def growing_disk(self) -> str:
        return self.disk()

    def snapshot(self) -> str:
        cid: str = self.arrange("snapshot_disk", self.disk_with_classes(), METADATA)
        self.known[cid] = "snapshot-1"
        return cid

    def image(self) -> str:
        image = Path(self.folder, "image")
        image.write_bytes(gzip.compress(root_file_system(1 << 16), 1, mtime=0))
        return str(image)

    def mount_late(self) -> None:
        self.operator.mounts = False

    def run(self, stand_in: FakeStorage | FakeSidecars) -> None:
        """From now on it works, until the end."""
        if stand_in not in self._running:
            self._running.append(stand_in)
            self._stack.enter_context(stand_in)

    # ---- while a call runs ----

    def call(self, *arguments: Any, **fault: Any) -> Answer | None:
        try:
            return super().call(*arguments, **fault)
        finally:
            self.operator.mounts = True

    def _asked(self, seen: Seen) -> Fault | None:
        fault = super()._asked(seen)
        if self.calls[-1][0] == "GET virtualmachines":
            self.operator.mounts = True
        return fault

    def quiet(self, quiet: bool) -> None:
        """The operator's work, and the end of claims."""
        store = self.api.store
        with store.changed:
            self.operator.idle = self.storage.idle = self.sidecars.silent = quiet
            for claim in [] if quiet else store.list("PersistentVolumeClaim", NAMESPACE):
                if claim["metadata"].get("deletionTimestamp"):
                    patch = {"metadata": {"finalizers": None}}
                    store.merge_patch("PersistentVolumeClaim", NAMESPACE, claim["metadata"]["name"], patch)
            store.changed.notify_all()

    # ---- what there is ----

    def tell(self) -> list[str]:
        """Every object and image."""
        store = self.api.store
        with store.changed:
            found = [
                value
                for kind in store.kinds
                if kind != "Lease" and store.kinds[kind].namespaced
                for value in store.list(kind, NAMESPACE)
            ]
        images = [f"image {repository}@{digest}" for repository, digest in self.registry.store.manifests]
        return sorted(
            [_told(self.named(json.dumps(value))) for value in found] + [self.named(image) for image in images]
        )

    def rest(self) -> list[str]:
        """What is there once the operator has looked twice and changed nothing."""
        store = self.api.store
        with store.changed:
            while True:
                now = self.tell()
                for _ in range(2):
                    lease = store.find("Lease", NAMESPACE, names.LEASE)
                    store.changed.notify_all()  # so that it looks at once
                    assert store.changed.wait_for(
                        lambda old=lease: store.find("Lease", NAMESPACE, names.LEASE) != old, 10
                    )
                if self.tell() == now:
                    return now

    def settles(self, wanted: Callable[[list[str]], bool]) -> bool:
        with self.api.store.changed:
            return self.api.store.changed.wait_for(lambda: wanted(self.tell()), SETTLING)

    def disks(self) -> dict[str, str]:
        claims = self.api.store.list("PersistentVolumeClaim", NAMESPACE)
        there = [claim["metadata"] for claim in claims if "deletionTimestamp" not in claim["metadata"]]
        return {metadata["name"]: metadata["uid"] for metadata in there}

    def nameless(self) -> set[str]:
        kinds = ("PersistentVolumeClaim", "VolumeSnapshot")
        return {one["metadata"]["name"] for kind in kinds for one in self.api.store.list(kind, NAMESPACE)}

    def named(self, text: str) -> str:
        return super().named(text.replace(self.registry.host, "registry"))


def _told(text: str) -> str:
    return json.dumps(_plain(json.loads(text)), sort_keys=True)


def _plain(value: Any) -> Any:
    """Without ids and times, and lists in one order: they are sorted by CIDs, which differ."""
    if isinstance(value, list):
        return sorted((_plain(item) for item in value), key=str)
    if not isinstance(value, dict):
        return value
    kept = {key: _plain(item) for key, item in value.items() if key not in _OF_A_RUN and item != {}}
    return kept | {key: "some" for key in _OF_A_CALL if value.get(key)}
