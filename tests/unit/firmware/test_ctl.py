"""What ctl answers before there is a machine, to wrong calls, and what an order writes.

A sleeping process stands in for the firmware that is woken; ROOT=/ is a mount point, as the root disk is.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.firmware.conftest import Run


@pytest.fixture
def firmware(tmp_path: Path) -> Iterator[dict[str, str]]:
    (tmp_path / "run/state").write_text("stopped\n")
    process = subprocess.Popen(["sh", "-c", "trap : USR1; while :; do sleep 60 & wait $!; kill $!; done"])
    yield {"FIRMWARE": str(process.pid), "ROOT": "/", "S": str(tmp_path / "root/state")}
    subprocess.run(["pkill", "-P", str(process.pid)], check=False)
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    "words",
    [
        [], ["status", "x"], ["attach"], ["attach", "a/b"], ["attach", "disk-a", "x"], ["release", "../x"], ["reboot"],
        ["reboot", ""], ["settings"],
    ],
)  # fmt: skip
def test_a_wrong_call_is_64_and_says_why(program: Run, words: list[str]) -> None:
    done = program("ctl", *words)

    assert done.returncode == 64
    assert json.loads(done.stdout)["error"]


@pytest.mark.parametrize("words", [["status"], ["attach", "disk-a"], ["release", "disk-a"], ["stop"]])
def test_before_the_root_disk_is_there_it_is_75(program: Run, words: list[str]) -> None:
    done = program("ctl", *words)

    assert (done.returncode, json.loads(done.stdout)) == (75, {"state": "starting"})


def test_status(program: Run, firmware: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "root/state/boots").write_text("3\n")

    done = program("ctl", "status", **firmware)

    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout) == {
        "state": "stopped", "power": "on", "boots": 3, "crashes": 0, "pending": "", "served": "", "guest": None,
        "store": "", "stray": "", "missing": [], "disks": {},
    }  # fmt: skip


def test_a_reboot_is_pending_once_per_id_and_switches_on(
    program: Run, firmware: dict[str, str], tmp_path: Path
) -> None:
    program("ctl", "stop", **firmware)
    first = json.loads(program("ctl", "reboot", "r-1", **firmware).stdout)
    (tmp_path / "root/state/served").write_text("r-1\n")
    (tmp_path / "root/state/pending").unlink()
    program("ctl", "stop", **firmware)
    again = json.loads(program("ctl", "reboot", "r-1", **firmware).stdout)

    assert (first["pending"], first["power"]) == ("r-1", "on")
    assert (again["pending"], again["served"], again["power"]) == ("", "r-1", "off")


def test_a_reset_overtakes_a_reboot_of_the_same_id(program: Run, firmware: dict[str, str], tmp_path: Path) -> None:
    program("ctl", "reboot", "r-1", **firmware)
    program("ctl", "reset", "r-1", **firmware)

    assert (tmp_path / "root/state/pending").read_text() == "r-1 reset\n"


def test_a_stop_takes_back_what_is_pending(program: Run, firmware: dict[str, str]) -> None:
    program("ctl", "reboot", "r-1", **firmware)

    answer = json.loads(program("ctl", "stop", **firmware).stdout)

    assert (answer["pending"], answer["power"]) == ("", "off")


def test_a_disk_that_is_not_there_yet_is_remembered_until_released(program: Run, firmware: dict[str, str]) -> None:
    attached = program("ctl", "attach", "disk-a", **firmware)
    released = program("ctl", "release", "disk-a", **firmware)
    status = json.loads(program("ctl", "status", **firmware).stdout)

    assert (attached.returncode, json.loads(attached.stdout)["missing"]) == (75, ["disk-a"])
    assert (released.returncode, json.loads(released.stdout)) == (0, {"released": True})
    assert status["disks"] == {}


def test_a_disk_is_not_listed_before_it_is_there(program: Run, firmware: dict[str, str], tmp_path: Path) -> None:
    done = program("ctl", "attach", "disk-a", "settings", **firmware)

    assert done.returncode == 75
    assert list((tmp_path / "root/state/listed").iterdir()) == []


def test_enter_says_that_the_machine_is_off(program: Run) -> None:
    done = program("enter", "true")

    assert (done.returncode, done.stderr) == (75, "enter: the machine is not running\n")
