"""The release tarball: what a client and a Director read in it, and that the same files give the same bytes."""

import gzip
import hashlib
import io
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from bosh_kubernetes_cpi import config
from cpi.release.maker.archive import BLOCK, archive, stored
from cpi.release.maker.errors import ReleaseError
from cpi.release.maker.release import build

ROOT = Path(__file__).parents[3]
OURS, PYTHON = "bosh_kubernetes_cpi", "python_kubernetes_cpi"

# What bosh-cli 7.10.6 says of the folder `sample`.
FINGERPRINTS = {
    "j": "2e35f6509a18ce2a5fccb702e5d48542625df783d92f19ea7f915b064acd11c8",
    "a": "4764964106cb3078be898a7bdf0c4f08769c22a1d2c7f728c6f3110ee0c3464d",
    "b": "2674d00a6c19d984874f935da70260b759fa40d6b373efe45b57e809362f58e3",
    "license": "a1e04e731e5c73863ee3cf0ebed4f7b6cefe4f095d6d024e8520f9968ee3b449",
}


def contents(tarball: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(tarball)) as tar:
        members = [member for member in tar.getmembers() if member.isfile()]
        return {member.name: tar.extractfile(member).read() for member in members}  # type: ignore[union-attr]


def manifest(tarball: bytes) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(contents(tarball)["./release.MF"])
    return found


def test_manifest_names_every_archive_with_its_digest(whole: Path) -> None:
    files = contents(build(whole, "1.2.3"))

    found = yaml.safe_load(files["./release.MF"])
    assert (found["name"], found["version"]) == ("bosh-kubernetes-cpi", "1.2.3")
    assert {job["name"]: job["packages"] for job in found["jobs"]} == {"kubernetes_cpi": [OURS, PYTHON]}
    assert {one["name"]: one["dependencies"] for one in found["packages"]} == {OURS: [PYTHON], PYTHON: []}
    digests = {f"./jobs/{job['name']}.tgz": job["sha1"] for job in found["jobs"]}
    digests |= {f"./packages/{package['name']}.tgz": package["sha1"] for package in found["packages"]}
    digests["./license.tgz"] = found["license"]["sha1"]
    assert digests == {
        name: hashlib.sha1(content, usedforsecurity=False).hexdigest()
        for name, content in files.items()
        if name not in ("./release.MF", "./LICENSE")
    }


def test_job_archive_holds_what_a_client_reads(whole: Path) -> None:
    job = contents(contents(build(whole, "1"))["./jobs/kubernetes_cpi.tgz"])

    templates = ("bin/cpi.erb", "bin/bosh-kubernetes-cpi.erb", "config/cpi.json.erb")
    assert set(job) == {"./job.MF", "./monit", *(f"./templates/{name}" for name in templates)}
    assert job["./monit"] == b""
    assert yaml.safe_load(job["./job.MF"])["templates"]["bin/cpi.erb"] == "bin/cpi"


def test_our_package_holds_the_code_the_vendored_library_and_no_bytecode(whole: Path) -> None:
    package = contents(contents(build(whole, "1"))[f"./packages/{OURS}.tgz"])

    sources = Path(config.__file__).parents[1]
    code = {f"./{path.relative_to(sources)}" for path in sources.rglob("*.py") if "__pycache__" not in path.parts}
    vendored = {name for name in package if name.startswith("./yaml/")}
    assert set(package) - vendored == code | {"./packaging"}
    assert {"./yaml/__init__.py", "./yaml/LICENSE"} < vendored
    assert not [name for name in vendored if not name.endswith((".py", "/LICENSE"))]


def test_package_of_the_interpreter_holds_its_blobs_as_they_are(whole: Path, tiny_blobs: Path) -> None:
    package = contents(contents(build(whole, "1"))[f"./packages/{PYTHON}.tgz"])

    blobs = {f"./{path.relative_to(tiny_blobs)}": path.read_bytes() for path in tiny_blobs.glob("*/*")}
    assert len(blobs) == 3
    assert package == {**blobs, "./packaging": (whole / f"packages/{PYTHON}/packaging").read_bytes()}


def test_fingerprints_are_those_of_the_bosh_cli(sample: Path) -> None:
    found = manifest(build(sample, "1.2.3"))

    marks = {entry["name"]: entry["fingerprint"] for kind in ("jobs", "packages") for entry in found[kind]}
    assert {**marks, "license": found["license"]["fingerprint"]} == FINGERPRINTS


def test_same_files_give_the_same_bytes_whatever_their_times_and_modes(sample: Path, tmp_path: Path) -> None:
    before = build(sample, "1")
    again = Path(shutil.copytree(sample, tmp_path / "again", copy_function=shutil.copyfile))
    for path in again.rglob("*.py"):
        path.chmod(0o700 if path.name == "two.py" else 0o600)

    assert build(again, "1") == before


def test_order_in_which_files_are_found_does_not_matter() -> None:
    one, other = {"a": (b"1", 0o644), "b/c": (b"2", 0o755)}, {"b/c": (b"2", 0o755), "a": (b"1", 0o644)}

    assert archive(one) == archive(other)


def test_executable_bit_is_kept(sample: Path) -> None:
    packed = contents(build(sample, "1"))["./packages/b.tgz"]

    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        modes = {member.name: member.mode for member in tar.getmembers() if member.isfile()}
    assert modes == {"./packaging": 0o644, "./code/one.py": 0o644, "./code/sub/two.py": 0o755}


def test_another_line_of_code_is_another_fingerprint_of_that_package_alone(sample: Path) -> None:
    before = manifest(build(sample, "1"))
    (sample / "src/code/one.py").write_text("# changed\n")

    after = manifest(build(sample, "1"))

    assert before["packages"][0] == after["packages"][0]
    assert before["packages"][1]["fingerprint"] != after["packages"][1]["fingerprint"]
    assert before["jobs"] == after["jobs"]


@pytest.mark.parametrize("size", [0, 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_every_reader_of_gzip_reads_stored_blocks(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    packed = stored(data[:size])

    assert gzip.decompress(packed) == data[:size]
    assert subprocess.run(["gzip", "-dc"], input=packed, capture_output=True, check=True).stdout == data[:size]


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("jobs/j/monit", "monit: no such file"),
        ("jobs/j/templates/bin/cpi.erb", "cpi.erb: no such file"),
        ("packages/a/packaging", "packaging: no such file"),
        ("blobs/blob/x.tar.gz", r"packages/a/spec: blob/\*.gz matches no file in src or blobs"),
    ],
)
def test_missing_file_is_named(sample: Path, missing: str, said: str) -> None:
    (sample / missing).unlink()

    with pytest.raises(ReleaseError, match=said):
        build(sample, "1")


@pytest.mark.parametrize("spec", ["packages/b/spec", "jobs/j/spec"])
def test_missing_package_is_named(sample: Path, spec: str) -> None:
    path = sample / spec
    path.write_text(path.read_text().replace("[a", "[other"))

    with pytest.raises(ReleaseError, match=f"{spec}: the release has no package other"):
        build(sample, "1")


@pytest.mark.parametrize(("spec", "key"), [("packages/a/spec", "files"), ("jobs/j/spec", "templates")])
def test_key_without_a_value_names_nothing(sample: Path, spec: str, key: str) -> None:
    """YAML's null, which is an empty list for the bosh CLI."""
    path = sample / spec
    path.write_text(f"---\nname: x\n{key}:\n")

    build(sample, "1")
