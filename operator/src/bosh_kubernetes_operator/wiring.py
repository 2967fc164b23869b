"""What the operator watches, by kopf as an informer: every event only adds keys to look at to the queue.

Handlers record and enqueue, nothing else: they do no I/O and cannot fail. What they remember is a hint (which machines
want which disk); everything that decides is read anew by `reconcile`.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import kopf

from bosh_kubernetes_api import names
from bosh_kubernetes_api.claims import waits_for_mount
from bosh_kubernetes_api.machine import placed_disks

from .disk.growth import KEY
from .group import budget
from .metrics import Census

log = logging.getLogger(__name__)

MANAGED = f"{names.MANAGED_BY}={names.MANAGER}"
WATCHED = {
    "pods": f"{MANAGED},{names.ROLE} in ({names.ROLE_MACHINE},{names.ROLE_ATTACHMENT},{names.ROLE_GROWTH},cleanup)",
    "persistentvolumeclaims": f"{MANAGED},{names.ROLE} in ({names.ROLE_DISK},{names.ROLE_ROOT})",
    "configmaps": f"{MANAGED},{names.ROLE}={names.ROLE_SETTINGS}",
    "services": f"{MANAGED},{names.ROLE}={names.ROLE_ADDRESS}",
}


class Watcher:
    """Turns events into keys of machines, disks and groups to look at. `add` is the queue's."""

    def __init__(self, add: Callable[[str], None]) -> None:
        self._add = add
        self._wanting: defaultdict[str, set[str]] = defaultdict(
            set
        )  # disk CID: machines that want it, or are placed for it
        self._disks: dict[str, set[str]] = {}  # machine: those disks
        self._seen: dict[str, tuple[object, ...]] = {}  # machine: what a look depends on
        self._growing: set[str] = set()  # disks whose file system waited for a mount when they were seen last
        self._census = Census()

    def machine(self, type_: str | None, vm: kopf.RawBody | dict[str, Any]) -> None:
        name = vm["metadata"]["name"]
        for cid in self._disks.pop(name, ()):
            self._wanting[cid].discard(name)
            if not self._wanting[cid]:
                del self._wanting[cid]
        metadata = vm["metadata"]
        seen = (metadata.get("generation"), metadata["uid"], metadata.get("deletionTimestamp"))
        before = self._seen.get(name, (None, None, None))
        changed = type_ != "MODIFIED" or before != seen
        group = budget.key(dict(vm))
        if group and (type_ != "MODIFIED" or before[1:] != seen[1:]):  # it has one machine more or less
            self._add(group)
        if type_ == "DELETED":
            self._seen.pop(name, None)
            self._census.is_now(name, None)
        else:
            self._seen[name] = seen
            spec = vm.get("spec", {})
            wanted = {disk["cid"] for disk in spec.get("disks") or ()}
            wanted |= set(placed_disks(dict(vm)))
            self._disks[name] = wanted
            for cid in wanted:
                self._wanting[cid].add(name)
            self._census.is_now(name, vm.get("status", {}).get("printableStatus", "Unknown"))
        if changed:  # a status that we wrote ourselves is no reason to look again
            self._add(name)

    def thing(self, type_: str | None, thing: kopf.RawBody | dict[str, Any]) -> None:
        """A thing of a machine, or a disk: the machines that it is for, or that wait for it; and disks that grow."""
        labels = thing["metadata"].get("labels", {})
        role, machine, disk = labels.get(names.ROLE), labels.get(names.MACHINE), labels.get(names.DISK)
        if role == names.ROLE_SETTINGS:
            machine = thing["metadata"]["name"]
        elif role == names.ROLE_DISK:
            machine, disk = None, thing["metadata"]["name"]
            self._claim(type_, thing)
        elif role == names.ROLE_GROWTH or disk in self._growing:
            self._add(f"{KEY}{disk}")
        if machine:
            self._add(machine)
        for name in self._wanting.get(disk or "", ()):
            self._add(name)

    def _claim(self, type_: str | None, claim: kopf.RawBody | dict[str, Any]) -> None:
        """A disk is looked at while it grows, and once afterwards; all others would be looked at for nothing."""
        cid, grew = claim["metadata"]["name"], claim["metadata"]["name"] in self._growing
        self._growing.discard(cid)
        if type_ != "DELETED" and waits_for_mount(dict(claim)):
            self._growing.add(cid)
        if grew or cid in self._growing:
            self._add(f"{KEY}{cid}")


def registry(
    watcher: Watcher, start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]], kubeconfig: bool
) -> kopf.OperatorRegistry:
    """The handlers. `start` runs before anything is watched, `stop` at the end.

    `kubeconfig`: log in by the file that KUBECONFIG names, else by the Pod's service account.
    """
    handlers = kopf.OperatorRegistry()

    # PERMANENT: else kopf tries a failed start again each minute without a word, which looks like a hang.
    @kopf.on.startup(id="start", registry=handlers, errors=kopf.ErrorsMode.PERMANENT)
    async def startup(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure(settings)
        await start()

    @kopf.on.cleanup(id="stop", registry=handlers, errors=kopf.ErrorsMode.IGNORED)
    async def cleanup(**_: Any) -> None:
        await stop()

    @kopf.on.login(id="login", registry=handlers, errors=kopf.ErrorsMode.PERMANENT)
    async def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        # One explicit way: by default kopf mixes the credentials of every library that is installed.
        return kopf.login_with_kubeconfig(**kwargs) if kubeconfig else kopf.login_with_service_account(**kwargs)

    @kopf.on.event(names.GROUP, names.VERSION, names.MACHINES, id="machine", registry=handlers)
    async def machine(event: kopf.RawEvent, **_: Any) -> None:
        watcher.machine(event["type"], event["object"])

    async def thing(event: kopf.RawEvent, **_: Any) -> None:
        watcher.thing(event["type"], event["object"])

    for plural in WATCHED:
        kopf.on.event("", "v1", plural, id=f"{plural}-of-a-machine", registry=handlers)(thing)
    return handlers


def configure(settings: kopf.OperatorSettings) -> None:
    """kopf's settings. Each differs from the default for a reason."""
    settings.scanning.disabled = True  # else it lists CRDs and namespaces of the whole cluster
    settings.peering.standalone = True  # else another kopf operator's peering object may pause this one
    settings.posting.enabled = False  # Events are our own, on transitions only
    settings.persistence.finalizer = names.FINALIZER + "-informer"  # never used: no handler needs one
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=names.GROUP)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=names.GROUP)
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.chunk_size = 500
    for plural, selector in WATCHED.items():
        settings.watching.label_selectors["", "v1", plural] = selector
    settings.networking.request_timeout = 30
    settings.process.ultimate_exiting_timeout = 25  # before the kubelet's 30 s
