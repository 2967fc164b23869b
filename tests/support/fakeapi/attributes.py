"""What the API server (1.34 and later) lets become of a claim's VolumeAttributesClass."""

from typing import Any

from tests.support.fakeapi.errors import invalid

Json = dict[str, Any]


def check(name: str, new: Json, old: Json | None) -> None:
    """For bound claims only, and back to none only while none was ever applied. Raises Refusal 422."""
    if old is None:
        return
    wanted, before = (spec.get("volumeAttributesClassName") for spec in (new["spec"], old["spec"]))
    status = old.get("status", {})
    if wanted == before:
        return
    if status.get("phase") != "Bound":
        why = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
        )
    elif wanted is None and status.get("currentVolumeAttributesClassName"):
        why = "update to nil is forbidden when status.currentVolumeAttributesClassName is not nil"
    elif wanted == "":
        why = "update from non-nil value to an empty string is forbidden"
    else:
        return
    raise invalid("PersistentVolumeClaim", name, f"spec.volumeAttributesClassName: Forbidden: {why}")
