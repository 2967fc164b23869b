"""What the cluster tests need in container images: the operator, the registry, the test stemcells.

`python -m tests.support.cluster.images` makes them all beforehand, so that the suite can say what it took. All are
named by their content: what is there already is not made again.
"""

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.kind import cache

ROOT = Path(__file__).parents[3]
BUILD = ROOT / "build"
CLUSTER = ROOT / "tests/cluster/kind/cluster.py"
BASE = "bosh.local/python:3.11-debian"
REGISTRY = "bosh.local/registry:3.0.0"
OPERATOR_SOURCES = ("operator/src", "cpi/src/bosh_kubernetes_api", "operator/Dockerfile", "operator/requirements.lock")


@dataclass(frozen=True)
class Stemcell:
    """A heavy stemcell tarball."""

    tarball: Path

    def unpack(self, folder: Path) -> tuple[Path, dict[str, Any]]:
        """Path of the image and the cloud properties, as a client hands them to create_stemcell."""
        with tarfile.open(self.tarball) as archive:
            archive.extractall(folder, filter="data")
        manifest = yaml.safe_load((folder / "stemcell.MF").read_text())
        return folder / "image", manifest["cloud_properties"]


@functools.cache
def operator_image() -> str:
    """Name of the operator's image, built from the Dockerfile and loaded into the cluster."""
    name = f"bosh.local/operator:{digest(OPERATOR_SOURCES)}"
    if not engine_has(name):
        context = BUILD / "operator-image"
        shutil.rmtree(context, ignore_errors=True)
        shutil.copytree(dependencies(), context / "dependencies")
        run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", context / "project", ".")
        shutil.copy(ROOT / "operator/Dockerfile", context)
        words = ["--quiet", "--network", "host", "--build-arg", f"BASE={BASE}", "--tag", name]
        run("docker", "build", *words, context, DOCKER_BUILDKIT="0")
    load(name)
    return name


def dependencies() -> Path:
    """Folder of the wheels of operator/requirements.lock, fetched once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bosh-kubernetes-cpi/wheels"
    folder = cache / digest(("operator/requirements.lock",))
    if not folder.exists():
        fresh = folder.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        words = ["download", "--quiet", "--require-hashes", "--only-binary=:all:", "-r", "operator/requirements.lock"]
        run(sys.executable, "-m", "pip", *words, "-d", fresh)
        fresh.rename(folder)
    return folder


@functools.cache
def registry_image() -> str:
    load(REGISTRY)
    return REGISTRY


@functools.cache
def stemcell(flavour: str, version: str = "1.0") -> Stemcell:
    """Heavy stemcell with the real agent where BOSH_AGENT (and BOSH_MONIT) name it, else with the stand-in."""
    agent, monit = os.environ.get("BOSH_AGENT"), os.environ.get("BOSH_MONIT")
    words = ["--agent", agent] if agent else []
    words += ["--monit", monit] if agent and monit else []
    out = BUILD / "stemcells" / ("real" if agent else "stand-in")
    out.mkdir(parents=True, exist_ok=True)
    tarball = out / f"stemcell-{flavour}-{version}.tgz"
    made_from = out / f"stemcell-{flavour}-{version}.made-from"
    key = cache.key(digest(("tests/stemcell",)), *(Path(binary) for binary in (agent, monit) if agent and binary))
    with cache.locked("stemcells"):
        if not (tarball.exists() and made_from.exists() and made_from.read_text() == key):
            made_from.unlink(missing_ok=True)
            run("python3", "tests/stemcell/build.py", "--flavour", flavour, "--version", version, "--out", out, *words)
            made_from.write_text(key)
    return Stemcell(tarball)


def load(image: str) -> None:
    """Bring an image of the engine onto the nodes, unless it is there."""
    with cache.locked(f"images-{os.environ['BOSH_CLUSTER']}"):
        _load(image)


def _load(image: str) -> None:
    nodes = run("kubectl", "get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()
    if all(image in run("docker", "exec", node, "ctr", "-n", "k8s.io", "images", "ls", "-q").split() for node in nodes):
        return
    run(sys.executable, CLUSTER, "load", image, "--name", os.environ["BOSH_CLUSTER"])


def engine_has(image: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0


def digest(paths: tuple[str, ...]) -> str:
    """12 hex digits that change with the content of these files and folders."""
    total = hashlib.sha256()
    for path in paths:
        place = ROOT / path
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                total.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return total.hexdigest()[:12]


def run(*words: str | Path, **environment: str) -> str:
    """stdout of a command; RuntimeError with its stderr when it fails."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    for what, make in (
        ("registry", registry_image),
        ("operator", operator_image),
        ("stemcell, runit", lambda: stemcell("runit")),
        ("stemcell, runit, newer", lambda: stemcell("runit", "1.1")),
        ("stemcell, systemd", lambda: stemcell("systemd")),
    ):
        began = time.monotonic()
        made = make()
        print(f"  {time.monotonic() - began:6.1f} s  {what}: {made}", flush=True)


if __name__ == "__main__":
    main()
