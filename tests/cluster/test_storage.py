"""The CSI driver of the test cluster is a real one, and the CPI's disks are volumes of it."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.support.cluster import volumes
from tests.support.cluster.cpi import CpiCallError
from tests.support.cluster.machines import STORE, Machine
from tests.support.cluster.node import CLUSTER, Node
from tests.support.cluster.wait import eventually

PLUGIN = "/var/lib/kubelet/plugins/loop.csi.bosh.test/csi.sock"
TOPOLOGY = "topology.loop.csi.bosh.test/node"
MIB = 1 << 20


@pytest.fixture
def sanity(node: Node) -> Iterator[Callable[..., str]]:
    """Runs csi-sanity, the official check of CSI drivers, on the node; what it said."""
    words = [sys.executable, str(CLUSTER), "program", "csi-sanity"]
    path = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[-1]
    subprocess.run(["docker", "cp", path, f"{node.name}:/csi-sanity"], check=True, capture_output=True)
    folder = "/var/lib/kubelet/csi-sanity"  # where the driver sees what the kubelet sees

    def run(**options: str) -> str:
        extra = " ".join(f"-csi.{name}={value}" for name, value in options.items())
        node.sh(f"mkdir -p {folder}; echo 'label: gold' > {folder}/mutable.yaml")
        return node.sh(
            f"/csi-sanity -ginkgo.no-color -csi.endpoint={PLUGIN} -csi.mountdir={folder}/mount "
            f"-csi.stagingdir={folder}/staging -csi.testvolumemutableparameters={folder}/mutable.yaml {extra} 2>&1",
            check=False,
        )

    yield run
    node.sh(f"rm -rf /csi-sanity {folder}")


def test_the_driver_passes_the_official_sanity_check(sanity: Callable[..., str]) -> None:
    said = sanity(testvolumesize=str(64 * MIB), testvolumeexpandsize=str(128 * MIB))

    assert "SUCCESS!" in said, said
    assert " 0 Failed" in said, said


def test_a_disk_gets_its_volume_on_the_node_of_its_first_machine(
    shared_machine: Machine, block_class: str, node: Node
) -> None:
    machine = shared_machine
    disk = machine.cpi("create_disk", 64, {"storage_class": block_class}, None)
    claim = machine.kubectl.get("pvc", disk)
    assert claim is not None
    assert claim["status"]["phase"] == "Pending"
    assert "volumeName" not in claim["spec"]

    machine.cpi("attach_disk", machine.cid, disk)

    claim = machine.kubectl.get("pvc", disk)
    assert claim is not None
    volume = machine.kubectl.get("pv", claim["spec"]["volumeName"])
    assert volume is not None
    [term] = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": TOPOLOGY, "operator": "In", "values": [node.name]}]
    image = volumes.of_claim(machine.kubectl, disk).image
    assert image.stat().st_size == 64 * MIB
    machine.cpi("detach_disk", machine.cid, disk)
    machine.cpi("delete_disk", disk)
    eventually(lambda: not image.exists(), within=60, what=f"{image} is deleted")


def test_a_disk_for_one_pod_is_attached_like_any_other_and_no_second_pod_gets_it(
    shared_machine: Machine, block_class: str, busybox: Callable[..., str]
) -> None:
    machine = shared_machine
    disk = machine.plug(storage_class=block_class, access_mode="ReadWriteOncePod")
    machine.mount(disk)
    machine.guest(f"echo kept > {STORE}/file")

    other = busybox(disk)

    told = f"involvedObject.name={other},reason=FailedScheduling"
    events = ("get", "events", "--field-selector", told, "-o", "json")
    eventually(
        lambda: "ReadWriteOncePod" in machine.kubectl.run(*events), within=60, what=f"{other} does not get the disk"
    )
    machine.kubectl.delete("pod", other, "--wait=true")
    machine.unplug(disk)
    machine.cpi("resize_disk", disk, 128)
    machine.cpi("attach_disk", machine.cid, disk)
    machine.mount(disk)
    assert machine.guest(f"cat {STORE}/file") == "kept\n"
    machine.unplug(disk)


@pytest.fixture
def disk_of_the_default_class(shared_machine: Machine, file_class: str) -> str:
    """A disk of kind's own class, whose driver neither grows volumes nor takes snapshots; not attached any more."""
    machine = shared_machine
    disk = machine.plug(storage_class=file_class)
    machine.cpi("detach_disk", machine.cid, disk)
    return disk


def test_storage_that_cannot_grow_and_takes_no_snapshots_is_told_so(
    shared_machine: Machine, disk_of_the_default_class: str
) -> None:
    cpi, kubectl, disk = shared_machine.cpi, shared_machine.kubectl, disk_of_the_default_class
    before = kubectl.get("pvc", disk)
    assert before is not None

    with pytest.raises(CpiCallError, match="does not allow it") as growth:
        cpi("resize_disk", disk, 128)
    with pytest.raises(CpiCallError, match="no VolumeSnapshotClass is the default one") as snapshot:
        cpi("snapshot_disk", disk, {})
    with pytest.raises(CpiCallError, match="cannot be changed in place") as update:
        cpi("update_disk", disk, 64, {"storage_class": "bosh-block"})

    assert growth.value.type == "Bosh::Clouds::NotSupported"
    assert snapshot.value.type == "Bosh::Clouds::NotImplemented"
    assert update.value.type == "Bosh::Clouds::NotSupported"
    after = kubectl.get("pvc", disk)
    assert after is not None
    assert after["spec"] == before["spec"]
    assert kubectl.run("get", "volumesnapshots", "-l", f"cpi.bosh.io/disk={disk}", "-o", "name") == ""
