"""A machine that a person has paused: looked at, and nothing is done to it."""

from collections.abc import Callable

import pytest

from tests.support.cluster.cpi import CpiCallError
from tests.support.cluster.machines import Machine
from tests.support.cluster.wait import eventually


def ready(machine: Machine) -> dict[str, str]:
    return next(each for each in machine.status()["conditions"] if each["type"] == "Ready")


def test_a_paused_machine_is_left_alone_and_its_deletion_waits(
    make_machine: Callable[..., Machine], stemcell: str
) -> None:
    machine = make_machine(stemcell)
    before, boots = machine.identity(), machine.boots()
    with machine.paused():
        for method in ("reboot_vm", "delete_vm"):
            with pytest.raises(CpiCallError, match=r"is paused .* is stored"):
                machine.cpi(method, machine.cid)
        eventually(lambda: "asked to delete it" in ready(machine)["message"], within=30, what="the deletion is seen")

        assert (ready(machine)["status"], ready(machine)["reason"]) == ("False", "Paused")
        assert "deletionTimestamp" not in machine.pod()["metadata"]
        assert machine.identity() == before
        guest = machine.ctl("status")
        assert (guest["state"], guest["boots"]) == ("running", boots)
        assert machine.cpi("has_vm", machine.cid) is True

    eventually(lambda: machine.cpi("has_vm", machine.cid) is False, within=60, what=f"{machine.cid} is deleted")
