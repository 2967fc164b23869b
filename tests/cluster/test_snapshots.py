"""snapshot_disk and delete_snapshot on a driver that really copies; restored as a user would, by a new claim."""

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.cluster.kind.create import Cluster
from tests.support.cluster.content import checksum, fill
from tests.support.cluster.installation import ROOT
from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.machines import STORE, Machine
from tests.support.cluster.wait import eventually

WRITER = (
    f"setsid sh -c 'while :; do n=$((n + 1)); echo $n >> {STORE}/lines; sync -d {STORE}/lines; sleep 0.01; done'"
    " < /dev/null > /dev/null 2>&1 & echo $! > /tmp/writer"
)
MANIFEST = re.compile(r"^## Restore a snapshot$.*?^```yaml$(.*?)^```$", re.MULTILINE | re.DOTALL)
KIND = "volumesnapshots.snapshot.storage.k8s.io"
SIZES = {"bosh-block": 64, "bosh-block-xfs": 320}


@pytest.fixture
def restored(shared_machine: Machine, busybox: Callable[..., str]) -> Iterator[Callable[[str, str], str]]:
    """Makes a claim of a storage class from a snapshot and a Pod that has it at /data; the Pod's name."""
    kubectl = shared_machine.kubectl
    made: list[str] = []

    def restore(snapshot: str, storage_class: str) -> str:
        name = f"restored-{len(made)}-{snapshot[-6:]}"
        spec = {
            "storageClassName": storage_class, "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": f"{SIZES[storage_class]}Mi"}},
            "dataSource": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": snapshot},
        }  # fmt: skip
        kubectl.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec})
        made.append(name)
        pod = busybox(name)
        kubectl.run("wait", "--for=condition=Ready", f"pod/{pod}", "--timeout=90s")
        return pod

    yield restore
    for name in made:
        kubectl.delete("pvc", name, "--wait=false")


def content(kubectl: Kubectl, snapshot: str) -> dict[str, Any]:
    """The VolumeSnapshotContent of a snapshot."""
    found = kubectl.get(KIND, snapshot)
    assert found is not None
    bound = kubectl.get("volumesnapshotcontents", found["status"]["boundVolumeSnapshotContentName"])
    assert bound is not None
    return bound


@pytest.mark.parametrize("storage_class", SIZES)
def test_a_snapshot_of_an_attached_disk_holds_what_was_written(
    shared_machine: Machine, storage_class: str, restored: Callable[[str, str], str]
) -> None:
    machine, kubectl = shared_machine, shared_machine.kubectl
    disk = machine.plug(SIZES[storage_class], storage_class=storage_class)
    machine.mount(disk)
    total = machine.guest(fill(STORE))

    snapshot = machine.cpi("snapshot_disk", disk, {"deployment": "d", "job": "j", "index": 0})

    machine.guest(f"{fill(STORE)}; echo later > later; sync")
    assert machine.guest(checksum(STORE)) != total
    pod = restored(snapshot, storage_class)
    assert kubectl.exec(pod, "sh", "-c", checksum("/data")) == total
    assert "later" not in kubectl.exec(pod, "ls", "/data").split()
    machine.cpi("delete_snapshot", snapshot)
    machine.unplug(disk)


def test_a_snapshot_taken_under_a_job_that_writes_is_whole(
    shared_machine: Machine, restored: Callable[[str, str], str]
) -> None:
    """Every line that the disk had taken before is in it, and all lines in it are in order."""
    machine, kubectl = shared_machine, shared_machine.kubectl
    disk = machine.plug(storage_class="bosh-block")
    machine.mount(disk)
    machine.guest(WRITER)
    taken = eventually(machine.lines, within=30, what="the job writes")

    snapshot = machine.cpi("snapshot_disk", disk, {})

    went_on = machine.lines()
    eventually(lambda: machine.lines() > went_on, within=30, what="the job writes on")
    pod = restored(snapshot, "bosh-block")
    lines = kubectl.exec(pod, "cat", "/data/lines").split()
    assert lines == [str(number) for number in range(1, len(lines) + 1)]
    assert taken <= len(lines) <= went_on
    machine.guest("kill $(cat /tmp/writer)")
    machine.unplug(disk)
    machine.cpi("delete_snapshot", snapshot)


def test_a_snapshot_outlives_its_disk_and_goes_by_delete_snapshot_alone(
    shared_machine: Machine, restored: Callable[[str, str], str]
) -> None:
    machine, kubectl = shared_machine, shared_machine.kubectl
    disk = machine.plug(storage_class="bosh-block")
    machine.mount(disk)
    total = machine.guest(fill(STORE))
    snapshot = machine.cpi("snapshot_disk", disk, {})
    bound = content(kubectl, snapshot)
    folder = Cluster(os.environ["BOSH_CLUSTER"]).volumes / "snapshots"
    copy = folder / f"{bound['status']['snapshotHandle']}.img"
    assert copy.exists()
    machine.unplug(disk)
    machine.cpi("delete_disk", disk)
    machine.disks.remove(disk)

    pod = restored(snapshot, "bosh-block")
    assert kubectl.exec(pod, "sh", "-c", checksum("/data")) == total

    machine.cpi("delete_snapshot", snapshot)
    assert kubectl.get(KIND, snapshot) is None
    eventually(lambda: not copy.exists(), within=60, what=f"{copy} is deleted")
    machine.cpi("delete_snapshot", snapshot)


def test_a_snapshot_becomes_a_disk_by_the_manifest_of_the_docs(shared_machine: Machine) -> None:
    machine, kubectl = shared_machine, shared_machine.kubectl
    disk = machine.plug(storage_class="bosh-block")
    machine.mount(disk)
    total = machine.guest(fill(STORE))
    snapshot = machine.cpi("snapshot_disk", disk, {})
    machine.unplug(disk)

    found = MANIFEST.search((ROOT / "docs/monitoring.md").read_text())
    assert found
    again = f"disk-{snapshot}"
    filled = {"disk-restored": again, "DIRECTOR": machine.cpi.director, "CLASS": "bosh-block", "SIZE": "64Mi"}
    filled["SNAPSHOT"] = snapshot
    kubectl.apply(yaml.safe_load(re.sub("|".join(filled), lambda word: filled[word[0]], found[1])))

    assert machine.cpi("has_disk", again) is True
    machine.cpi("attach_disk", machine.cid, again)
    machine.mount(again)
    assert machine.guest(checksum(STORE)) == total
    machine.unplug(again)
    machine.cpi("delete_disk", again)
    assert kubectl.get("pvc", again) is None
    machine.cpi("delete_snapshot", snapshot)
