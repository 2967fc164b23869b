"""The stand-in API server does what the CPI relies on in a real one (tests/cluster/test_api_contract.py)."""

from collections.abc import Iterator

import pytest

from bosh_kubernetes_api.claims import claim
from bosh_kubernetes_cpi.transport.api import Api
from tests.component.conftest import NAMESPACE, storage_class
from tests.support.api_contract import ApiContract
from tests.support.fakeapi.client import unrestricted
from tests.support.fakeapi.errors import Refusal
from tests.support.fakeapi.kinds import all_kinds
from tests.support.fakeapi.server import FakeApi
from tests.support.fakeapi.store import Store


class TestFakeApi(ApiContract):
    @pytest.fixture
    def api(self) -> Iterator[Api]:
        with FakeApi() as server, unrestricted(server, NAMESPACE, server.url, server.authority.pem) as api:
            yield api

    @pytest.fixture
    def namespace(self) -> str:
        return NAMESPACE


@pytest.mark.parametrize(
    ("phase", "change", "refused"),
    [
        ("Bound", {"resources": {"requests": {"storage": "8Mi"}}}, 0),
        ("Bound", {"resources": {"requests": {"storage": "6Mi"}}}, 422),  # than status.capacity
        ("Bound", {"resources": {"requests": {"storage": "7Mi"}}}, 0),  # a growth that failed, asked for less
        ("Bound", {"volumeName": "other"}, 422),
        ("Pending", {"resources": {"requests": {"storage": "9Mi"}}}, 422),
    ],
)
def test_claims_change_as_the_real_server_lets_them(phase, change, refused) -> None:
    """By its validation and admission: a volume that is bound for certain is not to be had in both."""
    store = Store(all_kinds())
    store.create("StorageClass", "", storage_class("grows", default=True, allowVolumeExpansion=True))
    cid = store.create("PersistentVolumeClaim", NAMESPACE, claim("disk-1", director="d", size=6))["metadata"]["name"]
    status = {"status": {"phase": phase, "capacity": {"storage": "6Mi"}}}
    store.merge_patch("PersistentVolumeClaim", NAMESPACE, cid, {"spec": {"volumeName": "pv"}})
    store.merge_patch("PersistentVolumeClaim", NAMESPACE, cid, status, status=True)
    if phase == "Bound":
        grown = {"spec": {"resources": {"requests": {"storage": "7500Ki"}}}}
        store.merge_patch("PersistentVolumeClaim", NAMESPACE, cid, grown)
    if refused:
        with pytest.raises(Refusal) as failure:
            store.merge_patch("PersistentVolumeClaim", NAMESPACE, cid, {"spec": change})
        assert failure.value.code == refused
    else:
        store.merge_patch("PersistentVolumeClaim", NAMESPACE, cid, {"spec": change})


@pytest.mark.parametrize("name", ["grows", "fixed"])
def test_only_claims_of_a_class_that_grows_do(name) -> None:
    store = Store(all_kinds())
    store.create("StorageClass", "", storage_class("fixed"))
    body = claim("disk-1", director="d", size=6, storage_class=name)
    store.create("PersistentVolumeClaim", NAMESPACE, body)
    store.merge_patch("PersistentVolumeClaim", NAMESPACE, "disk-1", {"status": {"phase": "Bound"}}, status=True)
    with pytest.raises(Refusal, match="must support resize") as failure:
        store.merge_patch(
            "PersistentVolumeClaim", NAMESPACE, "disk-1", {"spec": {"resources": {"requests": {"storage": "7Mi"}}}}
        )
    assert failure.value.code == 403
