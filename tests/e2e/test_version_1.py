"""The life of an environment whose client speaks version 1 of the CPI API, as bosh-init of 2018 does.

The driver calls as it did, with BOSH_CLI too; the agent is told of no disk, and finds them in its settings.
"""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.client import Client
from tests.e2e.life import Life
from tests.e2e.site import Site, route
from tests.support.cluster.wait import eventually

SETTINGS = "/var/vcap/bosh/warden-cpi-agent-env.json"


@pytest.fixture(scope="module")
def old(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """One environment for all tests of the module; what a failed test left of it is deleted."""
    folder = tmp_path_factory.mktemp("old")
    with route(site):
        life = Life(site, folder, Client(folder / "home", "", ("--bosh-init",)))
        yield life
        if life.state_file.exists():
            life.delete()


def listed(life: Life) -> list[str]:
    """Disks in the settings of the machine's agent."""
    return sorted(json.loads(life.inside(f"cat {SETTINGS}"))["disks"]["persistent"])


@pytest.fixture(scope="module")
def marker(old: Life) -> str:
    """Of the first create."""
    old.create()
    return old.marker()


def test_first_create_mounts_a_disk_that_the_agent_has_from_its_settings(old: Life, marker: str) -> None:
    assert old.beats() > 0
    assert listed(old) == old.disks()
    assert old.agent().send("list_disk") == old.disks()
    assert old.inside("test -e /var/vcap/bosh/persistent_disk_hints.json || echo none") == "none\n"


def test_a_reboot_brings_the_agent_back_with_the_disk_on_the_store(old: Life, marker: str) -> None:
    boots = old.machine()["status"]["guest"]["boots"]
    beats = old.beats()

    old.kubectl.patch("virtualmachines.cpi.bosh.io", old.vm(), {"spec": {"reboot": "by-the-test"}})
    eventually(
        lambda: old.machine()["status"].get("reboot") == "by-the-test", within=90, what=f"{old.vm()} has rebooted"
    )
    old.agent().wait_until_ready()

    assert old.machine()["status"]["guest"]["boots"] == boots + 1
    assert listed(old) == old.disks()
    eventually(lambda: old.beats() > beats, within=90, what="the job runs again")
    assert old.marker() == marker


def test_bigger_disk_is_filled_from_the_old_one_while_both_are_in_the_settings(old: Life, marker: str) -> None:
    (before,), beats = old.disks(), old.beats()

    printed = old.create(disk_size=256)

    (after,) = old.disks()
    assert after != before
    assert printed.index("Migrating disk content") < printed.index(f"Detaching disk '{before}'")
    assert old.kubectl.get("persistentvolumeclaim", before) is None
    assert listed(old) == [after]
    assert old.marker() == marker
    assert old.beats() > beats


def test_delete_leaves_nothing(old: Life, marker: str) -> None:
    assert old.left_over()

    old.delete()

    assert old.left_over() == []
    assert not old.state_file.exists()
