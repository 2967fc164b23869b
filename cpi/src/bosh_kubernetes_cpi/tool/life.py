"""Whether the operator of a namespace lives: it renews its Lease while we look. The clocks of two machines differ."""

from __future__ import annotations

from typing import Any, NamedTuple

from bosh_kubernetes_api import paths

from ..clock import Deadline
from ..transport.api import Api

Json = dict[str, Any]

ALIVE = 12.0  # seconds: an operator renews its Lease each 5
_PAUSE = 0.5


class Life(NamedTuple):
    """`lease`: None where no operator has ever been. `renewed`: when it last was, as it says."""

    lease: Json | None
    renews: bool
    renewed: str = ""


def look(api: Api, namespace: str) -> Life:
    """Takes up to ALIVE seconds. Raises ApiError, Forbidden for one."""
    path = paths.lease(namespace)
    lease = api.find(path)
    if lease is None:
        return Life(None, renews=False)
    last, deadline = _renewed(lease), Deadline(ALIVE)
    while _renewed(lease) == last:
        if deadline.passed():
            return Life(lease, renews=False, renewed=last)
        deadline.pause(_PAUSE)
        lease = api.find(path) or {}
    return Life(lease, renews=True, renewed=_renewed(lease))


def _renewed(lease: Json) -> str:
    return str((lease.get("spec") or {}).get("renewTime") or "")
