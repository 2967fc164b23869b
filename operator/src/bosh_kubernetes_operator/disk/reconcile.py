"""One look at one disk: does it have to be mounted to grow, and is the Pod for that there, or there no longer?"""

from __future__ import annotations

import asyncio
import logging
import time

from bosh_kubernetes_api.claims import waits_for_mount
from bosh_kubernetes_api.reasons import GROWTH_REFUSED

from .. import metrics
from ..cluster import Cluster
from ..errors import ConflictError, RefusedError
from ..events import Recorder
from ..machine.state import Object, phase, terminating
from ..queue import Again
from . import growth

log = logging.getLogger(__name__)


class DiskReconciler:
    """`image`: the operator's own; empty when it is not known."""

    def __init__(self, cluster: Cluster, recorder: Recorder, image: str) -> None:
        self._cluster, self._recorder, self._image = cluster, recorder, image

    async def __call__(self, cid: str) -> Again:
        """Makes or removes the Pod that mounts disk `cid` for its growth. Raises ClusterError."""
        claim, pod = await asyncio.gather(
            self._cluster.get("PersistentVolumeClaim", cid), self._cluster.get("Pod", cid)
        )
        pending = claim is not None and waits_for_mount(claim)
        machines = await self._cluster.list("VirtualMachine") if pending else []
        if claim is not None and growth.wants_mount(claim, machines, time.time()):
            if pod is None:
                await self._mount(claim, machines)
            elif growth.is_growth(pod) and phase(pod) in ("Failed", "Succeeded"):
                await self._remove(pod, "it ended for good and is made again")
            return Again.WAITING
        if growth.is_growth(pod):
            await self._remove(pod, "the disk has grown, or a machine wants it, or it is being deleted")
        return Again.WAITING if pending or growth.is_growth(pod) else Again.GONE

    async def _mount(self, claim: Object, machines: list[Object]) -> None:
        cid = claim["metadata"]["name"]
        try:
            await self._cluster.create("Pod", growth.build(claim, machines, self._image))
        except ConflictError:
            return  # an attachment was faster
        except RefusedError as error:
            await self._recorder.warn_claim(claim, GROWTH_REFUSED, str(error))
            raise
        metrics.steps.labels("MountToGrow").inc()
        log.info("%s is mounted once: its file system is to grow", cid)

    async def _remove(self, pod: Object, why: str) -> None:
        if terminating(pod):
            return
        await self._cluster.delete("Pod", pod["metadata"]["name"], pod["metadata"]["uid"])
        log.info("removed the Pod that mounted %s: %s", pod["metadata"]["name"], why)
