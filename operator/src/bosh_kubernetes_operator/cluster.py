"""The operator's hands: reads and writes of Kubernetes objects as plain dicts.

Only the kinds of `KINDS`, named here instead of discovered: no discovery requests, no cache file. Every patch names its
content type, because the dynamic client's default is the strategic merge that custom resources refuse.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple

import aiohttp
from kubernetes.aio.client import ApiClient
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.dynamic import DynamicClient, Resource

from bosh_kubernetes_api import names

from .errors import ClusterError, ConflictError, NotFoundError, cluster_error

Object = dict[str, Any]

FIELD_MANAGER = "bosh-operator"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
REQUEST_TIMEOUT = 30  # seconds


class Kind(NamedTuple):
    group: str
    version: str
    plural: str
    namespaced: bool = True


KINDS = {
    "VirtualMachine": Kind(names.GROUP, names.VERSION, names.MACHINES),
    "Pod": Kind("", "v1", "pods"),
    "ConfigMap": Kind("", "v1", "configmaps"),
    "PersistentVolumeClaim": Kind("", "v1", "persistentvolumeclaims"),
    "Service": Kind("", "v1", "services"),
    "Event": Kind("", "v1", "events"),
    "PodDisruptionBudget": Kind("policy", "v1", "poddisruptionbudgets"),
    "Lease": Kind("coordination.k8s.io", "v1", "leases"),
    "Node": Kind("", "v1", "nodes", False),
    "PersistentVolume": Kind("", "v1", "persistentvolumes", False),
}


class Cluster:
    """Objects of one namespace, and the cluster-scoped ones of `KINDS`. Raises ClusterError and its children."""

    def __init__(self, client: ApiClient, namespace: str) -> None:
        self.namespace = namespace
        self._dynamic = DynamicClient(client)  # type: ignore[no-untyped-call]
        self._resources = {
            kind: Resource(  # type: ignore[no-untyped-call]
                prefix="apis" if k.group else "api",
                group=k.group,
                api_version=k.version,
                kind=kind,
                name=k.plural,
                namespaced=k.namespaced,
                client=self._dynamic,
            )
            for kind, k in KINDS.items()
        }

    async def serves(self, kind: str) -> bool:
        """Whether the API server's discovery has the kind (one with a group)."""
        k = KINDS[kind]
        try:
            groups = await self._send("get /apis", "get", "/apis")
            if k.group not in {group["name"] for group in groups["groups"]}:
                return False
            path = f"/apis/{k.group}/{k.version}"
            return k.plural in {each["name"] for each in (await self._send(f"get {path}", "get", path))["resources"]}
        except NotFoundError:
            return False

    async def get(self, kind: str, name: str) -> Object | None:
        """The object, or None when there is none of that name."""
        try:
            return await self._request("get", kind, name)
        except NotFoundError:
            return None

    async def list(self, kind: str, label_selector: str = "", field_selector: str = "") -> list[Object]:
        answer = await self._request(
            "get", kind, label_selector=label_selector or None, field_selector=field_selector or None
        )
        items: list[Object] = answer["items"]
        return items

    async def create(self, kind: str, body: Object) -> Object:
        """Raises ConflictError where one of that name is there, and for nothing else."""
        name = body["metadata"]["name"]
        try:
            return await self._request("post", kind, body=body, did=name, field_manager=FIELD_MANAGER)
        except ConflictError as error:
            if error.reason == "AlreadyExists":
                raise
            # Two objects were counted in a quota at once: nothing is made, and it is worth another try.
            raise ClusterError(f"post {kind} {name}", error.status, error.reason, error.message) from None

    async def replace(self, kind: str, body: Object) -> Object:
        """PUT; the resourceVersion in `body` makes it conditional."""
        return await self._request("put", kind, body["metadata"]["name"], body=body, field_manager=FIELD_MANAGER)

    async def merge(self, kind: str, name: str, body: Object) -> Object:
        """JSON merge patch; a resourceVersion in `body` makes it conditional."""
        return await self._request("patch", kind, name, body=body, content_type=MERGE, field_manager=FIELD_MANAGER)

    async def apply_status(self, kind: str, name: str, uid: str, status: Object) -> Object:
        """Server-side apply of the whole status to the object with that uid; never makes one."""
        k = KINDS[kind]
        body = {
            "apiVersion": f"{k.group}/{k.version}" if k.group else k.version,
            "kind": kind,
            "metadata": {"name": name, "uid": uid},
            "status": status,
        }
        return await self._request(
            "patch",
            kind,
            name,
            subresource="/status",
            body=body,
            content_type=APPLY,
            field_manager=FIELD_MANAGER,
            force_conflicts="true",
        )

    async def delete(self, kind: str, name: str, uid: str, grace: int | None = None) -> None:
        """Deletes exactly the object with that uid; one that is gone, or another of that name, is success. Seconds."""
        options: Object = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        try:
            await self._request("delete", kind, name, body=options)
        except (NotFoundError, ConflictError):
            return

    async def _request(
        self, method: str, kind: str, name: str = "", *, did: str = "", subresource: str = "", **params: Any
    ) -> Object:
        resource = self._resources[kind]
        path = resource.path(name or None, self.namespace) + subresource  # type: ignore[no-untyped-call]
        return await self._send(f"{method} {kind} {name or did}".rstrip(), method, path, **params)

    async def _send(self, what: str, method: str, path: str, **params: Any) -> Object:
        try:
            answer: Object = await self._dynamic.request(
                method, path, serializer=lambda _, data: data, _request_timeout=REQUEST_TIMEOUT, **params
            )
        except ApiException as error:
            raise cluster_error(what, error.status or 0, *words(error.body, error.reason)) from None
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as error:  # ValueError: no JSON
            # Not its repr, which has the headers of the request, and so our token.
            why = f"{type(error).__name__} {error}".rstrip()
            raise cluster_error(what, 0, "NoAnswer", f"the API server did not answer: {why}") from error
        return answer


def words(body: object, reason: object) -> tuple[str, str]:
    """Reason and message of the Status object in an error's body, else what HTTP says."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    try:
        status = json.loads(text)
        return str(status.get("reason") or ""), str(status.get("message") or "")
    except (ValueError, AttributeError):
        return str(reason or ""), text[:500]
