"""Snapshots as a caller sees them: VolumeSnapshots that outlive their disk and that only delete_snapshot deletes."""

import json
import sys

import pytest

from tests.component.conftest import NAMESPACE, snapshot_class
from tests.support.cpi_process import COMMAND, CallError
from tests.support.fakeapi.sidecars import DRIVER

METADATA = {"deployment": "cf", "job": "db", "index": 0, "director_name": "my/bosh", "agent_id": "a-1"}


@pytest.fixture
def disk(api, cpi, sidecars):
    """One with a volume."""
    cid = cpi("create_disk", 1024, {}, None)
    bound(api, cid)
    return cid


def bound(api, cid) -> None:
    def there() -> bool:
        return api.store.get("PersistentVolumeClaim", NAMESPACE, cid).get("status", {}).get("phase") == "Bound"

    with api.store.changed:
        assert api.store.changed.wait_for(there, 20)


@pytest.fixture
def attached(cpi, create_vm, disk):
    """The machine that has it."""
    vm = create_vm()
    cpi("attach_disk", vm, disk)
    return vm


@pytest.fixture
def default(api) -> str:
    api.store.create("VolumeSnapshotClass", "", snapshot_class("usual", default=True))
    return "usual"


def found(api, cid):
    return api.store.get("VolumeSnapshot", NAMESPACE, cid)


def test_snapshot_is_ready_when_it_is_answered_and_keeps_its_metadata(api, cpi, disk, default) -> None:
    cid = cpi("snapshot_disk", disk, METADATA)
    snapshot = found(api, cid)

    assert cid.startswith("snapshot-")
    assert snapshot["status"]["readyToUse"] is True
    assert snapshot["spec"] == {"source": {"persistentVolumeClaimName": disk}, "volumeSnapshotClassName": default}
    assert json.loads(snapshot["metadata"]["annotations"]["cpi.bosh.io/metadata"]) == METADATA
    labels = snapshot["metadata"]["labels"]
    assert labels["cpi.bosh.io/director"] == cpi.director
    assert labels["cpi.bosh.io/disk"] == disk
    assert labels["cpi.bosh.io/role"] == "snapshot"
    assert labels["bosh.io/index"] == "0"
    assert "bosh.io/director_name" not in labels, "no label value"


def test_every_snapshot_is_another_one_and_each_is_deleted_alone(api, cpi, disk, default, ours) -> None:
    first, second = cpi("snapshot_disk", disk, {}), cpi("snapshot_disk", disk, None)
    assert first != second
    cpi("delete_snapshot", first)

    assert ours() == [f"PersistentVolumeClaim/{disk}", f"VolumeSnapshot/{second}"]
    cpi("delete_snapshot", first)
    cpi("delete_snapshot", "junk/../x")


def test_snapshot_outlives_its_disk(api, cpi, disk, default) -> None:
    cid = cpi("snapshot_disk", disk, {})
    cpi("delete_disk", disk)

    assert "ownerReferences" not in found(api, cid)["metadata"]
    assert found(api, cid)["status"]["readyToUse"] is True
    cpi("delete_snapshot", cid)


def test_disk_names_the_class_of_its_snapshots(api, cpi, sidecars, default) -> None:
    api.store.create("VolumeSnapshotClass", "", snapshot_class("kept"))
    disk = cpi("create_disk", 1, {"snapshot_class": "kept"}, None)
    bound(api, disk)

    assert found(api, cpi("snapshot_disk", disk, {}))["spec"]["volumeSnapshotClassName"] == "kept"


def test_disk_with_an_unknown_class_is_not_made(api, cpi, ours, default) -> None:
    with pytest.raises(CallError, match=r"no VolumeSnapshotClass 'other'.*usual"):
        cpi("create_disk", 1, {"snapshot_class": "other"}, None)
    without_kinds(api)
    with pytest.raises(CallError, match="the cluster has no snapshots"):
        cpi("create_disk", 1, {"snapshot_class": "usual"}, None)
    assert ours() == []


def without_kinds(api) -> None:
    """As a cluster in which nobody has installed them."""
    del api.store.kinds["VolumeSnapshot"], api.store.kinds["VolumeSnapshotClass"]


def make(api, *classes) -> None:
    for one in classes:
        api.store.create("VolumeSnapshotClass", "", one)


# Classes of the cluster; the answer's type and words.
CLASSES = [
    ([], "NotImplemented", "there are: none"),
    ([snapshot_class("a")], "NotImplemented", "there are: a"),
    ([snapshot_class("a", default=True, driver="other.example.com")], "NotImplemented", f"driver {DRIVER}"),
    ([snapshot_class("b", default=True), snapshot_class("a", default=True)], "CloudError", "several.* a, b;"),
]


@pytest.mark.parametrize(("classes", "kind", "words"), CLASSES)
def test_without_one_class_there_is_no_snapshot(api, cpi, disk, ours, classes, kind, words) -> None:
    make(api, *classes)
    with pytest.raises(CallError, match=words) as failure:
        cpi("snapshot_disk", disk, {})

    assert failure.value.type == f"Bosh::Clouds::{kind}"
    assert ours() == [f"PersistentVolumeClaim/{disk}"]


def test_a_named_class_of_another_driver_or_that_went_is_an_error(api, cpi, sidecars) -> None:
    make(api, snapshot_class("far", driver="other.example.com"))
    disk = cpi("create_disk", 1, {"snapshot_class": "far"}, None)
    bound(api, disk)
    with pytest.raises(CallError, match=r"other\.example\.com, the disk of csi\.example\.com") as failure:
        cpi("snapshot_disk", disk, {})
    assert failure.value.type == "Bosh::Clouds::CloudError"
    api.store.delete("VolumeSnapshotClass", "", "far")
    with pytest.raises(CallError, match="no VolumeSnapshotClass 'far'"):
        cpi("snapshot_disk", disk, {})


def test_in_a_cluster_without_snapshots_taking_is_not_implemented_and_deleting_is_done(api, cpi, disk) -> None:
    without_kinds(api)
    with pytest.raises(CallError, match="not installed") as failure:
        cpi("snapshot_disk", disk, {})

    assert failure.value.type == "Bosh::Clouds::NotImplemented"
    assert cpi("delete_snapshot", "snapshot-1") is None


def test_a_404_that_is_not_the_api_server_s_word_deletes_nothing(api, cpi) -> None:
    """A snapshot must not pass for gone because the CPI was pointed at something else."""
    api.fault("GET", "/volumesnapshots/", status=404, body={"message": "nothing here"})
    with pytest.raises(CallError, match=r"kubernetes\.server"):
        cpi("delete_snapshot", "snapshot-1")


def test_disks_that_have_nothing_to_snapshot(api, cpi, default, ours) -> None:
    with pytest.raises(CallError) as failure:
        cpi("snapshot_disk", "disk-unknown", {})
    assert failure.value.type == "Bosh::Clouds::DiskNotFound"

    disk = cpi("create_disk", 1, {}, None)
    with pytest.raises(CallError, match="has no volume yet"):
        cpi("snapshot_disk", disk, {})
    lost = {"status": {"phase": "Lost"}}
    api.store.merge_patch("PersistentVolumeClaim", NAMESPACE, disk, lost, status=True)
    with pytest.raises(CallError, match="Lost"):
        cpi("snapshot_disk", disk, {})
    assert ours() == [f"PersistentVolumeClaim/{disk}"]


def test_a_snapshot_that_is_not_ours_stays(api, cpi) -> None:
    body = {
        "apiVersion": "snapshot.storage.k8s.io/v1",
        "kind": "VolumeSnapshot",
        "metadata": {"name": "by-hand"},
        "spec": {"source": {"persistentVolumeClaimName": "x"}},
    }
    api.store.create("VolumeSnapshot", NAMESPACE, body)
    with pytest.raises(CallError, match="none of BOSH"):
        cpi("delete_snapshot", "by-hand")
    assert found(api, "by-hand")


def test_lost_answer_of_the_creation_leaves_one_snapshot(api, cpi, disk, default, ours) -> None:
    api.fault("POST", "/volumesnapshots$", status=0, after=True)
    cid = cpi("snapshot_disk", disk, {})

    assert ours() == [f"PersistentVolumeClaim/{disk}", f"VolumeSnapshot/{cid}"]


def test_what_the_machine_has_written_is_flushed_before_the_storage_takes_the_disk(
    api, cpi, operator, attached, disk, default
) -> None:
    def snapshot() -> str:
        return cpi("snapshot_disk", disk, {})

    snapshot()
    made = [(seen.method, seen.path.rpartition("/")[2]) for seen in api.seen if seen.method in ("PATCH", "POST")]
    snapshot()
    cpi("detach_disk", attached, disk)
    snapshot()

    assert made[-2:] == [("PATCH", attached), ("POST", "volumesnapshots")]
    assert operator.flushed == [disk, disk], "each time anew, and not of a disk that no machine has"


def test_a_disk_that_is_refused_to_a_machine_needs_no_flush(api, cpi, create_vm, operator, disk, default) -> None:
    operator.disk_reasons[disk] = ("Failed", "PodRefused", "no")
    vm = create_vm()
    api.store.merge_patch("VirtualMachine", NAMESPACE, vm, {"spec": {"disks": [{"cid": disk}]}})
    with api.store.changed:
        known = lambda: api.store.get("VirtualMachine", NAMESPACE, vm)["status"].get("disks")  # noqa: E731
        assert api.store.changed.wait_for(known, 20)

    assert cpi("snapshot_disk", disk, {}).startswith("snapshot-")


@pytest.mark.parametrize(
    ("trouble", "words", "retry"),
    [
        (lambda operator, vm, disk: operator.flushes.update({disk: "sync: Input/output error"}), "Input/output", False),
        (lambda operator, vm, disk: operator.flushes.update({disk: ""}), "could not be flushed to it within", True),
        (lambda operator, vm, disk: setattr(operator, "stopped", True), "the operator is not running", True),
        (lambda operator, vm, disk: operator.unreachable.add(vm), "NodeUnreachable", True),
    ],
    ids=["device", "slow", "operator", "node"],
)
def test_without_a_flush_there_is_no_snapshot(
    api, cpi, operator, attached, disk, default, hasty, trouble, words, retry
) -> None:
    """It would lack the last writes, and pass for a whole one."""
    trouble(operator, attached, disk)
    with pytest.raises(CallError, match=words) as failure:
        cpi.raw(cpi.request("snapshot_disk", disk, {}), hasty if operator.flushes else COMMAND).value()

    assert failure.value.type == "Bosh::Clouds::CloudError"
    assert failure.value.ok_to_retry is retry
    assert not api.store.list("VolumeSnapshot")
    assert not api.requests("POST", "/volumesnapshots")


def test_a_paused_machine_is_not_asked_for_a_flush(api, cpi, attached, disk, default) -> None:
    api.store.merge_patch("VirtualMachine", NAMESPACE, attached, {"spec": {"paused": True}})
    with pytest.raises(CallError, match="is paused"):
        cpi("snapshot_disk", disk, {})


def test_two_snapshots_at_once_are_both_flushed(api, cpi, operator, attached, disk, default) -> None:
    operator.idle = True
    calls = [cpi.start(cpi.request("snapshot_disk", disk, {})) for _ in range(2)]
    requests = set()

    def both() -> bool:
        requests.add(api.store.get("VirtualMachine", NAMESPACE, attached)["spec"]["disks"][0].get("flush", ""))
        return len(requests - {""}) == 2

    with api.store.changed:
        assert api.store.changed.wait_for(both, 20), "one asks in the place of the other"
    operator.idle = False

    assert all(cpi.finish(call).value() for call in calls)


@pytest.fixture
def hasty(tmp_path):
    """The CPI with short limits for what a snapshot's status is at, and for a flush."""
    script = tmp_path / "hasty.py"
    script.write_text(
        "from bosh_kubernetes_cpi import __main__, verdicts\n"
        "verdicts.SNAPSHOT.update(Unheard=(0.3, True), Error=(0.3, False))\n"
        "verdicts.FLUSH = 0.5\n"
        "__main__.main()\n"
    )
    return [sys.executable, "-I", str(script)]


def test_what_the_storage_says_is_told_and_nothing_is_left(api, cpi, sidecars, disk, default, ours, hasty) -> None:
    sidecars.errors[disk] = "rpc error: out of space for snapshots"
    with pytest.raises(CallError, match="within 0 s: rpc error: out of space for snapshots") as failure:
        cpi.raw(cpi.request("snapshot_disk", disk, {}), hasty).value()

    assert failure.value.type == "Bosh::Clouds::CloudError"
    assert not failure.value.ok_to_retry
    assert api.requests("DELETE", "/volumesnapshots/")
    gone(api)
    assert ours() == [f"PersistentVolumeClaim/{disk}"]


def test_silence_of_the_storage_is_told_and_nothing_is_left(api, cpi, sidecars, disk, default, ours, hasty) -> None:
    sidecars.silent = True
    with pytest.raises(CallError, match="no snapshot controller") as failure:
        cpi.raw(cpi.request("snapshot_disk", disk, {}), hasty).value()

    assert failure.value.ok_to_retry
    assert ours() == [f"PersistentVolumeClaim/{disk}"]


def test_error_that_passes_is_none(api, cpi, sidecars, disk, default) -> None:
    sidecars.errors[disk] = "the object has been modified"
    process = cpi.start(cpi.request("snapshot_disk", disk, {}))
    with api.store.changed:
        assert api.store.changed.wait_for(lambda: "modified" in str(api.store.list("VolumeSnapshot")), 20)
        sidecars.errors.clear()
    cid = cpi.finish(process).value()

    assert found(api, cid)["status"]["readyToUse"] is True


def test_snapshot_that_somebody_deletes_meanwhile_is_an_error(api, cpi, sidecars, disk, default) -> None:
    sidecars.errors[disk] = "not yet"
    process = cpi.start(cpi.request("snapshot_disk", disk, {}))
    with api.store.changed:
        assert api.store.changed.wait_for(lambda: "not yet" in str(api.store.list("VolumeSnapshot")), 20)
        name = api.store.list("VolumeSnapshot")[0]["metadata"]["name"]
    api.store.delete("VolumeSnapshot", NAMESPACE, name)
    with pytest.raises(CallError, match="was deleted while it was taken"):
        cpi.finish(process).value()


def test_deletion_is_over_when_the_storage_has_let_the_snapshot_go(api, cpi, sidecars, disk, default, operator) -> None:
    cid = cpi("snapshot_disk", disk, {})
    sidecars.silent = True
    earlier = len(api.requests("GET", "/volumesnapshots$"))
    process = cpi.start(cpi.request("delete_snapshot", cid))

    def watches() -> bool:
        return len(api.requests("GET", "/volumesnapshots$")) > earlier

    with api.store.changed:
        assert api.store.changed.wait_for(lambda: watches() or process.poll() is not None, 20)
    assert process.poll() is None, "it waits"
    sidecars.silent = False
    cpi.finish(process).value()
    gone(api)


def gone(api) -> None:
    with api.store.changed:
        assert api.store.changed.wait_for(lambda: not api.store.list("VolumeSnapshot"), 20)
