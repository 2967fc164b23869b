"""A device that goes away under a living guest, and another one that comes to its place.

As after a detach and attach behind our back: the file system that the guest writes to is no longer the disk's. Nothing
but a reset makes a guest let go of it.
"""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.support.cluster import volumes
from tests.support.cluster.machines import STORE, Machine
from tests.support.cluster.node import Node
from tests.support.cluster.volumes import Volume
from tests.support.cluster.wait import eventually


@contextmanager
def replaced(volume: Volume) -> Iterator[Volume]:
    """Lets another, empty image be the volume for the time of a `with` block; the first one is where this says then."""
    was = Volume(volume.image.with_suffix(".was"))
    size = volume.image.stat().st_size
    volume.image.rename(was.image)
    with volume.image.open("wb") as stream:
        stream.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", volume.image], check=True)
    try:
        yield was
    finally:
        was.image.rename(volume.image)


def test_another_device_in_the_place_of_a_disk_resets_the_guest(busy_machine: Machine, node: Node) -> None:
    machine = busy_machine
    [disk] = machine.disks
    before, boots = machine.identity(), machine.boots()
    volume = volumes.of_claim(machine.kubectl, disk)

    bind = f"/var/lib/bosh-kubernetes/{machine.resource()['metadata']['uid']}/disks/{disk}"
    with ExitStack() as stack:
        with machine.paused():  # or the attachment is back before its device is another
            node.sh(f"umount {bind}")
            machine.kubectl.exec(disk, "/firmware/attachment", "unbind")
            machine.kubectl.delete("pod", disk)
            written = machine.lines()
            eventually(lambda: machine.lines() > written, within=30, what="the guest writes on, to the device it has")
            assert not volume.free()
            was = stack.enter_context(replaced(volume))
        machine.wait_booted(boots + 1)
        machine.wait("Running")

        [key] = volume.keys()
        assert machine.ctl("status")["disks"][disk]["key"] == f"{key} /"
        assert machine.ctl("status")["store"] == disk
        assert machine.guest(f"mountpoint -d {STORE}").strip() == key
        assert machine.disk(disk)["phase"] == "Attached"
        assert machine.boots() == boots + 1
        assert machine.identity() == before
        machine.assert_never_on_empty_store()
        eventually(was.free, within=30, what=f"nobody holds {was} any more")
        assert "DiskLost" in {event["reason"] for event in machine.events()}
        machine.cpi("delete_vm", machine.cid)
