"""The blocks of docs/ that show what programs print are what they print.

`SAMPLES=write` in the environment writes them instead, from this run.
"""

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import samples
from tests.support.cluster import environment
from tests.support.cluster.cpi import Cpi
from tests.support.cluster.installation import Installation
from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.machines import Machine
from tests.support.tool_process import tool

INSTANCE = "zookeeper/6b1d0f0e-3c52-4d0f-9f43-2f7f0d0e7a55"
METADATA = {
    "director": "bosh",
    "deployment": "zookeeper",
    "instance_group": "zookeeper",
    "job": "zookeeper",
    "index": "0",
    "name": INSTANCE,
}


def compare(name: str, text: str) -> None:
    if os.environ.get("SAMPLES") == "write":
        samples.write(name, text)
    assert samples.form(text) == samples.form(samples.shown(name))


@pytest.fixture(scope="module")
def me() -> dict[str, str]:
    return {"KUBECONFIG": os.environ["KUBECONFIG"]}


@pytest.fixture
def machine(make_machine: Callable[..., Machine], stemcell: str, file_class: str) -> Machine:
    """One of a Director's deployment, with a disk."""
    machine = make_machine(stemcell, memory=512, ephemeral_disk_size=1024)
    machine.cpi("set_vm_metadata", machine.cid, METADATA)
    machine.plug(storage_class=file_class)
    return machine


def only(text: str, *words: str) -> str:
    """The heads, and the lines with one of `words`: other tests leave stemcells in the namespace."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if line.startswith("NAME") or any(word in line for word in words))


@pytest.mark.parametrize(("name", "more"), [("get-bosh", ()), ("get-bosh-wide", ("-o", "wide"))])
def test_kubectl_get_bosh(installation: Installation, machine: Machine, stemcell: str, name: str, more: tuple) -> None:
    kinds = installation.machines.run("get", "bosh", *more).rstrip().split("\n\n")
    kinds.sort(key=lambda text: "virtualmachine" not in text)  # kubectl has no order of kinds

    compare(name, "\n".join(only(f"{text}\n", machine.cid, stemcell) for text in kinds))


def test_explain_a_machine(machine: Machine) -> None:
    """Its story differs from run to run: it has to have one."""
    said = tool("explain", machine.cid, config=machine.cpi.config)

    facts, heads, story = said.out.partition("TIME ")
    assert len(story.splitlines()) > 5
    if os.environ.get("SAMPLES") == "write":
        samples.write("explain", said.out)
    assert samples.form(facts) == samples.form(samples.shown("explain").partition("TIME ")[0])
    assert heads


def test_doctor(installation: Installation, stemcell: str, me: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "cpi.json"
    config.write_text(json.dumps(environment.main().config()))

    compare("doctor", tool("doctor", "--probe", "--context", Kubectl().context, config=config, environment=me).out)


def test_orphans(installation: Installation, new_cpi: Callable[..., Cpi], machine: Machine, file_class: str) -> None:
    disk = machine.cpi("create_disk", 64, {"storage_class": file_class}, None)
    machine.disks.append(disk)
    said = tool("orphans", "--director", uuid.uuid4(), "--min-age", 0, config=machine.cpi.config)

    heads, *lines = said.out.splitlines(keepends=True)
    mine = [line for line in lines if machine.cpi.director in line]
    compare("orphans", "".join([heads, *sorted(mine, key=lambda line: (line.split()[0] != "machine", "yes" in line))]))
