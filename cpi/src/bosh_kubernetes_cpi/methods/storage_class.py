"""A storage class that is missing is told at once: a claim for it would stay pending without a word."""

from __future__ import annotations

from bosh_kubernetes_api import paths

from ..errors import CloudError, Forbidden

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]

DEFAULT = "storageclass.kubernetes.io/is-default-class"


def check_storage_class(call: Call, name: str) -> None:
    """Raises CloudError when there is no class `name`, or no default one for an empty name.

    An account that may not read classes is let through: then the claim's Events tell.
    """
    try:
        classes = call.api.get(paths.storage_classes())["items"]
    except Forbidden:
        return
    known = sorted(item["metadata"]["name"] for item in classes)
    if name:
        if name not in known:
            raise CloudError(
                f"there is no storage class {name!r} in the cluster; there are: {', '.join(known) or 'none'}"
            )
        return
    if not any(_is_default(item) for item in classes):
        raise CloudError(
            "the cluster has no default storage class: set disks.storage_class in the CPI's configuration, or "
            f"storage_class in the disk's cloud_properties; there are: {', '.join(known) or 'none'}"
        )


def is_default_class(call: Call, name: str) -> bool:
    """Whether a disk that names no class would get this one. True for an account that may not read classes."""
    try:
        classes = call.api.get(paths.storage_classes())["items"]
    except Forbidden:
        return True
    return default_class(classes) == name


def default_class(classes: list[Json]) -> str:
    """Name of the default one, as the API server takes it: the newest of those that say so. Empty without one."""
    defaults = [item["metadata"] for item in classes if _is_default(item)]
    newest: Json = max(defaults, key=lambda metadata: metadata.get("creationTimestamp", ""), default={})
    return str(newest.get("name", ""))


def _is_default(item: Json) -> bool:
    return bool(item["metadata"].get("annotations", {}).get(DEFAULT) == "true")
