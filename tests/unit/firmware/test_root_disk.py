"""The root disk's image: how large, and grown without losing what is in it."""

import subprocess
from pathlib import Path

import pytest

from tests.unit.firmware.conftest import Run

MIB = 1 << 20


@pytest.mark.parametrize("promised", [64 * MIB, 1024 * MIB, 10 * 1024 * MIB + 1])
def test_the_image_is_larger_than_promised_by_what_ext4_takes(call: Run, promised: int) -> None:
    size = int(call(f"image_size {promised}", "rootdisk").stdout)

    assert size % MIB == 0
    assert 1.05 * promised + 20 * MIB < size < 1.1 * promised + 64 * MIB


def blocks(image: Path) -> int:
    text = subprocess.run(["dumpe2fs", "-h", str(image)], capture_output=True, text=True, check=True).stdout
    return int(next(line.split()[-1] for line in text.splitlines() if line.startswith("Block count:")))


def content(image: Path, path: str) -> str:
    done = subprocess.run(["debugfs", "-R", f"cat {path}", str(image)], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def small(call: Run, tmp_path: Path) -> Path:
    """An image for 64 MiB with a file in it."""
    assert call("image", "rootdisk", ROOT_SIZE=str(64 * MIB)).returncode == 0
    image = tmp_path / "volume/root.img"
    (tmp_path / "words").write_text("kept\n")
    subprocess.run(
        ["debugfs", "-w", "-R", f"write {tmp_path}/words words", str(image)], capture_output=True, check=True
    )
    return image


def test_a_new_image_is_sparse(small: Path) -> None:
    assert small.stat().st_blocks * 512 < small.stat().st_size / 4


def test_the_image_is_left_as_it_is_by_the_next_start(call: Run, small: Path) -> None:
    before = (small.stat().st_ino, blocks(small))

    assert call("image", "rootdisk", ROOT_SIZE=str(64 * MIB)).returncode == 0
    assert (small.stat().st_ino, blocks(small), content(small, "words")) == (*before, "kept\n")


def test_a_size_of_which_ext4_leaves_out_the_end_is_not_grown_at_each_start(call: Run) -> None:
    """It would be checked as a whole for nothing, which takes minutes when it is full."""
    for _ in range(2):
        done = call("image", "rootdisk", ROOT_SIZE=str(4829 * MIB))  # an image of 2 MiB beyond 40 block groups
    assert (done.returncode, done.stdout) == (0, "")


def test_a_larger_size_grows_file_system_and_file(call: Run, small: Path) -> None:
    before = blocks(small)

    done = call("image", "rootdisk", ROOT_SIZE=str(128 * MIB))

    assert done.returncode == 0, done.stdout
    assert blocks(small) > 1.7 * before
    assert content(small, "words") == "kept\n"


def test_a_growth_that_was_cut_short_is_finished(call: Run, small: Path) -> None:
    before = blocks(small)
    subprocess.run(["truncate", "-s", "200M", str(small)], check=True)

    assert call("image", "rootdisk", ROOT_SIZE=str(128 * MIB)).returncode == 0
    assert blocks(small) > 1.7 * before


def test_an_image_whose_making_was_cut_short_is_made_anew(call: Run, tmp_path: Path) -> None:
    (tmp_path / "volume/root.img.new").write_bytes(b"half")

    assert call("image", "rootdisk", ROOT_SIZE=str(64 * MIB)).returncode == 0
    assert blocks(tmp_path / "volume/root.img") > 0
