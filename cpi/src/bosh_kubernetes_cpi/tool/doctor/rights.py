"""What the CPI's account must be allowed to do: the tables of docs/configuration.md, asked of the API server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from bosh_kubernetes_api import names

from ...transport.api import Api
from .line import FAILURE, OK, WARNING, Line

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
SNAPSHOTS = "snapshot.storage.k8s.io"
REMEDY = "give the account the Role of docs/configuration.md, which the chart makes"
_SERVICE = re.compile(r"([a-z0-9-]+)/([a-z0-9-]+):([a-z0-9-]+)")


class Right(NamedTuple):
    group: str  # "" for core
    resource: str
    verbs: tuple[str, ...]
    name: str = ""  # of the one object that it is needed for


IN_THE_NAMESPACE = (
    Right(names.GROUP, "virtualmachines", ("get", "list", "watch", "create", "patch", "delete")),
    Right(names.GROUP, "stemcells", ("get", "list", "create", "patch", "delete")),
    Right("", "configmaps", ("create", "delete")),
    Right("", "secrets", ("create", "delete")),
    Right("", "persistentvolumeclaims", ("get", "list", "watch", "create", "patch", "delete")),
    Right("", "events", ("list",)),
    Right(SNAPSHOTS, "volumesnapshots", ("get", "watch", "create", "delete")),
    Right("coordination.k8s.io", "leases", ("get",), names.LEASE),
)
IN_THE_CLUSTER = (
    Right("storage.k8s.io", "storageclasses", ("get", "list")),
    Right("storage.k8s.io", "volumeattributesclasses", ("get", "list")),
    Right(SNAPSHOTS, "volumesnapshotclasses", ("get", "list")),
)
# Without these the CPI does its work, and says less or refuses a method.
SPARED = {("", "events"), ("storage.k8s.io", "storageclasses"), ("storage.k8s.io", "volumeattributesclasses")} | {
    (SNAPSHOTS, "volumesnapshots"),
    (SNAPSHOTS, "volumesnapshotclasses"),
}


def check(api: Api, namespace: str, service: str) -> Iterator[Line]:
    """`service` is registry.service of the configuration, or empty."""
    yield from _judge(api, f"rights in {namespace}", namespace, IN_THE_NAMESPACE)
    yield from _judge(api, "rights in the cluster", "", IN_THE_CLUSTER)
    if match := _SERVICE.fullmatch(service):
        place, name, port = match.groups()
        verbs = ("get", "create", "update", "patch", "delete")
        yield from _judge(
            api, "rights on the registry", place, (Right("", "services/proxy", verbs, f"http:{name}:{port}"),)
        )


def _judge(api: Api, check: str, namespace: str, rights: tuple[Right, ...]) -> Iterator[Line]:
    lacking: dict[str, list[str]] = {FAILURE: [], WARNING: []}
    for right in rights:
        missing = [verb for verb in right.verbs if not _allowed(api, namespace, right, verb)]
        if missing:
            level = WARNING if (right.group, right.resource) in SPARED else FAILURE
            lacking[level].append(f"{'/'.join(missing)} {right.resource}")
    for level, lines in lacking.items():
        if lines:
            yield Line(check, level, f"may not {', '.join(lines)}", REMEDY)
    if not any(lacking.values()):
        yield Line(check, OK, f"all {sum(len(right.verbs) for right in rights)}")


def _allowed(api: Api, namespace: str, right: Right, verb: str) -> bool:
    plural, _, subresource = right.resource.partition("/")
    attributes: dict[str, Any] = {
        "namespace": namespace,
        "group": right.group,
        "resource": plural,
        "subresource": subresource,
        "name": right.name,
        "verb": verb,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return bool(api.create(REVIEWS, review).get("status", {}).get("allowed"))
