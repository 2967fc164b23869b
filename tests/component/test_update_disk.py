"""update_disk as a Director calls it: in place, or NotSupported with the disk as it was, so that it is copied."""

import sys

import pytest

from tests.component.conftest import NAMESPACE, attributes_class, claim, snapshot_class, storage_class
from tests.component.test_snapshots import bound
from tests.support.cpi_process import CallError


@pytest.fixture
def classes(api) -> None:
    for name in ("fast", "slow"):
        api.store.create("VolumeAttributesClass", "", attributes_class(name))
    for name in ("a", "b"):
        api.store.create("VolumeSnapshotClass", "", snapshot_class(name))
    api.store.create("StorageClass", "", storage_class("other"))


@pytest.fixture
def new_disk(api, cpi, sidecars, classes):
    """Makes one with a volume."""

    def make(properties=None):
        cid = cpi("create_disk", 1024, {"storage_class": "standard", **(properties or {})}, None)
        bound(api, cid)
        return cid

    return make


def wish(api, cid):
    """Everything of a claim that anybody but its status speaks of."""
    found = claim(api, cid)
    return found["spec"], found["metadata"]["annotations"], found["metadata"]["labels"]


@pytest.mark.parametrize("before", [{}, {"attributes_class": "slow"}])
def test_attributes_change_in_place(api, cpi, new_disk, before) -> None:
    disk = new_disk(before)
    assert cpi("update_disk", disk, 1024, {"storage_class": "standard", "attributes_class": "fast"}, "surplus") is None

    assert claim(api, disk)["spec"]["volumeAttributesClassName"] == "fast"
    assert claim(api, disk)["status"]["currentVolumeAttributesClassName"] == "fast"


@pytest.mark.parametrize(
    ("before", "after"), [({}, "a"), ({"snapshot_class": "a"}, "b"), ({"snapshot_class": "a"}, None)]
)
def test_class_of_its_snapshots_changes_in_place(api, cpi, new_disk, before, after) -> None:
    disk = new_disk(before)
    cpi("update_disk", disk, 1024, {"snapshot_class": after} if after else None)

    assert claim(api, disk)["metadata"]["annotations"].get("cpi.bosh.io/snapshot-class") == after


def test_what_is_so_already_is_success_and_writes_nothing(api, cpi, new_disk) -> None:
    properties = {"storage_class": "standard", "attributes_class": "fast", "snapshot_class": "a", "name": "x"}
    disk = new_disk(properties)
    assert cpi("update_disk", disk, 1024, properties) is None
    assert api.requests("PATCH", disk) == []


def test_default_class_is_the_class_that_the_disk_has(api, cpi, new_disk) -> None:
    disk = new_disk()
    assert cpi("update_disk", disk, 1024, {}) is None
    api.store.create("StorageClass", "", {**storage_class("newer", default=True)})
    api.store.merge_patch("StorageClass", "", "standard", {"metadata": {"annotations": None}})
    with pytest.raises(CallError, match="default one is asked for") as failure:
        cpi("update_disk", disk, 1024, {})
    assert failure.value.type == "Bosh::Clouds::NotSupported"


# What would make it another disk: how it was made, size and properties that are asked for, words.
COPIED = [
    ({}, 1023, {}, "cannot become smaller: it has 1024 MiB"),
    ({}, 1025, {"attributes_class": "fast"}, "its storage class standard does not allow it"),
    ({}, 1024, {"storage_class": "other"}, "its storage_class is 'standard', and 'other'"),
    ({}, 1024, {"access_mode": "ReadWriteMany"}, "its access_mode is ReadWriteOnce, and ReadWriteMany"),
    ({"attributes_class": "slow"}, 1024, {}, "its attributes_class 'slow' can be changed, but not taken away"),
    ({}, 1023, {"attributes_class": "fast", "snapshot_class": "a"}, "cannot become smaller"),
]


@pytest.mark.parametrize(("before", "size", "after", "words"), COPIED)
def test_what_needs_another_disk_is_not_supported_and_changes_nothing(
    api, cpi, new_disk, before, size, after, words
) -> None:
    disk = new_disk(before)
    then = wish(api, disk)
    with pytest.raises(CallError, match=words) as failure:
        cpi("update_disk", disk, size, after)

    assert failure.value.type == "Bosh::Clouds::NotSupported"
    assert "nothing was changed" in failure.value.message.lower()
    assert wish(api, disk) == then
    assert api.requests("PATCH", disk) == []


def test_larger_disk_with_other_attributes_gets_both_in_place(api, cpi, storage, operator, new_disk) -> None:
    api.store.create("StorageClass", "", storage_class("grows", allowVolumeExpansion=True))
    disk = new_disk({"storage_class": "grows"})
    assert cpi("update_disk", disk, 2048, {"storage_class": "grows", "attributes_class": "fast"}) is None

    assert claim(api, disk)["status"]["capacity"]["storage"] == "2048Mi"
    assert claim(api, disk)["status"]["currentVolumeAttributesClassName"] == "fast"


def test_disk_whose_attributes_are_refused_does_not_grow(api, cpi, sidecars, storage, operator, new_disk) -> None:
    api.store.create("StorageClass", "", storage_class("grows", allowVolumeExpansion=True))
    disk = new_disk({"storage_class": "grows"})
    then = wish(api, disk)
    sidecars.infeasible.add("fast")
    with pytest.raises(CallError, match="refuses it"):
        cpi("update_disk", disk, 2048, {"storage_class": "grows", "attributes_class": "fast"})

    assert wish(api, disk) == then


def test_disk_without_a_volume_has_no_attributes_to_change(cpi, classes) -> None:
    disk = cpi("create_disk", 1024, {}, None)
    with pytest.raises(CallError, match="no volume yet") as failure:
        cpi("update_disk", disk, 1024, {"attributes_class": "fast"})
    assert failure.value.type == "Bosh::Clouds::NotSupported"


def test_kubernetes_without_attributes_classes(api, cpi, new_disk) -> None:
    disk = new_disk()
    del api.store.kinds["VolumeAttributesClass"]
    with pytest.raises(CallError, match="no VolumeAttributesClasses") as failure:
        cpi("update_disk", disk, 1024, {"attributes_class": "fast"})
    assert failure.value.type == "Bosh::Clouds::NotSupported"
    with pytest.raises(CallError, match="1\\.34") as failure:
        cpi("create_disk", 1024, {"attributes_class": "fast"}, None)
    assert failure.value.type == "Bosh::Clouds::CloudError"


WRONG = [
    ({"attributes_class": "none"}, "no VolumeAttributesClass 'none' in the cluster; there are: fast, slow"),
    ({"snapshot_class": "none"}, "no VolumeSnapshotClass 'none'"),
    ({"atributes_class": "fast"}, "did you mean 'attributes_class'"),
    ({"access_mode": "Any"}, "must be one of"),
    ({"attributes_class": "fast", "snapshot_class": "none"}, "no VolumeSnapshotClass 'none'"),
]


@pytest.mark.parametrize(("properties", "words"), WRONG)
def test_properties_that_no_disk_can_have_are_an_error_and_change_nothing(
    api, cpi, new_disk, properties, words
) -> None:
    disk = new_disk()
    then = wish(api, disk)
    with pytest.raises(CallError, match=words) as failure:
        cpi("update_disk", disk, 1024, properties)

    assert failure.value.type == "Bosh::Clouds::CloudError"
    assert wish(api, disk) == then
    with pytest.raises(CallError, match=words):
        cpi("create_disk", 1024, properties, None)


def test_unknown_disk_and_size(cpi, classes) -> None:
    with pytest.raises(CallError) as failure:
        cpi("update_disk", "disk-unknown", 1024, {})
    assert failure.value.type == "Bosh::Clouds::DiskNotFound"
    with pytest.raises(CallError, match="above 0"):
        cpi("update_disk", "disk-unknown", 0, {})


@pytest.mark.parametrize("before", [{}, {"attributes_class": "slow"}], ids=["none", "slow"])
def test_attributes_that_the_driver_refuses_are_put_back(api, cpi, sidecars, new_disk, before) -> None:
    disk = new_disk(before)
    then = wish(api, disk)
    sidecars.infeasible.add("fast")
    with pytest.raises(CallError, match="its driver refuses it: no such IOPS; nothing was changed") as failure:
        cpi("update_disk", disk, 1024, {"attributes_class": "fast", "snapshot_class": "a"})

    assert failure.value.type == "Bosh::Clouds::NotSupported"
    assert wish(api, disk) == then


def test_attributes_that_a_call_which_died_has_asked_for_are_waited_for(api, cpi, sidecars, new_disk) -> None:
    """Else the repeat says that they are there, and the disk does not have them."""
    disk = new_disk()
    then = wish(api, disk)
    sidecars.infeasible.add("fast")
    asked = {"spec": {"volumeAttributesClassName": "fast"}}
    api.store.merge_patch("PersistentVolumeClaim", NAMESPACE, disk, asked)
    with pytest.raises(CallError, match="refuses it") as failure:
        cpi("update_disk", disk, 1024, {"attributes_class": "fast"})

    assert failure.value.type == "Bosh::Clouds::NotSupported"
    assert wish(api, disk) == then


def test_driver_that_does_not_change_volumes(api, cpi, sidecars, new_disk, tmp_path) -> None:
    script = tmp_path / "hasty.py"
    script.write_text(
        "from bosh_kubernetes_cpi import __main__, verdicts\n"
        "verdicts.MODIFICATION.update(Unheard=0.3)\n"
        "__main__.main()\n"
    )
    disk = new_disk()
    then = wish(api, disk)
    sidecars.silent = True
    request = cpi.request("update_disk", disk, 1024, {"attributes_class": "fast"})
    with pytest.raises(CallError, match="external-resizer") as failure:
        cpi.raw(request, [sys.executable, "-I", str(script)]).value()

    assert failure.value.type == "Bosh::Clouds::NotSupported"
    assert wish(api, disk) == then


def test_edit_is_repeated_when_somebody_was_faster(api, cpi, new_disk) -> None:
    disk = new_disk()
    api.fault("PATCH", disk, status=409, times=2)
    cpi("update_disk", disk, 1024, {"attributes_class": "fast"})

    assert api.pending_faults() == 0
    assert claim(api, disk)["spec"]["volumeAttributesClassName"] == "fast"


def test_change_that_cannot_be_put_back_is_told(api, cpi, sidecars, new_disk) -> None:
    disk = new_disk()
    sidecars.infeasible.add("fast")
    process = None
    with api.store.changed:
        process = cpi.start(cpi.request("update_disk", disk, 1024, {"attributes_class": "fast"}))
        assert api.store.changed.wait_for(lambda: wish(api, disk)[0].get("volumeAttributesClassName") == "fast", 20)
        api.fault("PATCH", disk, status=403)
    with pytest.raises(CallError, match="its claim asks for 'fast' still") as failure:
        cpi.finish(process).value()
    assert failure.value.type == "Bosh::Clouds::NotSupported"
