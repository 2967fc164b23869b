"""Disks come and go while the machine runs, and never without the guest's consent."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.cluster import volumes
from tests.support.cluster.content import checksum, fill
from tests.support.cluster.cpi import CpiCallError
from tests.support.cluster.machines import STORE, Machine
from tests.support.cluster.wait import eventually


def agent_process(machine: Machine) -> str:
    found = machine.guest("ps -eo pid,lstart,args | grep '[/]bosh/bin/bosh-agent' | head -1")
    assert found, "the agent runs"
    return found


def device_is_free(machine: Machine, disk: str) -> None:
    """Nothing, visible or not, holds the disk's file system."""
    volume = volumes.of_claim(machine.kubectl, disk)
    eventually(volume.free, within=60, what=f"nobody holds {volume}")


@pytest.fixture
def machine(make_machine, stemcell) -> Machine:
    machine = make_machine(stemcell)
    machine.wait_agent()
    return machine


def test_attach_and_detach_leave_the_machine_untouched(machine: Machine, block_class: str) -> None:
    before, agent = machine.identity(), agent_process(machine)
    disk = machine.plug(storage_class=block_class)
    machine.mount(disk)
    total = machine.guest(fill(STORE))
    assert machine.disk(disk)["phase"] == "Attached"
    assert machine.cpi("get_disks", machine.cid) == [disk]
    assert machine.cpi("attach_disk", machine.cid, disk) == {"path": f"/warden-cpi-dev/{disk}"}

    machine.agent("unmount_disk", disk)
    machine.agent("remove_persistent_disk", disk)
    machine.cpi("detach_disk", machine.cid, disk)
    assert machine.cpi("get_disks", machine.cid) == []
    assert machine.kubectl.get("pod", disk) is None
    device_is_free(machine, disk)

    machine.cpi("attach_disk", machine.cid, disk)
    machine.mount(disk)
    assert machine.guest(checksum(STORE)) == total
    assert machine.identity() == before
    assert agent_process(machine) == agent


def test_a_machine_whose_disk_was_detached_comes_up_again(machine: Machine) -> None:
    """The agent keeps a note of its last disk, and would not come up without it."""
    disk = machine.plug()
    machine.mount(disk)
    machine.agent("unmount_disk", disk)
    machine.agent("remove_persistent_disk", disk)
    machine.cpi("detach_disk", machine.cid, disk)

    machine.cpi("reboot_vm", machine.cid)

    machine.wait_agent()


def test_detach_of_a_disk_in_use_names_the_processes_and_changes_nothing(machine: Machine) -> None:
    disk = machine.plug()
    machine.mount(disk)
    machine.guest(f"nohup sh -c 'exec 3> {STORE}/open; exec sleep 1000' > /dev/null 2>&1 &")
    mounts = machine.guest("cat /proc/self/mountinfo | cut -d' ' -f3-5 | sort")

    with pytest.raises(CpiCallError) as failure:
        machine.cpi("detach_disk", machine.cid, disk)

    assert failure.value.type == "Bosh::Clouds::CloudError"
    assert "sleep" in failure.value.message
    assert disk in failure.value.message
    assert machine.guest("cat /proc/self/mountinfo | cut -d' ' -f3-5 | sort") == mounts
    machine.guest(f"echo still-there > {STORE}/after && sync")
    eventually(lambda: machine.disk(disk).get("phase") == "Attached", within=30, what="the disk is attached again")

    machine.guest("kill $(pgrep -x sleep)", check=False)
    machine.cpi("detach_disk", machine.cid, disk)
    assert machine.cpi("get_disks", machine.cid) == []


def test_detach_takes_the_store_along_when_nobody_uses_it(machine: Machine, block_class: str) -> None:
    disk = machine.plug(storage_class=block_class)
    machine.mount(disk)
    machine.cpi("detach_disk", machine.cid, disk)

    assert machine.guest(f"mountpoint -q {STORE} && echo mounted || echo free").strip() == "free"
    device_is_free(machine, disk)


def told_of(machine: Machine, disk: str) -> list[str]:
    """What was told of a disk while it was not attached; the words depend on the moment at which it was looked at."""
    events = [event for event in machine.events() if event["reason"] != "Attached"]
    return [event["message"] for event in events if event["message"].startswith(f"{disk}: ")]


def test_killed_attachment_under_a_writing_guest_loses_nothing(machine: Machine, block_class: str) -> None:
    disk = machine.plug(storage_class=block_class)
    machine.mount(disk)
    machine.start_writer()
    first = machine.kubectl.get("pod", disk)["metadata"]["uid"]
    before, told = machine.lines(), told_of(machine, disk)
    machine.kubectl.delete("pod", disk, "--force", "--grace-period=0")

    def replaced() -> bool:
        pod = machine.kubectl.get("pod", disk)
        return bool(pod) and pod["metadata"]["uid"] != first and machine.disk(disk).get("phase") == "Attached"

    eventually(replaced, within=120, what="the attachment Pod is put back")
    eventually(lambda: machine.lines() > before + 5, within=30, what="the guest goes on writing")
    machine.assert_lines_whole()
    machine.assert_never_on_empty_store()
    assert len(told_of(machine, disk)) > len(told), "that its attachment was gone for a while"


def test_disk_of_another_machine_is_refused(make_machine, stemcell) -> None:
    holder, other = make_machine(stemcell), make_machine(stemcell)
    disk = holder.plug()

    with pytest.raises(CpiCallError, match=holder.cid):
        other.cpi("attach_disk", other.cid, disk)

    assert other.cpi("get_disks", other.cid) == []
    assert holder.disk(disk)["phase"] == "Attached"
    with pytest.raises(CpiCallError, match=holder.cid):
        other.cpi("delete_disk", disk)
    assert other.cpi("has_disk", disk) is True


def test_missing_claim_is_named(machine: Machine) -> None:
    with pytest.raises(CpiCallError, match="disk-none") as failure:
        machine.cpi("attach_disk", machine.cid, "disk-none")

    assert failure.value.type == "Bosh::Clouds::DiskNotFound"
    assert machine.cpi("get_disks", machine.cid) == []


def test_delete_vm_keeps_its_disks(make_machine, stemcell) -> None:
    first = make_machine(stemcell)
    first.wait_agent()
    disk = first.plug()
    first.mount(disk)
    total = first.guest(fill(STORE))
    first.cpi("delete_vm", first.cid)
    assert first.cpi("has_vm", first.cid) is False
    assert first.cpi("has_disk", disk) is True

    second = make_machine(stemcell)
    second.wait_agent()
    second.cpi("attach_disk", second.cid, disk)
    second.mount(disk)
    assert second.guest(checksum(STORE)) == total


def on_device(machine: Machine, disk: str, name: str, folder: Path) -> str:
    """A file of the disk as whoever mounts a copy of its device finds it: what is in the journal counts."""
    copy = shutil.copy(volumes.of_claim(machine.kubectl, disk).image, folder / "copy")
    subprocess.run(["e2fsck", "-E", "journal_only", "-p", copy], capture_output=True, check=False)
    return subprocess.run(["debugfs", "-R", f"cat {name}", copy], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("state", ["mounted", "unmounted", "off"])
def test_what_the_guest_has_written_is_on_the_device_when_a_flush_is_echoed(
    machine: Machine, block_class: str, state: str, tmp_path: Path
) -> None:
    """What snapshot_disk asks for, whether the agent has mounted the disk or not, and of a machine that is off.

    A guest that ends in order leaves nothing behind in memory: what a reset one may have left is written by the node.
    """
    disk = machine.plug(storage_class=block_class)
    if state != "unmounted":
        machine.mount(disk)
    if state == "off":
        machine.kubectl.patch("virtualmachines.cpi.bosh.io", machine.cid, {"spec": {"power": "Stopped"}})
        machine.wait("Stopped")
        folder = f"/var/lib/bosh-kubernetes/{machine.resource()['metadata']['uid']}"
        machine.node.sh(f"echo written-{state} > {folder}/disks/{disk}/file")
    else:
        machine.guest(f"echo written-{state} > /warden-cpi-dev/{disk}/file")

    wish = {"cid": disk, "flush": "by-the-test"}
    machine.kubectl.patch("virtualmachines.cpi.bosh.io", machine.cid, {"spec": {"disks": [wish]}})
    eventually(lambda: machine.disk(disk).get("flush"), within=60, what="the flush is echoed")

    assert machine.disk(disk)["flush"] == {"id": "by-the-test"}
    assert on_device(machine, disk, "file", tmp_path) == f"written-{state}\n"
