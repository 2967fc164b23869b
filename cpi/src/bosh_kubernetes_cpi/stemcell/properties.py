"""Cloud properties of a stemcell, read. Those of stemcell.MF that say nothing to us are ignored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import RequestError
from .reference import BadReferenceError, Reference, parse


@dataclass(frozen=True)
class Properties:
    """`image` is what a light stemcell names, None for a heavy one. Unknown texts are empty."""

    image: Reference | None
    name: str
    version: str
    os: str
    architecture: str
    pull_secrets: tuple[str, ...]


def read(properties: dict[str, Any] | None) -> Properties:
    """From cloud_properties (null is allowed: contract, create_stemcell). RequestError names the key that is wrong."""
    properties = properties or {}
    return Properties(
        image=_image(properties),
        name=_text(properties, "name"),
        version=_text(properties, "version"),
        os=_text(properties, "os_distro") or _text(properties, "os_type"),
        architecture=_text(properties, "architecture"),
        pull_secrets=_names(properties, "image_pull_secrets"),
    )


def _image(properties: dict[str, Any]) -> Reference | None:
    keys = [key for key in ("image_reference", "image") if _text(properties, key)]
    digest = _text(properties, "digest")
    if not keys:
        if digest:
            raise RequestError("create_stemcell: cloud property digest needs image_reference")
        return None
    texts = {_text(properties, key) for key in keys}
    if len(texts) > 1:
        raise RequestError("create_stemcell: cloud properties image_reference and image contradict each other")
    try:
        return parse(texts.pop(), digest=digest)
    except BadReferenceError as error:
        raise RequestError(f"create_stemcell: cloud property {keys[0]}: {error}") from error


def _text(properties: dict[str, Any], key: str) -> str:
    value = properties.get(key)
    if value is None:
        return ""
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise RequestError(f"create_stemcell: cloud property {key} must be a string")
    return str(value).strip()


def _names(properties: dict[str, Any], key: str) -> tuple[str, ...]:
    value = properties.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise RequestError(f"create_stemcell: cloud property {key} must be a list of names of Secrets")
    return tuple(value)
