"""What explain tells a person to do, as it can be typed."""

import time

import pytest

from bosh_kubernetes_api import names, reasons
from bosh_kubernetes_cpi.tool.explain import machine, things

SHAPE = {"resources": {"cpu": "1", "memory": "1Gi", "ephemeralDisk": "1Gi"}}
MADE = {"agentID": "a", "stemcell": "stemcell-1", "image": "i", "rootDisk": {"storageClass": "c"}, **SHAPE}


def vm(reason: str) -> dict:
    return {
        "metadata": {"name": "vm-1", "namespace": "ours"},
        "spec": {"machine": MADE},
        "status": {"conditions": [{"type": "Ready", "reason": reason}], "pod": {"node": "worker-1"}},
    }


def remedy(reason: str) -> str:
    return dict(machine.describe(vm(reason), None))["remedy"]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("ClaimPending", "`kubectl --namespace ours describe pvc vm-1-root`"),
        ("Paused", "`kubectl --namespace ours patch bvm vm-1 --type merge"),
        ("GuestCrashing", "`kubectl --namespace ours logs vm-1`"),
        ("NodeUnreachable", "`kubectl taint nodes worker-1 node.kubernetes.io/out-of-service"),
    ],
)
def test_a_remedy_can_be_typed_as_it_is(reason, words) -> None:
    assert words in remedy(reason)


@pytest.mark.parametrize("reason", sorted(set(reasons.REMEDY) & set(reasons.MACHINE)))
def test_no_remedy_has_a_name_left_to_fill_in(reason) -> None:
    assert not {"NAME", "NODE", "DISK"} & set(remedy(reason).replace("`", " ").split())


def test_the_machines_of_a_stemcell_are_a_list() -> None:
    stemcell = {"metadata": {"name": "stemcell-1"}, "spec": {"format": "light", "image": "i", "users": []}}
    machines = [{"metadata": {"name": f"vm-{n}"}, "spec": {"machine": MADE}} for n in range(5)]

    assert dict(things.stemcell(stemcell, machines))["machines"] == [f"vm-{n}" for n in range(5)]
    assert dict(things.stemcell(stemcell, []))["machines"] == "none"


def test_what_is_being_deleted_is_not_said_to_be_of_use() -> None:
    leaving = {"name": "snapshot-1", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    snapshot = {"metadata": leaving, "spec": {}, "status": {"readyToUse": True}}
    stemcell = {"metadata": leaving, "spec": {"format": "light", "image": "i"}}
    machine_too = vm("Running")
    machine_too["metadata"] |= leaving

    assert dict(things.snapshot(snapshot))["status"] == "being deleted"
    assert dict(things.stemcell(stemcell, []))["status"] == "a deletion has begun"
    assert dict(machine.describe(machine_too, None))["wanted"] == "its deletion"


@pytest.mark.parametrize(("age", "status"), [(10, "a deletion has begun"), (1000, "can be used")])
def test_the_mark_of_a_deletion_that_was_given_up_is_none(age, status) -> None:
    """As create_vm takes it."""
    marked = {"name": "stemcell-1", "annotations": {names.DELETING: str(int(time.time()) - age)}}
    stemcell = {"metadata": marked, "spec": {"format": "light", "image": "i"}}

    assert dict(things.stemcell(stemcell, []))["status"] == status
