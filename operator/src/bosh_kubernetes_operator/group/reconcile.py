"""One look at one instance group: is its PodDisruptionBudget there, and as large as the group?"""

from __future__ import annotations

import asyncio
import logging

from bosh_kubernetes_api import names

from ..cluster import Cluster
from ..queue import Again
from . import budget

log = logging.getLogger(__name__)


class GroupReconciler:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def __call__(self, key: str) -> Again:
        """Makes, changes in place, or removes the budget of the group with that key. Raises ClusterError."""
        name = names.budget(key.removeprefix(budget.KEY))
        machines, found = await asyncio.gather(
            self._cluster.list("VirtualMachine"), self._cluster.get("PodDisruptionBudget", name)
        )
        wanted = budget.build(key, machines)
        if wanted is None:
            if found is not None:
                await self._cluster.delete("PodDisruptionBudget", name, found["metadata"]["uid"])
                log.info("removed the budget of %s: it has no machines any more", key)
            return Again.GONE
        if found is None:
            await self._cluster.create("PodDisruptionBudget", wanted)
        elif budget.differs(found, wanted):
            # Never deleted and made again: between the two nothing would keep a drain from taking the whole group.
            change = {
                "metadata": {
                    "resourceVersion": found["metadata"]["resourceVersion"],
                    "ownerReferences": wanted["metadata"]["ownerReferences"],
                },
                "spec": wanted["spec"],
            }
            await self._cluster.merge("PodDisruptionBudget", name, change)
        else:
            return Again.SETTLED
        log.info("%s: at least %d of its machines stay when nodes are drained", key, wanted["spec"]["minAvailable"])
        return Again.SETTLED
