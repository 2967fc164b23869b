"""What create_vm says when a cluster gives no machine: the type, the cluster's own reason, and nothing left behind."""

import time
from typing import Any

import pytest

from tests.support.cluster.cpi import Cpi, CpiCallError
from tests.support.cluster.wait import eventually


@pytest.fixture
def refused(make_machine, cpi: Cpi, leftovers):
    """Calls create_vm, which must fail, and checks that nothing of it is left; the error and the seconds it took."""

    def call(stemcell: str, **cloud_properties: Any) -> tuple[CpiCallError, float]:
        began = time.monotonic()
        with pytest.raises(CpiCallError) as failure:
            make_machine(stemcell, **cloud_properties)
        assert failure.value.type == "Bosh::Clouds::VMCreationFailed"
        seconds = time.monotonic() - began
        # What the machine owned goes by the cluster's own collection, a moment after the machine.
        eventually(lambda: leftovers(cpi.director) == [], within=90, what=f"nothing left: {leftovers(cpi.director)}")
        return failure.value, seconds

    return call


@pytest.mark.full
def test_wrong_image(refused, stemcell_of) -> None:
    error, seconds = refused(stemcell_of("localhost:5005/no/such/image@sha256:" + "0" * 64))

    assert not error.ok_to_retry
    assert "no/such/image" in error.message
    assert "not found" in error.message.lower()
    assert seconds < 75


def test_unschedulable(refused, stemcell: str) -> None:
    error, seconds = refused(stemcell, cpu="900")

    assert error.ok_to_retry
    assert "Insufficient cpu" in error.message
    assert seconds < 40


def test_quota_exceeded(refused, stemcell: str, quota) -> None:
    with quota({"pods": "0"}):
        error, seconds = refused(stemcell)

    assert not error.ok_to_retry
    assert "exceeded quota" in error.message
    assert seconds < 20


def test_operator_not_running(refused, stemcell: str, operator) -> None:
    with operator.stopped():
        error, seconds = refused(stemcell)

    assert error.ok_to_retry
    assert "operator" in error.message
    assert seconds < 90


def test_root_claim_of_an_unknown_class(refused, stemcell: str) -> None:
    error, _ = refused(stemcell, root_disk={"storage_class": "no-such-class"})

    assert "no-such-class" in error.message
