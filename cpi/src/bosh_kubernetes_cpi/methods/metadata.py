"""set_vm_metadata, set_disk_metadata: for people and their tools; nothing of ours depends on it."""

from __future__ import annotations

from bosh_kubernetes_api import metadata as rules
from bosh_kubernetes_api import paths

from .disks import disk_claim
from .edit import change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]


def set_vm_metadata(call: Call, vm_cid: str, metadata: Json) -> None:
    """Raises VMNotFound. The machine need not be ready."""
    change(call, vm_cid, lambda machine: rules.machine_patch(metadata, machine))


def set_disk_metadata(call: Call, disk_cid: str, metadata: Json) -> None:
    """Raises DiskNotFound."""
    claim = disk_claim(call, disk_cid)
    call.api.merge_patch(paths.item(paths.claims(call.namespace), disk_cid), rules.patch(metadata, claim))
