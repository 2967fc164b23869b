"""resize_disk as a caller sees it: the claim and its file system grow, or nothing has changed."""

import time

import pytest

from bosh_kubernetes_operator.disk.growth import is_growth
from tests.component.conftest import NAMESPACE, claim, storage_class
from tests.support.cpi_process import CallError

NOT_SUPPORTED = "Bosh::Clouds::NotSupported"
CLOUD_ERROR = "Bosh::Clouds::CloudError"


@pytest.fixture
def grows(api, storage):
    api.store.create("StorageClass", "", storage_class("grows", allowVolumeExpansion=True))


@pytest.fixture
def disk(api, cpi, grows):
    """A bound one of 1024 MiB."""
    return bound(api, cpi("create_disk", 1024, {"storage_class": "grows"}, None))


def bound(api, cid):
    until(api, lambda: "capacity" in claim(api, cid).get("status", {}))
    return cid


def until(api, what):
    with api.store.changed:
        assert api.store.changed.wait_for(what, 20)


def pod(api, cid):
    return api.store.find("Pod", NAMESPACE, cid)


def sizes(api, cid):
    """What the claim asks for, what its file system has, and whether that is all."""
    found = claim(api, cid)
    return (
        found["spec"]["resources"]["requests"]["storage"],
        found["status"]["capacity"]["storage"],
        found["status"].get("conditions", []),
    )


def changes(api, cid):
    return api.requests("PATCH", f"persistentvolumeclaims/{cid}$")


def test_detached_disk_is_mounted_once_and_no_more(api, cpi, operator, storage, disk) -> None:
    assert cpi("resize_disk", disk, 4096) is None

    assert sizes(api, disk) == ("4096Mi", "4096Mi", [])
    assert storage.mounted == [disk]
    until(api, lambda: pod(api, disk) is None)


def test_attached_disk_grows_where_it_is(api, cpi, create_vm, operator, storage, disk) -> None:
    vm = create_vm()
    cpi("attach_disk", vm, disk)
    operator.mounts = False
    assert cpi("resize_disk", disk, 4096) is None

    assert sizes(api, disk) == ("4096Mi", "4096Mi", [])
    assert cpi("get_disks", vm) == [disk]


def test_disk_of_a_driver_without_a_step_on_the_node_needs_no_operator(api, cpi, storage, disk) -> None:
    storage.on_node = False
    assert cpi("resize_disk", disk, 4096) is None

    assert sizes(api, disk) == ("4096Mi", "4096Mi", [])
    assert storage.mounted == []


def test_the_call_waits_for_the_file_system_not_for_the_volume(api, cpi, operator, disk) -> None:
    operator.mounts = False
    process = cpi.start(cpi.request("resize_disk", disk, 4096))
    until(api, lambda: "FileSystemResizePending" in str(claim(api, disk)))
    watches = len(api.requests("GET", "/persistentvolumeclaims$"))
    until(api, lambda: len(api.requests("GET", "/persistentvolumeclaims$")) > watches)
    assert process.poll() is None
    operator.mounts = True

    assert cpi.finish(process).value() is None
    assert sizes(api, disk) == ("4096Mi", "4096Mi", [])


def test_capacity_alone_is_no_end_while_the_file_system_waits(api, cpi, storage, operator, disk) -> None:
    """As from drivers that round up: the volume has had the room before, and grows by another wish."""
    operator.mounts = False
    storage.idle = True
    pending = [{"type": "FileSystemResizePending", "status": "True"}]
    status = {"capacity": {"storage": "8Gi"}, "conditions": pending}
    api.store.merge_patch("PersistentVolumeClaim", NAMESPACE, disk, {"status": status}, status=True)
    process = cpi.start(cpi.request("resize_disk", disk, 2048))
    until(api, lambda: api.requests("GET", "/virtualmachines$") or process.poll() is not None)
    assert process.poll() is None, "it waits for a mount"
    api.store.merge_patch("PersistentVolumeClaim", NAMESPACE, disk, {"status": {"conditions": None}}, status=True)

    assert cpi.finish(process).value() is None


@pytest.mark.parametrize("spelling", ["1024Mi", "1Gi", "1048576Ki", "1073741824"])
def test_same_size_is_success_and_changes_nothing(api, cpi, grows, spelling) -> None:
    cid = bound(api, cpi("create_disk", 1024, {"storage_class": "grows"}, None))
    wish = {"spec": {"resources": {"requests": {"storage": spelling}}}}
    before = api.store.merge_patch("PersistentVolumeClaim", NAMESPACE, cid, wish)
    assert cpi("resize_disk", cid, 1024) is None

    assert claim(api, cid) == before
    assert changes(api, cid) == []


def test_same_size_waits_for_what_an_earlier_call_left(api, cpi, operator, storage, disk) -> None:
    wish = {"spec": {"resources": {"requests": {"storage": "4Gi"}}}}
    api.store.merge_patch("PersistentVolumeClaim", NAMESPACE, disk, wish)
    assert cpi("resize_disk", disk, 4096) is None

    assert storage.mounted == [disk]
    assert changes(api, disk) == []


def test_same_size_of_a_disk_without_a_volume_or_expansion_is_success(api, cpi) -> None:
    cid = cpi("create_disk", 1024, {}, None)
    assert cpi("resize_disk", cid, 1024) is None


def class_without_expansion(api, cpi, _disk):
    return bound(api, cpi("create_disk", 1024, {}, None))


def no_class(api, cpi, _disk):
    api.store.delete("StorageClass", "", "standard")
    cid = cpi("create_disk", 1024, {"storage_class": "grows"}, None)
    body = claim(api, cid)
    api.store.delete("PersistentVolumeClaim", NAMESPACE, cid)
    labels = body["metadata"]["labels"]
    spec = {key: value for key, value in body["spec"].items() if key not in ("storageClassName", "volumeName")}
    new = {"apiVersion": "v1", "kind": body["kind"], "metadata": {"name": cid, "labels": labels}, "spec": spec}
    api.store.create("PersistentVolumeClaim", NAMESPACE, new)
    status = {"phase": "Bound", "capacity": {"storage": "1024Mi"}}
    api.store.merge_patch("PersistentVolumeClaim", NAMESPACE, cid, {"status": status}, status=True)
    return cid


def class_that_is_gone(api, cpi, disk):
    api.store.delete("StorageClass", "", "grows")
    return disk


def no_volume_yet(api, cpi, _disk):
    more = {"allowVolumeExpansion": True, "volumeBindingMode": "WaitForFirstConsumer"}
    api.store.create("StorageClass", "", storage_class("late", **more))
    return cpi("create_disk", 1024, {"storage_class": "late"}, None)


def smaller(_api, _cpi, disk):
    return disk


@pytest.mark.parametrize(
    ("make", "size", "words"),
    [
        (smaller, 1023, "has 1024 MiB, and 1023 were asked for"),
        (smaller, 0, "smaller"),
        (smaller, -1, "smaller"),
        (class_without_expansion, 2048, "kubectl patch storageclass standard"),
        (no_class, 2048, "no storage class"),
        (class_that_is_gone, 2048, "storage class grows is no more"),
        (no_volume_yet, 2048, "no volume yet"),
    ],
)
def test_what_cannot_be_is_not_supported_and_nothing_changes(api, cpi, disk, make, size, words) -> None:
    cid = make(api, cpi, disk)
    before = claim(api, cid)
    with pytest.raises(CallError, match=words) as failure:
        cpi("resize_disk", cid, size)

    assert failure.value.type == NOT_SUPPORTED
    assert not failure.value.ok_to_retry
    assert "Nothing was changed" in failure.value.message
    assert claim(api, cid) == before
    assert changes(api, cid) == []


def test_the_api_servers_refusal_counts_where_classes_may_not_be_read(api, cpi, disk) -> None:
    api.rights[("storage.k8s.io", "storageclasses")].clear()
    assert cpi("create_disk", 1, {}, None)
    api.store.merge_patch("StorageClass", "", "grows", {"allowVolumeExpansion": False})
    before = claim(api, disk)
    with pytest.raises(CallError, match="must support resize") as failure:
        cpi("resize_disk", disk, 4096)

    assert failure.value.type == NOT_SUPPORTED
    assert claim(api, disk) == before


@pytest.mark.parametrize("words", ["exceeded quota: disks, requested: requests.storage=3Gi", "no such right"])
def test_other_refusals_are_errors_that_do_not_fall_back_to_a_copy(api, cpi, disk, words) -> None:
    status = {"kind": "Status", "message": words, "reason": "Forbidden", "code": 403}
    api.fault("PATCH", disk, status=403, body=status)
    with pytest.raises(CallError, match=words) as failure:
        cpi("resize_disk", disk, 4096)

    assert failure.value.type == CLOUD_ERROR
    assert not failure.value.ok_to_retry


@pytest.mark.parametrize(
    ("condition", "step", "attached"),
    [
        ("ControllerResizeError", "ControllerResizeInfeasible", False),
        ("NodeResizeError", "NodeResizeInfeasible", False),
        ("NodeResizeError", "NodeResizeInfeasible", True),
    ],
)
def test_a_size_that_the_driver_never_gives_is_final(
    api, cpi, create_vm, operator, storage, disk, condition, step, attached
) -> None:
    if attached:
        cpi("attach_disk", create_vm(), disk)
    storage.errors[disk] = (condition, "rpc error: no room", step)
    event(api, disk, "VolumeResizeFailed", "resize volume failed: no room", "2026-01-02T00:00:00Z")
    event(api, disk, "FailedMount", "an older one", "2026-01-01T00:00:00Z")
    event(api, disk, "Failed", "Failed to pull image", "2026-01-03T00:00:00Z")
    event(api, "disk-other", "FailedMount", "of another disk", "2026-01-03T00:00:00Z")
    with pytest.raises(CallError, match="Infeasible: rpc error: no room") as failure:
        cpi("resize_disk", disk, 4096)

    assert failure.value.type == CLOUD_ERROR
    assert not failure.value.ok_to_retry
    assert "has 1024 MiB of 4096" in failure.value.message
    assert "VolumeResizeFailed: resize volume failed: no room" in failure.value.message
    assert "stays asked for" in failure.value.message
    storage.errors.clear()
    until(api, lambda: "Infeasible" not in str(claim(api, disk)))
    assert cpi("resize_disk", disk, 4096) is None, "a repeat goes on with it"
    assert sizes(api, disk) == ("4096Mi", "4096Mi", [])


def test_what_the_driver_said_of_another_size_is_no_answer(api, cpi, operator, storage, disk) -> None:
    storage.errors[disk] = ("ControllerResizeError", "rpc error: no room", "ControllerResizeInfeasible")
    with pytest.raises(CallError, match="no room"):
        cpi("resize_disk", disk, 1 << 20)
    storage.idle = True
    process = cpi.start(cpi.request("resize_disk", disk, 2 << 20))
    until(api, lambda: sizes(api, disk)[0] == f"{2 << 20}Mi")
    watches = len(api.requests("GET", "/persistentvolumeclaims$"))
    until(api, lambda: len(api.requests("GET", "/persistentvolumeclaims$")) > watches or process.poll() is not None)
    storage.errors.clear()
    storage.idle = False

    assert cpi.finish(process).value() is None


def event(api, cid, reason, message, stamp):
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{cid}.{reason.lower()}"},
        "involvedObject": {"kind": "PersistentVolumeClaim", "name": cid},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "lastTimestamp": stamp,
    }
    api.store.create("Event", NAMESPACE, body)


def test_operator_that_does_not_run_is_named_where_it_is_needed(api, new_cpi, operator, disk) -> None:
    cpi = new_cpi(timeouts={"operator": 1})
    until(api, lambda: api.store.find("Lease", NAMESPACE, "bosh-kubernetes-operator"))
    operator.stopped = True
    with pytest.raises(CallError, match="operator is not running") as failure:
        cpi("resize_disk", disk, 4096)

    assert failure.value.ok_to_retry
    operator.stopped = False
    assert cpi("resize_disk", disk, 4096) is None


def test_operator_is_not_asked_for_where_a_machine_has_the_disk(api, cpi, create_vm, operator, storage, disk) -> None:
    cpi("attach_disk", create_vm(), disk)
    operator.stopped = True
    asked = len(api.requests("GET", "/leases/"))
    assert cpi("resize_disk", disk, 4096) is None

    assert storage.mounted == [disk]
    assert len(api.requests("GET", "/leases/")) == asked


def test_edit_is_repeated_when_somebody_was_faster_and_found_done_when_its_answer_was_lost(
    api, cpi, operator, disk
) -> None:
    api.fault("PATCH", disk, status=409)
    api.fault("PATCH", disk, status=0, after=True)
    assert cpi("resize_disk", disk, 4096) is None

    assert api.pending_faults() == 0
    assert sizes(api, disk) == ("4096Mi", "4096Mi", [])
    assert all("resourceVersion" in seen.body["metadata"] for seen in changes(api, disk))


def test_unknown_lost_and_deleted_disks_have_their_types(api, cpi, storage, disk) -> None:
    for cid in ("disk-unknown", "junk/../x"):
        with pytest.raises(CallError) as failure:
            cpi("resize_disk", cid, 4096)
        assert failure.value.type == "Bosh::Clouds::DiskNotFound"
    mark = {"metadata": {"annotations": {"cpi.bosh.io/deleting": str(int(time.time()))}}}
    api.store.merge_patch("PersistentVolumeClaim", NAMESPACE, disk, mark)
    with pytest.raises(CallError, match="being deleted"):
        cpi("resize_disk", disk, 4096)
    unmark = {"metadata": {"annotations": {"cpi.bosh.io/deleting": None}}}
    api.store.merge_patch("PersistentVolumeClaim", NAMESPACE, disk, unmark)
    api.store.merge_patch("PersistentVolumeClaim", NAMESPACE, disk, {"status": {"phase": "Lost"}}, status=True)
    with pytest.raises(CallError, match="Lost"):
        cpi("resize_disk", disk, 4096)
    assert changes(api, disk) == []


def test_disk_that_is_deleted_while_it_grows_is_not_found(api, cpi, storage, disk) -> None:
    process = cpi.start(cpi.request("resize_disk", disk, 4096))
    until(api, lambda: "FileSystemResizePending" in str(claim(api, disk)))
    cpi("delete_disk", disk)

    assert cpi.finish(process).error["type"] == "Bosh::Clouds::DiskNotFound"


def test_order_of_a_director_detach_resize_attach(api, cpi, create_vm, operator, storage, disk) -> None:
    vm = create_vm()
    cpi("attach_disk", vm, disk)
    cpi("detach_disk", vm, disk)
    cpi("resize_disk", disk, 4096)
    assert cpi("attach_disk", vm, disk) == {"path": f"/warden-cpi-dev/{disk}"}

    assert sizes(api, disk) == ("4096Mi", "4096Mi", [])
    until(api, lambda: not is_growth(pod(api, disk)))
