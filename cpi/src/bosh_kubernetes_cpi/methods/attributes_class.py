"""VolumeAttributesClasses: what a volume can do (its IOPS, say), which may change while it is in use."""

from __future__ import annotations

from bosh_kubernetes_api import paths

from ..errors import CloudError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..call import Call


def check_attributes_class(call: Call, name: str) -> None:
    """Raises CloudError when there is no class `name`, or no such kind in this version of Kubernetes."""
    known = _classes(call)
    if known is None:
        raise CloudError(
            f"attributes_class {name!r}: this Kubernetes has no VolumeAttributesClasses (1.34 and later have them)"
        )
    if name not in known:
        raise CloudError(
            f"there is no VolumeAttributesClass {name!r} in the cluster; there are: {', '.join(known) or 'none'}"
        )


def has_attributes_classes(call: Call) -> bool:
    """Whether this version of Kubernetes has the kind."""
    return _classes(call) is not None


def _classes(call: Call) -> list[str] | None:
    """Names of the classes that there are; None without the kind."""
    found = call.api.items(paths.attributes_classes())
    return None if found is None else sorted(item["metadata"]["name"] for item in found)
