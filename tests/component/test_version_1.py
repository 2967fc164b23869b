"""Version 1 of the CPI API, as bosh-init of 2018 speaks it: no `api_version`, no `info`, two results of another shape,
and nobody but the settings tells the agent of a disk.
"""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.component.conftest import ENV, NAMESPACE, NETWORKS, STEMCELL
from tests.support.cpi_process import COMMAND, CallError, checked

PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
OLD = pytest.mark.parametrize("version", [{}, {"api_version": None}, {"api_version": 1}], ids=["none", "null", "1"])


@pytest.fixture
def old(cpi) -> Callable[..., Any]:
    """A call as bosh-init makes it; `version` is what it says of the API's."""

    def call(method: str, *arguments: Any, version: dict[str, Any] | None = None) -> Any:
        context = {"director_uuid": cpi.director}
        request = {"method": method, "arguments": list(arguments), "context": context, **(version or {})}
        command = [*COMMAND, str(cpi.config)]
        words = {"input": json.dumps(request).encode(), "capture_output": True, "env": PATH, "timeout": 60}
        done = subprocess.run(command, check=False, **words)
        return checked(done.stdout, done.stderr, done.returncode).value()

    return call


@pytest.fixture
def machine(old, operator) -> str:
    cid = old("create_vm", "agent-1", STEMCELL, {}, NETWORKS, [], ENV)
    assert isinstance(cid, str)
    return cid


@pytest.fixture
def disk(old, machine) -> str:
    return str(old("create_disk", 1024, {}, machine))


def wishes(api, vm) -> dict[str, dict[str, str]]:
    return {disk["cid"]: disk for disk in api.store.get("VirtualMachine", NAMESPACE, vm)["spec"]["disks"]}


def listed(api, vm) -> dict[str, str]:
    """Requests for the settings that were served, by disk."""
    disks = api.store.get("VirtualMachine", NAMESPACE, vm)["status"]["disks"]
    return {disk["cid"]: disk["inSettings"] for disk in disks if "inSettings" in disk}


@OLD
def test_create_vm_answers_the_cid_alone(api, old, operator, version) -> None:
    cid = old("create_vm", "agent-1", STEMCELL, {}, NETWORKS, [], ENV, version=version)

    assert api.store.get("VirtualMachine", NAMESPACE, cid)["spec"]["disks"] == []


@OLD
def test_attach_disk_answers_nothing_once_the_settings_list_the_disk(api, old, machine, disk, version) -> None:
    assert old("attach_disk", machine, disk, version=version) is None

    assert listed(api, machine)[disk] == wishes(api, machine)[disk]["inSettings"]


def test_each_attach_asks_for_the_settings_again(api, old, cpi, machine, disk) -> None:
    """A boot lists one disk only: what an earlier call has brought about may be gone."""
    old("attach_disk", machine, disk)
    first = wishes(api, machine)
    assert old("attach_disk", machine, disk) is None
    second = wishes(api, machine)
    assert cpi("attach_disk", machine, disk) == {"path": f"/warden-cpi-dev/{disk}"}

    assert first[disk]["inSettings"] != second[disk]["inSettings"] == listed(api, machine)[disk]
    assert wishes(api, machine) == second, "a caller of version 2 asks for nothing"


def test_a_disk_that_a_caller_of_version_2_attached_gets_into_the_settings(api, old, cpi, machine, disk) -> None:
    cpi("attach_disk", machine, disk)
    assert listed(api, machine) == {}

    old("attach_disk", machine, disk)

    assert disk in listed(api, machine)


def test_attach_fails_and_takes_its_wish_back_when_the_settings_cannot_list_the_disk(
    api, old, cpi, operator, machine, disk, tmp_path
) -> None:
    operator.unlisted.add(disk)
    script = tmp_path / "hasty.py"
    script.write_text(
        "from bosh_kubernetes_cpi import __main__, verdicts\nverdicts.DISK['Attached'] = 0.3\n__main__.main()\n"
    )
    command = [COMMAND[0], "-I", str(script)]
    with pytest.raises(CallError, match="the settings of the machine's agent do not list it yet") as failure:
        cpi.raw(cpi.request("attach_disk", machine, disk, api_version=1), command).value()

    assert failure.value.ok_to_retry
    assert wishes(api, machine) == {}


def test_bigger_disk_is_filled_while_both_are_listed_and_the_old_one_goes(api, old, machine, disk) -> None:
    old("attach_disk", machine, disk)
    bigger = old("create_disk", 2048, {}, machine)
    old("attach_disk", machine, bigger)
    both = listed(api, machine)
    assert old("detach_disk", machine, disk) is None
    assert old("delete_disk", disk) is None

    assert sorted(both) == sorted([disk, bigger])
    assert list(wishes(api, machine)) == [bigger]
    assert listed(api, machine) == {bigger: both[bigger]}


def test_a_busy_disk_keeps_its_wish(api, old, operator, machine, disk) -> None:
    old("attach_disk", machine, disk)
    before = wishes(api, machine)
    operator.busy.add(disk)

    with pytest.raises(CallError, match="423 postgres"):
        old("detach_disk", machine, disk)

    assert wishes(api, machine) == before


def test_a_whole_life(old, ours, machine, disk) -> None:
    metadata = {"director": "bosh-init", "deployment": "dep", "job": "bosh", "index": "0"}

    assert old("set_vm_metadata", machine, metadata) is None
    assert old("has_vm", machine) is True
    old("attach_disk", machine, disk)
    assert old("delete_vm", machine) is None
    assert old("has_vm", machine) is False
    assert old("delete_disk", disk) is None
    assert ours() == []


def test_a_stemcell_takes_two_arguments(old, api) -> None:
    light = {"image_reference": STEMCELL, "digest": "sha256:" + "0" * 64}

    assert old("create_stemcell", "/nowhere", light) in [one["metadata"]["name"] for one in api.store.list("Stemcell")]
