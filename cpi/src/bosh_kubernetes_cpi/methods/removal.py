"""Removing a machine: the request is stored, then waited for until nothing of it is left."""

from __future__ import annotations

from bosh_kubernetes_api import paths

from ..errors import CloudError, Conflict
from ..operator_life import OperatorLife
from ..transport.observe import Wait, until
from ..verdicts import Patience, summary, wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]


def remove(call: Call, machine: Json) -> None:
    """Ask for this very machine to be deleted, and wait until it is gone, credentials and settings included.

    Raises CloudError when its node does not answer for `timeouts.node_loss` seconds, OperatorSilent, TimedOut. The
    request stays stored: the operator goes on, and a repeat of the call waits again.
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
        lost = unreachable(current)
        if lost is None:
            return Wait()
        left = patience.left("NodeUnreachable", call.config["timeouts"]["node_loss"])
        if left:
            return wait(left)
        raise CloudError(_node_lost(call, current, lost), ok_to_retry=True)

    life = OperatorLife(call)
    until(call.api, collection, cid, gone, doing=f"deleting VirtualMachine {cid}", life=life, state=summary)
    remove_side_objects(call, cid)


def remove_side_objects(call: Call, vm_cid: str) -> None:
    """Settings and credentials, which normally go with their owner. The claims of disks are nobody's but
    delete_disk's.
    """
    for collection in (paths.secrets(call.namespace), paths.config_maps(call.namespace)):
        call.api.delete(paths.item(collection, vm_cid))


def unreachable(machine: Json) -> Json | None:
    """The condition that says that the node does not answer."""
    for condition in machine.get("status", {}).get("conditions", []):
        if condition.get("reason") == "NodeUnreachable":
            found: Json = condition
            return found
    return None


def _node_lost(call: Call, machine: Json, condition: Json) -> str:
    node = machine.get("status", {}).get("pod", {}).get("node") or "<node>"
    return (
        f"VirtualMachine {machine['metadata']['name']} cannot be deleted: its node {node} has not answered since "
        f"{condition.get('lastTransitionTime', 'an unknown time')}, and the machine may still run there "
        f"({summary(machine)}). "
        f"Bring the node back; or, once it is certainly switched off: "
        f"kubectl taint nodes {node} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute. The request is "
        "stored: it goes on by "
        f"itself then. Waited {call.config['timeouts']['node_loss']} s (timeouts.node_loss)"
    )
