"""Cloud properties of a VM, turned into the parts of `spec.machine` that they decide. Pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

_PLACEMENT = {
    "node": "node",
    "zone": "zone",
    "region": "region",
    "node_selector": "nodeSelector",
    "tolerations": "tolerations",
    "priority_class": "priorityClass",
    "runtime_class": "runtimeClass",
}


def shape(properties: Json, *, group: str, disks: list[str]) -> Json:
    """resources, rootDisk, placement, labels and annotations of `spec.machine`.

    `properties` are those of cloud_properties.VM with the defaults of the configuration, `group` is env.bosh.group,
    `disks` those that the machine will get.
    """
    result: Json = {
        "resources": {
            "cpu": properties["cpu"],
            "memory": f"{properties['memory']}Mi",
            "ephemeralDisk": f"{properties['ephemeral_disk_size']}Mi",
        }
    }
    storage_class = properties.get("root_disk", {}).get("storage_class")
    if storage_class:
        result["rootDisk"] = {"storageClass": storage_class}
    placement = {ours: properties[theirs] for theirs, ours in _PLACEMENT.items() if theirs in properties}
    if group:
        placement["group"] = group
    if disks:
        placement["disks"] = list(dict.fromkeys(disks))
    if placement:
        result["placement"] = placement
    for key in ("labels", "annotations"):
        if key in properties:
            result[key] = properties[key]
    return result
