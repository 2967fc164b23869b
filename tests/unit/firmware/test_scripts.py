"""Every script is one that both shells and shellcheck accept, and small enough to read."""

import subprocess

import pytest

from tests.unit.firmware.conftest import FIRMWARE

SCRIPTS = sorted(path.name for path in FIRMWARE.iterdir() if path.is_file() and "." not in path.name)


@pytest.mark.parametrize("name", SCRIPTS)
def test_both_shells_parse_it(name: str, shell: list[str]) -> None:
    done = subprocess.run([*shell, "-n", str(FIRMWARE / name)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_shellcheck_has_nothing_to_say() -> None:
    done = subprocess.run(
        ["shellcheck", *(str(FIRMWARE / name) for name in SCRIPTS)], capture_output=True, text=True, check=False
    )

    assert done.stdout == ""


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_is_small(name: str) -> None:
    assert len((FIRMWARE / name).read_text().splitlines()) <= 300
