"""From a release folder to a tarball, as bosh-cli does it (`releasedir/`, `release/`), and the folder itself.

The same folder gives the same bytes, and the same fingerprints as the bosh CLI: a Director takes a job or package of
either for the same one. Digests are SHA-1, the one form that every client since bosh-init understands; they guard
against damage, not against malice.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from . import blobs, vendor
from .archive import Files, archive
from .errors import ReleaseError


def stage(folder: Path, target: Path, *, source: Path, license_file: Path, blob_folders: Sequence[Path] = ()) -> None:
    """Put a whole release folder together: `folder` (config, jobs, packages), `source` and what is vendored as `src`,
    the blobs as `blobs`. This is the layout that `bosh create-release` reads; our sources lie elsewhere, and the CLI
    follows no links.

    Raises:
        ReleaseError: something that the folder names is not to be had, or `target` is not empty; nothing was made.
    """
    if target.exists() and any(target.iterdir()):
        raise ReleaseError(f"{target} is not empty")
    libraries = vendor.vendored(folder)
    found = {blob.path: blobs.find(blob, blob_folders) for blob in blobs.listed(folder)}
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("config", "jobs", "packages"):
        if (folder / name).is_dir():
            shutil.copytree(folder / name, target / name, ignore=ignored)
    if source.is_dir():
        shutil.copytree(source, target / "src", ignore=ignored)
    for path, content in libraries.items():
        file = target / "src" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    for path, blob in found.items():
        file = target / "blobs" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(blob, file)
    shutil.copyfile(license_file, target / license_file.name)


def build(folder: Path, version: str, *, commit: str = "non-git", dirty: bool = False) -> bytes:
    """The release tarball of a whole release folder (see `stage`).

    `commit` and `dirty` (made with changes that are not committed) are for the manifest.

    Raises:
        ReleaseError: a file that a spec names is missing, or a job or package needs a package that is not there.
    """
    manifest: dict[str, Any] = {
        "name": _load(folder / "config/final.yml")["name"],
        "version": version,
        "commit_hash": commit,
        "uncommitted_changes": dirty,
        "jobs": [],
        "packages": [],
    }
    files: Files = {}
    known = {path.name for path in _folders(folder / "packages")}
    for package in _folders(folder / "packages"):
        dependencies = _needed(package / "spec", "dependencies", known)
        content = package_files(folder, package.name)
        mark = fingerprint(content, without_mode={"packaging"}, more=dependencies)
        entry = _add(files, f"packages/{package.name}", content, mark)
        manifest["packages"].append({"name": package.name, **entry, "dependencies": dependencies})
    for job in _folders(folder / "jobs"):
        packages = _needed(job / "spec", "packages", known)
        content = job_files(job)
        entry = _add(files, f"jobs/{job.name}", content, fingerprint(content))
        manifest["jobs"].append({"name": job.name, **entry, "packages": packages})
    licenses = {path.name: _file(path) for kind in ("LICENSE*", "NOTICE*") for path in folder.glob(kind)}
    if licenses:
        manifest["license"] = _add(files, "license", licenses, fingerprint(licenses, without_mode=set(licenses)))
        files |= licenses
    manifest["no_compression"] = False
    files["release.MF"] = (yaml.safe_dump(manifest, sort_keys=False).encode(), 0o644)
    return archive(files)


def job_files(folder: Path) -> Files:
    """What the archive of a job holds: the spec as `job.MF`, `monit` (which must exist, even empty), the templates."""
    files: Files = {"job.MF": _file(folder / "spec"), "monit": _file(folder / "monit")}
    for template in _load(folder / "spec").get("templates") or {}:
        files[f"templates/{template}"] = _file(folder / "templates" / template)
    return files


def package_files(folder: Path, name: str) -> Files:
    """What the archive of a package holds: `packaging`, and what its spec's globs match in `src`, then in `blobs`."""
    package = folder / "packages" / name
    files: Files = {"packaging": _file(package / "packaging")}
    for pattern in _load(package / "spec").get("files") or []:
        found = False
        for root in (folder / "src", folder / "blobs"):
            for path in _matching(root, pattern):
                found = True
                files.setdefault(path.relative_to(root).as_posix(), _file(path))
        if not found:
            raise ReleaseError(f"{package / 'spec'}: {pattern} matches no file in src or blobs")
    return files


def fingerprint(files: Files, *, without_mode: set[str] | None = None, more: Sequence[str] = ()) -> str:
    """Identity of a job, package or license by its content (bosh-cli `release/resource/fingerprint.go`, version 2).

    `without_mode`: files whose executable bit does not count. `more`: names that count besides, in any order.
    """
    text = "v2"
    for name, (content, mode) in sorted(files.items()):
        text += f"{name}sha256:{hashlib.sha256(content).hexdigest()}"
        if name not in (without_mode or set()):
            text += "100755" if mode & 0o100 else "100644"
    return hashlib.sha256((text + ",".join(sorted(more))).encode()).hexdigest()


def _add(files: Files, name: str, content: Files, mark: str) -> dict[str, str]:
    """Put the archive of a job, package or license into the release; its entry for the manifest."""
    packed = archive(content)
    files[f"{name}.tgz"] = (packed, 0o644)
    return {"version": mark, "fingerprint": mark, "sha1": hashlib.sha1(packed, usedforsecurity=False).hexdigest()}


def _needed(spec: Path, key: str, known: set[str]) -> list[str]:
    """Names of packages in a spec."""
    names: list[str] = _load(spec).get(key) or []
    if missing := sorted(set(names) - known):
        raise ReleaseError(f"{spec}: the release has no package {', '.join(missing)}")
    return names


def _matching(root: Path, pattern: str) -> Iterator[Path]:
    return (path for path in sorted(root.glob(pattern)) if path.is_file())


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.glob("*") if path.is_dir())


def _file(path: Path) -> tuple[bytes, int]:
    """Content and mode; of the mode only who may execute it counts."""
    if not path.is_file():
        raise ReleaseError(f"{path}: no such file")
    return path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644


def _load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(_file(path)[0]) or {}
