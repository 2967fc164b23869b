"""Fixtures of the end-to-end lives. The cluster itself comes from tests/support/cluster."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.life import Life
from tests.e2e.site import Site, route


@pytest.fixture(scope="module")
def life(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """One environment for all tests of a module; what a failed test left of it is deleted."""
    folder: Path = tmp_path_factory.mktemp("life")
    with route(site):
        environment = Life(site, folder)
        yield environment
        if environment.state_file.exists():
            environment.delete()
