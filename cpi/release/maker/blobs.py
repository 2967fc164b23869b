"""Sources of others that the packages compile: named in `config/blobs.yml`, known by their digest, kept in a cache.

The file is the bosh CLI's (`size`, `sha`), with one key more that it lets pass: `url`, where a blob is published.
"""

from __future__ import annotations

import hashlib
import http.client
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
        entry = entry or {}
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
    there = [place for place in places if place.is_file()]
    for place in there:
        if sha256(place) == blob.sha256:
            return place
    try:
        return _download(blob)
    except ReleaseError as error:
        others = f"; of another digest: {', '.join(map(str, there))}" if there else ""
        raise ReleaseError(f"{error}{others}") from error


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
    with tempfile.TemporaryDirectory(dir=cache(), prefix=".download-") as folder:
        new = Path(folder) / blob.sha256
        try:
            with urllib.request.urlopen(blob.url, timeout=PATIENCE) as answer, new.open("wb") as file:
                shutil.copyfileobj(answer, file)
            found, size = sha256(new), new.stat().st_size
            if found != blob.sha256 and size < blob.size:
                raise ConnectionError(f"it ended after {size} of {blob.size} bytes")
        except (OSError, ValueError, http.client.HTTPException) as error:  # the second: a URL that is none
            raise ReleaseError(
                f"{blob.path}: cannot be downloaded from {blob.url} ({error}); put the file into a folder and name "
                "that: make release BLOBS=FOLDER, or make_release.py --blobs FOLDER"
            ) from error
        if found != blob.sha256:
            raise ReleaseError(f"{blob.path}: {blob.url} has a file of SHA-256 {found}, not {blob.sha256}")
        return new.replace(cache() / blob.sha256)
