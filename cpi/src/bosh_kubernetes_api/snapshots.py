"""The VolumeSnapshot that is a snapshot of a disk. It has no owner: it outlives its disk, and only delete_snapshot
deletes it.
"""

from __future__ import annotations

from .metadata import stamped
from .names import ROLE, ROLE_SNAPSHOT, labels
from .paths import SNAPSHOT_API

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


def snapshot(cid: str, *, director: str, disk_cid: str, snapshot_class: str, metadata: Json) -> Json:
    """Of the disk as it is when the storage takes it."""
    body = {
        "apiVersion": SNAPSHOT_API,
        "kind": "VolumeSnapshot",
        "metadata": {"name": cid, "labels": labels(ROLE_SNAPSHOT, director=director, disk=disk_cid)},
        "spec": {
            "source": {"persistentVolumeClaimName": disk_cid},
            "volumeSnapshotClassName": snapshot_class,
        },
    }
    return stamped(body, metadata)


def is_snapshot(found: Json) -> bool:
    """Whether a VolumeSnapshot is one of BOSH."""
    return bool(found["metadata"].get("labels", {}).get(ROLE) == ROLE_SNAPSHOT)
