"""Real CPI processes against the stand-in API server (tests/support/fakeapi) with a stand-in operator."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bosh_kubernetes_api import names, stemcells
from tests.support.connect_proxy import ConnectProxy
from tests.support.cpi_process import Cpi
from tests.support.fakeapi.operator import FakeOperator
from tests.support.fakeapi.server import TOKEN, FakeApi
from tests.support.fakeapi.sidecars import DRIVER, FakeSidecars
from tests.support.fakeapi.storage import FakeStorage

Json = dict[str, Any]

NAMESPACE = "bosh-machines"
HINT = "/warden-cpi-dev/"  # of a disk's path in the guest, before its CID
IMAGE = "registry.example.com/stemcell@sha256:" + "0" * 64
STEMCELL = names.stemcell_cid(IMAGE)

# What must never be seen outside the Secret and the file.
PLANTED = {
    "mbus": "planted-mbus-password",
    "blobstore": "planted-blobstore-password",
    "certificate": "planted-certificate-key",
    "env": "planted-env-value",
    "registry": "planted-registry-password",
}

NETWORKS = {
    "default": {"type": "dynamic", "dns": ["10.96.0.10"], "default": ["dns", "gateway"], "cloud_properties": {}}
}
ENV = {
    "bosh": {
        "mbus": {"cert": {"private_key": f"-----BEGIN KEY-----\n{PLANTED['certificate']}\n-----END KEY-----\n"}},
        "group": "dir-zk-node",
        "password": PLANTED["env"],
    }
}


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi() as server:
        server.store.create("StorageClass", "", storage_class("standard", default=True))
        stemcell = stemcells.build(IMAGE, director="somebody", form=stemcells.LIGHT, pull_secrets=["registry"])
        server.store.create("Stemcell", NAMESPACE, stemcell)
        yield server


@pytest.fixture
def operator(api: FakeApi) -> Iterator[FakeOperator]:
    with FakeOperator(api.store, NAMESPACE) as operator:
        yield operator


@pytest.fixture
def sidecars(api: FakeApi) -> Iterator[FakeSidecars]:
    with FakeSidecars(api.store, NAMESPACE) as sidecars:
        yield sidecars


@pytest.fixture
def storage(api: FakeApi) -> Iterator[FakeStorage]:
    with FakeStorage(api.store, NAMESPACE) as storage:
        yield storage


@pytest.fixture
def settings(api: FakeApi) -> Json:
    """The content of CONFIG.json; change it before the first call."""
    return {
        "kubernetes": {"server": api.url, "ca": api.authority.pem, "token": TOKEN},
        "namespace": NAMESPACE,
        "agent": {
            "mbus": f"https://mbus:{PLANTED['mbus']}@0.0.0.0:6868",
            "ntp": [],
            "blobstore": {"provider": "dav", "options": {"password": PLANTED["blobstore"]}},
        },
        "registry": {"host": "registry.example.com", "username": "cpi", "password": PLANTED["registry"]},
        "timeouts": {"schedule": 1, "pull": 1, "node_loss": 1, "operator": 3},
    }


@pytest.fixture
def new_cpi(tmp_path: Path, settings: Json) -> Callable[..., Cpi]:
    """Makes a caller with a configuration of its own; keyword arguments replace keys of the configuration."""

    def make(director: str = "", *, context: Json | None = None, **changes: Any) -> Cpi:
        path = tmp_path / f"{uuid.uuid4()}.json"
        path.write_text(json.dumps({**settings, **changes}))
        return Cpi(path, director=director or str(uuid.uuid4()), context=context)

    return make


@pytest.fixture
def cpi(new_cpi: Callable[..., Cpi]) -> Cpi:
    return new_cpi()


@pytest.fixture
def create_vm(cpi: Cpi, operator: FakeOperator) -> Callable[..., str]:
    """Makes a machine; its CID."""

    def make(agent: str = "", caller: Cpi = cpi, properties: Json | None = None, disks: Any = ()) -> str:
        result = caller("create_vm", agent or str(uuid.uuid4()), STEMCELL, properties or {}, NETWORKS, disks, ENV)
        return str(result[0])

    return make


@pytest.fixture
def ours(api: FakeApi) -> Callable[[], list[str]]:
    """Every object that CPI calls made and that is still there, as `Kind/name`."""

    def find() -> list[str]:
        kinds = ("VirtualMachine", "ConfigMap", "Secret", "PersistentVolumeClaim", "VolumeSnapshot")
        return [f"{kind}/{value['metadata']['name']}" for kind in kinds for value in api.store.list(kind, NAMESPACE)]

    return find


def storage_class(name: str, *, default: bool = False, **more: Any) -> Json:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": annotations},
        "provisioner": "example.com/none",
        **more,
    }


def snapshot_class(name: str, *, default: bool = False, driver: str = DRIVER) -> Json:
    annotations = {"snapshot.storage.kubernetes.io/is-default-class": "true"} if default else {}
    return {
        "apiVersion": "snapshot.storage.k8s.io/v1",
        "kind": "VolumeSnapshotClass",
        "metadata": {"name": name, "annotations": annotations},
        "driver": driver,
        "deletionPolicy": "Delete",
    }


def attributes_class(name: str) -> Json:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttributesClass",
        "metadata": {"name": name},
        "driverName": DRIVER,
        "parameters": {"iops": "3000"},
    }


@pytest.fixture
def server(api: FakeApi) -> Json:
    """A connection without credentials."""
    return {"server": api.url, "ca": api.authority.pem}


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[..., str]:
    """Writes a plugin of the lines `script`, which may say `$PRINT` to print the file of the text `prints`."""

    def write(script: str = "$PRINT", prints: str = "") -> str:
        path, text = tmp_path / "plugin", tmp_path / "prints"
        text.write_text(prints)
        path.write_text(f"#!/bin/sh\nPRINT='cat {text}'\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return write


@pytest.fixture
def connect_proxy() -> Iterator[ConnectProxy]:
    with ConnectProxy() as proxy:
        yield proxy


@pytest.fixture
def disk(cpi: Cpi) -> str:
    """CID of a disk that no machine has."""
    return str(cpi("create_disk", 1024, {}, "vm-hint"))


def claim(api: FakeApi, cid: str) -> Json:
    """The claim of a disk."""
    found: Json = api.store.get("PersistentVolumeClaim", NAMESPACE, cid)
    return found
