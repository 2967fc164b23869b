"""update_disk on a driver that changes a volume where it is, and refuses what it does not know."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.cluster import volumes
from tests.support.cluster.cpi import CpiCallError
from tests.support.cluster.machines import Machine

CLASS = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "driverName": "loop.csi.bosh.test"}


@pytest.fixture
def attributes_class(shared_machine: Machine) -> Iterator[Callable[..., str]]:
    """Makes VolumeAttributesClasses with parameters; their names."""
    kubectl = shared_machine.kubectl
    made: list[str] = []

    def make(**parameters: str) -> str:
        name = f"attributes-{uuid.uuid4().hex[:6]}"
        kubectl.apply({**CLASS, "metadata": {"name": name}, "parameters": parameters})
        made.append(name)
        return name

    yield make
    for name in made:
        kubectl.delete("volumeattributesclass", name, "--wait=false")


def noted(machine: Machine, disk: str) -> dict[str, Any]:
    """What the driver knows of the volume."""
    image = volumes.of_claim(machine.kubectl, disk).image
    found: dict[str, Any] = json.loads(image.with_suffix(".json").read_text())
    return found


def current(machine: Machine, disk: str) -> str:
    claim = machine.kubectl.get("pvc", disk)
    assert claim is not None
    return str(claim["status"].get("currentVolumeAttributesClassName", ""))


def test_a_disk_gets_other_attributes_and_a_size_where_it_is(
    shared_machine: Machine, attributes_class: Callable[..., str]
) -> None:
    machine = shared_machine
    gold, silver = attributes_class(label="gold"), attributes_class(label="silver")
    properties = {"storage_class": "bosh-block-xfs"}
    disk = machine.plug(320, attributes_class=gold, **properties)
    identity = machine.identity()
    assert noted(machine, disk)["attributes"] == {"label": "gold"}
    assert current(machine, disk) == gold

    machine.cpi("update_disk", disk, 640, properties | {"attributes_class": silver})
    assert noted(machine, disk)["attributes"] == {"label": "silver"}
    assert noted(machine, disk)["filled"] == 640 << 20
    assert current(machine, disk) == silver
    assert machine.identity() == identity
    machine.cpi("detach_disk", machine.cid, disk)


def test_attributes_that_the_driver_refuses_leave_the_disk_as_it_was(
    shared_machine: Machine, attributes_class: Callable[..., str]
) -> None:
    machine = shared_machine
    gold, refused = attributes_class(label="gold"), attributes_class(colour="red")
    properties = {"storage_class": "bosh-block"}
    disk = machine.plug(64, **properties)
    machine.cpi("update_disk", disk, 64, properties | {"attributes_class": gold})

    with pytest.raises(CpiCallError, match="unknown parameter") as failure:
        machine.cpi("update_disk", disk, 64, properties | {"attributes_class": refused})

    assert failure.value.type == "Bosh::Clouds::NotSupported"
    assert noted(machine, disk)["attributes"] == {"label": "gold"}
    claim = machine.kubectl.get("pvc", disk)
    assert claim is not None
    assert claim["spec"]["volumeAttributesClassName"] == gold
    machine.cpi("detach_disk", machine.cid, disk)
