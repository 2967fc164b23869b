"""The root disk: how full it gets, what works on it, and what happens when the Pod around it is lost."""

from tests.support.cluster.machines import Machine
from tests.support.cluster.wait import eventually


def test_full_root_disk_is_an_error_inside_and_the_machine_lives(make_machine, stemcell) -> None:
    machine: Machine = make_machine(stemcell, ephemeral_disk_size=256)
    machine.wait_agent()
    before = machine.identity()
    size = int(machine.guest("df -m --output=size /var/vcap/data | tail -1"))
    fill = "dd if=/dev/zero of={0} bs=1M 2>&1; rm {0}"
    said = [machine.guest(fill.format(file), timeout=120) for file in ("/var/vcap/data/full", "/root/full")]

    assert 256 <= size <= 280
    for text in said:
        assert "No space left on device" in text
    assert machine.identity() == before
    machine.guest("touch /etc/works")
    assert machine.agent("ping") == "pong"


def test_lost_pod_with_its_root_is_not_remade_and_delete_vm_cleans_up(make_machine, stemcell) -> None:
    machine: Machine = make_machine(stemcell)
    disk = machine.plug()
    machine.kubectl.delete("pod", machine.cid)
    machine.wait("RootLost")

    assert machine.cpi("has_vm", machine.cid) is False
    assert machine.kubectl.get("pod", machine.cid) is None
    machine.cpi("delete_vm", machine.cid)
    assert machine.kubectl.list("all,configmaps,secrets", f"cpi.bosh.io/machine={machine.cid}") == []
    machine.cpi("delete_disk", disk)


def test_lost_pod_with_its_root_on_a_claim_comes_back_with_everything(make_machine, stemcell, file_class: str) -> None:
    machine: Machine = make_machine(stemcell, root_disk={"storage_class": file_class})
    machine.wait_agent()
    disk = machine.plug()
    machine.mount(disk)
    machine.start_writer()
    machine.leave_marks()
    before, boots = machine.identity(), machine.boots()
    machine.kubectl.delete("pod", machine.cid)

    eventually(lambda: machine.identity().uid != before.uid, within=120, what="another Pod of the same name")
    machine.wait_booted(boots + 1, within=120)
    machine.wait("Running")
    machine.assert_marks()
    assert machine.cpi("has_vm", machine.cid) is True
    assert machine.cpi("get_disks", machine.cid) == [disk]
    machine.assert_lines_whole()
    machine.assert_never_on_empty_store()
