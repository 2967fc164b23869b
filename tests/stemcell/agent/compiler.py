"""compile_package: unpacks the source, runs its script `packaging`, keeps what that installed as a blob."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from . import bundles
from .errors import wrap
from .shell import Run, run

COMPILE = Path("/var/vcap/data/compile")


class Compiler:
    def __init__(self, run: Run = run) -> None:
        self._run = run

    def compile_package(
        self, blob: str, digest: str, name: str, version: str, dependencies: dict[str, Any]
    ) -> dict[str, Any]:
        with wrap(f"Compiling package {name}"):
            bundles.keep_only("packages", {})
            for dependency in dependencies.values():
                bundles.enable("packages", dependency["name"], bundles.install_package(dependency, self._run))
            source = COMPILE / name
            shutil.rmtree(source, ignore_errors=True)
            source.mkdir(parents=True)
            with wrap(f"Fetching package {name}"):
                archive = bundles.fetch(blob, digest)
            self._run("tar", "--no-same-owner", "-xf", str(archive), "-C", str(source))
            target = bundles.install_path("packages", name, version)
            target.mkdir(parents=True, exist_ok=True)
            enabled = bundles.enable("packages", name, target)
            if (source / "packaging").exists():
                names = {
                    "BOSH_COMPILE_TARGET": str(source),
                    "BOSH_INSTALL_TARGET": str(enabled),
                    "BOSH_PACKAGE_NAME": name,
                    "BOSH_PACKAGE_VERSION": version,
                }
                with wrap("Running packaging script"):
                    self._run("bash", "-x", "packaging", env={**os.environ, **names}, cwd=source)
            made = str(uuid.uuid4())
            self._run("tar", "-czf", str(bundles.BLOBS / made), "-C", str(target), ".")
            bundles.keep_only("packages", {})
            shutil.rmtree(source)
            sha1 = hashlib.sha1((bundles.BLOBS / made).read_bytes()).hexdigest()
            return {"result": {"blobstore_id": made, "sha1": sha1}}
