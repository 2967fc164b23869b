"""Thawing what runc left frozen, while groups of the same node come and go."""

import os
from pathlib import Path

import pytest

from tests.cluster.kind import restart


def _group(top: Path, state: str) -> Path:
    top.mkdir(parents=True)
    (top / "freezer.state").write_text(f"{state}\n")
    return top


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(restart, "FREEZER", tmp_path)
    return _group(tmp_path / "docker" / "c0ffee", "THAWED")


def test_only_the_frozen_below_this_container_are_thawed(node: Path) -> None:
    frozen = _group(node / "kubelet.slice" / "pod", "FROZEN")
    other = _group(node.parent / "another", "FROZEN")
    assert restart.thaw("c0ffee") == [frozen]
    assert (frozen / "freezer.state").read_text() == "THAWED"
    assert (other / "freezer.state").read_text() == "FROZEN\n"


def test_a_group_that_goes_away_while_it_is_looked_for_hides_no_other(
    node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = _group(node / "a-pod-that-ends", "THAWED")
    frozen = _group(node / "pod", "FROZEN")
    listing = os.scandir

    def scandir(path: str | os.PathLike[str]) -> object:
        if Path(path) == gone:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert restart.thaw("c0ffee") == [frozen]
