"""A release with packages on a machine: compiled by its agent, rendered, applied and started as a client would."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.component.stemcell_agent.machine import PASSWORD, Machine, wait_for
from tests.e2e.driver import manifest, patch, releases
from tests.e2e.driver.agent import Agent
from tests.e2e.driver.jobs import Jobs
from tests.e2e.driver.variables import interpolate

ROOT = Path(__file__).parents[3]
STAND_IN = ROOT / "tests/e2e/director"


class Through(Agent):
    """A message bus that only the machine itself reaches."""

    def __init__(self, vm: Machine) -> None:
        super().__init__(f"https://mbus:{PASSWORD.replace('/', '%2F')}@127.0.0.1:6868", vm.certificates.ca, "director")
        self._vm = vm

    def _http(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        return self._vm.http(method, path, body)


@contextlib.contextmanager
def step(text: str) -> Iterator[None]:
    print(text)
    yield


def read_manifest(folder: Path) -> manifest.Manifest:
    """That of the stand-in Director, with what it takes to read it."""
    values = {
        "internal_ip": "127.0.0.1",
        "internal_cidr": "127.0.0.0/24",
        "internal_gw": "127.0.0.254",
        "director_name": "bosh",
    }
    rest = [
        {"type": "replace", "path": "/resource_pools/0/stemcell?", "value": {"url": "file:///none"}},
        {"type": "replace", "path": "/cloud_provider/template?", "value": {"name": "none", "release": "none"}},
    ]
    document = patch.apply(yaml.safe_load((STAND_IN / "bosh.yml").read_text()), rest)
    filled, missing = interpolate(document, values, folder / "creds.yml")
    assert not missing
    return manifest.load(folder / "bosh.yml", filled)


@pytest.fixture
def release(tmp_path: Path) -> releases.Release:
    tool = [sys.executable, str(ROOT / "cpi/release/make_release.py"), "--version", "1", "--out", str(tmp_path)]
    subprocess.run([*tool, "--folder", str(STAND_IN / "release")], check=True, capture_output=True)
    return releases.unpack_release(tmp_path / "bosh-1.tgz", tmp_path / "release")


def test_jobs_run_with_what_their_packages_were_compiled_to(
    machine: Callable[..., Machine], release: releases.Release, tmp_path: Path
) -> None:
    vm = machine()
    vm.boot()
    agent = Through(vm)

    Jobs(read_manifest(tmp_path), agent, step).update({"bosh": release})

    state = agent.get_state()
    assert state["job_state"] == "running"
    assert set(state["packages"]) == {"interpreter", "listener"}
    assert vm.run("ls /var/vcap/packages") == "interpreter\nlistener\n"
    assert vm.run("ls /var/vcap/packages/listener/lib/__pycache__"), "the packaging script has run"
    assert vm.run("ls /var/vcap/jobs/nats/packages") == "interpreter\nlistener\n"
    assert vm.run("ls /var/vcap/data/compile") == "", "sources are not kept"
    log = "cat /var/vcap/sys/log/health_monitor/health_monitor.log"
    wait_for("Director and NATS to answer", lambda: {"25555 200", "4222 200"} <= set(vm.run(log).splitlines()))


def test_a_package_whose_script_fails_is_an_error_with_what_it_said(
    machine: Callable[..., Machine], release: releases.Release, tmp_path: Path
) -> None:
    vm = machine()
    vm.boot()
    script = b"echo what went wrong >&2; exit 3\n"
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "packaging").write_bytes(script)
    archive = tmp_path / "bad.tgz"
    subprocess.run(["tar", "-czf", archive, "-C", folder, "packaging"], check=True)
    sha1 = subprocess.run(["sha1sum", archive], check=True, capture_output=True, text=True).stdout.split()[0]
    vm.http("PUT", "/blobs/bad", archive.read_bytes())

    answer = vm.task("compile_package", "bad", sha1, "bad", "1", {})

    assert "what went wrong" in answer["exception"]["message"]
    assert "exit status 3" in answer["exception"]["message"]
