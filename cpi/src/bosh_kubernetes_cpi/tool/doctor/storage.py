"""Storage classes, growth and snapshots. Pure but for two lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bosh_kubernetes_api import paths

from ...errors import Forbidden
from ...methods.snapshot_class import DEFAULT, default_classes
from ...methods.storage_class import default_class
from ...transport.api import Api
from ..words import listed
from .line import FAILURE, OK, WARNING, Line

Json = dict[str, Any]


def check(api: Api, disks: str, roots: str) -> Iterator[Line]:
    """`disks` and `roots` are disks.storage_class and machines.root_storage_class of the configuration."""
    try:
        classes: list[Json] = api.get(paths.storage_classes())["items"]
    except Forbidden as error:
        yield Line("storage class", WARNING, f"not checked: {error.message}", "see the line of the rights")
        return
    if roots:
        yield from _named(classes, roots, "machines.root_storage_class", "root disks")
    chosen = disks or default_class(classes)
    if not chosen:
        cure = "set disks.storage_class, name one in cloud properties, or annotate one as the default"
        yield Line("storage class", FAILURE, f"the cluster has no default one; there are: {_names(classes)}", cure)
        return
    yield from _named(classes, chosen, "disks.storage_class", "storage class")
    for found in (each for each in classes if each["metadata"]["name"] == chosen):
        yield _growth(found)
        yield from _snapshots(api, found["provisioner"])


def _named(classes: list[Json], name: str, key: str, check: str) -> Iterator[Line]:
    found = [each for each in classes if each["metadata"]["name"] == name]
    if found:
        yield Line(check, OK, f"{name}, of {found[0]['provisioner']}")
    else:
        yield Line(check, FAILURE, f"there is no class {name}; there are: {_names(classes)}", f"correct {key}")


def _growth(found: Json) -> Line:
    name = found["metadata"]["name"]
    if found.get("allowVolumeExpansion"):
        return Line("growth of disks", OK, f"class {name} allows it")
    cure = f"if its driver can: kubectl patch storageclass {name} -p '{{\"allowVolumeExpansion\":true}}'"
    return Line(
        "growth of disks", WARNING, f"class {name} does not allow it: the Director copies a disk that grows", cure
    )


def _snapshots(api: Api, driver: str) -> Iterator[Line]:
    check, without = "snapshots", "a Director goes on without"
    try:
        classes = api.items(paths.snapshot_classes())
    except Forbidden as error:
        yield Line(check, WARNING, f"not checked: {error.message}", "see the line of the rights")
        return
    if classes is None:
        cure = "if they are wanted: install the CSI snapshot controller and its kinds"
        yield Line(check, WARNING, f"the cluster has none: VolumeSnapshot is not served; {without}", cure)
        return
    defaults = default_classes(classes, driver)
    if len(defaults) == 1:
        yield Line(check, OK, f"class {defaults[0]}")
    elif defaults:
        yield Line(check, WARNING, f"several default classes of {driver}: {listed(defaults)}", "leave one")
    else:
        known = _names([each for each in classes if each["driver"] == driver])
        cure = f'if its driver can: make a VolumeSnapshotClass of {driver} with the annotation {DEFAULT}: "true"'
        yield Line(check, WARNING, f"no default class of {driver} (there are: {known}); {without}", cure)


def _names(classes: list[Json]) -> str:
    return listed(sorted(each["metadata"]["name"] for each in classes)) or "none"
