"""A machine and a stemcell with every field that the CPI may write, for dry runs: what the custom resources do not know
would be lost without a word otherwise. Pure.
"""

from __future__ import annotations

import uuid
from typing import Any

from bosh_kubernetes_api import machine, stemcells

Json = dict[str, Any]

IMAGE = "registry.example.com/stemcell@sha256:" + "0" * 64
DOCTOR = "doctor"  # in the place of a Director


def virtual_machine() -> Json:
    shape: Json = {
        "resources": {"cpu": "1", "memory": "1024Mi", "ephemeralDisk": "4096Mi"},
        "rootDisk": {"storageClass": "class"},
        "networks": [{"name": "default", "type": "manual", "ip": "10.0.0.1", "ports": [6868]}],
        "placement": {
            "nodeSelector": {"key": "value"},
            "tolerations": [
                {"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute", "tolerationSeconds": 1}
            ],
            "priorityClass": "priority",
            "runtimeClass": "runtime",
            "group": "group",
            "disks": ["disk-1"],
            "zone": "zone",
            "region": "region",
            "node": "node",
        },
        "labels": {"key": "value"},
        "annotations": {"key": "value"},
    }
    made = machine.virtual_machine(
        f"vm-{DOCTOR}-{uuid.uuid4().hex[:8]}",
        director=DOCTOR,
        agent_id=DOCTOR,
        stemcell="stemcell-0",
        image=IMAGE,
        pull_secrets=["secret"],
        shape=shape,
    )
    made["spec"] |= {
        "disks": [{"cid": "disk-1", "inSettings": "1", "flush": "1"}],
        "reboot": "1",
        "paused": False,
        "metadata": {"key": "value"},
    }
    return made


def stemcell() -> Json:
    made = stemcells.build(
        IMAGE,
        director=DOCTOR,
        form=stemcells.LIGHT,
        name="name",
        version="1",
        os="os",
        architecture="x86_64",
        pull_secrets=["secret"],
    )
    made["metadata"]["name"] = f"stemcell-{DOCTOR}-{uuid.uuid4().hex[:8]}"
    return made
