"""Names, paths and objects that both sides agree on."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from bosh_kubernetes_api import claims, machine, metadata, names, paths, settings

CRD = Path(__file__).parents[3] / "crds" / "virtualmachine.yaml"
LABELS = {"cpi.bosh.io/director": "d", "cpi.bosh.io/agent": "a", "x": "y"}
MACHINE = {"metadata": {"name": "vm-1", "uid": "u", "labels": LABELS}}


@pytest.mark.parametrize("name", ["", "a/b", "..", ".", "a?b", "a b", "ä"])
def test_no_path_is_made_of_what_is_no_name(name) -> None:
    with pytest.raises(ValueError, match="no name"):
        paths.item(paths.machines("bosh"), name)
    with pytest.raises(ValueError, match="no name"):
        paths.machines(name)


def test_paths() -> None:
    assert paths.item(paths.machines("ns"), "vm-1") == "/apis/cpi.bosh.io/v1alpha1/namespaces/ns/virtualmachines/vm-1"
    assert paths.query("/x", labelSelector="a=b,c=d", watch="") == "/x?labelSelector=a%3Db%2Cc%3Dd"


@pytest.mark.parametrize("cid", ["vm-1", "a" * 57])
def test_cids(cid) -> None:
    assert names.is_cid(cid)


@pytest.mark.parametrize("cid", ["a" * 58, "", "VM", "a/b", 7, None])
def test_what_is_no_cid(cid) -> None:
    assert not names.is_cid(cid)


def test_fresh_cids_are_legal_and_their_own() -> None:
    assert names.is_cid(names.new_cid("disk"))
    assert names.new_cid("vm") != names.new_cid("vm")


def test_machine_is_as_the_crd_says_and_nothing_would_be_pruned() -> None:
    built = machine.virtual_machine(
        "vm-1",
        director="d",
        agent_id="a" * 100,
        stemcell="stemcell-1",
        image="r@sha256:0",
        pull_secrets=["s"],
        shape={
            "resources": {"cpu": "500m", "memory": "1Mi", "ephemeralDisk": "1Mi"},
            "networks": [{"name": "n", "type": "manual", "ip": "10.0.0.1", "ports": [1]}],
            "placement": {"disks": ["disk-1"], "zone": "z", "tolerations": [{"operator": "Exists"}]},
        },
    )
    schema = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]

    jsonschema.validate({**built, "metadata": {}}, _closed(schema))
    assert names.is_label_value(built["metadata"]["labels"][names.AGENT])


def test_settings_follow_the_agent_s_types() -> None:
    networks = {
        "d": {"type": "dynamic", "ip": "stale", "netmask": "m", "gateway": "g", "prefix": "32", "dns": ["x"]},
        "m": {"type": "manual", "ip": "10.0.0.1", "gateway": None},
    }
    result = settings.settings(agent_id="a", vm_cid="vm-1", networks=networks, ntp=[])

    assert result["networks"]["d"] == {"type": "dynamic", "dns": ["x"], "preconfigured": True}
    assert result["networks"]["m"] == {"type": "manual", "ip": "10.0.0.1", "preconfigured": True}
    assert result["disks"]["system"] == ""
    assert result["ntp"] == []


def test_settings_objects_are_owned_and_labelled() -> None:
    secret = settings.secret(MACHINE, settings.credentials(mbus="m", blobstore={}, env={"k": "ü\n"}))
    text = secret["stringData"]["credentials.json"]

    assert "\n" not in text
    assert json.loads(text) == {"mbus": "m", "blobstore": {}, "env": {"k": "ü\n"}}
    assert secret["metadata"]["ownerReferences"][0]["uid"] == "u"
    assert secret["metadata"]["labels"] == {
        names.MANAGED_BY: names.MANAGER,
        names.ROLE: "credentials",
        names.DIRECTOR: "d",
        names.AGENT: "a",
        names.MACHINE: "vm-1",
    }
    assert settings.config_map(MACHINE, {})["metadata"]["labels"][names.ROLE] == "settings"


def test_claim_has_no_owner_and_is_known_by_its_labels() -> None:
    claim = claims.claim("disk-1", director="d", size=5)

    assert "ownerReferences" not in claim["metadata"]
    assert "storageClassName" not in claim["spec"]
    assert claims.is_disk(claim)
    assert not claims.is_disk({"metadata": {"name": "disk-1"}})
    assert not claims.is_disk({**claim, "metadata": {**claim["metadata"], "name": "copy"}})


def test_metadata_beyond_the_crd_s_bounds_is_cut_in_spec_and_whole_in_the_annotation() -> None:
    values = {f"k{number}": "x" * 5000 for number in range(200)}
    patch = metadata.machine_patch(values, {"metadata": {}, "spec": {"metadata": {"old": "1"}}})

    assert json.loads(patch["metadata"]["annotations"][names.METADATA]) == values
    assert patch["spec"]["metadata"]["old"] is None
    assert max(len(value) for value in patch["spec"]["metadata"].values() if value) == 4096


def _closed(schema):
    """The schema, refusing what the API server would silently prune."""
    if isinstance(schema, dict):
        result = {key: _closed(value) for key, value in schema.items()}
        if "properties" in schema:
            result["additionalProperties"] = False
        return result
    return [_closed(item) for item in schema] if isinstance(schema, list) else schema
