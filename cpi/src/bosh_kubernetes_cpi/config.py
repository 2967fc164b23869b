"""The configuration of one call: the job's file, overlaid with what the request's context says (docs/configuration.md).

It is read when a method first needs it: `info` must answer under a placeholder configuration too.
"""

from __future__ import annotations

import json

from .errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TEXT, WHOLE, SWITCH, TEXTS, OBJECT, NAMED_TEXTS = (
    "a string",
    "a whole number above 0",
    "true or false",
    "a list of strings",
    "an object",
    "an object of strings",
)
QUANTITY = "a number or a quantity such as 500m"

# Every key there is. The job of the BOSH release renders a file of this shape.
SCHEMA: dict[str, Any] = {
    "kubernetes": {
        "server": TEXT,
        "ca": TEXT,
        "token": TEXT,
        "token_file": TEXT,
        "client_certificate": TEXT,
        "client_key": TEXT,
        "exec": {
            "command": TEXT,
            "args": TEXTS,
            "env": NAMED_TEXTS,
            "api_version": TEXT,
            "provide_cluster_info": SWITCH,
        },
        "kubeconfig": TEXT,
        "context": TEXT,
        "in_cluster": SWITCH,
        "tls_server_name": TEXT,
        "proxy": TEXT,
    },
    "namespace": TEXT,
    "agent": {"mbus": TEXT, "ntp": TEXTS, "blobstore": OBJECT},
    "machines": {
        "cpu": QUANTITY,
        "memory": WHOLE,
        "ephemeral_disk_size": WHOLE,
        "root_storage_class": TEXT,
    },
    "disks": {"storage_class": TEXT},
    "registry": {
        "host": TEXT,
        "pull_host": TEXT,
        "service": TEXT,
        "repository": TEXT,
        "username": TEXT,
        "password": TEXT,
        "ca": TEXT,
        "insecure": SWITCH,
        "pull_secrets": TEXTS,
    },
    "timeouts": {"schedule": WHOLE, "pull": WHOLE, "node_loss": WHOLE, "operator": WHOLE},
}

DEFAULTS: dict[str, Any] = {
    "agent": {"mbus": "", "ntp": [], "blobstore": {}},
    "machines": {"cpu": "1", "memory": 1024, "ephemeral_disk_size": 10240, "root_storage_class": ""},
    "disks": {"storage_class": ""},
    "registry": {"repository": "bosh/stemcells", "pull_secrets": []},
    "timeouts": {"schedule": 300, "pull": 900, "node_loss": 300, "operator": 30},
}

# Sections with credentials are taken whole from the side that names one of these: those of one place never go to
# another.
WHOLE_SECTIONS = {"kubernetes": ("server", "kubeconfig", "in_cluster"), "registry": ("host", "service")}
# What belongs to no place: the context may overlay it alone.
PLACELESS = {"kubernetes": (), "registry": ("repository", "pull_secrets")}


def load(path: str, context: dict[str, Any]) -> dict[str, Any]:
    """The effective configuration. Raises RequestError, naming the key, for what cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except OSError as error:
        raise RequestError(f"configuration {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"configuration {path} is no JSON: {_place(error)}") from error
    if not isinstance(content, dict):
        raise RequestError(f"configuration {path} is no JSON object")
    return merge(content, context)


def merge(file: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    """`file` overlaid with the keys of `context` that are ours, defaults below both. Pure.

    A section of the file that the context replaces as a whole is not looked at: it may hold placeholders. Raises
    RequestError for credentials in the context without the place that they are for.
    """
    theirs = _checked({key: context[key] for key in SCHEMA if key in context}, SCHEMA, "context: ")
    replaced = {key for key, places in WHOLE_SECTIONS.items() if any(name in theirs.get(key, {}) for name in places)}
    ours = _checked({key: value for key, value in file.items() if key not in replaced}, SCHEMA, "configuration: ")
    result: dict[str, Any] = {}
    for key, shape in SCHEMA.items():
        if not isinstance(shape, dict):
            result[key] = theirs.get(key, ours.get(key, ""))
            continue
        mine, other = ours.get(key, {}), theirs.get(key, {})
        if key in WHOLE_SECTIONS and key not in replaced and (lost := other.keys() - PLACELESS[key]):
            places = f" or {key}.".join(WHOLE_SECTIONS[key])
            raise RequestError(
                f"context: {key}.{min(lost)} without {key}.{places}: what the file names may be another place, so give "
                "the whole section"
            )
        result[key] = {**DEFAULTS.get(key, {}), **mine, **other}
    return result


def _checked(values: dict[str, Any], shape: dict[str, Any], where: str, prefix: str = "") -> dict[str, Any]:
    """`values` without the empty ones; raises RequestError for an unknown key or a value of another type.

    `prefix`: the keys that lead here, with a dot after each.
    """
    result = {}
    for key, value in values.items():
        if key not in shape:
            from .words import nearest

            raise RequestError(f"{where}unknown key {prefix + key!r}{nearest(key, shape)}")
        if value in ("", None) or value is False or value == {} or value == []:
            continue
        if isinstance(shape[key], dict):
            if not isinstance(value, dict):
                raise RequestError(f"{where}{prefix}{key} must be an object")
            value = _checked(value, shape[key], where, f"{prefix}{key}.")
            if not value:
                continue
        elif not is_a(shape[key], value):
            raise RequestError(f"{where}{prefix}{key} must be {shape[key]}")
        result[key] = value
    return result


def is_a(kind: str, value: Any) -> bool:
    if kind == TEXT:
        return isinstance(value, str)
    if kind == WHOLE:
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    if kind == SWITCH:
        return isinstance(value, bool)
    if kind == TEXTS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == QUANTITY:
        return isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return isinstance(value, dict) and (kind == OBJECT or all(isinstance(item, str) for item in value.values()))


def _place(error: Exception) -> str:
    """Where a JSON text ends to be one; the text itself may hold credentials."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "not UTF-8"
