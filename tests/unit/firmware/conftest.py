"""The firmware's scripts run under dash and under busybox sh (with busybox's awk), as stemcells may have either."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).parents[3] / "operator/src/bosh_kubernetes_operator/firmware"
Run = Callable[..., subprocess.CompletedProcess[str]]
SHELLS = {"dash": (["dash"], ""), "busybox": (["busybox", "sh"], 'awk() { busybox awk "$@"; }')}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    return SHELLS[request.param][0]


@pytest.fixture
def world(tmp_path: Path) -> dict[str, str]:
    """Environment in which the scripts find their folders below tmp_path."""
    for folder in ("run", "root/state/disks", "root/state/listed", "root/state/etc", "root/upper", "volume"):
        (tmp_path / folder).mkdir(parents=True)
    return {
        "PATH": os.environ["PATH"],
        "FW": str(FIRMWARE),
        "RUN": str(tmp_path / "run"),
        "ROOT": str(tmp_path / "root"),
        "VOL": str(tmp_path / "volume"),
    }


@pytest.fixture
def call(shell: list[str], world: dict[str, str]) -> Run:
    """Runs a line of shell that has sourced lib and the named files."""
    prelude = next(prelude for words, prelude in SHELLS.values() if words == shell)

    def run(line: str, *sourced: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        sources = "\n".join(f'. "$FW/{name}"' for name in ("lib", *sourced))
        return subprocess.run(
            [*shell, "-uc", f"{prelude}\n{sources}\n{line}"],
            input=stdin, capture_output=True, text=True, timeout=30, env=world | environment, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def program(shell: list[str], world: dict[str, str]) -> Run:
    """Runs one of the programs."""

    def run(name: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*shell, str(FIRMWARE / name), *words],
            capture_output=True, text=True, timeout=30, env=world | environment, check=False,
        )  # fmt: skip

    return run
