from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.component.firmware.container import Container


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Container]]:
    """Makes machines (see Container) and waits until they run; ends them."""
    made: list[Container] = []

    def make(**wishes: Any) -> Container:
        folder = tmp_path / f"machine-{len(made)}"
        folder.mkdir()
        made.append(Container(folder, **wishes))
        made[-1].on()
        made[-1].wait("running")
        return made[-1]

    yield make
    for one in made:
        one.kill()
