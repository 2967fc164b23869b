"""Process 1 lives through what the guest and the node do to it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.component.firmware.container import MIB, SECONDS, Container
from tests.support.cluster.wait import eventually

Make = Callable[..., Container]
shells = pytest.mark.parametrize("shell", ["dash", "busybox"])
# As PID 1 of its namespace an init gets no signal that it has no handler for: it is gone, nothing keeps it.
LATE = "while [ ! -e /run/go ]; do sleep .1; done; trap 'exit 0' 38 39; while :; do sleep .1; done"


@shells
def test_a_layer_that_cannot_be_written_does_not_end_it(make: Make, shell: str) -> None:
    machine = make(shell=shell)
    before = machine.firmware
    machine.sh("mount -o remount,ro /run && kill -KILL $(cat /run/bosh-firmware/guest)")
    eventually(lambda: "guest ended" in machine.log(), within=SECONDS, what="the guest has ended")
    eventually(lambda: "boot 2" in machine.log(), within=SECONDS, what="another boot is tried")

    machine.sh("mount -o remount,rw /run")
    machine.wait("running")

    assert machine.firmware == before


@pytest.mark.parametrize(("shell", "order"), [("dash", "reboot"), ("busybox", "stop")])
def test_an_init_that_listens_late_hears_the_order_all_the_same(make: Make, shell: str, order: str) -> None:
    machine = make(shell=shell, manager="systemd", init=LATE, off_timeout=600)
    machine.ctl(*(("reboot", "r-1") if order == "reboot" else ("stop",)))
    machine.wait("stopping")
    eventually(lambda: "stopping" in machine.log(), within=SECONDS, what="the order was passed on")

    machine.guest("touch /run/go")

    if order == "reboot":
        machine.wait("running", boots=2, served="r-1", crashes=0)
    else:
        machine.wait("stopped", boots=1, crashes=0)
    assert "ignores us" not in machine.log()


@shells
def test_the_guest_cannot_fill_the_containers_layer_where_it_leaves_its_wish(make: Make, shell: str) -> None:
    machine = make(shell=shell)
    machine.guest("cd /run/bosh-firmware; head -c 8388608 /dev/zero > .fill; mkdir -p .a; touch .a/1; true")
    taken = int(machine.sh("du -sk /run/bosh-firmware/wish").split()[0]) * 1024
    machine.ctl("reboot", "r-1")
    machine.wait("running", boots=2, crashes=0)

    machine.guest("/var/vcap/bosh/bin/poweroff -f")
    machine.wait("stopped", power="off")

    assert taken <= MIB


def test_the_wish_of_the_last_life_is_not_this_ones(make: Make) -> None:
    machine = make()
    machine.guest("echo off > /run/bosh-firmware/wish")
    machine.ctl("reboot", "r-1")
    machine.wait("running", boots=2, served="r-1")

    machine.sh("kill -KILL $(cat /run/bosh-firmware/guest)")

    machine.wait("running", boots=3, crashes=1)


def test_the_agents_note_of_a_detached_disk_does_not_outlive_a_reboot(make: Make) -> None:
    """With the note, and no hint of that disk, the agent ends in "Fetching disk settings"."""
    machine = make()
    machine.guest("cd /var/vcap/bosh; printf disk-a > managed_disk_settings.json; echo {} > persistent_disk_hints.json")

    machine.ctl("reboot", "r-1")
    machine.wait("running", boots=2)

    assert "managed_disk_settings.json" not in machine.guest("ls /var/vcap/bosh").split()


def test_a_reboot_that_is_ordered_while_the_guest_switches_itself_off_is_served(make: Make) -> None:
    """What the firmware notes of the power-off comes after the order then, and would be the last word."""
    machine = make()
    machine.guest("/var/vcap/bosh/bin/poweroff -f")
    machine.wait("stopped", power="off")

    machine.sh("echo 'r-1 reboot' > /run/bosh-firmware/root/state/pending; kill -USR1 1")

    machine.wait("running", power="on", served="r-1", pending="")


def write_end(pipe: Path) -> int:
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        raise AssertionError("nobody reads it") from None


@shells
def test_a_disk_that_is_released_while_the_guest_is_built_is_not_its_store(make: Make, shell: str) -> None:
    """Nobody would find it in the guest, and its device be taken away under the mount that comes a moment later."""
    machine = make(shell=shell)
    machine.plug("disk-a")
    machine.ctl("attach", "disk-a")
    notes = "printf disk-a > managed_disk_settings.json; echo '{\"disk-a\": {}}' > persistent_disk_hints.json"
    machine.guest(f"cd /var/vcap/bosh; {notes}")
    machine.ctl("reboot", "r-1")
    assert machine.wait("running", boots=2)["store"] == "disk-a"
    machine.ctl("stop")
    machine.wait("stopped")
    settings = Path(machine.environment["SETTINGS"], "settings.json")
    text = settings.read_text()
    settings.unlink()
    os.mkfifo(settings)  # on which the guest waits while it is built

    machine.ctl("start")
    pipe = eventually(lambda: write_end(settings), within=SECONDS, what="the guest is being built", every=0.05)
    released = machine.ctl("release", "disk-a")
    settings.unlink()
    settings.write_text(text)
    os.write(pipe, text.encode())
    os.close(pipe)

    machine.wait("running", store="")
    assert released == (0, {"released": True})
    assert "/var/vcap/store" not in machine.guest("cat /proc/self/mountinfo")
