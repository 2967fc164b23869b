"""Reading an image once, without a registry: what goes through, what is left of a broken-off reader, and memory."""

import gzip
import hashlib
import io
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bosh_kubernetes_cpi.errors import BadImage
from bosh_kubernetes_cpi.stemcell.layer import BLOCK, LayerReader, is_tar_header
from bosh_kubernetes_cpi.stemcell.progress import INTERVAL, Progress
from tests.support.registry.samples import root_file_system


@pytest.mark.parametrize("size", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
@pytest.mark.parametrize("level", [0, 9])
def test_every_byte_goes_through_whatever_the_block_s_edges(size, level) -> None:
    tar = root_file_system(size)
    content = gzip.compress(tar, level)
    reader = LayerReader(io.BytesIO(content))
    assert b"".join(reader) == content
    layer = reader.layer()
    assert layer.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert layer.diff_id == f"sha256:{hashlib.sha256(tar).hexdigest()}"


def test_zeros_that_unpack_to_a_thousand_times_their_size() -> None:
    tar = root_file_system(0) + bytes(50 << 20)
    reader = LayerReader(io.BytesIO(gzip.compress(tar, 9)))
    for _ in reader:
        pass
    assert reader.layer().diff_id == f"sha256:{hashlib.sha256(tar).hexdigest()}"


def test_a_reader_that_breaks_off_leaves_no_thread() -> None:
    content = gzip.compress(random.Random(1).randbytes(8 << 20), 0)
    before = threading.active_count()
    reader = LayerReader(io.BytesIO(content))
    blocks = iter(reader)
    next(blocks)
    assert threading.active_count() > before
    reader.close()
    assert threading.active_count() == before


def test_a_disk_that_fails_is_no_fault_of_the_registry() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    reader = LayerReader(Broken())
    with pytest.raises(BadImage, match="cannot be read: Input/output error"):
        next(iter(reader))
    reader.close()


def test_tar_headers() -> None:
    head = root_file_system(1)[:512]
    assert is_tar_header(head)
    assert not is_tar_header(b"x" + head[1:])
    assert not is_tar_header(bytes(512))
    assert not is_tar_header(b"\xff" * 512)


def test_progress_speaks_at_intervals() -> None:
    now, said = [0.0], []
    progress = Progress(10 << 20, said.append, now=lambda: now[0])
    for _ in range(10):
        now[0] += INTERVAL / 4
        progress.advance(1 << 20)
    assert said == [
        f"{4 << 20} of {10 << 20} bytes uploaded (40 %), 0.8 MiB/s, 5 s",
        f"{8 << 20} of {10 << 20} bytes uploaded (80 %), 0.8 MiB/s, 10 s",
    ]


READ = """
import sys
from bosh_kubernetes_cpi.methods import stemcells
from bosh_kubernetes_cpi.stemcell.layer import LayerReader
with open(sys.argv[1], "rb", buffering=0) as file:
    reader = LayerReader(file)
    for block in reader:
        pass
    reader.layer()
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize("packed", [True, False])
def test_memory_stays_below_64_mib_whatever_the_size(tmp_path: Path, packed: bool) -> None:
    file = tmp_path / "image"
    with file.open("wb") as out:
        if packed:
            with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as pack:
                pack.write(root_file_system(1))
                for _ in range(256):
                    pack.write(bytes(1 << 20))
        else:
            out.write(root_file_system(1))
            out.truncate(512 << 20)
    # in the environment that the Director leaves, as a CPI call is run
    done = subprocess.run([sys.executable, "-I", "-c", READ, file], capture_output=True, text=True, check=True, env={})
    assert int(done.stdout) < 64 << 10  # VmHWM is in KiB; ru_maxrss would be that of the process that forked
