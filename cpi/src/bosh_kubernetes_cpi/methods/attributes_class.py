"""VolumeAttributesClasses: what a volume can do (its IOPS, say), which may change while it is in use."""

from __future__ import annotations

from bosh_kubernetes_api import paths

from ..errors import ApiError, CloudError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..call import Call


def check_attributes_class(call: Call, name: str) -> None:
    """Raises CloudError when there is no class `name`, or no such kind in this version of Kubernetes."""
    try:
        found = call.api.get(paths.attributes_classes())["items"]
    except ApiError as error:
        if error.status == 404:  # of a collection: the server does not know the kind
            raise CloudError(
                f"attributes_class {name!r}: this Kubernetes has no VolumeAttributesClasses (1.34 and later have them)"
            ) from error
        raise
    known = sorted(item["metadata"]["name"] for item in found)
    if name not in known:
        raise CloudError(
            f"there is no VolumeAttributesClass {name!r} in the cluster; there are: {', '.join(known) or 'none'}"
        )
