"""Where machines land: what cloud properties, group and disks ask for, and what is said when no node can give it."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.support.cluster.cpi import Cpi, CpiCallError
from tests.support.cluster.kubectl import Kubectl, KubectlError
from tests.support.cluster.machines import Machine
from tests.support.cluster.node import Node
from tests.support.cluster.wait import eventually, together


def node_of(machine: Machine) -> str:
    return str(machine.status()["pod"]["node"])


def volume_of(disk: str, machine: Machine) -> dict[str, Any]:
    claim = machine.kubectl.get("pvc", disk)
    assert claim is not None
    volume = Kubectl().get("pv", claim["spec"]["volumeName"])
    assert volume is not None
    return volume


@pytest.fixture(scope="module", autouse=True)
def laden(workers: tuple[Node, Node], bystander: Callable[..., str]) -> None:
    """The second worker has so much to do that the scheduler by itself would take the first for whatever comes."""
    bystander(workers[1], cpu="1")


@pytest.fixture(scope="module")
def machine(make: Callable[..., Machine]) -> Machine:
    """One in the second worker's zone."""
    return make(zone="zone-2")


def test_zone_label_and_node_are_honoured(
    machine: Machine, make: Callable[..., Machine], workers: tuple[Node, Node]
) -> None:
    first, second = workers
    anyhow, labelled, named = together(
        make, partial(make, node_selector={"tests/disk": "fast"}), partial(make, node=second.name)
    )

    assert node_of(anyhow) == first.name, "else the next lines show nothing"
    assert [node_of(m) for m in (machine, labelled, named)] == [second.name] * 3


@pytest.fixture(scope="module")
def group(make: Callable[..., Machine], certificates: Any) -> list[Machine]:
    """Two machines of an instance group."""
    environment = {"bosh": {"group": "a-group", "mbus": {"cert": certificates.settings()}}}
    return together(*[partial(make, environment=environment)] * 2)


def test_machines_of_a_group_are_spread_over_the_nodes(group: list[Machine], workers: tuple[Node, Node]) -> None:
    assert {node_of(m) for m in group} == {node.name for node in workers}


def evict(machine: Machine) -> str:
    """What a drain asks for; what the API server says."""
    kubectl, name = machine.kubectl, machine.cid
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    path = f"/api/v1/namespaces/{kubectl.namespace}/pods/{name}/eviction"
    try:
        return kubectl.run("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))
    except KubectlError as error:
        return str(error)


def test_a_drain_takes_one_machine_of_a_group_at_a_time(group: list[Machine], director: Cpi) -> None:
    first, second = group

    def budgets() -> list[dict[str, Any]]:
        return first.kubectl.list("poddisruptionbudgets", f"cpi.bosh.io/director={director.director}")

    eventually(
        lambda: [b["status"].get("disruptionsAllowed") for b in budgets()] == [1],
        within=30,
        what="the group's budget lets one go",
    )
    assert "Success" in evict(first)
    first.wait("RootLost")
    assert "disruption budget" in evict(second)

    first.cpi("delete_vm", first.cid)
    eventually(lambda: "Success" in evict(second), within=30, what="what is left of the group may go")
    second.cpi("delete_vm", second.cid)
    eventually(lambda: budgets() == [], within=30, what="the budget goes with its group")


def test_a_disk_is_made_where_its_machine_is_and_takes_the_next_machine_there(
    machine: Machine, make: Callable[..., Machine], block_class: str, workers: tuple[Node, Node],
    refused: Callable[..., str],
) -> None:  # fmt: skip
    second = workers[1].name
    disk = machine.plug(storage_class=block_class)
    terms = volume_of(disk, machine)["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert [term["matchExpressions"][0]["values"] for term in terms] == [[second]]
    machine.cpi("detach_disk", machine.cid, disk)

    next_one = make(disk_cids=(disk,))
    assert node_of(next_one) == second
    next_one.cpi("attach_disk", next_one.cid, disk)
    assert next_one.disk(disk)["phase"] == "Attached"

    said = refused(zone="zone-1", disk_cids=(disk,))
    assert "zone zone-1" in said
    assert disk in said


@pytest.fixture
def refused(make: Callable[..., Machine], director: Cpi, leftovers: Callable[[str], list[str]]) -> Callable[..., str]:
    """The message of a create_vm that finds no node, of which nothing may be left."""

    def call(**wishes: Any) -> str:
        before = set(leftovers(director.director))
        with pytest.raises(CpiCallError) as failure:
            make(**wishes)
        assert failure.value.type == "Bosh::Clouds::VMCreationFailed"
        assert failure.value.ok_to_retry
        assert "Unschedulable" in failure.value.message
        eventually(lambda: set(leftovers(director.director)) <= before, within=60, what="nothing of it is left")
        return failure.value.message

    return call


@pytest.mark.parametrize(
    ("wish", "named"), [({"node": "no-such-node"}, "node no-such-node"), ({"zone": "x"}, "zone x")]
)
def test_what_no_node_can_give_is_named(refused: Callable[..., str], wish: dict[str, str], named: str) -> None:
    said = refused(**wish)
    assert named in said
    assert "nodes are available" in said
