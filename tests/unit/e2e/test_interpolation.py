"""Ops files and variables as the driver applies them; with BOSH_CLI the real client is asked the same."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from tests.e2e.driver.errors import ManifestError
from tests.e2e.driver.patch import apply
from tests.e2e.driver.variables import interpolate

ROOT = Path(__file__).parents[3]
PROGRAMS = {"driver": [sys.executable, "-m", "tests.e2e.driver"]}
if os.environ.get("BOSH_CLI"):
    PROGRAMS["bosh"] = [os.environ["BOSH_CLI"]]


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> list[str]:
    return PROGRAMS[request.param]


def interpolated(program: list[str], folder: Path, document: Any, *words: str, ops: Any = None) -> tuple[int, Any]:
    """Exit code of `int`, and what it printed."""
    (folder / "document.yml").write_text(yaml.safe_dump(document))
    command = [*program, "int", str(folder / "document.yml"), *words]
    if ops is not None:
        (folder / "ops.yml").write_text(yaml.safe_dump(ops))
        command += ["-o", str(folder / "ops.yml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, yaml.safe_load(done.stdout) if done.returncode == 0 else done.stderr


DOCUMENT = {
    "list": [{"name": "a", "x": 1}, {"name": "b"}, {"name": "twice"}, {"name": "twice"}],
    "map": {"key": [1, 2]},
}
REPLACED: dict[str, tuple[str, Any]] = {
    "a key": ("/map/key", {**DOCUMENT, "map": {"key": "new"}}),
    "a new key": ("/map/other?", {**DOCUMENT, "map": {"key": [1, 2], "other": "new"}}),
    "keys below a new one": ("/map/p?/q/r", {**DOCUMENT, "map": {"key": [1, 2], "p": {"q": {"r": "new"}}}}),
    "an index": ("/map/key/0", {**DOCUMENT, "map": {"key": ["new", 2]}}),
    "the last index": ("/map/key/-1", {**DOCUMENT, "map": {"key": [1, "new"]}}),
    "behind the last": ("/map/key/-", {**DOCUMENT, "map": {"key": [1, 2, "new"]}}),
    "a new list": ("/map/p?/-", {**DOCUMENT, "map": {"key": [1, 2], "p": ["new"]}}),
    "a match": ("/list/name=b/x?", {**DOCUMENT, "list": [DOCUMENT["list"][0], {"name": "b", "x": "new"},
                                                         *DOCUMENT["list"][2:]]}),
    "a new match": ("/list/name=c?/x", {**DOCUMENT, "list": [*DOCUMENT["list"], {"name": "c", "x": "new"}]}),
    "a whole match": ("/list/name=a", {**DOCUMENT, "list": ["new", *DOCUMENT["list"][1:]]}),
    "a match in a new list": ("/p?/name=c/x", {**DOCUMENT, "p": [{"name": "c", "x": "new"}]}),
}  # fmt: skip


@pytest.mark.parametrize("case", REPLACED)
def test_replace(program: list[str], tmp_path: Path, case: str) -> None:
    path, expected = REPLACED[case]

    assert interpolated(program, tmp_path, DOCUMENT, ops=[{"type": "replace", "path": path, "value": "new"}]) == (
        0,
        expected,
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/map/key", {**DOCUMENT, "map": {}}),
        ("/map/key/0", {**DOCUMENT, "map": {"key": [2]}}),
        ("/list/name=a", {**DOCUMENT, "list": DOCUMENT["list"][1:]}),
        ("/map/absent?", DOCUMENT),
        ("/map/absent?/below", DOCUMENT),
        ("/list/name=absent?", DOCUMENT),
    ],
)
def test_remove(program: list[str], tmp_path: Path, path: str, expected: Any) -> None:
    assert interpolated(program, tmp_path, DOCUMENT, ops=[{"type": "remove", "path": path}]) == (0, expected)


@pytest.mark.parametrize(
    "operation",
    [
        {"type": "replace", "path": "/map/absent", "value": 1},
        {"type": "replace", "path": "/absent/key?", "value": 1},
        {"type": "replace", "path": "/map/key/7", "value": 1},
        {"type": "replace", "path": "/map/key/7?", "value": 1},
        {"type": "replace", "path": "/list/name=absent/x?", "value": 1},
        {"type": "replace", "path": "/list/name=twice/x?", "value": 1},
        {"type": "replace", "path": "/map/name=a", "value": 1},
        {"type": "replace", "path": "/list/x?", "value": 1},
        {"type": "replace", "path": "/map/key/-/x", "value": 1},
        {"type": "replace", "path": "map/key", "value": 1},
        {"type": "replace", "path": "/map/key"},
        {"type": "remove", "path": "/map/absent"},
        {"type": "remove", "path": "/list/name=twice"},
        {"type": "remove", "path": "/map/key", "value": 1},
        {"type": "move", "path": "/map/key"},
    ],
)
def test_what_leads_nowhere_is_an_error(program: list[str], tmp_path: Path, operation: Any) -> None:
    code, said = interpolated(program, tmp_path, DOCUMENT, ops=[operation])

    assert code == 1
    assert operation["path"].strip("/").split("/")[0] in said


def test_an_operation_changes_neither_the_document_nor_its_value() -> None:
    value: dict[str, Any] = {}
    apply(DOCUMENT, [{"type": "replace", "path": "/new?", "value": value},
                     {"type": "replace", "path": "/new/key?", "value": 1}])  # fmt: skip

    assert "new" not in DOCUMENT
    assert value == {}


def test_variables(program: list[str], tmp_path: Path) -> None:
    (tmp_path / "vars.yml").write_text(yaml.safe_dump({"whole": {"a": [1], "text": "t"}, "n": 0}))
    document = {
        "whole": "((whole))",
        "part": "((whole.text))",
        "below": "((whole.a))",
        "in text": "x((n))y((whole.text))z",
        "((n))": "key",
        "absent": "x((absent))",
    }

    code, said = interpolated(program, tmp_path, document, "-l", str(tmp_path / "vars.yml"), "-v", "n=7")

    assert (code, said) == (
        0,
        {"whole": {"a": [1], "text": "t"}, "part": "t", "below": [1], "in text": "x7ytz", 7: "key",
         "absent": "x((absent))"},
    )  # fmt: skip


def test_path_prints_a_part(program: list[str], tmp_path: Path) -> None:
    assert interpolated(program, tmp_path, DOCUMENT, "--path", "/list/name=a/x") == (0, 1)


def test_what_the_manifest_defines_is_generated_once_and_kept(program: list[str], tmp_path: Path) -> None:
    options = {"ca": "ca", "common_name": "((address))", "alternative_names": ["((address))", "a.example.com"]}
    document = {
        "used": ["((secret))", "((cert.certificate))", "((cert.ca))", "((ca.certificate))"],
        "variables": [
            {"name": "secret", "type": "password"},
            {"name": "ca", "type": "certificate", "options": {"is_ca": True, "common_name": "the authority"}},
            {"name": "cert", "type": "certificate", "options": options},
        ],
    }
    words = ("-v", "address=10.96.0.200", "--vars-store", str(tmp_path / "store.yml"))

    code, first = interpolated(program, tmp_path, document, *words)
    again = interpolated(program, tmp_path, document, *words)

    assert again == (code, first)
    assert code == 0
    password, certificate, authority, same = first["used"]
    assert len(password) == 20
    assert authority == same
    assert first["variables"] == []
    loaded = x509.load_pem_x509_certificate(certificate.encode())
    loaded.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.encode()))
    names = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == {"10.96.0.200", "a.example.com"}


def test_a_type_that_the_driver_cannot_generate_is_named() -> None:
    with pytest.raises(ManifestError, match="variable key: the driver generates no rsa"):
        interpolate({"variables": [{"name": "key", "type": "rsa"}]}, {}, Path("/nonexistent/store"))
