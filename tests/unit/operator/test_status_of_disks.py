"""What a machine's status says of its disks."""

import pytest

from bosh_kubernetes_api import reasons
from bosh_kubernetes_operator.machine.status import again, compute
from bosh_kubernetes_operator.machine.steps import (
    DONE,
    Attach,
    CreateAttachment,
    Detach,
    Flush,
    LetGo,
    Order,
    Result,
)
from bosh_kubernetes_operator.queue import Again
from tests.unit.operator.things import (
    GONE,
    NODE,
    UNREACHABLE,
    attached,
    claim,
    guest,
    observed,
    pod,
    ready,
    seen,
    unscheduled,
    vm,
    waiting,
)

CABLE = {"disk-1": pod("disk-1")}
ELSEWHERE = {"disk-1": pod("disk-1", node="node-2")}
COLD = {"disk-1": pod("disk-1", state=waiting("ContainerCreating"))}
BOUND = {"disk-1": claim("disk-1")}


@pytest.mark.parametrize(
    ("more", "results", "phase", "reason"),
    [
        ({"claims": {"disk-1": None}}, {}, "Failed", "ClaimMissing"),
        ({"claims": {"disk-1": claim("disk-1", "Lost")}}, {}, "Failed", "ClaimLost"),
        ({"claims": {"disk-1": claim("disk-1", **GONE)}}, {}, "Failed", "ClaimDeleting"),
        ({"claims": BOUND, "pod": pod(node="")}, {}, "Pending", "WaitingForMachine"),
        ({"claims": BOUND}, {CreateAttachment("disk-1"): Result("DiskInUse", "m")}, "Failed", "DiskInUse"),
        ({"claims": BOUND}, {CreateAttachment("disk-1"): DONE}, "Attaching", "Attaching"),
        # The API server failed for a moment; a disk that is `Failed` would be given up.
        ({"claims": BOUND}, {CreateAttachment("disk-1"): Result("Attaching", "m")}, "Attaching", "Attaching"),
        ({"attachments": {"disk-1": unscheduled("0/1 nodes: cpu")}}, {}, "Pending", "Unschedulable"),
        (
            {"attachments": COLD, "warnings": {"uid-disk-1": "FailedMount: wrong fs type"}},
            {},
            "Attaching",
            "MountFailed",
        ),
        ({"attachments": CABLE}, {Attach("disk-1"): Result("Attaching", "no", soon=True)}, "Attaching", "Attaching"),
        ({"attachments": CABLE}, {Attach("disk-1"): DONE}, "Attached", "Attached"),
        ({"attachments": CABLE}, {LetGo("disk-1"): DONE, Attach("disk-1"): DONE}, "Attached", "Attached"),
        ({"attachments": CABLE, "guest": guest(disks={"disk-1": seen("a", was="b")})}, {}, "Attaching", "DiskLost"),
        ({"attachments": ELSEWHERE}, {LetGo("disk-1"): Result("DiskBusy", "held")}, "Attaching", "Attaching"),
    ],
)
def test_a_wanted_disk(more, results, phase, reason) -> None:
    status = compute(observed(vm(disks=("disk-1",)), **({"pod": pod(), "guest": guest()} | more)), results)
    [disk] = status["disks"]
    assert (disk["phase"], disk["reason"]) == (phase, reason)
    assert reason in reasons.DISK
    assert ("path" in disk) == (phase == "Attached")
    assert ready(status)["status"] == ("True" if phase == "Attached" else "False")


def test_a_lost_device_is_told_even_if_the_guest_has_let_go_of_it_within_the_same_pass() -> None:
    look = observed(vm(disks=("disk-1",)), pod=pod(), guest=guest("starting"), attachments=CABLE)
    results = {Order("reset", "lost-1", "disk-1"): DONE, Attach("disk-1"): DONE}
    status = compute(look, results)
    assert [(disk["phase"], disk["reason"]) for disk in status["disks"]] == [("Attaching", "DiskLost")]
    assert (ready(status)["reason"], ready(status)["status"]) == ("DiskLost", "False")
    assert again(look, status, results) is Again.POLL


def test_a_busy_disk_names_who_holds_it_and_a_gone_one_is_no_longer_told() -> None:
    look = observed(vm(status=attached("disk-1")), pod=pod(), guest=guest(disks={"disk-1": seen()}), attachments=CABLE)
    [disk] = compute(look, {Detach("disk-1"): Result("DiskBusy", "processes 423 nginx")})["disks"]
    assert disk == {
        "cid": "disk-1",
        "phase": "Detaching",
        "path": "/warden-cpi-dev/disk-1",
        "reason": "DiskBusy",
        "message": "processes 423 nginx",
    }
    assert compute(observed(vm(status=attached("disk-1")), pod=pod(), guest=guest()), {})["disks"] == []


@pytest.mark.parametrize(
    ("cable", "result", "reason"),
    [
        (pod("disk-1"), Result("DiskBusy", "held by 423"), "DiskBusy"),
        (pod("disk-1", **GONE), DONE, "Detaching"),
    ],
)
def test_a_disk_of_a_machine_that_is_being_deleted_leaves_it(cable, result, reason) -> None:
    machine = vm(disks=("disk-1",), status=attached("disk-1"), metadata=GONE)
    [disk] = compute(observed(machine, attachments={"disk-1": cable}), {LetGo("disk-1"): result})["disks"]
    assert (disk["phase"], disk["reason"]) == ("Detaching", reason)
    assert "made again" not in disk["message"]
    assert compute(observed(machine), {})["disks"] == []


REQUESTS = {"inSettings": "s-1", "flush": {"id": "f-1"}}


@pytest.mark.parametrize(
    ("before", "results", "echoed"),
    [
        ({}, {Attach("disk-1", "s-1"): DONE, Flush("disk-1", "f-1"): DONE}, REQUESTS),
        ({}, {Attach("disk-1", "s-1"): Result("Attaching", soon=True)}, {}),
        ({}, {Flush("disk-1", "f-1"): Result("Unanswered", soon=True)}, {}),
        ({}, {Flush("disk-1", "f-1"): Result(message="no")}, {"flush": {"id": "f-1", "error": "no"}}),
        (REQUESTS, {}, REQUESTS),
        (REQUESTS, {Attach("disk-1"): DONE}, REQUESTS),
        (REQUESTS, {Flush("disk-1", "f-2"): DONE}, REQUESTS | {"flush": {"id": "f-2"}}),
        (REQUESTS, {Flush("disk-2", "f-2"): DONE, Attach("disk-2", "s-2"): DONE}, REQUESTS),
    ],
)
def test_requests_about_a_disk_are_echoed_when_they_are_served(before, results, echoed) -> None:
    machine = vm(disks=("disk-1",), status=attached("disk-1", **before))
    look = observed(machine, pod=pod(), guest=guest(disks={"disk-1": seen()}), attachments=CABLE)
    status = compute(look, results)
    [disk] = status["disks"]
    assert {key: disk[key] for key in ("inSettings", "flush") if key in disk} == echoed
    assert (again(look, status, results) is Again.POLL) == any(result.soon for result in results.values())


def test_a_request_is_echoed_as_long_as_the_disk_is_there() -> None:
    look = observed(vm(status=attached("disk-1", **REQUESTS)), pod=pod(), guest=guest(disks={"disk-1": seen()}))
    [disk] = compute(look, {Detach("disk-1"): Result("DiskBusy", "held")})["disks"]
    assert disk.items() >= REQUESTS.items()


def test_a_disk_that_was_unbound_and_is_wanted_again_is_not_attached_yet() -> None:
    look = observed(vm(disks=("disk-1",), status=attached("disk-1")), pod=pod(), attachments=CABLE)
    [disk] = compute(look, {LetGo("disk-1"): Result("DiskBusy", "held by 423")})["disks"]
    assert disk["phase"] == "Attaching"
    assert "made again: held by 423" in disk["message"]


@pytest.mark.parametrize(
    ("node", "words"),
    [(NODE, "node-1 ended for good (Terminated) and is made again"), ("node-2", "kubectl delete pod")],
)
def test_an_attachment_that_ended_for_good_says_what_becomes_of_the_disk(node, words) -> None:
    ended = pod("disk-1", phase="Failed", state={"terminated": {}}, node=node)
    ended["status"]["reason"] = "Terminated"
    look = observed(
        vm(disks=("disk-1",), status=attached("disk-1")), pod=pod(), guest=guest(), attachments={"disk-1": ended}
    )
    [disk] = compute(look, {})["disks"]
    assert (disk["phase"], disk["reason"]) == ("Attaching", "Attaching")
    assert words in disk["message"]


def test_a_disk_that_cannot_leave_its_node_says_why() -> None:
    look = observed(vm(status=attached("disk-1")), pod=pod(), node=UNREACHABLE, attachments=CABLE)
    [disk] = compute(look, {})["disks"]
    assert (disk["phase"], disk["reason"]) == ("Detaching", "Detaching")
    assert disk["message"] == f"node {NODE} has not reported since T"
