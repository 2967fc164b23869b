"""delete_vm: done when the machine is gone, so that its address and disks can be used at once.

The last machine of a stemcell that every Director has deleted takes that along.
"""

from __future__ import annotations

from bosh_kubernetes_api import names, paths
from bosh_kubernetes_api.stemcells import users

from ..errors import Failure
from ..log import progress
from .removal import remove, remove_side_objects

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..call import Call


def delete_vm(call: Call, vm_cid: str) -> None:
    """An absent machine is success, and what may be left of it is removed even then. Disks stay, let go.

    `bosh delete-vm` takes any name: a Secret that is called so but cannot be a machine's is not touched.
    """
    if not names.is_cid(vm_cid):
        return
    machine = call.api.find(paths.item(paths.machines(call.namespace), vm_cid))
    if machine is None:
        if names.is_machine_cid(vm_cid):
            remove_side_objects(call, vm_cid)
    else:
        remove(call, machine)
        _after(call, machine["spec"]["machine"]["stemcell"])


def _after(call: Call, stemcell_cid: str) -> None:
    try:
        found = call.api.find(paths.item(paths.stemcells(call.namespace), stemcell_cid))
    except Failure as failure:
        progress(f"{stemcell_cid} is not looked at: {failure.message}")
        return
    if found is not None and not users(found):
        from .stemcells import finish_deletion

        finish_deletion(call, stemcell_cid)
