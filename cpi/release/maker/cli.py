"""The command line: `python cpi/release/make_release.py`."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from .errors import ReleaseError
from .release import build, stage

RELEASE = Path(__file__).resolve().parents[1]
ROOT = RELEASE.parents[1]
INPUTS = ("LICENSE", "cpi/release", "cpi/src")  # what a release is made from, below ROOT
PART, MORE = (rf"[0-9A-Za-z_{also}]+(\.[0-9A-Za-z_{also}]+)*" for also in ("", "-"))
VERSION = re.compile(rf"{PART}(-{MORE})?(\+{MORE})?")  # as client and Director read it


def project_version() -> str:
    """The version in pyproject.toml (read by line: tomllib is newer than the oldest Python that builds a release)."""
    for line in (ROOT / "pyproject.toml").read_text().splitlines():
        if line.startswith("version = "):
            return line.split('"')[1]
    raise ReleaseError("pyproject.toml: no version")


def git(*words: str) -> str | None:
    """What git says of the work tree; None outside of one."""
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def changed() -> list[str] | None:
    """Files that a release is made from and that differ from the commit; None where git does not tell.

    Modules and modes that git is told to pass over count, too: a package's spec and fingerprint do not.
    """
    words = ["status", "--porcelain", "-z", "--untracked-files=all", "--ignored", "--", *INPUTS]
    said = git("-c", "core.fileMode=true", *words)
    if said is None:
        return None
    entries = [entry for entry in said.split("\0") if entry and (not entry.startswith("!!") or entry.endswith(".py"))]
    return [entry.split(maxsplit=1)[-1] for entry in entries]


def dev_version() -> str:
    """`<version>+dev.<number of commits>`: a later commit is a newer release for a Director."""
    return f"{project_version()}+dev.{git('rev-list', '--count', 'HEAD') or 0}"


def main(words: list[str] | None = None) -> int:
    """The exit code. Messages go to standard error, the tarball's path, size and digest to standard output."""
    parser = argparse.ArgumentParser(prog="make_release.py", description=(__doc__ or "").partition("\n")[0])
    version = parser.add_mutually_exclusive_group()
    version.add_argument("--version", default="", help="default: a dev version, by the number of commits")
    version.add_argument("--final", default="", metavar="VERSION", help="refuse changes that are not committed")
    parser.add_argument("--out", type=Path, default=Path("dist"), help="folder of the tarball (default: dist)")
    parser.add_argument(
        "--folder", type=Path, default=RELEASE, help="release folder, with its own src (default: the CPI's)"
    )
    parser.add_argument("--blobs", type=Path, action="append", default=[], help="folder with blobs; may be repeated")
    parser.add_argument("--stage", type=Path, help="only put the folder together that `bosh create-release` takes")
    arguments = parser.parse_args(words)
    try:
        _make(arguments)
    except (ReleaseError, OSError) as error:
        print(f"make_release: {error}", file=sys.stderr)
        return 1
    return 0


def _make(arguments: argparse.Namespace) -> None:
    version = arguments.final or arguments.version or dev_version()
    if not VERSION.fullmatch(version):
        raise ReleaseError(f"{version!r} is no version of a release")
    if missing := [folder for folder in arguments.blobs if not folder.is_dir()]:
        raise ReleaseError(f"--blobs {missing[0]}: no such folder")
    dirty = changed()
    if arguments.final and dirty is None:
        raise ReleaseError(
            f"a final release is made from what is committed, and git does not tell what that is here: git -C {ROOT} "
            "status says why; --version makes a release all the same"
        )
    if arguments.final and dirty:
        raise ReleaseError(
            f"a final release is made from what is committed; commit, stash or remove {', '.join(dirty[:5])}"
        )
    source = ROOT / "cpi/src" if arguments.folder.resolve() == RELEASE else arguments.folder / "src"
    given = {"source": source, "license_file": ROOT / "LICENSE", "blob_folders": arguments.blobs}
    if arguments.stage:
        stage(arguments.folder, arguments.stage, **given)
        return
    with tempfile.TemporaryDirectory() as temporary:
        stage(arguments.folder, Path(temporary), **given)
        commit = git("rev-parse", "--short=9", "HEAD") or "non-git"
        try:
            content = build(Path(temporary), version, commit=commit, dirty=bool(dirty))
        except ReleaseError as error:  # who reads it finds nothing in the copy, which is gone by then
            raise ReleaseError(str(error).replace(temporary, str(arguments.folder))) from error
        name = yaml.safe_load((Path(temporary) / "config/final.yml").read_text())["name"]
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / f"{name}-{version}.tgz"
    _write(path, content)
    print(f"{path}  {len(content) >> 20} MiB  sha256:{hashlib.sha256(content).hexdigest()}")


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing: half a tarball would be taken for the newest release."""
    new = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        new.write_bytes(content)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
