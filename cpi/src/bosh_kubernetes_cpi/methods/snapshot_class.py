"""Which VolumeSnapshotClass a disk's snapshots are of: the one that it names, or the default one of its driver."""

from __future__ import annotations

from bosh_kubernetes_api import names, paths

from ..errors import ApiError, CloudError, Unimplemented

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]

DEFAULT = "snapshot.storage.kubernetes.io/is-default-class"
PROVISIONER = "volume.kubernetes.io/storage-provisioner"  # on a claim that a driver has provisioned: which one


def check_snapshot_class(call: Call, name: str) -> None:
    """Raises CloudError when there is no class `name`."""
    known = _classes(call)
    if known is None:
        raise CloudError(f"snapshot_class {name!r}: the cluster has no snapshots (no VolumeSnapshotClass is served)")
    _named(known, name)


def snapshot_class_of(call: Call, claim: Json) -> str:
    """Name of the class for snapshots of a disk.

    Raises Unimplemented where there are no snapshots (neither kind nor class), which lets callers go on without; and
    CloudError for a class that is named and wrong, or for several defaults, of which the storage would take none.
    """
    disk = claim["metadata"]["name"]
    annotations = claim["metadata"].get("annotations", {})
    known = _classes(call)
    if known is None:
        raise Unimplemented("the cluster has no snapshots: its kind VolumeSnapshot is not installed")
    driver = annotations.get(PROVISIONER, "")
    if wanted := annotations.get(names.SNAPSHOT_CLASS):
        found = _named(known, wanted)
        if driver and found["driver"] != driver:
            raise CloudError(
                f"disk {disk}: its snapshot_class {wanted!r} is of the driver {found['driver']}, the disk of {driver}"
            )
        return str(wanted)
    defaults = [
        item["metadata"]["name"]
        for item in known
        if item["metadata"].get("annotations", {}).get(DEFAULT) == "true" and driver in ("", item["driver"])
    ]
    if not defaults:
        raise Unimplemented(
            f"no VolumeSnapshotClass is the default one for disk {disk} (driver {driver or 'unknown'}): make one, or "
            f"name one as snapshot_class in the disk's cloud_properties; {_listed(known)}"
        )
    if len(defaults) > 1:
        raise CloudError(
            f"several VolumeSnapshotClasses are the default one for disk {disk} (driver {driver or 'unknown'}): "
            f"{', '.join(sorted(defaults))}; leave one, or name one as snapshot_class in the disk's cloud_properties"
        )
    return str(defaults[0])


def _classes(call: Call) -> list[Json] | None:
    """None when the cluster has no such kind."""
    try:
        found: list[Json] = call.api.get(paths.snapshot_classes())["items"]
    except ApiError as error:
        if error.status == 404:  # of a collection: the server does not know the kind
            return None
        raise
    return found


def _named(known: list[Json], name: str) -> Json:
    for item in known:
        if item["metadata"]["name"] == name:
            return item
    raise CloudError(f"there is no VolumeSnapshotClass {name!r} in the cluster; {_listed(known)}")


def _listed(known: list[Json]) -> str:
    return f"there are: {', '.join(sorted(item['metadata']['name'] for item in known)) or 'none'}"
