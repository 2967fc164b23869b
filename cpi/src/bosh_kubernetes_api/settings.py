"""The agent's settings: what may be seen in a ConfigMap, credentials in a Secret.

Each is one non-empty JSON object on one line, with keys that the other does not have: the firmware joins them
textually, without a JSON parser (docs/architecture.md). Schema: the agent's settings/settings.go.
"""

from __future__ import annotations

import json

from .machine import owner_reference
from .names import MACHINE, ROLE_CREDENTIALS, ROLE_SETTINGS, labels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

LARGEST = 1_000_000  # bytes; etcd and the API server refuse more than 1 MiB for a ConfigMap or Secret

# On a dynamic network the Director repeats the address that the last VM had: no wish, and wrong for this one.
_STALE = ("ip", "netmask", "gateway", "prefix")


def agent_networks(networks: Json) -> Json:
    """Networks as the agent gets them: the Pod's interfaces are set up already, so it only sets DNS."""
    result = {}
    for name, network in networks.items():
        kept = {key: value for key, value in network.items() if value is not None}
        if network.get("type") == "dynamic":
            kept = {key: value for key, value in kept.items() if key not in _STALE}
        result[name] = {**kept, "preconfigured": True}
    return result


def settings(*, agent_id: str, vm_cid: str, networks: Json, ntp: list[str]) -> Json:
    """The public half. disks.system must be a string, ntp a list: else the agent cannot decode the document."""
    return {
        "agent_id": agent_id,
        "vm": {"name": vm_cid},
        "networks": agent_networks(networks),
        "disks": {"system": "", "ephemeral": "", "persistent": {}},
        "ntp": ntp,
    }


def credentials(*, mbus: str, blobstore: Json, env: Json) -> Json:
    """The other half. `env` is passed on as it came."""
    return {"mbus": mbus, "blobstore": blobstore, "env": env}


def config_map(machine: Json, content: Json) -> Json:
    return {**_object(machine, "ConfigMap", ROLE_SETTINGS), "data": {"settings.json": json.dumps(content)}}


def secret(machine: Json, content: Json) -> Json:
    return {
        **_object(machine, "Secret", ROLE_CREDENTIALS),
        "type": "Opaque",
        "stringData": {"credentials.json": json.dumps(content)},
    }


def _object(machine: Json, kind: str, role: str) -> Json:
    metadata = machine["metadata"]
    inherited = {key: value for key, value in metadata["labels"].items() if key.endswith(("/director", "/agent"))}
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {
            "name": metadata["name"],
            "labels": {**inherited, **labels(role), MACHINE: metadata["name"]},
            "ownerReferences": [owner_reference(machine)],
        },
    }
