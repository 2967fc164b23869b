"""The real operator's process is killed at any of its changes: the next one finishes the work, no disk is harmed.

It runs as a process of this machine, as no moment of the Pod's could be named (tests/support/faults/victim.py).
"""

import itertools
import random
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.support.cluster.cpi import Cpi
from tests.support.cluster.installation import Installation, Operator
from tests.support.cluster.machines import Machine
from tests.support.cluster.node import Node
from tests.support.cluster.wait import eventually, together
from tests.support.faults.points import SEED
from tests.support.faults.proxy import Proxy
from tests.support.faults.victim import Victim

NETWORKS = {"default": {"type": "dynamic", "cloud_properties": {}, "default": ["dns", "gateway"]}}
GROUP = {"bosh": {"group": "of-the-killed"}}  # has a budget, which is the operator's to make
FEWEST = {"create_vm": 2, "attach_disk": 2, "reboot_vm": 2, "detach_disk": 2, "delete_vm": 2}  # changes, at least


@pytest.fixture(scope="module")
def victim(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """In the place of the installation's operator."""
    server = installation.config()["kubernetes"]
    operator = Operator(system=installation.system, machines=installation.machines)
    folder = tmp_path_factory.mktemp("victim")
    with (
        operator.stopped(),
        Proxy(server["server"], server["ca"]) as proxy,
        Victim(proxy, installation, folder) as victim,
    ):
        yield victim


@pytest.fixture
def owner(new_cpi: Callable[..., Cpi], installation: Installation) -> Iterator[Cpi]:
    """A CPI whose machines and disks go at the end."""
    cpi = new_cpi(str(uuid.uuid4()))
    yield cpi
    for kind, method in (("virtualmachines.cpi.bosh.io", "delete_vm"), ("pvc", "delete_disk")):
        found = installation.machines.list(kind, f"cpi.bosh.io/director={cpi.director}")
        together(*(partial(cpi, method, one["metadata"]["name"]) for one in found))


class Life:
    """One machine and one disk, from create_vm to delete_vm. `plan`: method -> number of the change to die at."""

    def __init__(self, victim: Victim, cpi: Cpi, installation: Installation, node: Node) -> None:
        self._victim, self._cpi, self._node = victim, cpi, node
        self._installation = installation
        self.points: list[str] = []

    def run(self, stemcell: str, plan: dict[str, tuple[int, bool]], leftovers: Callable[[str], list[str]]) -> None:
        cpi, budgets = self._cpi, self._budgets()
        cid, _ = self._survive(plan, "create_vm", str(uuid.uuid4()), stemcell, {}, NETWORKS, [], GROUP)
        machine = Machine(cid, cpi, self._installation.machines, self._node, "")
        machine.wait("Running")
        assert machine.identity().restarts == 0
        assert machine.boots() == 1
        disk = cpi("create_disk", 64, {}, cid)
        claim = self._claim(disk)

        self._survive(plan, "attach_disk", cid, disk)
        self._assert_mounted_once(machine, disk)

        self._survive(plan, "reboot_vm", cid)
        machine.wait_booted(2)
        assert machine.boots() == 2
        self._assert_mounted_once(machine, disk)

        self._survive(plan, "detach_disk", cid, disk)
        assert cpi("get_disks", cid) == []
        assert machine.kubectl.get("pod", disk) is None
        assert self._mounts(machine, disk) == [0, 0]

        self._survive(plan, "delete_vm", cid)
        assert cpi("has_vm", cid) is False
        assert self._claim(disk) == claim
        cpi("delete_disk", disk)
        eventually(lambda: leftovers(cpi.director) == [], within=60, what="nothing of the Director is left")
        eventually(lambda: self._budgets() == budgets, within=60, what="the group's budget went with its last machine")

    def _survive(self, plan: dict[str, tuple[int, bool]], method: str, *arguments: Any) -> Any:
        """The result of a call during which the operator dies, and the next one starts."""
        number, after = plan[method]
        self._victim.kill_at(number, after=after)
        call = self._cpi.start(method, *arguments)
        what = f"{method} ends, or the operator does"
        eventually(lambda: self._victim.killed_at or call.poll() is not None, within=120, what=what, every=0.1)
        self._victim.spare()
        if self._victim.killed_at:
            self._victim.start()
            self.points.append(f"{method}: {'after' if after else 'before'} {self._victim.killed_at} ({number + 1})")
        return self._cpi.finish(call, method)

    def _assert_mounted_once(self, machine: Machine, disk: str) -> None:
        assert machine.disk(disk)["phase"] == "Attached"
        assert self._mounts(machine, disk) == [1, 1]

    def _mounts(self, machine: Machine, disk: str) -> list[int]:
        """How often the disk is mounted where machines have it: in the guest, and on the node."""
        guest = machine.guest("cut -d' ' -f5 /proc/self/mountinfo").split()
        node = self._node.sh("cut -d' ' -f5 /proc/1/mountinfo").split()
        return [guest.count(f"/warden-cpi-dev/{disk}"), len([one for one in node if one.endswith(f"/disks/{disk}")])]

    def _budgets(self) -> list[str]:
        return [one["metadata"]["name"] for one in self._installation.machines.list("poddisruptionbudgets")]

    def _claim(self, disk: str) -> str:
        claim = self._installation.machines.get("pvc", disk)
        assert claim is not None
        uid: str = claim["metadata"]["uid"]
        return uid


@pytest.fixture
def life(victim: Victim, owner: Cpi, installation: Installation, node: Node) -> Life:
    return Life(victim, owner, installation, node)


def test_killed_at_a_change_of_each_call(
    life: Life, stemcell: str, leftovers: Callable[[str], list[str]], record_property: Callable
) -> None:
    luck = random.Random(SEED)
    plan = {method: (luck.randrange(fewest), luck.random() < 0.5) for method, fewest in FEWEST.items()}
    life.run(stemcell, plan, leftovers)

    record_property("fault points of the operator on the cluster", len(life.points))
    record_property("FAULT_SEED", SEED)
    assert len(life.points) == len(plan), (plan, life.points)


@pytest.mark.full
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_each_change_of_each_call(
    life: Life, stemcell: str, leftovers: Callable[[str], list[str]], after: bool, record_property: Callable
) -> None:
    for number in itertools.count():
        before = len(life.points)
        life.run(stemcell, dict.fromkeys(FEWEST, (number, after)), leftovers)
        if len(life.points) == before:
            break

    record_property("fault points of the operator on the cluster", len(life.points))
    assert len(life.points) > sum(FEWEST.values())
