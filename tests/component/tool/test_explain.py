"""`explain` against the stand-in API server, of things that real CPI processes made."""

import json
import uuid

import pytest

from bosh_kubernetes_api import names, snapshots
from bosh_kubernetes_api.machine import virtual_machine
from tests.component.conftest import IMAGE, NAMESPACE, PLANTED, STEMCELL
from tests.support.fakeapi.server import TOKEN
from tests.support.tool_process import tool


def event(api, kind: str, name: str, reason: str, message: str, at: str, **more) -> None:
    api.store.create(
        "Event",
        NAMESPACE,
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{name}.{uuid.uuid4().hex[:8]}"},
            "involvedObject": {"kind": kind, "name": name},
            "reason": reason,
            "message": message,
            "type": "Normal",
            "lastTimestamp": at,
            **more,
        },
    )


@pytest.fixture
def machine(cpi, create_vm) -> str:
    return create_vm(properties={"cpu": 2, "memory": 512})


@pytest.fixture
def disk(cpi, machine) -> str:
    cid = cpi("create_disk", 64, {}, machine)
    cpi("attach_disk", machine, cid)
    return str(cid)


def test_a_machine_says_what_it_is_where_it_runs_and_what_it_has(cpi, machine, disk) -> None:
    cpi("set_vm_metadata", machine, {"deployment": "zk", "job": "node", "name": "node/1"})

    said = tool("explain", machine, config=cpi.config)

    assert said.code == 0, said.err
    assert said.out.startswith(f"{machine} is a machine in namespace {NAMESPACE}\n")
    for words in (
        "Running: the guest's init runs",
        f"worker-1, as Pod {machine}, address 10.244.0.7",
        "2 CPU, 512Mi memory, 10240Mi root disk",
        cpi.director,
        f"stemcell   {STEMCELL}\n",
        "boots: 1, crashes: 0",
        IMAGE,
        "instance   node/1, zk\n",
        "deployment=zk, job=node, name=node/1",
    ):
        assert words in said.out
    assert f"{disk}  Attached  the guest sees the disk" in said.out
    assert [planted for planted in (*PLANTED.values(), TOKEN) if planted in said.out + said.err] == []


def test_its_story_is_in_the_order_of_time_and_names_what_befell_its_disks(api, cpi, machine, disk) -> None:
    event(api, "Pod", machine, "Pulled", "later", "2999-01-01T00:00:02Z", count=3)
    event(api, "VirtualMachine", machine, "Running", "sooner", "2999-01-01T00:00:01.5Z")
    event(api, "Pod", f"{machine}-cleanup", "Started", "its clean-up", "2999-01-01T00:00:03Z")
    event(api, "Pod", "vm-other", "Killing", "of another", "2999-01-01T00:00:04Z", type="Warning")
    event(api, "VirtualMachine", "vm-other", "Detached", f"{disk}: detached", "2999-01-01T00:00:05Z", type="Warning")

    told = [each["what"] for each in tool("explain", machine, "--output", "json", config=cpi.config).json["story"]]
    of_disk = [each["what"] for each in tool("explain", disk, "--output", "json", config=cpi.config).json["story"]]

    assert told[0] == "made"
    assert told[-3:] == ["Running: sooner", "Pulled: later (3 times)", "Started: its clean-up"]
    assert any(each.startswith("GuestRunning became True") for each in told)
    assert of_disk[-1] == f"Warning Detached: {disk}: detached"


def test_a_disk_says_who_has_it(cpi, machine, disk) -> None:
    said = tool("explain", disk, config=cpi.config)

    assert f"{machine} (Attached)" in said.out
    assert "64 MiB" in said.out
    assert "standard" in said.out


def test_a_disk_that_nobody_has_says_so(cpi, api) -> None:
    found = tool("explain", cpi("create_disk", 64, {}, None), "--output", "json", config=cpi.config).json

    assert found["kind"] == "disk"
    assert found["facts"]["attached to"] == "no machine"
    assert found["facts"]["director"] == cpi.director


def test_a_stemcell_says_who_uses_it(cpi, machine) -> None:
    said = tool("explain", STEMCELL, config=cpi.config)

    assert f"{STEMCELL} is a stemcell" in said.out
    assert "light: its image is somebody else's" in said.out
    assert "somebody" in said.out
    assert f"machines      {machine}\n" in said.out


def test_of_hundreds_of_machines_three_are_named_and_json_has_them_all(api, cpi) -> None:
    shape = {"resources": {"cpu": "1", "memory": "1Gi", "ephemeralDisk": "1Gi"}}
    cids = sorted(names.new_cid("vm") for _ in range(450))
    for cid in cids:
        body = virtual_machine(
            cid, director="d", agent_id=cid, stemcell=STEMCELL, image=IMAGE, pull_secrets=[], shape=shape
        )
        api.store.create("VirtualMachine", NAMESPACE, body)

    said = tool("explain", STEMCELL, config=cpi.config)
    facts = tool("explain", STEMCELL, "--output", "json", config=cpi.config).json["facts"]

    assert ", ".join(cids[:3]) + " and 447 more" in said.out
    assert facts["machines"] == cids


def test_a_snapshot_says_of_what_and_how_it_is(api, cpi) -> None:
    body = snapshots.snapshot("snapshot-1", director=cpi.director, disk_cid="disk-1", snapshot_class="c", metadata={})
    api.store.create("VolumeSnapshot", NAMESPACE, body)
    status = {"readyToUse": True, "restoreSize": "64Mi", "creationTime": "2026-01-01T00:00:00Z"}
    api.store.merge_patch("VolumeSnapshot", NAMESPACE, "snapshot-1", {"status": status}, status=True)

    facts = tool("explain", "snapshot-1", "--output", "json", config=cpi.config).json["facts"]

    assert facts["status"] == "ready to be restored"
    assert facts["of disk"] == "disk-1"
    assert facts["size"] == "64 MiB"


def test_a_machine_that_is_held_or_lost_says_what_to_do(api, cpi, operator, machine) -> None:
    operator.lost.add(machine)
    api.store.merge_patch("VirtualMachine", NAMESPACE, machine, {"spec": {"metadata": {"touched": "yes"}}})
    facts = {}
    while "RootLost" not in facts.get("reason", ""):
        facts = tool("explain", machine, "--output", "json", config=cpi.config).json["facts"]

    assert facts["status"].startswith("RootLost: the Pod is gone")
    assert "bosh recreate" in facts["remedy"]
    assert "reason" not in facts or facts["reason"].startswith("RootLost: ")
    assert facts["runs on"] == "nowhere"


@pytest.mark.parametrize("cid", ["vm-unknown", "disk-unknown", "snapshot-unknown"])
def test_what_is_not_there_is_a_finding(cpi, api, cid) -> None:
    said = tool("explain", cid, config=cpi.config)

    assert said.code == 1
    assert f"there is no machine, disk, snapshot or stemcell {cid} in namespace {NAMESPACE}" in said.out


def test_a_cluster_without_snapshots_has_no_such_cid_either(cpi, api) -> None:
    del api.store.kinds["VolumeSnapshot"]

    assert tool("explain", "snapshot-1", config=cpi.config).code == 1


def test_no_cid_is_wrong_use(cpi) -> None:
    assert tool("explain", "../secrets", config=cpi.config).code == 2


def test_events_that_may_not_be_read_are_told_and_the_rest_is_explained(api, cpi, machine) -> None:
    del api.rights["", "events"]

    said = tool("explain", machine, config=cpi.config)

    assert said.code == 0, said.err
    assert "not looked at: Events: " in said.out
    assert "Running: the guest's init runs" in said.out


def test_what_quotes_a_credential_is_shown_without_it(api, cpi, machine) -> None:
    """A webhook, say, that has put into its message what it was sent."""
    message = f"refused: Bearer {TOKEN}, password {PLANTED['registry']}, {PLANTED['blobstore']}"
    event(api, "VirtualMachine", machine, "Refused", message, "2999-01-01T00:00:00Z")

    for form in ("table", "json"):
        said = tool("explain", machine, "--output", form, config=cpi.config)

        assert "refused: Bearer <redacted>, password <redacted>, <redacted>" in said.out
        assert TOKEN not in said.out + said.err


def test_a_message_without_end_is_cut_and_the_answer_is_still_json(api, cpi, machine) -> None:
    event(api, "VirtualMachine", machine, "Long", '"\n' * 20_000, "2999-01-01T00:00:00Z")

    assert tool("explain", machine, "--output", "json", config=cpi.config).json["story"][-1]["what"].startswith("Long")


def test_a_wrong_token_is_in_the_way_and_not_shown(cpi, settings, new_cpi, api) -> None:
    settings["kubernetes"]["token"] = "wrong-token-of-somebody"

    said = tool("explain", "vm-1", config=new_cpi().config)

    assert said.code == 3
    assert "does not accept the credentials" in said.err
    assert "wrong-token-of-somebody" not in said.out + said.err


def test_a_configuration_that_is_no_json_is_in_the_way(tmp_path) -> None:
    path = tmp_path / "cpi.json"
    path.write_text(json.dumps({})[:-1])

    said = tool("explain", "vm-1", config=path)

    assert said.code == 3
    assert "is no JSON" in said.err


def test_what_may_not_be_listed_is_not_said_to_be_none(api, cpi, machine, disk) -> None:
    api.rights["", "persistentvolumeclaims"].discard("list")
    api.rights["cpi.bosh.io", "virtualmachines"].discard("list")

    found = {cid: tool("explain", cid, "--output", "json", config=cpi.config).json for cid in (machine, disk, STEMCELL)}

    assert found[disk]["facts"]["attached to"] == "not known"
    assert found[STEMCELL]["facts"]["machines"] == "not known"
    assert [(each["cid"], each["state"]) for each in found[machine]["disks"]] == [(disk, "Attached")]
    assert "no claim" not in found[machine]["disks"][0]["why"]
    assert all(len(each["not_looked_at"]) == 1 for each in found.values())
