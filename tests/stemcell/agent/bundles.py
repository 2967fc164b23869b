"""Jobs and packages on the disk: unpacked below /var/vcap/data by version, linked where jobs look for them."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from .errors import AgentError, wrap
from .services import link
from .settings import Object
from .shell import Run, run

BLOBS = Path("/var/vcap/data/blobs")
INSTALLED = Path("/var/vcap/data")
ENABLED = Path("/var/vcap")


def check_digest(content: bytes, digest: str) -> None:
    """Compares with each part of a digest such as "sha256:..." or "<sha1>;sha256:...".

    Raises:
        AgentError: one differs, or none is of a known kind.
    """
    known = 0
    for part in filter(None, digest.split(";")):
        kind, _, wanted = part.rpartition(":")
        kind = kind or "sha1"
        if kind in ("sha1", "sha256", "sha512"):
            known += 1
            found = hashlib.new(kind, content).hexdigest()
            if found != wanted:
                raise AgentError(f"Expected stream to have digest '{part}' but was '{found}'")
    if not known:
        raise AgentError("No digest of a known kind was given")


def fetch(blob: str, digest: str) -> Path:
    """A blob that was put on the bus, its digest checked."""
    path = BLOBS / Path(blob).name
    if not path.is_file():
        raise AgentError(f"Getting blob from inner blobstore: Blob '{blob}' not found")
    with wrap(f"Checking blob '{blob}'"):
        check_digest(path.read_bytes(), digest)
    return path


def install_path(kind: str, name: str, version: str) -> Path:
    """Where a job or package ("jobs", "packages") of a version is unpacked."""
    return INSTALLED / kind / name / hashlib.sha1(version.encode()).hexdigest()


def job_version(job: Object, archive: Object) -> str:
    return f"{job['version']}-{archive['sha1']}"


def install_job(job: Object, archive: Object, run: Run = run) -> None:
    """Unpacks the part of the rendered templates' archive that is this job's, for root and group vcap."""
    path = install_path("jobs", job["name"], job_version(job, archive))
    if path.exists():
        return
    with wrap("Getting job source from blobstore"):
        blob = fetch(archive["blobstore_id"], archive["sha1"])
    slash = any(name.startswith("./") for name in run("tar", "-tf", str(blob)).splitlines())
    _unpack(blob, path, run, f"--strip-components={2 if slash else 1}", f"{'./' if slash else ''}{job['name']}")
    run("chown", "-R", "root:vcap", str(path))
    for found in [path, *path.rglob("*")]:
        if not found.is_symlink():
            found.chmod(0o750 if found.is_dir() or path / "bin" in found.parents else 0o640)


def install_package(package: Object, run: Run = run) -> Path:
    path = install_path("packages", package["name"], package["version"])
    if not path.exists():
        with wrap("Fetching package blob"):
            blob = fetch(package["blobstore_id"], package["sha1"])
        _unpack(blob, path, run)
    return path


def enable(kind: str, name: str, path: Path, below: Path = ENABLED) -> Path:
    """Links /var/vcap/<kind>/<name> (or the same below a job) to what is installed."""
    place = below / kind / name
    link(path, place)
    return place


def keep_only(kind: str, wanted: dict[str, Path]) -> None:
    """Removes every job or package that is linked or unpacked and is not wanted (name to installed path)."""
    for place in (ENABLED / kind).glob("*"):
        if place.name not in wanted:
            place.unlink()
    for path in (INSTALLED / kind).glob("*/*"):
        if wanted.get(path.parent.name) != path:
            shutil.rmtree(path)


def _unpack(blob: Path, path: Path, run: Run, *options: str) -> None:
    path.mkdir(mode=0o755, parents=True)
    try:
        with wrap("Decompressing files"):
            run("tar", "--no-same-owner", "-xf", str(blob), "-C", str(path), *options)
    except AgentError:
        shutil.rmtree(path)
        raise
