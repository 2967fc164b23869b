"""The PodDisruptionBudget of an instance group: as large as the group, changed in place, gone with it."""

import pytest

from bosh_kubernetes_api import names
from bosh_kubernetes_operator.group import budget
from bosh_kubernetes_operator.group.reconcile import GroupReconciler
from bosh_kubernetes_operator.machine.pod import GROUP, labels
from bosh_kubernetes_operator.queue import Again
from tests.unit.operator.things import Object, vm

NATS = "group/director-1/nats"


def member(name: str, group: str = "nats", director: str = "director-1", **metadata: str) -> Object:
    own = {names.DIRECTOR: director} if director else {}
    return vm(
        machine={"placement": {"group": group}},
        metadata={"name": name, "uid": f"uid-{name}", "labels": own, **metadata},
    )


class Cluster:
    """Stand-in for the API server: VirtualMachines, and budgets that are written as the operator asks."""

    def __init__(self, *machines: Object) -> None:
        self.machines = list(machines)
        self.budgets: dict[str, Object] = {}
        self.wrote: list[str] = []

    async def list(self, kind: str) -> list[Object]:
        assert kind == "VirtualMachine"
        return self.machines

    async def get(self, kind: str, name: str) -> Object | None:
        assert kind == "PodDisruptionBudget"
        return self.budgets.get(name)

    async def create(self, kind: str, body: Object) -> None:
        self.wrote.append("create")
        self.budgets[body["metadata"]["name"]] = body | {
            "metadata": body["metadata"] | {"uid": "uid-budget", "resourceVersion": "1"}
        }

    async def merge(self, kind: str, name: str, body: Object) -> None:
        self.wrote.append("patch")
        found = self.budgets[name]
        assert body["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]
        self.budgets[name] = found | {"metadata": found["metadata"] | body["metadata"], "spec": body["spec"]}

    async def delete(self, kind: str, name: str, uid: str) -> None:
        assert self.budgets[name]["metadata"]["uid"] == uid
        self.wrote.append("delete")
        del self.budgets[name]


@pytest.mark.parametrize(
    ("machine", "key"),
    [
        (vm(), ""),
        (vm(machine={"placement": None}), ""),
        (member("vm-1", ""), ""),
        (member("vm-1"), NATS),
        (member("vm-1", director=""), "group//nats"),
    ],
)
def test_group_of_a_machine(machine: Object, key: str) -> None:
    assert budget.key(machine) == key


def test_a_group_s_name_may_be_no_label() -> None:
    key = budget.key(member("vm-1", "a name/with everything " * 9))
    assert len(key) < 100
    assert all(map(names.is_label_value, budget.selector(key).values()))


def test_it_selects_the_pods_of_the_group_and_no_others() -> None:
    for director in ("director-1", ""):
        machine = member("vm-1", director=director)
        made = budget.build(budget.key(machine), [machine])
        assert made is not None
        asked = made["spec"]["selector"]["matchLabels"]
        assert asked.items() <= labels(machine, names.ROLE_MACHINE, group="nats").items()
        assert asked[GROUP] == "nats"
        assert not asked.items() <= labels(machine, names.ROLE_ATTACHMENT).items()
    others = (member("vm-1"), member("vm-1", "web"), member("vm-1", director="director-2"))
    made_for = [budget.build(budget.key(machine), [machine]) for machine in others]
    assert len({made and made["metadata"]["name"] for made in made_for}) == len(others)


@pytest.mark.parametrize(
    ("machines", "at_least"),
    [
        ([], None),
        ([member("vm-9", "web"), member("vm-8", director="director-2"), vm()], None),
        ([member("vm-1", deletionTimestamp="T")], None),
        ([member("vm-1")], 0),
        ([member("vm-1"), member("vm-2"), member("vm-3")], 2),
        ([member("vm-1"), member("vm-2"), member("vm-3", deletionTimestamp="T"), member("vm-4", "web")], 1),
    ],
)
def test_all_but_one_stay(machines: list[Object], at_least: int | None) -> None:
    made = budget.build(NATS, machines)
    assert (made and made["spec"]["minAvailable"]) == at_least
    if made:
        owners = [reference["name"] for reference in made["metadata"]["ownerReferences"]]
        assert len(owners) == made["spec"]["minAvailable"] + 1
        assert not any("controller" in reference for reference in made["metadata"]["ownerReferences"])


async def test_it_follows_its_group_in_place_and_goes_with_it() -> None:
    cluster = Cluster(member("vm-2"))
    look = GroupReconciler(cluster)  # type: ignore[arg-type]
    assert await look(NATS) is Again.SETTLED
    cluster.machines.append(member("vm-1"))
    assert await look(NATS) is Again.SETTLED
    cluster.machines.reverse()
    assert await look(NATS) is Again.SETTLED  # the order says nothing
    assert cluster.wrote == ["create", "patch"]
    (made,) = cluster.budgets.values()
    assert made["spec"]["minAvailable"] == 1
    assert [reference["uid"] for reference in made["metadata"]["ownerReferences"]] == ["uid-vm-1", "uid-vm-2"]

    cluster.machines.pop()
    await look(NATS)
    cluster.machines.clear()
    assert await look(NATS) is Again.GONE
    assert await look(NATS) is Again.GONE
    assert cluster.wrote == ["create", "patch", "patch", "delete"]
