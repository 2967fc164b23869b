"""Which things are orphans, and which of these are in use."""

from datetime import datetime, timezone

import pytest

from bosh_kubernetes_api import claims, machine, names, reasons, snapshots, stemcells
from bosh_kubernetes_cpi.tool.orphans.find import Things, find, is_empty, owners, strangers
from bosh_kubernetes_cpi.tool.orphans.guests import IDLE

CONDITIONS = ("GuestRunning", "Ready")
NOW = datetime(2026, 1, 3, tzinfo=timezone.utc)
IMAGE = "r/s@sha256:" + "0" * 64
SHAPE = {"resources": {"cpu": "1", "memory": "1Gi", "ephemeralDisk": "1Gi"}}


def made(body: dict, **metadata: object) -> dict:
    body["metadata"] |= {"uid": body["metadata"]["name"], "creationTimestamp": "2026-01-01T00:00:00Z", **metadata}
    return body


def vm(director: str, reason: str = "Stopped", cid: str = "vm-1") -> dict:
    stemcell = names.stemcell_cid(IMAGE)
    body = machine.virtual_machine(
        cid, director=director, agent_id="a", stemcell=stemcell, image=IMAGE, pull_secrets=[], shape=SHAPE
    )
    off = reasons.GUEST_OFF if reason == "Stopped" else ""
    conditions = [{"type": kind, "status": "False", "reason": reason, "message": off} for kind in CONDITIONS]
    body["spec"]["power"] = "Stopped" if off else "Running"
    body["status"] = {
        "observedGeneration": 3,
        "printableStatus": reasons.MACHINE[reason],
        "conditions": conditions,
    }
    return made(body, generation=3)


def stemcell(*users: str, form: str = "light") -> dict:
    body = stemcells.build(IMAGE, director="", form=form, pull_secrets=[])
    body["spec"]["users"] = [{"director": user} for user in users]
    return made(body)


def things(machines=(), claims=(), snapshots=(), stemcells=()) -> Things:
    return Things(list(machines), list(claims), list(snapshots), list(stemcells))


def kept(found: Things, *directors: str, min_age: int = 60, serves: bool = True) -> dict[str, str]:
    """Why each orphan is kept. `serves`: whether the configured registry has the stemcells' images."""
    orphans = find(found, directors or ("d",), now=NOW, min_age=min_age, serves=lambda image: serves)
    return {orphan.cid: orphan.keeps for orphan in orphans}


@pytest.mark.parametrize("reason", sorted(reasons.MACHINE))
def test_a_machine_is_in_use_unless_no_guest_of_it_can_run(reason) -> None:
    assert kept(things([vm("other", reason)])) == {"vm-1": "" if reason in IDLE else "in use"}


def test_reasons_with_which_no_guest_runs_are_those_that_there_are() -> None:
    assert set(reasons.MACHINE) >= IDLE
    assert not IDLE & {"Running", "NodeUnreachable", "Rebooting", "Paused", "DiskLost", "Terminating", "GuestCrashing"}


def test_a_machine_without_a_word_of_an_operator_is_in_use() -> None:
    body = vm("other")
    del body["status"]

    assert kept(things([body])) == {"vm-1": "in use"}


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"power": "Running"}},
        {"spec": {"paused": True}},
        {"metadata": {"generation": 4}},
        {"status": {"conditions": []}},
        {"GuestRunning": {"status": "True"}},
        {"GuestRunning": {"status": "Unknown"}},
        {"Ready": {"message": "the guest was told to stop"}},
        {"Ready": {"message": "the guest is stopping"}},
    ],
    ids=str,
)
def test_a_machine_that_is_merely_stopping_or_may_start_is_in_use(change) -> None:
    body = vm("other")
    assert kept(things([body])) == {"vm-1": ""}
    for where, values in change.items():
        part = body[where] if where in body else next(c for c in body["status"]["conditions"] if c["type"] == where)
        part |= values

    assert kept(things([body])) == {"vm-1": "in use"}


def test_the_operator_says_that_a_guest_is_off_in_these_words_only_when_it_is() -> None:
    from bosh_kubernetes_operator.machine.state import Guest, Observed
    from bosh_kubernetes_operator.machine.status import compute

    def said(state: str, power: str) -> str:
        body = vm("d")
        del body["status"]
        guest = Guest(state, 9, 1, 0, "", "", (), "", {}, power)
        pod = {
            "metadata": {"name": "vm-1", "uid": "1"},
            "spec": {"nodeName": "n"},
            "status": {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]},
        }
        status = compute(Observed(vm=body, now=NOW, settings=True, pod=pod, guest=guest, nodes={}), {})
        return str(machine.condition({"status": status}, "Ready")["message"])

    assert said("stopped", "off") == reasons.GUEST_OFF
    assert reasons.GUEST_OFF not in {said("running", "off"), said("stopping", "off"), said("running", "on")}


def test_case_and_blanks_of_a_uuid_do_not_matter() -> None:
    assert kept(things([vm("abc-1")]), " ABC-1\r\n") == {}


def test_directors_that_own_nothing_are_told() -> None:
    there = things([vm("one")], stemcells=[stemcell("two")])

    assert owners(there) == {"one", "two"}
    assert strangers(there, ["ONE", "two ", "three", "four"]) == ["three", "four"]


def test_a_heavy_stemcell_stays_with_its_image_where_its_registry_is_not_known() -> None:
    cid, why = names.stemcell_cid(IMAGE), "needs --config with its registry"

    assert kept(things(stemcells=[stemcell("other", form="heavy")]), serves=False) == {cid: why}
    assert kept(things(stemcells=[stemcell("other", form="heavy")])) == {cid: ""}
    assert kept(things(stemcells=[stemcell("other")]), serves=False) == {cid: ""}


def test_the_last_machine_of_a_heavy_stemcell_that_would_go_with_it_stays_too() -> None:
    cid, why = names.stemcell_cid(IMAGE), "needs --config with its registry"

    found = kept(things([vm("other")], stemcells=[stemcell(form="heavy")]), serves=False)

    assert found == {"vm-1": f"its stemcell goes with it, and {why}", cid: "in use"}
    used = kept(things([vm("other")], stemcells=[stemcell("d", form="heavy")]), serves=False)
    assert used == {"vm-1": ""}


def test_a_director_whose_uuid_is_no_label_value_owns_by_its_stand_in() -> None:
    strange = "uuid with spaces"

    assert kept(things([vm(strange)]), strange) == {}
    assert kept(things([vm(strange)])) == {"vm-1": ""}


def test_a_disk_of_any_machine_is_in_use_even_of_an_orphan() -> None:
    holder = vm("other")
    holder["spec"]["disks"] = [{"cid": "disk-1"}]
    leaving = vm("d", cid="vm-2")
    leaving["status"]["disks"] = [{"cid": "disk-2", "phase": "Detaching"}]
    coming = vm("d", cid="vm-3")
    coming["spec"]["machine"]["placement"] = {"disks": ["disk-3"]}
    disks = [made(claims.claim(f"disk-{n}", director="other", size=1)) for n in (1, 2, 3, 4)]

    found = kept(things([holder, leaving, coming], disks))

    assert found == {"vm-1": "", "disk-1": "in use", "disk-2": "in use", "disk-3": "in use", "disk-4": ""}


def test_claims_and_snapshots_of_somebody_else_are_nothing_of_ours() -> None:
    claim = made({"metadata": {"name": "data", "labels": {}}, "spec": {"resources": {"requests": {"storage": "1Gi"}}}})
    snapshot = made({"metadata": {"name": "backup"}, "spec": {}})

    assert kept(things(claims=[claim], snapshots=[snapshot])) == {}
    assert is_empty(things(claims=[claim], snapshots=[snapshot]))
    assert not is_empty(things(stemcells=[stemcell()]))


def test_a_snapshot_that_a_claim_is_filled_from_is_in_use() -> None:
    taken = made(snapshots.snapshot("snapshot-1", director="other", disk_cid="x", snapshot_class="c", metadata={}))
    source = {"kind": "VolumeSnapshot", "name": "snapshot-1"}
    claim = {"metadata": {"name": "restored"}, "spec": {"dataSource": source}}

    assert kept(things(claims=[claim], snapshots=[taken])) == {"snapshot-1": "in use"}
    claim["status"] = {"phase": "Bound"}
    assert kept(things(claims=[claim], snapshots=[taken])) == {"snapshot-1": ""}


def test_a_stemcell_is_owned_by_any_of_its_users_and_used_by_any_machine() -> None:
    cid = names.stemcell_cid(IMAGE)

    assert kept(things(stemcells=[stemcell("other", "d")])) == {}
    assert kept(things(stemcells=[stemcell("other")])) == {cid: ""}
    assert kept(things(stemcells=[stemcell()])) == {cid: ""}
    assert kept(things([vm("d", "Running")], stemcells=[stemcell("other")])) == {cid: "in use"}


@pytest.mark.parametrize(
    ("created", "min_age", "expected"),
    [
        ("2026-01-02T23:00:01Z", 60, "younger than 60 minutes"),
        ("2026-01-02T23:00:00Z", 60, ""),
        ("2026-01-02T23:59:59Z", 0, ""),
        ("", 60, "younger than 60 minutes"),
    ],
)
def test_age_decides_for_what_nothing_uses(created, min_age, expected) -> None:
    disk = made(claims.claim("disk-1", director="other", size=1), creationTimestamp=created)

    assert kept(things(claims=[disk]), min_age=min_age) == {"disk-1": expected}


def test_what_is_being_deleted_is_left_to_who_does_it() -> None:
    disk = made(claims.claim("disk-1", director="other", size=1), deletionTimestamp="2026-01-01T00:00:00Z")

    assert kept(things(claims=[disk])) == {"disk-1": "is being deleted"}


def test_what_the_methods_would_not_take_for_a_cid_is_not_said_to_be_deleted() -> None:
    """They answer success for a name that is none of theirs, and leave the thing alone."""
    taken = made(snapshots.snapshot("my.backup", director="other", disk_cid="x", snapshot_class="c", metadata={}))

    assert kept(things([vm("other", cid="my.vm")], snapshots=[taken])) == {
        "my.vm": "its name is no CID: kubectl deletes it",
        "my.backup": "its name is no CID: kubectl deletes it",
    }
