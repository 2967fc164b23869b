"""The schema of VirtualMachine: bounded everywhere, immutable machine, and what a person sees of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bosh_kubernetes_api import names
from bosh_kubernetes_operator.machine.status import compute
from tests.unit.operator.things import attached, claim, guest, observed, pod, seen, vm

CRD = yaml.safe_load((Path(__file__).parents[3] / "crds/virtualmachine.yaml").read_text())
[VERSION] = CRD["spec"]["versions"]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]
SPEC, STATUS = SCHEMA["properties"]["spec"], SCHEMA["properties"]["status"]


def places(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for key, part in schema.get("properties", {}).items():
        yield from places(part, f"{path}.{key}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from places(schema[key], f"{path}[]")


OURS = [(path, part) for path, part in places(SCHEMA) if path.startswith((".spec", ".status"))]


@pytest.mark.parametrize(("path", "part"), OURS, ids=[path for path, _ in OURS])
def test_everything_is_typed_and_bounded(path, part) -> None:
    kind = part["type"]
    if kind == "string":
        assert "maxLength" in part or "enum" in part or part.get("format") == "date-time"
    if kind == "array":
        assert "maxItems" in part
        assert part["x-kubernetes-list-type"] in ("map", "set", "atomic")
    if kind == "object":
        assert "properties" in part or "maxProperties" in part
    assert "x-kubernetes-preserve-unknown-fields" not in part


def test_the_machine_never_changes() -> None:
    [rule] = SPEC["properties"]["machine"]["x-kubernetes-validations"]
    assert rule["rule"] == "self == oldSelf"
    assert "machine" in SPEC["required"]  # a rule does not run on what appears or disappears
    mutable = set(SPEC["properties"]) - {"machine"}
    assert mutable == {"disks", "power", "reboot", "paused", "metadata"}


@pytest.mark.parametrize(
    ("place", "keys"),
    [
        (SPEC["properties"]["disks"], ["cid"]),
        (STATUS["properties"]["disks"], ["cid"]),
        (STATUS["properties"]["conditions"], ["type"]),
    ],
)
def test_lists_that_have_keys_are_maps(place, keys) -> None:
    assert place["x-kubernetes-list-type"] == "map"
    assert place["x-kubernetes-list-map-keys"] == keys
    assert set(keys) <= set(place["items"]["required"])


def test_the_status_is_a_resource_of_its_own() -> None:
    assert VERSION["subresources"] == {"status": {}}


def test_what_a_person_sees() -> None:
    assert (CRD["spec"]["group"], VERSION["name"]) == (names.GROUP, names.VERSION)
    assert CRD["spec"]["names"]["plural"] == names.MACHINES
    assert CRD["spec"]["names"]["shortNames"] == ["bvm"]
    assert CRD["spec"]["names"]["categories"] == ["bosh"]
    columns = [(c["name"], c.get("priority", 0)) for c in VERSION["additionalPrinterColumns"]]
    assert columns == [
        ("Instance", 0),
        ("Status", 0),
        ("Ready", 0),
        ("IP", 0),
        ("Reason", 1),
        ("Deployment", 1),
        ("Node", 1),
        ("Stemcell", 1),
        ("Agent", 1),
        ("Age", 0),
    ]


def test_the_instance_is_what_the_director_calls_it() -> None:
    """Keys of set_vm_metadata: `name` is `group/uuid` of a Director, `job/0` of create-env (contract 2.2)."""
    paths = {column["name"]: column["jsonPath"] for column in VERSION["additionalPrinterColumns"]}

    assert paths["Instance"] == ".spec.metadata.name"
    assert paths["Deployment"] == ".spec.metadata.deployment"


def spec(**changes: Any) -> dict[str, Any]:
    machine = vm()["spec"]["machine"] | changes.pop("machine", {})
    return {"machine": machine, **changes}


@pytest.mark.parametrize(
    "good",
    [
        spec(),
        spec(disks=[{"cid": "disk-1"}], power="Stopped", reboot="3f-1", paused=True, metadata={"job": "db"}),
        spec(machine={"networks": [{"name": "d", "type": "manual", "ip": "10.0.0.1", "ports": [6868]}]}),
        spec(disks=[{"cid": "disk-1", "inSettings": "3f-1", "flush": "3f-2"}]),
        spec(machine={"placement": {"tolerations": [{"operator": "Exists"}], "disks": ["disk-1"]}}),
    ],
)
def test_what_it_takes(good) -> None:
    jsonschema.validate(good, SPEC)


@pytest.mark.parametrize(
    "bad",
    [
        {},
        spec(machine={"resources": {"cpu": "1", "memory": "1Gi"}}),
        spec(machine={"resources": {"cpu": "lots", "memory": "1Gi", "ephemeralDisk": "1Gi"}}),
        spec(machine={"stemcell": "Upper"}),
        spec(machine={"networks": [{"name": "d", "type": "bridge"}]}),
        spec(machine={"networks": [{"name": "d", "type": "manual", "ports": [70000]}]}),
        spec(disks=[{"cid": "x" * 58}]),
        spec(disks=[{"cid": "../etc"}]),
        spec(disks=[{}]),
        spec(disks=[{"cid": "disk-1", "inSettings": "a b"}]),
        spec(disks=[{"cid": "disk-1", "flush": "x" * 65}]),
        spec(power="Paused"),
        spec(reboot="a b"),
    ],
)
def test_what_it_refuses(bad) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(bad, SPEC)


@pytest.mark.parametrize(
    "look",
    [
        observed(vm(), settings=False),
        observed(vm(disks=("disk-1",)), pod=pod(), guest=guest(), claims={"disk-1": claim("disk-1")}),
        observed(
            vm(status=attached("disk-1", inSettings="s", flush={"id": "f", "error": "no"}), reboot="r"),
            pod=pod(),
            guest=guest(served="r", disks={"disk-1": seen()}),
            attachments={"disk-1": pod("disk-1")},
        ),
    ],
)
def test_the_operator_writes_only_what_the_schema_keeps(look) -> None:
    status = compute(look, {})
    jsonschema.validate(status, STATUS)
    assert set(status) <= set(STATUS["properties"])
    for disk in status["disks"]:
        assert set(disk) <= set(STATUS["properties"]["disks"]["items"]["properties"])
