"""The claim that is a persistent disk. It has no owner: only delete_disk deletes it."""

from __future__ import annotations

from .machine import condition
from .names import DISK, ROLE, ROLE_DISK, SNAPSHOT_CLASS, labels
from .quantities import in_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


def claim(
    cid: str,
    *,
    director: str,
    size: int,
    storage_class: str = "",
    access_mode: str = "ReadWriteOnce",
    snapshot_class: str = "",
    attributes_class: str = "",
) -> Json:
    """`size` in MiB. Without a storage class the cluster's default one is taken."""
    spec: Json = {"accessModes": [access_mode], "resources": {"requests": {"storage": f"{size}Mi"}}}
    if storage_class:
        spec["storageClassName"] = storage_class
    if attributes_class:
        spec["volumeAttributesClassName"] = attributes_class
    metadata: Json = {"name": cid, "labels": labels(ROLE_DISK, director=director, disk=cid)}
    if snapshot_class:
        metadata["annotations"] = {SNAPSHOT_CLASS: snapshot_class}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def is_disk(claim: Json) -> bool:
    """Whether a claim is a persistent disk of BOSH, and no other claim of that name."""
    found = claim["metadata"].get("labels", {})
    return bool(found.get(ROLE) == ROLE_DISK and found.get(DISK) == claim["metadata"]["name"])


def is_lost(claim: Json) -> bool:
    return bool(claim.get("status", {}).get("phase") == "Lost")


def is_bound(claim: Json) -> bool:
    return bool(claim.get("status", {}).get("phase") == "Bound")


def asked_size(claim: Json) -> int:
    """Bytes that the claim asks for."""
    return in_bytes(claim["spec"]["resources"]["requests"]["storage"])


def capacity(claim: Json) -> int:
    """Bytes that its file system has; 0 while there is none. Only the last step of a growth raises it."""
    return in_bytes(claim.get("status", {}).get("capacity", {}).get("storage", "0"))


def waits_for_mount(claim: Json) -> bool:
    """Whether its volume has grown and its file system has not yet: the kubelet does that, where it is mounted."""
    return bool(condition(claim, "FileSystemResizePending").get("status") == "True")
