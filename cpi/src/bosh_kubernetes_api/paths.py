"""Paths of the Kubernetes API that we use. An empty or unquoted name would turn a request for one object into one for
all.
"""

from __future__ import annotations

from .names import API_VERSION, LEASE, MACHINES, STEMCELLS

SNAPSHOT_API = "snapshot.storage.k8s.io/v1"  # its kinds are there when somebody has installed them
GROUPS = "/apis"  # the groups of API that the server has

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")


def machines(namespace: str) -> str:
    return f"/apis/{API_VERSION}/namespaces/{_name(namespace)}/{MACHINES}"


def stemcells(namespace: str) -> str:
    return f"/apis/{API_VERSION}/namespaces/{_name(namespace)}/{STEMCELLS}"


def claims(namespace: str) -> str:
    return f"/api/v1/namespaces/{_name(namespace)}/persistentvolumeclaims"


def config_maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{_name(namespace)}/configmaps"


def secrets(namespace: str) -> str:
    return f"/api/v1/namespaces/{_name(namespace)}/secrets"


def events(namespace: str) -> str:
    return f"/api/v1/namespaces/{_name(namespace)}/events"


def pods(namespace: str) -> str:
    return f"/api/v1/namespaces/{_name(namespace)}/pods"


def namespace(name: str) -> str:
    return f"/api/v1/namespaces/{_name(name)}"


def lease(namespace: str) -> str:
    """The operator's."""
    return f"/apis/coordination.k8s.io/v1/namespaces/{_name(namespace)}/leases/{LEASE}"


def storage_classes() -> str:
    return "/apis/storage.k8s.io/v1/storageclasses"


def attributes_classes() -> str:
    return "/apis/storage.k8s.io/v1/volumeattributesclasses"


def snapshots(namespace: str) -> str:
    return f"/apis/{SNAPSHOT_API}/namespaces/{_name(namespace)}/volumesnapshots"


def snapshot_classes() -> str:
    return f"/apis/{SNAPSHOT_API}/volumesnapshotclasses"


def item(collection: str, name: str) -> str:
    return f"{collection}/{_name(name)}"


def query(path: str, **values: str) -> str:
    """`path` with a query; underscores in keys stay as they are, empty values are left out."""
    from urllib.parse import quote

    pairs = [f"{key}={quote(value, safe='')}" for key, value in values.items() if value]
    return f"{path}?{'&'.join(pairs)}" if pairs else path


def _name(name: str) -> str:
    """`name`, checked: it becomes a part of a path. Raises ValueError."""
    if not name or not _PLAIN.issuperset(name) or name in (".", ".."):
        raise ValueError(f"no name of a Kubernetes object: {name!r}")
    return name
