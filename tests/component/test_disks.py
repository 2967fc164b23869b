"""Disks as a caller sees them: claims that only delete_disk deletes."""

import threading

import pytest

from bosh_kubernetes_api import names
from tests.component.conftest import HINT, NAMESPACE, claim, storage_class
from tests.support.cpi_process import CallError


def test_create_disk_makes_a_claim_without_owner_and_does_not_wait_for_its_volume(api, cpi, disk) -> None:
    found = claim(api, disk)

    assert found["spec"]["resources"]["requests"]["storage"] == "1024Mi"
    assert "ownerReferences" not in found["metadata"]
    assert "status" not in found
    assert cpi("has_disk", disk) is True


def test_create_disk_of_a_class(api, cpi) -> None:
    api.store.create("StorageClass", "", storage_class("fast"))
    cid = cpi("create_disk", 1, {"storage_class": "fast", "access_mode": "ReadWriteOncePod", "name": "dynamic"}, None)

    assert claim(api, cid)["spec"]["storageClassName"] == "fast"
    assert claim(api, cid)["spec"]["accessModes"] == ["ReadWriteOncePod"]


@pytest.mark.parametrize(
    ("size", "properties", "words"),
    [
        (0, {}, "above 0"),
        (1, {"storage_class": "fast"}, "no storage class 'fast'"),
        (1, {"storageclass": "fast"}, "did you mean 'storage_class'"),
        (1, {"access_mode": "Any"}, "ReadWriteOncePod"),
    ],
)
def test_create_disk_refuses_in_words(cpi, ours, size, properties, words) -> None:
    with pytest.raises(CallError, match=words) as failure:
        cpi("create_disk", size, properties, None)
    assert failure.value.type == "Bosh::Clouds::CloudError"
    assert not failure.value.ok_to_retry
    assert ours() == []


def test_create_disk_without_a_default_class(api, cpi) -> None:
    api.store.delete("StorageClass", "", "standard")
    with pytest.raises(CallError, match="no default storage class"):
        cpi("create_disk", 1, {}, None)


def test_create_disk_leaves_nothing_when_its_answer_is_an_error(api, cpi, ours) -> None:
    api.fault("POST", "/persistentvolumeclaims$", status=422, after=True)
    with pytest.raises(CallError):
        cpi("create_disk", 1, {}, None)
    assert ours() == []


def test_has_disk_of_a_lost_claim_is_an_error(api, cpi, disk) -> None:
    lost = {"status": {"phase": "Lost"}}
    api.store.merge_patch("PersistentVolumeClaim", NAMESPACE, disk, lost, status=True)
    with pytest.raises(CallError, match="Lost"):
        cpi("has_disk", disk)
    assert cpi("has_disk", "disk-unknown") is False


def test_delete_vm_keeps_its_disks_and_lets_them_go(cpi, create_vm, disk) -> None:
    first, second = create_vm(), create_vm()
    cpi("attach_disk", first, disk)
    cpi("delete_vm", first)

    assert cpi("has_disk", disk) is True
    assert cpi("attach_disk", second, disk) == {"path": HINT + disk}


def test_delete_disk_refuses_while_a_machine_holds_it_and_unmarks(api, cpi, create_vm, disk, new_cpi) -> None:
    """Of any Director: one that only deletes cannot know of the other's machine."""
    cid = create_vm()
    cpi("attach_disk", cid, disk)
    with pytest.raises(CallError, match=cid):
        new_cpi()("delete_disk", disk)

    assert "cpi.bosh.io/deleting" not in claim(api, disk)["metadata"].get("annotations", {})
    cpi("detach_disk", cid, disk)
    cpi("delete_disk", disk)
    assert cpi("has_disk", disk) is False
    cpi("delete_disk", disk)


def test_delete_disk_leaves_the_mark_of_another_call(api, cpi, create_vm, disk) -> None:
    """That one has found no machine by then, and deletes: no machine may get the disk meanwhile."""
    cpi("attach_disk", create_vm(), disk)

    def another(seen) -> None:
        if not seen.path.endswith("/virtualmachines"):
            return
        before = claim(api, disk)["metadata"]["annotations"][names.DELETING]
        mark = {"metadata": {"annotations": {names.DELETING: str(int(before) + 1)}}}
        api.store.merge_patch("PersistentVolumeClaim", NAMESPACE, disk, mark)

    api.intercept = another
    with pytest.raises(CallError, match="is attached"):
        cpi("delete_disk", disk)

    assert names.DELETING in claim(api, disk)["metadata"]["annotations"]


def test_delete_disk_marks_anew_what_another_call_has_marked(api, cpi, disk) -> None:
    """Else neither could tell its mark from the other's."""
    far = str(1 << 40)
    api.store.merge_patch(
        "PersistentVolumeClaim", NAMESPACE, disk, {"metadata": {"annotations": {names.DELETING: far}}}
    )
    cpi("delete_disk", disk)

    [marked] = api.requests("PATCH", f"/{disk}$")
    assert int(marked.body["metadata"]["annotations"][names.DELETING]) > int(far)


def test_delete_disk_unmarks_when_it_cannot_tell_who_holds_the_disk(api, cpi, create_vm, disk) -> None:
    cid = create_vm()
    cpi("attach_disk", cid, disk)
    api.fault("GET", "/virtualmachines$", status=403)
    with pytest.raises(CallError):
        cpi("delete_disk", disk)

    assert "cpi.bosh.io/deleting" not in claim(api, disk)["metadata"].get("annotations", {})


def test_delete_disk_waits_until_the_claim_is_gone(api, cpi, disk) -> None:
    patch = {"metadata": {"finalizers": ["kubernetes.io/pvc-protection"]}}
    api.store.merge_patch("PersistentVolumeClaim", NAMESPACE, disk, patch)
    process = cpi.start(cpi.request("delete_disk", disk))
    with api.store.changed:
        assert api.store.changed.wait_for(lambda: "deletionTimestamp" in claim(api, disk)["metadata"], 20)
    assert process.poll() is None
    assert "cpi.bosh.io/deleting" in claim(api, disk)["metadata"]["annotations"]
    api.store.merge_patch("PersistentVolumeClaim", NAMESPACE, disk, {"metadata": {"finalizers": None}})

    assert cpi.finish(process).value() is None


def test_delete_disk_leaves_a_claim_that_is_no_disk(api, cpi) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "disk-of-others"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    api.store.create("PersistentVolumeClaim", NAMESPACE, body)
    with pytest.raises(CallError, match="no disk of BOSH"):
        cpi("delete_disk", "disk-of-others")
    assert claim(api, "disk-of-others")


def test_many_machines_at_once_share_a_stemcell(api, create_vm) -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(create_vm())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 6
