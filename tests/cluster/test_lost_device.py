"""A device that goes away under a living guest, and another one that comes to its place.

As after a detach and attach behind our back: the file system that the guest writes to is no longer the disk's. Nothing
but a reset makes a guest let go of it.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.cluster.machines import STORE, Machine
from tests.support.cluster.node import Node
from tests.support.cluster.wait import eventually


@pytest.fixture
def replaced(node: Node, tmp_path: Path) -> Iterator[Callable[[str], AbstractContextManager[str]]]:
    """Lets a device's name on the node mean another, empty device for the time of a `with` block; that device's key."""
    file = tmp_path / "another.img"
    with file.open("wb") as stream:
        stream.truncate(64 << 20)
    another = subprocess.run(
        ["losetup", "--find", "--show", file], capture_output=True, text=True, check=True
    ).stdout.strip()

    @contextmanager
    def replace(device: str) -> Iterator[str]:
        number = os.stat(another).st_rdev
        major, minor = os.major(number), os.minor(number)
        node.sh(f"mv {device} {device}.was && mknod {device} b {major} {minor}")
        try:
            yield f"{major}:{minor} /"
        finally:
            node.sh(f"mv {device}.was {device}")

    yield replace
    subprocess.run(["losetup", "--detach", another], check=True)  # it goes once nobody has it mounted


def test_another_device_in_the_place_of_a_disk_resets_the_guest(
    busy_machine: Machine, node: Node, replaced: Callable[[str], AbstractContextManager[str]]
) -> None:
    machine = busy_machine
    [disk] = machine.disks
    before, boots = machine.identity(), machine.boots()
    claim = machine.kubectl.get("pvc", disk)
    assert claim is not None
    volume = machine.kubectl.get("pv", claim["spec"]["volumeName"])
    assert volume is not None
    device = volume["spec"]["local"]["path"]

    bind = f"/var/lib/bosh-kubernetes/{machine.resource()['metadata']['uid']}/disks/{disk}"
    with ExitStack() as stack:
        with machine.paused():  # or the attachment is back before its device is another
            node.sh(f"umount {bind}")
            machine.kubectl.exec(disk, "/firmware/attachment", "unbind")
            machine.kubectl.delete("pod", disk)
            written = machine.lines()
            eventually(lambda: machine.lines() > written, within=30, what="the guest writes on, to the device it has")
            assert not node.free(device)
            key = stack.enter_context(replaced(device))
        machine.wait_booted(boots + 1)
        machine.wait("Running")

        assert machine.ctl("status")["disks"][disk]["key"] == key
        assert machine.ctl("status")["store"] == disk
        assert machine.guest(f"mountpoint -d {STORE}").strip() == key.split()[0]
        assert machine.disk(disk)["phase"] == "Attached"
        assert machine.boots() == boots + 1
        assert machine.identity() == before
        machine.assert_never_on_empty_store()
        eventually(lambda: node.free(device), within=30, what=f"nobody holds {device} any more")
        assert "DiskLost" in {event["reason"] for event in machine.events()}
        machine.cpi("delete_vm", machine.cid)
