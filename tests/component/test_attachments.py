"""attach_disk and detach_disk as a caller sees them: without a restart, and nothing lost when they fail."""

import time

import pytest

from tests.component.conftest import HINT, NAMESPACE
from tests.support.cpi_process import CallError


def test_attach_twice_gives_the_same_hint_and_one_disk(cpi, create_vm, disk) -> None:
    cid = create_vm()

    assert cpi("attach_disk", cid, disk) == {"path": HINT + disk}
    assert cpi("attach_disk", cid, disk) == {"path": HINT + disk}
    assert cpi("get_disks", cid) == [disk]


def test_three_disks_and_the_first_detached_first(cpi, create_vm) -> None:
    cid = create_vm()
    disks = [cpi("create_disk", 1, {}, cid) for _ in range(3)]
    for one in disks:
        cpi("attach_disk", cid, one)
    cpi("detach_disk", cid, disks[0])

    assert cpi("get_disks", cid) == disks[1:]


def test_parallel_attaches_lose_none(api, cpi, create_vm) -> None:
    cid = create_vm()
    disks = [cpi("create_disk", 1, {}, cid) for _ in range(3)]
    processes = [cpi.start(cpi.request("attach_disk", cid, one)) for one in disks]
    for process in processes:
        cpi.finish(process).value()

    assert sorted(cpi("get_disks", cid)) == sorted(disks)


def test_edit_is_repeated_when_somebody_was_faster(api, cpi, create_vm, disk) -> None:
    cid = create_vm()
    version = api.store.get("VirtualMachine", NAMESPACE, cid)["metadata"]["resourceVersion"]
    api.fault("PATCH", cid, status=409, times=3)

    assert cpi("attach_disk", cid, disk) == {"path": HINT + disk}
    assert api.pending_faults() == 0
    edits = [seen.body for seen in api.requests("PATCH", f"{cid}$")]
    assert len(edits) == 4
    assert {edit["metadata"]["resourceVersion"] for edit in edits} == {version}, "only to the machine that was read"


def test_disk_of_another_machine_is_refused_and_names_it(cpi, create_vm, disk) -> None:
    holder, other = create_vm(), create_vm()
    cpi("attach_disk", holder, disk)
    with pytest.raises(CallError, match=holder):
        cpi("attach_disk", other, disk)

    assert cpi("get_disks", other) == []
    assert cpi("get_disks", holder) == [disk]


@pytest.mark.parametrize(
    ("reason", "kind", "retry"),
    [
        ("MountFailed", "CloudError", True),
        ("Unschedulable", "CloudError", True),
        ("QuotaExceeded", "CloudError", False),
        ("ClaimLost", "CloudError", False),
        ("ClaimMissing", "DiskNotFound", False),
    ],
)
def test_failed_attach_takes_the_wish_back(cpi, create_vm, operator, disk, reason, kind, retry) -> None:
    cid = create_vm()
    operator.disk_reasons[disk] = ("Failed", reason, "wrong fs type")
    with pytest.raises(CallError, match=f"{reason}: wrong fs type") as failure:
        cpi("attach_disk", cid, disk)

    assert failure.value.type == f"Bosh::Clouds::{kind}"
    assert failure.value.ok_to_retry is retry
    assert cpi("get_disks", cid) == []


def test_failed_repeat_of_an_attach_keeps_the_disk(api, cpi, create_vm, operator, disk) -> None:
    cid = create_vm()
    cpi("attach_disk", cid, disk)
    operator.disk_reasons[disk] = ("Failed", "MountFailed", "wrong fs type")
    with api.store.changed:
        assert api.store.changed.wait_for(
            lambda: "MountFailed" in str(api.store.get("VirtualMachine", NAMESPACE, cid)["status"]), 20
        )
    with pytest.raises(CallError, match="MountFailed"):
        cpi("attach_disk", cid, disk)

    assert cpi("get_disks", cid) == [disk]


@pytest.mark.parametrize(
    ("method", "wanted", "before", "after"),
    [
        ("attach_disk", [], ("Failed", "MountFailed"), [("Attached", "Attached")]),
        ("detach_disk", ["it"], ("Detaching", "DiskBusy"), []),
    ],
)
def test_what_was_said_of_an_earlier_wish_is_no_answer(
    api, cpi, create_vm, operator, disk, method, wanted, before, after
) -> None:
    cid = create_vm()
    operator.deaf.add(cid)

    def say(entries, generation) -> None:
        disks = [{"cid": disk, "phase": phase, "reason": reason} for phase, reason in entries]
        status = {"disks": disks, "observedGeneration": generation}
        api.store.merge_patch("VirtualMachine", NAMESPACE, cid, {"status": status}, status=True)

    def generation() -> int:
        return api.store.get("VirtualMachine", NAMESPACE, cid)["metadata"]["generation"]

    def watches() -> int:
        return len([one for one in api.requests("GET", "/virtualmachines$") if cid in one.query])

    api.store.merge_patch("VirtualMachine", NAMESPACE, cid, {"spec": {"disks": [{"cid": disk} for _ in wanted]}})
    say([before], generation())
    earlier = watches()
    process = cpi.start(cpi.request(method, cid, disk))
    with api.store.changed:
        assert api.store.changed.wait_for(lambda: watches() > earlier, 20), "it does not wait"
    say(after, generation())

    assert cpi.finish(process).error is None


@pytest.mark.parametrize(
    ("method", "wanted", "said"), [("attach_disk", [], [("Attached", "Attached")]), ("detach_disk", ["it"], [])]
)
def test_an_answer_that_the_operator_gave_before_the_wish_is_none(
    api, cpi, create_vm, operator, disk, method, wanted, said
) -> None:
    """As after a detach that nobody waited for: the status speaks of the machine as it was."""
    cid = create_vm()
    operator.deaf.add(cid)
    wish = {"spec": {"disks": [{"cid": disk} for _ in wanted]}}
    generation = api.store.merge_patch("VirtualMachine", NAMESPACE, cid, wish)["metadata"]["generation"]
    status = {
        "disks": [{"cid": disk, "phase": phase, "reason": reason} for phase, reason in said],
        "observedGeneration": generation - 1 if wanted else generation,
    }
    api.store.merge_patch("VirtualMachine", NAMESPACE, cid, {"status": status}, status=True)
    earlier = len(api.requests("GET", "/virtualmachines$"))
    process = cpi.start(cpi.request(method, cid, disk))

    def watches() -> bool:
        return any("watch=true" in seen.query for seen in api.requests("GET", "/virtualmachines$")[earlier:])

    with api.store.changed:
        assert api.store.changed.wait_for(lambda: watches() or process.poll() is not None, 20)
    assert process.poll() is None, "it waits for the operator"
    operator.deaf.clear()
    assert cpi.finish(process).error is None


def test_an_edit_whose_answer_was_lost_is_taken_back_too(api, cpi, create_vm, operator, disk) -> None:
    cid = create_vm()
    operator.disk_reasons[disk] = ("Failed", "MountFailed", "wrong fs type")
    api.fault("PATCH", cid, status=0, after=True)
    with pytest.raises(CallError):
        cpi("attach_disk", cid, disk)

    assert cpi("get_disks", cid) == []


def test_disk_that_another_machine_still_has_is_refused_whatever_its_attachment(api, cpi, create_vm, disk) -> None:
    """Its attachment Pod, the lock, may be gone for a moment: what counts is what the machines say."""
    holder, other = create_vm(), create_vm()
    cpi("attach_disk", holder, disk)
    seen = len(api.requests("PATCH", other))
    with pytest.raises(CallError, match=holder):
        cpi("attach_disk", other, disk)

    assert len(api.requests("PATCH", other)) == seen, "nothing was wished for"


def test_unknown_machine_and_disk_have_their_types(cpi, create_vm, disk) -> None:
    cid = create_vm()
    for call, kind in (
        (("attach_disk", "vm-unknown", disk), "VMNotFound"),
        (("attach_disk", cid, "disk-unknown"), "DiskNotFound"),
        (("get_disks", "vm-unknown"), "VMNotFound"),
        (("get_disks", "junk/../x"), "VMNotFound"),
        (("set_vm_metadata", "vm-unknown", {}), "VMNotFound"),
        (("set_disk_metadata", "disk-unknown", {}), "DiskNotFound"),
    ):
        with pytest.raises(CallError) as failure:
            cpi(*call)
        assert failure.value.type == f"Bosh::Clouds::{kind}"


def test_detach_of_what_is_not_attached_is_success(cpi, create_vm, disk) -> None:
    cid = create_vm()
    assert cpi("detach_disk", cid, disk) is None
    assert cpi("detach_disk", "vm-unknown", disk) is None


def test_detach_of_what_a_paused_machine_does_not_have_is_success(api, cpi, create_vm, operator, disk) -> None:
    cid = create_vm()
    api.store.merge_patch("VirtualMachine", NAMESPACE, cid, {"spec": {"paused": True}})
    assert cpi("detach_disk", cid, disk) is None


def test_busy_disk_is_not_detached_and_nothing_changes(cpi, create_vm, operator, disk) -> None:
    cid = create_vm()
    cpi("attach_disk", cid, disk)
    operator.busy.add(disk)
    with pytest.raises(CallError, match="423 postgres") as failure:
        cpi("detach_disk", cid, disk)

    assert not failure.value.ok_to_retry
    assert cpi("get_disks", cid) == [disk]
    operator.busy.clear()
    cpi("detach_disk", cid, disk)
    assert cpi("get_disks", cid) == []


def test_detach_on_a_lost_node_names_node_time_and_taint_and_stays_asked_for(cpi, create_vm, operator, disk) -> None:
    cid = create_vm()
    cpi("attach_disk", cid, disk)
    operator.unreachable.add(cid)
    with pytest.raises(CallError) as failure:
        cpi("detach_disk", cid, disk)

    for word in (disk, "worker-1", "2026-01-01T00:00:00Z", "kubectl taint nodes worker-1 node.kubernetes.io/out-of"):
        assert word in failure.value.message
    assert failure.value.type == "Bosh::Clouds::CloudError"
    assert failure.value.ok_to_retry
    assert cpi("get_disks", cid) == []
    operator.unreachable.clear()
    cpi("detach_disk", cid, disk)


@pytest.mark.parametrize(("method", "before"), [("attach_disk", []), ("detach_disk", ["it"])])
def test_disks_of_a_paused_machine_wait_for_the_one_who_paused_it(
    api, cpi, create_vm, operator, disk, method, before
) -> None:
    cid = create_vm()
    if before:
        cpi("attach_disk", cid, disk)
    operator.deaf.add(cid)  # as the operator is to a paused one
    api.store.merge_patch("VirtualMachine", NAMESPACE, cid, {"spec": {"paused": True}})
    with pytest.raises(CallError, match=f"{cid} is paused") as failure:
        cpi(method, cid, disk)

    assert ("is stored" in failure.value.message) == (method == "detach_disk")
    assert cpi("get_disks", cid) == []  # a failed attach takes its wish back, a detach goes on later
    api.store.merge_patch("VirtualMachine", NAMESPACE, cid, {"spec": {"paused": False}})
    operator.deaf.clear()
    cpi(method, cid, disk)


@pytest.mark.parametrize(("age", "refused"), [(0, True), (800, True), (1000, False)])
def test_attach_of_a_marked_disk_is_refused_until_the_mark_is_old(api, cpi, create_vm, disk, age, refused) -> None:
    """A delete_disk that was killed leaves its mark."""
    cid = create_vm()
    mark = {"metadata": {"annotations": {"cpi.bosh.io/deleting": str(int(time.time()) - age)}}}
    api.store.merge_patch("PersistentVolumeClaim", NAMESPACE, disk, mark)
    if refused:
        with pytest.raises(CallError, match="being deleted"):
            cpi("attach_disk", cid, disk)
    else:
        assert cpi("attach_disk", cid, disk) == {"path": HINT + disk}
