"""The documents of a single-layer image: config and manifest as the OCI image specification 1.1 has them.

Pure and without a date: the same layer under the same name and version gives the same bytes, so uploading a stemcell
again makes nothing new.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_TAR = "application/vnd.oci.image.layer.v1.tar"

# What a tag may stand for. An index keeps its digest: each node then takes its own platform out of it.
ACCEPTED = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    MANIFEST,
    "application/vnd.docker.distribution.manifest.v2+json",
)

# machine names of stemcell.MF (`architecture: x86_64`) -> names of the image specification
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64el": "ppc64le"}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Layer:
    """A layer as read: digest and size of its blob, digest of the tar inside (`diff_id`), media type."""

    digest: str
    size: int
    diff_id: str
    media_type: str


@dataclass(frozen=True)
class Document:
    """A config or manifest, ready to be sent."""

    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        return digest_of(self.content)


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def config(layer: Layer, *, architecture: str) -> Document:
    """The config blob. `architecture` as a stemcell's manifest or as an image spells it; empty means amd64."""
    return _document(
        {
            "architecture": _ARCHITECTURES.get(architecture, architecture or "amd64"),
            "os": "linux",
            "config": {"Env": [f"PATH={_PATH}"]},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
        },
        CONFIG,
    )


def manifest(layer: Layer, config: Document, *, name: str, version: str) -> Document:
    """The manifest; `name` and `version` of the stemcell become annotations (none for empty ones)."""
    annotations = {
        f"org.opencontainers.image.{key}": value for key, value in (("title", name), ("version", version)) if value
    }
    content = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": config.digest, "size": len(config.content)},
        "layers": [{"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size}],
    }
    return _document(content | ({"annotations": annotations} if annotations else {}), MANIFEST)


def _document(content: dict[str, object], media_type: str) -> Document:
    return Document(json.dumps(content, separators=(",", ":"), sort_keys=True).encode(), media_type)
