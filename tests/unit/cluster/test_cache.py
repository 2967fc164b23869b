"""The cache trusts what is whole and unchanged, and nothing else."""

import os
import time
from pathlib import Path

import pytest

from tests.cluster.kind import cache


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "bosh-kubernetes-cpi"


def store(key: str, content: str = "content") -> Path:
    with cache.making("programs", "tool", key) as making:
        (making / "tool").write_text(content)
    found = cache.find("programs", "tool", key)
    assert found is not None
    return found


KEY = "0123456789abcdef"


def test_an_entry_is_found_by_its_key() -> None:
    assert (store(KEY) / "tool").read_text() == "content"
    assert cache.find("programs", "tool", KEY[::-1]) is None


def test_what_was_made_half_is_never_found(folder: Path) -> None:
    def interrupted() -> None:
        with cache.making("programs", "tool", KEY) as making:
            (making / "tool").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert cache.find("programs", "tool", KEY) is None
    assert list((folder / "programs").iterdir()) == []


@pytest.mark.parametrize("damage", ["changed", "removed", "no manifest"])
def test_a_damaged_entry_is_removed(damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    entry = store(KEY)
    if damage == "changed":
        (entry / "tool").write_text("Content")
    else:
        (entry / ("tool" if damage == "removed" else cache.MANIFEST)).unlink()

    assert cache.find("programs", "tool", KEY) is None
    assert not entry.exists()
    assert "is damaged" in capsys.readouterr().err


def test_a_new_version_replaces_those_that_nobody_has_used_for_a_day_and_nothing_else(folder: Path) -> None:
    """Another checkout, with other versions, may be at work."""
    with cache.making("programs", "tool-box", KEY) as making:
        (making / "tool-box").write_text("other")
    yesterday = time.time() - 25 * 3600
    for entry in (store("1" * 16), store("2" * 16), folder / f"programs/tool-box-{KEY}"):
        os.utime(entry, (yesterday, yesterday))
    assert cache.find("programs", "tool", "2" * 16)

    store(KEY, "new")

    assert {entry.name for entry in (folder / "programs").iterdir()} == {
        f"tool-box-{KEY}",
        f"tool-{'2' * 16}",
        f"tool-{KEY}",
    }


def test_what_an_interrupted_run_left_is_swept(folder: Path) -> None:
    for leftover in ("programs/.making-x/file", "work/abc/file"):
        (folder / leftover).parent.mkdir(parents=True)
        (folder / leftover).write_text("half")
    with cache.locked():
        cache.sweep()
        assert not (folder / "programs/.making-x").exists()
        assert list((folder / "work").iterdir()) == []


def test_what_another_run_is_making_stays() -> None:
    """The compiler's lock is not the cluster's."""
    with cache.locked(), cache.work_folder() as work, cache.making("programs", "tool", KEY) as making:
        (work / "file").write_text("half")
        cache.sweep()
        assert (work / "file").exists()
        (making / "tool").write_text("whole")

    assert cache.find("programs", "tool", KEY)
    assert not work.exists()


def test_the_key_follows_names_and_contents(tmp_path: Path) -> None:
    folder, file = tmp_path / "a", tmp_path / "a/file"
    folder.mkdir()
    file.write_text("one")
    keys = [cache.key("x", folder), cache.key("y", folder)]
    file.write_text("two")
    keys.append(cache.key("x", folder))
    file.rename(folder / "other")
    keys.append(cache.key("x", folder))

    assert len(set(keys)) == len(keys)
    assert keys[-1] == cache.key("x", folder)
    assert cache.key("ab", "c") != cache.key("a", "bc")
