"""A cluster for doctor in which nothing is amiss, one for orphans, and a person who may do everything."""

import uuid
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.component.conftest import NAMESPACE, STEMCELL, snapshot_class, storage_class
from tests.component.tool.doctor import DRIVER, label
from tests.component.tool.orphans import MINE, switch_off
from tests.support.fakeapi.kubelet import FakeKubelet
from tests.support.fakeapi.server import PERSON, FakeApi
from tests.support.registry.server import PASSWORD, USER, Registry, Traits


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry(Traits(auth="basic")) as server:
        yield server


@pytest.fixture
def kubelet(api, registry) -> Iterator[FakeKubelet]:
    with FakeKubelet(api.store, NAMESPACE, registry.store) as kubelet:
        yield kubelet


@pytest.fixture
def healthy(api: FakeApi, operator, registry, settings) -> None:
    """A cluster in which nothing is amiss."""
    settings["registry"] = {"host": registry.host, "username": USER, "password": PASSWORD, "pull_secrets": ["registry"]}
    api.store.delete("StorageClass", "", "standard")
    api.store.create("StorageClass", "", storage_class("standard", default=True, allowVolumeExpansion=True))
    api.store.create("VolumeSnapshotClass", "", snapshot_class("snapshots", default=True, driver=DRIVER))
    label(api, "privileged")
    api.rights["", "namespaces"] = {"get"}


@pytest.fixture
def kubeconfig(api, tmp_path) -> Path:
    """A person's, who may do everything."""
    cluster = {"server": api.url, "certificate-authority-data": b64encode(api.authority.pem.encode()).decode()}
    content = {
        "current-context": "me",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": PERSON}}],
        "contexts": [{"name": "me", "context": {"cluster": "c", "user": "u"}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def directors(api: FakeApi) -> None:
    """Of several, MINE is left and owns the stemcell. Snapshots may be listed, as by a person."""
    api.rights["snapshot.storage.k8s.io", "volumesnapshots"].add("list")
    api.store.merge_patch("Stemcell", NAMESPACE, STEMCELL, {"spec": {"users": [{"director": MINE}]}})


@pytest.fixture
def mine(new_cpi):
    return new_cpi(MINE)


@pytest.fixture
def stopped(api, operator, new_cpi, create_vm) -> tuple[str, str]:
    """A machine of a Director that is gone, switched off, and a disk of it that no machine has."""
    gone = new_cpi()
    agent = str(uuid.uuid4())
    machine = create_vm(agent, gone)
    switch_off(api, operator, machine, agent)
    return machine, str(gone("create_disk", 64, {}, None))
