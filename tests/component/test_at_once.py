"""Many CPI processes at the same time: nothing gets lost, nobody waits for anybody, and a disk goes to one machine."""

import threading
import uuid

import pytest

from tests.component.conftest import ENV, NAMESPACE, NETWORKS, STEMCELL
from tests.support.cpi_process import Answer, Cpi

MANY = 30


@pytest.fixture
def patient(new_cpi) -> Cpi:
    """So many processes are slow on a small computer: what they wait for is not what is tested."""
    return new_cpi(timeouts={"schedule": 60, "pull": 60, "node_loss": 60, "operator": 60})


@pytest.fixture
def at_once(patient: Cpi):
    """Starts every call before it waits for the first; their answers, in the same order."""

    def run(method: str, *calls: tuple) -> list[Answer]:
        processes = [patient.start(patient.request(method, *arguments)) for arguments in calls]
        return [patient.finish(process) for process in processes]

    return run


@pytest.fixture
def meet(api):
    """Holds the next two edits of machines until both are there: each was decided without knowing of the other."""
    barrier = threading.Barrier(2, timeout=30)
    left = iter(range(2))

    def wait(seen):
        if seen.method == "PATCH" and "/virtualmachines/" in seen.path and next(left, None) is not None:
            barrier.wait()

    def arm() -> None:
        api.intercept = wait

    return arm


def test_many_machines_at_once_from_one_stemcell(api, operator, patient, at_once, ours) -> None:
    agents = [str(uuid.uuid4()) for _ in range(MANY)]
    made = at_once("create_vm", *((agent, STEMCELL, {}, NETWORKS, [], ENV) for agent in agents))
    machines = [answer.value()[0] for answer in made]
    disks = [answer.value() for answer in at_once("create_disk", *[(64, {}, None)] * MANY)]
    hints = at_once("attach_disk", *zip(machines, disks, strict=True))

    assert [hint.value() for hint in hints] == [{"path": f"/warden-cpi-dev/{disk}"} for disk in disks]
    found = [api.store.get("VirtualMachine", NAMESPACE, cid) for cid in machines]
    assert [one["spec"]["machine"]["agentID"] for one in found] == agents
    assert [one["spec"]["disks"] for one in found] == [[{"cid": disk}] for disk in disks]

    assert [answer.value() for answer in at_once("delete_vm", *((cid,) for cid in machines))] == [None] * MANY
    assert ours() == sorted(f"PersistentVolumeClaim/{disk}" for disk in disks)


def test_two_disks_to_one_machine_at_once(api, patient, create_vm, at_once, meet) -> None:
    cid = create_vm()
    disks = [patient("create_disk", 64, {}, None) for _ in range(2)]
    meet()
    answers = at_once("attach_disk", *((cid, disk) for disk in disks))

    assert [answer.value()["path"].rpartition("/")[2] for answer in answers] == disks
    assert sorted(patient("get_disks", cid)) == sorted(disks)
    edits = [seen for seen in api.requests("PATCH", cid) if "disks" in (seen.body.get("spec") or {})]
    assert len(edits) >= 3  # one of the first two was refused, for it knew nothing of the other


def test_one_disk_to_two_machines_at_once_goes_to_one(patient, create_vm, at_once, meet) -> None:
    machines = [create_vm(), create_vm()]
    disk = patient("create_disk", 64, {}, None)
    meet()
    answers = dict(zip(machines, at_once("attach_disk", *((cid, disk) for cid in machines)), strict=True))
    winner, loser = sorted(machines, key=lambda cid: answers[cid].error is not None)

    assert answers[winner].value() == {"path": f"/warden-cpi-dev/{disk}"}
    error = answers[loser].error
    assert error is not None
    assert error["type"] == "Bosh::Clouds::CloudError"
    assert f"DiskInUse: disk {disk} is attached to machine {winner}" in error["message"]
    assert patient("get_disks", winner) == [disk]
    assert patient("get_disks", loser) == []
    patient("detach_disk", winner, disk)
    assert patient("attach_disk", loser, disk) == {"path": f"/warden-cpi-dev/{disk}"}
