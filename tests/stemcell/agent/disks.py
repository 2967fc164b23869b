"""The disk actions, with the real agent's behaviour in bind mode, traps included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .errors import AgentError, wrap
from .mounts import Mounter, is_mounted, store_target
from .settings import Store
from .shell import Run, run

STORE = "/var/vcap/store"
MIGRATION = "/var/vcap/store_migration_target"


def mountable(sfdisk_output: str, sfdisk_errors: str = "") -> bool:
    """Does `sfdisk -d` speak of a partition? More than four lines; never so for a directory."""
    return "unrecognized partition table type" not in sfdisk_errors and len(sfdisk_output.split("\n")) > 4


class Disks:
    def __init__(self, store: Store, mounter: Mounter, run: Run = run) -> None:
        self._store = store
        self._mounter = mounter
        self._run = run

    # ---- at boot

    def restore(self) -> None:
        """Mounts the disk mounted last, if it is known and has partitions: a directory is skipped in silence."""
        last = self._store.last_mounted
        with wrap("Checking last mounted CID"):
            known = self._store.disks()
            if last and known and last not in known:
                raise AgentError(f"Attached disk disagrees with previous mount: disk '{last}' could not be found")
        if last:
            with wrap("Mounting last mounted disk"):
                with wrap("Fetching disk settings"):
                    found = self._store.disk(last)
                if self._has_partitions(found["Path"]):
                    self._mount(found)
        with wrap("Comparing persistent disks"):
            # Disk associations come by update_settings, which the stand-in does not know: there are none.
            if len(known) > 1:
                raise AgentError("Unexpected disk attached")

    def _has_partitions(self, path: str) -> bool:
        try:
            return mountable(self._run("sfdisk", "-d", path))
        except AgentError as failure:
            return mountable("", str(failure))

    # ---- actions

    def add_persistent_disk(self, cid: str, hint: object) -> dict[str, str]:
        self._store.load()
        with wrap("Saving persistent disk hints"):
            self._store.remember(cid, hint)
        return {}

    def remove_persistent_disk(self, cid: str) -> dict[str, str]:
        self._store.load()
        with wrap("Removing persistent disk hints"):
            self._store.forget(cid)
        return {}

    def list_disk(self) -> list[str]:
        """Disks whose path is a mount source or a mount point: mounted on the store or not."""
        self._store.load()
        table = self._mounter.table()
        for cid, found in self._store.disks().items():
            if not found["Path"]:
                raise AgentError(f"Checking whether device {cid} is mounted: Getting real device path: path is missing")
        return [cid for cid, found in self._store.disks().items() if is_mounted(table, found["Path"])]

    def mount_disk(self, cid: str) -> dict[str, str]:
        self._store.load()
        with wrap("Reading persistent disk settings"):
            found = self._store.disk(cid)
        with wrap("Mounting persistent disk"):
            self._mount(found)
        return {}

    def unmount_disk(self, cid: str) -> dict[str, str]:
        """Unmounts the disk's path: in bind mode that is the volume's own mount, /var/vcap/store stays."""
        with wrap("Getting persistent disk settings"):
            found = self._store.disk(cid)
        with wrap("Unmounting persistent disk"):
            done = self._mounter.unmount(found["Path"])
        return {"message": f"Unmounted partition of {cid}" if done else f"Partition of {cid} is not mounted"}

    def migrate_disk(self, *_cids: str) -> dict[str, str]:
        """Copies the store to the migration target and takes its place. CIDs given are ignored.

        The last step binds what a bare `mount` names as the source of the migration target: the name of a device,
        on which it fails, unless a `mount` on the PATH names the directory that was bound.
        """
        with wrap("Migrating persistent disk"):
            # Read-only remount of the old one: the real agent leaves it out in bind mode.
            # A tar that fails on the reading side goes unseen, as there.
            copy = f"tar -C {STORE} --xattrs --sparse -cf - . | tar -C {MIGRATION} --xattrs -xpf -"
            with wrap("Copying files from old disk to new disk"):
                self._run("sh", "-c", copy)
            with wrap("Unmounting old persistent disk"):
                self._mounter.unmount(STORE)
            with wrap("Remounting new disk on original mountpoint"):
                self._mounter.remount(MIGRATION, STORE)
        return {}

    def _mount(self, found: dict[str, Any]) -> None:
        if not found["Path"]:
            raise AgentError("Getting real device path: path is missing")
        target = store_target(self._mounter.table(), found["Path"], STORE, MIGRATION)
        if target is None:
            return
        Path(target).mkdir(mode=0o700, parents=True, exist_ok=True)
        with wrap("Mounting partition"):
            self._mounter.mount(found["Path"], target, *(found["MountOptions"] or []), "bind")
        self._store.last_mounted = found["ID"]
