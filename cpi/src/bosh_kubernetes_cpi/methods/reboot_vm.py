"""reboot_vm: an order with an id, done when the operator echoes it. The Pod stays; a stopped machine starts."""

from __future__ import annotations

from bosh_kubernetes_api import paths

from ..errors import VMNotFound
from ..operator_life import OperatorLife
from ..transport.observe import Wait, until
from .edit import change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]


def reboot_vm(call: Call, vm_cid: str) -> None:
    """Raises VMNotFound; TimedOut when the order was not served in time."""
    from uuid import uuid4

    order = str(uuid4())
    change(call, vm_cid, lambda _machine: {"spec": {"reboot": order, "power": "Running"}})

    def served(machine: Json | None) -> bool | Wait:
        if machine is None:
            raise VMNotFound(f"VirtualMachine {vm_cid} was deleted while it was rebooted")
        return True if machine.get("status", {}).get("reboot") == order else Wait()

    life = OperatorLife(call)
    doing = f"rebooting VirtualMachine {vm_cid}"
    until(call.api, paths.machines(call.namespace), vm_cid, served, doing=doing, life=life)
