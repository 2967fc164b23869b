"""Reads a machine and all that belongs to it, from the API server and its firmware. Nothing is remembered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from bosh_kubernetes_api import names
from bosh_kubernetes_api.deletion import is_being_deleted
from bosh_kubernetes_api.events import newest

from ..cluster import Cluster
from ..errors import OrderError
from .attachment import cleanup_name
from .orders import NOT_YET, Orders
from .state import (
    Guest,
    Object,
    Observed,
    condition,
    guest,
    meant_for,
    node_name,
    phase,
    running,
    terminating,
    unreachable,
)

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=3)  # what is not up after this time: ask Events why


async def observe(cluster: Cluster, orders: Orders, name: str, heard: Guest | None = None) -> Observed | None:
    """None when there is no such VirtualMachine. Raises ClusterError; a firmware that does not answer is no error.

    `heard` is what the firmware has said a moment ago, so that it is not asked again: each question is a process in the
    machine.
    """
    vm = await cluster.get("VirtualMachine", name)
    if vm is None:
        return None
    now = datetime.now(timezone.utc)
    bare = Observed(vm, now)
    pod, settings, own, claims, cleanup = await asyncio.gather(
        cluster.get("Pod", name),
        cluster.get("ConfigMap", name),
        attachments(cluster, name),
        _claims(cluster, bare),
        cluster.get("Pod", cleanup_name(name)) if bare.deleting else _nothing(),
    )
    nodes = await _nodes(cluster, bare, pod, own)
    reachable = not unreachable(nodes.get(node_name(pod)))
    answer, root_claim, services, volumes, warnings = await asyncio.gather(
        _guest(orders, pod if reachable else None, heard),  # else a minute would pass before that is given up
        cluster.get("PersistentVolumeClaim", names.root_claim(name)) if bare.root_is_claim else _nothing(),
        _services(cluster, bare) if pod is None else _none(),
        _volumes(cluster, bare, claims) if pod is None and not bare.deleting else _none(),
        _warnings(cluster, now, [p for p in (pod, *own.values()) if p], claims.values()),
    )
    return Observed(
        vm=vm,
        now=now,
        settings=settings is not None,
        pod=pod,
        guest=answer,
        nodes=nodes,
        attachments=own,
        claims=claims,
        volumes=volumes,
        root_claim=root_claim,
        services=services,
        cleanup=cleanup,
        warnings=warnings,
    )


async def attachments(cluster: Cluster, machine: str) -> dict[str, Object]:
    """Attachment Pods of a machine, by disk CID; also of one that is no more."""
    found = await cluster.list("Pod", names.selector(machine=machine, role=names.ROLE_ATTACHMENT))
    return {pod["metadata"]["name"]: pod for pod in found}


async def _nothing() -> None:
    return None


async def _none() -> dict[str, Object]:
    return {}


async def _claims(cluster: Cluster, o: Observed) -> dict[str, Object | None]:
    cids = sorted({*o.wanted, *(() if o.deleting else o.placed)})
    return dict(
        zip(cids, await asyncio.gather(*(cluster.get("PersistentVolumeClaim", cid) for cid in cids)), strict=True)
    )


async def _guest(orders: Orders, pod: Object | None, heard: Guest | None) -> Guest | None:
    if pod is None or not running(pod):
        return None
    if heard is not None:
        return heard
    try:
        answer = await orders.machine(pod["metadata"]["name"], "status")
    except OrderError as error:
        log.info("%s", error, extra={"machine": pod["metadata"]["name"]})
        return None
    if answer.code == NOT_YET:
        return guest({"state": "starting"})
    return guest(answer.data) if answer.data else None


async def _nodes(cluster: Cluster, o: Observed, pod: Object | None, own: dict[str, Object]) -> dict[str, Object | None]:
    """The nodes of a machine and its attachments. Not looked for while all is well."""
    ready = condition(pod, "Ready").get("status") == "True"
    ending = o.deleting or terminating(pod) or any(terminating(p) for p in own.values())
    places = {node_name(pod) if pod else o.node_name, *map(meant_for, own.values())} - {""}
    if ready and not ending and len(places) == 1:
        return {}
    return dict(zip(places, await asyncio.gather(*(cluster.get("Node", name) for name in places)), strict=True))


async def _services(cluster: Cluster, o: Observed) -> dict[str, Object]:
    found = {ip: await cluster.get("Service", names.address_service(ip)) for ip in o.addresses}
    return {ip: service for ip, service in found.items() if service}


async def _volumes(cluster: Cluster, o: Observed, claims: dict[str, Object | None]) -> dict[str, Object]:
    # Disks that are not there, or on their way out, place nothing.
    now = o.now.timestamp()
    usable = [claim for cid in o.placed if (claim := claims.get(cid)) and not is_being_deleted(claim, now)]
    bound = {claim["metadata"]["name"]: claim["spec"].get("volumeName") for claim in usable}
    found = {cid: await cluster.get("PersistentVolume", name) for cid, name in bound.items() if name}
    return {cid: volume for cid, volume in found.items() if volume}


async def _warnings(
    cluster: Cluster, now: datetime, pods: Iterable[Object], claims: Iterable[Object | None]
) -> dict[str, str]:
    """The newest warning about each Pod that does not come up and each claim that is not bound, by uid."""

    def late(thing: Object) -> bool:
        made = datetime.fromisoformat(thing["metadata"]["creationTimestamp"].replace("Z", "+00:00"))
        return now - made > PATIENCE

    slow = [p for p in pods if phase(p) == "Pending" and node_name(p) and late(p)]
    slow += [c for c in claims if c and c.get("status", {}).get("phase") == "Pending" and late(c)]
    uids = [thing["metadata"]["uid"] for thing in slow]
    texts = await asyncio.gather(*(_newest_warning(cluster, uid) for uid in uids))
    return {uid: text for uid, text in zip(uids, texts, strict=True) if text}


async def _newest_warning(cluster: Cluster, uid: str) -> str:
    return newest(await cluster.list("Event", field_selector=f"involvedObject.uid={uid},type=Warning"))
