"""The leaves of cgroup v2, on a stand-in for the tree: plain files that take anything."""

from pathlib import Path

import pytest

from tests.unit.firmware.conftest import Run


@pytest.mark.parametrize(
    ("text", "path"),
    [("0::/kubepods.slice/pod1/c1\n", "/kubepods.slice/pod1/c1"), ("3:cpu:/a\n0::/\n", "/"), ("3:cpu:/a\n", "")],
)
def test_own_path(call: Run, tmp_path: Path, text: str, path: str) -> None:
    (tmp_path / "cgroup").write_text(text)

    assert call(f"own_cgroup {tmp_path}/cgroup", "cgroups").stdout.strip() == path


def test_on_v1_nothing_is_done(call: Run, tmp_path: Path) -> None:
    done = call('leaves && enter_leaf && echo "${CG:-none}"', "cgroups", CGROUPS=str(tmp_path))

    assert done.stdout == "none\n"


def test_firmware_and_guest_get_a_leaf_each(call: Run, tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    (tmp_path / "cgroup.procs").write_text("1\n77\n")
    (tmp_path / "memory.oom.group").write_text("1\n")
    old = tmp_path / "guest/system.slice/old.service"
    old.mkdir(parents=True)
    (tmp_path / "guest").chmod(0o700)

    done = call("own_cgroup() { echo /; }; leaves && enter_leaf", "cgroups", CGROUPS=str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "memory.oom.group").read_text() == "0\n"
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+pids\n"
    assert (tmp_path / "firmware/cgroup.procs").read_text() == "77\n"
    assert (tmp_path / "guest/cgroup.procs").read_text() == "0\n"
    assert not (tmp_path / "guest/system.slice").exists()
    # Made anew: as it was left by a systemd, with controllers handed on, no process could enter.
    assert (tmp_path / "guest").stat().st_mode & 0o777 != 0o700
