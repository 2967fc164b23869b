"""Calls to put a fault into: one of every method that talks to the API server, and the ways in which some must undo."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.fakeapi.sidecars import DRIVER, FakeSidecars
from tests.support.fakeapi.storage import FakeStorage
from tests.support.faults.world import NAMESPACE, STEMCELL, World
from tests.support.registry.samples import root_file_system

NETWORKS = {"default": {"type": "dynamic", "default": ["dns", "gateway"], "cloud_properties": {}}}
FINALIZER = {"metadata": {"finalizers": ["kubernetes.io/pvc-protection"]}}


class Scenario(NamedTuple):
    """`arrange` makes what has to be there, and answers method and arguments. `again`: a repeat after success changes
    nothing. `nameless`: what it made is lost to everybody when the CPI is killed, as only its answer has the name.
    `stored`: what was asked for, or was to be put back, may stay so when a call has trouble, for the next one; its
    answer or docs/architecture.md says so. `finish` is such a next one.
    """

    arrange: Callable[[World], tuple[Any, ...]]
    again: bool = True
    nameless: bool = False
    stored: bool = False
    finish: Callable[[World], object] = lambda _: None


def machine(world: World, name: str = "vm-1", agent: str = "agent-1") -> str:
    cid: str = world.arrange("create_vm", agent, STEMCELL, {}, NETWORKS, [], {})[0]
    world.known[cid] = name
    return cid


def disk(world: World, name: str = "disk-1", driver: FakeStorage | FakeSidecars | None = None) -> str:
    world.run(driver or world.storage)
    cid: str = world.arrange("create_disk", 1024, {}, None)
    world.known[cid] = name
    store = world.api.store
    store.merge_patch("PersistentVolumeClaim", NAMESPACE, cid, FINALIZER)  # as every claim has it
    with store.changed:
        assert store.changed.wait_for(lambda: "status" in store.get("PersistentVolumeClaim", NAMESPACE, cid), 20)
    return cid


def with_disk(world: World) -> tuple[str, str]:
    """A machine with two disks: its CID, and that of the first."""
    pair = machine(world), disk(world)
    world.arrange("attach_disk", *pair)
    world.arrange("attach_disk", pair[0], disk(world, "disk-2"))
    return pair


def heavy_stemcell(world: World) -> str:
    cid: str = world.arrange("create_stemcell", heavy(world), {}, {})
    world.stemcell = cid
    return cid


def heavy(world: World) -> str:
    image = Path(world.folder, "image")
    image.write_bytes(gzip.compress(root_file_system(1 << 16), 1, mtime=0))
    return str(image)


def create_vm(world: World) -> tuple[Any, ...]:
    """With a root disk on a claim, and with what an earlier try has left."""
    machine(world, "vm-left")
    disk(world)
    return ("create_vm", "agent-1", STEMCELL, {"root_disk": {"storage_class": "standard"}}, NETWORKS, [], {})


def refused_vm(world: World) -> tuple[Any, ...]:
    disk(world)
    world.operator.reasons["*"] = ("QuotaExceeded", "exceeded quota")
    return ("create_vm", "agent-1", STEMCELL, {}, NETWORKS, [], {})


def delete_vm(world: World) -> tuple[Any, ...]:
    return ("delete_vm", with_disk(world)[0])


def last_vm(world: World) -> tuple[Any, ...]:
    """The last machine of a heavy stemcell that its Director has deleted."""
    stemcell = heavy_stemcell(world)
    cid = world.arrange("create_vm", "agent-1", stemcell, {}, NETWORKS, [], {})[0]
    world.known[cid] = "vm-1"
    world.arrange("delete_stemcell", stemcell)
    return ("delete_vm", cid)


def finish_stemcell(world: World) -> None:
    """docs/architecture.md: a delete_vm that fails in this part leaves the stemcell to the next delete_stemcell."""
    world.arrange("delete_stemcell", world.stemcell)


def delete_stemcell(world: World) -> tuple[Any, ...]:
    return ("delete_stemcell", heavy_stemcell(world))


def attach_disk(world: World) -> tuple[Any, ...]:
    cid, _ = with_disk(world)
    return ("attach_disk", cid, disk(world, "disk-3"))


def failed_attach(world: World) -> tuple[Any, ...]:
    cid, _ = with_disk(world)
    third = world.detached = disk(world, "disk-3")
    world.operator.disk_reasons[third] = ("Failed", "PodRefused", "no such image")
    return ("attach_disk", cid, third)


def forget_attach(world: World) -> None:
    """docs/architecture.md: the wish of a call that could not take it back stays, for the next detach_disk."""
    cid = next(cid for cid, name in world.known.items() if name == "vm-1")
    world.arrange("detach_disk", cid, world.detached)


def busy_disk(world: World) -> tuple[Any, ...]:
    pair = with_disk(world)
    world.operator.busy.add(pair[1])
    return ("detach_disk", *pair)


def held_disk(world: World) -> tuple[Any, ...]:
    return ("delete_disk", with_disk(world)[1])


def resize_disk(world: World) -> tuple[Any, ...]:
    """One that the operator has to mount, which it does not before the call looks who has the disk."""
    cid = disk(world)
    world.operator.mounts = False
    return ("resize_disk", cid, 4096)


def snapshot_disk(world: World) -> tuple[Any, ...]:
    snapshot_class(world, "usual")
    return ("snapshot_disk", disk(world, driver=world.sidecars), METADATA)


def attached_snapshot(world: World) -> tuple[Any, ...]:
    call = snapshot_disk(world)
    world.arrange("attach_disk", machine(world), call[1])
    return call


def delete_snapshot(world: World) -> tuple[Any, ...]:
    cid = world.arrange(*snapshot_disk(world))
    world.known[cid] = "snapshot-1"
    return ("delete_snapshot", cid)


def update_disk(world: World) -> tuple[Any, ...]:
    snapshot_class(world, "usual")
    attributes = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "metadata": {"name": "fast"}}
    world.api.store.create(
        "VolumeAttributesClass", "", attributes | {"driverName": DRIVER, "parameters": {"iops": "9"}}
    )
    properties = {"attributes_class": "fast", "snapshot_class": "usual"}
    return ("update_disk", disk(world, driver=world.sidecars), 1024, properties)


def infeasible(world: World) -> tuple[Any, ...]:
    world.sidecars.infeasible.add("fast")
    return update_disk(world)


def snapshot_class(world: World, name: str) -> None:
    body = {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass", "driver": DRIVER}
    annotations = {"snapshot.storage.kubernetes.io/is-default-class": "true"}
    more = {"metadata": {"name": name, "annotations": annotations}, "deletionPolicy": "Delete"}
    world.api.store.create("VolumeSnapshotClass", "", body | more)


METADATA = {"director": "d", "deployment": "x", "job": "db", "index": "0"}

SCENARIOS = {
    "create_stemcell": Scenario(lambda world: ("create_stemcell", heavy(world), {}, {})),
    "delete_stemcell": Scenario(delete_stemcell, stored=True),
    "create_vm": Scenario(create_vm),
    "create_vm, refused": Scenario(refused_vm),
    "delete_vm": Scenario(delete_vm),
    "delete_vm, the last of a stemcell": Scenario(last_vm, stored=True, finish=finish_stemcell),
    "has_vm": Scenario(lambda world: ("has_vm", machine(world))),
    "reboot_vm": Scenario(lambda world: ("reboot_vm", with_disk(world)[0])),
    "set_vm_metadata": Scenario(lambda world: ("set_vm_metadata", machine(world), METADATA)),
    "create_disk": Scenario(lambda _: ("create_disk", 1024, {}, None), again=False, nameless=True),
    "delete_disk": Scenario(lambda world: ("delete_disk", disk(world))),
    "delete_disk, attached": Scenario(held_disk),
    "has_disk": Scenario(lambda world: ("has_disk", disk(world))),
    "attach_disk": Scenario(attach_disk),
    "attach_disk, failing": Scenario(failed_attach, finish=forget_attach),
    "detach_disk": Scenario(lambda world: ("detach_disk", *with_disk(world))),
    "detach_disk, busy": Scenario(busy_disk, stored=True),
    "resize_disk": Scenario(resize_disk),
    "resize_disk, attached": Scenario(lambda world: ("resize_disk", with_disk(world)[1], 4096)),
    "update_disk": Scenario(update_disk, stored=True),
    "update_disk, infeasible": Scenario(infeasible, stored=True),
    "snapshot_disk": Scenario(snapshot_disk, again=False, nameless=True),
    "snapshot_disk, attached": Scenario(attached_snapshot, again=False, nameless=True, stored=True),
    "delete_snapshot": Scenario(delete_snapshot),
    "get_disks": Scenario(lambda world: ("get_disks", with_disk(world)[0])),
    "set_disk_metadata": Scenario(lambda world: ("set_disk_metadata", disk(world), METADATA)),
}

# Methods that ask nobody, so that nothing can go wrong on the way.
ALONE = {
    "info",
    "ping",
    "current_vm_id",
    "calculate_vm_cloud_properties",
    "create_network",
    "delete_network",
    "configure_networks",
}
