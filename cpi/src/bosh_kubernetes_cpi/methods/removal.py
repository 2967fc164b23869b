"""Removing a machine: the request is stored, then waited for until nothing of it is left."""

from __future__ import annotations

from bosh_kubernetes_api import paths

from ..errors import CloudError, Conflict
from ..operator_life import OperatorLife
from ..transport.observe import Wait, until
from ..verdicts import STORED, Patience, node_lost, paused, summary, unreachable, wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]


def remove(call: Call, machine: Json) -> None:
    """Ask for this very machine to be deleted, and wait until it is gone, credentials and settings included.

    Raises CloudError when its node does not answer for `timeouts.node_loss` seconds, or a person has paused it;
    OperatorSilent, TimedOut. The request stays stored: the operator goes on, and a repeat of the call waits again.
    """
    cid, uid = machine["metadata"]["name"], machine["metadata"]["uid"]
    collection = paths.machines(call.namespace)
    try:
        call.api.delete(paths.item(collection, cid), uid=uid)
    except Conflict:
        return  # another object of that name: ours is gone
    patience = Patience()

    def gone(current: Json | None) -> bool | Wait:
        if current is None or current["metadata"]["uid"] != uid:
            return True
        if why := paused(current):
            raise CloudError(f"{why}. {STORED}", ok_to_retry=True)
        if not unreachable(current):
            return Wait()
        limit: float = call.config["timeouts"]["node_loss"]
        left = patience.left("NodeUnreachable", limit)
        if left:
            return wait(left)
        told = node_lost(current, limit)
        raise CloudError(f"VirtualMachine {cid} cannot be deleted: {told} (timeouts.node_loss)", ok_to_retry=True)

    life = OperatorLife(call)
    until(call.api, collection, cid, gone, doing=f"deleting VirtualMachine {cid}", life=life, state=summary)
    remove_side_objects(call, cid)


def remove_side_objects(call: Call, vm_cid: str) -> None:
    """Settings and credentials, which normally go with their owner. The claims of disks are nobody's but
    delete_disk's.
    """
    for collection in (paths.secrets(call.namespace), paths.config_maps(call.namespace)):
        call.api.delete(paths.item(collection, vm_cid))
