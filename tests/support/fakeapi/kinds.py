"""The kinds that the stand-in serves. Custom resources are checked by the schemas of crds/, as the real server does."""

import copy
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import yaml

from tests.support.fakeapi import attributes, claims
from tests.support.fakeapi.errors import invalid

Json = dict[str, Any]

CRDS = Path(__file__).parents[3] / "crds"
DNS_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
LABEL_KEY = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


class Kind(NamedTuple):
    group: str  # "" for core
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    has_status: bool = False
    schema: Json | None = None

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """As messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


@cache
def custom() -> list[Kind]:
    """One Kind for every file in crds/. Read once: that takes longer than most calls."""
    result = []
    for path in sorted(CRDS.glob("*.yaml")):
        spec = yaml.safe_load(path.read_text())["spec"]
        version = spec["versions"][0]
        result.append(
            Kind(
                spec["group"],
                version["name"],
                spec["names"]["plural"],
                spec["names"]["kind"],
                has_status="status" in version.get("subresources", {}),
                schema=version["schema"]["openAPIV3Schema"],
            )
        )
    return result


_TEXT = {"type": "string"}
_TEXTS = {"type": "object", "additionalProperties": _TEXT}
_HEAD = {"apiVersion": _TEXT, "kind": _TEXT, "metadata": {"type": "object"}}
_ONCE = [{"rule": "self == oldSelf", "message": "field is immutable"}]

# What the snapshot controller's own definitions ask for, as far as a client can run into it.
_SNAPSHOT: Json = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        **_HEAD,
        "spec": {
            "type": "object",
            "required": ["source"],
            "properties": {
                "source": {
                    "type": "object",
                    "properties": {"persistentVolumeClaimName": _TEXT, "volumeSnapshotContentName": _TEXT},
                    "oneOf": [{"required": ["persistentVolumeClaimName"]}, {"required": ["volumeSnapshotContentName"]}],
                    "x-kubernetes-validations": _ONCE,
                },
                "volumeSnapshotClassName": {"type": "string", "minLength": 1},
            },
        },
        "status": {
            "type": "object",
            "properties": {
                "boundVolumeSnapshotContentName": _TEXT,
                "creationTime": _TEXT,
                "readyToUse": {"type": "boolean"},
                "restoreSize": _TEXT,
                "error": {"type": "object", "properties": {"message": _TEXT, "time": _TEXT}},
            },
        },
    },
}
_SNAPSHOT_CLASS: Json = {
    "type": "object",
    "required": ["driver", "deletionPolicy"],
    "properties": {
        **_HEAD,
        "driver": {"type": "string", "x-kubernetes-validations": _ONCE},
        "deletionPolicy": {"type": "string", "enum": ["Delete", "Retain"]},
        "parameters": _TEXTS,
    },
}
_ATTRIBUTES_CLASS: Json = {
    "type": "object",
    "required": ["driverName"],
    "properties": {
        **_HEAD,
        "driverName": {"type": "string", "minLength": 1, "x-kubernetes-validations": _ONCE},
        "parameters": {**_TEXTS, "x-kubernetes-validations": _ONCE},
    },
}

BUILT_IN = [
    Kind("", "v1", "configmaps", "ConfigMap"),
    Kind("", "v1", "secrets", "Secret"),
    Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", has_status=True),
    Kind("", "v1", "pods", "Pod", has_status=True),
    Kind("", "v1", "namespaces", "Namespace", namespaced=False),
    Kind("apps", "v1", "deployments", "Deployment"),
    Kind("", "v1", "events", "Event"),
    Kind("coordination.k8s.io", "v1", "leases", "Lease"),
    Kind("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False),
    Kind(
        "storage.k8s.io",
        "v1",
        "volumeattributesclasses",
        "VolumeAttributesClass",
        namespaced=False,
        schema=_ATTRIBUTES_CLASS,
    ),
    Kind("snapshot.storage.k8s.io", "v1", "volumesnapshots", "VolumeSnapshot", has_status=True, schema=_SNAPSHOT),
    Kind(
        "snapshot.storage.k8s.io",
        "v1",
        "volumesnapshotclasses",
        "VolumeSnapshotClass",
        namespaced=False,
        schema=_SNAPSHOT_CLASS,
    ),
]


def all_kinds() -> list[Kind]:
    return [*BUILT_IN, *custom()]


def admit(kind: Kind, new: Json, old: Json | None) -> None:
    """Prune, default and check `new` in place. Raises Refusal 422."""
    name = new["metadata"].get("name", "")
    if not DNS_NAME.fullmatch(name):
        raise invalid(kind.kind, name, f'metadata.name: Invalid value: "{name}": a lowercase RFC 1123 subdomain')
    for key, value in new["metadata"].get("labels", {}).items():
        if not LABEL_KEY.fullmatch(key) or not isinstance(value, str) or not LABEL_VALUE.fullmatch(value):
            raise invalid(kind.kind, name, f"metadata.labels: Invalid value: {key}={value!r}")
    for key, value in new["metadata"].get("annotations", {}).items():
        if not LABEL_KEY.fullmatch(key) or not isinstance(value, str):
            raise invalid(kind.kind, name, f"metadata.annotations: Invalid value: {key}={value!r}")
    if kind.schema is not None:
        _prune(new, {**kind.schema, "properties": {**kind.schema["properties"], "metadata": {"type": "object"}}})
        _by_schema(kind, name, new, old)
    if kind.kind == "PersistentVolumeClaim":
        claims.check(name, new, old)
        attributes.check(name, new, old)
    if kind.kind == "Secret":
        from base64 import b64encode

        for key, text in new.pop("stringData", {}).items():
            new.setdefault("data", {})[key] = b64encode(text.encode()).decode()
    if len(str(new)) > 1_500_000:
        raise invalid(kind.kind, name, "Too long: must have at most 1048576 bytes")


def _by_schema(kind: Kind, name: str, new: Json, old: Json | None) -> None:
    assert kind.schema is not None
    for error in jsonschema.Draft7Validator(kind.schema).iter_errors(new):
        place = ".".join(str(part) for part in error.absolute_path)
        raise invalid(kind.kind, name, f"{place}: Invalid value: {error.message}")
    for path, schema in _immutable(kind.schema, ()):
        if old is not None and _at(old, path) is not None and _at(new, path) != _at(old, path):
            raise invalid(kind.kind, name, f"{'.'.join(path)}: {schema}")


def _immutable(schema: Json, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], str]]:
    """Paths with the rule `self == oldSelf`: the one CEL rule that the stand-in knows."""
    found = [
        (path, rule.get("message", "immutable"))
        for rule in schema.get("x-kubernetes-validations", [])
        if rule["rule"] == "self == oldSelf"
    ]
    for key, part in schema.get("properties", {}).items():
        found += _immutable(part, (*path, key))
    return found


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _prune(value: Any, schema: Json) -> None:
    """Fields that the schema does not have go without a word; defaults come."""
    if isinstance(value, dict) and "properties" in schema:
        for key in [key for key in value if key not in schema["properties"]]:
            del value[key]
        for key, part in schema["properties"].items():
            if key not in value and "default" in part:
                value[key] = copy.deepcopy(part["default"])
            if key in value and key != "metadata":
                _prune(value[key], part)
    elif isinstance(value, list) and "items" in schema:
        for item in value:
            _prune(item, schema["items"])
