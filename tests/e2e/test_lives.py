"""create-env's whole life: first create, unchanged, changed property, bigger disk, new stemcell, delete.

One environment goes through all of it in order, as an operator's would; each test is one step and leaves the machine
running for the next. With BOSH_CLI the real client drives it, else the driver.
"""

import pytest

from tests.e2e.life import Life
from tests.support.cluster.node import Node

CONDITIONS = {"Scheduled", "GuestRunning", "DisksReady", "Ready"}


@pytest.fixture(scope="module")
def remembered() -> dict[str, object]:
    """What one step leaves for the next to compare with."""
    return {}


def true_conditions(life: Life) -> set[str]:
    return {entry["type"] for entry in life.machine()["status"]["conditions"] if entry["status"] == "True"}


def test_first_create_brings_up_a_machine_whose_job_writes_to_the_persistent_disk(
    life: Life, remembered: dict[str, object]
) -> None:
    life.create()

    assert true_conditions(life) >= CONDITIONS
    assert life.agent().get_state()["job_state"] == "running"
    assert len(life.disks()) == 1
    assert life.beats() > 0
    remembered["marker"] = life.marker()


def test_unchanged_manifest_touches_nothing(life: Life) -> None:
    before = life.machine()["metadata"]

    printed = life.create()

    assert "No deployment, stemcell or release changes" in printed
    assert life.machine()["metadata"]["uid"] == before["uid"]
    assert life.machine()["metadata"]["generation"] == before["generation"]


def test_changed_property_recreates_the_machine_and_keeps_the_disk(life: Life, remembered: dict[str, object]) -> None:
    vm, disks, beats = life.vm(), life.disks(), life.beats()

    life.create(word="thump")

    assert life.vm() != vm
    assert life.kubectl.get("pod", vm) is None
    assert life.disks() == disks
    assert life.marker() == remembered["marker"]
    assert life.beats() > beats
    assert life.inside("tail -n 1 /var/vcap/store/heartbeat/lines").split()[1] == "thump"


def test_bigger_disk_is_filled_from_the_old_one_while_both_are_attached(
    life: Life, remembered: dict[str, object]
) -> None:
    (old,), beats = life.disks(), life.beats()

    printed = life.create(disk_size=256)

    (new,) = life.disks()
    assert new != old
    assert printed.index(f"Attaching disk '{new}'") < printed.index("Migrating disk content")
    assert printed.index("Migrating disk content") < printed.index(f"Detaching disk '{old}'")
    assert life.kubectl.get("persistentvolumeclaim", old) is None
    assert [disk["cid"] for disk in life.machine()["spec"]["disks"]] == [new]
    assert life.marker() == remembered["marker"]
    assert life.beats() > beats


def test_new_stemcell_replaces_the_machine_and_deletes_the_old_stemcell(
    life: Life, remembered: dict[str, object]
) -> None:
    (old,), disks, beats = [one["cid"] for one in life.state()["stemcells"]], life.disks(), life.beats()

    life.create(stemcell=life.site.stemcells[1])

    (new,) = [one["cid"] for one in life.state()["stemcells"]]
    assert new != old
    assert life.kubectl.get("stemcells.cpi.bosh.io", old) is None
    assert life.machine()["spec"]["machine"]["stemcell"] == new
    assert life.disks() == disks
    assert life.marker() == remembered["marker"]
    assert life.beats() > beats


def test_delete_leaves_nothing_of_the_environment(life: Life, node: Node) -> None:
    assert life.left_over()

    life.delete()

    assert life.left_over() == []
    assert not life.uids & set(node.sh("ls /var/lib/bosh-kubernetes").split())
    assert not life.state_file.exists()
