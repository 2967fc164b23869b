"""The operator dies at any line: whoever starts next finishes the work, and no disk is ever mounted twice."""

import json
import re
import shlex
from functools import partial

import pytest

from bosh_kubernetes_api import names
from tests.support.api_contract import a_machine
from tests.support.cluster.cpi import Cpi
from tests.support.cluster.installation import ROOT
from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.machines import Machine
from tests.support.cluster.wait import eventually, together

MACHINES = "virtualmachines.cpi.bosh.io"


@pytest.mark.parametrize("moment", [0.2, 1.0])
def test_killed_while_a_machine_is_created(make_machine, stemcell, cpi: Cpi, operator, moment: float) -> None:
    machine: Machine = make_machine(stemcell, during=lambda: operator.kill(after=moment))
    machine.wait("Running")

    assert machine.identity().restarts == 0


def test_killed_while_disks_come_and_go(make_machine, stemcell, cpi: Cpi, operator) -> None:
    machine: Machine = make_machine(stemcell)
    machine.wait_agent()
    before = machine.identity()
    disk = cpi("create_disk", 64, {}, machine.cid)
    machine.disks.append(disk)
    for method in ("attach_disk", "detach_disk"):
        call = cpi.start(method, machine.cid, disk)
        operator.kill(after=0.5)
        cpi.finish(call, method)
    cpi("attach_disk", machine.cid, disk)
    machine.mount(disk)

    assert machine.identity() == before
    assert machine.disk(disk)["phase"] == "Attached"


def test_killed_while_a_machine_is_deleted(make_machine, stemcell, cpi: Cpi, operator, leftovers) -> None:
    machine: Machine = make_machine(stemcell)
    disk = machine.plug()
    call = cpi.start("delete_vm", machine.cid)
    operator.kill(after=0.7)
    cpi.finish(call, "delete_vm")
    cpi("delete_disk", disk)

    eventually(lambda: leftovers(cpi.director) == [], within=30, what="nothing of the Director is left")


def test_restart_of_the_operator_leaves_machines_alone(make_machine, stemcell, operator) -> None:
    machine: Machine = make_machine(stemcell)
    disk = machine.plug()
    machine.wait_agent()
    before, boots = machine.identity(), machine.boots()
    operator.kill()
    operator.wait_ready()
    machine.cpi("detach_disk", machine.cid, disk)

    assert machine.identity() == before
    assert machine.boots() == boots


def test_two_operators_at_once_never_mount_a_disk_twice(make_machine, stemcell, cpi: Cpi, operator) -> None:
    with operator.twin_without_lease() as both_work:
        machines: list[Machine] = [make_machine(stemcell), make_machine(stemcell)]
        disk = cpi("create_disk", 64, {}, machines[0].cid)
        machines[0].disks.append(disk)
        # Not by attach_disk, which refuses a disk that another machine wants: then no operator would be asked.
        wish = {"spec": {"disks": [{"cid": disk}]}}
        together(*(partial(machine.kubectl.patch, MACHINES, machine.cid, wish) for machine in machines))
        eventually(
            lambda: {machine.disk(disk).get("reason") for machine in machines} == {"Attached", "DiskInUse"},
            within=60, what="one has the disk, the other is told who has it",
        )  # fmt: skip
        both_work()

    won, lost = sorted(machines, key=lambda machine: machine.disk(disk)["reason"])
    assert won.cid in lost.disk(disk)["message"]
    assert [machine for machine in machines if disk in machine.guest("cat /proc/self/mountinfo")] == [won]


def test_a_namespace_that_waits_for_an_operator_is_freed_as_the_page_says() -> None:
    """There is no operator in it, and there will be none."""
    place = Kubectl().within("bosh-machines-orphaned")
    sample = a_machine()
    sample["metadata"]["finalizers"] = [names.FINALIZER]
    page = (ROOT / "docs/install.md").read_text()
    [command] = re.findall(r"`kubectl --namespace \S+ (patch virtualmachines\S+ NAME .*finalizers.*)`", page)
    Kubectl().run("create", "namespace", place.namespace)
    try:
        place.apply(sample)
        Kubectl().run("delete", "namespace", place.namespace, "--wait=false")
        eventually(
            lambda: "cpi.bosh.io/machine" in json.dumps((Kubectl().get("namespace", place.namespace) or {})["status"]),
            within=60,
            what="the namespace says what it waits for",
        )
    finally:
        place.run(*shlex.split(command.replace("NAME", sample["metadata"]["name"])))
    eventually(lambda: Kubectl().get("namespace", place.namespace) is None, within=60, what="the namespace is gone")
