"""The stand-in API server does what the CPI relies on in a real one (tests/cluster/test_api_contract.py)."""

from collections.abc import Iterator

import pytest

from bosh_kubernetes_cpi.clock import Deadline
from bosh_kubernetes_cpi.connection import connect
from bosh_kubernetes_cpi.transport.api import Api
from tests.component.conftest import NAMESPACE
from tests.support.api_contract import ApiContract
from tests.support.fakeapi.server import TOKEN, FakeApi


class TestFakeApi(ApiContract):
    @pytest.fixture
    def api(self) -> Iterator[Api]:
        with FakeApi() as server:
            for verbs in server.rights.values():
                verbs |= {"get", "list", "watch", "create", "patch", "delete"}
            block = {"server": server.url, "ca": server.authority.pem, "token": TOKEN}
            api, _ = connect({"kubernetes": block, "namespace": NAMESPACE}, Deadline(30))
            yield api
            api.close()

    @pytest.fixture
    def namespace(self) -> str:
        return NAMESPACE
