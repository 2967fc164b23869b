"""Which machines an event makes the operator look at."""

import pytest

from bosh_kubernetes_api import names
from bosh_kubernetes_operator import rbac, wiring
from bosh_kubernetes_operator.wiring import Watcher
from tests.unit.operator.things import vm


class Names(list):
    def taken(self) -> list[str]:
        found, self[:] = sorted(self), []
        return found


def thing(name: str, **labels: str) -> dict:
    return {"metadata": {"name": name, "labels": names.labels(labels.pop("role"), **labels)}}


@pytest.mark.parametrize(
    ("seen", "looked_at"),
    [
        (thing("vm-2", role="machine", machine="vm-2"), ["vm-2"]),
        (thing("vm-2", role="settings"), ["vm-2"]),
        (thing("vm-2-root", role="root", machine="vm-2"), ["vm-2"]),
        (thing("ip-10-0-0-1", role="address", machine="vm-2"), ["vm-2"]),
        (thing("disk-1", role="disk"), ["vm-1"]),
        (thing("disk-9", role="disk"), []),
        # The lock on a disk is free again: whoever waits for the disk has to know.
        (thing("disk-1", role="attachment", machine="vm-2", disk="disk-1"), ["vm-1", "vm-2"]),
    ],
)
def test_a_thing_wakes_its_machine_and_those_that_wait_for_it(seen, looked_at) -> None:
    found = Names()
    watcher = Watcher(found.append)
    watcher.machine("ADDED", vm(disks=("disk-1",)))
    found.clear()
    watcher.thing("MODIFIED", seen)
    assert found.taken() == looked_at


def test_a_machine_is_looked_at_for_what_others_changed_not_for_its_status() -> None:
    found = Names()
    watcher = Watcher(found.append)
    watcher.machine(None, vm())
    assert found.taken() == ["vm-1"]
    watcher.machine("MODIFIED", vm(status={"printableStatus": "Running"}))
    assert found.taken() == []
    watcher.machine("MODIFIED", vm(metadata={"generation": 4}))
    assert found.taken() == ["vm-1"]
    watcher.machine("MODIFIED", vm(metadata={"generation": 4, "deletionTimestamp": "t"}))
    assert found.taken() == ["vm-1"]
    watcher.machine(None, vm(metadata={"generation": 4, "deletionTimestamp": "t"}))  # listed again
    assert found.taken() == ["vm-1"]
    watcher.machine("DELETED", vm())
    assert found.taken() == ["vm-1"]


def test_a_group_is_looked_at_when_it_has_a_machine_more_or_less() -> None:
    def member(type_: str | None, **metadata: object) -> list[str]:
        found = Names()
        watcher._add = found.append
        watcher.machine(type_, vm(machine={"placement": {"group": "nats"}}, metadata=metadata))
        return [key for key in found.taken() if key.startswith("group/")]

    watcher, group = Watcher(print), ["group/director-1/nats"]
    assert member(None) == group  # listed at the start
    assert member("MODIFIED", generation=4) == []
    assert member("MODIFIED", generation=5, deletionTimestamp="t") == group
    assert member("MODIFIED", generation=5, deletionTimestamp="t") == []
    assert member("DELETED", generation=5, deletionTimestamp="t") == group
    assert member("ADDED") == group


def test_a_disk_that_is_not_wanted_any_more_wakes_nobody() -> None:
    found = Names()
    watcher = Watcher(found.append)
    watcher.machine("ADDED", vm(disks=("disk-1",)))
    watcher.machine("MODIFIED", vm(metadata={"generation": 4}))
    found.clear()
    watcher.thing("MODIFIED", thing("disk-1", role="disk"))
    assert found.taken() == []


GROWTH = thing("disk-1", role="growth", disk="disk-1")
PENDING = {"conditions": [{"type": "FileSystemResizePending", "status": "True"}]}


def test_a_disk_is_looked_at_while_it_grows_and_once_afterwards() -> None:
    found = Names()
    watcher = Watcher(found.append)
    quiet, grows = thing("disk-1", role="disk"), thing("disk-1", role="disk") | {"status": PENDING}
    attachment = thing("disk-1", role="attachment", machine="vm-2", disk="disk-1")
    for type_, seen, looked_at in (
        ("ADDED", quiet, []),
        ("DELETED", attachment, ["vm-2"]),
        (None, grows, ["disk/disk-1"]),
        ("DELETED", attachment, ["disk/disk-1", "vm-2"]),  # the lock is free: it can be mounted
        ("MODIFIED", quiet, ["disk/disk-1"]),
        ("MODIFIED", quiet, []),
        ("MODIFIED", grows, ["disk/disk-1"]),
        ("DELETED", grows, ["disk/disk-1"]),
        ("MODIFIED", quiet, []),
    ):
        watcher.thing(type_, seen)
        assert found.taken() == looked_at


def test_a_pod_that_mounts_a_disk_for_its_growth_wakes_the_disk_and_who_waits_for_it() -> None:
    found = Names()
    watcher = Watcher(found.append)
    watcher.thing(None, GROWTH)  # left by an operator before
    assert found.taken() == ["disk/disk-1"]
    watcher.machine("ADDED", vm(disks=("disk-1",)))
    found.clear()
    watcher.thing("DELETED", GROWTH)
    assert found.taken() == ["disk/disk-1", "vm-1"]


def test_all_that_is_watched_may_be_listed_and_watched() -> None:
    allowed = {rule.resource: set(rule.verbs) for rule in rbac.ROLE}
    for plural in (*wiring.WATCHED, names.MACHINES):
        assert {"list", "watch"} <= allowed[plural]


def test_rules_are_sorted_and_each_named_once() -> None:
    for rules in (rbac.ROLE, rbac.CLUSTER_ROLE):
        keys = [(rule.group, rule.resource) for rule in rules]
        assert keys == sorted(set(keys))
        assert all(list(rule.verbs) == sorted(set(rule.verbs)) for rule in rules)


def test_the_operator_reads_no_secret_and_changes_nothing_of_the_cluster() -> None:
    assert "secrets" not in {rule.resource for rule in (*rbac.ROLE, *rbac.CLUSTER_ROLE)}
    assert all(set(rule.verbs) <= {"get", "list", "watch"} for rule in rbac.CLUSTER_ROLE)
