"""reboot, poweroff, halt and shutdown of a runit guest leave their wish for the firmware, then end init."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.firmware.conftest import FIRMWARE

CASES = [
    ("reboot", [], "reboot", True),
    ("reboot", ["-f"], "reboot", False),
    ("reboot", ["-p"], "off", True),
    ("poweroff", [], "off", True),
    ("poweroff", ["-ff"], "off", False),
    ("halt", ["-p"], "off", True),
    ("halt", ["--reboot"], "reboot", True),
    ("shutdown", ["-r", "now"], "reboot", True),
    ("shutdown", ["-P", "0"], "off", True),  # what the agent calls
    ("shutdown", ["-h", "+0", "maintenance at noon"], "off", True),
    ("shutdown", ["--poweroff", "--no-wall", "now"], "off", True),
    ("shutdown", ["--reboot", "now"], "reboot", True),
]


def shim(folder: Path, name: str, words: list[str], shell: list[str], init: int) -> subprocess.CompletedProcess[str]:
    (folder / "orderly").write_text(f"echo stopped > {folder}/stopped\n")
    program = folder / name
    program.write_text((FIRMWARE / "reboot").read_text())
    environment = {"PATH": "/usr/bin:/bin", "BOSH_FIRMWARE_DIR": str(folder), "BOSH_FIRMWARE_INIT": str(init)}
    return subprocess.run(
        [*shell, str(program), *words], capture_output=True, text=True, env=environment, timeout=10, check=False
    )


@pytest.mark.parametrize(("name", "words", "wish", "orderly"), CASES)
def test_the_wish_is_left_and_init_ended(
    tmp_path: Path, shell: list[str], name: str, words: list[str], wish: str, orderly: bool
) -> None:
    init = subprocess.Popen(["sleep", "60"])
    try:
        done = shim(tmp_path, name, words, shell, init.pid)
        ended = init.wait(timeout=20)
    finally:
        init.kill()

    assert (done.returncode, ended) == (0, -15)
    assert (tmp_path / "wish").read_text().strip() == wish
    assert (tmp_path / "stopped").exists() == orderly


@pytest.mark.parametrize(
    ("name", "words", "code"),
    [
        ("shutdown", ["-c"], 1),
        ("shutdown", ["-k", "now"], 0),
        ("shutdown", ["23:30"], 64),
        ("shutdown", ["+x"], 64),
        ("shutdown", ["--help"], 0),
        ("reboot", ["--help"], 0),
        ("poweroff", ["--version"], 0),
    ],
)
def test_what_asks_for_nothing_or_cannot_be_done_changes_nothing(
    tmp_path: Path, shell: list[str], name: str, words: list[str], code: int
) -> None:
    init = subprocess.Popen(["sleep", "60"])
    try:
        done = shim(tmp_path, name, words, shell, init.pid)
        under_way = list(of_shim(tmp_path))
        alive = init.poll() is None
    finally:
        init.kill()
        init.wait()

    assert (done.returncode, alive, under_way) == (code, True, [])
    assert not (tmp_path / "wish").exists()


def test_without_a_time_shutdown_waits(tmp_path: Path, shell: list[str]) -> None:
    init = subprocess.Popen(["sleep", "60"])
    try:
        done = shim(tmp_path, "shutdown", [], shell, init.pid)
        waiting = wait_for_sleep(tmp_path)
    finally:
        init.kill()
        init.wait()

    assert done.returncode == 0
    assert waiting == "60"


def of_shim(folder: Path) -> Iterator[tuple[Path, list[bytes]]]:
    """Processes that a shim has left in the background, with their command lines."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            mine = f"BOSH_FIRMWARE_DIR={folder}\0".encode() in (process / "environ").read_bytes()
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if mine:
            yield process, words


def wait_for_sleep(folder: Path) -> str:
    """Seconds that the shim's background process sleeps; it is ended."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for process, words in of_shim(folder):
            if words[0].endswith(b"sleep"):
                parent = (process / "stat").read_text().rsplit(")", 1)[1].split()[1]
                subprocess.run(["kill", "-KILL", parent, process.name], check=False)
                return words[1].decode()
    raise AssertionError("nothing waits")
