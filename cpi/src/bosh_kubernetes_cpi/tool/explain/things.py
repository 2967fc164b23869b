"""Disks, snapshots and stemcells in words. Pure."""

from __future__ import annotations

import time
from typing import Any

from bosh_kubernetes_api import names, stemcells
from bosh_kubernetes_api.claims import asked_size, capacity, is_lost, waits_for_mount
from bosh_kubernetes_api.deletion import is_being_deleted
from bosh_kubernetes_api.machine import disk_status, holds_disk
from bosh_kubernetes_api.quantities import in_bytes

from ..words import listed, size

Json = dict[str, Any]
Facts = list[tuple[str, str | list[str]]]

UNKNOWN = "not known"  # this account may not list them


def disk(claim: Json, machines: list[Json] | None) -> Facts:
    """`machines`: None where they are not known."""
    metadata, spec = claim["metadata"], claim["spec"]
    holders = [machine for machine in machines or () if holds_disk(machine, metadata["name"])]
    none = UNKNOWN if machines is None else "no machine"
    return [
        ("status", _disk_status(claim)),
        ("attached to", listed(_holder(machine, metadata["name"]) for machine in holders) or none),
        ("size", size(capacity(claim)) or size(asked_size(claim))),
        ("asked for", size(asked_size(claim)) if asked_size(claim) > (capacity(claim) or asked_size(claim)) else ""),
        ("class", spec.get("storageClassName") or "the cluster's default"),
        ("volume", spec.get("volumeName") or "none yet: many classes make one when a Pod wants it"),
        ("director", metadata.get("labels", {}).get(names.DIRECTOR, "")),
        ("metadata", metadata.get("annotations", {}).get(names.METADATA, "")),
    ]


def snapshot(found: Json) -> Facts:
    metadata, status = found["metadata"], found.get("status") or {}
    error = (status.get("error") or {}).get("message", "")
    word = "ready to be restored" if status.get("readyToUse") else f"failed: {error}" if error else "being taken"
    if is_being_deleted(found, time.time()):
        word = "being deleted"
    return [
        ("status", word),
        ("of disk", metadata.get("labels", {}).get(names.DISK, "")),
        ("taken", status.get("creationTime", "")),
        ("size", size(in_bytes(status["restoreSize"])) if status.get("restoreSize") else ""),
        ("class", found["spec"].get("volumeSnapshotClassName", "")),
        ("director", metadata.get("labels", {}).get(names.DIRECTOR, "")),
        ("metadata", metadata.get("annotations", {}).get(names.METADATA, "")),
    ]


def stemcell(found: Json, machines: list[Json] | None) -> Facts:
    """`machines`: None where they are not known."""
    name, spec = found["metadata"]["name"], found["spec"]
    using = [each["metadata"]["name"] for each in machines or () if each["spec"]["machine"]["stemcell"] == name]
    none = UNKNOWN if machines is None else "none"
    ours = "its image was pushed by the CPI, and goes with it" if spec["format"] == stemcells.HEAVY else ""
    deleted = is_being_deleted(found, time.time())
    return [
        ("status", "a deletion has begun" if deleted else "can be used"),
        ("stemcell", f"{spec.get('name') or 'unnamed'} {spec.get('version', '')}".strip()),
        ("system", listed(filter(None, (spec.get("os"), spec.get("architecture"))))),
        ("format", f"{spec['format']}: {ours or 'its image is somebody else' + chr(39) + 's'}"),
        ("image", spec["image"]),
        ("pull secrets", listed(spec.get("pullSecrets", []))),
        ("directors", listed(stemcells.users(found)) or "none: it goes with its last machine"),
        ("machines", using or none),
    ]


def _disk_status(claim: Json) -> str:
    if is_being_deleted(claim, time.time()):
        return "being deleted"
    if is_lost(claim):
        return "Lost: its volume is gone; bring it back, or restore a backup"
    phase = claim.get("status", {}).get("phase", "Pending")
    return f"{phase}, its file system waits for a mount to grow" if waits_for_mount(claim) else phase


def _holder(machine: Json, cid: str) -> str:
    entry = disk_status(machine, cid) or {}
    return f"{machine['metadata']['name']} ({entry.get('phase', 'Wanted')})"
