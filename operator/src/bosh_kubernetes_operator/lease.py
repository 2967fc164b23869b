"""The Lease gate: one operator works in a namespace at a time.

It spares work and noise; safety does not rest on it (the name of an attachment Pod is the lock on a disk). The CPI
reads the Lease's renewTime to tell a silent operator. Own code because the leader election of kubernetes.aio 37 cannot
create a Lease.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timezone

from bosh_kubernetes_api import names, version

from .cluster import Cluster, Object
from .errors import ClusterError, ConflictError, LeaseError

log = logging.getLogger(__name__)

DURATION = 15  # seconds for which a holder that says nothing keeps the Lease
RENEW_EVERY = 5.0
GIVE_UP_AFTER = 10.0  # less than DURATION: we stop before another may start
RETRY_EVERY = 2.0


class Lease:
    def __init__(self, cluster: Cluster, identity: str, clock: Callable[[], float] | None = None) -> None:
        self._cluster, self.identity = cluster, identity
        self._clock = clock or asyncio.get_running_loop().time
        self._seen: tuple[str, float] = ("", 0.0)  # resourceVersion of another holder's Lease, and since when
        self.held = False

    async def acquire(self) -> None:
        """Returns once the Lease is ours."""
        while True:
            try:
                if await self._try():
                    self.held = True
                    log.info("holding the Lease as %s", self.identity)
                    return
            except ClusterError as error:
                log.warning("cannot get the Lease: %s", error)
            await asyncio.sleep(RETRY_EVERY)

    async def hold(self) -> None:
        """Renews until cancelled. Raises LeaseError when another holds it, or when it could not be renewed in time."""
        renewed = self._clock()
        while True:
            await asyncio.sleep(RENEW_EVERY if self._clock() - renewed < RENEW_EVERY else RETRY_EVERY)
            try:
                left = DURATION - RETRY_EVERY - (self._clock() - renewed)  # of a request that hangs
                if not await asyncio.wait_for(self._try(), max(1.0, left)):
                    self.held = False
                    raise LeaseError(f"the Lease {names.LEASE} is held by another operator")
                renewed = self._clock()
            except (ClusterError, asyncio.TimeoutError) as error:
                log.warning("cannot renew the Lease: %s", error)
                if self._clock() - renewed > GIVE_UP_AFTER:
                    self.held = False
                    raise LeaseError(f"the Lease {names.LEASE} could not be renewed: {error}") from error

    async def release(self) -> None:
        """Lets the next operator start at once."""
        if not self.held:
            return
        self.held = False
        lease = await self._cluster.get("Lease", names.LEASE)
        if lease and lease["spec"].get("holderIdentity") == self.identity:
            lease["spec"]["holderIdentity"] = ""
            await self._cluster.replace("Lease", lease)

    async def _try(self) -> bool:
        """One attempt to get or renew; False when another has it. Raises ClusterError."""
        try:
            return await self._write()
        except ConflictError:
            # Changed since it was read, which says nothing about the holder: it may be a label, or our own renewal
            # whose answer was lost.
            return await self._write()

    async def _write(self) -> bool:
        lease = await self._cluster.get("Lease", names.LEASE)
        if lease is None:
            await self._cluster.create("Lease", self._mine(None))
        elif self._free(lease):
            await self._cluster.replace("Lease", self._mine(lease))
        else:
            return False
        return True

    def _free(self, lease: Object) -> bool:
        """Ours, given up, or unchanged for its duration by our own clock (other clocks are not compared)."""
        holder = lease["spec"].get("holderIdentity") or ""
        if holder in ("", self.identity):
            return True
        version = lease["metadata"]["resourceVersion"]
        if self._seen[0] != version:
            self._seen = (version, self._clock())
        return self._clock() - self._seen[1] > (lease["spec"].get("leaseDurationSeconds") or DURATION)

    def _mine(self, lease: Object | None) -> Object:
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        old = lease["spec"] if lease else {}
        same = old.get("holderIdentity") == self.identity
        metadata: Object = lease["metadata"] if lease else {"name": names.LEASE}
        labels = {**(metadata.get("labels") or {}), names.MANAGED_BY: names.MANAGER, version.LABEL: version.VERSION}
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {**metadata, "labels": labels},
            "spec": {
                "holderIdentity": self.identity,
                "leaseDurationSeconds": DURATION,
                "acquireTime": old.get("acquireTime") if same else now,
                "renewTime": now,
                "leaseTransitions": old.get("leaseTransitions", 0) + (0 if same or not lease else 1),
            },
        }
