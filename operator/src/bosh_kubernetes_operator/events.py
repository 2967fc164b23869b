"""Kubernetes Events about machines, on transitions only, so that `kubectl describe` tells a machine's life in order;
and about claims that the operator cannot grow.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from hashlib import sha256
from typing import NamedTuple

from bosh_kubernetes_api import names

from .cluster import Cluster, Object
from .errors import ClusterError, ConflictError

log = logging.getLogger(__name__)

COMPONENT = "bosh-kubernetes-operator"
# Reasons of `Ready` that are part of a normal life.
NORMAL = frozenset(
    ["WaitingForSettings", "PodCreating", "ImagePulling", "Starting", "Running", "Rebooting", "Stopped", "Paused"]
) | {"Terminating", "WaitingForDisk", "Attached", "Attaching", "Detaching", "Detached", "WaitingForMachine"}


class Transition(NamedTuple):
    reason: str
    message: str


def transitions(old: Object, new: Object) -> Iterator[Transition]:
    """What became different from one status to the next, in the words of the status."""
    before, after = _ready(old), _ready(new)
    if before.get("reason") != after.get("reason"):
        yield Transition(after["reason"], after["message"])
    disks = {d["cid"]: d for d in old.get("disks") or ()}
    for disk in new.get("disks") or ():
        was = disks.pop(disk["cid"], {})
        if was.get("reason") != disk["reason"]:
            yield Transition(disk["reason"], f"{disk['cid']}: {disk.get('message') or disk['phase']}")
    for cid in disks:
        yield Transition("Detached", f"{cid}: detached")


def _ready(status: Object) -> Object:
    return next((c for c in status.get("conditions") or () if c["type"] == "Ready"), {})


class Recorder:
    def __init__(self, cluster: Cluster, identity: str) -> None:
        self._cluster, self._identity = cluster, identity

    async def transitions(self, vm: Object, new: Object) -> None:
        """Tells what changed from the status in `vm` to `new`."""
        for reason, message in transitions(vm.get("status") or {}, new):
            name = f"{vm['metadata']['name']}.{uuid.uuid4().hex[:16]}"
            await self._write(name, "VirtualMachine", names.API_VERSION, vm, reason, message)

    async def warn_claim(self, claim: Object, reason: str, message: str) -> None:
        """A warning about a claim; the same one is told once, as long as the cluster keeps it."""
        name = f"{claim['metadata']['name']}.{sha256(f'{reason} {message}'.encode()).hexdigest()[:16]}"
        await self._write(name, "PersistentVolumeClaim", "v1", claim, reason, message)

    async def _write(self, name: str, kind: str, version: str, thing: Object, reason: str, message: str) -> None:
        """An Event that cannot be written is logged, no more."""
        metadata = thing["metadata"]
        now = datetime.now(timezone.utc)
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "involvedObject": {
                "apiVersion": version,
                "kind": kind,
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "type": "Normal" if reason in NORMAL else "Warning",
            "reason": reason,
            "message": message[:1024],
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": self._identity,
            "firstTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lastTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "count": 1,
        }
        try:
            await self._cluster.create("Event", event)
        except ConflictError:
            return
        except ClusterError as error:
            log.warning("cannot write an Event: %s", error, extra={"machine": metadata["name"]})
