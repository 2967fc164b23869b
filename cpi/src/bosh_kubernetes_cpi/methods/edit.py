"""Changing a VirtualMachine: read, merge patch with the resourceVersion that was read, again when somebody was
faster.
"""

from __future__ import annotations

from bosh_kubernetes_api import names, paths
from bosh_kubernetes_api.machine import disk_wishes

from ..errors import Conflict, NotFound, VMNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]

PAUSE = 0.05  # seconds between two tries


def machine(call: Call, vm_cid: str) -> Json:
    """The VirtualMachine. Raises VMNotFound."""
    found = call.api.find(paths.item(paths.machines(call.namespace), vm_cid)) if names.is_cid(vm_cid) else None
    if found is None:
        raise VMNotFound(f"there is no VirtualMachine {vm_cid!r} in namespace {call.namespace}")
    return found


def change(call: Call, vm_cid: str, patch_for: Callable[[Json], Json | None]) -> Json:
    """Apply the patch that `patch_for` makes for the machine as it is; None means that it is so already.

    Returns the machine afterwards. Raises VMNotFound, and TimedOut when others are faster up to the deadline.
    """
    while True:
        current = machine(call, vm_cid)
        patch = patch_for(current)
        if patch is None:
            return current
        metadata = {**patch.get("metadata", {}), "resourceVersion": current["metadata"]["resourceVersion"]}
        try:
            path = paths.item(paths.machines(call.namespace), vm_cid)
            return call.api.merge_patch(path, {**patch, "metadata": metadata})
        except Conflict:
            call.deadline.check(f"changing VirtualMachine {vm_cid}, which others change all the time")
            call.deadline.pause(PAUSE)
        except NotFound as error:
            raise VMNotFound(f"VirtualMachine {vm_cid} was deleted meanwhile") from error


def new_request() -> str:
    """Id of a request to the operator, who echoes it when it is served."""
    from uuid import uuid4

    return str(uuid4())


def wanting(wishes: dict[str, Json]) -> Json:
    """The patch that makes `spec.disks` of these entries, by CID."""
    return {"spec": {"disks": list(wishes.values())}}


def served_by(machine: Json, disk_cid: str, key: str, request: str) -> set[str]:
    """Ids of which one that is echoed says that `request` about the disk is served: its own, and that of another call
    that has asked for the same after it.
    """
    return {request, disk_wishes(machine).get(disk_cid, {}).get(key) or request}
