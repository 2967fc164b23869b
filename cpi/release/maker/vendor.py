"""Pure Python libraries that the release brings along: named and pinned in `config/vendor.yml`.

They are taken from the environment that builds the release, where pip has installed them by hash; what is taken is
checked once more against a digest, so that another environment gives the same release or none.
"""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

import yaml

from .errors import ReleaseError


def vendored(folder: Path) -> dict[str, bytes]:
    """Files of the libraries that a release folder names: path below `src` to content.

    Of a library's distribution these are the modules of its package, and its licence beside them. What is compiled
    for one machine is left out: the package must do without it.

    Raises:
        ReleaseError: a library is not installed here, or not as it is pinned.
    """
    index = folder / "config/vendor.yml"
    if not index.is_file():
        return {}
    files: dict[str, bytes] = {}
    for package, pin in yaml.safe_load(index.read_text()).items():
        found = _files(package, pin["distribution"])
        digest = hashlib.sha256()
        for path, content in sorted(found.items()):
            digest.update(f"{hashlib.sha256(content).hexdigest()}  {path}\n".encode())
        if digest.hexdigest() != pin["sha256"]:
            version = metadata.version(pin["distribution"])
            raise ReleaseError(
                f"{index}: {package} is pinned as {pin['distribution']} {pin['version']}, {pin['sha256']}; here is "
                f"{version}, {digest.hexdigest()}: install the former, or pin the latter"
            )
        files |= found
    return files


def _files(package: str, distribution: str) -> dict[str, bytes]:
    try:
        listed = metadata.files(distribution) or []
    except metadata.PackageNotFoundError as error:
        raise ReleaseError(f"{distribution} is not installed here; `make .venv/.ready` installs it") from error
    files = {}
    for path in listed:
        if path.parts[0] == package and path.suffix == ".py":
            files[path.as_posix()] = Path(str(path.locate())).read_bytes()
        elif path.name == "LICENSE" and path.parts[0].endswith(".dist-info"):
            files[f"{package}/LICENSE"] = Path(str(path.locate())).read_bytes()
    return files
