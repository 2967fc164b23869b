"""What the stand-in registry holds, and the rules of the OCI distribution specification 1.1 about it.

STAND-IN. Checked by running tests/component/stemcell/test_contract.py on it and on the registry of the distribution
project alike. What it does not do: reads of large blobs, mounts from other repositories, listing, referrers, garbage
collection.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

MANIFESTS = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
}
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class RefusedError(Exception):
    """An answer of 4xx or 5xx with the registry's error code."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


@dataclass
class Upload:
    """An open upload: a running hash, not the bytes, so that large layers cost nothing."""

    repository: str
    sha: Any = field(default_factory=hashlib.sha256)
    size: int = 0
    content: bytearray = field(default_factory=bytearray)

    def append(self, data: bytes) -> None:
        self.sha.update(data)
        self.size += len(data)
        if self.size <= 1 << 20:
            self.content += data


class Store:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.blobs: dict[tuple[str, str], int] = {}  # (repository, digest) -> size
        self.contents: dict[str, bytes] = {}  # of blobs up to 1 MiB
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}  # (repository, digest) -> media type, content
        self.tags: dict[tuple[str, str], str] = {}
        self.uploads: dict[str, Upload] = {}

    def begin(self, repository: str) -> str:
        name = str(uuid.uuid4())
        with self.lock:
            self.uploads[name] = Upload(repository)
        return name

    def upload(self, repository: str, name: str) -> Upload:
        found = self.uploads.get(name)
        if found is None or found.repository != repository:
            raise RefusedError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        return found

    def finish(self, repository: str, name: str, digest: str) -> None:
        upload = self.upload(repository, name)
        if not DIGEST.fullmatch(digest):
            raise RefusedError(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        if f"sha256:{upload.sha.hexdigest()}" != digest:
            raise RefusedError(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        with self.lock:
            del self.uploads[name]
            self.blobs[repository, digest] = upload.size
            if upload.size == len(upload.content):
                self.contents[digest] = bytes(upload.content)

    def cancel(self, repository: str, name: str) -> None:
        self.upload(repository, name)
        with self.lock:
            del self.uploads[name]

    def put_manifest(self, repository: str, reference: str, media_type: str, content: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        try:
            document = json.loads(content)
        except ValueError:
            document = None
        if not isinstance(document, dict) or document.get("mediaType", media_type) != media_type:
            raise RefusedError(400, "MANIFEST_INVALID", "manifest invalid")
        if media_type not in MANIFESTS:
            raise RefusedError(400, "MANIFEST_INVALID", f"unknown media type {media_type}")
        if DIGEST.fullmatch(reference) and reference != digest:
            raise RefusedError(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        for wanted in (document.get("config"), *document.get("layers", [])):
            if wanted and self.blobs.get((repository, wanted["digest"])) != wanted["size"]:
                raise RefusedError(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")
        with self.lock:
            self.manifests[repository, digest] = (media_type, content)
            if not DIGEST.fullmatch(reference):
                self.tags[repository, reference] = digest
        return digest

    def manifest(self, repository: str, reference: str, accept: str) -> tuple[str, str, bytes]:
        """Digest, media type and content. Like the real one it answers 404 when the client takes no such type."""
        digest = reference if DIGEST.fullmatch(reference) else self.tags.get((repository, reference), "")
        found = self.manifests.get((repository, digest))
        if found is None:
            raise RefusedError(404, "MANIFEST_UNKNOWN", "manifest unknown")
        media_type, content = found
        if "oci" in media_type and media_type not in accept and "*/*" not in accept:
            raise RefusedError(
                404, "MANIFEST_UNKNOWN", "OCI manifest found, but accept header does not support OCI manifests"
            )
        return digest, media_type, content

    def delete_manifest(self, repository: str, digest: str) -> None:
        if not DIGEST.fullmatch(digest) or (repository, digest) not in self.manifests:
            raise RefusedError(404, "MANIFEST_UNKNOWN", "manifest unknown")
        with self.lock:
            del self.manifests[repository, digest]
            for key in [key for key, value in self.tags.items() if key[0] == repository and value == digest]:
                del self.tags[key]
