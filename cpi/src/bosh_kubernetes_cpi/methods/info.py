"""info, ping, current_vm_id: about the CPI itself. info comes before every other call, so nothing here reads the
configuration or asks anybody.
"""

from __future__ import annotations

from ..errors import Unimplemented
from ..versions import ANNOUNCED, STEMCELL_FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call


def info(_call: Call) -> dict[str, Any]:
    return {"stemcell_formats": list(STEMCELL_FORMATS), "api_version": ANNOUNCED}


def ping(_call: Call) -> str:
    return "pong"


def current_vm_id(_call: Call) -> None:
    """Raises Unimplemented, which the only caller (a Director that snapshots its own disks) takes as "none"."""
    raise Unimplemented(
        "current_vm_id: the CPI does not know on which VM it runs, nor whether on one; "
        "snapshots of a Director's own disks are taken from outside"
    )
