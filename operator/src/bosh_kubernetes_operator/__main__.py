"""The operator's process: settings, connections, Lease, queue; then kopf until the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime, timezone

import kopf
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import load_incluster_config, load_kube_config
from kubernetes.aio.stream import WsApiClient

from . import firmware_map, health, logs, metrics, wiring
from .cluster import Cluster
from .disk import growth
from .disk.reconcile import DiskReconciler
from .errors import ClusterError, OperatorError
from .events import Recorder
from .group import budget
from .group.reconcile import GroupReconciler
from .lease import RETRY_EVERY, Lease
from .machine.apply import Applier
from .machine.orders import ExecOrders
from .machine.reconcile import Reconciler
from .queue import Again, Queue
from .settings import Settings, parse

log = logging.getLogger(__name__)


async def run(settings: Settings) -> int:
    """Runs until a signal or a fatal error; answers the exit code."""
    configuration = Configuration()
    if settings.kubeconfig:
        os.environ["KUBECONFIG"] = settings.kubeconfig  # kopf reads no other name
        await load_kube_config(  # type: ignore[no-untyped-call]
            settings.kubeconfig, client_configuration=configuration
        )
    else:
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    sockets = WsApiClient(configuration, heartbeat=30)  # type: ignore[no-untyped-call]
    async with ApiClient(configuration) as client, sockets:
        return await Operator(settings, client, sockets).run()


class Operator:
    def __init__(self, settings: Settings, client: ApiClient, sockets: WsApiClient) -> None:
        self._settings = settings
        self._cluster = Cluster(client, settings.namespace)
        orders = ExecOrders(sockets, settings.namespace)
        applier = Applier(self._cluster, orders, settings.host_directory, settings.off_timeout, settings.image)
        recorder = Recorder(self._cluster, settings.identity)
        self._machine = Reconciler(self._cluster, orders, applier, recorder)
        self._disk = DiskReconciler(self._cluster, recorder, settings.image)
        self._group = GroupReconciler(self._cluster)
        self._queue = Queue(self._look, resync=settings.resync, workers=settings.workers)
        self._lease = Lease(self._cluster, settings.identity)
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._failed = False

    async def _look(self, key: str) -> Again:
        if key.startswith(growth.KEY):
            return await self._disk(key.removeprefix(growth.KEY))
        return await (self._group(key) if key.startswith(budget.KEY) else self._machine(key))

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        self._serve_metrics()
        runner = None
        if self._settings.health_port:
            runner = await health.serve(self._settings.health_address, self._settings.health_port, self._health)
        try:
            await self._lease_or_stop()
            if not self._stop.is_set():
                watcher = wiring.Watcher(self._queue.add)
                await kopf.operator(
                    registry=wiring.registry(watcher, self._start, self._end, bool(self._settings.kubeconfig)),
                    settings=kopf.OperatorSettings(),
                    namespaces=[self._settings.namespace],
                    standalone=True,
                    stop_flag=self._stop,
                )
        finally:
            await self._end()
            if runner:
                await runner.cleanup()
        return 1 if self._failed else 0

    async def _lease_or_stop(self) -> None:
        """Waits for the kinds and the Lease, or for a signal."""
        acquire, stop = asyncio.ensure_future(self._acquire()), asyncio.ensure_future(self._stop.wait())
        await asyncio.wait((acquire, stop), return_when=asyncio.FIRST_COMPLETED)
        if acquire.done():
            acquire.result()  # what it failed with
        for waiter in (acquire, stop):
            waiter.cancel()
        await asyncio.gather(acquire, stop, return_exceptions=True)

    async def _acquire(self) -> None:
        """kopf looks at its start for what it is to watch, and never again: what is not served then it never sees."""
        while True:
            try:
                if await self._cluster.serves("VirtualMachine"):
                    break
                log.warning("waiting for the CustomResourceDefinition of VirtualMachines")
            except ClusterError as error:
                log.warning("waiting for the API server: %s", error)
            await asyncio.sleep(RETRY_EVERY)
        await self._lease.acquire()

    async def _start(self) -> None:
        self._spawn("lease", self._lease.hold)  # first: what follows may take longer than an unrenewed one lasts
        await firmware_map.ensure(self._cluster)
        await firmware_map.sweep(self._cluster, datetime.now(timezone.utc))
        metrics.leader.set(1)
        self._spawn("queue", self._queue.run)

    def _spawn(self, name: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        async def guarded() -> None:
            try:
                await work()
            except OperatorError as error:
                log.error("stopping: %s", error)
                self._failed = True
            except Exception:
                log.exception("stopping: %s failed", name)
                self._failed = True
            self._stop.set()

        self._tasks.append(asyncio.create_task(guarded(), name=name))

    async def _end(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        metrics.leader.set(0)
        with contextlib.suppress(OperatorError):
            await self._lease.release()

    def _health(self) -> tuple[float, bool]:
        return self._queue.stuck, any(task.done() for task in self._tasks)

    def _serve_metrics(self) -> None:
        metrics.depth.set_function(lambda: self._queue.depth)
        metrics.oldest.set_function(lambda: self._queue.oldest)
        if self._settings.metrics_port:
            metrics.serve(self._settings.health_address, self._settings.metrics_port)


def main() -> None:
    settings = parse()
    logs.configure(settings.log_level)
    sys.exit(asyncio.run(run(settings)))


if __name__ == "__main__":
    main()
