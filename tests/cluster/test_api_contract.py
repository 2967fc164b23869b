"""A real API server does what the CPI relies on; the stand-in of the component tests is held to the same tests."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from bosh_kubernetes_cpi.clock import Deadline
from bosh_kubernetes_cpi.connection import connect
from bosh_kubernetes_cpi.transport.api import Api
from tests.support.api_contract import ApiContract
from tests.support.cluster.installation import Installation
from tests.support.cluster.kubectl import Kubectl


@pytest.fixture(scope="module")
def namespace(installation: Installation) -> Iterator[str]:
    """A namespace without operator; the custom resources are those of the installation."""
    kubectl = Kubectl(namespace=f"api-contract-{uuid.uuid4().hex[:6]}")
    kubectl.run("create", "namespace", kubectl.namespace)
    yield kubectl.namespace
    kubectl.delete("namespace", kubectl.namespace, "--wait=false")


class TestRealApi(ApiContract):
    @pytest.fixture
    def api(self, namespace: str) -> Iterator[Api]:
        text = Path(os.environ["KUBECONFIG"]).read_text()
        api, _ = connect({"kubernetes": {"kubeconfig": text}, "namespace": namespace}, Deadline(60))
        yield api
        api.close()
