"""Traps and pitfalls of machines that no other test shows (docs/conformance.md)."""

import json
import re
import threading
import uuid

import pytest

from bosh_kubernetes_api import names
from tests.component.conftest import ENV, NAMESPACE, NETWORKS, STEMCELL
from tests.support.cpi_process import CallError

CID = re.compile(r"[a-z0-9-]{1,57}")


def settings_of(api, cid):
    return json.loads(api.store.get("ConfigMap", NAMESPACE, cid)["data"]["settings.json"])


def test_trap_23_delete_vm_returns_when_the_machine_is_gone(api, cpi, create_vm, operator) -> None:
    """And not while it is Terminating: its address and its disks would not be free."""
    cid = create_vm()
    operator.deaf.add(cid)
    process = cpi.start(cpi.request("delete_vm", cid))

    def machine():
        return api.store.get("VirtualMachine", NAMESPACE, cid)

    def watched() -> bool:
        return any("watch=true" in seen.query and cid in seen.query for seen in api.seen[before:])

    before = len(api.seen)
    with api.store.changed:
        assert api.store.changed.wait_for(lambda: "deletionTimestamp" in machine()["metadata"] and watched(), 20)
    assert process.poll() is None
    operator.deaf.clear()
    with api.store.changed:
        api.store.changed.notify_all()

    assert cpi.finish(process).error is None
    assert api.store.find("VirtualMachine", NAMESPACE, cid) is None


def test_trap_31_metadata_of_a_machine_that_does_not_run(api, cpi, create_vm, operator) -> None:
    cid = create_vm()
    operator.stopped = True
    gone = {"status": {"conditions": [], "printableStatus": "Starting"}}
    api.store.merge_patch("VirtualMachine", NAMESPACE, cid, gone, status=True)
    cpi("set_vm_metadata", cid, {"name": "group/uuid", "compiling": "x" * 200})

    assert api.store.get("VirtualMachine", NAMESPACE, cid)["spec"]["metadata"]["name"] == "group/uuid"


@pytest.mark.parametrize(
    "given", [None, [], ["disk-unknown"], ["held"], ["not a CID/../x", "", "disk-unknown"]], ids=str
)
def test_trap_35_disk_cids_are_hints(api, cpi, create_vm, given) -> None:
    if given == ["held"]:
        disk = cpi("create_disk", 1, {}, None)
        cpi("attach_disk", create_vm(), disk)
        given = [disk]
    cid = create_vm(disks=given)

    assert cpi("get_disks", cid) == []
    placement = api.store.get("VirtualMachine", NAMESPACE, cid)["spec"]["machine"].get("placement", {})
    assert set(placement.get("disks", [])) <= set(given or [])


def test_trap_36_address_of_a_dynamic_network_is_no_wish(api, cpi, operator) -> None:
    stale = {"ip": "10.0.0.9", "netmask": "255.0.0.0", "gateway": "10.0.0.1", "prefix": "8"}
    networks = {"default": {**NETWORKS["default"], **stale}}
    cid, used = cpi("create_vm", "agent-1", STEMCELL, {}, networks, [], ENV)

    assert not set(settings_of(api, cid)["networks"]["default"]) & set(stale)
    assert api.store.get("VirtualMachine", NAMESPACE, cid)["spec"]["machine"]["networks"] == [
        {"name": "default", "type": "dynamic"}
    ]
    assert used["default"]["ip"] == "10.244.0.7"


SPARSE = [
    {},
    {"default": {}},
    {"default": {"type": "manual", "cloud_properties": None}},
    {"default": {"type": "dynamic"}},
    {"default": {"type": "dynamic", "ip": None, "gateway": None, "netmask": None, "dns": None, "default": None}},
    {"default": {"ip": "10.96.0.7", "cloud_properties": {"static_ip": {"ports": [22]}}}},
]


@pytest.mark.parametrize("networks", SPARSE, ids=json.dumps)
def test_trap_37_networks_may_lack_any_key(api, cpi, operator, networks) -> None:
    cid, _ = cpi("create_vm", str(uuid.uuid4()), STEMCELL, {}, networks, [], ENV)
    told = settings_of(api, cid)["networks"]

    assert set(told) == set(networks)
    assert all(network["preconfigured"] is True for network in told.values())


def test_trap_38_vip_network_is_refused_with_the_way_out(cpi, operator, ours) -> None:
    networks = {**NETWORKS, "public": {"type": "vip", "ip": "192.0.2.1", "cloud_properties": {}}}
    with pytest.raises(CallError, match="'public': vip networks are not supported; put a Service") as failure:
        cpi("create_vm", "agent-1", STEMCELL, {}, networks, [], ENV)

    assert not failure.value.ok_to_retry
    assert ours() == []


def test_trap_41_cids_are_short_and_plain(cpi, create_vm) -> None:
    host = "registry." + "long-name." * 20 + "example.com:5000/" + "part/" * 40
    cids = [create_vm(), cpi("create_disk", 1, {}, None), STEMCELL, names.stemcell_cid(f"{host}@sha256:{'0' * 64}")]

    assert all(CID.fullmatch(cid) for cid in cids)
    assert len(set(cids)) == len(cids)


@pytest.mark.parametrize("count", [4, pytest.param(30, marks=pytest.mark.full)])
def test_trap_48_many_machines_and_disks_at_once(api, cpi, create_vm, count) -> None:
    """One process each, with one stemcell: no lock of a process could help."""
    got: dict[str, list[str]] = {}
    failures: list[BaseException] = []

    def life() -> None:
        try:
            cid = create_vm()
            disk = cpi("create_disk", 1, {}, cid)
            cpi("attach_disk", cid, disk)
            got[cid] = [disk]
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=life) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(got) == count
    for machine in api.store.list("VirtualMachine", NAMESPACE):
        assert [disk["cid"] for disk in machine["spec"]["disks"]] == got[machine["metadata"]["name"]]


def test_pitfall_02_wish_of_a_killed_attach_comes_true_and_its_repeat_succeeds(api, cpi, create_vm, operator) -> None:
    """Nothing rests on what the killed process remembered."""
    cid, disk = create_vm(), cpi("create_disk", 1, {}, None)
    operator.deaf.add(cid)
    process = cpi.start(cpi.request("attach_disk", cid, disk))
    with api.store.changed:
        assert api.store.changed.wait_for(lambda: api.store.get("VirtualMachine", NAMESPACE, cid)["spec"]["disks"], 20)
    process.kill()
    process.communicate()
    operator.deaf.clear()

    assert cpi("attach_disk", cid, disk) == {"path": f"/warden-cpi-dev/{disk}"}
    assert cpi("get_disks", cid) == [disk]


def test_pitfall_34_cids_of_another_cpi_are_unknown_and_nothing_is_asked_for_them(api, cpi) -> None:
    asked = len(api.seen)
    for junk in ("kube-context:agent-1", "scl-1/host/name", "i-0abc_DEF", "../secrets", "a" * 300, "vm 1", "é"):
        assert cpi("has_vm", junk) is False
        assert cpi("has_disk", junk) is False
        for gone in (
            ("delete_vm", junk),
            ("delete_disk", junk),
            ("delete_stemcell", junk),
            ("detach_disk", junk, junk),
        ):
            assert cpi(*gone) is None
        for method, kind in (("get_disks", "VMNotFound"), ("reboot_vm", "VMNotFound")):
            assert cpi.answer(method, junk).error["type"] == f"Bosh::Clouds::{kind}"
        assert cpi.answer("set_disk_metadata", junk, {}).error["type"] == "Bosh::Clouds::DiskNotFound"

    assert len(api.seen) == asked


def test_pitfall_44_kubeconfig_that_trusts_anybody_is_refused(api, new_cpi) -> None:
    text = json.dumps(
        {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": api.url, "insecure-skip-tls-verify": True}}],
            "users": [{"name": "u", "user": {"token": "x"}}],
        }
    )
    with pytest.raises(CallError, match="insecure-skip-tls-verify is refused"):
        new_cpi(kubernetes={"kubeconfig": text})("has_vm", "vm-1")
    assert api.seen == []
