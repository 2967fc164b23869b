"""Reboot, reset and power-off of a machine: what must stay is its Pod, its address, its root disk and "off"."""

from contextlib import suppress

import pytest

from tests.support.cluster.machines import AgentSilentError, Machine
from tests.support.cluster.wait import eventually

# The rest of what an init does to the firmware is shown for both in test_firmware_power.py.
both_inits = pytest.mark.parametrize("flavour", ["runit", "systemd"])


def assert_same_machine(machine: Machine, before: object) -> None:
    assert machine.identity() == before
    machine.assert_marks()
    machine.assert_never_on_empty_store()
    machine.wait_agent()
    seen = machine.lines()
    eventually(lambda: machine.lines() > seen, within=30, what="the job writes again")
    machine.assert_lines_whole()


@both_inits
def test_reboot_from_inside_keeps_everything(busy_machine: Machine) -> None:
    machine = busy_machine
    before, boots = machine.identity(), machine.boots()
    machine.guest("nohup sh -c 'sleep 0.2; reboot' > /dev/null 2>&1 &")
    machine.wait_booted(boots + 1)

    assert_same_machine(machine, before)
    eventually(lambda: machine.status()["guest"]["boots"] == boots + 1, within=30, what="the operator has heard of it")


def test_reboot_vm_keeps_everything(busy_machine: Machine) -> None:
    machine = busy_machine
    before, boots = machine.identity(), machine.boots()
    machine.cpi("reboot_vm", machine.cid)

    assert machine.boots() == boots + 1
    assert_same_machine(machine, before)


def test_power_off_from_inside_stays_off_and_reboot_vm_starts_it(busy_machine: Machine, node) -> None:
    machine = busy_machine
    before, boots = machine.identity(), machine.boots()
    machine.guest("nohup sh -c 'sleep 0.2; poweroff' > /dev/null 2>&1 &")
    machine.wait("Stopped")
    assert machine.cpi("has_vm", machine.cid) is True

    node.kill_container(machine)
    eventually(lambda: machine.pod()["status"]["containerStatuses"][0]["restartCount"] == before.restarts + 1,
               within=90, what="the kubelet starts the container again")  # fmt: skip
    eventually(lambda: machine.ctl("status").get("state") == "stopped", within=60, what="the firmware idles")
    machine.wait("Stopped")
    assert machine.boots() == boots

    machine.cpi("reboot_vm", machine.cid)
    after = machine.identity()
    assert (after.uid, after.ip) == (before.uid, before.ip)
    assert_same_machine(machine, after)


@both_inits
def test_shutdown_of_the_agent_stays_off(make_machine, stemcell) -> None:
    machine = make_machine(stemcell)
    machine.wait_agent()
    with suppress(AgentSilentError):  # it may be gone before its answer is
        machine.agent("shutdown")
    machine.wait("Stopped")

    assert machine.cpi("has_vm", machine.cid) is True
    assert machine.ctl("status")["power"] == "off"


def test_guest_that_ignores_signals_is_reset(make_machine, stemcell) -> None:
    machine = make_machine(stemcell)
    machine.leave_marks()
    before, boots = machine.identity(), machine.boots()
    # A stopped init takes no signal but SIGKILL: nothing inside can answer an orderly reboot any more.
    machine.kubectl.exec(machine.cid, "/bin/sh", "-c", "kill -STOP $(cat /run/bosh-firmware/guest)")
    machine.cpi("reboot_vm", machine.cid)

    assert machine.boots() == boots + 1
    assert machine.identity() == before
    machine.assert_marks()


def test_crash_of_the_guests_init_boots_again_and_is_counted(busy_machine: Machine) -> None:
    machine = busy_machine
    before, boots = machine.identity(), machine.boots()
    machine.kubectl.exec(machine.cid, "/bin/sh", "-c", "kill -KILL $(cat /run/bosh-firmware/guest)")
    machine.wait_booted(boots + 1)

    assert machine.ctl("status")["crashes"] >= 1
    assert_same_machine(machine, before)


def test_person_switches_power_off_and_on(make_machine, stemcell) -> None:
    machine = make_machine(stemcell)
    machine.leave_marks()
    before, boots = machine.identity(), machine.boots()
    machine.kubectl.patch("virtualmachines.cpi.bosh.io", machine.cid, {"spec": {"power": "Stopped"}})
    machine.wait("Stopped")  # so it is called as soon as the guest is told
    eventually(lambda: machine.ctl("status").get("state") == "stopped", within=90, what="the guest is off")
    machine.kubectl.patch("virtualmachines.cpi.bosh.io", machine.cid, {"spec": {"power": "Running"}})
    machine.wait("Running")

    assert machine.boots() == boots + 1
    assert machine.identity() == before
    machine.assert_marks()
