"""Disks that the agent has from its settings: read anew when one is mounted, checked at each start of the agent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.stemcell.agent.disks import Disks
from tests.stemcell.agent.errors import AgentError
from tests.stemcell.agent.mounts import Mount
from tests.stemcell.agent.settings import Store

A, B = "disk-a", "disk-b"


class Mounts:
    """Stand-in for the machine's mounts."""

    def __init__(self) -> None:
        self.mounts: list[Mount] = []

    def table(self) -> list[Mount]:
        return self.mounts

    def mount(self, source: str, target: str, *_options: str) -> None:
        self.mounts.append(Mount(source, target))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "bosh").mkdir()
    return Store(tmp_path / "source.json", tmp_path / "bosh")


def listing(store: Store, *disks: str) -> None:
    persistent = {disk: {"path": f"/warden-cpi-dev/{disk}"} for disk in disks}
    store.source.write_text(json.dumps({"agent_id": "a-1", "disks": {"persistent": persistent}}))


def test_mount_disk_reads_the_settings_anew(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tests.stemcell.agent.disks.STORE", str(tmp_path / "store"))
    mounts = Mounts()
    disks = Disks(store, mounts)  # type: ignore[arg-type]
    listing(store)
    store.load()
    with pytest.raises(AgentError, match="'disk-a' could not be found"):
        disks.mount_disk(A)

    listing(store, A)
    disks.mount_disk(A)

    assert mounts.mounts == [Mount(f"/warden-cpi-dev/{A}", str(tmp_path / "store"))]
    assert store.last_mounted == A


@pytest.mark.parametrize(
    ("last", "disks", "refused"),
    [
        ("", [], ""),
        ("", [A], ""),
        (A, [A], ""),
        ("", [A, B], "Unexpected disk attached"),
        (A, [A, B], "Unexpected disk attached"),
        (A, [B], "Attached disk disagrees with previous mount"),
        (A, [], "Fetching disk settings"),
    ],
)
def test_what_a_start_of_the_agent_makes_of_them(store: Store, last: str, disks: list[str], refused: str) -> None:
    """The real agent's order and words (agent/bootstrap.go)."""
    listing(store, *disks)
    store.load()
    store.last_mounted = last
    agent = Disks(store, Mounts(), lambda *_words: "")  # type: ignore[arg-type]
    if not refused:
        agent.restore()
        return
    with pytest.raises(AgentError, match=refused):
        agent.restore()
