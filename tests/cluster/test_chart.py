"""The chart's life on a cluster, with a machine running through all of it.

They use the release of the documentation's names, which brings the custom resources: the suite runs them one after the
other, before the tests that lean on these. That the registry's NetworkPolicies are enforced is not shown here: the test
cluster's network plugin enforces none.
"""

import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from tests.support.cluster import environment
from tests.support.cluster.cpi import Cpi, CpiCallError
from tests.support.cluster.installation import CHART, RELEASE, Installation, Operator, helm
from tests.support.cluster.machines import Machine
from tests.support.cluster.wait import eventually


def test_a_fresh_installation_passes_its_own_tests(installation: Installation) -> None:
    answer = helm(installation.system, "test", RELEASE, "--timeout", "120s")

    assert answer.count("Succeeded") == 2, answer


def test_helm_test_fails_when_a_right_is_missing(installation: Installation) -> None:
    """One that the operator can do without for a while: without its Lease it would stop."""
    role = installation.machines.get("role", RELEASE)
    assert role is not None
    others = [rule for rule in role["rules"] if "poddisruptionbudgets" not in rule["resources"]]
    assert len(others) == len(role["rules"]) - 1
    installation.machines.patch("role", RELEASE, {"rules": others})
    try:
        with pytest.raises(AssertionError, match="helm test"):
            helm(installation.system, "test", RELEASE, "--timeout", "120s")
        said = installation.system.run("logs", f"pod/{RELEASE}-test")
    finally:
        installation.machines.patch("role", RELEASE, {"rules": role["rules"]})

    assert "FAILED: may not" in said
    assert "resource=poddisruptionbudgets" in said


def test_properties_printed_by_the_notes_let_the_cpi_in(installation: Installation, tmp_path: Any) -> None:
    notes = helm(installation.system, "get", "notes", RELEASE)
    begin = notes.index(f"kubectl --namespace {installation.machines.namespace} get secret")
    command = notes[begin : notes.index("\n", notes.index("| sed", begin))]
    printed = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    properties = yaml.safe_load(printed)
    config = tmp_path / "cpi.json"
    config.write_text(json.dumps(properties))

    assert set(properties) == {"kubernetes", "namespace"}
    assert Cpi(config, director=str(uuid.uuid4()))("has_vm", "vm-there-is-none") is False


def test_an_upgrade_replaces_the_operator_and_touches_no_machine(
    installation: Installation, operator: Operator, make_machine: Callable[..., Machine], stemcell: str
) -> None:
    machine = make_machine(stemcell)
    before, boots = machine.identity(), machine.boots()
    [old] = operator.pods()

    helm(
        installation.system, "upgrade", RELEASE, str(CHART), "--reuse-values", "--wait", "--timeout", "180s",
        "--set-string", f"operator.podAnnotations.upgraded={uuid.uuid4()}",
    )  # fmt: skip
    [new] = operator.pods()

    assert new["metadata"]["uid"] != old["metadata"]["uid"]
    assert machine.cpi("has_vm", machine.cid) is True
    machine.kubectl.patch("virtualmachines.cpi.bosh.io", machine.cid, {"spec": {"metadata": {"looked": "at"}}})
    eventually(lambda: machine.status()["observedGeneration"] == machine.resource()["metadata"]["generation"],
               within=60, what="the new one has looked at the machine")  # fmt: skip
    assert machine.identity() == before
    assert machine.boots() == boots


def starts(installation: Installation) -> dict[str, int]:
    """How often each container of the release was started again, by Pod: operator, registry, mirrors."""
    label = f"app.kubernetes.io/instance={RELEASE}"
    pods = [*installation.system.list("pods", label), *installation.machines.list("pods", label)]
    return {pod["metadata"]["name"]: pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods}


@contextmanager
def uninstalled(installation: Installation) -> Iterator[None]:
    """Without the release for the time of a `with` block; installed again whatever happens in it."""
    helm(installation.system, "uninstall", RELEASE, "--wait", "--timeout", "120s")
    try:
        yield
    finally:
        environment.installed()


def test_uninstall_and_reinstall_with_a_running_machine_and_disk(
    installation: Installation, operator: Operator, make_machine: Callable[..., Machine], stemcell: str
) -> None:
    machine = make_machine(stemcell)
    disk = machine.plug()
    before, boots = machine.identity(), machine.boots()
    attachment, claim = installation.machines.get("pod", disk), installation.machines.get("pvc", disk)
    token = installation.config()["kubernetes"]["token"]
    blobs = installation.machines.get("pvc", "bosh-registry")
    assert attachment
    assert claim
    assert blobs

    with uninstalled(installation):
        assert installation.system.list("deployments") == []
        with pytest.raises(CpiCallError, match=r"(?i)forbidden|may not"):
            machine.cpi("has_vm", machine.cid)
        assert machine.identity() == before
        for kind, was in (("pod", attachment), ("pvc", claim), ("pvc", blobs)):
            now = installation.machines.get(kind, was["metadata"]["name"])
            assert now is not None
            assert now["metadata"]["uid"] == was["metadata"]["uid"]
            assert "deletionTimestamp" not in now["metadata"]
        assert machine.guest(f"mountpoint -q /warden-cpi-dev/{disk} && echo there").strip() == "there"

    again = starts(installation)
    assert len(again) >= 3
    assert set(again.values()) == {0}, "a mirror does not wait for its registry"
    assert installation.config()["kubernetes"]["token"] == token
    assert machine.identity() == before

    machine.cpi("reboot_vm", machine.cid)
    assert machine.boots() == boots + 1
    assert machine.cpi("get_disks", machine.cid) == [disk]
    machine.cpi("detach_disk", machine.cid, disk)

    assert machine.cpi("get_disks", machine.cid) == []
    assert machine.cpi("has_disk", disk) is True
    assert machine.identity() == before
