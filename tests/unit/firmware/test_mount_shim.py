"""A bare `mount` names the directory below /warden-cpi-dev as the source of every bind of it."""

from pathlib import Path

import pytest

from tests.unit.firmware.conftest import Run

ROOT = "1 0 0:50 / / rw - overlay root rw"
DISK = "2 1 7:1 / /warden-cpi-dev/disk-a rw,relatime shared:1 - ext4 /dev/loop1 rw"
STORE = "3 1 7:1 / /var/vcap/store rw,relatime shared:1 master:2 - ext4 /dev/loop1 rw"
OTHER = "4 1 7:1 /sub /mnt rw - ext4 /dev/loop1 rw"


@pytest.mark.parametrize("table", [[ROOT, DISK, STORE, OTHER], [ROOT, STORE, OTHER, DISK]], ids=["first", "last"])
def test_the_directory_is_the_source_in_whatever_order(program: Run, tmp_path: Path, table: list[str]) -> None:
    (tmp_path / "table").write_text("\n".join(table) + "\n")

    lines = set(program("mount", MOUNTINFO=str(tmp_path / "table")).stdout.splitlines())

    assert lines == {
        "root on / type overlay (rw)",
        "/dev/loop1 on /warden-cpi-dev/disk-a type ext4 (rw,relatime)",
        "/warden-cpi-dev/disk-a on /var/vcap/store type ext4 (rw,relatime)",
        "/dev/loop1 on /mnt type ext4 (rw)",
    }


def test_with_arguments_it_is_the_real_mount(program: Run) -> None:
    assert "mount from util-linux" in program("mount", "--version").stdout
