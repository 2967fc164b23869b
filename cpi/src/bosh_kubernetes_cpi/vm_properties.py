"""Cloud properties of a VM: checked, and turned into the parts of `spec.machine` that they decide. Pure.

The keys are described in docs/configuration.md.
"""

from __future__ import annotations

from .errors import CloudError
from .words import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

TEXT, WHOLE, QUANTITY = "a string", "a whole number above 0 (MiB)", "a number of cores or a quantity such as 500m"
TEXTS, MAP, MAPS = "a list of strings", "an object of strings", "a list of objects"

KEYS: dict[str, Any] = {
    "cpu": QUANTITY,
    "memory": WHOLE,
    "ram": WHOLE,
    "ephemeral_disk_size": WHOLE,
    "root_disk": {"storage_class": TEXT},
    "node": TEXT,
    "zone": TEXT,
    "region": TEXT,
    "node_selector": MAP,
    "tolerations": MAPS,
    "priority_class": TEXT,
    "runtime_class": TEXT,
    "labels": MAP,
    "annotations": MAP,
    "image_pull_secrets": TEXTS,
    "static_ip": {"ports": "a list of ports"},
}

_PLACEMENT = {
    "node": "node",
    "zone": "zone",
    "region": "region",
    "node_selector": "nodeSelector",
    "tolerations": "tolerations",
    "priority_class": "priorityClass",
    "runtime_class": "runtimeClass",
}


def check(values: Json, shape: Json = KEYS, where: str = "cloud_properties") -> Json:
    """`values` without empty ones. Raises CloudError that names a key that is unknown or holds something else."""
    result = {}
    for key, value in values.items():
        if key not in shape:
            raise CloudError(f"{where}: unknown key {key!r}{nearest(key, shape)}")
        if value is None or value in ("", [], {}):
            continue
        kind = shape[key]
        if isinstance(kind, dict):
            if not isinstance(value, dict):
                raise CloudError(f"{where}.{key} must be an object with {', '.join(kind)}")
            value = check(value, kind, f"{where}.{key}")
        elif not _is(kind, value):
            raise CloudError(f"{where}.{key} must be {kind}")
        result[key] = value
    return result


def shape(properties: Json, defaults: Json, *, group: str, disks: list[str]) -> Json:
    """resources, rootDisk, placement, labels and annotations of `spec.machine`, from checked properties.

    `defaults` is the section `machines` of the configuration, `group` is env.bosh.group, `disks` those that the
    machine will get.
    """
    memory = properties.get("memory") or properties.get("ram") or defaults["memory"]
    result: Json = {
        "resources": {
            "cpu": _cores(properties.get("cpu", defaults["cpu"])),
            "memory": f"{memory}Mi",
            "ephemeralDisk": f"{properties.get('ephemeral_disk_size', defaults['ephemeral_disk_size'])}Mi",
        }
    }
    storage_class = properties.get("root_disk", {}).get("storage_class") or defaults["root_storage_class"]
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


def ports(value: Any) -> bool:
    """Whether `value` is a list of TCP ports."""
    return isinstance(value, list) and all(
        isinstance(port, int) and not isinstance(port, bool) and 0 < port < 65536 for port in value
    )


def _cores(value: Any) -> str:
    """Cores as the CRD takes them: `2`, `0.5`, `500m`. Raises CloudError."""
    text = str(value)
    number = text.removesuffix("m")
    whole, dot, part = number.partition(".")
    if not (whole.isascii() and whole.isdigit() and (not dot or (part.isascii() and part.isdigit()))):
        raise CloudError(f"cloud_properties.cpu must be {QUANTITY}, not {text[:40]!r}")
    return text


def _is(kind: str, value: Any) -> bool:
    if kind == TEXT:
        return isinstance(value, str)
    if kind == WHOLE:
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    if kind == QUANTITY:
        return isinstance(value, (str, int, float)) and not isinstance(value, bool)
    if kind == TEXTS:
        return isinstance(value, list) and all(isinstance(item, str) and item for item in value)
    if kind == MAP:
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    if kind == MAPS:
        return isinstance(value, list) and all(isinstance(item, dict) for item in value)
    return ports(value)
