"""Calls to put a fault into: one of every method that talks to the API server, and the ways in which some must undo."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.support.faults.stand_ins import StandIns
from tests.support.faults.world import METADATA, NETWORKS, World


class Scenario(NamedTuple):
    """`arrange` makes what has to be there, and answers method and arguments. `again`: a repeat after success changes
    nothing. `nameless`: what it made is lost to everybody when the CPI is killed, as only its answer has the name.
    `stored`: what was asked for, or was to be put back, may stay so when a call has trouble, for the next one; its
    answer or docs/architecture.md says so. `finish` is such a next one.

    Those whose name is that of a method need no stand-in.
    """

    arrange: Callable[[Any], tuple[Any, ...]]
    again: bool = True
    nameless: bool = False
    stored: bool = False
    finish: Callable[[Any], object] = lambda _: None


def heavy_stemcell(world: World) -> str:
    cid: str = world.arrange("create_stemcell", world.image(), {}, {})
    world.heavy = cid
    return cid


def create_vm(world: World) -> tuple[Any, ...]:
    """With a root disk on a claim, and with what an earlier try has left."""
    world.machine("vm-left", "agent-2")
    world.disk()
    return ("create_vm", "agent-2", world.stemcell, {"root_disk": {"storage_class": "standard"}}, NETWORKS, [], {})


def refused_vm(world: StandIns) -> tuple[Any, ...]:
    world.disk()
    world.operator.reasons["*"] = ("QuotaExceeded", "exceeded quota")
    return ("create_vm", "agent-1", world.stemcell, {}, NETWORKS, [], {})


def last_vm(world: World) -> tuple[Any, ...]:
    """The last machine of a heavy stemcell that its Director has deleted."""
    stemcell = heavy_stemcell(world)
    cid = world.arrange("create_vm", "agent-1", stemcell, {}, NETWORKS, [], {})[0]
    world.known[cid] = "vm-1"
    world.arrange("delete_stemcell", stemcell)
    return ("delete_vm", cid)


def finish_stemcell(world: World) -> None:
    """docs/architecture.md: a delete_vm that fails in this part leaves the stemcell to the next delete_stemcell."""
    world.arrange("delete_stemcell", world.heavy)


def attach_disk(world: World) -> tuple[Any, ...]:
    cid, _ = world.with_disk()
    return ("attach_disk", cid, world.disk("disk-3"))


def failed_attach(world: StandIns) -> tuple[Any, ...]:
    cid, _ = world.with_disk()
    third = world.detached = world.disk("disk-3")
    world.operator.disk_reasons[third] = ("Failed", "PodRefused", "no such image")
    return ("attach_disk", cid, third)


def forget_attach(world: World) -> None:
    """docs/architecture.md: the wish of a call that could not take it back stays, for the next detach_disk."""
    cid = next(cid for cid, name in world.known.items() if name == "vm-1")
    world.arrange("detach_disk", cid, world.detached)


def busy_disk(world: StandIns) -> tuple[Any, ...]:
    pair = world.with_disk()
    world.operator.busy.add(pair[1])
    return ("detach_disk", *pair)


def resize_disk(world: World) -> tuple[Any, ...]:
    """One that the operator has to mount."""
    cid = world.growing_disk()
    world.mount_late()
    return ("resize_disk", cid, 4096)


def attached_snapshot(world: World) -> tuple[Any, ...]:
    disk = world.disk_with_classes()
    world.arrange("attach_disk", world.machine(), disk)
    return ("snapshot_disk", disk, METADATA)


def update_disk(world: World) -> tuple[Any, ...]:
    return ("update_disk", world.disk_with_classes(), 1024, world.changed)


def infeasible(world: StandIns) -> tuple[Any, ...]:
    world.sidecars.infeasible.add("fast")
    return update_disk(world)


SCENARIOS = {
    "create_stemcell": Scenario(lambda world: ("create_stemcell", world.image(), {}, {})),
    "delete_stemcell": Scenario(lambda world: ("delete_stemcell", heavy_stemcell(world)), stored=True),
    "create_vm": Scenario(create_vm),
    "create_vm, refused": Scenario(refused_vm),
    "delete_vm": Scenario(lambda world: ("delete_vm", world.with_disk()[0])),
    "delete_vm, the last of a stemcell": Scenario(last_vm, stored=True, finish=finish_stemcell),
    "has_vm": Scenario(lambda world: ("has_vm", world.machine())),
    "reboot_vm": Scenario(lambda world: ("reboot_vm", world.with_disk()[0])),
    "set_vm_metadata": Scenario(lambda world: ("set_vm_metadata", world.machine(), METADATA)),
    "create_disk": Scenario(lambda _: ("create_disk", 1024, {}, None), again=False, nameless=True),
    "delete_disk": Scenario(lambda world: ("delete_disk", world.disk())),
    "delete_disk, attached": Scenario(lambda world: ("delete_disk", world.with_disk()[1])),
    "has_disk": Scenario(lambda world: ("has_disk", world.disk())),
    "attach_disk": Scenario(attach_disk),
    "attach_disk, failing": Scenario(failed_attach, finish=forget_attach),
    "detach_disk": Scenario(lambda world: ("detach_disk", *world.with_disk())),
    "detach_disk, busy": Scenario(busy_disk, stored=True),
    "resize_disk": Scenario(resize_disk),
    "resize_disk, attached": Scenario(lambda world: ("resize_disk", world.with_disk()[1], 4096)),
    "update_disk": Scenario(update_disk, stored=True),
    "update_disk, infeasible": Scenario(infeasible, stored=True),
    "snapshot_disk": Scenario(
        lambda world: ("snapshot_disk", world.disk_with_classes(), METADATA), again=False, nameless=True
    ),
    "snapshot_disk, attached": Scenario(attached_snapshot, again=False, nameless=True, stored=True),
    "delete_snapshot": Scenario(lambda world: ("delete_snapshot", world.snapshot())),
    "get_disks": Scenario(lambda world: ("get_disks", world.with_disk()[0])),
    "set_disk_metadata": Scenario(lambda world: ("set_disk_metadata", world.disk(), METADATA)),
}

METHODS = [name for name in SCENARIOS if "," not in name]

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
