"""The Pod that holds one disk for a machine, and the one that removes the machine's directory on the node. Pure."""

from __future__ import annotations

from bosh_kubernetes_api import names

from .pod import disks_directory, labels, node_field, owner
from .state import Object

GRACE = 3600  # seconds: TERM alone takes no disk away: detaching is an order, never an accident (docs/concepts.md)
# It asks for nothing: its priority would make the scheduler evict others for whatever it asks on a full node, its own
# machine first (seen with 100m of CPU: the machine's root was lost). It only sleeps; the limits bound a fault.
RESOURCES = {"requests": {"cpu": "0", "memory": "0"}, "limits": {"cpu": "500m", "memory": "64Mi"}}
ROLE_CLEANUP = "cleanup"


def cleanup_name(vm_name: str) -> str:
    return f"{vm_name}-cleanup"


def build(vm: Object, disk: str, node: str, firmware: str, host_directory: str) -> Object:
    """The attachment Pod of `disk`. Its name is the lock on the disk; it has no owner, so nothing deletes it by itself.

    Required affinity instead of nodeName: the scheduler must see it to bind a claim that waits for its first consumer.
    `system-node-critical` because only that is exempt from eviction under pressure.
    """
    pod = _node_pod(vm, disk, node, labels(vm, names.ROLE_ATTACHMENT, disk=disk))
    pod["spec"] |= {
        "restartPolicy": "Always",
        "hostPID": True,
        "priorityClassName": "system-node-critical",
        "terminationGracePeriodSeconds": GRACE,
        "containers": [
            {
                "name": "attachment",
                "image": vm["spec"]["machine"]["image"],
                "imagePullPolicy": "IfNotPresent",
                "command": ["/bin/sh", "/firmware/attachment"],
                "env": [{"name": "DISK", "value": disk}],
                "securityContext": {"privileged": True, "runAsUser": 0},
                "resources": RESOURCES,
                "readinessProbe": {
                    "exec": {"command": ["test", "-e", "/run/bound"]},
                    "periodSeconds": 10,
                    "timeoutSeconds": 5,
                },
                "volumeMounts": [
                    {"name": "claim", "mountPath": "/claim"},
                    {"name": "firmware", "mountPath": "/firmware", "readOnly": True},
                    {"name": "disks", "mountPath": "/disks", "mountPropagation": "Bidirectional"},
                ],
            }
        ],
        "volumes": [
            {"name": "claim", "persistentVolumeClaim": {"claimName": disk}},
            {"name": "firmware", "configMap": {"name": firmware, "defaultMode": 0o555}},
            {
                "name": "disks",
                "hostPath": {"path": disks_directory(vm, host_directory), "type": "DirectoryOrCreate"},
            },
        ],
    }
    return pod


def build_cleanup(vm: Object, node: str, host_directory: str, image: str) -> Object:
    """The Pod that ends once the machine's directory on `node` is gone. It only ever removes empty directories.

    It may start while the machine still ends: a disk that is bound makes its directory refuse to be removed, and a
    machine that is being deleted gets no disk any more.
    """
    directory = f"/machines/{vm['metadata']['uid']}"
    script = (
        f'd={directory}; until [ ! -d "$d/disks" ] || rmdir "$d/disks" 2>/dev/null; do sleep 0.2; done; '
        f'[ ! -d "$d" ] || rmdir "$d"'
    )
    pod = _node_pod(vm, cleanup_name(vm["metadata"]["name"]), node, labels(vm, ROLE_CLEANUP))
    pod["metadata"]["ownerReferences"] = [owner(vm)]
    pod["spec"] |= {
        "restartPolicy": "OnFailure",
        "terminationGracePeriodSeconds": 1,
        "containers": [
            {
                "name": "cleanup",
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "command": ["/bin/sh", "-c", script],
                "securityContext": {
                    "runAsUser": 0,
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
                "resources": RESOURCES,
                "volumeMounts": [{"name": "machines", "mountPath": "/machines"}],
            }
        ],
        "volumes": [{"name": "machines", "hostPath": {"path": host_directory, "type": "DirectoryOrCreate"}}],
    }
    return pod


def _node_pod(vm: Object, name: str, node: str, own_labels: dict[str, str]) -> Object:
    secrets = [{"name": secret} for secret in vm["spec"]["machine"].get("pullSecrets") or ()]
    spec: Object = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "tolerations": [{"operator": "Exists"}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchFields": [node_field(node)]}]
                }
            }
        },
    }
    if secrets:
        spec["imagePullSecrets"] = secrets
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": own_labels}, "spec": spec}
