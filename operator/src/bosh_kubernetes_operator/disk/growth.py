"""A disk whose volume has grown and that no machine has: a Pod mounts it once, so that its file system grows. Pure.

The claim says all of it (its condition FileSystemResizePending), so there is no wish to be written down or forgotten.
The Pod has the name of an attachment Pod, which is the lock on the disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeGuard

from bosh_kubernetes_api import names
from bosh_kubernetes_api.claims import is_disk, is_lost, waits_for_mount
from bosh_kubernetes_api.deletion import is_being_deleted
from bosh_kubernetes_api.machine import holds_disk

Object = dict[str, Any]

KEY = "disk/"  # keys of the queue: of a disk this and its CID, of a machine its name, which never has a slash
UNKNOWN_IMAGE = "registry.k8s.io/pause:3.10"


def wants_mount(claim: Object | None, machines: Iterable[Object], now: float) -> bool:
    """Whether the disk has to be mounted for its growth alone (`now`: seconds of Unix time).

    Where a machine has it, or wants it, its attachment mounts it.
    """
    return (
        claim is not None
        and is_disk(claim)
        and waits_for_mount(claim)
        and not is_lost(claim)
        and not is_being_deleted(claim, now)
        and not any(holds_disk(machine, claim["metadata"]["name"]) for machine in machines)
    )


def is_growth(pod: Object | None) -> TypeGuard[Object]:
    return bool(pod and pod["metadata"].get("labels", {}).get(names.ROLE) == names.ROLE_GROWTH)


def build(claim: Object, machines: Iterable[Object], image: str) -> Object:
    """The Pod that mounts the disk of `claim` and leaves it alone.

    Nothing in it need ever run: the kubelet mounts volumes, and grows what is on them, before it pulls an image. So it
    does not matter whether `image` (the operator's own, if known) can be pulled here. The claim is not mounted
    read-only, since then it would not grow; the container sees it so. No fsGroup: it would change the owners of files.

    It goes wherever a machine of the claim's Director may: a disk's volume can be tied to nodes with taints. Not to any
    node, since a Pod on a node that does not report would keep the lock.
    """
    cid = claim["metadata"]["name"]
    director = claim["metadata"]["labels"].get(names.DIRECTOR, "")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": cid, "labels": names.labels(names.ROLE_GROWTH, director=director, disk=cid)},
        "spec": {
            "restartPolicy": "Always",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "tolerations": _tolerations(director, machines),
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65534,
                "runAsGroup": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "growth",
                    "image": image or UNKNOWN_IMAGE,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["sleep", "infinity"],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "readOnlyRootFilesystem": True,
                    },
                    "resources": {"requests": {"cpu": "0", "memory": "0"}, "limits": {"cpu": "100m", "memory": "32Mi"}},
                    "volumeMounts": [{"name": "claim", "mountPath": "/claim", "readOnly": True}],
                }
            ],
            "volumes": [{"name": "claim", "persistentVolumeClaim": {"claimName": cid}}],
        },
    }


def _tolerations(director: str, machines: Iterable[Object]) -> list[Object]:
    found: list[Object] = []
    for machine in machines:
        if machine["metadata"].get("labels", {}).get(names.DIRECTOR, "") == director:
            theirs = (machine["spec"]["machine"].get("placement") or {}).get("tolerations") or ()
            found += [toleration for toleration in theirs if toleration not in found]
    return found
