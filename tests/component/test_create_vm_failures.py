"""A create_vm that fails: VMCreationFailed, the cluster's reason in words, and nothing left behind."""

import signal
from time import monotonic

import pytest

from bosh_kubernetes_api import names
from tests.component.conftest import ENV, NAMESPACE, NETWORKS, STEMCELL
from tests.support.cpi_process import CallError
from tests.support.fakeapi.faults import Fault
from tests.support.fakeapi.server import Seen


@pytest.fixture
def refused(cpi, ours):
    """Calls create_vm, which must fail and leave nothing; the error."""

    def call(properties=None, networks=NETWORKS, stemcell=STEMCELL, caller=cpi) -> CallError:
        before = ours()
        with pytest.raises(CallError) as failure:
            caller("create_vm", "agent-1", stemcell, properties or {}, networks, [], ENV)
        assert ours() == before
        return failure.value

    return call


@pytest.mark.parametrize(
    ("reason", "message", "retry"),
    [
        ("QuotaExceeded", "pods is forbidden: exceeded quota: machines", False),
        ("PodRefused", "admission webhook denied the request", False),
        ("AddressInUse", "VirtualMachine vm-other holds 10.96.0.7", False),
        ("Unschedulable", "0/3 nodes are available: 3 Insufficient cpu", True),
        ("ImagePulling", "pulling image", True),
    ],
)
def test_reason_of_the_cluster_is_told(refused, operator, reason, message, retry) -> None:
    operator.reasons["*"] = (reason, message)
    error = refused()

    assert error.type == "Bosh::Clouds::VMCreationFailed"
    assert f"{reason}: {message}" in error.message
    assert ("make room" in error.message) == (reason == "Unschedulable")
    assert error.ok_to_retry is retry


def test_silent_operator_is_told(refused, api) -> None:
    error = refused()

    assert "the operator is not running" in error.message
    assert error.ok_to_retry


@pytest.mark.parametrize("path", ["/virtualmachines", "/secrets", "/configmaps"])
@pytest.mark.parametrize(("status", "after"), [(403, False), (0, True), (422, True)], ids=["refused", "lost", "late"])
def test_fault_at_each_write(refused, api, operator, path, status, after, cpi, ours) -> None:
    """An answer that is lost is asked for again: then the call succeeds."""
    api.fault("POST", f"{path}$", status=status, after=after)
    if status == 0:
        cpi("create_vm", "agent-1", STEMCELL, {}, NETWORKS, [], ENV)
        assert len(ours()) == 3
    else:
        assert refused().type == "Bosh::Clouds::VMCreationFailed"
    assert api.pending_faults() == 0


def test_large_env_is_refused_in_words(cpi, operator, ours) -> None:
    with pytest.raises(CallError, match="fit into a Secret"):
        cpi("create_vm", "agent-1", STEMCELL, {}, NETWORKS, [], {"large": "x" * 1_000_001})
    assert ours() == []


@pytest.mark.parametrize("part", ["env", "networks"])
def test_what_is_too_large_is_refused_before_anything_is_made_or_removed(api, create_vm, cpi, operator, part) -> None:
    there = create_vm("agent-1")
    made = len(api.requests("POST", ""))
    large = {"default": {**NETWORKS["default"], "dns": ["x" * 1_000_001]}} if part == "networks" else NETWORKS
    env = {"large": "x" * 1_000_001} if part == "env" else {}
    with pytest.raises(CallError, match=f"{part} .* larger than"):
        cpi("create_vm", "agent-1", STEMCELL, {}, large, [], env)
    assert len(api.requests("POST", "")) == made
    assert cpi("has_vm", there) is True


@pytest.mark.parametrize(("mark", "words"), [("99999999999", "is being deleted"), ("1", "")])
def test_a_stemcell_that_is_being_deleted(api, cpi, create_vm, mark, words) -> None:
    """A mark that a call left that died counts for nothing after a while, as at create_stemcell."""
    api.store.merge_patch("Stemcell", NAMESPACE, STEMCELL, {"metadata": {"annotations": {names.DELETING: mark}}})
    if not words:
        assert create_vm()
        return
    with pytest.raises(CallError, match=words) as failure:
        create_vm()
    assert failure.value.ok_to_retry is True


def test_unknown_stemcell(refused) -> None:
    for stemcell in ("stemcell-unknown", "../secrets"):
        error = refused(stemcell=stemcell)
        assert "upload-stemcell" in error.message
        assert "state file" in error.message, "create-env's users have no such command"
        assert not error.ok_to_retry


def test_unknown_storage_class_of_the_root_disk(refused) -> None:
    assert "'fast' in the cluster; there are: standard" in refused({"root_disk": {"storage_class": "fast"}}).message


def test_manual_network_without_a_way_to_its_address(refused) -> None:
    networks = {"private": {"type": "manual", "ip": "10.96.0.7", "cloud_properties": {}}}
    error = refused(networks=networks)

    for word in ("private", "10.96.0.7", "static_ip", "preset", "dynamic"):
        assert word in error.message


def test_mistyped_property_names_the_nearest(refused) -> None:
    error = refused({"memroy": 5})

    assert error.type == "Bosh::Clouds::CloudError"
    assert error.message == "cloud_properties of the VM: unknown key 'memroy'; did you mean 'memory'?"
    assert not error.ok_to_retry


def test_mistyped_property_of_a_network_names_the_network_and_the_nearest(refused) -> None:
    networks = {"private": {"type": "manual", "ip": "10.96.0.7", "cloud_properties": {"static_ips": {}}}}
    error = refused(networks=networks)

    assert error.type == "Bosh::Clouds::CloudError"
    assert "network 'private': unknown key 'static_ips'; did you mean 'static_ip" in error.message


def test_missing_message_bus_is_told(refused, new_cpi) -> None:
    assert "agent.mbus" in refused(caller=new_cpi(agent={})).message


def test_next_try_for_the_same_agent_removes_what_the_first_left(api, cpi, create_vm, new_cpi) -> None:
    stranger = new_cpi()
    other = create_vm("agent-1", caller=stranger)
    first = create_vm("agent-1")
    second = create_vm("agent-1")

    left = {value["metadata"]["name"] for value in api.store.list("VirtualMachine", NAMESPACE)}
    assert left == {second, other}
    assert first != second


def test_terminated_process_answers_and_cleans_up(api, cpi, operator, ours) -> None:
    operator.reasons["*"] = ("Starting", "the guest starts")
    process = cpi.start(cpi.request("create_vm", "agent-1", STEMCELL, {}, NETWORKS, [], ENV))
    with api.store.changed:
        assert api.store.changed.wait_for(lambda: "ConfigMap" in str(ours()), 20)
    process.send_signal(signal.SIGTERM)
    answer = cpi.finish(process)

    assert answer.error is not None
    assert "SIGTERM" in answer.error["message"]
    assert ours() == []


def test_terminated_while_it_removes_what_was_made_it_goes_on_with_that(api, cpi, operator, ours) -> None:
    operator.reasons["*"] = ("QuotaExceeded", "exceeded quota")
    processes = []

    def terminate(seen) -> None:
        if seen.method == "DELETE" and "/secrets/" in seen.path:
            processes[0].send_signal(signal.SIGTERM)

    api.intercept = terminate
    processes.append(cpi.start(cpi.request("create_vm", "agent-1", STEMCELL, {}, NETWORKS, [], ENV)))
    answer = cpi.finish(processes[0])

    assert answer.error is not None
    assert "QuotaExceeded: exceeded quota" in answer.error["message"]
    assert ours() == []


def test_what_was_made_is_removed_when_the_api_server_is_back(api, refused, operator) -> None:
    """It is away for longer than a request is repeated else, and for less than the time that undoing may take."""
    operator.reasons["*"] = ("QuotaExceeded", "exceeded quota")
    back: list[float] = []

    def away(seen: Seen) -> Fault | None:
        if not back and seen.method == "DELETE":
            back.append(monotonic() + 8)
        return Fault(503) if back and monotonic() < back[0] else None

    api.intercept = away

    assert "could not be removed" not in refused().message


@pytest.mark.parametrize(("status", "times"), [(403, 1), (503, 11)], ids=["refused", "as long as they get"])
def test_settings_that_cannot_be_removed_do_not_keep_the_machine(api, refused, operator, status, times) -> None:
    operator.reasons["*"] = ("QuotaExceeded", "exceeded quota")
    api.fault("DELETE", "/secrets/", status=status, times=times)

    assert "QuotaExceeded" in refused().message
