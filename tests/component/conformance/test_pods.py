"""Pitfalls of the Pods that earlier CPIs made: what ours must never have in them. Each is rendered anew from the stored
machine, never from a Pod that was there.
"""

import json
from typing import Any

import pytest

from bosh_kubernetes_operator.machine import attachment, pod
from tests.unit.operator.things import vm

Json = dict[str, Any]

FULL = {
    "placement": {"zone": "z1", "region": "r1", "group": "g", "disks": ["disk-1"], "nodeSelector": {"a": "b"}},
    "networks": [{"name": "n", "type": "dynamic"}],
    "labels": {"a": "b"},
}


@pytest.fixture(params=["machine", "attachment"])
def made(request: pytest.FixtureRequest) -> Json:
    machine = vm(machine=FULL)
    if request.param == "machine":
        return pod.build(machine, "firmware-1", "/base", 60, {})
    return attachment.build(machine, "disk-1", "worker-1", "firmware-1", "/base")


def test_pitfall_05_no_node_is_named_and_nothing_of_an_earlier_pod_comes_along(made: Json) -> None:
    """A named node goes past the scheduler, to a dead or full one too, and no volume is bound late."""
    assert "nodeName" not in made["spec"]
    assert not {"uid", "resourceVersion", "creationTimestamp", "generation"} & set(made["metadata"])
    assert "status" not in made


def test_pitfall_43_no_token_is_mounted(made: Json) -> None:
    assert made["spec"]["automountServiceAccountToken"] is False
    assert "serviceAccountToken" not in json.dumps(made)


def test_pitfall_40_no_sub_path_is_mounted(made: Json) -> None:
    """Such a mount sees no change of its source, and keeps a container from starting again when that was replaced."""
    assert "subPath" not in json.dumps(made)


def test_pitfall_42_topology_labels_are_those_of_today(made: Json) -> None:
    assert "failure-domain.beta" not in json.dumps(made)
