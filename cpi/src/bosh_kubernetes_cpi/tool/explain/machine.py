"""A machine in words. Pure."""

from __future__ import annotations

import re
from typing import Any

from bosh_kubernetes_api import names, reasons
from bosh_kubernetes_api.machine import condition, disk_status, root_is_lost, wanted_disks

from ..words import listed

Json = dict[str, Any]
Facts = list[tuple[str, str | list[str]]]


def describe(machine: Json, stemcell: Json | None) -> Facts:
    spec, status = machine["spec"], machine.get("status", {})
    made, ready = spec["machine"], condition(machine, "Ready")
    reason = ready.get("reason", "")
    meaning = reasons.MACHINE_MEANING.get(reason, "")
    word = status.get("printableStatus", "")
    resources = made["resources"]
    metadata = spec.get("metadata", {})
    return [
        ("instance", listed(filter(None, (metadata.get("name"), metadata.get("deployment"))))),
        ("status", f"{word}: {meaning}" if meaning else word or "no operator has looked at it yet"),
        ("reason", _reason(reason, ready.get("message", ""), word, meaning)),
        ("remedy", _remedy(reason, machine)),
        ("runs on", "nowhere" if root_is_lost(machine) else _place(status.get("pod") or {})),
        ("director", machine["metadata"].get("labels", {}).get(names.DIRECTOR, "")),
        ("agent", made["agentID"]),
        ("size", f"{resources['cpu']} CPU, {resources['memory']} memory, {resources['ephemeralDisk']} root disk"),
        ("root disk", _root(made)),
        ("stemcell", _stemcell(made["stemcell"], stemcell)),
        ("image", made["image"]),
        ("networks", listed(_network(each) for each in made.get("networks", []))),
        ("guest", _guest(status.get("guest") or {})),
        ("wanted", _wanted(machine)),
        ("paused", "yes (spec.paused): the operator does nothing to it" if spec.get("paused") else ""),
        ("metadata", listed(f"{key}={value}" for key, value in sorted(metadata.items()))),
    ]


def disks(machine: Json, claims: set[str] | None) -> list[tuple[str, str, str]]:
    """CID, what the status says, why; of each disk that the machine wants or has.

    `claims`: names of those that there are; None where that is not known.
    """
    found: list[tuple[str, str, str]] = []
    told = [entry["cid"] for entry in machine.get("status", {}).get("disks", [])]
    for cid in [*wanted_disks(machine), *(cid for cid in told if cid not in wanted_disks(machine))]:
        entry = disk_status(machine, cid) or {}
        reason = entry.get("reason", "")
        why: str = entry.get("message") or reasons.DISK.get(reason) or reason
        if claims is not None and cid not in claims:
            why = f"{why}; there is no claim of that name" if why else "there is no claim of that name"
        found.append((cid, entry.get("phase", "Wanted"), why))
    return found


def _reason(reason: str, message: str, word: str, meaning: str) -> str:
    """What the status does not say already."""
    if message and message != meaning:
        return f"{reason}: {message}"
    return reason if reason != word else ""


def _remedy(reason: str, machine: Json) -> str:
    """As it can be typed."""
    metadata = machine["metadata"]
    name = names.root_claim(metadata["name"]) if reason == "ClaimPending" else metadata["name"]
    text = re.sub(r"\bNAME\b", name, reasons.REMEDY.get(reason, ""))
    if node := machine.get("status", {}).get("pod", {}).get("node"):
        text = re.sub(r"\bNODE\b", node, text)
    return re.sub(r"kubectl (?!taint)", f"kubectl --namespace {metadata.get('namespace', '')} ", text)


def _wanted(machine: Json) -> str:
    """What the status need not say yet."""
    if machine["metadata"].get("deletionTimestamp"):
        return "its deletion"
    power = machine["spec"].get("power", "Running")
    return "" if power == "Running" else f"power {power} (spec.power)"


def _place(pod: Json) -> str:
    if not pod:
        return "no Pod"
    node, address = pod.get("node") or "no node yet", pod.get("ip") or "no address yet"
    return f"{node}, as Pod {pod.get('name', '')}, address {address}"


def _root(made: Json) -> str:
    if made.get("rootDisk"):
        return f"claim of class {made['rootDisk']['storageClass']}: it outlives the Pod"
    return "on its node: lost with the Pod"


def _stemcell(name: str, stemcell: Json | None) -> str:
    if stemcell is None:
        return f"{name}, which is gone"
    called = f"{stemcell['spec'].get('name', '')} {stemcell['spec'].get('version', '')}".strip()
    return f"{name} ({called})" if called else name


def _network(network: Json) -> str:
    ports = f" ports {listed(map(str, network['ports']))}" if network.get("ports") else ""
    address = f" {network['ip']}" if network.get("ip") else ""
    return f"{network['name']}: {network['type']}{address}{ports}"


def _guest(guest: Json) -> str:
    if not guest:
        return ""
    return f"boots: {guest.get('boots', 0)}, crashes: {guest.get('crashes', 0)}"
