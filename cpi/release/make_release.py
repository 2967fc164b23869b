"""Builds a BOSH release tarball from a release folder, without the bosh CLI.

The folder has the usual layout (`config/final.yml`, `jobs/*/{spec,monit,templates}`, `packages/*/{spec,packaging}`,
`src`); the CPI's sources are elsewhere (a link would make `bosh create-release` leave out the packaging scripts). The
same files give the same bytes: entries are sorted and carry neither times nor owners.

What a client and a Director read in the tarball: bosh-cli `release/archive_reader.go` and
`release/manifest/release.go`. Digests are SHA-1, the one form that every client since bosh-init understands; they
guard against damage, not against malice.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOURCE = ROOT / "cpi/src"

Files = dict[str, tuple[bytes, int]]
"""Path in an archive to content and mode."""


class ReleaseError(Exception):
    """The release folder is incomplete; the message names the file and what is wrong with it."""


def archive(files: Files) -> bytes:
    """A `.tgz` of `files`, the same bytes for the same files. Names begin with `./`, as the bosh CLI writes them."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for folder in sorted({str(parent) for name in files for parent in Path(name).parents}):
            entry = tarfile.TarInfo("./" if folder == "." else f"./{folder}/")
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, (content, mode) in sorted(files.items()):
            entry = tarfile.TarInfo(f"./{name}")
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def fingerprint(files: Files) -> str:
    """Identity of a job or package by its content."""
    digest = hashlib.sha256()
    for name, (content, mode) in sorted(files.items()):
        digest.update(f"{name}\0{mode:o}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def job_files(folder: Path) -> Files:
    """What the archive of a job holds: the spec as `job.MF`, `monit` (which must exist, even empty), the templates."""
    spec = folder / "spec"
    files: Files = {"job.MF": (_read(spec), 0o644), "monit": (_read(folder / "monit"), 0o644)}
    for template in _load(spec).get("templates", {}):
        files[f"templates/{template}"] = (_read(folder / "templates" / template), 0o644)
    return files


def package_files(folder: Path, source: Path) -> Files:
    """What the archive of a package holds: `packaging`, and each file of `source` that its spec's globs name."""
    files: Files = {"packaging": (_read(folder / "packaging"), 0o755)}
    for pattern in _load(folder / "spec").get("files", []):
        found = list(_matching(source, pattern))
        if not found:
            raise ReleaseError(f"{folder / 'spec'}: {pattern} matches no file in {source}")
        for path in found:
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            files[path.relative_to(source).as_posix()] = (path.read_bytes(), mode)
    return files


def _matching(source: Path, pattern: str) -> Iterator[Path]:
    for path in sorted(source.glob(pattern)):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def build(
    folder: Path, version: str, *, source: Path = SOURCE, commit: str = "unknown", license_file: Path | None = None
) -> bytes:
    """The release tarball of `folder`; the packages' files are taken from `source`.

    Raises:
        ReleaseError: a file that a spec names is missing, or a job needs a package that the release does not have.
    """
    manifest: dict[str, Any] = {
        "name": _load(folder / "config/final.yml")["name"],
        "version": version,
        "commit_hash": commit,
        "uncommitted_changes": False,
        "jobs": [],
        "packages": [],
    }
    files: Files = {}
    for package in _folders(folder / "packages"):
        entry = _add(files, f"packages/{package.name}", package_files(package, source))
        dependencies = _load(package / "spec").get("dependencies") or []
        manifest["packages"].append({"name": package.name, **entry, "dependencies": dependencies})
    known = {package["name"] for package in manifest["packages"]}
    for job in _folders(folder / "jobs"):
        packages = _load(job / "spec").get("packages") or []
        if missing := sorted(set(packages) - known):
            raise ReleaseError(f"{job / 'spec'}: the release has no package {', '.join(missing)}")
        entry = _add(files, f"jobs/{job.name}", job_files(job))
        manifest["jobs"].append({"name": job.name, **entry, "packages": packages})
    if license_file:
        manifest["license"] = _add(files, "license", {license_file.name: (_read(license_file), 0o644)})
    files["release.MF"] = (yaml.safe_dump(manifest, sort_keys=False, explicit_start=True).encode(), 0o644)
    return archive(files)


def _add(files: Files, name: str, content: Files) -> dict[str, str]:
    """Put the archive of a job, package or license into the release; its entry for the manifest."""
    packed = archive(content)
    files[f"{name}.tgz"] = (packed, 0o644)
    mark = fingerprint(content)
    return {"version": mark, "fingerprint": mark, "sha1": hashlib.sha1(packed, usedforsecurity=False).hexdigest()}


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.glob("*") if path.is_dir())


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise ReleaseError(f"{path}: no such file")
    return path.read_bytes()


def _load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(_read(path)) or {}


def project_version() -> str:
    """The version in pyproject.toml (read by line: tomllib is newer than the oldest Python that we support)."""
    for line in (ROOT / "pyproject.toml").read_text().splitlines():
        if line.startswith("version = "):
            return line.split('"')[1]
    raise ReleaseError("pyproject.toml: no version")


def commit() -> str:
    """The commit of the work tree, `unknown` outside git."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short=9", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--version", default=project_version(), help="default: that of pyproject.toml")
    parser.add_argument("--out", type=Path, default=Path("dist"), help="folder of the tarball (default: dist)")
    parser.add_argument("--folder", type=Path, default=HERE, help="release folder (default: the CPI's)")
    arguments = parser.parse_args()
    source = SOURCE if arguments.folder.resolve() == HERE else arguments.folder / "src"
    content = build(arguments.folder, arguments.version, source=source, commit=commit(), license_file=ROOT / "LICENSE")
    arguments.out.mkdir(parents=True, exist_ok=True)
    name = _load(arguments.folder / "config/final.yml")["name"]
    path = arguments.out / f"{name}-{arguments.version}.tgz"
    path.write_bytes(content)
    print(f"{path}  {len(content) // 1024} KiB  sha256:{hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
