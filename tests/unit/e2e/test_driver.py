"""The driver stands in for the real client: it sends what the client was recorded to send, and stops where it stops.

`recorded.json` is what bosh-cli v7.10.6 sent in these very scenarios (scripted_life.py says how to record it again).
With BOSH_CLI the real client is compared with the recording too.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.client import Client, ClientError
from tests.support.cluster.certificates import Certificates
from tests.unit.e2e.scripted_agent import ScriptedAgent, serving
from tests.unit.e2e.scripted_life import ScriptedLife, scripted_life, whole_life

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("recorded.json").read_text())
CLIENTS = {"driver": ""} | ({"bosh": os.environ["BOSH_CLI"]} if os.environ.get("BOSH_CLI") else {})


@pytest.fixture(scope="module", params=CLIENTS)
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("whole")
    with scripted_life(folder, Client(folder, CLIENTS[request.param])) as life:
        return whole_life(life)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[ScriptedLife]:
    with scripted_life(tmp_path, Client(tmp_path, "")) as one:
        yield one


@pytest.mark.parametrize("scenario", RECORDED)
@pytest.mark.parametrize("what", ["requests", "messages", "state"])
def test_sends_and_remembers_what_the_real_client_does(lived: dict[str, Any], scenario: str, what: str) -> None:
    assert lived[scenario][what] == RECORDED[scenario][what]


@pytest.mark.parametrize(
    ("scenario", "processes"),
    [
        ("first create", 13),
        ("unchanged", 0),
        ("changed property", 13),
        ("bigger disk", 23),
        ("new stemcell", 17),
        ("delete again", 0),
    ],
)
def test_number_of_cpi_processes_is_the_known_one(scenario: str, processes: int) -> None:
    assert len(RECORDED[scenario]["requests"]) == processes


def test_calls_as_bosh_init_made_them(tmp_path: Path) -> None:
    """What its sources of 2018 say (cloud/cpi_cmd_runner.go, cloud/cloud.go, deployment/vm)."""
    with scripted_life(tmp_path, Client(tmp_path, "", ("--bosh-init",))) as life:
        life.run("create-env")
        life.run("create-env", disk_size=2048)
        messages, requests = life.messages(), [json.loads(line) for line in life.requests()]
        life.run("delete-env")

    assert [request["method"] for request in requests] == [
        "create_stemcell", "create_vm", "set_vm_metadata", "create_disk", "attach_disk",
        "has_vm", "delete_vm", "create_vm", "set_vm_metadata", "attach_disk", "create_disk", "attach_disk",
        "detach_disk", "delete_disk",
    ]  # fmt: skip
    assert {tuple(request) for request in requests} == {("method", "arguments", "context")}
    assert {tuple(request["context"]) for request in requests} == {("director_uuid",)}
    arguments = {request["method"]: request["arguments"] for request in requests}
    assert arguments["create_vm"][4] == []
    assert sorted(arguments["set_vm_metadata"][1]) == ["deployment", "director", "index", "job"]
    assert not [line for line in messages if "persistent_disk" in line]
    assert [line for line in messages if "mount_disk" in line]


def test_metadata_that_the_cpi_does_not_implement_is_passed_over(life: ScriptedLife) -> None:
    life.fail("set_vm_metadata", "Bosh::Clouds::NotImplemented")

    life.run("create-env")

    assert life.calls()[-1] == "set_disk_metadata"


@pytest.mark.parametrize(
    ("method", "absent"),
    [
        ("delete_vm", "Bosh::Clouds::VMNotFound"),
        ("delete_disk", "Bosh::Clouds::DiskNotFound"),
        ("delete_stemcell", "Bosh::Clouds::StemcellNotFound"),
    ],
)
def test_deleting_what_is_gone_counts_as_done(life: ScriptedLife, method: str, absent: str) -> None:
    life.run("create-env")
    life.calls()
    life.fail(method, absent)

    life.run("delete-env")

    assert life.calls() == ["has_vm", "delete_vm", "delete_disk", "delete_stemcell"]
    assert not life.state_file.exists()


def test_an_error_of_the_cpi_ends_the_run_with_its_type(life: ScriptedLife) -> None:
    life.fail("create_disk", "Bosh::Clouds::NoDiskSpace")

    with pytest.raises(ClientError, match="Bosh::Clouds::NoDiskSpace: as scripted"):
        life.run("create-env")

    assert life.state()["current_vm_cid"] == "vm-1"
    assert life.state()["disks"] is None


def test_another_certificate_on_the_agents_port_ends_the_wait_at_once(tmp_path: Path) -> None:
    stranger = Certificates.make("127.0.0.1")
    agent = ScriptedAgent("mbus", "secret")
    with serving(agent, stranger) as port:
        life = ScriptedLife(tmp_path, Client(tmp_path, ""), agent, Certificates.make("127.0.0.1"), port)

        with pytest.raises(ClientError, match="the agent's certificate is not the manifest's"):
            life.run("create-env")

    assert life.agent.messages == []
