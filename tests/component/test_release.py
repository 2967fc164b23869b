"""The release as its callers have it: on the machine of a Director, and in the folder of create-env."""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.cpi_process import ENVIRONMENT, checked
from tests.support.fakeapi.server import TOKEN, FakeApi
from tests.support.release import sandbox
from tests.support.release.installed import JOB, InstalledRelease, install, install_as_agent

Json = dict[str, Any]
CPI = f"/var/vcap/jobs/{JOB}/bin/cpi"
MISSING = "vm-00000000-0000-4000-8000-000000000000"


def request(method: str, *arguments: Any, **context: Any) -> bytes:
    whole = {"director_uuid": "d", "request_id": "cpi-1", "vm": {"stemcell": {"api_version": 3}}, **context}
    return json.dumps({"method": method, "arguments": arguments, "context": whole, "api_version": 2}).encode()


def connection(api: FakeApi) -> Json:
    return {"server": api.url, "ca": api.authority.pem, "token": TOKEN}


def on_machine(vcap: Path, text: bytes) -> Any:
    """The result of a call on the machine, with what a Director leaves of the environment. No Python is there but ours,
    nor a library that it could take from the machine."""
    done = sandbox.run(vcap, [CPI], environment=ENVIRONMENT, hidden=sandbox.FOREIGN, input=text, capture_output=True)
    return checked(done.stdout, done.stderr, done.returncode).value()


@pytest.fixture
def clusters() -> Iterator[list[FakeApi]]:
    with ExitStack() as stack:
        yield [stack.enter_context(FakeApi()) for _ in range(3)]


def machine(folder: Path, properties: Json) -> Path:
    """The /var/vcap of a Director's machine with the job."""
    vcap = folder / "vcap"
    vcap.mkdir()
    install_as_agent(vcap, properties)
    return vcap


def test_directors_default_cpi(tmp_path: Path, api: FakeApi) -> None:
    """As with `director.cpi_job: kubernetes_cpi`."""
    agent = {"mbus": "nats://10.0.0.6:4222"}
    vcap = machine(tmp_path, {"kubernetes": connection(api), "namespace": "machines", "agent": agent})

    assert on_machine(vcap, request("info"))["api_version"] >= 2
    assert on_machine(vcap, request("has_vm", MISSING)) is False

    assert [seen.path for seen in api.seen] == [
        f"/apis/cpi.bosh.io/v1alpha1/namespaces/machines/virtualmachines/{MISSING}"
    ]


def test_entries_of_a_cpi_config_each_go_to_their_own_cluster_all_at_once(
    tmp_path: Path, clusters: list[FakeApi]
) -> None:
    """The job is colocated for its program alone, as bosh-deployment does it: its own connection is a placeholder."""
    placeholder = {"server": "https://127.0.0.1:1", "token": "placeholder"}
    vcap = machine(tmp_path, {"kubernetes": placeholder, "namespace": "nowhere"})
    entries = [{"kubernetes": connection(api), "namespace": f"zone-{n}"} for n, api in enumerate(clusters)] * 3

    with ThreadPoolExecutor(len(entries)) as pool:
        answers = list(pool.map(lambda entry: on_machine(vcap, request("has_vm", MISSING, **entry)), entries))

    assert answers == [False] * len(entries)
    for number, api in enumerate(clusters):
        assert [seen.path.split("/")[5] for seen in api.seen] == [f"zone-{number}"] * 3


def test_create_envs_cpi_needs_no_var_vcap(tmp_path: Path, api: FakeApi) -> None:
    release = install(tmp_path / "installation")
    release.config.write_text(json.dumps({"kubernetes": connection(api)}))

    def call(release: InstalledRelease, text: bytes) -> Any:
        done = subprocess.run(
            [release.executable], input=text, env=release.environment, cwd="/", capture_output=True, check=False
        )
        return checked(done.stdout, done.stderr, done.returncode).value()

    assert call(release, request("info"))["api_version"] >= 2
    assert call(release, request("has_vm", MISSING)) is False
    assert len(api.seen) == 1


def test_kubeconfig_is_read_without_a_library_of_the_machine(tmp_path: Path, api: FakeApi) -> None:
    kubeconfig = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "elsewhere"}}],
        "clusters": [{"name": "c", "cluster": {"server": api.url, "certificate-authority": "/var/vcap/ca.pem"}}],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
    }
    text = "# YAML that is no JSON\n" + "\n".join(f"{key}: {json.dumps(value)}" for key, value in kubeconfig.items())
    vcap = machine(tmp_path, {"kubernetes": {"kubeconfig": text}})
    (vcap / "ca.pem").write_text(api.authority.pem)

    assert on_machine(vcap, request("has_vm", MISSING)) is False
    assert "/namespaces/elsewhere/" in api.seen[-1].path
