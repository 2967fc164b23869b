"""Cloud properties of a stemcell, read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..cloud_properties import STEMCELL
from ..cloud_properties import read as read_properties
from ..errors import BadProperty
from .reference import BadReferenceError, Reference, parse

OWNER = "the stemcell"


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
    """From cloud_properties (null is allowed: contract, create_stemcell). BadProperty names the key that is wrong."""
    given = read_properties(STEMCELL, properties, OWNER)
    return Properties(
        image=_image(given),
        name=given.get("name", ""),
        version=given.get("version", ""),
        os=given.get("os_distro") or given.get("os_type", ""),
        architecture=given.get("architecture", ""),
        pull_secrets=tuple(given.get("image_pull_secrets", ())),
    )


def _image(given: dict[str, Any]) -> Reference | None:
    text, digest = given.get("image_reference", ""), given.get("digest", "").strip()
    if not text:
        if digest:
            raise BadProperty(f"cloud_properties of {OWNER}: digest needs image_reference")
        return None
    try:
        return parse(text, digest=digest)
    except BadReferenceError as error:
        raise BadProperty(f"cloud_properties of {OWNER}: image_reference: {error}") from error
