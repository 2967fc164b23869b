"""Whether the operator lives: it renews a Lease. Judged by our own clock, because two machines' clocks differ."""

from __future__ import annotations

from time import monotonic

from bosh_kubernetes_api import names, paths

from .errors import Forbidden, OperatorSilent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .call import Call


class OperatorLife:
    """Call `check` between the looks of a wait."""

    def __init__(self, call: Call) -> None:
        self._api = call.api
        self._namespace = call.namespace
        self._limit: float = call.config["timeouts"]["operator"]
        self.pulse = self._limit / 3  # seconds between two checks at most
        self._renewed: str | None = None
        self._since = monotonic()
        self._readable = True

    def check(self) -> None:
        """Raises OperatorSilent when the Lease has not been renewed for `timeouts.operator` seconds while we looked."""
        if not self._readable:
            return
        try:
            lease = self._api.find(paths.lease(self._namespace))
        except Forbidden:
            self._readable = False
            return
        renewed = (lease or {}).get("spec", {}).get("renewTime") or ""
        if renewed != self._renewed:
            self._renewed, self._since = renewed, monotonic()
        elif monotonic() - self._since >= self._limit:
            last = f"was last renewed at {renewed}" if renewed else "does not exist"
            raise OperatorSilent(
                f"the operator is not running: its Lease {self._namespace}/{names.LEASE} {last}. "
                "Look at the Deployment bosh-kubernetes-operator and its logs"
            )
