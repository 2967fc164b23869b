"""What a machine's status says for what is seen of it."""

import pytest

from bosh_kubernetes_api import reasons
from bosh_kubernetes_operator.machine.reconcile import differs
from bosh_kubernetes_operator.machine.status import again, compute
from bosh_kubernetes_operator.machine.steps import (
    DONE,
    CreateCleanup,
    CreatePod,
    Order,
    Result,
)
from bosh_kubernetes_operator.queue import Again
from tests.unit.operator.things import (
    GONE,
    NODE,
    OUT,
    UNREACHABLE,
    VM,
    attached,
    claim,
    guest,
    observed,
    pod,
    ready,
    unscheduled,
    vm,
    waiting,
)

KNOWN = {"pod": {"name": VM, "uid": "u", "node": NODE}}


ROOT = {"rootDisk": {"storageClass": "s"}}
CABLE = {"disk-1": pod("disk-1")}
ELSEWHERE = {"disk-1": pod("disk-1", node="node-2")}
SILENT = {"node-2": UNREACHABLE}


@pytest.mark.parametrize(
    ("look", "results", "reason"),
    [
        (observed(vm(), settings=False), {}, "WaitingForSettings"),
        (observed(vm()), {}, "PodCreating"),
        (observed(vm()), {CreatePod(): Result("QuotaExceeded", "exceeded quota: q")}, "QuotaExceeded"),
        (observed(vm(machine={"placement": {"disks": ["d"]}}), claims={"d": None}), {}, "PodCreating"),
        (observed(vm(), pod=unscheduled("0/1 nodes are available: 1 Insufficient cpu.")), {}, "Unschedulable"),
        (observed(vm(), pod=unscheduled('persistentvolumeclaim "x" not found')), {}, "ClaimMissing"),
        (observed(vm(), pod=unscheduled("pod has unbound immediate PersistentVolumeClaims")), {}, "ClaimPending"),
        (observed(vm(), pod=pod(node="", state=waiting(""))), {}, "PodCreating"),
        (observed(vm(), pod=pod(state=waiting("ContainerCreating"))), {}, "PodCreating"),
        (
            observed(
                vm(),
                pod=pod(
                    state=waiting("ContainerCreating"),
                    conditions=[{"type": "PodReadyToStartContainers", "status": "True"}],
                ),
            ),
            {},
            "ImagePulling",
        ),
        (observed(vm(), pod=pod(state=waiting("ErrImagePull", "r/x:1: not found"))), {}, "ImageNotFound"),
        (observed(vm(), pod=pod(state=waiting("ErrImagePull", "unexpected status: 403 Forbidden"))), {}, "ImageDenied"),
        (observed(vm(), pod=pod(state=waiting("ErrImagePull", "sha256:a403b404: i/o timeout"))), {}, "ImagePullFailed"),
        (observed(vm(), pod=pod(state=waiting("CreateContainerConfigError", "no secret"))), {}, "ContainerFailed"),
        (observed(vm(), pod=pod()), {}, "Starting"),
        (observed(vm(), pod=pod(), guest=guest("starting")), {}, "Starting"),
        (observed(vm(), pod=pod(), guest=guest("waiting", missing=("disk-1",))), {}, "WaitingForDisk"),
        (observed(vm(), pod=pod(), guest=guest()), {}, "Running"),
        (observed(vm(), pod=pod(), guest=guest("running", pid=None)), {}, "Starting"),
        (observed(vm(), pod=pod(), guest=guest("stopping", pending="r1")), {}, "Rebooting"),
        (observed(vm(), pod=pod(), guest=guest("stopped")), {}, "Stopped"),
        (observed(vm(), pod=pod(), guest=guest("crashed", crashes=3)), {}, "GuestCrashing"),
        (observed(vm(), pod=pod(), guest=guest(), node=UNREACHABLE), {}, "NodeUnreachable"),
        (observed(vm(), pod=pod(**GONE), guest=guest()), {}, "Terminating"),
        (observed(vm(metadata=GONE), pod=pod(), guest=guest()), {}, "Terminating"),
        (observed(vm(metadata=GONE), pod=pod(**GONE), node=UNREACHABLE), {}, "NodeUnreachable"),
        (observed(vm(metadata=GONE, status=KNOWN), attachments=CABLE, node=UNREACHABLE), {}, "NodeUnreachable"),
        (observed(vm(metadata=GONE, status=KNOWN), node=UNREACHABLE), {}, "Terminating"),  # only an empty directory
        (observed(vm(metadata=GONE), pod=pod(**GONE), node=OUT), {}, "Terminating"),
        (observed(vm(status=KNOWN), pod=unscheduled("0/3 nodes"), node=UNREACHABLE), {}, "Unschedulable"),
        (observed(vm(status=KNOWN)), {}, "RootLost"),
        (observed(vm(), pod=pod(phase="Failed")), {}, "RootLost"),
        (observed(vm(status=KNOWN, machine=ROOT)), {}, "PodCreating"),
        (observed(vm(status=KNOWN | {"guest": {"boots": 1, "crashes": 0}}, machine=ROOT)), {}, "RootLost"),
        (observed(vm(status=KNOWN, machine=ROOT), node=UNREACHABLE), {}, "NodeUnreachable"),
        (observed(vm(status=KNOWN, machine=ROOT), node=OUT), {}, "PodCreating"),
        (observed(vm(status=KNOWN, machine=ROOT), attachments=ELSEWHERE, nodes=SILENT), {}, "NodeUnreachable"),
    ],
)
def test_the_reason_that_matters_most(look, results, reason) -> None:
    status = compute(look, results)
    assert ready(status)["reason"] == reason
    assert ready(status)["status"] == ("True" if reason == "Running" else "False")
    assert ready(status)["message"]
    assert status["printableStatus"] == reasons.MACHINE[reason]


def test_an_answer_that_says_nothing_is_explained() -> None:
    said = "unexpected status from HEAD request to http://localhost:5005/v2/x: 500 Internal Server Error"
    status = compute(observed(vm(), pod=pod(state=waiting("ErrImagePull", said))), {})
    assert ready(status)["reason"] == "ImagePullFailed"
    assert ready(status)["message"].startswith(said)
    assert "its registry does not have the image" in ready(status)["message"]


LIVING = {"pod": pod(), "guest": guest()}


@pytest.mark.parametrize(
    ("metadata", "look", "reason", "words"),
    [
        ({}, LIVING, "Paused", "Running: the guest's init runs"),
        ({}, {"pod": pod(), "guest": guest("stopped")}, "Paused", "Stopped"),
        ({}, {}, "Paused", "no Pod"),
        (GONE, LIVING, "Paused", "asked to delete it"),
        # has_vm, and whoever waits for a node, must not be told less because a person paused the machine.
        ({}, {"pod": pod(phase="Failed")}, "RootLost", "recreated"),
        ({}, LIVING | {"node": UNREACHABLE}, "NodeUnreachable", "has not reported"),
    ],
)
def test_a_paused_machine(metadata, look, reason, words) -> None:
    status = compute(observed(vm(paused=True, metadata=metadata), **look), {})
    assert (ready(status)["reason"], ready(status)["status"]) == (reason, "False")
    assert words in ready(status)["message"]
    assert status["printableStatus"] == reasons.MACHINE[reason]


def test_the_guest_of_a_paused_machine_runs_on_and_its_disks_wait() -> None:
    waiting_disks = {"attachments": CABLE, "claims": {"disk-2": claim("disk-2")}}
    look = observed(vm(paused=True, disks=("disk-2",), status=attached("disk-1")), **LIVING, **waiting_disks)
    status = compute(look, {})
    guest_running = next(c for c in status["conditions"] if c["type"] == "GuestRunning")
    assert guest_running["status"] == "True"
    assert [(d["phase"], "spec.paused" in d["message"]) for d in status["disks"]] == [
        ("Detaching", True),
        ("Attaching", True),
    ]
    assert again(look, status, {}) is Again.SETTLED


@pytest.mark.parametrize("metadata", [{}, GONE])
def test_an_unreachable_node_is_named_with_since_when_and_what_to_do(metadata) -> None:
    look = observed(vm(metadata=metadata, disks=("disk-1",)), pod=pod(), attachments=CABLE, node=UNREACHABLE)
    status = compute(look, {})
    for words in (f"node {NODE} has not reported since T", f"kubectl taint nodes {NODE} node.kubernetes.io/out-of"):
        assert words in ready(status)["message"]
    running = next(c for c in status["conditions"] if c["type"] == "GuestRunning")
    assert running["status"] == "Unknown"


@pytest.mark.parametrize(
    ("result", "reason", "words"),
    [
        (Result("QuotaExceeded", "exceeded quota: q"), "QuotaExceeded", "node-1, is refused: exceeded quota: q"),
        (Result("PodCreating", "no answer"), "Terminating", "removes the machine's directory"),
        (DONE, "Terminating", "removes the machine's directory"),
    ],
)
def test_a_clean_up_that_is_refused_is_told(result, reason, words) -> None:
    status = compute(observed(vm(metadata=GONE, status=KNOWN)), {CreateCleanup(own_image=True): result})
    assert ready(status)["reason"] == reason
    assert words in ready(status)["message"]


def test_what_cannot_be_scheduled_says_what_was_asked_for() -> None:
    asked = {"node": "n1", "zone": "z1", "region": "r1", "nodeSelector": {"disk": "fast"}, "disks": ["disk-1"]}
    status = compute(observed(vm(machine={"placement": asked}), pod=unscheduled("0/3 nodes are available.")), {})
    assert ready(status)["message"] == (
        "0/3 nodes are available. (asked for: node n1, zone z1, region r1, node_selector disk=fast, the node of disk-1)"
    )


def test_what_a_pull_failed_of_is_kept_between_two_tries() -> None:
    first = compute(observed(vm(), pod=pod(state=waiting("ErrImagePull", "x: not found"))), {})
    second = compute(
        observed(vm(status=first), pod=pod(state=waiting("ImagePullBackOff", "Back-off pulling image"))), {}
    )
    assert ready(second)["reason"] == "ImageNotFound"
    assert ready(second)["message"] == "x: not found"


def test_a_condition_keeps_the_time_of_its_last_transition() -> None:
    first = compute(observed(vm(), pod=pod(), guest=guest()), {})
    for condition in first["conditions"]:
        condition["lastTransitionTime"] = "2020-01-01T00:00:00Z"
    same = compute(observed(vm(status=first), pod=pod(), guest=guest()), {})
    assert not differs(first, same)
    stopped = compute(observed(vm(status=first), pod=pod(), guest=guest("stopped")), {})
    times = {c["type"]: c["lastTransitionTime"] for c in stopped["conditions"]}
    assert times["Scheduled"] == "2020-01-01T00:00:00Z"
    assert times["GuestRunning"] == times["Ready"] == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("state", "before", "echo"),
    [
        (guest(served="r2"), "r1", "r2"),
        (guest("running", pid=None, served="r2"), "r1", "r1"),
        (guest(pending="r2"), "r1", "r1"),
        (None, None, None),
    ],
)
def test_a_reboot_is_echoed_once_the_guest_runs_again(state, before, echo) -> None:
    status = {"reboot": before} if before else {}
    look = observed(vm(reboot="r2", status=status), pod=pod(), guest=state)
    assert compute(look, {}).get("reboot") == echo


def test_power_echoes_orders_served_not_what_the_guest_does() -> None:
    off = observed(vm(power="Stopped"), pod=pod(), guest=guest("stopping"))
    assert compute(off, {Order("stop"): DONE})["power"] == "Stopped"
    assert compute(off, {Order("stop"): Result("Unanswered", "no")})["power"] == "Running"
    assert compute(observed(vm(), pod=pod(), guest=guest("stopped")), {})["power"] == "Running"
    off = observed(vm(status={"power": "Stopped"}, reboot="r1"), pod=pod(), guest=guest("stopped"))
    assert compute(off, {Order("reboot", "r1"): DONE})["power"] == "Running"
    assert compute(off, {Order("reboot", "r1"): Result("Unanswered", "no")})["power"] == "Stopped"


def test_a_guest_that_was_told_to_stop_is_not_called_running() -> None:
    status = compute(observed(vm(power="Stopped"), pod=pod(), guest=guest(power="off")), {Order("stop"): DONE})
    assert (ready(status)["reason"], ready(status)["status"]) == ("Stopped", "False")


@pytest.mark.parametrize(
    ("look", "when"),
    [
        (observed(vm(), pod=pod(), guest=guest()), Again.SETTLED),
        (observed(vm(), pod=pod(), guest=guest(power="off")), Again.POLL),  # it was told a moment ago
        (observed(vm(), pod=pod(), guest=guest("stopped", power="on")), Again.POLL),
        (observed(vm(), pod=pod()), Again.POLL),
        (observed(vm(), pod=pod(), node=UNREACHABLE), Again.WAITING),  # the Pod changes when the node is back
        (observed(vm(reboot="r"), pod=pod(), guest=guest(pending="r")), Again.POLL),
        (observed(vm(), pod=pod(), guest=guest("stopped")), Again.SETTLED),
        (observed(vm(), pod=pod(), guest=guest("waiting")), Again.WAITING),
        (observed(vm(), pod=pod(state=waiting("ErrImagePull"))), Again.WAITING),
        (observed(vm(status=KNOWN)), Again.SETTLED),
    ],
)
def test_when_to_look_again(look, when) -> None:
    assert again(look, compute(look, {}), {}) is when
