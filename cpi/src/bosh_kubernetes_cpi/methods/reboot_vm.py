"""reboot_vm: an order with an id, done when the operator echoes it. The Pod stays; a stopped machine starts."""

from __future__ import annotations

from bosh_kubernetes_api import paths
from bosh_kubernetes_api.machine import condition

from ..errors import CloudError, VMNotFound
from ..operator_life import OperatorLife
from ..transport.observe import Wait, until
from ..verdicts import ENDED, STORED, Patience, machine_left, paused, summary, wait
from .edit import change, new_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]


def reboot_vm(call: Call, vm_cid: str) -> None:
    """Raises VMNotFound; CloudError with the operator's reason when that lasts longer than it may."""
    order = new_request()
    patience = Patience()
    change(call, vm_cid, lambda _machine: {"spec": {"reboot": order, "power": "Running"}})

    def served(machine: Json | None) -> bool | Wait:
        if machine is None:
            raise VMNotFound(f"VirtualMachine {vm_cid} was deleted while it was rebooted")
        # that of a call which came after ours stands in the place of our order, and serves it
        if machine.get("status", {}).get("reboot") in (order, machine["spec"].get("reboot") or order):
            return True
        if why := paused(machine):
            raise CloudError(f"{why}. {STORED}", ok_to_retry=True)
        left, retry = machine_left(machine, call.config["timeouts"], patience)
        if left:
            return wait(left)
        retry = retry and condition(machine, "Ready").get("reason") not in ENDED
        raise CloudError(f"VirtualMachine {vm_cid} was not rebooted: {summary(machine)}", ok_to_retry=retry)

    life = OperatorLife(call)
    doing = f"rebooting VirtualMachine {vm_cid}"
    until(call.api, paths.machines(call.namespace), vm_cid, served, doing=doing, life=life)
