"""calculate_vm_cloud_properties: what it gives, create_vm reads back to the same sizes."""

from typing import Any

import pytest

from bosh_kubernetes_cpi.cloud_properties import VM, read
from bosh_kubernetes_cpi.config import DEFAULTS
from bosh_kubernetes_cpi.errors import CloudError
from bosh_kubernetes_cpi.methods.vm_sizes import calculate_vm_cloud_properties
from bosh_kubernetes_cpi.vm_properties import shape

CALL: Any = None  # it needs nothing of a call


@pytest.mark.parametrize(("cpu", "ram", "disk"), [(1, 1, 1), (2, 4096, 20480), (128, 2 << 20, 64 << 20)])
def test_create_vm_reads_it_back_to_the_same_sizes(cpu, ram, disk) -> None:
    properties = calculate_vm_cloud_properties(CALL, {"cpu": cpu, "ram": ram, "ephemeral_disk_size": disk})
    machine = shape(read(VM, properties, "the VM", DEFAULTS), group="", disks=[])

    assert machine == {"resources": {"cpu": f"{cpu}", "memory": f"{ram}Mi", "ephemeralDisk": f"{disk}Mi"}}


def test_it_wins_over_the_sizes_of_an_az() -> None:
    """The Director merges it over the cloud properties of the AZ."""
    sizes = calculate_vm_cloud_properties(CALL, {"cpu": 1, "ram": 4096, "ephemeral_disk_size": 1})
    machine = shape(read(VM, {"memory": 1, **sizes}, "the VM", DEFAULTS), group="", disks=[])

    assert machine["resources"]["memory"] == "4096Mi"


WHOLE = {"cpu": 1, "ram": 1, "ephemeral_disk_size": 1}
WRONG = [
    ({}, "vm_resources.cpu must be"),
    ({"cpu": 1, "ram": 1}, "vm_resources.ephemeral_disk_size must be"),
    ({**WHOLE, "ram": 0}, "vm_resources.ram must be a whole number above 0"),
    ({**WHOLE, "ram": "1"}, "vm_resources.ram must be"),
    ({**WHOLE, "cpu": 0.5}, "vm_resources.cpu must be"),
    ({**WHOLE, "cpu": True}, "vm_resources.cpu must be"),
    ({**WHOLE, "ephemeral_disk": 1}, "unknown key 'ephemeral_disk'; did you mean 'ephemeral_disk_size'?"),
]


@pytest.mark.parametrize(("resources", "words"), WRONG)
def test_what_cannot_be_given_is_named(resources, words) -> None:
    with pytest.raises(CloudError) as failure:
        calculate_vm_cloud_properties(CALL, resources)
    assert words in failure.value.message
