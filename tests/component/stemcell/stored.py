"""What the tests of create_stemcell and delete_stemcell say and look at."""

from __future__ import annotations

from typing import Any

from tests.component.conftest import NAMESPACE

PROPERTIES = {"name": "bosh-test-noble", "version": "1.5", "os_distro": "ubuntu", "architecture": "x86_64"}


def spec(api: Any, cid: str) -> Any:
    return api.store.get("Stemcell", NAMESPACE, cid)["spec"]


def there(api: Any, cid: str) -> bool:
    return cid in [item["metadata"]["name"] for item in api.store.list("Stemcell", NAMESPACE)]
