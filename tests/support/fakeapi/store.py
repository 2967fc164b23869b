"""The stand-in's memory: objects, one counter of versions, and the history that watches replay. Thread-safe.

What it does as the real server does: resourceVersion and Conflict, generation, status as a subresource, uid
preconditions, finalizers, garbage collection by ownerReferences, label and field selectors, expiry of history (410).
What it does not: server-side apply, strategic merge patch, dry run of changes, pagination, admission but that of
claims, CEL beyond immutability.
"""

import copy
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.support.fakeapi import claims, errors
from tests.support.fakeapi.kinds import Kind, admit

Json = dict[str, Any]


class Event(NamedTuple):
    version: int
    kind: str
    namespace: str
    type: str
    object: Json


class Store:
    def __init__(self, kinds: list[Kind]) -> None:
        self.kinds = {kind.kind: kind for kind in kinds}
        self.changed = threading.Condition(threading.RLock())
        self._objects: dict[tuple[str, str, str], Json] = {}
        self._history: list[Event] = []
        self._version = 100
        self._oldest = 0

    @property
    def version(self) -> int:
        return self._version

    def get(self, kind: str, namespace: str, name: str) -> Json:
        with self.changed:
            found = self._objects.get((kind, namespace, name))
            if found is None:
                raise errors.not_found(self.kinds[kind].resource, name)
            return copy.deepcopy(found)

    def find(self, kind: str, namespace: str, name: str) -> Json | None:
        with self.changed:
            return copy.deepcopy(self._objects.get((kind, namespace, name)))

    def list(self, kind: str, namespace: str = "", matches: Callable[[Json], bool] = lambda _: True) -> list[Json]:
        with self.changed:
            return [
                copy.deepcopy(value)
                for (one, where, _), value in sorted(self._objects.items())
                if one == kind and (not namespace or where == namespace) and matches(value)
            ]

    def create(self, kind: str, namespace: str, body: Json, *, dry: bool = False) -> Json:
        with self.changed:
            info = self.kinds[kind]
            new = copy.deepcopy(body)
            if new.get("kind") != kind or new.get("apiVersion") != info.api_version:
                raise errors.bad_request(f"the object provided is no {info.api_version} {kind}")
            metadata = new.setdefault("metadata", {})
            name = metadata.get("name", "")
            if metadata.get("resourceVersion"):
                raise errors.bad_request("resourceVersion should not be set on objects to be created")
            if info.has_status:
                new.pop("status", None)
            if kind == "PersistentVolumeClaim":
                claims.admit(new, None, self._classes())
            admit(info, new, None)
            if (kind, namespace, name) in self._objects:
                raise errors.exists(info.resource, name)
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            metadata.update(uid=str(uuid.uuid4()), creationTimestamp=stamp, generation=1)
            if info.namespaced:
                metadata["namespace"] = namespace
            for key in ("deletionTimestamp", "managedFields"):
                metadata.pop(key, None)
            if dry:
                return new
            self._put(info, namespace, new, "ADDED")
            self._collect()
            return copy.deepcopy(new)

    def merge_patch(self, kind: str, namespace: str, name: str, patch: Json, *, status: bool = False) -> Json:
        with self.changed:
            info = self.kinds[kind]
            old = self.get(kind, namespace, name)
            metadata = patch.get("metadata") or {}
            if (
                metadata.get("resourceVersion", old["metadata"]["resourceVersion"])
                != old["metadata"]["resourceVersion"]
            ):
                raise errors.conflict(info.resource, name)
            if metadata.get("uid", old["metadata"]["uid"]) != old["metadata"]["uid"]:
                raise errors.precondition(info.resource, name, metadata["uid"], old["metadata"]["uid"])
            new = merged(old, patch)
            for key in ("uid", "resourceVersion", "creationTimestamp", "generation", "deletionTimestamp", "namespace"):
                new["metadata"].pop(key, None)
                if key in old["metadata"]:
                    new["metadata"][key] = old["metadata"][key]
            if status:
                new = {**old, "status": new.get("status", {})}
            elif info.has_status:
                new.pop("status", None)
                if "status" in old:
                    new["status"] = old["status"]
            admit(info, new, old)
            if kind == "PersistentVolumeClaim":
                claims.admit(new, old, self._classes())
            if new == old:
                return old
            if new.get("spec") != old.get("spec"):
                new["metadata"]["generation"] += 1
            if new["metadata"].get("deletionTimestamp") and not new["metadata"].get("finalizers"):
                return self._drop(info, namespace, new)
            self._put(info, namespace, new, "MODIFIED")
            return copy.deepcopy(new)

    def delete(self, kind: str, namespace: str, name: str, *, uid: str = "") -> Json:
        with self.changed:
            info = self.kinds[kind]
            found = self.get(kind, namespace, name)
            if uid and uid != found["metadata"]["uid"]:
                raise errors.precondition(info.resource, name, uid, found["metadata"]["uid"])
            if found["metadata"].get("finalizers"):
                if "deletionTimestamp" not in found["metadata"]:
                    found["metadata"]["deletionTimestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                    found["metadata"]["generation"] += 1
                    self._put(info, namespace, found, "MODIFIED")
                return copy.deepcopy(found)
            return self._drop(info, namespace, found)

    def forget_history(self) -> None:
        """As after etcd's compaction: older versions cannot be watched any more."""
        with self.changed:
            self._history.clear()
            self._oldest = self._version
            self.changed.notify_all()

    def events(self, after: int) -> Iterator[Event]:
        """Events newer than `after`. Raises Refusal 410 when some of them are forgotten."""
        with self.changed:
            if after < self._oldest:
                raise errors.too_old(after)
            return iter([event for event in self._history if event.version > after])

    def _classes(self) -> dict[str, Json]:
        return {name: value for (kind, _, name), value in self._objects.items() if kind == "StorageClass"}

    def _put(self, kind: Kind, namespace: str, new: Json, event: str) -> None:
        self._version += 1
        new["metadata"]["resourceVersion"] = str(self._version)
        self._objects[kind.kind, namespace, new["metadata"]["name"]] = new
        self._history.append(Event(self._version, kind.kind, namespace, event, copy.deepcopy(new)))
        self.changed.notify_all()

    def _drop(self, kind: Kind, namespace: str, old: Json) -> Json:
        self._put(kind, namespace, old, "DELETED")
        del self._objects[kind.kind, namespace, old["metadata"]["name"]]
        self._collect()
        return copy.deepcopy(old)

    def _collect(self) -> None:
        """Delete objects all of whose owners are gone, as the garbage collector does."""
        uids = {value["metadata"]["uid"] for value in self._objects.values()}
        for (kind, namespace, name), value in list(self._objects.items()):
            owners = value["metadata"].get("ownerReferences", [])
            here = (kind, namespace, name) in self._objects  # a deletion above may have taken it along
            if here and owners and not any(owner["uid"] in uids for owner in owners):
                self.delete(kind, namespace, name)


def merged(old: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
