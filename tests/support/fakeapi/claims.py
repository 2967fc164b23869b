"""What the API server makes of claims: its validation, and the two admission plugins that look at storage classes."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from bosh_kubernetes_api.quantities import in_bytes
from tests.support.fakeapi.errors import Refusal, invalid

Json = dict[str, Any]

DEFAULT = "storageclass.kubernetes.io/is-default-class"
SHRUNK = "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"
IMMUTABLE = (
    "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for "
    "bound claims"
)


def check(name: str, new: Json, old: Json | None) -> None:
    """ValidatePersistentVolumeClaim and its Update. Raises Refusal 422."""
    kind = "PersistentVolumeClaim"
    if not new["spec"].get("accessModes") or not _storage(new):
        raise invalid(kind, name, "spec.accessModes: Required value")
    try:
        size = in_bytes(_storage(new))
    except ValueError as error:
        raise invalid(kind, name, f"spec.resources.requests.storage: Invalid value: {error}") from error
    if not 0 < size < 1 << 63:
        raise invalid(kind, name, f"spec.resources.requests.storage: Invalid value: {_storage(new)!r}")
    if old is None:
        return
    if _fixed(new, old) != _fixed(old, old):
        raise invalid(kind, name, IMMUTABLE)
    capacity = in_bytes(old.get("status", {}).get("capacity", {}).get("storage", "0"))
    if size < in_bytes(_storage(old)) and size <= capacity:
        raise invalid(kind, name, SHRUNK)


def _fixed(claim: Json, old: Json) -> Json:
    """What must stay as it is in `old`; quantities count by their value."""
    spec = copy.deepcopy(claim["spec"])
    if _phase(old) == "Bound":
        spec.pop("volumeAttributesClassName", None)
        spec["resources"]["requests"].pop("storage")
    else:
        spec["resources"]["requests"]["storage"] = in_bytes(_storage(claim))
    if not old["spec"].get("volumeName"):
        spec.pop("volumeName", None)
    return dict(spec)


def admit(new: Json, old: Json | None, classes: Mapping[str, Json]) -> None:
    """DefaultStorageClass for a new claim, PersistentVolumeClaimResize for a change. Raises Refusal 403."""
    if old is None:
        _default_class(new, classes.values())
        return
    if in_bytes(_storage(new)) <= in_bytes(_storage(old)):
        return
    why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support "
    if _phase(old) != "Bound":
        raise _forbidden(new, "Only bound persistent volume claims can be expanded")
    if not classes.get(new["spec"].get("storageClassName", ""), {}).get("allowVolumeExpansion"):
        raise _forbidden(new, f"{why}resize")


def _default_class(new: Json, classes: Iterable[Json]) -> None:
    defaults = [one for one in classes if one["metadata"].get("annotations", {}).get(DEFAULT) == "true"]
    if "storageClassName" not in new["spec"] and defaults:
        new["spec"]["storageClassName"] = defaults[0]["metadata"]["name"]


def _forbidden(claim: Json, why: str) -> Refusal:
    return Refusal(403, "Forbidden", f'persistentvolumeclaims "{claim["metadata"]["name"]}" is forbidden: {why}')


def _storage(claim: Json) -> str:
    return str(claim["spec"].get("resources", {}).get("requests", {}).get("storage", ""))


def _phase(claim: Json) -> str:
    return str(claim.get("status", {}).get("phase", "Pending"))
