"""has_vm: false only when the machine is known to be no more. Anything that may still run is there."""

from __future__ import annotations

from bosh_kubernetes_api import names, paths
from bosh_kubernetes_api.machine import root_is_lost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..call import Call


def has_vm(call: Call, vm_cid: str) -> bool:
    """A machine whose root disk is lost will never be itself again: false, so that it is made anew."""
    if not names.is_cid(vm_cid):
        return False
    machine = call.api.find(paths.item(paths.machines(call.namespace), vm_cid))
    return machine is not None and not root_is_lost(machine)
