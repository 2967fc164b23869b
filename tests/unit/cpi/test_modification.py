"""What is read out of a claim whose volume gets another VolumeAttributesClass."""

import pytest

from bosh_kubernetes_cpi.methods.update_disk import modification
from bosh_kubernetes_cpi.verdicts import MODIFICATION


def at(state, target="fast"):
    return {"modifyVolumeStatus": {"status": state, "targetVolumeAttributesClassName": target}}


FAILED = {"conditions": [{"type": "ModifyVolumeError", "status": "True", "message": "no such IOPS"}]}
GOING = {"conditions": [{"type": "ModifyingVolume", "status": "True", "message": "half done"}]}

STATES = [
    ({"currentVolumeAttributesClassName": "fast"}, "", ""),
    ({}, "Unheard", "external-resizer"),
    ({"currentVolumeAttributesClassName": "slow"}, "Unheard", "external-resizer"),
    ({"currentVolumeAttributesClassName": "fast", **at("InProgress", "slow")}, "Unheard", "external-resizer"),
    ({**at("Infeasible", "older"), **FAILED}, "Unheard", "external-resizer"),
    (at("Pending"), "Pending", "it is Pending"),
    ({**at("InProgress"), **GOING}, "InProgress", "half done"),
    ({**at("InProgress"), **FAILED}, "Error", "its driver fails: no such IOPS"),
    ({**at("Infeasible"), **FAILED}, "Infeasible", "its driver refuses it: no such IOPS"),
    (at("OfANewerKubernetes"), "Pending", "OfANewerKubernetes"),
]


@pytest.mark.parametrize(("status", "reason", "words"), STATES)
def test_modification(status, reason, words) -> None:
    found = modification({"status": status}, "fast")

    assert found[0] == reason
    assert words in found[1]
    assert not reason or reason in MODIFICATION
