"""Tarballs of the release for tests: with its sources, or compiled."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from pathlib import Path

import yaml

from cpi.release.maker.archive import Files, archive
from cpi.release.maker.release import build, stage
from tests.support.release import sources
from tests.support.release.installed import install

ROOT = Path(__file__).parents[3]


def source_release(folder: Path, version: str) -> bytes:
    """The release as it is published, with the blobs that can be had here (sources.py). `folder`: for work."""
    config = sources.release_folder(folder / "release")
    stage(config, folder / "whole", source=ROOT / "cpi/src", license_file=ROOT / "LICENSE")
    return build(folder / "whole", version)


def write_compiled_release(folder: Path, version: str) -> Path:
    """A compiled release as a file, named as usual; it spares a test the minutes that compiling takes."""
    path = folder / f"bosh-kubernetes-cpi-{version}.tgz"
    with tempfile.TemporaryDirectory() as work:
        path.write_bytes(compiled_release(Path(work), version))
    return path


def compiled_release(folder: Path, version: str) -> bytes:
    """The release with compiled packages instead of its sources, as `bosh export-release` gives it, compiled on this
    machine. create-env uses such a one as it is. `folder`: for work.
    """
    files = _unpacked(source_release(folder, version))
    packages = install(folder / "installed").packages
    manifest = yaml.safe_load(files.pop("release.MF")[0])
    compiled = []
    for entry in manifest.pop("packages"):
        del files[f"packages/{entry['name']}.tgz"]
        packed = archive(_contents(packages / entry["name"]))
        files[f"compiled_packages/{entry['name']}.tgz"] = (packed, 0o644)
        digest = hashlib.sha1(packed, usedforsecurity=False).hexdigest()
        compiled.append({**entry, "sha1": digest, "stemcell": "debian/12"})
    manifest["compiled_packages"] = compiled
    files["release.MF"] = (yaml.safe_dump(manifest).encode(), 0o644)
    return archive(files)


def _unpacked(tarball: bytes) -> Files:
    files: Files = {}
    with tarfile.open(fileobj=io.BytesIO(tarball)) as tar:
        for member in tar:
            if (file := tar.extractfile(member)) is not None:
                files[member.name.removeprefix("./")] = (file.read(), member.mode)
    return files


def _contents(folder: Path) -> Files:
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
