"""The packages, compiled as a client does it, and the executable that runs from them."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.driver import releases
from tests.e2e.driver.errors import ManifestError
from tests.e2e.driver.releases import compile_package
from tests.support.release.installed import PACKAGE, InstalledRelease, install, package_source
from tests.support.release.tarballs import write_compiled_release

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
    assert process.stderr == ""
    answer: dict[str, Any] = json.loads(process.stdout)
    return answer


def test_info_answers_from_the_installed_package(installed: InstalledRelease) -> None:
    answer = call(installed, INFO)

    assert answer["error"] is None
    assert answer["result"]["api_version"] >= 2


def test_folder_that_was_moved_still_answers(installed: InstalledRelease, tmp_path: Path) -> None:
    moved = installed.moved(tmp_path / "a folder with spaces")

    assert call(moved, INFO)["error"] is None


def test_every_module_is_compiled_and_stays_so_when_times_change(installed: InstalledRelease, tmp_path: Path) -> None:
    moved = installed.moved(tmp_path / "moved")
    modules = list(moved.packages.rglob("*.py"))
    for path in modules:
        os.utime(path, (1, 1))
    compiled = {path: path.read_bytes() for path in moved.packages.rglob("*.pyc")}

    call(moved, INFO)

    assert len(compiled) == len(modules)
    assert {path: path.read_bytes() for path in moved.packages.rglob("*.pyc")} == compiled


def test_start_loads_nothing_of_the_machine_and_no_machinery(installed: InstalledRelease, tmp_path: Path) -> None:
    moved = installed.moved(tmp_path / "moved")
    moved.python.rename(moved.python.with_name("real"))
    moved.python.write_text('#!/bin/sh\nexec "$(dirname "$0")/real" -v "$@"\n')
    moved.python.chmod(0o755)
    process = subprocess.run(
        [moved.executable], input=json.dumps(INFO), env=moved.environment, capture_output=True, text=True, check=True
    )
    loaded = [line for line in process.stderr.splitlines() if line.startswith("# code object from ")]
    files = {line.removeprefix("# code object from ").strip("'") for line in loaded}

    assert '"error": null' in process.stdout
    assert any(file.endswith("methods/__pycache__/info.cpython-313.pyc") for file in files), process.stderr
    assert {file for file in files if not file.startswith(str(moved.packages))} == set()
    assert "import 'site'" not in process.stderr
    assert "import 'runpy'" not in process.stderr


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


def test_compiled_release_is_installed_by_a_client_as_it_is(tmp_path: Path) -> None:
    release = releases.unpack_release(write_compiled_release(tmp_path, "1"), tmp_path / "release")

    releases.install(release.job("kubernetes_cpi"), release, {}, tmp_path / "installation")

    assert {"compiled_packages"} == {path.name for path in (tmp_path / "release").glob("*packages")}
    assert call(InstalledRelease(tmp_path / "installation"), INFO)["error"] is None


def test_failing_script_ends_the_clients_run(tmp_path: Path) -> None:
    folder = package_source(tmp_path / "source")
    shutil.rmtree(folder / "bosh_kubernetes_api")

    with pytest.raises(ManifestError, match="compiling package bosh_kubernetes_cpi: exit code 1"):
        compile_package(PACKAGE, folder, tmp_path / "packages")
