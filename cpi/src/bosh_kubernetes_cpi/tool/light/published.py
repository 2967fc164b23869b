"""What a published image says of itself: labels and architecture of its configuration, annotations of its manifest."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ...errors import RegistryError
from ...stemcell.registry import Registry

Json = dict[str, Any]

USUAL = "amd64"


@dataclass(frozen=True)
class Published:
    """`labels`: those of the configuration win over the annotations. `architecture` is the image's word (amd64)."""

    labels: dict[str, str] = field(default_factory=dict)
    architecture: str = ""


def read(registry: Registry, digest: str, architecture: str) -> Published:
    """Of the manifest `digest`; of an index, of its image for linux on `architecture` (amd64, arm64).

    Where that is empty, it is the only one that the index has for linux, else the one for amd64.

    Raises RegistryError, also for an index without such an image and documents that are none.
    """
    document = _object(registry.read("manifests", digest), registry, digest)
    if "manifests" in document:
        digest = _platform(document, architecture, registry, digest)
        document = _object(registry.read("manifests", digest), registry, digest)
    wanted = _text(_part(document, "config"), "digest")
    content = _object(registry.read("blobs", wanted), registry, wanted) if wanted else {}
    labels = {**_texts(_part(document, "annotations")), **_texts(_part(_part(content, "config"), "Labels"))}
    return Published(labels, _text(content, "architecture"))


def _platform(index: Json, architecture: str, registry: Registry, digest: str) -> str:
    listed = index["manifests"] if isinstance(index["manifests"], list) else []
    entries = [each for each in listed if isinstance(each, dict) and _text(each, "digest")]
    platforms = [(_part(each, "platform"), _text(each, "digest")) for each in entries]
    if not architecture:
        there = [platform.get("architecture") for platform, _ in platforms if platform.get("os") == "linux"]
        architecture = str(there[0]) if len(there) == 1 else USUAL
    for platform, found in platforms:
        if (platform.get("os"), platform.get("architecture")) == ("linux", architecture):
            return found
    known = ", ".join(sorted(f"{each.get('os')}/{each.get('architecture')}" for each, _ in platforms)) or "nothing"
    raise RegistryError(f"{registry.name}: {digest} has no image for linux/{architecture}; it has {known}")


def _object(content: bytes, registry: Registry, digest: str) -> Json:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise RegistryError(f"{registry.name}: {digest} is no JSON object")
    return found


def _part(document: Json, key: str) -> Json:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _text(document: Json, key: str) -> str:
    found = document.get(key)
    return found if isinstance(found, str) else ""


def _texts(values: Json) -> dict[str, str]:
    return {key: text for key, text in values.items() if isinstance(text, str)}
