"""One look at one machine: observe, plan, take the steps, look again, write the status last."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from .. import metrics
from ..cluster import Cluster, Object
from ..errors import OrderError
from ..events import Recorder
from ..queue import Again
from . import status
from .apply import Applier
from .observe import attachments, observe
from .orders import Orders
from .plan import plan
from .state import Guest, Observed, node_name, runs_nothing
from .steps import Attach, Detach, LetGo, Order, RemoveFinalizer, Result, Step

log = logging.getLogger(__name__)

# More than any plan builds on itself: finalizer, claim and addresses, Pod.
ROUNDS = 6


class Reconciler:
    def __init__(self, cluster: Cluster, orders: Orders, applier: Applier, recorder: Recorder) -> None:
        self._cluster, self._orders = cluster, orders
        self._applier, self._recorder = applier, recorder

    async def __call__(self, name: str) -> Again:
        """Brings machine `name` a step nearer to what is wanted. Raises ClusterError when the API server fails."""
        began = time.monotonic()
        result = "error"
        try:
            again = await self._reconcile(name)
            result = again.value
            return again
        except Exception as error:
            result = type(error).__name__
            raise
        finally:
            metrics.seconds.observe(time.monotonic() - began)
            metrics.results.labels(result).inc()

    async def _reconcile(self, name: str) -> Again:
        observed = await observe(self._cluster, self._orders, name)
        results: dict[Step, Result] = {}
        for _ in range(ROUNDS):
            if observed is None:
                return await self._orphans(name)
            steps = [step for step in plan(observed) if step not in results and not _part_of(step, results)]
            if not steps:
                break
            taken = await self._applier.apply(observed, steps)
            results |= taken
            if RemoveFinalizer() in results and not results[RemoveFinalizer()].reason:
                return Again.GONE
            observed = await observe(self._cluster, self._orders, name, heard(observed, taken))
        if observed is None:
            return await self._orphans(name)
        new = status.compute(observed, results)
        await self._write(observed, new)
        failed = next((r.error for r in results.values() if r.error and not r.soon), None)
        if failed:
            raise failed
        return status.again(observed, new, results)

    async def _write(self, o: Observed, new: Object) -> None:
        if not differs(o.status, new):
            return
        await self._cluster.apply_status("VirtualMachine", o.name, o.uid, new)
        await self._recorder.transitions(o.vm, new)

    async def _orphans(self, name: str) -> Again:
        """The machine is no more: what still holds a disk for it lets go."""
        cables = await attachments(self._cluster, name)
        for cable in cables.values():
            node = node_name(cable)
            try:
                gone = bool(node) and runs_nothing(await self._cluster.get("Node", node))
                result: object = await self._applier.let_go(cable, gone)
            except OrderError as error:
                result = error  # the other disks do not wait for that
            log.info("attachment of a machine that is no more: %s", result, extra={"machine": name})
        return Again.WAITING if cables else Again.GONE


def heard(o: Observed, taken: Mapping[Step, Result]) -> Guest | None:
    """What the firmware said last within this pass; None when several orders were given, or one that it did not answer.

    Which of several answers is the last one is not known.
    """
    orders = [result for step, result in taken.items() if isinstance(step, (Attach, Detach, Order))]
    if not orders:
        return o.guest
    return orders[0].guest if len(orders) == 1 else None


def _part_of(step: Step, results: dict[Step, Result]) -> bool:
    """Whether another step of this pass has done it: Detach ends with letting go."""
    return isinstance(step, LetGo) and Detach(step.disk) in results


def differs(old: Object, new: Object) -> bool:
    """Whether two statuses say different things; the order of map lists and empty lists say nothing."""
    return _plain(old) != _plain(new)


def _plain(status: Object) -> Object:
    plain = {key: value for key, value in status.items() if value not in (None, [], {}, "")}
    for key, by in (("conditions", "type"), ("disks", "cid")):
        if key in plain:
            plain[key] = {entry[by]: entry for entry in plain[key]}
    return plain
