"""What a claim that grows waits for, from its conditions as Kubernetes sets them."""

import pytest

from bosh_kubernetes_cpi.verdicts import GROWTH, growth

PENDING = {"type": "FileSystemResizePending", "status": "True", "message": "Waiting for user to (re-)start a pod"}
NODE = {"type": "NodeResizeError", "status": "True", "message": "failed to expand pvc with rpc error"}
CONTROLLER = {"type": "ControllerResizeError", "status": "True", "message": "failed to expand pvc with quota"}
RESIZING = {"type": "Resizing", "status": "True"}


def claim(**more):
    return {"spec": {"resources": {"requests": {"storage": "4096Mi"}}}, **more}


@pytest.mark.parametrize(
    ("conditions", "step", "reason", "words"),
    [
        ([], "", "NotBegun", "external-resizer"),
        ([{"type": "Resizing", "status": "False"}], "", "NotBegun", "external-resizer"),
        ([RESIZING], "ControllerResizeInProgress", "Resizing", "is being grown"),
        ([RESIZING, PENDING], "NodeResizePending", "FileSystemResizePending", "Waiting for user"),
        ([RESIZING, CONTROLLER], "ControllerResizeInProgress", "ControllerResizeError", "quota"),
        ([CONTROLLER], "ControllerResizeInfeasible", "Infeasible", "quota"),
        ([], "ControllerResizeInfeasible", "Infeasible", "never"),
        ([PENDING, NODE], "NodeResizePending", "NodeResizeError", "rpc error"),
        ([PENDING, NODE], "NodeResizeInfeasible", "Infeasible", "rpc error"),
    ],
)
def test_what_a_claim_waits_for(conditions, step, reason, words) -> None:
    steps = {"allocatedResourceStatuses": {"storage": step}, "allocatedResources": {"storage": "4Gi"}} if step else {}
    found, message = growth(claim(status={"conditions": conditions, **steps}))

    assert found == reason
    assert words in message


def test_only_what_can_never_be_is_not_worth_another_try() -> None:
    assert {reason for reason, (_, retry) in GROWTH.items() if not retry} == {"Infeasible"}


@pytest.mark.parametrize(("tried", "reason"), [("4Gi", "Infeasible"), ("8Gi", "ControllerResizeError")])
def test_what_could_not_be_had_of_another_size_is_no_verdict(tried, reason) -> None:
    status = {
        "conditions": [CONTROLLER],
        "allocatedResourceStatuses": {"storage": "ControllerResizeInfeasible"},
        "allocatedResources": {"storage": tried},
    }
    assert growth(claim(status=status))[0] == reason


def test_the_whole_is_bounded() -> None:
    from bosh_kubernetes_cpi.dispatch import METHODS

    assert all(limit < METHODS["resize_disk"][1] for limit, _ in GROWTH.values())
