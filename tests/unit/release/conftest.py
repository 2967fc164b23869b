"""Release folders to build from: a small one, and the CPI's with tiny files in the place of its blobs."""

import hashlib
import shutil
from pathlib import Path

import pytest
import yaml

from cpi.release.maker.release import stage

ROOT = Path(__file__).parents[3]


def write(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A whole release folder of two packages and a job."""
    files = {
        "config/final.yml": "---\nname: sample\n",
        "config/blobs.yml": "{}\n",
        "LICENSE": "license\n",
        "NOTICE": "notice\n",
        "jobs/j/spec": "---\nname: j\ntemplates: {bin/cpi.erb: bin/cpi}\npackages: [a, b]\nproperties: {}\n",
        "jobs/j/monit": "",
        "jobs/j/templates/bin/cpi.erb": "x\n",
        "packages/a/spec": "---\nname: a\nfiles: [blob/*.gz]\n",
        "packages/a/packaging": "echo a\n",
        "packages/b/spec": '---\nname: b\ndependencies: [a]\nfiles: ["code/**/*.py"]\n',
        "packages/b/packaging": "echo b\n",
        "src/code/one.py": "print(1)\n",
        "src/code/sub/two.py": "print(2)\n",
        "blobs/blob/x.tar.gz": "data",
    }
    folder = write(tmp_path / "sample", files)
    (folder / "src/code/sub/two.py").chmod(0o755)
    return folder


@pytest.fixture
def tiny_blobs(tmp_path: Path) -> Path:
    """Files in the place of the CPI's blobs."""
    names = ("python/Python-1.tar.xz", "openssl/openssl-1.tar.gz", "zlib/zlib-1.tar.gz")
    return write(tmp_path / "tiny", {name: f"not {name}" for name in names})


@pytest.fixture
def folder(tmp_path: Path, tiny_blobs: Path) -> Path:
    """A copy of the CPI's release folder, with those blobs."""
    target = Path(shutil.copytree(ROOT / "cpi/release", tmp_path / "release"))
    entries = {}
    for path in tiny_blobs.glob("*/*"):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        name = path.relative_to(tiny_blobs).as_posix()
        entries[name] = {"size": path.stat().st_size, "sha": f"sha256:{digest}", "url": "https://127.0.0.1:1/none"}
    (target / "config/blobs.yml").write_text(yaml.safe_dump(entries))
    return target


@pytest.fixture
def whole(tmp_path: Path, folder: Path, tiny_blobs: Path) -> Path:
    """The CPI's release folder with all that belongs to it, as `bosh create-release` reads it."""
    target = tmp_path / "whole"
    stage(folder, target, source=ROOT / "cpi/src", license_file=ROOT / "LICENSE", blob_folders=[tiny_blobs])
    return target
