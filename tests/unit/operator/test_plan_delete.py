"""The next steps of a machine that is being deleted."""

import pytest

from bosh_kubernetes_operator.machine.plan import plan
from bosh_kubernetes_operator.machine.steps import (
    CreateCleanup,
    DeletePod,
    LetGo,
    RemoveFinalizer,
)
from tests.unit.operator.things import (
    CABLE,
    GONE,
    KNOWN_POD,
    NODE,
    OUT,
    OUT_BUT_READY,
    UNREACHABLE,
    VM,
    observed,
    pod,
    vm,
    waiting,
)

DELETED = vm(metadata=GONE, status=KNOWN_POD)
MAKING = pod("vm-1-cleanup", phase="Running")
CLEAN = pod("vm-1-cleanup", phase="Succeeded")
ENDED = {"terminated": {"exitCode": 0}}
FAILING = {"terminated": {"exitCode": 1}}
NODE_OBJECT = {"metadata": {"name": NODE}, "spec": {}, "status": {}}


@pytest.mark.parametrize(
    ("more", "steps"),
    [
        ({"pod": pod()}, [DeletePod(VM, "uid-vm-1", 10), CreateCleanup()]),
        # The node may not have the stemcell's image: it came with the container, if that ever ran.
        ({"pod": pod(state=waiting("ErrImagePull"))}, [DeletePod(VM, "uid-vm-1", 10), CreateCleanup(own_image=True)]),
        ({"pod": pod(**GONE, deletionGracePeriodSeconds=10), "cleanup": MAKING}, []),
        ({"pod": pod(**GONE, deletionGracePeriodSeconds=75), "cleanup": MAKING}, [DeletePod(VM, "uid-vm-1", 10)]),
        # Disks stay bound until the machine's Pod is gone.
        ({"pod": pod(**GONE), "attachments": CABLE, "cleanup": MAKING}, []),
        ({"pod": pod(phase="Failed", state=ENDED, **GONE), "attachments": CABLE, "cleanup": MAKING}, [LetGo("disk-1")]),
        ({"pod": pod(phase="Failed", state=ENDED, **GONE), "cleanup": CLEAN}, []),  # the Pod itself goes first
        ({"attachments": CABLE, "cleanup": MAKING}, [LetGo("disk-1")]),
        ({"attachments": CABLE, "cleanup": CLEAN}, [LetGo("disk-1")]),  # the finalizer stays until it has let go
        ({"cleanup": pod("vm-1-cleanup", creationTimestamp="2026-01-02T03:04:00Z")}, []),
        ({"cleanup": CLEAN}, [RemoveFinalizer()]),
        (
            {"cleanup": pod("vm-1-cleanup", state=ENDED, creationTimestamp="2026-01-02T03:04:00Z")},
            [RemoveFinalizer()],
        ),
        ({"cleanup": pod("vm-1-cleanup", state=FAILING, creationTimestamp="2026-01-02T03:04:00Z")}, []),
        ({"cleanup": pod("vm-1-cleanup", state=waiting("ErrImagePull"))}, [RemoveFinalizer()]),
        ({"cleanup": pod("vm-1-cleanup")}, [RemoveFinalizer()]),  # for more than a minute
        ({"node": None, "node_absent": True}, [RemoveFinalizer()]),
        ({"node": OUT}, [RemoveFinalizer()]),
        ({"node": OUT_BUT_READY}, [CreateCleanup(own_image=True)]),  # it runs, whatever its taint says
        ({"node": UNREACHABLE, "pod": pod(**GONE), "attachments": CABLE, "cleanup": MAKING}, []),
        # The cluster's collection removes what ends on a node that is gone; all that ends, it removes at once.
        ({"node": OUT, "pod": pod(**GONE), "attachments": CABLE}, [LetGo("disk-1")]),
        ({"node": OUT, "pod": pod(**GONE)}, []),
        ({"node": None}, [CreateCleanup(own_image=True)]),  # not looked at is not gone
    ],
)
def test_deleting(more, steps) -> None:
    assert plan(observed(DELETED, **({"node": NODE_OBJECT} | more))) == steps


@pytest.mark.parametrize(
    ("asked", "more", "steps"),
    [
        ("03:03:00", {}, [RemoveFinalizer()]),
        ("03:03:10", {}, [CreateCleanup(own_image=True)]),
        ("03:03:00", {"attachments": CABLE}, [CreateCleanup(own_image=True), LetGo("disk-1")]),
        ("03:03:00", {"pod": pod()}, [DeletePod(VM, "uid-vm-1", 10), CreateCleanup()]),
        ("03:03:00", {"cleanup": MAKING}, [RemoveFinalizer()]),
    ],
)
@pytest.mark.parametrize("reason", ["PodRefused", "QuotaExceeded"])
def test_a_clean_up_that_is_refused_does_not_keep_the_machine_for_ever(reason, asked, more, steps) -> None:
    status = {**KNOWN_POD, "conditions": [{"type": "Ready", "status": "False", "reason": reason}]}
    refused = vm(metadata={"deletionTimestamp": f"2026-01-02T{asked}Z"}, status=status)
    assert plan(observed(refused, node=NODE_OBJECT, **more)) == steps


def test_a_machine_whose_guest_has_run_had_its_image_on_the_node() -> None:
    ran = vm(metadata=GONE, status={**KNOWN_POD, "guest": {"boots": 1, "crashes": 0}})
    assert plan(observed(ran, node=NODE_OBJECT)) == [CreateCleanup()]
    made_again = pod(state=waiting("ErrImagePull"))  # elsewhere: its root disk is on a claim
    assert plan(observed(ran, node=NODE_OBJECT, pod=made_again))[1] == CreateCleanup(own_image=True)


def test_a_machine_that_never_had_a_node_leaves_nothing_on_one() -> None:
    assert plan(observed(vm(metadata=GONE))) == [RemoveFinalizer()]
    assert plan(observed(vm(metadata=GONE, finalizer=False))) == []
