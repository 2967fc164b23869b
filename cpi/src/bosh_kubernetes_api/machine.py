"""The VirtualMachine that create_vm makes (crds/virtualmachine.yaml), and readers of one."""

from __future__ import annotations

from .names import API_VERSION, ROLE_MACHINE, labels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

KIND = "VirtualMachine"


def virtual_machine(
    cid: str, *, director: str, agent_id: str, stemcell: str, image: str, pull_secrets: list[str], shape: Json
) -> Json:
    """The resource. `shape` holds the parts of `spec.machine` that come from cloud properties and networks."""
    machine: Json = {"agentID": agent_id, "stemcell": stemcell, "image": image, **shape}
    if pull_secrets:
        machine["pullSecrets"] = pull_secrets
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": cid,
            "labels": labels(ROLE_MACHINE, director=director, agent=agent_id, stemcell=stemcell),
        },
        "spec": {"machine": machine, "disks": [], "power": "Running"},
    }


def owner_reference(machine: Json) -> Json:
    """What makes an object go when the machine goes."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": machine["metadata"]["name"],
        "uid": machine["metadata"]["uid"],
        "controller": True,
    }


def condition(machine: Json, kind: str) -> Json:
    """The condition of that type; without one, an empty object."""
    for entry in machine.get("status", {}).get("conditions", []):
        if entry.get("type") == kind:
            found: Json = entry
            return found
    return {}


def has_observed(machine: Json, generation: int) -> bool:
    """Whether the status knows the wishes of that generation; else it speaks of earlier ones."""
    return bool(machine.get("status", {}).get("observedGeneration", 0) >= generation)


def disk_wishes(machine: Json) -> dict[str, Json]:
    """Entries of `spec.disks` by CID: `inSettings` and `flush` are ids of requests, which `status.disks` echoes."""
    return {entry["cid"]: entry for entry in machine["spec"].get("disks") or ()}


def wanted_disks(machine: Json) -> list[str]:
    return list(disk_wishes(machine))


def placed_disks(machine: Json) -> list[str]:
    """CIDs of the disks that it was made for (`disk_cids` of create_vm): attached once its agent has started."""
    return list((machine.get("spec", {}).get("machine", {}).get("placement") or {}).get("disks") or ())


def disk_status(machine: Json, disk_cid: str) -> Json | None:
    for entry in machine.get("status", {}).get("disks", []):
        if entry.get("cid") == disk_cid:
            found: Json = entry
            return found
    return None


def holds_disk(machine: Json, disk_cid: str) -> bool:
    """Whether the machine wants the disk, or has it still."""
    return disk_cid in wanted_disks(machine) or disk_status(machine, disk_cid) is not None


def root_is_lost(machine: Json) -> bool:
    return bool(condition(machine, "Ready").get("reason") == "RootLost")
