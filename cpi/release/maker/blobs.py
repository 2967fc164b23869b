"""Sources of others that the packages compile: named in `config/blobs.yml`, known by their digest, kept in a cache.

The file is the bosh CLI's (`size`, `sha`), with one key more that it lets pass: `url`, where a blob is published.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from .errors import ReleaseError

PATIENCE = 60  # seconds without a byte, when downloading


@dataclass(frozen=True)
class Blob:
    path: str
    """Below `blobs/`, as the packages' specs name it."""
    size: int
    """Bytes."""
    sha256: str
    url: str


def cache() -> Path:
    """Where blobs are kept from one release to the next, named by their digests."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "bosh-kubernetes-cpi/blobs"


def listed(folder: Path) -> list[Blob]:
    """The blobs of a release folder.

    Raises:
        ReleaseError: an entry without size, digest or URL.
    """
    index = folder / "config/blobs.yml"
    if not index.is_file():
        return []
    blobs = []
    for path, entry in (yaml.safe_load(index.read_text()) or {}).items():
        kind, _, digest = str(entry.get("sha")).partition(":")
        if kind != "sha256" or len(digest) != 64 or not isinstance(entry.get("size"), int) or not entry.get("url"):
            raise ReleaseError(f"{index}: {path} needs size, sha (sha256:…) and url")
        blobs.append(Blob(path, entry["size"], digest, entry["url"]))
    return blobs


def find(blob: Blob, folders: Sequence[Path] = ()) -> Path:
    """The blob's file: from a folder that has it by its digest or by its name, else from the cache, else downloaded
    into the cache. Whatever is not what the digest says counts for nothing.

    Raises:
        ReleaseError: nobody has it; the message names the URL and what to do.
    """
    names = (blob.sha256, blob.path, Path(blob.path).name)
    places = [folder / name for folder in folders for name in names] + [cache() / blob.sha256]
    for place in places:
        if place.is_file() and sha256(place) == blob.sha256:
            return place
    return _download(blob)


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def _download(blob: Blob) -> Path:
    """Into the cache, at once or not at all."""
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cache(), prefix=".download-") as file:
        try:
            with urllib.request.urlopen(blob.url, timeout=PATIENCE) as answer:
                shutil.copyfileobj(answer, file)
        except OSError as error:
            raise ReleaseError(
                f"{blob.path}: cannot be downloaded from {blob.url} ({error}); put the file into a folder and name "
                "that with --blobs"
            ) from error
        file.flush()
        if (found := sha256(Path(file.name))) != blob.sha256:
            raise ReleaseError(f"{blob.path}: {blob.url} has a file of SHA-256 {found}, not {blob.sha256}")
        place = cache() / blob.sha256
        new = cache() / f".new-{os.getpid()}-{blob.sha256}"
        os.link(file.name, new)
    new.chmod(0o644)
    new.replace(place)
    return place
