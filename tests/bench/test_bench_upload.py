"""A heavy stemcell of 500 MB into a registry of its own on loopback, beside crane appending the same layer."""

import secrets
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.bench.measure import report, seconds, side_by_side
from tests.support.cluster.node import CLUSTER
from tests.support.registry.real import RealRegistry

ROUNDS = 2
SIZE = 500 * 10**6


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gzip tar of SIZE bytes that compresses to about nine tenths, as a stemcell of programs does to its half."""
    folder = tmp_path_factory.mktemp("stemcell")
    content = folder / "content"
    with content.open("wb") as file:
        for _ in range(SIZE // 10**6):
            file.write(secrets.token_bytes(900_000) + bytes(100_000))
    with tarfile.open(folder / "image", "w:gz", compresslevel=1) as archive:
        archive.add(content, "content")
    content.unlink()
    return folder / "image"


def crane() -> str:
    words = [sys.executable, str(CLUSTER), "program", "crane"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[-1]


def test_heavy_stemcell(new_cpi, image: Path, tmp_path: Path) -> None:
    tool = crane()
    peaks: list[int] = []
    with RealRegistry(tmp_path) as registry:
        cpi = new_cpi("00000000-0000-4000-8000-00000000000b", registry={"host": registry.host, "insecure": True})

        def ours() -> None:
            process = cpi.start("create_stemcell", str(image), {"name": "bench", "version": "1"})
            peaks.append(peak_of(process.pid, until=process))
            cid = cpi.finish(process, "create_stemcell")
            cpi("delete_stemcell", cid)

        def theirs() -> None:
            # A repository that is new each time: crane sends no layer that its repository has.
            tag = f"{registry.host}/crane-{secrets.token_hex(4)}:1"
            words = [tool, "append", "--insecure", "--new_layer", str(image), "--new_tag", tag]
            subprocess.run([*words, "--oci-empty-base"], check=True, capture_output=True)

        cases = {"crane append": lambda: seconds(theirs), "create_stemcell": lambda: seconds(ours)}
        medians = side_by_side(ROUNDS, cases)
    note = f"peak of create_stemcell {max(peaks)} MiB"
    report("heavy stemcell of 500 MB", medians, base="crane append", aim="<= 1x, < 64 MiB", rounds=ROUNDS, note=note)


def peak_of(pid: int, *, until: "subprocess.Popen[str]") -> int:
    """High-water mark of a process's memory (MiB), read from the kernel for as long as it runs."""
    peak = 0
    while until.poll() is None:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            break
        peak = max([peak, *(int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM"))])
        try:
            until.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    return peak
