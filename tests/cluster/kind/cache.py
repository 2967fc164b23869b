"""The user's cache folder: what was built, by a key of everything that it was built from.

An entry is a folder `<kind>/<name>-<key>` with a manifest of its files' SHA-256 sums. It is written elsewhere, then
renamed: what is there is whole. It is still checked before it is used.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import say

MANIFEST = "sha256.json"
KEPT_UNUSED = 24 * 3600.0  # seconds that a version stays beside a newer one: another checkout may be using it


def root() -> Path:
    """`$XDG_CACHE_HOME/bosh-kubernetes-cpi`, by default below `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "bosh-kubernetes-cpi"


def key(*parts: str | bytes | Path) -> str:
    """16 hex digits of everything given: texts as they are, files and folders by name and content."""
    digest = hashlib.sha256()
    for part in parts:
        for name, content in _contents(part):
            digest.update(f"{name}:{len(content)}:".encode())
            digest.update(content)
    return digest.hexdigest()[:16]


def _contents(part: str | bytes | Path) -> Iterator[tuple[str, bytes]]:
    if isinstance(part, bytes):
        yield "", part
    elif isinstance(part, str):
        yield "", part.encode()
    elif part.is_dir():
        for file in sorted(path for path in part.rglob("*") if path.is_file()):
            yield str(file.relative_to(part)), file.read_bytes()
    else:
        yield part.name, part.read_bytes()


def sha256(file: Path) -> str:
    """Hex SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def find(kind: str, name: str, entry_key: str) -> Path | None:
    """The folder of a whole, unchanged entry. A damaged one is removed, and that is said."""
    folder = root() / kind / f"{name}-{entry_key}"
    if not folder.is_dir():
        return None
    try:
        sums = json.loads((folder / MANIFEST).read_text())
        damaged = [file for file, expected in sums.items() if sha256(folder / file) != expected]
    except (OSError, ValueError) as error:
        damaged = [str(error)]
    if not damaged:
        os.utime(folder)  # used: `making` looks at it
        return folder
    say.line(f"{folder} is damaged ({damaged[0]}): it is made again")
    shutil.rmtree(folder)
    return None


@contextmanager
def making(kind: str, name: str, entry_key: str) -> Iterator[Path]:
    """A temporary folder that becomes the entry when the block ends well, and is removed when it does not."""
    parent = root() / kind
    with _folder(parent, ".making-") as folder:
        yield folder
        sums = {str(file.relative_to(folder)): sha256(file) for file in sorted(folder.rglob("*")) if file.is_file()}
        (folder / MANIFEST).write_text(json.dumps(sums, indent=1))
        for older in parent.iterdir():
            is_version = re.fullmatch(rf"{re.escape(name)}-[0-9a-f]{{16}}", older.name)
            if is_version and time.time() - older.stat().st_mtime > KEPT_UNUSED:
                shutil.rmtree(older)
        folder.rename(parent / f"{name}-{entry_key}")


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder for half-made things, on the cache's own disk, removed at the end."""
    with _folder(root() / "work", "") as folder:
        yield folder


@contextmanager
def _folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder, removed at the end. Its lock, which a process that dies lets go, keeps `sweep` away from it."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        with _lock(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Raises BlockingIOError when another run has it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


@contextmanager
def locked(name: str = "all") -> Iterator[None]:
    """One run at a time under a name: the others wait and say for whom."""
    folder = root() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            say.line(f"waiting for another run (process {file.read().strip()})")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def sweep() -> None:
    """Remove what interrupted runs left half-made, and nothing that another run is at."""
    for leftover in (*root().glob("*/.making-*"), *root().glob("work/*")):
        with suppress(OSError), _lock(leftover):
            shutil.rmtree(leftover, ignore_errors=True)
