"""What the agent believes about mounts, and how it mounts and unmounts in bind mode.

With BindMountPersistentDisk the real agent learns of mounts from the words of a bare `mount`
(platform/disk/cmd_mounts_searcher.go) and matches their sources and mount points as plain text. The current `mount`
names the device behind a bind mount, never the directory that was bound, and this is where copy migration breaks.
Everything above `Mounter` is a pure function of the listing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import AgentError, wrap
from .shell import Run

UNMOUNT_TRIES = 600


@dataclass(frozen=True)
class Mount:
    source: str
    target: str


def parse(listing: str) -> list[Mount]:
    """The lines "SOURCE on TARGET type TYPE (OPTIONS)" of a bare `mount`; words one and three count."""
    rows = (line.split() for line in listing.splitlines())
    return [Mount(row[0], row[2]) for row in rows if row]


def source_at(mounts: Iterable[Mount], target: str) -> str | None:
    """Source of the first mount listed at a path (not of the uppermost one), None when nothing is mounted there."""
    return next((mount.source for mount in mounts if mount.target == target), None)


def is_mounted(mounts: Iterable[Mount], name: str) -> bool:
    """Is `name` the source or the mount point of any mount?"""
    return any(name in (mount.source, mount.target) for mount in mounts)


def should_mount(mounts: Iterable[Mount], source: str, target: str) -> bool:
    """False when just this is mounted already.

    Raises:
        AgentError: the source is mounted elsewhere, or something else is mounted there.
    """
    for mount in mounts:
        if mount.source == source and mount.target == target:
            return False
        if mount.source == source and source != "tmpfs":
            raise AgentError(f"Device {mount.source} is already mounted to {mount.target}, can't mount to {target}")
        if mount.target == target and source:
            raise AgentError(f"Device {mount.source} is already mounted to {mount.target}, can't mount {source}")
    return True


def store_target(mounts: Iterable[Mount], device: str, store: str, migration: str) -> str | None:
    """Where mount_disk mounts a disk: the store, the migration directory when the store is taken, None when done.

    A disk counts as mounted on the store only by the name of its first partition, which a bind mount never has.
    """
    there = source_at(mounts, store)
    if there is None:
        return store
    return None if there == f"{device}1" else migration


class Mounter:
    """Bind mounts by the `mount` and `umount` of the PATH."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def table(self) -> list[Mount]:
        with wrap("Running mount"):
            return parse(self._run("mount"))

    def mount(self, source: str, target: str, *options: str) -> None:
        """Mounts `source` with the options given; callers that bind add "bind"."""
        if should_mount(self.table(), source, target):
            words = [word for option in options for word in ("-o", option)]
            with wrap("Shelling out to mount"):
                self._run("mount", source, target, *words)

    def tmpfs(self, target: str, size: str) -> None:
        if source_at(self.table(), target) is None and should_mount(self.table(), "tmpfs", target):
            with wrap(f"Mounting tmpfs to {target}"):
                self._run("mount", "tmpfs", target, "-t", "tmpfs", "-o", f"size={size}")

    def remount_in_place(self, target: str, *options: str) -> None:
        """Changes the options of a mount. The real agent leaves "bind" out here, hence needs CAP_SYS_ADMIN
        in the namespace that owns the file system."""
        if not is_mounted(self.table(), target):
            raise AgentError(f"Error finding existing mount point {target}")
        self.mount("", target, "remount", *options)

    def remount(self, at: str, target: str) -> None:
        """Moves a mount: asks for its source, unmounts it, binds that source on `target`."""
        source = source_at(self.table(), at)
        if source is None:
            raise AgentError(f"Error finding device for mount point {at}")
        with wrap(f"Unmounting {at}"):
            self.unmount(at)
        self.mount(source, target, "bind")

    def unmount(self, name: str) -> bool:
        """Unmounts by source or mount point, trying for ten minutes; False when it is not mounted."""
        if not is_mounted(self.table(), name):
            return False
        for left in reversed(range(UNMOUNT_TRIES)):
            try:
                self._run("umount", name)
            except AgentError:
                if not left:
                    raise
                time.sleep(1)
            else:
                break
        return True
