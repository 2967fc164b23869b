"""Machines of callers that speak version 1 of the CPI API: their agents find disks in the settings, nowhere else."""

import json
import uuid
from collections.abc import Callable

import pytest

from tests.support.cluster.cpi import Cpi
from tests.support.cluster.machines import STORE, Machine
from tests.support.cluster.wait import eventually

SETTINGS = "/var/vcap/bosh/warden-cpi-agent-env.json"
TARGET = "/var/vcap/store_migration_target"


@pytest.fixture
def old(new_cpi: Callable[..., Cpi]) -> Cpi:
    return new_cpi(str(uuid.uuid4()), version=1)


@pytest.fixture
def machine(make_machine: Callable[..., Machine], stemcell: str, old: Cpi) -> Machine:
    machine = make_machine(stemcell, cpi=old)
    machine.wait_agent()
    return machine


def listed(machine: Machine) -> list[str]:
    return sorted(json.loads(machine.guest(f"cat {SETTINGS}"))["disks"]["persistent"])


@pytest.mark.parametrize("flavour", ["runit", "systemd"])
def test_a_disk_is_mounted_from_the_settings_and_there_again_after_a_reboot(machine: Machine, file_class: str) -> None:
    disk = machine.plug(storage_class=file_class)
    machine.agent("mount_disk", disk)
    machine.guest(f"echo kept > {STORE}/file")

    machine.cpi("reboot_vm", machine.cid)
    machine.wait_agent()

    assert machine.guest(f"cat {STORE}/file; stat -c %a {SETTINGS}").split() == ["kept", "600"]
    assert machine.agent("list_disk") == [disk]
    machine.agent("unmount_disk", disk)
    machine.cpi("detach_disk", machine.cid, disk)
    assert listed(machine) == []
    assert machine.agent("list_disk") == []


def test_a_reboot_in_the_midst_of_a_migration_comes_up_with_the_old_disk(machine: Machine, file_class: str) -> None:
    """With both disks in the settings the agent would not come up, and the new one is perhaps half filled."""
    before = machine.plug(storage_class=file_class)
    machine.agent("mount_disk", before)
    machine.guest(f"echo whole > {STORE}/file")
    after = machine.plug(storage_class=file_class)
    assert listed(machine) == sorted([before, after])
    machine.agent("mount_disk", after)
    machine.guest(f"echo half > {TARGET}/file")

    machine.cpi("reboot_vm", machine.cid)
    machine.wait_agent()

    assert listed(machine) == [before]
    assert machine.guest(f"cat {STORE}/file") == "whole\n"
    assert machine.agent("list_disk") == [before]
    assert machine.ctl("status")["missing"] == []

    machine.cpi("attach_disk", machine.cid, after)
    machine.agent("mount_disk", after)
    machine.agent("migrate_disk")
    machine.cpi("detach_disk", machine.cid, before)
    machine.cpi("reboot_vm", machine.cid)
    machine.wait_agent()

    assert listed(machine) == [after]
    assert machine.guest(f"cat {STORE}/file") == "whole\n"
    assert machine.ctl("status")["store"] == after


def test_a_director_of_version_2_takes_such_a_machine_over(machine: Machine, old: Cpi, file_class: str) -> None:
    first = machine.plug(storage_class=file_class)
    machine.agent("mount_disk", first)
    machine.guest(f"echo kept > {STORE}/file")
    machine.cpi = Cpi(old.config, director=old.director)

    assert machine.cpi("attach_disk", machine.cid, first) == {"path": f"/warden-cpi-dev/{first}"}
    machine.agent("add_persistent_disk", first, {"path": f"/warden-cpi-dev/{first}"})
    second = machine.plug(storage_class=file_class)
    machine.mount(second)
    machine.agent("migrate_disk")
    machine.agent("remove_persistent_disk", first)
    machine.cpi("detach_disk", machine.cid, first)
    machine.cpi("reboot_vm", machine.cid)
    machine.wait_agent()

    assert listed(machine) == []
    assert machine.guest(f"cat {STORE}/file") == "kept\n"
    assert machine.agent("list_disk") == [second]


def test_the_settings_survive_the_container_and_the_operator(machine: Machine, file_class: str, node, operator) -> None:
    disk = machine.plug(storage_class=file_class)
    machine.agent("mount_disk", disk)
    boots = machine.boots()

    node.kill_container(machine)
    machine.wait_booted(boots + 1)
    operator.kill()
    operator.wait_alive()
    machine.wait_agent()

    assert listed(machine) == [disk]
    eventually(lambda: machine.word() == "Running", within=60, what=f"{machine.cid} is looked at")
    assert machine.disk(disk)["phase"] == "Attached"
