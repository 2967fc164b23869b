"""The command that makes a release: versions, what it refuses, and what it leaves when it fails."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cpi.release.maker import vendor
from cpi.release.maker.errors import ReleaseError

ROOT = Path(__file__).parents[3]
Make = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def tree(tmp_path: Path, folder: Path) -> Path:
    """A work tree of ours with all that a release is made from, and tiny blobs, committed."""
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "cpi/src", tree / "cpi/src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(folder, tree / "cpi/release", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "pyproject.toml"):
        shutil.copy(ROOT / name, tree)
    git(tree, "init", "--quiet")
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "-m", "first")
    return tree


@pytest.fixture
def make(tmp_path: Path, tree: Path, tiny_blobs: Path) -> Make:
    """Runs the command in the tree."""

    def run(
        *words: str, tree: Path = tree, umask: int = 0o022, blobs: Path | None = tiny_blobs, largest: int = 0
    ) -> object:
        given = ["--blobs", str(blobs)] if blobs else []
        limit = ["prlimit", f"--fsize={largest}"] if largest else []
        return subprocess.run(
            [*limit, sys.executable, "cpi/release/make_release.py", "--out", "dist", *given, *words],
            cwd=tree,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
            umask=umask,
            capture_output=True,
            text=True,
            check=False,
        )

    return run  # type: ignore[return-value]


def git(tree: Path, *words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", tree, *who, *words], check=True, capture_output=True)


def made(tree: Path) -> Path:
    """The one tarball."""
    (found,) = (tree / "dist").iterdir()
    return found


def manifest(tarball: Path) -> dict[str, object]:
    said = subprocess.run(["tar", "-xzOf", tarball, "./release.MF"], capture_output=True, check=True).stdout
    found: dict[str, object] = yaml.safe_load(said)
    return found


def test_prints_path_size_and_digest(make: Make, tree: Path) -> None:
    done = make("--version", "1.2.3")

    digest = hashlib.sha256(made(tree).read_bytes()).hexdigest()
    assert re.fullmatch(rf"dist/bosh-kubernetes-cpi-1\.2\.3\.tgz  \d+ MiB  sha256:{digest}\n", done.stdout), done


def test_final_release_is_the_same_to_the_byte_for_another_user_in_another_folder_at_another_time(
    make: Make, tree: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other/place"
    other.parent.mkdir()
    subprocess.run(["git", "clone", "--quiet", tree, other], umask=0o077, check=True, capture_output=True)
    for path in other.rglob("*"):
        os.utime(path, (1, 1))

    for where, umask in ((tree, 0o022), (other, 0o077)):
        done = make("--final", "1.2.3", tree=where, umask=umask)
        assert done.returncode == 0, done.stderr

    assert made(tree).read_bytes() == made(other).read_bytes()


def test_without_a_version_it_is_a_dev_release_that_rises_with_each_commit(make: Make, tree: Path) -> None:
    make()
    git(tree, "commit", "--quiet", "--allow-empty", "-m", "second")
    make()

    names = sorted(path.name for path in (tree / "dist").iterdir())
    version = re.search(r'version = "(.*)"', (ROOT / "pyproject.toml").read_text()).group(1)  # type: ignore[union-attr]
    assert names == [f"bosh-kubernetes-cpi-{version}+dev.{number}.tgz" for number in (1, 2)]


def test_manifest_tells_commit_and_uncommitted_changes(make: Make, tree: Path) -> None:
    head = subprocess.run(["git", "-C", tree, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    make("--version", "1")
    clean = manifest(made(tree))
    (tree / "cpi/src/bosh_kubernetes_cpi/new.py").write_text("")
    make("--version", "1")
    changed = manifest(made(tree))

    assert (clean["commit_hash"], clean["uncommitted_changes"]) == (head[:9], False)
    assert (changed["commit_hash"], changed["uncommitted_changes"]) == (head[:9], True)


def test_final_release_refuses_uncommitted_changes_of_what_goes_in_and_no_others(make: Make, tree: Path) -> None:
    (tree / "notes.txt").write_text("of no weight")
    assert make("--final", "1").returncode == 0
    shutil.rmtree(tree / "dist")
    (tree / "cpi/src/bosh_kubernetes_cpi/new.py").write_text("")

    done = make("--final", "1")

    assert done.returncode == 1
    assert "make_release: a final release is made from what is committed" in done.stderr
    assert not (tree / "dist").exists()


def test_final_release_refuses_modules_that_git_does_not_tell_of(make: Make, tree: Path) -> None:
    """A package's spec takes every module, whatever the user has told git to pass over."""
    (tree / "cpi/src/bosh_kubernetes_cpi/scratch.py").write_text("")
    git(tree, "config", "status.showUntrackedFiles", "no")
    unlisted = make("--final", "1")
    git(tree, "config", "--unset", "status.showUntrackedFiles")
    (tree / ".git/info/exclude").write_text("scratch.py\n.DS_Store\n")
    ignored = make("--final", "1")
    (tree / "cpi/src/bosh_kubernetes_cpi/scratch.py").rename(tree / "cpi/src/.DS_Store")

    assert [done.returncode for done in (unlisted, ignored)] == [1, 1]
    assert "committed; commit, stash or remove cpi/src/bosh_kubernetes_cpi/scratch.py\n" in ignored.stderr
    assert make("--final", "1").returncode == 0, "this one goes into no package"


def test_final_release_refuses_modes_that_git_is_told_not_to_compare(make: Make, tree: Path) -> None:
    """As on a file system that has none: who may execute a file is part of a package's fingerprint."""
    git(tree, "config", "core.fileMode", "false")
    (tree / "cpi/src/bosh_kubernetes_cpi/start.py").chmod(0o755)

    done = make("--final", "1")

    assert done.returncode == 1
    assert "remove cpi/src/bosh_kubernetes_cpi/start.py\n" in done.stderr


def test_final_release_is_refused_where_git_does_not_tell_what_is_committed(make: Make, tree: Path) -> None:
    (tree / ".git").rename(tree / "elsewhere")

    done = make("--final", "1")

    assert done.returncode == 1
    assert f"git does not tell what that is here: git -C {tree} status" in done.stderr
    assert not (tree / "dist").exists()
    assert make("--version", "1").returncode == 0
    assert manifest(made(tree))["commit_hash"] == "non-git"


def test_run_that_ends_early_leaves_no_half_tarball_and_the_older_one(make: Make, tree: Path) -> None:
    make("--version", "1")
    before = made(tree).read_bytes()

    done = make("--version", "1", largest=len(before) - 1)

    assert done.returncode == 1
    assert done.stderr.startswith("make_release: [Errno 27] File too large"), done.stderr
    assert made(tree).read_bytes() == before


def test_what_a_folder_lacks_is_named_where_it_lacks_it(make: Make, folder: Path) -> None:
    """Not in the copy that is made of it, which is gone by then."""
    (folder / "packages/bosh_kubernetes_cpi/packaging").unlink()

    done = make("--version", "1", "--folder", str(folder))

    assert done.returncode == 1
    assert f"make_release: {folder}/packages/bosh_kubernetes_cpi/packaging: no such file" in done.stderr


def test_place_for_the_tarball_that_is_none_is_told(make: Make, tree: Path) -> None:
    (tree / "dist").write_text("a file")

    done = make("--version", "1")

    assert (done.returncode, done.stderr) == (1, "make_release: [Errno 17] File exists: 'dist'\n")


@pytest.mark.parametrize("version", ["../1", "1 2", "-1", "1/2", "1+", "1.", "1..2", "1-", "1+a+b"])
def test_what_is_no_version_is_refused(make: Make, version: str) -> None:
    done = make(f"--version={version}")

    assert done.returncode == 1
    assert f"{version!r} is no version of a release" in done.stderr


def test_staging_that_fails_leaves_nothing_in_the_way_of_the_next(make: Make, tmp_path: Path) -> None:
    staged = tmp_path / "staged"

    assert "cannot be downloaded" in make("--stage", str(staged), blobs=None).stderr
    assert not staged.exists()
    assert make("--stage", str(staged)).returncode == 0


def test_folder_of_blobs_that_is_not_there_is_told(make: Make) -> None:
    done = make("--version", "1", blobs=Path("blob"))

    assert (done.returncode, done.stderr) == (1, "make_release: --blobs blob: no such folder\n")


def test_staged_folder_has_what_the_bosh_cli_reads(make: Make, tree: Path, tiny_blobs: Path, tmp_path: Path) -> None:
    (tree / "cpi/src/bosh_kubernetes_cpi/__pycache__").mkdir()
    done = make("--stage", str(tmp_path / "staged"))

    assert done.returncode == 0, done.stderr
    staged = tmp_path / "staged"
    assert {path.name for path in staged.iterdir()} == {"LICENSE", "blobs", "config", "jobs", "packages", "src"}
    assert (staged / "src/yaml/__init__.py").is_file()
    assert list(staged.rglob("__pycache__")) == []
    assert {path.name for path in (staged / "blobs").rglob("*.tar.*")} == {
        path.name for path in tiny_blobs.rglob("*.tar.*")
    }
    assert "is not empty" in make("--stage", str(staged)).stderr


def test_vendored_library_in_another_state_is_refused(folder: Path) -> None:
    index = folder / "config/vendor.yml"
    index.write_text(index.read_text().replace("sha256: ", "sha256: 0"))

    with pytest.raises(ReleaseError, match=r"yaml is pinned as PyYAML .* install the former, or pin the latter"):
        vendor.vendored(folder)
