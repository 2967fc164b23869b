"""The readiness probe tells that the guest runs, and each of its ends once."""

from pathlib import Path

from tests.unit.firmware.conftest import Run


def test_a_machine_is_ready_while_its_guest_runs(program: Run, tmp_path: Path) -> None:
    before = program("probe").returncode
    (tmp_path / "run/ready").touch()

    assert (before, program("probe").returncode) == (1, 0)


def test_a_reboot_between_two_probes_shows_in_one(program: Run, tmp_path: Path) -> None:
    (tmp_path / "run/ready").touch()
    (tmp_path / "run/ended").touch()

    assert [program("probe").returncode for _ in range(3)] == [1, 0, 0]
