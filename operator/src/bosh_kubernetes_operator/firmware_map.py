"""The firmware ConfigMap: immutable and named by its content: an operator upgrade changes no running machine."""

from __future__ import annotations

import contextlib
import hashlib
import json
from functools import cache
from importlib.resources import files

from bosh_kubernetes_api import names

from .cluster import Cluster, Object
from .errors import ConflictError


@cache
def scripts() -> dict[str, str]:
    """File name to content: every file without a suffix in the package's folder `firmware`."""
    folder = files(__package__) / "firmware"
    return {f.name: f.read_text(encoding="utf-8") for f in folder.iterdir() if f.is_file() and "." not in f.name}


def config_map(content: dict[str, str]) -> Object:
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"firmware-{digest}", "labels": names.labels(names.ROLE_FIRMWARE)},
        "immutable": True,
        "data": content,
    }


async def ensure(cluster: Cluster) -> str:
    """The name of the firmware ConfigMap; makes it when it is not there."""
    body = config_map(scripts())
    name: str = body["metadata"]["name"]
    if await cluster.get("ConfigMap", name) is None:
        with contextlib.suppress(ConflictError):
            await cluster.create("ConfigMap", body)
    return name
