"""The tool for people on a real cluster: what it says of things that are there, and that it leaves nothing behind."""

import json
import os
import signal
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bosh_kubernetes_api import reasons
from bosh_kubernetes_api.machine import condition
from bosh_kubernetes_cpi import versions
from tests.support.cluster import environment
from tests.support.cluster.cpi import Cpi
from tests.support.cluster.installation import Installation
from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.machines import Machine
from tests.support.cluster.node import Node
from tests.support.cluster.wait import eventually
from tests.support.tool_process import Said, start, tool

PROBES = "cpi.bosh.io/role=probe"
PROVEN = ("push", "pull", "delete", "mount propagation")


@pytest.fixture
def me() -> dict[str, str]:
    """A person's environment: the kubeconfig of the tests, who may do everything."""
    return {"KUBECONFIG": os.environ["KUBECONFIG"]}


@pytest.fixture
def main_config(installation: Installation, tmp_path: Path) -> Path:
    """Configuration of the CPI of the installation that has the registry."""
    path = tmp_path / "main.json"
    path.write_text(json.dumps(environment.main().config()))
    return path


@pytest.fixture
def nothing_left(node: Node) -> Callable[[], None]:
    """Of a probe: no Pod, no directory on the node, no mount."""

    def check() -> None:
        eventually(lambda: environment.main().machines.list("pods", PROBES) == [], within=30, what="no Pod of a probe")
        found = node.sh("ls /var/lib/bosh-kubernetes; grep -F /doctor- /proc/self/mountinfo", check=False)
        assert "doctor-" not in found

    return check


def checks(said: Said) -> dict[str, dict[str, str]]:
    return {each["check"]: each for each in said.json["checks"]}


def test_doctor_finds_the_cluster_fit_and_its_probe_leaves_nothing(
    stemcell: str, main_config: Path, me: dict[str, str], nothing_left: Callable[[], None]
) -> None:
    context = Kubectl().context
    words = ("doctor", "--probe", "--output", "json", "--context", context)
    said = tool(*words, config=main_config, environment=me)

    found = checks(said)
    assert [line for line in found.values() if line["level"] == "failure"] == []
    assert {check: found[check]["level"] for check in PROVEN} == dict.fromkeys(PROVEN, "ok")
    for check in (
        "rights in bosh-machines",
        "rights on the registry",
        "kind VirtualMachine",
        "kind Stemcell",
        "operator",
    ):
        assert found[check]["level"] == "ok", found[check]
    assert found["Pod Security"]["level"] == "ok"
    assert said.code == 0
    nothing_left()


def test_doctor_with_the_cpis_account_alone_says_what_it_could_not_see(main_config: Path) -> None:
    found = checks(tool("doctor", "--output", "json", config=main_config))

    assert found["Pod Security"]["found"].startswith("not checked: this account may not read")
    assert {line["level"] for line in found.values()} <= {"ok", "warning"}


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_probe_that_is_interrupted_leaves_nothing_on_the_node(
    stemcell: str, main_config: Path, me: dict[str, str], nothing_left: Callable[[], None], sign: signal.Signals
) -> None:
    machines = environment.main().machines
    words = ("doctor", "--probe", "--context", Kubectl().context, "--output", "json")
    process = start(*words, config=main_config, environment=me)

    def at_the_mount() -> bool:
        assert process.poll() is None
        pods = machines.list("pods", PROBES)
        ends = [
            end for pod in pods for end in pod["status"].get("containerStatuses", []) if end["name"] == "attachment"
        ]
        return any("running" in end["state"] for end in ends)

    eventually(at_the_mount, within=120, what="the mount probe runs", every=0.1)
    process.send_signal(sign)
    out, err = process.communicate(timeout=120)

    assert process.returncode == 130, out + err
    nothing_left()


def test_a_probe_proves_nothing_where_the_directory_is_no_shared_mount(
    stemcell: str, main_config: Path, me: dict[str, str], node: Node, nothing_left: Callable[[], None]
) -> None:
    """A directory whose mounts go nowhere: a tmpfs of its own, made private."""
    place = f"/run/private-{uuid.uuid4().hex[:8]}"
    node.sh(f"mkdir {place} && mount -t tmpfs private {place} && mount --make-private {place}")
    try:
        words = ("doctor", "--probe", "--context", Kubectl().context, "--output", "json", "--host-directory", place)
        said = tool(*words, config=main_config, environment=me)
    finally:
        node.sh(f"umount {place}; rmdir {place}")

    found = checks(said)
    assert found["mount propagation"]["level"] == "failure"
    assert "shared" in found["mount propagation"]["found"] + found["mount propagation"]["remedy"]
    assert said.code == 1
    nothing_left()


def test_explain_tells_the_story_of_a_machine_and_its_disk(
    make_machine: Callable[..., Machine], stemcell: str, file_class: str
) -> None:
    machine = make_machine(stemcell)
    disk = machine.plug(storage_class=file_class)

    of_machine = tool("explain", machine.cid, config=machine.cpi.config)
    of_disk = tool("explain", disk, "--output", "json", config=machine.cpi.config)
    of_stemcell = tool("explain", stemcell, "--output", "json", config=machine.cpi.config)

    assert of_machine.code == 0, of_machine.err
    for words in (
        "Running: the guest's init runs",
        f"{machine.node.name}, as Pod {machine.cid}, address {machine.status()['pod']['ip']}",
        f"{disk}  Attached  the guest sees the disk",
    ):
        assert words in of_machine.out
    story = of_machine.out[of_machine.out.index("TIME") :]
    assert story.index("made") < story.index("Scheduled") < story.index("Attached")
    assert of_disk.json["facts"]["attached to"] == f"{machine.cid} (Attached)"
    assert of_disk.json["facts"]["class"] == file_class
    assert machine.cid in of_stemcell.json["facts"]["machines"]


def owners(installation: Installation) -> set[str]:
    """Every Director of the namespace."""
    machines = installation.machines
    things = [*machines.list("virtualmachines.cpi.bosh.io"), *machines.list("pvc")]
    found = {each["metadata"]["labels"].get("cpi.bosh.io/director", "") for each in things}
    users = [user["director"] for each in machines.list("stemcells.cpi.bosh.io") for user in each["spec"]["users"]]
    return (found | set(users)) - {""}


def test_orphans_are_found_and_deleted_when_nothing_uses_them(
    installation: Installation, new_cpi: Callable[..., Cpi], make_machine: Callable[..., Machine], stemcell: str,
    file_class: str, me: dict[str, str],
) -> None:  # fmt: skip
    gone = new_cpi(str(uuid.uuid4()))
    machine = make_machine(stemcell, cpi=gone)
    used = machine.plug(storage_class=file_class)
    free = str(gone("create_disk", 64, {"storage_class": file_class}, None))
    known = [word for owner in owners(installation) - {gone.director} for word in ("--director", owner)]
    known = known or ["--no-director"]
    users = installation.machines.get("stemcells.cpi.bosh.io", stemcell)
    words = ("orphans", *known, "--min-age", "0", "--context", Kubectl().context, "--output", "json")

    def mine(said: Said) -> dict[str, Any]:
        return {each["cid"]: each for each in said.json["orphans"] if each["directors"] == [gone.director]}

    listed = mine(tool(*words, config=gone.config, environment=me))
    assert {cid: each["kept"] for cid, each in listed.items()} == {machine.cid: "in use", used: "in use", free: ""}

    deleted = mine(tool(*words, "--delete", "--yes", config=gone.config, environment=me))
    assert {cid: each["deleted"] for cid, each in deleted.items()} == {machine.cid: False, used: False, free: True}
    assert installation.machines.get("pvc", free) is None
    assert machine.word() == "Running"

    machine.kubectl.patch("virtualmachines.cpi.bosh.io", machine.cid, {"spec": {"power": "Stopped"}})
    eventually(
        lambda: condition(machine.resource(), "Ready").get("message") == reasons.GUEST_OFF,
        within=90,
        what="the guest is off",
    )
    deleted = mine(tool(*words, "--delete", "--yes", config=gone.config, environment=me))
    assert deleted[machine.cid]["deleted"] is True
    assert gone("has_vm", machine.cid) is False

    deleted = mine(tool(*words, "--delete", "--yes", config=gone.config, environment=me))
    assert list(deleted) == [used]
    assert deleted[used]["deleted"] is True
    assert installation.machines.get("stemcells.cpi.bosh.io", stemcell) == users


def test_a_light_stemcell_of_an_image_in_the_cluster_is_the_stemcell_itself(
    stemcell: str, main_config: Path, tmp_path: Path
) -> None:
    """Looked up through the API server's proxy, as the CPI does; the same image is the same stemcell."""
    found = environment.main().machines.get("stemcells.cpi.bosh.io", stemcell)
    assert found is not None
    image = found["spec"]["image"]
    reference = f"{image.partition('@')[0]}:{stemcell}"
    names = ("--version", "1.0", "--os", "debian-12")

    said = tool("stemcell", "light", reference, *names, "--output", "json", config=main_config, folder=tmp_path)

    assert said.code == 0, said.err
    assert said.json["image"].endswith(image.partition("@")[2])
    assert said.json["name"] == found["spec"]["name"]
    assert set(said.json["formats"]) <= set(versions.STEMCELL_FORMATS)
