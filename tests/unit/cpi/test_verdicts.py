"""Every reason that the operator can give has a limit, and design's limits are kept."""

import pytest

from bosh_kubernetes_api import reasons
from bosh_kubernetes_cpi import verdicts

TIMEOUTS = {"schedule": 300, "pull": 900, "node_loss": 300, "operator": 30}


def test_each_reason_has_a_verdict_and_no_verdict_is_for_nothing() -> None:
    assert set(verdicts.MACHINE) == set(reasons.MACHINE)
    assert set(verdicts.DISK) == set(reasons.DISK)


@pytest.mark.parametrize(
    ("reason", "seconds", "retry"),
    [
        ("ImagePulling", 900, True),
        ("Unschedulable", 300, True),
        ("ClaimPending", 120, True),
        ("QuotaExceeded", 0, False),
        ("PodRefused", 0, False),
        ("ReasonOfANewerOperator", 180, True),
    ],
)
def test_limits_of_the_design(reason, seconds, retry) -> None:
    assert verdicts.machine_limit(reason, TIMEOUTS) == (seconds, retry)


@pytest.mark.parametrize("reason", ["ImageNotFound", "ImageDenied"])
def test_missing_image_is_final_within_a_minute(reason) -> None:
    seconds, retry = verdicts.machine_limit(reason, TIMEOUTS)

    assert 10 < seconds <= 60
    assert not retry


def test_reason_that_comes_back_goes_on_where_it_was(monkeypatch) -> None:
    now = 0.0
    monkeypatch.setattr(verdicts, "monotonic", lambda: now)
    patience = verdicts.Patience()

    assert patience.left("ImagePulling", 10) == 10
    now = 4.0
    assert patience.left("Starting", 10) == 10
    now = 8.0
    assert patience.left("ImagePulling", 10) == 2
    now = 11.0
    assert patience.left("ImagePulling", 10) == 0


def ready(reason: str) -> dict:
    return {"metadata": {"name": "vm-1"}, "status": {"conditions": [{"type": "Ready", "reason": reason}]}}


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("Unschedulable", "cpu, memory and root disk"),
        ("ImageDenied", "registry.pull_secrets"),
        ("GuestCrashing", ""),  # `kubectl logs NAME`: of a machine that create_vm removes
        ("PodCreating", ""),
        ("ReasonOfANewerOperator", ""),
    ],
)
def test_what_can_be_done_is_said_where_it_can_be_done_without_the_machine(reason, says) -> None:
    found = verdicts.advice(ready(reason))

    assert says in found
    assert bool(found) == bool(says)
