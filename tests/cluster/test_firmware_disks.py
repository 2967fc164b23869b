"""Disks that come and go under a running machine, driven without operator."""

from collections.abc import Callable

import pytest

from tests.support.cluster import volumes
from tests.support.cluster.firmware import BareMachine
from tests.support.cluster.node import Node
from tests.support.cluster.wait import eventually

Make = Callable[..., BareMachine]
WRITER = (
    "setsid sh -c 'while :; do n=$((n + 1)); echo $n >> /var/vcap/store/lines; sleep 0.05; done'"
    " < /dev/null > /dev/null 2>&1 & echo $! > /tmp/writer"
)
# of the disk alone: an agent that just starts makes others
MOUNTS = 'grep " $(mountpoint -d /var/vcap/store) " /proc/1/mountinfo'


def lines(machine: BareMachine) -> list[int]:
    return [int(line) for line in machine.guest("cat /var/vcap/store/lines").split()]


def mount_of(machine: BareMachine, disk: str) -> str:
    """The mount itself where the disk appears: its line of the mount table, with its id."""
    return machine.kubectl.exec(machine.name, "grep", f" /warden-cpi-dev/{disk} ", "/proc/self/mountinfo")


@pytest.mark.parametrize("flavour", ["runit", "systemd"])
def test_a_disk_is_plugged_used_refused_while_busy_and_free_afterwards(
    bare: Make, block_class: str, flavour: str
) -> None:
    machine = bare(flavour)
    before = machine.identity()
    disk = machine.attach(block_class)
    machine.use(disk)
    machine.ctl("reboot", "r-1")  # services that start now would each pin the disk, were the guest's root not shared
    machine.wait("running", boots=2, store=disk)
    machine.wait_init(flavour)
    machine.guest("echo kept > /var/vcap/store/file; mkdir /tmp/other; mount --bind /var/vcap/store /tmp/other")
    machine.guest("exec setsid sleep 1000 < /var/vcap/store/file > /dev/null 2>&1 & sleep 0.3")
    mounts = machine.guest(MOUNTS)

    busy, said = machine.code("machine", "/firmware/ctl", "release", disk)
    held, holders = machine.code(disk, "/firmware/attachment", "unbind")

    assert (busy, held) == (1, 1)
    assert '"released":false' in said
    assert " sleep" in said
    assert "/var/vcap/store" in holders
    assert machine.guest(MOUNTS) == mounts

    machine.guest("pkill -x sleep; cd /")
    eventually(lambda: machine.ctl("release", disk).get("released"), within=20, what=f"{disk} is released")
    volume = volumes.of_claim(machine.kubectl, disk)
    machine.unplug(disk)

    eventually(volume.free, within=30, what=f"nobody holds {volume}")
    assert machine.ctl("status")["disks"] == {}
    assert machine.guest("mountpoint -q /var/vcap/store || echo none") == "none\n"
    assert machine.identity() == before


@pytest.mark.parametrize("kind", ["block_class", "file_class"])
def test_a_disk_that_the_agent_gave_up_and_a_job_did_not_comes_back(
    bare: Make, request: pytest.FixtureRequest, kind: str
) -> None:
    machine = bare("runit")
    disk = machine.attach(request.getfixturevalue(kind))
    machine.use(disk)
    machine.guest("echo kept > /var/vcap/store/file")
    machine.guest("exec setsid sleep 1000 < /var/vcap/store/file > /dev/null 2>&1 & sleep 0.3")
    machine.guest(f"umount /warden-cpi-dev/{disk}")  # as the agent does at unmount_disk
    refused, _ = machine.code("machine", "/firmware/ctl", "release", disk)

    attached, _ = machine.code("machine", "/firmware/ctl", "attach", disk)

    assert (refused, attached) == (1, 0)
    assert machine.guest(f"cat /warden-cpi-dev/{disk}/file") == "kept\n"
    machine.guest("pkill -x sleep; cd /")
    eventually(lambda: machine.ctl("release", disk).get("released"), within=20, what=f"{disk} is released")
    machine.unplug(disk)
    assert disk not in machine.guest("cat /proc/1/mountinfo")


def test_a_directory_volume_is_a_disk_too(bare: Make, file_class: str) -> None:
    machine = bare("runit")
    disk, other = machine.attach(file_class), machine.attach(file_class)
    machine.use(disk)

    owner = machine.guest("stat -c '%u:%g %a' /warden-cpi-dev/* | sort -u")
    status = machine.ctl("status")["disks"]
    released = machine.ctl("release", other)
    source = machine.guest("PATH=/var/vcap/bosh/bin:$PATH; mount | grep ' on /var/vcap/store '")

    assert owner == "0:0 755\n"
    assert status[disk]["held"] == ["/var/vcap/store"]
    assert status[other]["held"] == []
    assert released == {"released": True}
    assert source.startswith(f"/warden-cpi-dev/{disk} on ")
    assert machine.ctl("release", disk) == {"released": True}


def test_a_machine_boots_only_when_its_disks_are_there(bare: Make, block_class: str) -> None:
    machine = bare("runit")
    disk = machine.attach(block_class)
    machine.use(disk)
    machine.guest("echo kept > /var/vcap/store/file")
    machine.ctl("stop")
    machine.wait("stopped")
    machine.unplug(disk)

    machine.ctl("start")
    machine.wait("waiting", missing=[disk], boots=1)
    machine.plug(disk)
    machine.wait("running", boots=2, store=disk)

    assert machine.guest("cat /var/vcap/store/file") == "kept\n"


def test_a_disk_taken_away_while_off_is_not_waited_for(bare: Make, file_class: str) -> None:
    machine = bare("runit")
    disk = machine.attach(file_class)
    machine.use(disk)
    machine.ctl("stop")
    machine.wait("stopped")
    machine.unplug(disk)
    machine.ctl("start")
    machine.wait("waiting", missing=[disk])

    machine.ctl("release", disk)
    machine.wait("running", boots=2, missing=[], stray=disk, store="")

    assert machine.guest("mountpoint -q /var/vcap/store || echo none") == "none\n"


@pytest.mark.parametrize("how", ["kill", "term"])
def test_an_attachment_that_dies_takes_nothing_away(bare: Make, node: Node, block_class: str, how: str) -> None:
    machine = bare("runit")
    disk = machine.attach(block_class)
    machine.use(disk)
    before, mount = machine.ctl("status")["disks"][disk], mount_of(machine, disk)
    machine.guest(WRITER)
    status = machine.kubectl.get("pod", disk)["status"]["containerStatuses"][0]  # type: ignore[index]

    if how == "kill":
        container = status["containerID"].removeprefix("containerd://")
        node.sh(f"ctr --namespace k8s.io tasks kill --signal SIGKILL {container}")
        eventually(
            lambda: machine.kubectl.get("pod", disk)["status"]["containerStatuses"][0]["restartCount"] == 1,  # type: ignore[index]
            within=60, what="the attachment is back",
        )  # fmt: skip
        machine.kubectl.run("wait", "--for=condition=Ready", f"pod/{disk}", "--timeout=60s")
    else:
        machine.kubectl.delete("pod", disk, "--wait=false")
        eventually(lambda: "TERM changes nothing" in machine.kubectl.run("logs", disk), within=20, what="TERM has come")

    written = lines(machine)
    assert machine.code(disk, "/firmware/attachment", "status") == (0, f'{{"bound":true,"key":"{before["key"]}"}}\n')
    assert machine.ctl("status")["disks"][disk] == before
    assert mount_of(machine, disk) == mount, "the bind that guards the device was there all the time"
    eventually(lambda: len(lines(machine)) > len(written) > 3, within=20, what="the guest goes on writing")
    seen = lines(machine)
    assert seen == list(range(1, len(seen) + 1))
    machine.guest("kill $(cat /tmp/writer)")


def test_an_attachment_that_was_told_to_end_ends_once_it_is_unbound(bare: Make, file_class: str) -> None:
    machine = bare("runit")
    disk = machine.attach(file_class)
    machine.kubectl.delete("pod", disk, "--wait=false")
    eventually(lambda: "TERM changes nothing" in machine.kubectl.run("logs", disk), within=20, what="TERM has come")

    machine.ctl("release", disk)
    machine.code(disk, "/firmware/attachment", "unbind")

    eventually(lambda: machine.kubectl.get("pod", disk) is None, within=20, what="the attachment Pod is gone")
