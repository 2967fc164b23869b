"""Which cluster the tool speaks to, and as whom: the CPI's file, the person's kubeconfig, or both."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.component.conftest import NAMESPACE
from tests.support.fakeapi.server import TOKEN
from tests.support.tool_process import start, tool


@pytest.fixture
def kubeconfig(api, tmp_path) -> Path:
    """Two contexts: one without a namespace, and the current one, of a cluster that nobody serves."""
    path = tmp_path / "kubeconfig"
    ca = tmp_path / "ca.pem"
    ca.write_text(api.authority.pem)

    def cluster(name: str, server: str) -> dict[str, Any]:
        return {"name": name, "cluster": {"server": server, "certificate-authority": str(ca)}}

    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "gone",
        "clusters": [cluster("here", api.url), cluster("gone", "https://127.0.0.1:1")],
        "users": [{"name": "me", "user": {"token": TOKEN}}],
        "contexts": [
            {"name": "here", "context": {"cluster": "here", "user": "me"}},
            {"name": "gone", "context": {"cluster": "gone", "user": "me", "namespace": "elsewhere"}},
        ],
    }
    path.write_text(yaml.safe_dump(content))
    return path


def test_the_kubeconfig_of_the_environment_and_a_context_of_it(api, kubeconfig) -> None:
    environment = {"KUBECONFIG": str(kubeconfig)}

    said = tool("explain", "vm-unknown", "--context", "here", environment=environment)

    assert said.code == 1, said.err
    assert f"in namespace {NAMESPACE}" in said.out


def test_the_one_in_the_home_folder_is_the_last_resort(api, kubeconfig, tmp_path) -> None:
    (tmp_path / ".kube").mkdir()
    kubeconfig.rename(tmp_path / ".kube/config")

    said = tool("explain", "vm-unknown", "--context", "here", environment={"HOME": str(tmp_path)})

    assert said.code == 1, said.err


def test_a_named_one_replaces_the_account_of_the_file_and_keeps_its_namespace(api, kubeconfig, tmp_path) -> None:
    config = tmp_path / "cpi.json"
    broken = {"server": "https://127.0.0.1:1", "token": "another"}
    config.write_text(json.dumps({"kubernetes": broken, "namespace": "of-the-file"}))

    said = tool("explain", "vm-unknown", "--kubeconfig", kubeconfig, "--context", "here", config=config)

    assert said.code == 1, said.err
    assert "in namespace of-the-file" in said.out


def test_a_namespace_that_is_given_wins(api, kubeconfig) -> None:
    words = ("--kubeconfig", kubeconfig, "--context", "here", "--namespace", "given")

    assert "in namespace given" in tool("explain", "vm-unknown", *words).out


def test_the_file_of_the_environment_is_that_of_the_job(cpi, api) -> None:
    said = tool("explain", "vm-unknown", environment={"BOSH_KUBERNETES_CPI_CONFIG": str(cpi.config)})

    assert said.code == 1, said.err


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"KUBECONFIG": "/nowhere/kubeconfig"}, "kubeconfig /nowhere/kubeconfig: No such file"),
        ({"KUBECONFIG": "/a:/b"}, "names several files"),
        ({"KUBECONFIG": ":/nowhere/kubeconfig:"}, "kubeconfig /nowhere/kubeconfig: No such file"),
    ],
)
def test_none_at_all_says_how_to_name_one(environment, words) -> None:
    said = tool("explain", "vm-unknown", environment=environment)

    assert said.code == 3
    assert words in said.err
    assert "--kubeconfig" in said.err


def test_a_reader_that_goes_away_changes_nothing(cpi, api) -> None:
    process = start("explain", "vm-unknown", config=cpi.config)
    assert process.stdout
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (1, "")


def test_a_fault_of_the_tool_has_a_code_of_its_own_and_shows_no_credential(cpi, api) -> None:
    """The API server answers with something that no API server answers with."""
    api.fault("GET", "/virtualmachines/vm-1", status=200, body={"kind": "VirtualMachine", "metadata": {"name": TOKEN}})

    said = tool("explain", "vm-1", config=cpi.config)

    assert said.code == 70
    assert "a fault of the tool; please report it" in said.err
    assert "Traceback" in said.err
    assert TOKEN not in said.err
