"""The package, compiled as a client or an agent does it, and the executable that runs from it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.driver.errors import ManifestError
from tests.e2e.driver.releases import compile_package
from tests.support.installed_release import PACKAGE, InstalledRelease, install, package_source

INFO = {"method": "info", "arguments": [], "context": {"director_uuid": "d"}, "api_version": 1}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> InstalledRelease:
    return install(tmp_path_factory.mktemp("installed"))


def call(release: InstalledRelease, request: dict[str, Any]) -> dict[str, Any]:
    """One call of bin/cpi with the environment that a Director gives."""
    process = subprocess.run(
        [release.executable],
        input=json.dumps(request),
        env=release.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    answer: dict[str, Any] = json.loads(process.stdout)
    return answer


def test_info_answers_from_the_installed_package(installed: InstalledRelease) -> None:
    answer = call(installed, INFO)

    assert answer["error"] is None
    assert answer["result"]["api_version"] >= 2


def test_folder_that_was_moved_still_answers(installed: InstalledRelease, tmp_path: Path) -> None:
    moved = installed.moved(tmp_path / "moved")

    assert call(moved, INFO)["error"] is None


def test_every_module_is_compiled_and_stays_so_when_times_change(installed: InstalledRelease, tmp_path: Path) -> None:
    moved = installed.moved(tmp_path / "moved")
    modules = list(moved.library.rglob("*.py"))
    for path in modules:
        os.utime(path, (1, 1))
    compiled = {path: path.read_bytes() for path in moved.library.rglob("*.pyc")}

    call(moved, INFO)

    assert len(compiled) == len(modules)
    assert {path: path.read_bytes() for path in moved.library.rglob("*.pyc")} == compiled


def test_start_loads_nothing_of_the_machine_and_no_machinery(installed: InstalledRelease, tmp_path: Path) -> None:
    moved = installed.moved(tmp_path / "moved")
    python = moved.python.resolve()
    moved.python.unlink()
    moved.python.write_text(f'#!/bin/sh\nexec {python} -X importtime "$@"\n')
    moved.python.chmod(0o755)
    process = subprocess.run(
        [moved.executable], input=json.dumps(INFO).encode(), env=moved.environment, capture_output=True, check=True
    )
    modules = {line.rpartition(b"|")[2].strip().decode() for line in process.stderr.splitlines()}

    assert b'"error": null' in process.stdout
    assert "bosh_kubernetes_cpi.methods.info" in modules
    assert not modules & {"site", "runpy"}


def test_the_tool_for_people_is_beside_it_and_has_the_jobs_configuration(installed: InstalledRelease) -> None:
    process = subprocess.run(
        [installed.executable.with_name("bosh-kubernetes-cpi"), "doctor"],
        env=installed.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.returncode == 1, process.stderr
    assert "kubernetes: needs one of server, kubeconfig and in_cluster, there is none of them" in process.stdout


def test_python_gone_since_then_is_told_in_the_answer(installed: InstalledRelease, tmp_path: Path) -> None:
    moved = installed.moved(tmp_path / "moved")
    moved.python.unlink()
    moved.python.symlink_to("/no/such/python3")

    answer = call(moved, {**INFO, "arguments": ["x" * 200_000]})

    assert answer["result"] is None
    assert answer["error"]["type"] == "Bosh::Clouds::CpiError"
    assert "install python3 (3.10 or newer)" in answer["error"]["message"]
    assert answer["log"] == ""


def test_machine_without_a_fit_python_is_told_so(tmp_path: Path) -> None:
    """Every place where the script looks is an old Python here."""
    script = package_source(tmp_path / "source") / "packaging"
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
    folder = package_source(tmp_path / "source")
    shutil.rmtree(folder / "bosh_kubernetes_api")

    with pytest.raises(ManifestError, match="compiling package bosh_kubernetes_cpi: exit code 1"):
        compile_package(PACKAGE, folder, tmp_path / "packages")
