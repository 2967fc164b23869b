from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.component.stemcell_agent.machine import Machine
from tests.stemcell import image, rootfs


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root file system of a runit stemcell with the stand-in agent, or with the real one that BOSH_AGENT and BOSH_MONIT
    name: what test_agent.py says of disks and the bus is true of either."""
    real = [Path(os.environ[name]) if os.environ.get(name) else None for name in ("BOSH_AGENT", "BOSH_MONIT")]
    folder = tmp_path_factory.mktemp("stemcell")
    picture, root = folder / "image", folder / "root"
    image.write(picture, rootfs.base("runit", print), "runit", "test", *real)
    root.mkdir()
    subprocess.run(["tar", "-xzf", str(picture), "-C", str(root), "--numeric-owner"], check=True)
    return root


@pytest.fixture
def machine(unpacked: Path, tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    """Makes machines (see Machine) and switches them off in the end."""
    made: list[Machine] = []

    def make(**wishes: Any) -> Machine:
        folder = tmp_path / f"machine-{len(made)}"
        folder.mkdir()
        made.append(Machine(unpacked, folder, **wishes))
        return made[-1]

    yield make
    for one in made:
        one.off()
