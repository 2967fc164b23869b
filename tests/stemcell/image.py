"""The files that make a Debian root file system a stemcell, and the image of both.

Everything here is added to the cached base as one small gzip member: an image of another version or with another
agent takes as long as copying the base.
"""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from tests.stemcell.rootfs import Base

HERE = Path(__file__).resolve().parent
STANDIN = "usr/lib/bosh-standin/agent"

Entry = tuple[tarfile.TarInfo, bytes]

FOLDERS = {
    "warden-cpi-dev": 0o755,
    "var/vcap/bosh/log": 0o755,
    "var/vcap/data": 0o755,
    "var/vcap/store": 0o755,
    "var/vcap/monit/job": 0o755,
    "var/vcap/micro_bosh/data/cache": 0o755,
}
MODES = {"var/vcap/bosh/etc/monitrc": 0o700, "var/vcap/monit/alerts.monitrc": 0o600}

LAUNCHER = """#!/usr/bin/python3 -IB
import sys

sys.path.insert(0, "/usr/lib/bosh-standin")
from agent.__main__ import main

main()
"""


def entries(flavour: str, version: str, agent: Path | None, monit: Path | None) -> Iterator[Entry]:
    """Every file and link that makes the base a stemcell, and folders that would be missing.

    Args:
        flavour: runit or systemd.
        version: written to /var/vcap/bosh/etc/stemcell_version.
        agent: the real agent's binary, None for the stand-in.
        monit: the real monit's binary; goes with the real agent.
    """
    for name, mode in FOLDERS.items():
        yield _info(name, tarfile.DIRTYPE, mode), b""
    for part in (HERE / "layout" / "common", HERE / "layout" / flavour):
        yield from _tree(part)
    yield _file("var/vcap/bosh/etc/stemcell_version", version.encode(), 0o644)
    if agent and monit:
        yield _file("var/vcap/bosh/bin/bosh-agent", agent.read_bytes(), 0o755)
        yield _file("var/vcap/bosh/bin/monit", monit.read_bytes(), 0o755)
    else:
        for path in sorted((HERE / "agent").glob("*.py")):
            yield _file(f"{STANDIN}/{path.name}", path.read_bytes(), 0o644)
        for name in ("bosh-agent", "monit"):
            yield _file(f"var/vcap/bosh/bin/{name}", LAUNCHER.encode(), 0o755)


def write(path: Path, base: Base, flavour: str, version: str, agent: Path | None, monit: Path | None) -> None:
    """Writes the image, a gzip tar of a root file system with paths from "./": the base and one member more."""
    with path.open("wb") as file:
        with base.member.open("rb") as source:
            shutil.copyfileobj(source, file, 1 << 20)
        with (
            gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as stream,
            tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for info, content in added(entries(flavour, version, agent, monit), base.paths):
                tar.addfile(info, io.BytesIO(content))


def added(found: Iterable[Entry], there: frozenset[str]) -> Iterator[Entry]:
    """The entries, each after the folders that it needs, without folders that are there already: container engines
    refuse a path that comes twice.

    Raises:
        ValueError: a file is there already.
    """
    seen = set(there)
    for info, content in found:
        name = info.name.removeprefix("./")
        for parent in reversed([str(path) for path in PurePosixPath(name).parents][:-1]):
            if parent not in seen:
                seen.add(parent)
                yield _info(parent, tarfile.DIRTYPE, 0o755), b""
        if name not in seen:
            seen.add(name)
            yield info, content
        elif not info.isdir():
            raise ValueError(f"{name} comes twice: the base must not have it, nor two parts of the layout")


def _tree(root: Path) -> Iterator[Entry]:
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            info = _info(name, tarfile.SYMTYPE, 0o777)
            info.linkname = str(path.readlink())
            yield info, b""
        elif path.is_file():
            executable = path.stat().st_mode & 0o100
            yield _file(name, path.read_bytes(), MODES.get(name, 0o755 if executable else 0o644))


def _file(name: str, content: bytes, mode: int) -> Entry:
    info = _info(name, tarfile.REGTYPE, mode)
    info.size = len(content)
    return info, content


def _info(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(f"./{name}")
    info.type, info.mode = kind, mode
    return info
