"""Registries for the tests: the stand-in with any trait, and the real one of the distribution project."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bosh_kubernetes_cpi.clock import Deadline
from bosh_kubernetes_cpi.stemcell.places import Places
from bosh_kubernetes_cpi.stemcell.registry import Registry as Client
from bosh_kubernetes_cpi.transport.http import Endpoint
from tests.support.fakeapi.certs import Authority
from tests.support.registry.samples import root_file_system
from tests.support.registry.server import PASSWORD, USER, Registry, Traits


class Tls(NamedTuple):
    """PEM of a certificate authority, and the files of a certificate for localhost and its key."""

    ca: str
    files: tuple[str, str]


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    authority = Authority()
    pair = authority.server()
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "certificate.pem", folder / "key.pem"
    for file, text in zip(files, pair, strict=True):
        file.write_text(text)
    return Tls(authority.pem, (str(files[0]), str(files[1])))


@pytest.fixture
def serve() -> Iterator[Callable[..., Registry]]:
    """Starts stand-in registries; they end with the test."""
    with ExitStack() as stack:
        yield lambda traits=None, **more: stack.enter_context(Registry(traits or Traits(), **more))


@pytest.fixture
def client() -> Iterator[Callable[..., Client]]:
    """The CPI's client of a registry at `host`, as it is made from the settings of the section `registry`."""
    made: list[Client] = []

    def make(host: str, **settings: Any) -> Client:
        settings = {"host": host, "repository": "bosh/stemcells", **settings}
        made.append(places(settings).own())
        made[-1].pauses = (0.01, 0.01)
        return made[-1]

    yield make
    for each in made:
        each.close()


def places(settings: dict[str, Any], api: Endpoint | None = None) -> Places:
    return Places(settings, api or Endpoint("127.0.0.1", 1, tls=None), Deadline(60))


@pytest.fixture(scope="session")
def image_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A heavy stemcell's image: gzip of a tar, larger than one piece of an upload in pieces."""
    path = tmp_path_factory.mktemp("stemcell") / "image"
    path.write_bytes(gzip.compress(root_file_system(20 << 20), 1))
    return path


@pytest.fixture
def image(tmp_path: Path) -> str:
    path = tmp_path / "image"
    path.write_bytes(gzip.compress(root_file_system(2 << 20), 1, mtime=0))
    return str(path)


@pytest.fixture
def empty(tmp_path: Path) -> str:
    path = tmp_path / "image"
    path.touch()
    return str(path)


@pytest.fixture
def registry(serve, settings):
    """The registry that the CPI is configured with."""
    server = serve(Traits(auth="token"))
    settings["registry"] = {
        "host": server.host,
        "repository": "bosh/stemcells",
        "username": USER,
        "password": PASSWORD,
        "pull_secrets": ["registry"],
    }
    return server
