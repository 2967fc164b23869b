"""`orphans --delete` where something is not as it should be: what is refused, and what is said of what was begun."""

import json
import signal
import time
import uuid

import pytest

from bosh_kubernetes_api import machine, names
from tests.component.conftest import IMAGE, NAMESPACE, STEMCELL
from tests.component.tool.orphans import MINE, listed, switch_off
from tests.support.fakeapi.faults import Fault
from tests.support.fakeapi.operator import LEASE
from tests.support.registry.samples import root_file_system
from tests.support.registry.server import PASSWORD, USER, Registry, Traits
from tests.support.tool_process import at_a_terminal, start, tool

pytestmark = pytest.mark.usefixtures("directors")

NOW = ("--delete", "--yes", "--min-age", 0)
GOES_ON = "its deletion was asked for and goes on"


def test_a_director_that_owns_nothing_here_is_no_reason_to_delete_all(api, mine, new_cpi, ours) -> None:
    """A wrong UUID would make everything an orphan."""
    new_cpi()("create_disk", 64, {}, None)
    wrong, before = str(uuid.uuid4()), ours()

    alone = tool("orphans", "--director", wrong, *NOW, config=mine.config)
    beside = tool("orphans", "--director", wrong, "--director", MINE, *NOW, config=mine.config)
    shown = tool("orphans", "--director", wrong, config=mine.config)

    for said in (alone, beside):
        assert (said.code, said.out) == (2, "")
        assert f"Director {wrong} owns nothing in namespace {NAMESPACE}" in said.err
        assert "leave it out" in said.err
    assert ours() == before
    assert api.requests("DELETE", ".") == []
    assert shown.code == 1
    assert f"Director {wrong} owns nothing in namespace {NAMESPACE}" in shown.err


def test_where_no_director_is_left_that_is_said_and_all_is_an_orphan(api, mine, new_cpi, ours) -> None:
    new_cpi()("create_disk", 64, {}, None)

    said = tool("orphans", "--no-director", *NOW, config=mine.config)

    assert said.code == 0, said.out
    assert ours() == []
    assert api.store.find("Stemcell", NAMESPACE, STEMCELL) is None


def test_without_an_operator_no_status_is_believed(api, operator, mine, stopped) -> None:
    operator.stopped = True

    found = listed(mine, *NOW)

    assert found[stopped[0]]["kept"] == "no operator keeps its status true: its Lease is not renewed"
    assert found[stopped[1]]["deleted"] is True
    assert api.store.find("VirtualMachine", NAMESPACE, stopped[0])


def test_a_machine_that_is_switched_on_before_its_turn_stays(api, mine, operator, new_cpi, create_vm, stopped) -> None:
    """While it is made sure that its status is true, which takes as long as an operator's pulse."""
    gone, agent = new_cpi(), str(uuid.uuid4())
    machines = sorted([stopped[0], create_vm(agent, gone)])
    switch_off(api, operator, machines[1] if machines[0] == stopped[0] else machines[0], agent)
    left = []

    def switch_on(seen):
        if seen.method == "DELETE" and f"/configmaps/{machines[0]}" in seen.path:
            left.append(machines[1])
        if left and seen.method == "GET" and "/leases/" in seen.path:
            api.store.merge_patch("VirtualMachine", NAMESPACE, left.pop(), {"spec": {"power": "Running"}})

    api.intercept = switch_on
    found = listed(mine, *NOW)

    assert found[machines[0]]["deleted"] is True
    assert found[machines[1]]["kept"] == "left alone: it changed meanwhile"
    assert api.store.find("VirtualMachine", NAMESPACE, machines[1])


def test_heavy_stemcells_stay_where_no_registry_is_configured(api, mine, new_cpi, kubeconfig, tmp_path) -> None:
    with Registry(Traits(auth="basic")) as registry:
        account = {"host": registry.host, "username": USER, "password": PASSWORD}
        image = tmp_path / "image"
        image.write_bytes(root_file_system(10_000))
        cid = new_cpi(registry=account)("create_stemcell", str(image), {})

        words = ("--director", MINE, "--output", "json", *NOW)
        said = tool("orphans", *words, "--kubeconfig", kubeconfig)

        [found] = said.json["orphans"]
        assert (said.code, found["cid"], found["kept"]) == (1, cid, "needs --config with its registry")
        assert registry.store.manifests
        assert api.store.find("Stemcell", NAMESPACE, cid)


def test_a_stemcell_that_gets_another_user_meanwhile_stays(api, mine) -> None:
    api.store.merge_patch("Stemcell", NAMESPACE, STEMCELL, {"spec": {"users": [{"director": "gone"}]}})
    joined = []

    def join(seen):
        if seen.method == "PATCH" and STEMCELL in seen.path and not joined:
            joined.append(seen)
            users = [{"director": "gone"}, {"director": "new"}]
            api.store.merge_patch("Stemcell", NAMESPACE, STEMCELL, {"spec": {"users": users}})

    api.intercept = join
    said = tool("orphans", "--no-director", *NOW, config=mine.config)

    assert said.code == 1
    assert f"stemcell {STEMCELL}: stays: " in said.out
    assert api.store.find("Stemcell", NAMESPACE, STEMCELL)


def test_what_a_failure_leaves_being_deleted_is_not_called_kept(api, operator, mine, stopped) -> None:
    """The operator dies when the deletion is stored already."""

    def die(seen):
        if seen.method == "DELETE" and "virtualmachines" in seen.path:
            operator.stopped = True

    api.intercept = die
    said = tool("orphans", "--director", MINE, "--output", "json", *NOW, config=mine.config)

    found = {each["cid"]: each for each in said.json["orphans"]}
    assert said.code == 1
    assert (found[stopped[0]]["deleted"], found[stopped[0]]["deleting"]) == (False, True)
    assert found[stopped[0]]["kept"].startswith(f"{GOES_ON}: the operator is not running")
    assert found[stopped[1]]["deleting"] is False


def test_what_a_failure_leaves_alone_is_not_deleted(api, mine, new_cpi) -> None:
    disk = new_cpi()("create_disk", 64, {}, None)
    api.intercept = lambda seen: Fault(422, method="DELETE", path=disk) if seen.method == "DELETE" else None

    found = listed(mine, *NOW)

    assert found[disk]["kept"].startswith("not deleted: ")
    assert found[disk]["deleting"] is False


@pytest.mark.parametrize("form", ["json", "table"])
def test_what_an_interruption_finds_begun_is_told(api, operator, mine, stopped, form) -> None:
    asked = []

    def hold(seen):
        if seen.method == "DELETE" and "virtualmachines" in seen.path:
            operator.idle = True
            asked.append(seen)

    api.intercept = hold
    process = start("orphans", "--director", MINE, "--output", form, *NOW, config=mine.config)
    deadline = time.monotonic() + 60
    while not asked or not api.store.get("VirtualMachine", NAMESPACE, stopped[0])["metadata"].get("deletionTimestamp"):
        assert process.poll() is None
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130, out + err
    if form == "table":
        assert f"machine {stopped[0]}: {GOES_ON}: interrupted" in out
    else:
        found = {each["cid"]: each for each in json.loads(out)["orphans"]}
        assert found[stopped[0]]["deleting"] is True
        assert (found[stopped[1]]["deleted"], found[stopped[1]]["deleting"]) == (False, False)


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("no", 1)])
def test_at_a_terminal_the_document_is_not_mixed_with_the_question(mine, new_cpi, answer, code) -> None:
    disk = new_cpi()("create_disk", 64, {}, None)

    words = ("--director", MINE, "--delete", "--min-age", 0, "--output", "json")
    said = at_a_terminal(answer, "orphans", *words, config=mine.config)

    assert said.code == code
    assert [(each["cid"], each["deleted"]) for each in said.json["orphans"]] == [(disk, answer == "yes")]
    assert said.err.index(disk) < said.err.index("Delete 1 of them")


def test_a_stemcell_of_hundreds_leaves_the_table_as_it_is(api, mine) -> None:
    api.store.merge_patch("Stemcell", NAMESPACE, STEMCELL, {"spec": {"users": [{"director": "gone"}]}})
    shape = {"resources": {"cpu": "1", "memory": "1Gi", "ephemeralDisk": "1Gi"}}
    users = sorted(names.new_cid("vm") for _ in range(450))
    for cid in users:
        body = machine.virtual_machine(
            cid, director=MINE, agent_id=cid, stemcell=STEMCELL, image=IMAGE, pull_secrets=[], shape=shape
        )
        api.store.create("VirtualMachine", NAMESPACE, body)

    table = tool("orphans", "--director", MINE, config=mine.config).out.splitlines()
    found = listed(mine)

    assert table[0].endswith("DELETE")
    assert "and 447 more" in table[1]
    assert table[1].endswith("no: in use")
    assert sorted(found[STEMCELL]["in_use_by"]) == users


def test_a_namespace_that_is_not_there_is_not_called_clean(api, mine, kubeconfig) -> None:
    said = tool("orphans", "--director", MINE, "--namespace", "mispelt", config=mine.config)
    person = tool("orphans", "--director", MINE, "--namespace", "mispelt", "--kubeconfig", kubeconfig)
    api.store.create("Namespace", "", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "empty"}})
    empty = tool("orphans", "--director", MINE, "--namespace", "empty", "--kubeconfig", kubeconfig)

    for each in (said, person):
        assert (each.code, each.out) == (3, "")
        assert "namespace mispelt" in each.err
        assert "--namespace" in each.err
    assert (empty.code, empty.out) == (0, "no orphans in namespace empty\n")


def test_where_an_operator_has_been_nothing_is_nothing(api, mine) -> None:
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": LEASE}}
    api.store.create("Lease", "served", body)

    said = tool("orphans", "--director", MINE, "--namespace", "served", config=mine.config)

    assert (said.code, said.out) == (0, "no orphans in namespace served\n")
