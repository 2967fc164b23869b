"""A machine whose root disk has no block or no inode left stays a machine: it boots, and takes orders."""

import json
from collections.abc import Callable

import pytest

from tests.component.firmware.container import SECONDS, Container
from tests.support.cluster.wait import eventually

Make = Callable[..., Container]
ROOT = "/run/bosh-firmware/root"
# What fills the disk, and goes on to take whatever becomes free.
EATERS = {
    "blocks": "fallocate -l 4G fill; while :; do head -c 65536 /dev/zero >> fill; sleep .01; done",
    "inodes": "n=0; while :; do n=$((n + 1)); touch f$n || sleep .01; done",
}
ANYTHING = {"blocks": "head -c 8192 /dev/zero > probe", "inodes": "touch probe"}
INODES = {"blocks": 0, "inodes": 300}


# As ext4 keeps back up to 16 MiB for itself, a large disk has many free blocks that nobody gets.
LARGE = 1024


def fill(machine: Container, what: str) -> None:
    machine.guest(f"cd /var/vcap/data; setsid sh -c '{EATERS[what]}' < /dev/null > /dev/null 2>&1 &")
    machine.sh(f"cd {ROOT}/data; while ({ANYTHING[what]}) 2> /dev/null; do rm probe; sleep .05; done; rm -f probe")


@pytest.mark.parametrize(
    ("shell", "root", "size", "what"),
    [("dash", "claim", LARGE, "blocks"), ("busybox", "claim", 48, "inodes"), ("busybox", "image", 48, "blocks")],
)
def test_it_boots_again_and_remembers(make: Make, shell: str, root: str, size: int, what: str) -> None:
    machine = make(shell=shell, root=root, size=size, inodes=INODES[what])
    for n in (1, 2, 3):
        fill(machine, what)
        assert machine.ctl("reboot", f"r-{n}")[0] == 0
        machine.wait("running", boots=n + 1, served=f"r-{n}", crashes=0)
    fill(machine, what)

    code, answer = machine.ctl("attach", "disk-a")
    stopped, _ = machine.ctl("stop")
    machine.wait("stopped", power="off", boots=4)
    machine.kill()
    machine.on()
    machine.wait("stopped", power="off", boots=4)
    machine.ctl("start")
    machine.wait("waiting", power="on", missing=["disk-a"])
    machine.ctl("release", "disk-a")
    machine.wait("running", boots=5, crashes=0)

    assert (code, answer["missing"], stopped) == (75, ["disk-a"], 0)


@pytest.mark.parametrize("what", ["blocks", "inodes"])
def test_a_power_off_from_inside_is_remembered(make: Make, what: str) -> None:
    machine = make(inodes=INODES[what])
    fill(machine, what)

    machine.guest("/var/vcap/bosh/bin/poweroff -f")
    machine.wait("stopped", power="off")
    machine.kill()
    machine.on()

    machine.wait("stopped", power="off", boots=1)


def test_an_order_that_cannot_be_stored_is_refused(make: Make) -> None:
    machine = make()
    machine.ctl("attach", "disk-b")
    before = machine.wait("running")
    machine.sh(f"mount -o remount,ro {ROOT}")

    for order in (("stop",), ("reboot", "r-1"), ("reset", "r-1"), ("attach", "disk-a"), ("release", "disk-b")):
        code, answer = machine.ctl(*order)
        assert (code, list(answer)) == (1, ["error"]), order
        assert "root disk is full or read-only" in answer["error"]
    assert machine.ctl("status") == (0, before)


def test_a_reserve_that_is_lost_is_made_anew_when_there_is_room(make: Make) -> None:
    machine = make()
    fresh = machine.sh(f"cd {ROOT}/state/reserve; ls; du -sk .")
    fill(machine, "blocks")
    machine.sh(f"rm {ROOT}/state/reserve/*; until [ $(stat -f -c %a {ROOT}) -lt 20 ]; do sleep .05; done")
    refused, _ = machine.ctl("stop")
    machine.guest("pkill -f [z]ero; rm /var/vcap/data/fill")

    eventually(lambda: machine.ctl("reboot", "r-1")[0] == 0, within=SECONDS, what="an order is stored again")
    machine.wait("running", served="r-1")

    assert refused == 1
    assert machine.sh(f"cd {ROOT}/state/reserve; ls; du -sk .") == fresh


def test_the_agents_settings_have_room_for_a_disk(make: Make) -> None:
    machine = make(size=LARGE)
    machine.plug("disk-a")
    fill(machine, "blocks")

    attached, _ = machine.ctl("attach", "disk-a", "settings")

    listed = json.loads(machine.guest("cat /var/vcap/bosh/warden-cpi-agent-env.json"))["disks"]["persistent"]
    assert (attached, list(listed)) == (0, ["disk-a"])
