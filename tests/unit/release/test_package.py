"""The package, compiled as a client or an agent does it, and the executable that runs from it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.driver.errors import ManifestError
from tests.e2e.driver.releases import compile_package, render_template

ROOT = Path(__file__).parents[3]
RELEASE = ROOT / "cpi/release"
NAME = "bosh_kubernetes_cpi"
DIRECTORS_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
INFO = {"method": "info", "arguments": [], "context": {"director_uuid": "d"}, "api_version": 1}


def source(folder: Path) -> Path:
    """The package's unpacked archive."""
    shutil.copytree(ROOT / "cpi/src", folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(RELEASE / f"packages/{NAME}/packaging", folder)
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `packages` and `jobs`, as create-env has it."""
    folder = tmp_path_factory.mktemp("installed")
    compile_package(NAME, source(folder / "source"), folder / "packages")
    shutil.rmtree(folder / "source")
    job = RELEASE / "jobs/kubernetes_cpi"
    spec = yaml.safe_load((job / "spec").read_text())
    defaults = {name: definition.get("default") for name, definition in spec["properties"].items()}
    for template, target in spec["templates"].items():
        path = folder / "jobs/kubernetes_cpi" / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_template(job / "templates" / template, "kubernetes_cpi", {}, defaults)["text"])
        path.chmod(0o755)
    return folder


def call(folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    """One call of bin/cpi with the environment that a Director gives."""
    process = subprocess.run(
        [folder / "jobs/kubernetes_cpi/bin/cpi"],
        input=json.dumps(request),
        env={
            "PATH": DIRECTORS_PATH,
            "BOSH_PACKAGES_DIR": str(folder / "packages"),
            "BOSH_JOBS_DIR": str(folder / "jobs"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    answer: dict[str, Any] = json.loads(process.stdout)
    return answer


def test_info_answers_from_the_installed_package(installed: Path) -> None:
    answer = call(installed, INFO)

    assert answer["error"] is None
    assert answer["result"]["api_version"] >= 2


def test_folder_that_was_moved_still_answers(installed: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(installed, tmp_path / "moved", symlinks=True))

    assert call(moved, INFO)["error"] is None


def test_every_module_is_compiled_and_stays_so_when_times_change(installed: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(installed, tmp_path / "moved", symlinks=True))
    library = moved / f"packages/{NAME}/lib"
    modules = list(library.rglob("*.py"))
    for path in modules:
        os.utime(path, (1, 1))
    compiled = {path: path.read_bytes() for path in library.rglob("*.pyc")}

    call(moved, INFO)

    assert len(compiled) == len(modules)
    assert {path: path.read_bytes() for path in library.rglob("*.pyc")} == compiled


def test_python_gone_since_then_is_told_in_the_answer(installed: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(installed, tmp_path / "moved", symlinks=True))
    link = moved / f"packages/{NAME}/bin/python"
    link.unlink()
    link.symlink_to("/no/such/python3")

    answer = call(moved, {**INFO, "arguments": ["x" * 200_000]})

    assert answer["result"] is None
    assert answer["error"]["type"] == "Bosh::Clouds::CpiError"
    assert "install python3 (3.10 or newer)" in answer["error"]["message"]
    assert answer["log"] == ""


def test_machine_without_a_fit_python_is_told_so(tmp_path: Path) -> None:
    """Every place where the script looks is an old Python here."""
    script = source(tmp_path / "source") / "packaging"
    old = tmp_path / "bin/python3"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for folder in ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"):
        script.write_text(script.read_text().replace(f" {folder}/", f" {tmp_path}/bin/"))
    process = subprocess.run(
        ["/bin/bash", script],
        cwd=script.parent,
        env={"PATH": str(old.parent), "BOSH_INSTALL_TARGET": str(tmp_path / "target")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.returncode == 1
    assert f"no python3 >= 3.10 on this machine (PATH={old.parent})" in process.stderr


def test_failing_script_ends_the_clients_run(tmp_path: Path) -> None:
    folder = source(tmp_path / "source")
    shutil.rmtree(folder / "bosh_kubernetes_api")

    with pytest.raises(ManifestError, match="compiling package bosh_kubernetes_cpi: exit code 1"):
        compile_package(NAME, folder, tmp_path / "packages")
