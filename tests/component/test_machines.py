"""create_vm, has_vm, delete_vm, reboot_vm as a caller sees them."""

import base64
import json
import uuid

import pytest

from tests.component.conftest import ENV, IMAGE, NAMESPACE, NETWORKS, STEMCELL
from tests.support.cpi_process import CallError


def test_create_vm_makes_machine_secret_and_config_map_in_this_order(api, cpi, create_vm) -> None:
    cid = create_vm("agent-1", properties={"cpu": 2, "ram": 2048}, disks=["disk-1", "disk-1"])

    made = [seen.path.rpartition("/")[2] for seen in api.requests("POST", "")]
    assert made == ["virtualmachines", "secrets", "configmaps"]
    machine = api.store.get("VirtualMachine", NAMESPACE, cid)
    assert machine["spec"]["machine"]["image"] == IMAGE
    assert machine["spec"]["machine"]["resources"] == {"cpu": "2", "memory": "2048Mi", "ephemeralDisk": "10240Mi"}
    assert machine["spec"]["machine"]["placement"] == {"group": "dir-zk-node", "disks": ["disk-1"]}
    assert machine["metadata"]["labels"]["cpi.bosh.io/director"] == cpi.director
    for kind in ("Secret", "ConfigMap"):
        owner = api.store.get(kind, NAMESPACE, cid)["metadata"]["ownerReferences"][0]
        assert owner["uid"] == machine["metadata"]["uid"]


def test_what_calculate_vm_cloud_properties_answers_makes_a_machine_of_these_sizes(api, cpi, create_vm) -> None:
    sizes = cpi("calculate_vm_cloud_properties", {"cpu": 2, "ram": 2049, "ephemeral_disk_size": 5001}, "surplus")
    machine = api.store.get("VirtualMachine", NAMESPACE, create_vm(properties=sizes))

    assert machine["spec"]["machine"]["resources"] == {"cpu": "2", "memory": "2049Mi", "ephemeralDisk": "5001Mi"}


def test_settings_are_two_one_line_objects_with_disjoint_keys(api, create_vm) -> None:
    cid = create_vm("agent-1")
    public = api.store.get("ConfigMap", NAMESPACE, cid)["data"]["settings.json"]
    hidden = base64.b64decode(api.store.get("Secret", NAMESPACE, cid)["data"]["credentials.json"]).decode()

    assert "\n" not in public + hidden
    assert not set(json.loads(public)) & set(json.loads(hidden))
    settings = {**json.loads(public), **json.loads(hidden)}
    assert settings["agent_id"] == "agent-1"
    assert settings["vm"] == {"name": cid}
    assert settings["env"] == ENV
    assert settings["disks"] == {"system": "", "ephemeral": "", "persistent": {}}
    assert settings["networks"]["default"]["preconfigured"] is True


def test_create_vm_answers_cid_and_networks(cpi, operator) -> None:
    cid, networks = cpi("create_vm", "agent-1", STEMCELL, {}, NETWORKS, None, {})

    assert cid.startswith("vm-")
    assert networks["default"]["ip"] == "10.244.0.7"


def test_has_vm_follows_the_life_of_a_machine(cpi, create_vm, operator) -> None:
    assert cpi("has_vm", "vm-unknown") is False
    cid = create_vm()
    assert cpi("has_vm", cid) is True
    cpi("delete_vm", cid)
    assert cpi("has_vm", cid) is False


def test_has_vm_is_false_once_the_root_is_lost(api, cpi, create_vm, operator) -> None:
    cid = create_vm()
    operator.lost.add(cid)
    with api.store.changed:
        api.store.changed.wait_for(lambda: "RootLost" in str(api.store.get("VirtualMachine", NAMESPACE, cid)), 10)

    assert cpi("has_vm", cid) is False


@pytest.mark.parametrize(
    ("method", "cid", "status"),
    [("has_vm", "vm-1", 0), ("has_vm", "vm-1", 403), ("has_disk", "disk-1", 401), ("has_disk", "disk-1", 500)],
)
def test_has_vm_and_has_disk_are_errors_when_the_api_fails(api, cpi, method, cid, status) -> None:
    api.fault("GET", cid, status=status, times=5)
    with pytest.raises(CallError, match=r"API server|account|injected"):
        cpi(method, cid)


def test_has_vm_survives_a_short_outage(api, cpi, create_vm) -> None:
    cid = create_vm()
    api.fault("GET", cid, status=503)
    api.fault("GET", cid, status=429, header="0")
    api.fault("GET", cid, status=0)

    assert cpi("has_vm", cid) is True
    assert api.pending_faults() == 0


def test_delete_vm_leaves_nothing_and_may_be_repeated(cpi, create_vm, ours) -> None:
    cid = create_vm()
    cpi("delete_vm", cid)
    assert ours() == []
    cpi("delete_vm", cid)


def test_delete_vm_of_an_absent_machine_removes_what_is_left_of_it(api, cpi, ours) -> None:
    cid = f"vm-{uuid.uuid4()}"
    api.store.create("Secret", NAMESPACE, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": cid}})
    cpi("delete_vm", cid)

    assert ours() == []


@pytest.mark.parametrize(("kind", "name"), [("Secret", "registry"), ("ConfigMap", "firmware-0123456789ab")])
def test_delete_vm_of_a_name_that_is_no_machine_s_touches_nothing(api, cpi, kind, name) -> None:
    """`bosh delete-vm` takes any name; the namespace has pull secrets of people, and the operator's firmware."""
    api.store.create(kind, NAMESPACE, {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}})
    cpi("delete_vm", name)

    assert api.store.get(kind, NAMESPACE, name)
    assert api.requests("DELETE", "") == []


def test_delete_vm_on_a_lost_node_names_node_time_and_taint(cpi, create_vm, operator) -> None:
    cid = create_vm()
    operator.unreachable.add(cid)
    with pytest.raises(CallError) as failure:
        cpi("delete_vm", cid)

    for word in ("worker-1", "2026-01-01T00:00:00Z", "kubectl taint nodes worker-1 node.kubernetes.io/out-of-service"):
        assert word in failure.value.message
    assert failure.value.ok_to_retry
    operator.unreachable.clear()
    cpi("delete_vm", cid)
    assert cpi("has_vm", cid) is False


PAUSED = {"spec": {"paused": True}}


def test_delete_vm_of_a_paused_machine_says_so_and_goes_on_later(api, cpi, create_vm, operator) -> None:
    cid = create_vm()
    operator.deaf.add(cid)  # as the operator is to a paused one
    api.store.merge_patch("VirtualMachine", NAMESPACE, cid, PAUSED)
    with pytest.raises(CallError, match=rf"{cid} is paused .*kubectl patch bvm {cid}.* is stored") as failure:
        cpi("delete_vm", cid)

    assert failure.value.type == "Bosh::Clouds::CloudError"
    assert cpi("has_vm", cid) is True
    api.store.merge_patch("VirtualMachine", NAMESPACE, cid, {"spec": {"paused": False}})
    operator.deaf.clear()
    cpi("delete_vm", cid)
    assert cpi("has_vm", cid) is False


def test_reboot_vm_of_a_paused_machine_says_so(api, cpi, create_vm, operator) -> None:
    cid = create_vm()
    operator.deaf.add(cid)
    api.store.merge_patch("VirtualMachine", NAMESPACE, cid, PAUSED)
    with pytest.raises(CallError, match=f"{cid} is paused"):
        cpi("reboot_vm", cid)


def test_delete_vm_deletes_the_very_machine_that_it_found(api, cpi, create_vm) -> None:
    """Another of that name, made between the look and the request, is not touched."""
    cid = create_vm()
    uid = api.store.get("VirtualMachine", NAMESPACE, cid)["metadata"]["uid"]
    cpi("delete_vm", cid)

    (request,) = api.requests("DELETE", f"/virtualmachines/{cid}$")
    assert request.body["preconditions"] == {"uid": uid}


def test_reboot_vm_keeps_the_machine_and_starts_a_stopped_one(api, cpi, create_vm) -> None:
    cid = create_vm()
    before = api.store.get("VirtualMachine", NAMESPACE, cid)
    api.store.merge_patch("VirtualMachine", NAMESPACE, cid, {"spec": {"power": "Stopped"}})
    cpi("reboot_vm", cid)
    after = api.store.get("VirtualMachine", NAMESPACE, cid)

    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["status"]["reboot"] == after["spec"]["reboot"]
    assert after["spec"]["power"] == "Running"


def test_reboot_vm_is_served_by_that_of_another_call_that_came_after_it(api, cpi, create_vm, operator) -> None:
    """Its order stands in the place of ours, and the operator echoes one only."""
    cid = create_vm()
    operator.deaf.add(cid)
    process = cpi.start(cpi.request("reboot_vm", cid))

    def ordered() -> bool:
        return "reboot" in api.store.get("VirtualMachine", NAMESPACE, cid)["spec"]

    with api.store.changed:
        assert api.store.changed.wait_for(ordered, 20)
    api.store.merge_patch("VirtualMachine", NAMESPACE, cid, {"spec": {"reboot": "of-another-call"}})
    operator.deaf.clear()
    api.store.merge_patch("VirtualMachine", NAMESPACE, cid, {"metadata": {"labels": {"heard": "now"}}})

    assert cpi.finish(process).value() is None


def test_reboot_vm_of_an_unknown_machine(cpi) -> None:
    with pytest.raises(CallError) as failure:
        cpi("reboot_vm", "vm-unknown")

    assert failure.value.type == "Bosh::Clouds::VMNotFound"


@pytest.mark.parametrize("method", ["reboot_vm", "attach_disk"])
def test_what_a_machine_without_root_is_asked_fails_with_the_reason(cpi, create_vm, operator, method) -> None:
    cid, disk = create_vm(), cpi("create_disk", 1024, {}, None)
    operator.lost.add(cid)

    with pytest.raises(CallError, match=f"RootLost: Pod {cid} is gone, and its root disk") as failure:
        cpi(method, cid, *([disk] if method == "attach_disk" else []))
    assert not failure.value.ok_to_retry
    assert cpi("get_disks", cid) == []
