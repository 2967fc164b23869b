"""The agent's settings of a machine whose caller speaks version 1 of the CPI API: they list its disks."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.component.firmware.container import Container

Make = Callable[..., Container]
FILE = "/var/vcap/bosh/warden-cpi-agent-env.json"
NOTE = "/var/vcap/bosh/managed_disk_settings.json"
shells = pytest.mark.parametrize("shell", ["dash", "busybox"])


def settings(machine: Container) -> dict[str, Any]:
    """What the guest's agent would read."""
    content: dict[str, Any] = json.loads(machine.guest(f"cat {FILE}"))
    return content


def listed(machine: Container) -> list[str]:
    return sorted(settings(machine)["disks"]["persistent"])


def attach(machine: Container, *disks: str) -> None:
    for disk in disks:
        machine.plug(disk)
        assert machine.ctl("attach", disk, "settings")[0] == 0


def mount(machine: Container, disk: str, place: str = "store") -> None:
    """As the agent's mount_disk: bound where it belongs, and noted as the last one."""
    machine.guest(f"mkdir -p /var/vcap/{place}; mount --bind {machine.disks}/{disk} /var/vcap/{place}")
    machine.guest(f"printf {disk} > {NOTE}")


def reboot(machine: Container, boots: int) -> None:
    machine.ctl("reboot", f"r-{boots}")
    machine.wait("running", boots=boots)


@shells
def test_a_disk_is_listed_when_its_order_is_answered_and_no_more_when_it_is_released(make: Make, shell: str) -> None:
    machine = make(shell=shell)
    before = settings(machine)

    attach(machine, "disk-a")
    assert machine.ctl("attach", "disk-a", "settings")[0] == 0
    after = settings(machine)
    attach(machine, "disk-b")
    machine.plug("disk-c")
    machine.ctl("attach", "disk-c")  # of a caller of API 2, which tells the agent itself

    assert before["disks"]["persistent"] == {}
    hint = {"path": f"{machine.disks}/disk-a"}
    assert after == {**before, "disks": {**before["disks"], "persistent": {"disk-a": hint}}}
    assert machine.guest(f"stat -c '%a %u' {FILE}") == "600 0\n"
    assert listed(machine) == ["disk-a", "disk-b"]
    assert machine.ctl("release", "disk-a") == (0, {"released": True})
    assert listed(machine) == ["disk-b"]
    assert machine.guest("ls -A /var/vcap/bosh | grep warden") == f"{FILE.rpartition('/')[2]}\n", "nothing is left over"


def test_a_busy_disk_stays_listed(make: Make) -> None:
    machine = make()
    attach(machine, "disk-a")
    mount(machine, "disk-a")
    machine.guest("touch /var/vcap/store/file; exec setsid sleep 1000 < /var/vcap/store/file > /dev/null 2>&1 &")

    assert machine.ctl("release", "disk-a")[0] == 1
    assert listed(machine) == ["disk-a"]
    machine.guest("pkill -x sleep; true")


@shells
def test_two_disks_at_once_are_both_listed(make: Make, shell: str) -> None:
    machine = make(shell=shell)
    disks = [f"disk-{n}" for n in range(8)]
    for disk in disks:
        machine.plug(disk)

    machine.sh(f"for d in {' '.join(disks)}; do sh $FW/ctl attach $d settings > /dev/null & done; wait")

    assert listed(machine) == disks


@shells
def test_a_boot_lists_the_disk_in_use_alone(make: Make, shell: str) -> None:
    """With two the agent does not come up: "Unexpected disk attached"."""
    machine = make(shell=shell)
    attach(machine, "disk-a")
    mount(machine, "disk-a")
    attach(machine, "disk-b")

    reboot(machine, 2)
    assert machine.wait("running")["store"] == "disk-a"
    assert listed(machine) == ["disk-a"]

    # Asked for again, the other is listed again, and the reboot hits the migration.
    assert machine.ctl("attach", "disk-b", "settings")[0] == 0
    assert listed(machine) == ["disk-a", "disk-b"]
    mount(machine, "disk-b", "store_migration_target")
    reboot(machine, 3)
    assert machine.wait("running")["store"] == "disk-a", "the copy may be half done"
    assert (listed(machine), machine.guest(f"cat {NOTE}")) == (["disk-a"], "disk-a")

    # The migration is done when the old one is detached.
    assert machine.ctl("attach", "disk-b", "settings")[0] == 0
    machine.guest(f"umount /var/vcap/store; printf disk-b > {NOTE}")
    assert machine.ctl("release", "disk-a")[0] == 0
    reboot(machine, 4)
    assert machine.wait("running")["store"] == "disk-b"
    assert listed(machine) == ["disk-b"]


def test_a_disk_of_a_machine_that_is_off_is_listed_by_its_next_boot(make: Make) -> None:
    machine = make()
    machine.ctl("stop")
    machine.wait("stopped")
    attach(machine, "disk-a")
    machine.plug("disk-b")
    second, _ = machine.ctl("attach", "disk-b", "settings")

    machine.ctl("release", "disk-b")
    machine.ctl("start")
    machine.wait("running", boots=2)

    assert second == 75, "a boot lists one: it cannot be promised"
    assert listed(machine) == ["disk-a"]
