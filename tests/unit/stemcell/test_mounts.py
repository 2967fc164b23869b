"""What the agent makes of a mount listing: the tables are those of a bind-mounting container."""

from __future__ import annotations

import pytest

from tests.stemcell.agent.errors import AgentError
from tests.stemcell.agent.mounts import Mount, Mounter, is_mounted, parse, should_mount, source_at, store_target

STORE, MIGRATION = "/var/vcap/store", "/var/vcap/store_migration_target"
DISK_A, DISK_B = "/warden-cpi-dev/disk-a", "/warden-cpi-dev/disk-b"

# One file system for all: what directory volumes give. A shim names the directory that was bound.
PLAIN = [Mount("/dev/vda", DISK_A), Mount("/dev/vda", DISK_B), Mount("/dev/vda", STORE), Mount("/dev/vda", MIGRATION)]
SHIMMED = [Mount("/dev/vda", DISK_A), Mount("/dev/vda", DISK_B), Mount(DISK_A, STORE), Mount(DISK_B, MIGRATION)]


def test_a_listing_is_read_by_its_words() -> None:
    listing = "/dev/vda on /var/log type ext4 (rw,nodev)\n\ntmpfs on /run type tmpfs (rw)\n"
    assert parse(listing) == [Mount("/dev/vda", "/var/log"), Mount("tmpfs", "/run")]


def test_the_first_mount_listed_at_a_place_counts() -> None:
    assert source_at([Mount("a", "/x"), Mount("b", "/x")], "/x") == "a"
    assert source_at([Mount("a", "/x")], "/y") is None


@pytest.mark.parametrize(
    ("name", "mounted"),
    [(DISK_A, True), (STORE, True), ("/dev/vda", True), ("/warden-cpi-dev/disk-c", False), (DISK_A + "/below", False)],
)
def test_mounted_means_source_or_mount_point(name: str, mounted: bool) -> None:
    assert is_mounted(PLAIN, name) is mounted


@pytest.mark.parametrize(
    ("mounts", "source", "target", "wanted"),
    [
        ([], DISK_A, STORE, True),
        ([Mount(DISK_A, STORE)], DISK_A, STORE, False),
        ([Mount("tmpfs", "/run")], "tmpfs", "/dev/shm", True),
        ([Mount("/dev/vda", "/var/log")], "", "/var/log", True),
        ([Mount("/dev/vda", DISK_A)], DISK_A, STORE, True),
    ],
    ids=[
        "nothing there",
        "just this there",
        "tmpfs has many places",
        "a remount names no source",
        "disk seen, not in use",
    ],
)
def test_what_is_mounted(mounts: list[Mount], source: str, target: str, wanted: bool) -> None:
    assert should_mount(mounts, source, target) is wanted


@pytest.mark.parametrize(
    ("mounts", "source", "target", "message"),
    [
        (
            [Mount(DISK_A, MIGRATION)],
            DISK_A,
            STORE,
            f"Device {DISK_A} is already mounted to {MIGRATION}, can't mount to {STORE}",
        ),
        ([Mount("x", STORE)], DISK_A, STORE, f"Device x is already mounted to {STORE}, can't mount {DISK_A}"),
    ],
)
def test_what_is_refused(mounts: list[Mount], source: str, target: str, message: str) -> None:
    with pytest.raises(AgentError) as refused:
        should_mount(mounts, source, target)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("mounts", "device", "target"),
    [
        ([], DISK_A, STORE),
        ([Mount("/dev/vda", STORE)], DISK_A, MIGRATION),
        ([Mount(DISK_A, STORE)], DISK_A, MIGRATION),
        ([Mount("/dev/sdb1", STORE)], "/dev/sdb", None),
    ],
    ids=["store free", "store taken", "even by the same disk", "its first partition is there"],
)
def test_where_a_disk_goes(mounts: list[Mount], device: str, target: str | None) -> None:
    assert store_target(mounts, device, STORE, MIGRATION) == target


class Machine:
    """A mount table that `mount` and `umount` change; it lists sources as plain or as shimmed."""

    def __init__(self, mounts: list[Mount]) -> None:
        self.mounts = list(mounts)
        self.ran: list[tuple[str, ...]] = []

    def __call__(self, *command: str) -> str:
        if command == ("mount",):
            return "".join(f"{one.source} on {one.target} type ext4 (rw)\n" for one in self.mounts)
        self.ran.append(command)
        if command[0] == "umount":
            self.mounts.remove(next(one for one in self.mounts if command[1] in (one.source, one.target)))
        return ""


def test_a_mount_moves_when_the_listing_names_the_directory() -> None:
    machine = Machine([one for one in SHIMMED if one.target != STORE])
    Mounter(machine).remount(MIGRATION, STORE)
    assert machine.ran == [("umount", MIGRATION), ("mount", DISK_B, STORE, "-o", "bind")]


def test_a_mount_does_not_move_when_the_listing_names_the_device() -> None:
    machine = Machine([one for one in PLAIN if one.target != STORE])
    with pytest.raises(AgentError, match=f"Device /dev/vda is already mounted to {DISK_A}, can't mount to {STORE}"):
        Mounter(machine).remount(MIGRATION, STORE)
    assert machine.ran == [("umount", MIGRATION)]


def test_unmount_takes_the_disks_own_mount_and_leaves_the_store() -> None:
    machine = Machine(PLAIN[:3])
    assert Mounter(machine).unmount(DISK_A) is True
    assert machine.ran == [("umount", DISK_A)]
    assert Mounter(machine).unmount(DISK_A) is False


def test_a_remount_in_place_says_neither_source_nor_bind() -> None:
    machine = Machine([Mount("/dev/vda", "/var/log")])
    Mounter(machine).remount_in_place("/var/log", "nodev", "noexec")
    assert machine.ran == [("mount", "", "/var/log", "-o", "remount", "-o", "nodev", "-o", "noexec")]
