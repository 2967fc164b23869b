"""The machine's Pod and what it stands on: pure builders (docs/architecture.md, "Pods")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bosh_kubernetes_api import names
from bosh_kubernetes_api.quantities import MIB, in_bytes

from .state import Object

GROUP = f"{names.GROUP}/group"
HELD_ON = f"{names.GROUP}/held-on"
ZONE, REGION, HOSTNAME = "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "kubernetes.io/hostname"
# Without these a machine would be evicted, and so its emptyDir lost, five minutes after its node stopped reporting.
STAY = [
    {"key": f"node.kubernetes.io/{taint}", "operator": "Exists", "effect": "NoExecute"}
    for taint in ("unreachable", "not-ready")
]


def owner(vm: Object) -> Object:
    return {
        "apiVersion": names.API_VERSION,
        "kind": "VirtualMachine",
        "name": vm["metadata"]["name"],
        "uid": vm["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": False,
    }


def director(vm: Object) -> str:
    """Label of the Director whose machine it is; empty without one."""
    return str((vm["metadata"].get("labels") or {}).get(names.DIRECTOR, ""))


def labels(vm: Object, role: str, **more: str) -> dict[str, str]:
    """Labels of a thing of this machine."""
    return names.labels(role, director=director(vm), machine=vm["metadata"]["name"], **more)


def disks_directory(vm: Object, host_directory: str) -> str:
    """The directory of the node in which the machine's disks appear. By uid: a name may come back, a uid never."""
    return f"{host_directory}/{vm['metadata']['uid']}/disks"


def root_claim(vm: Object) -> Object:
    machine = vm["spec"]["machine"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": names.root_claim(vm["metadata"]["name"]),
            "labels": labels(vm, names.ROLE_ROOT),
            "ownerReferences": [owner(vm)],
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": machine["rootDisk"]["storageClass"],
            "resources": {"requests": {"storage": machine["resources"]["ephemeralDisk"]}},
        },
    }


def address_service(vm: Object, address: str, ports: Iterable[int]) -> Object:
    """The Service that holds a static address; traffic comes to the Pod whether it is ready or not."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": names.address_service(address),
            "labels": labels(vm, names.ROLE_ADDRESS),
            "ownerReferences": [owner(vm)],
        },
        "spec": {
            "clusterIP": address,
            "publishNotReadyAddresses": True,
            "selector": {names.MACHINE: names.label_value(vm["metadata"]["name"]), names.ROLE: names.ROLE_MACHINE},
            "ports": [{"name": f"tcp-{port}", "protocol": "TCP", "port": port, "targetPort": port} for port in ports],
        },
    }


def build(
    vm: Object, firmware: str, host_directory: str, off_timeout: int, volumes: Mapping[str, Object], node: str = ""
) -> Object:
    """The machine's Pod. `firmware` names its ConfigMap; it must be able to reach the PersistentVolumes `volumes`.

    `node` is where it has to run because its disks are attached there; HELD_ON tells it.
    """
    name, machine = vm["metadata"]["name"], vm["spec"]["machine"]
    placement, resources = machine.get("placement") or {}, machine["resources"]
    root_size = in_bytes(resources["ephemeralDisk"])
    limits = {"cpu": resources["cpu"], "memory": resources["memory"]}
    environment = {"OFF_TIMEOUT": str(off_timeout)}
    addresses = [n["ip"] for n in machine.get("networks") or () if n.get("ip") and n.get("ports")]
    if addresses:
        environment["ADDRESSES"] = " ".join(addresses)
    if machine.get("rootDisk"):
        root: Object = {"persistentVolumeClaim": {"claimName": names.root_claim(name)}}
    else:
        # The image on it is full before the limit is reached: ENOSPC inside instead of an eviction.
        environment["ROOT_SIZE"] = str(root_size)
        root = {"emptyDir": {"sizeLimit": str(root_size * 11 // 10 + 64 * MIB)}}
        limits["ephemeral-storage"] = str(root_size * 11 // 10 + 256 * MIB)
    agent = (vm["metadata"].get("labels") or {}).get(names.AGENT, machine["agentID"])
    group = placement.get("group", "")
    own_labels = labels(vm, names.ROLE_MACHINE, agent=agent, group=group)
    spec: Object = {
        "restartPolicy": "Always",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": off_timeout + 15,
        "imagePullSecrets": [{"name": secret} for secret in machine.get("pullSecrets") or ()],
        "tolerations": [*STAY, *(placement.get("tolerations") or ())],
        "containers": [
            {
                "name": "machine",
                "image": machine["image"],
                "imagePullPolicy": "IfNotPresent",
                "command": ["/bin/sh", "/firmware/firmware"],
                "env": [{"name": k, "value": v} for k, v in sorted(environment.items())],
                "securityContext": {"privileged": True, "runAsUser": 0},
                "resources": {"requests": limits, "limits": limits},
                # Each is a process in the container, and a node has many machines: seldom enough to cost nothing,
                # often enough to tell of a power-off from inside while somebody looks. Orders do not wait for it.
                "readinessProbe": {
                    "exec": {"command": ["/bin/sh", "/firmware/probe"]},
                    "periodSeconds": 5,
                    "timeoutSeconds": 5,
                    "failureThreshold": 1,
                },
                "volumeMounts": [
                    {"name": "firmware", "mountPath": "/firmware", "readOnly": True},
                    {"name": "settings", "mountPath": "/bosh-settings", "readOnly": True},
                    {"name": "root-disk", "mountPath": "/root-disk"},
                    {"name": "disks", "mountPath": names.DISKS_DIRECTORY, "mountPropagation": "HostToContainer"},
                ],
            }
        ],
        "volumes": [
            {"name": "firmware", "configMap": {"name": firmware, "defaultMode": 0o555}},
            {"name": "settings", "projected": {"defaultMode": 0o400, "sources": _settings(name)}},
            {"name": "root-disk", **root},
            {
                "name": "disks",
                "hostPath": {"path": disks_directory(vm, host_directory), "type": "DirectoryOrCreate"},
            },
        ],
        "affinity": _affinity(placement, own_labels, volumes.values(), node),
    }
    if group:
        spec["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": ZONE,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": _group_selector(own_labels),
            }
        ]
    named = ((ZONE, "zone"), (REGION, "region"), (HOSTNAME, "node"))
    selector = {**(placement.get("nodeSelector") or {}), **{k: placement[v] for k, v in named if placement.get(v)}}
    optional = {
        "nodeSelector": selector,
        "priorityClassName": placement.get("priorityClass"),
        "runtimeClassName": placement.get("runtimeClass"),
    }
    spec |= {key: value for key, value in optional.items() if value}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {**(machine.get("labels") or {}), **own_labels},
            "annotations": {**(machine.get("annotations") or {}), **({HELD_ON: node} if node else {})},
            "ownerReferences": [owner(vm)],
        },
        "spec": {key: value for key, value in spec.items() if value not in ([], {})},
    }


def _settings(name: str) -> list[Object]:
    # One projected volume: a Secret mounted below a read-only ConfigMap volume would find no mount point.
    return [
        {"configMap": {"name": name, "items": [{"key": "settings.json", "path": "settings.json", "mode": 0o444}]}},
        {"secret": {"name": name, "items": [{"key": "credentials.json", "path": "credentials/credentials.json"}]}},
    ]


def _group_selector(own_labels: Mapping[str, str]) -> Object:
    return {"matchLabels": {key: own_labels[key] for key in (names.DIRECTOR, GROUP) if key in own_labels}}


def _affinity(placement: Object, own_labels: Mapping[str, str], volumes: Iterable[Object], node: str) -> Object:
    affinity: Object = {}
    terms = node_terms(node, volumes)
    if terms:
        affinity["nodeAffinity"] = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    if placement.get("group"):
        term = {"topologyKey": HOSTNAME, "labelSelector": _group_selector(own_labels)}
        affinity["podAntiAffinity"] = {
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]
        }
    return affinity


def node_terms(node: str, volumes: Iterable[Object]) -> list[Object]:
    """Node selector terms that a named node and the volumes' own node affinities allow together.

    Terms are alternatives, so several volumes make the product of theirs.
    """
    terms: list[Object] = [{"matchFields": [node_field(node)]}] if node else []
    for volume in volumes:
        own = ((volume["spec"].get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or []
        terms = [_both(a, b) for a in terms for b in own] if terms and own else terms or own
    return terms


def node_field(node: str) -> Object:
    return {"key": "metadata.name", "operator": "In", "values": [node]}


def _both(a: Object, b: Object) -> Object:
    merged = {key: [*(a.get(key) or ()), *(b.get(key) or ())] for key in ("matchExpressions", "matchFields")}
    return {key: value for key, value in merged.items() if value}
