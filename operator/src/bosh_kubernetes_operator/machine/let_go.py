"""How an attachment ends: it unbinds its disk, then its Pod is deleted."""

from __future__ import annotations

from collections import deque

from ..cluster import Cluster
from .orders import DONE as ORDER_DONE
from .orders import NOT_YET, REFUSED, Orders
from .state import Object, container, never_ran, phase, running, terminating
from .steps import DONE, Result


class LettingGo:
    def __init__(self, cluster: Cluster, orders: Orders) -> None:
        self._cluster, self._orders = cluster, orders
        # Containers that have unbound their disk, and so bind nothing again: they were seen ready, past the point where
        # they bind it. Any other is asked, and so is one that was started in the place of such a one.
        self._unbound: deque[str] = deque(maxlen=1000)

    async def __call__(self, cable: Object, node_is_gone: bool = False) -> Result:
        """Unbinds the disk of attachment Pod `cable`, which refuses while the machine holds it, then deletes the Pod.

        Only where nothing runs for certain nobody is asked, and the Pod's end, which nobody there can tell, not waited
        for. Raises OrderError and ClusterError.
        """
        name, uid = cable["metadata"]["name"], cable["metadata"]["uid"]
        its = container(cable)
        if node_is_gone or its.get("containerID") in self._unbound:
            pass
        elif running(cable):
            answer = await self._orders.attachment(name, "unbind")
            if answer.code == NOT_YET:
                return Result("Detaching", "what was written goes to the device", soon=True)
            if answer.code == REFUSED:
                return Result("DiskBusy", answer.text or "the attachment refuses to unbind the disk")
            if answer.code != ORDER_DONE:
                return Result("Detaching", f"the order to unbind it was {answer.fate}", soon=True)
            if its.get("ready") and its.get("containerID"):
                self._unbound.append(its["containerID"])
        elif not (never_ran(cable) or phase(cable) in ("Failed", "Succeeded")):
            # The bind may be there still; only a container of this Pod can take it away.
            then = "its Pod ends" if terminating(cable) else "waiting for it to be started again"
            return Result("Detaching", f"the attachment's container does not run; {then}")
        if node_is_gone:
            await self._cluster.delete("Pod", name, uid, 0)
        elif not terminating(cable):
            await self._cluster.delete("Pod", name, uid)
        return DONE
