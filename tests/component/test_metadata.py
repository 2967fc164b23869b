"""Metadata: all of it verbatim in an annotation, legal keys and values as labels, nothing refused."""

import json

from tests.component.conftest import NAMESPACE

ODD = {
    "director": "bosh-init",
    "name": "zk/0",
    "index": "0",
    "created_at": "2026-11-22T20:00:00+01:00",
    "tag with spaces": "x",
    "unicode": "ä",
    "empty": "",
    "number": 7,
    "long": "x" * 300,
}


def test_vm_metadata_is_kept_and_labelled_where_legal(api, cpi, create_vm) -> None:
    cid = create_vm()
    cpi("set_vm_metadata", cid, {"deployment": "old", "gone": "yes"})
    cpi("set_vm_metadata", cid, ODD)
    machine = api.store.get("VirtualMachine", NAMESPACE, cid)

    assert json.loads(machine["metadata"]["annotations"]["cpi.bosh.io/metadata"]) == ODD
    labels = {key: value for key, value in machine["metadata"]["labels"].items() if key.startswith("bosh.io/")}
    assert labels == {"bosh.io/director": "bosh-init", "bosh.io/index": "0", "bosh.io/number": "7"}
    assert machine["spec"]["metadata"]["name"] == "zk/0"
    assert "gone" not in machine["spec"]["metadata"]
    assert machine["metadata"]["labels"]["cpi.bosh.io/director"] == cpi.director


def test_disk_metadata_is_kept(api, cpi) -> None:
    disk = cpi("create_disk", 1, {}, None)
    cpi("set_disk_metadata", disk, ODD)
    claim = api.store.get("PersistentVolumeClaim", NAMESPACE, disk)

    assert json.loads(claim["metadata"]["annotations"]["cpi.bosh.io/metadata"]) == ODD
    assert claim["metadata"]["labels"]["bosh.io/director"] == "bosh-init"
    assert claim["metadata"]["labels"]["cpi.bosh.io/disk"] == disk
