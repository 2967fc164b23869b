"""resize_disk on a driver that really grows volumes, and file systems in them."""

import pytest

from tests.cluster.kind.machine import has_sys_resource
from tests.support.cluster import volumes
from tests.support.cluster.content import checksum, fill
from tests.support.cluster.cpi import CpiCallError
from tests.support.cluster.machines import STORE, Machine

# file system -> storage class, a size (MiB), a larger one
SIZES = {"ext4": ("bosh-block", 64, 192), "xfs": ("bosh-block-xfs", 320, 640)}


def size(machine: Machine) -> int:
    """MiB of the file system on the store."""
    blocks, each = machine.guest(f"stat -f -c '%b %S' {STORE}").split()
    return int(blocks) * int(each) >> 20


def capacity(machine: Machine, disk: str) -> str:
    claim = machine.kubectl.get("pvc", disk)
    assert claim is not None
    found: str = claim["status"]["capacity"]["storage"]
    return found


@pytest.mark.parametrize("kind", SIZES)
def test_a_disk_grows_in_the_order_of_a_director(shared_machine: Machine, kind: str) -> None:
    machine = shared_machine
    storage_class, little, much = SIZES[kind]
    disk = machine.plug(little, storage_class=storage_class)
    machine.mount(disk)
    before, identity = size(machine), machine.identity()
    total = machine.guest(fill(STORE))
    assert before <= little
    machine.unplug(disk)

    machine.cpi("resize_disk", disk, much)
    assert capacity(machine, disk) == f"{much}Mi"
    assert volumes.of_claim(machine.kubectl, disk).image.stat().st_size == much << 20

    machine.cpi("attach_disk", machine.cid, disk)
    machine.mount(disk)
    assert size(machine) > before + (much - little) * 3 // 4
    assert machine.guest(checksum(STORE)) == total
    assert machine.identity() == identity
    machine.unplug(disk)


def test_an_attached_disk_grows_under_a_job_that_writes_to_it(shared_machine: Machine) -> None:
    machine = shared_machine
    storage_class, little, much = SIZES["xfs"]
    disk = machine.plug(little, storage_class=storage_class)
    machine.mount(disk)
    before, boots = size(machine), machine.boots()
    total = machine.guest(fill(STORE))
    machine.guest(f"cd {STORE}; exec setsid sleep 1000 < 1 > /dev/null 2>&1 &")

    machine.cpi("resize_disk", disk, much)

    assert size(machine) > before + (much - little) * 3 // 4
    assert capacity(machine, disk) == f"{much}Mi"
    assert machine.guest(checksum(STORE)) == total
    assert machine.guest("pgrep -x sleep")
    assert machine.boots() == boots
    machine.guest("pkill -x sleep")
    machine.unplug(disk)


def test_an_attached_ext4_grows_where_the_kernel_lets_the_driver(shared_machine: Machine) -> None:
    """The kernel wants CAP_SYS_RESOURCE for that. Without it the answer says so, and the next mount does it."""
    machine = shared_machine
    storage_class, little, much = SIZES["ext4"]
    disk = machine.plug(little, storage_class=storage_class)
    machine.mount(disk)
    before = size(machine)
    total = machine.guest(fill(STORE))

    if has_sys_resource():
        machine.cpi("resize_disk", disk, much)
    else:
        with pytest.raises(CpiCallError, match="operation not permitted") as failure:
            machine.cpi("resize_disk", disk, much)
        assert failure.value.type == "Bosh::Clouds::CloudError"
        assert size(machine) == before
        assert machine.guest(checksum(STORE)) == total
        machine.unplug(disk)
        machine.cpi("attach_disk", machine.cid, disk)
        machine.mount(disk)

    assert size(machine) > before + (much - little) * 3 // 4
    assert machine.guest(checksum(STORE)) == total
    machine.cpi("resize_disk", disk, much)  # nothing is left to be done
    assert capacity(machine, disk) == f"{much}Mi"
    machine.unplug(disk)


def test_a_size_that_the_driver_refuses_is_told_and_the_disk_stays_as_it_is(shared_machine: Machine) -> None:
    machine = shared_machine
    disk = machine.plug(storage_class="bosh-block")
    machine.mount(disk)
    before = size(machine)

    with pytest.raises(CpiCallError, match="more than") as failure:
        machine.cpi("resize_disk", disk, 1 << 20)

    assert failure.value.type == "Bosh::Clouds::CloudError"
    assert failure.value.ok_to_retry is False
    assert size(machine) == before
    machine.unplug(disk)
