"""The release tarball: what a client and a Director read in it, and that the same files give the same bytes."""

import hashlib
import importlib.util
import io
import shutil
import tarfile
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_release", ROOT / "cpi/release/make_release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the release folder."""
    return Path(shutil.copytree(ROOT / "cpi/release", tmp_path / "release"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the sources."""
    return Path(shutil.copytree(ROOT / "cpi/src", tmp_path / "src"))


def contents(tarball: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(tarball)) as tar:
        members = [member for member in tar.getmembers() if member.isfile()]
        return {member.name: tar.extractfile(member).read() for member in members}  # type: ignore[union-attr]


def test_manifest_names_every_archive_with_its_digest(tool: ModuleType, folder: Path) -> None:
    files = contents(tool.build(folder, "1.2.3", license_file=ROOT / "LICENSE"))

    manifest = yaml.safe_load(files["./release.MF"])
    assert (manifest["name"], manifest["version"]) == ("bosh-kubernetes-cpi", "1.2.3")
    assert [job["name"] for job in manifest["jobs"]] == ["kubernetes_cpi"]
    assert manifest["jobs"][0]["packages"] == ["bosh_kubernetes_cpi"]
    digests = {f"./jobs/{job['name']}.tgz": job["sha1"] for job in manifest["jobs"]}
    digests |= {f"./packages/{package['name']}.tgz": package["sha1"] for package in manifest["packages"]}
    digests["./license.tgz"] = manifest["license"]["sha1"]
    assert digests == {
        name: hashlib.sha1(content, usedforsecurity=False).hexdigest()
        for name, content in files.items()
        if name != "./release.MF"
    }


def test_job_archive_holds_what_a_client_reads(tool: ModuleType, folder: Path) -> None:
    files = contents(tool.build(folder, "1"))

    job = contents(files["./jobs/kubernetes_cpi.tgz"])
    templates = ("bin/cpi.erb", "bin/bosh-kubernetes-cpi.erb", "config/cpi.json.erb")
    assert set(job) == {"./job.MF", "./monit", *(f"./templates/{name}" for name in templates)}
    assert job["./monit"] == b""
    assert yaml.safe_load(job["./job.MF"])["templates"]["bin/cpi.erb"] == "bin/cpi"


def test_package_archive_holds_the_code_and_no_bytecode(tool: ModuleType, folder: Path) -> None:
    files = contents(tool.build(folder, "1"))

    package = set(contents(files["./packages/bosh_kubernetes_cpi.tgz"]))
    sources = ROOT / "cpi/src"
    code = {f"./{path.relative_to(sources)}" for path in sources.rglob("*.py") if "__pycache__" not in path.parts}
    assert package == code | {"./packaging"}


def test_same_files_give_the_same_bytes(tool: ModuleType, folder: Path, tmp_path: Path) -> None:
    again = Path(shutil.copytree(folder, tmp_path / "again", copy_function=shutil.copyfile))
    for script in again.glob("packages/*/packaging"):
        script.chmod(0o755)

    assert tool.build(folder, "1") == tool.build(again, "1")


def test_another_line_of_code_is_another_fingerprint(tool: ModuleType, folder: Path, source: Path) -> None:
    before = yaml.safe_load(contents(tool.build(folder, "1", source=source))["./release.MF"])
    (source / "bosh_kubernetes_cpi/__init__.py").write_text("# changed\n")

    after = yaml.safe_load(contents(tool.build(folder, "1", source=source))["./release.MF"])

    assert before["packages"][0]["fingerprint"] != after["packages"][0]["fingerprint"]
    assert before["jobs"] == after["jobs"]


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("jobs/kubernetes_cpi/monit", "monit: no such file"),
        ("jobs/kubernetes_cpi/templates/bin/cpi.erb", "cpi.erb: no such file"),
        ("packages/bosh_kubernetes_cpi/packaging", "packaging: no such file"),
    ],
)
def test_missing_file_is_named(tool: ModuleType, folder: Path, missing: str, said: str) -> None:
    (folder / missing).unlink()

    with pytest.raises(tool.ReleaseError, match=said):
        tool.build(folder, "1")


def test_missing_package_is_named(tool: ModuleType, folder: Path) -> None:
    shutil.rmtree(folder / "packages/bosh_kubernetes_cpi")

    with pytest.raises(tool.ReleaseError, match="the release has no package bosh_kubernetes_cpi"):
        tool.build(folder, "1")


def test_pattern_without_a_file_is_named(tool: ModuleType, folder: Path, source: Path) -> None:
    shutil.rmtree(source / "bosh_kubernetes_api")

    with pytest.raises(tool.ReleaseError, match=r"bosh_kubernetes_api/\*\*/\*.py matches no file"):
        tool.build(folder, "1", source=source)
