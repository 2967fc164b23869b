"""The firmware ConfigMap: immutable and named by its content: an operator upgrade changes no running machine.

So old ones are needed as long as a Pod has them; what no Pod has any more is swept when an operator starts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

from bosh_kubernetes_api import names

from .cluster import Cluster, Object
from .errors import ClusterError, ConflictError

log = logging.getLogger(__name__)

# A younger one may be that of a Pod that is just being made, by an operator that holds the Lease no more.
KEPT = timedelta(hours=1)


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


async def sweep(cluster: Cluster, now: datetime) -> None:
    """Removes what no Pod has any more. To be called by the holder of the Lease; a failure is only logged."""
    try:
        maps = await cluster.list("ConfigMap", names.selector(role=names.ROLE_FIRMWARE))
        pods = await cluster.list("Pod")  # after the maps, and all of them: none that has one may be missed
        for old in unused(maps, pods, now):
            name = old["metadata"]["name"]
            await cluster.delete("ConfigMap", name, old["metadata"]["uid"])
            log.info("removed %s, which no Pod has any more", name)
    except ClusterError as error:
        log.warning("old firmware is left until the next start: %s", error)


def unused(maps: list[Object], pods: list[Object], now: datetime) -> list[Object]:
    """Those of the firmware ConfigMaps `maps` that are not current, not young and in none of the Pods."""
    volumes = [volume for pod in pods for volume in pod["spec"].get("volumes") or ()]
    needed = {volume["configMap"]["name"] for volume in volumes if "configMap" in volume}
    needed.add(config_map(scripts())["metadata"]["name"])

    def old(thing: Object) -> bool:
        made = datetime.fromisoformat(thing["metadata"]["creationTimestamp"].replace("Z", "+00:00"))
        return now - made > KEPT

    return [each for each in maps if each["metadata"]["name"] not in needed and old(each)]
