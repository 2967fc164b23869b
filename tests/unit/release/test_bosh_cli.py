"""Our tarball beside that of the real CLI, made from the same staged folder: only where BOSH_CLI names the CLI.

What runs everywhere is the comparison with its recorded fingerprints, in test_tarball.py.
"""

import io
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import yaml

from cpi.release.maker.release import build

CLI = os.environ.get("BOSH_CLI", "")
Tree = dict[str, Any]

if CLI:

    def test_release_is_equal_in_content_to_the_clis(whole: Path, tmp_path: Path) -> None:
        tarball = tmp_path / "cli.tgz"
        words = ["--non-interactive", "create-release", "--force", "--dir", whole, "--version", "1.2.3"]
        subprocess.run([CLI, *words, "--tarball", tarball], env={**os.environ, "HOME": str(tmp_path)}, check=True)

        assert tree(build(whole, "1.2.3")) == tree(tarball.read_bytes())


def tree(tarball: bytes) -> Tree:
    """Everything in a release: archives opened, the manifest read and without the digests of archives."""
    found: Tree = {}
    with tarfile.open(fileobj=io.BytesIO(tarball)) as tar:
        for member in tar:
            if not (file := tar.extractfile(member)):
                continue
            name, content = member.name.removeprefix("./"), file.read()
            if name.endswith(".tgz") and "/" not in name.removeprefix("jobs/").removeprefix("packages/"):
                found[name] = tree(content)
            elif name == "release.MF":
                found[name] = without_digests(yaml.safe_load(content))
            else:
                found[name] = content, member.mode
    return found


def without_digests(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_digests(entry) for key, entry in value.items() if key != "sha1"}
    return [without_digests(entry) for entry in value] if isinstance(value, list) else value
