"""Which things no Director of a list owns, and which of these may go. Pure.

A machine counts as in use unless its status says for certain that no guest of it runs: it may be the Director's own, or
one of a Director that was forgotten in the list.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bosh_kubernetes_api import names, stemcells
from bosh_kubernetes_api.claims import asked_size, capacity, is_disk
from bosh_kubernetes_api.machine import holds_disk, placed_disks
from bosh_kubernetes_api.quantities import in_bytes
from bosh_kubernetes_api.snapshots import is_snapshot

from ..words import moment, size
from .guests import may_run

Json = dict[str, Any]

MACHINE, DISK, SNAPSHOT, STEMCELL = "machine", "disk", "snapshot", "stemcell"
KINDS = (MACHINE, DISK, SNAPSHOT, STEMCELL)  # the order of deletion: each may be what keeps a later one in use
NO_CID = "its name is no CID: kubectl deletes it"
UNSERVED = "needs --config with its registry"  # a heavy stemcell: its image would stay behind


@dataclass(frozen=True)
class Things:
    """All of the namespace: VirtualMachines, claims, VolumeSnapshots, Stemcells."""

    machines: list[Json]
    claims: list[Json]
    snapshots: list[Json]
    stemcells: list[Json]


@dataclass(frozen=True)
class Orphan:
    """`directors`: those that own it, none of the list. `keeps`: why it is not deleted; empty: it may be."""

    kind: str
    cid: str
    uid: str
    directors: tuple[str, ...]
    created: str
    size: str
    used_by: tuple[str, ...]
    keeps: str


def find(
    things: Things, directors: Collection[str], *, now: datetime, min_age: int, serves: Callable[[str], bool]
) -> list[Orphan]:
    """In the order in which they would be deleted.

    `min_age` in minutes. `serves`: whether the configured registry has that image, and delete_stemcell can delete it.
    """
    known = {_key(director) for director in directors}
    unserved = {each["metadata"]["name"]: each for each in things.stemcells if _is_unserved(each, serves)}
    found = []
    for kind, thing, used_by, amount in _all(things):
        whose = _owners(kind, thing)
        if not known.isdisjoint(map(_key, whose)):
            continue
        metadata = thing["metadata"]
        made = metadata.get("creationTimestamp", "")
        keeps = _keeps(thing, used_by, made, now, min_age) or _stays_with_image(kind, thing, unserved)
        found.append(Orphan(kind, metadata["name"], metadata["uid"], tuple(whose), made, amount, tuple(used_by), keeps))
    return found


def owners(things: Things) -> set[str]:
    """All Directors that own something, as `find` compares them."""
    return {_key(owner) for kind, thing, _, _ in _all(things) for owner in _owners(kind, thing)}


def strangers(things: Things, directors: Collection[str]) -> list[str]:
    """Those of `directors` that own nothing."""
    there = owners(things)
    return [director.strip() for director in directors if _key(director) not in there]


def is_empty(things: Things) -> bool:
    """Whether nothing of BOSH is there."""
    return next(_all(things), None) is None


def _key(director: str) -> str:
    """As its label has it; the case of a UUID means nothing."""
    return names.label_value(director.strip()).lower()


def _owners(kind: str, thing: Json) -> list[str]:
    if kind == STEMCELL:
        return stemcells.users(thing)
    owner = thing["metadata"].get("labels", {}).get(names.DIRECTOR, "")
    return [owner] if owner else []


def _all(things: Things) -> Iterator[tuple[str, Json, list[str], str]]:
    """Kind, thing, what uses it, size."""
    machines = things.machines
    for machine in machines:
        resources = machine["spec"]["machine"]["resources"]
        yield MACHINE, machine, _guest(machine), f"{resources['cpu']} CPU, {resources['memory']}"
    for claim in filter(is_disk, things.claims):
        cid = claim["metadata"]["name"]
        holders = [each["metadata"]["name"] for each in machines if _needs_disk(each, cid)]
        yield DISK, claim, holders, size(capacity(claim) or asked_size(claim))
    for snapshot in filter(is_snapshot, things.snapshots):
        restored = (snapshot.get("status") or {}).get("restoreSize") or "0"
        yield SNAPSHOT, snapshot, _restored(snapshot, things.claims), size(in_bytes(restored))
    for stemcell in things.stemcells:
        cid = stemcell["metadata"]["name"]
        yield STEMCELL, stemcell, [m["metadata"]["name"] for m in machines if _made_from(m, cid)], ""


def _guest(machine: Json) -> list[str]:
    """Its guest, unless that does not run."""
    if not may_run(machine):
        return []
    return [f"its guest ({machine.get('status', {}).get('printableStatus') or 'no status yet'})"]


def _needs_disk(machine: Json, cid: str) -> bool:
    """Also one that it was made for (`disk_cids` of create_vm): a recreate attaches it when the agent has started."""
    return holds_disk(machine, cid) or cid in placed_disks(machine)


def _made_from(machine: Json, stemcell: str) -> bool:
    return bool(machine["spec"]["machine"]["stemcell"] == stemcell)


def _restored(snapshot: Json, claims: list[Json]) -> list[str]:
    """Claims that are being filled from it."""
    name = snapshot["metadata"]["name"]
    sources = [(claim, claim["spec"].get("dataSource") or {}) for claim in claims]
    return [
        claim["metadata"]["name"]
        for claim, source in sources
        if (source.get("kind"), source.get("name")) == ("VolumeSnapshot", name)
        and claim.get("status", {}).get("phase") != "Bound"
    ]


def _is_unserved(stemcell: Json, serves: Callable[[str], bool]) -> bool:
    return stemcell["spec"]["format"] == stemcells.HEAVY and not serves(stemcell["spec"]["image"])


def _stays_with_image(kind: str, thing: Json, unserved: dict[str, Json]) -> str:
    """delete_vm deletes a stemcell that has no users with its last machine."""
    if kind == STEMCELL and thing["metadata"]["name"] in unserved:
        return UNSERVED
    if kind == MACHINE and (stemcell := unserved.get(thing["spec"]["machine"]["stemcell"])):
        return "" if stemcells.users(stemcell) else f"its stemcell goes with it, and {UNSERVED}"
    return ""


def _keeps(thing: Json, used_by: list[str], made: str, now: datetime, min_age: int) -> str:
    if thing["metadata"].get("deletionTimestamp"):
        return "is being deleted"
    if used_by:
        return "in use"
    if not names.is_cid(thing["metadata"]["name"]):
        return NO_CID
    at = moment(made)
    if min_age and (at is None or (now - at).total_seconds() < min_age * 60):
        return f"younger than {min_age} minutes"
    return ""
