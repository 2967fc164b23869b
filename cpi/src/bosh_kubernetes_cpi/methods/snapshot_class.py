"""Which VolumeSnapshotClass a disk's snapshots are of: the one that it names, or the default one of its driver."""

from __future__ import annotations

from bosh_kubernetes_api import names, paths

from ..errors import CloudError, Unimplemented

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]

DEFAULT = "snapshot.storage.kubernetes.io/is-default-class"
PROVISIONER = "volume.kubernetes.io/storage-provisioner"  # on a claim that a driver has provisioned: which one


def check_snapshot_class(call: Call, name: str) -> None:
    """Raises CloudError when there is no class `name`."""
    known = call.api.items(paths.snapshot_classes())
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
    known = call.api.items(paths.snapshot_classes())
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
    defaults = default_classes(known, driver)
    if not defaults:
        raise Unimplemented(
            f"no VolumeSnapshotClass is the default one for disk {disk} (driver {driver or 'unknown'}): make one, or "
            f"name one as snapshot_class in the disk's cloud_properties; {_listed(known)}"
        )
    if len(defaults) > 1:
        raise CloudError(
            f"several VolumeSnapshotClasses are the default one for disk {disk} (driver {driver or 'unknown'}): "
            f"{', '.join(defaults)}; leave one, or name one as snapshot_class in the disk's cloud_properties"
        )
    return defaults[0]


def default_classes(known: list[Json], driver: str) -> list[str]:
    """Names of those that say to be the default one for `driver`; empty: of any. Sorted."""
    return sorted(
        item["metadata"]["name"]
        for item in known
        if item["metadata"].get("annotations", {}).get(DEFAULT) == "true" and driver in ("", item["driver"])
    )


def _named(known: list[Json], name: str) -> Json:
    for item in known:
        if item["metadata"]["name"] == name:
            return item
    raise CloudError(f"there is no VolumeSnapshotClass {name!r} in the cluster; {_listed(known)}")


def _listed(known: list[Json]) -> str:
    return f"there are: {', '.join(sorted(item['metadata']['name'] for item in known)) or 'none'}"
