"""`orphans` against the stand-in API server: things of several Directors, and what becomes of them."""

import json

import pytest

from bosh_kubernetes_api import names, snapshots, stemcells
from tests.component.conftest import IMAGE, NAMESPACE, PLANTED, STEMCELL
from tests.component.tool.orphans import MINE, listed
from tests.support.registry.samples import root_file_system
from tests.support.registry.server import PASSWORD, USER, Registry, Traits
from tests.support.tool_process import at_a_terminal, tool

pytestmark = pytest.mark.usefixtures("directors")


def snapshot(api, director: str, cid: str) -> None:
    body = snapshots.snapshot(cid, director=director, disk_cid="disk-1", snapshot_class="c", metadata={})
    api.store.create("VolumeSnapshot", NAMESPACE, body)


def test_what_a_listed_director_owns_is_no_orphan(mine, create_vm) -> None:
    create_vm(caller=mine)
    mine("create_disk", 64, {}, None)

    said = tool("orphans", "--director", MINE, config=mine.config)

    assert (said.code, said.out) == (0, f"no orphans in namespace {NAMESPACE}\n")


def test_things_of_others_are_shown_with_owner_size_and_use(api, mine, new_cpi, create_vm) -> None:
    other = new_cpi()
    machine = create_vm(caller=other)
    disk = other("create_disk", 64, {}, machine)
    other("attach_disk", machine, disk)
    snapshot(api, other.director, "snapshot-1")

    said = tool("orphans", "--director", MINE, config=mine.config)
    found = listed(mine)

    assert said.code == 1
    assert [line.split()[0] for line in said.out.splitlines()[:4]] == ["KIND", "machine", "disk", "snapshot"]
    assert "Nothing is deleted without --delete." in said.out
    assert found[machine]["in_use_by"] == ["its guest (Running)"]
    assert found[disk]["in_use_by"] == [machine]
    assert found[disk]["size"] == "64 MiB"
    assert {each["directors"][0] for each in found.values()} == {other.director}
    assert [planted for planted in PLANTED.values() if planted in said.out + said.err] == []


def test_without_delete_nothing_changes(api, mine, stopped, ours) -> None:
    before = ours()
    version = len(api.requests("DELETE", ".")) + len(api.requests("PATCH", "."))

    assert set(listed(mine, "--min-age", 0)) == set(stopped)

    assert ours() == before
    assert len(api.requests("DELETE", ".")) + len(api.requests("PATCH", ".")) == version


def test_delete_removes_what_is_free_by_the_methods_of_the_cpi(api, mine, stopped, create_vm, ours) -> None:
    kept = create_vm(caller=mine)
    snapshot(api, "gone", "snapshot-1")

    words = ("--director", MINE, "--delete", "--yes", "--min-age", 0)
    said = tool("orphans", *words, config=mine.config)

    assert said.code == 0, said.out
    for cid in (*stopped, "snapshot-1"):
        assert f"{cid}: deleted" in said.out
    assert ours() == [f"VirtualMachine/{kept}", f"ConfigMap/{kept}", f"Secret/{kept}"]
    marks = [names.DELETING in str(seen.body) for seen in api.requests("PATCH", stopped[1])]
    assert True in marks, "delete_disk marks a claim before it deletes it"


@pytest.mark.parametrize(("answer", "code", "left"), [("yes", 0, 0), ("no", 1, 1), ("", 1, 1)])
def test_at_a_terminal_it_asks_first(api, mine, new_cpi, ours, answer, code, left) -> None:
    new_cpi()("create_disk", 64, {}, None)

    words = ("--director", MINE, "--delete", "--min-age", 0)
    said = at_a_terminal(answer, "orphans", *words, config=mine.config)

    assert f"Delete 1 of them in namespace {NAMESPACE} for good?" in said.out
    assert said.code == code
    assert len(ours()) == left


def test_a_machine_that_may_run_and_its_disk_are_never_touched(mine, new_cpi, create_vm, ours) -> None:
    other = new_cpi()
    machine = create_vm(caller=other)
    disk = other("create_disk", 64, {}, machine)
    other("attach_disk", machine, disk)
    before = ours()

    found = listed(mine, "--delete", "--yes", "--min-age", 0)

    assert {found[cid]["kept"] for cid in (machine, disk)} == {"in use"}
    assert ours() == before


def test_what_was_made_just_now_is_left_to_the_call_that_made_it(mine, new_cpi, ours) -> None:
    disk = new_cpi()("create_disk", 64, {}, None)

    found = listed(mine, "--delete", "--yes")

    assert found[disk]["kept"] == "younger than 60 minutes"
    assert ours() == [f"PersistentVolumeClaim/{disk}"]


def test_what_is_taken_into_use_meanwhile_is_left_alone(api, operator, mine, new_cpi, create_vm) -> None:
    """Between the list and its turn the disk gets a machine."""
    machine = create_vm(caller=mine)
    disk = new_cpi()("create_disk", 64, {}, None)
    looks = []

    def attach(seen):
        if seen.method == "GET" and seen.path.endswith("/virtualmachines"):
            looks.append(seen)
            if len(looks) == 2:
                api.store.merge_patch("VirtualMachine", NAMESPACE, machine, {"spec": {"disks": [{"cid": disk}]}})

    api.intercept = attach
    found = listed(mine, "--delete", "--yes", "--min-age", 0)

    assert found[disk]["kept"] == "left alone: it changed meanwhile"
    assert api.store.find("PersistentVolumeClaim", NAMESPACE, disk)


def test_the_checks_of_the_cpi_hold_to_the_last(api, operator, mine, new_cpi, create_vm) -> None:
    """The disk gets a machine when even this tool's last look is over."""
    machine = create_vm(caller=mine)
    disk = new_cpi()("create_disk", 64, {}, None)

    def attach(seen):
        if seen.method == "PATCH" and disk in seen.path:
            api.store.merge_patch("VirtualMachine", NAMESPACE, machine, {"spec": {"disks": [{"cid": disk}]}})

    api.intercept = attach
    found = listed(mine, "--delete", "--yes", "--min-age", 0)

    assert found[disk]["kept"].startswith(f"not deleted: disk {disk} is attached to VirtualMachine {machine}")
    assert api.store.find("PersistentVolumeClaim", NAMESPACE, disk)


def test_a_heavy_stemcell_goes_with_its_image_for_all_its_directors(api, mine, new_cpi, tmp_path) -> None:
    with Registry(Traits(auth="basic")) as registry:
        account = {"host": registry.host, "username": USER, "password": PASSWORD}
        image = tmp_path / "image"
        image.write_bytes(root_file_system(10_000))
        first, second = new_cpi(registry=account), new_cpi(registry=account)
        cid = first("create_stemcell", str(image), {})
        assert second("create_stemcell", str(image), {}) == cid

        words = ("--director", MINE, "--delete", "--yes", "--min-age", 0)
        said = tool("orphans", *words, config=first.config)

        assert said.code == 0, said.out
        assert registry.store.manifests == {}
        assert api.store.find("Stemcell", NAMESPACE, cid) is None
        assert api.store.find("Stemcell", NAMESPACE, STEMCELL)


def test_a_stemcell_of_a_machine_or_of_a_listed_director_stays(api, mine, create_vm) -> None:
    create_vm(caller=mine)
    users = [{"director": "gone"}]
    api.store.merge_patch("Stemcell", NAMESPACE, STEMCELL, {"spec": {"users": users}})
    other = IMAGE.replace("stemcell@", "other@")
    shared = stemcells.build(other, director="gone", form=stemcells.LIGHT, pull_secrets=[])
    shared["spec"]["users"].append({"director": MINE})
    api.store.create("Stemcell", NAMESPACE, shared)

    found = listed(mine, "--delete", "--yes", "--min-age", 0)

    assert [(each["cid"], each["kept"]) for each in found.values()] == [(STEMCELL, "in use")]
    assert len(api.store.list("Stemcell", NAMESPACE)) == 2


def test_snapshots_that_may_not_be_listed_are_told_and_no_reason_to_say_that_all_is_fine(api, mine) -> None:
    api.rights["snapshot.storage.k8s.io", "volumesnapshots"].discard("list")

    said = tool("orphans", "--director", MINE, config=mine.config)

    assert said.code == 1
    assert "not looked at: snapshots: " in said.out
    assert "--kubeconfig" in said.out


def test_without_the_machines_nothing_is_said(api, mine) -> None:
    api.rights["cpi.bosh.io", "virtualmachines"].discard("list")

    said = tool("orphans", "--director", MINE, config=mine.config)

    assert (said.code, said.out) == (3, "")


def test_directors_come_from_boshs_answer_and_from_state_files(mine, new_cpi, tmp_path) -> None:
    director, environment = new_cpi(), new_cpi()
    for cpi in (director, environment, mine):
        cpi("create_disk", 64, {}, None)
    state = tmp_path / "state.json"
    state.write_text(json.dumps({"director_id": environment.director}))
    answer = json.dumps({"Tables": [{"Content": "", "Rows": [{"name": "bosh", "uuid": director.director}]}]})

    words = ("--director", f" {MINE.upper()}\r\n", "--director-from", "-", "--director-from", state)
    said = tool("orphans", *words, config=mine.config, stdin=answer)

    assert (said.code, said.out) == (0, f"no orphans in namespace {NAMESPACE}\n"), said.err


@pytest.mark.parametrize(
    ("words", "stdin", "expected"),
    [
        ([], "", "--director UUID, --director-from FILE"),
        (["--director", ""], "", "--director UUID"),
        (["--director-from", "-"], "{}", "names no Director"),
        (["--director-from", "-"], "Name  bosh", "is no JSON"),
        (["--director-from", "/nowhere"], "", "/nowhere: No such file"),
        (["--director", MINE, "--delete"], "", "needs --yes"),
        (["--director", " \r"], "", "--no-director"),
        (["--director", MINE, "--no-director"], "", "contradict each other"),
        (["--director", MINE, "--min-age", "-1"], "", "is no whole number"),
    ],
)
def test_wrong_use_changes_nothing(mine, words, stdin, expected, ours) -> None:
    disk = mine("create_disk", 64, {}, None)

    said = tool("orphans", *words, config=mine.config, stdin=stdin)

    assert said.code == 2
    assert expected in said.err
    assert ours() == [f"PersistentVolumeClaim/{disk}"]
