"""`stemcell light` when its registry gives no answer in time, and what it takes of an index."""

import json
from pathlib import Path
from typing import Any

import pytest

from bosh_kubernetes_cpi.errors import NoCredential, RegistryError, RequestError, TimedOut
from bosh_kubernetes_cpi.stemcell.image import digest_of
from bosh_kubernetes_cpi.tool.light import command, published
from bosh_kubernetes_cpi.tool.parser import parser
from bosh_kubernetes_cpi.tool.session import Session

DIGEST = digest_of(b"")
NAMES = ("--name", "mine", "--version", "1", "--os", "debian-12")


def run(*arguments: str) -> int:
    return command.run(Session(parser().parse_args(["stemcell", "light", *arguments, *NAMES])))


@pytest.mark.parametrize("kind", [TimedOut, NoCredential])
def test_a_registry_that_cannot_be_asked_is_in_the_way_of_a_tag_alone(monkeypatch, tmp_path: Path, kind) -> None:
    def silent(*_: Any, **__: Any) -> None:
        raise kind("no answer")

    monkeypatch.setattr("bosh_kubernetes_cpi.stemcell.registry.Registry.digest", silent)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(kind):
        run("localhost:1/mine:1")
    assert list(tmp_path.iterdir()) == []
    assert run(f"localhost:1/mine@{DIGEST}") == 0
    assert [path.name for path in tmp_path.iterdir()] == ["light-mine-1.tgz"]


def test_what_an_image_says_of_itself_is_done_without_when_time_is_over(monkeypatch, tmp_path: Path) -> None:
    """A registry that confirmed the digest with the last of it."""
    monkeypatch.setattr("bosh_kubernetes_cpi.stemcell.registry.Registry.digest", lambda *_: DIGEST)
    monkeypatch.setattr(command, "LOOK_UP", 0.0)
    monkeypatch.chdir(tmp_path)

    assert run(f"localhost:1/mine@{DIGEST}") == 0


class Documents:
    """Stand-in for a registry: documents by digest."""

    name = "registry"

    def __init__(self, *platforms: tuple[str, str]) -> None:
        self.documents: dict[str, Any] = {}
        entries = []
        for system, architecture in platforms:
            config = self._add({"architecture": architecture})
            manifest = self._add({"config": {"digest": config}})
            entries.append({"platform": {"os": system, "architecture": architecture}, "digest": manifest})
        self.index = self._add({"manifests": entries})

    def _add(self, document: Any) -> str:
        content = json.dumps(document).encode()
        self.documents[digest_of(content)] = content
        return digest_of(content)

    def read(self, kind: str, digest: str) -> Any:
        return self.documents[digest]


@pytest.mark.parametrize(
    ("platforms", "asked", "expected"),
    [
        ([("linux", "arm64"), ("unknown", "unknown")], "", "arm64"),
        ([("linux", "arm64"), ("linux", "amd64")], "", "amd64"),
        ([("linux", "arm64"), ("linux", "amd64")], "arm64", "arm64"),
    ],
)
def test_of_an_index_the_only_platform_is_taken_else_the_usual_one(platforms, asked, expected) -> None:
    documents: Any = Documents(*platforms)

    assert published.read(documents, documents.index, asked).architecture == expected


def test_an_index_without_the_platform_says_what_it_has() -> None:
    documents: Any = Documents(("linux", "arm64"))

    with pytest.raises(RegistryError, match="no image for linux/amd64; it has linux/arm64"):
        published.read(documents, documents.index, "amd64")


@pytest.mark.parametrize("path", [".", "/"])
def test_a_path_that_names_no_file_is_in_the_way(monkeypatch, tmp_path: Path, path: str) -> None:
    monkeypatch.setattr("bosh_kubernetes_cpi.stemcell.registry.Registry.digest", lambda *_: DIGEST)
    monkeypatch.setattr(command, "LOOK_UP", 0.0)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(RequestError, match="cannot be written"):
        run(f"localhost:1/mine@{DIGEST}", "--file", path)


@pytest.mark.parametrize(
    "document", [{"config": None}, {"config": "sha256"}, {"config": {"digest": 5}}, {"annotations": ["x"]}], ids=str
)
def test_a_manifest_of_another_shape_says_nothing(document: Any) -> None:
    documents: Any = Documents()

    assert published.read(documents, documents._add(document), "") == published.Published()


@pytest.mark.parametrize(
    "document",
    [
        {"manifests": None},
        {"manifests": ["x"]},
        {"manifests": [{"platform": {"os": "linux", "architecture": "amd64"}}]},
    ],
    ids=str,
)
def test_an_index_of_another_shape_has_no_image(document: Any) -> None:
    documents: Any = Documents()

    with pytest.raises(RegistryError, match="no image for linux/amd64"):
        published.read(documents, documents._add(document), "")
