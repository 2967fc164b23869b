"""What the release's blobs are made of in tests: upstream's files, else Debian's copies of them.

Where upstream can be reached, or the cache has its files, they are used. Else Debian's source archive is asked, as far
as this machine's apt knows it; apt checks its signatures. It keeps the tarballs of CPython and OpenSSL as upstream
published them, so these may well have the very digest that `config/blobs.yml` pins. What has another one is a
stand-in, and is said to be one: zlib, which Debian repacks without some files of its `contrib`, and whatever other
version of the same series Debian has when it has gone on.
"""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import yaml

from cpi.release.maker import blobs
from cpi.release.maker.blobs import Blob
from cpi.release.maker.errors import ReleaseError
from tests.cluster.kind import cache

ROOT = Path(__file__).parents[3]
RELEASE = ROOT / "cpi/release"
SUITES = ("trixie", "sid")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# blob's folder: Debian's source package, and the versions that may stand in
SERIES = {"python": ("python3.13", r"3\.13\."), "openssl": ("openssl", r"3\.5\."), "zlib": ("zlib", r"1:1\.3\.")}


def release_folder(target: Path) -> Path:
    """A copy of the release folder whose `config/blobs.yml` names files that are in the cache now."""
    shutil.copytree(RELEASE, target, ignore=shutil.ignore_patterns("__pycache__"))
    entries = {blob.path: {"size": blob.size, "sha": f"sha256:{blob.sha256}", "url": blob.url} for blob in available()}
    (target / "config/blobs.yml").write_text(yaml.safe_dump(entries))
    return target


@functools.cache
def available() -> list[Blob]:
    """The release's blobs, all in the cache: those that are pinned, else their stand-ins."""
    with cache.locked("sources"):
        found = {blob: _known(blob) for blob in blobs.listed(RELEASE)}
        if missing := [blob for blob, known in found.items() if known is None]:
            with cache.work_folder() as folder:
                apt = _Apt(folder)
                found |= {blob: _of_debian(blob, apt) for blob in missing}
        return [known for known in found.values() if known is not None]


def _known(blob: Blob) -> Blob | None:
    """The blob from the cache or from upstream, or the stand-in that was found for it before."""
    note = _note(blob)
    if note.is_file() and not (blobs.cache() / blob.sha256).is_file():
        stand_in = replace(blob, **json.loads(note.read_text()))
        if (blobs.cache() / stand_in.sha256).is_file():
            return stand_in
    try:
        blobs.find(blob)
    except ReleaseError as error:
        print(error, flush=True)
        return None
    return blob


def _of_debian(blob: Blob, apt: _Apt) -> Blob:
    """The blob, if Debian has it as it is pinned, else the newest of its series that can be fetched."""
    name, series = SERIES[Path(blob.path).parts[0]]
    stanzas = [stanza for stanza in apt.sources(name) if re.match(series, stanza[0])]
    stanzas.sort(key=lambda stanza: blob.sha256 in stanza[1])  # the last one is the best
    for version, stanza in reversed(stanzas):
        file = apt.fetch(name, version)
        digest = blobs.sha256(file) if file else ""
        if file is None or digest not in stanza:
            continue
        file.replace(blobs.cache() / digest)
        if digest == blob.sha256:
            print(f"{blob.path}: taken from Debian's {name} {version}, the very file", flush=True)
            return blob
        size = (blobs.cache() / digest).stat().st_size
        found = replace(blob, sha256=digest, size=size, url=f"Debian's {name} {version}")
        print(f"{blob.path}: {found.url} stands in for it", flush=True)
        _note(blob).write_text(json.dumps({"sha256": digest, "size": size, "url": found.url}))
        return found
    raise ReleaseError(f"{blob.path}: neither upstream's nor, of the series {series}, Debian's {name} can be fetched")


def _note(blob: Blob) -> Path:
    """Which stand-in was taken."""
    return blobs.cache() / f"{blob.sha256}.stand-in.json"


class _Apt:
    """apt with lists of its own, of Debian's sources."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "lists/partial").mkdir(parents=True)
        (folder / "cache/archives/partial").mkdir(parents=True)
        (folder / "sources.list").write_text(
            "".join(f"deb-src [signed-by={KEYRING}] {_mirror()} {suite} main\n" for suite in SUITES)
        )
        self._run("apt-get", "update", check=True)

    def sources(self, name: str) -> list[tuple[str, str]]:
        """Version and stanza of each version of a source package, in the order of the suites."""
        said = self._run("apt-cache", "showsrc", name).stdout
        found = [(re.search(r"^Version: (\S+)$", text, re.M), text) for text in said.split("\n\n")]
        return [(match.group(1), text) for match, text in found if match]

    def fetch(self, name: str, version: str) -> Path | None:
        """The tarball of upstream's part; None where the archive lists a version and no longer has it."""
        for leftover in self._folder.glob(f"{name}_*"):
            leftover.unlink()
        self._run("apt-get", "source", "--download-only", f"{name}={version}")
        found = [path for path in self._folder.glob(f"{name}_*.orig.tar.*") if path.suffix != ".asc"]
        return found[0] if found else None

    def _run(self, *words: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        options = {
            "Dir::Etc::SourceList": self._folder / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": self._folder / "lists",
            "Dir::Cache": self._folder / "cache",
            "APT::Sandbox::User": "root",
        }
        done = subprocess.run(
            [*words, *(word for key, value in options.items() for word in ("-o", f"{key}={value}"))],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise ReleaseError(f"{' '.join(words)} failed: {done.stderr.strip()}")
        return done


def _mirror() -> str:
    """Where this machine's apt finds Debian."""
    words = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)"]
    if shutil.which("apt-get"):
        for line in subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines():
            origin, _, address = line.partition(" ")
            if origin == "Debian" and "security" not in address:
                return address
    raise ReleaseError(
        "the sources that config/blobs.yml names cannot be downloaded, and this machine's apt knows no archive of "
        f"Debian that could stand in; put the files into {blobs.cache()}, each named by its SHA-256"
    )
