"""Release and stemcell tarballs: unpacked, packages compiled and jobs rendered here, as bosh-cli does it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.driver.errors import ManifestError

RENDERER = Path(__file__).with_name("render.rb")


@dataclass(frozen=True)
class Job:
    """One job of an unpacked release."""

    name: str
    fingerprint: str
    packages: list[str]
    folder: Path
    templates: dict[str, str]
    defaults: dict[str, Any]


@dataclass(frozen=True)
class Package:
    """One package of an unpacked release. `dependencies` are those that it names itself. The archive of a
    `compiled` one holds what is to be installed, else sources and a script.
    """

    name: str
    fingerprint: str
    sha1: str
    dependencies: list[str]
    archive: Path
    compiled: bool = False


@dataclass(frozen=True)
class Release:
    name: str
    version: str
    folder: Path
    manifest: dict[str, Any]

    def job(self, name: str) -> Job:
        entry = next((job for job in self.manifest["jobs"] if job["name"] == name), None)
        if entry is None:
            raise ManifestError(f"release {self.name}/{self.version} has no job {name}")
        folder = _unpack_checked(self.folder / f"jobs/{name}.tgz", entry["sha1"])
        spec = yaml.safe_load((folder / "job.MF").read_text())
        if not (folder / "monit").is_file():
            raise ManifestError(f"job {name} has no file monit")
        properties = spec.get("properties") or {}
        return Job(
            name,
            entry["fingerprint"],
            spec.get("packages") or [],
            folder,
            spec.get("templates") or {},
            {key: definition.get("default") for key, definition in properties.items()},
        )

    def packages(self, names: list[str]) -> list[Package]:
        """Packages with all that they depend on, in the order in which they can be compiled."""
        kind = "compiled_packages" if "compiled_packages" in self.manifest else "packages"
        result: dict[str, Package] = {}
        for name in names:
            entry = next(package for package in self.manifest[kind] if package["name"] == name)
            dependencies = entry.get("dependencies") or []
            result |= {package.name: package for package in self.packages(dependencies)}
            archive = self.folder / f"{kind}/{name}.tgz"
            compiled = kind == "compiled_packages"
            result[name] = Package(name, entry["fingerprint"], entry["sha1"], dependencies, archive, compiled)
        return list(result.values())


@dataclass(frozen=True)
class StemcellTarball:
    """An unpacked stemcell; `image` is gone when its folder is."""

    name: str
    version: str
    api_version: int
    cloud_properties: dict[str, Any]
    image: Path


def unpack_release(tarball: Path, folder: Path) -> Release:
    _unpack(tarball, folder)
    manifest = yaml.safe_load((folder / "release.MF").read_text())
    return Release(manifest["name"], str(manifest["version"]), folder, manifest)


def unpack_stemcell(tarball: Path, folder: Path) -> StemcellTarball:
    """Read a stemcell. One without `api_version` counts as version 1, which create-env refuses later."""
    _unpack(tarball, folder)
    manifest = yaml.safe_load((folder / "stemcell.MF").read_text())
    image = folder / "image"
    if not image.is_file():
        raise ManifestError(f"{tarball}: no file image")
    return StemcellTarball(
        manifest["name"],
        str(manifest["version"]),
        int(manifest.get("api_version", 1)),
        manifest.get("cloud_properties") or {},
        image,
    )


def install(job: Job, release: Release, properties: dict[str, Any], folder: Path) -> tuple[Path, Path]:
    """Compile a CPI's packages, unless they are, and render its job here; the packages' and the jobs' folders."""
    packages, jobs = folder / "packages", folder / "jobs"
    for package in release.packages(job.packages):
        unpacked = _unpack_checked(package.archive, package.sha1)
        if package.compiled:
            shutil.copytree(unpacked, packages / package.name)
        else:
            compile_package(package.name, unpacked, packages)
    rendered = render(job, properties, {}, deployment="", address="")
    for path, text in rendered.items():
        target = jobs / job.name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(0o755 if path.startswith("bin/") else 0o640)
    return packages, jobs


def compile_package(name: str, source: Path, packages: Path) -> None:
    """Run a package's script: `bash -x packaging` in the unpacked source, with the caller's PATH.

    Raises:
        ManifestError: the script failed; the message is its output.
    """
    target = packages / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    process = subprocess.run(
        ["bash", "-x", "packaging"],
        cwd=source,
        env={
            **os.environ,
            "BOSH_COMPILE_TARGET": str(source),
            "BOSH_INSTALL_TARGET": str(target),
            "BOSH_PACKAGE_NAME": name,
            "BOSH_PACKAGES_DIR": str(packages),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        raise ManifestError(f"compiling package {name}: exit code {process.returncode}\n{process.stderr}")


def render(
    job: Job,
    properties: dict[str, Any] | None,
    fallback: dict[str, Any],
    *,
    deployment: str,
    address: str,
) -> dict[str, str]:
    """Every template of a job and its `monit` file: target path to text. `fallback` are the group's properties."""
    templates = {"monit": "monit"} | {f"templates/{source}": target for source, target in job.templates.items()}
    return {
        target: render_template(
            job.folder / source,
            job.name,
            fallback if properties is None else properties,
            job.defaults,
            deployment=deployment,
            address=address,
        )["text"]
        for source, target in templates.items()
    }


def render_template(
    template: Path,
    job: str,
    properties: dict[str, Any],
    defaults: dict[str, Any],
    *,
    deployment: str = "",
    address: str = "",
    director: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One template by ruby: its `text`, and the names of the properties that it `read`. `director`: `spec` and `links`
    of an instance of a Director, instead of create-env's bare one.

    Raises:
        ManifestError: the template failed, for instance on a property that the spec does not declare.
    """
    request = {
        "template": str(template),
        "job": job,
        "deployment": deployment,
        "address": address,
        "properties": properties,
        "defaults": defaults,
        **(director or {}),
    }
    process = subprocess.run(
        ["ruby", str(RENDERER)], input=json.dumps(request), capture_output=True, text=True, check=False
    )
    if process.returncode:
        raise ManifestError(f"rendering {template}: {process.stderr.strip()}")
    result: dict[str, Any] = json.loads(process.stdout)
    return result


def job_archive(jobs: dict[str, dict[str, str]]) -> bytes:
    """The rendered jobs as the agent takes them: a folder for each."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, rendered in jobs.items():
            for path, text in rendered.items():
                entry = tarfile.TarInfo(f"./{name}/{path}")
                content = text.encode()
                entry.size, entry.mode = len(content), 0o755 if path.startswith("bin/") else 0o644
                tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _unpack_checked(tarball: Path, sha1: str) -> Path:
    if hashlib.sha1(tarball.read_bytes(), usedforsecurity=False).hexdigest() != sha1:
        raise ManifestError(f"{tarball}: another SHA-1 than the release's manifest says")
    folder = tarball.with_suffix("")
    _unpack(tarball, folder)
    return folder


def _unpack(tarball: Path, folder: Path) -> None:
    """By the tar command, as the real client does."""
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.run(
        ["tar", "--no-same-owner", "-xzf", tarball, "-C", folder], capture_output=True, text=True, check=False
    )
    if process.returncode:
        raise ManifestError(f"unpacking {tarball}: {process.stderr.strip()}")
