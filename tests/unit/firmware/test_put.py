"""What the firmware stores is there whole or not at all, whoever stores at the same time."""

from pathlib import Path

from tests.unit.firmware.conftest import Run


def test_two_at_once_do_not_mix(call: Run, tmp_path: Path) -> None:
    """The second one stores between the first one's write and its rename."""
    file = tmp_path / "root/state/power"
    between = f"""
    mv() {{ unset -f mv; sh -c '. "$FW/lib"; put {file} second'; mv "$@"; }}
    put {file} first"""

    done = call(between)

    assert (done.returncode, done.stderr) == (0, "")
    assert file.read_text() == "first\n"
    assert [path.name for path in file.parent.iterdir() if path.is_file()] == ["power"]


def test_what_was_cut_short_is_no_disk(call: Run, tmp_path: Path) -> None:
    done = call('sh -c \'. "$FW/lib"; mv() { kill -KILL $$; }; put "$S/disks/disk-a" ""\'; wanted', "disks")

    assert list((tmp_path / "root/state/disks").iterdir()), "nothing was left behind"
    assert done.stdout == ""


def test_what_cannot_be_stored_leaves_nothing(call: Run, tmp_path: Path) -> None:
    (tmp_path / "root/state/power").write_text("on\n")

    done = call('mv() { return 1; }; put "$S/power" off')

    assert done.returncode == 1
    assert sorted(path.name for path in (tmp_path / "root/state").iterdir()) == ["disks", "etc", "listed", "power"]
    assert (tmp_path / "root/state/power").read_text() == "on\n"
