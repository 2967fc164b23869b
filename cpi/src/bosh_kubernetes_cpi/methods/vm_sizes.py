"""calculate_vm_cloud_properties: what an instance group wants by `vm_resources`, as cloud properties of create_vm."""

from __future__ import annotations

from ..errors import CloudError
from ..words import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]

# Resource of the Director (ram and disk in MiB) -> key of cloud properties. A Pod has any size: nothing is rounded.
KEYS = {"cpu": "cpu", "ram": "memory", "ephemeral_disk_size": "ephemeral_disk_size"}


def calculate_vm_cloud_properties(_call: Call, vm_resources: Json) -> Json:
    """Raises CloudError that names a resource that is missing, unknown or no whole number above 0."""
    for name in vm_resources:
        if name not in KEYS:
            raise CloudError(f"vm_resources: unknown key {name[:64]!r}{nearest(name, KEYS)}")
    for name in KEYS:
        value = vm_resources.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise CloudError(f"vm_resources.{name} must be a whole number above 0")
    return {key: vm_resources[name] for name, key in KEYS.items()}
