"""What doctor asks for and concludes: its table of rights, its samples, the states of a probe's Pod."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bosh_kubernetes_cpi.clock import Deadline
from bosh_kubernetes_cpi.errors import Forbidden, Invalid, TimedOut, Unavailable
from bosh_kubernetes_cpi.methods.storage_class import default_class
from bosh_kubernetes_cpi.stemcell.places import Places
from bosh_kubernetes_cpi.tool.doctor import cluster, pods, probe, registry, rights, samples
from bosh_kubernetes_cpi.tool.doctor import command as doctor_command
from bosh_kubernetes_cpi.tool.doctor.pods import State, judge
from bosh_kubernetes_cpi.transport.http import Endpoint
from tests.support.fakeapi.rights import documented
from tests.support.registry.server import Registry, Traits

ROOT = Path(__file__).parents[3]

Json = dict[str, Any]


def test_rights_are_those_of_the_documentation() -> None:
    found = {
        (right.group, right.resource): set(right.verbs) for right in rights.IN_THE_NAMESPACE + rights.IN_THE_CLUSTER
    }

    assert found == documented()


def test_rights_that_are_spared_are_asked_for() -> None:
    assert {(right.group, right.resource) for right in rights.IN_THE_NAMESPACE + rights.IN_THE_CLUSTER} >= rights.SPARED


def test_the_oldest_kubernetes_is_that_of_the_chart() -> None:
    chart = yaml.safe_load((ROOT / "charts/bosh-kubernetes-operator/Chart.yaml").read_text())

    assert chart["kubeVersion"] == f">={cluster.OLDEST[0]}.{cluster.OLDEST[1]}.0-0"


@pytest.mark.parametrize("sample", [samples.virtual_machine(), samples.stemcell()], ids=lambda body: body["kind"])
def test_samples_have_every_field_of_the_specification(sample) -> None:
    path = ROOT / "crds" / f"{sample['kind'].lower()}.yaml"
    schema = yaml.safe_load(path.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]

    assert missing(schema["properties"]["spec"], sample["spec"], "spec") == []


def missing(schema: Json, value: Any, where: str) -> list[str]:
    if schema["type"] == "array":
        return missing(schema["items"], value[0], f"{where}[]") if value else [where]
    found = []
    for key, part in schema.get("properties", {}).items():
        if not isinstance(value, dict) or key not in value:
            found.append(f"{where}.{key}")
        else:
            found += missing(part, value[key], f"{where}.{key}")
    return found


def test_of_several_default_classes_the_newest_is_taken() -> None:
    def marked(name: str, at: str) -> Json:
        annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
        return {"metadata": {"name": name, "annotations": annotations, "creationTimestamp": at}}

    classes = [
        marked("old", "2025-01-01T00:00:00Z"),
        marked("new", "2026-01-01T00:00:00Z"),
        {"metadata": {"name": "x"}},
    ]

    assert default_class(classes) == "new"
    assert default_class(classes[2:]) == ""


def pod(phase: str = "Pending", *states: Json, conditions: Any = ()) -> Json:
    names = ("attachment", "machine")
    statuses = [{"name": name, "state": state} for name, state in zip(names, states, strict=False)]
    return {
        "spec": {"nodeName": "node"},
        "status": {"phase": phase, "containerStatuses": statuses, "conditions": list(conditions)},
    }


def waiting(reason: str, message: str = "") -> Json:
    return {"waiting": {"reason": reason, "message": message}}


def ended(code: int, **more: str) -> Json:
    return {"terminated": {"exitCode": code, **more}}


UNSCHEDULED = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}


@pytest.mark.parametrize(
    ("found", "state", "pulled", "words"),
    [
        ({"spec": {}}, State.PENDING, False, "waits for its image"),
        (pod(conditions=[UNSCHEDULED]), State.STUCK, False, "no node takes the Pod: 0/1 nodes"),
        (pod("Pending", waiting("ContainerCreating")), State.PENDING, False, ""),
        (pod("Pending", waiting("ErrImagePull", "401")), State.STUCK, False, "ErrImagePull: 401"),
        (pod("Pending", waiting("ImagePullBackOff", "again")), State.STUCK, False, "again"),
        (pod("Pending", {"running": {}}, waiting("ErrImagePull", "no")), State.STUCK, False, "no"),
        (pod("Pending", waiting("CreateContainerError", "not a shared mount")), State.DONE, True, "not a shared mount"),
        (pod("Running", {"running": {}}, {"running": {}}), State.PENDING, False, ""),
        (pod("Running", ended(1, message="cannot mount"), {"running": {}}), State.DONE, True, "cannot mount"),
        (pod("Failed", ended(128, reason="StartError")), State.DONE, True, "StartError, exit code 128"),
        (pod("Running", ended(0), {"running": {}}), State.PENDING, False, ""),
        (pod("Succeeded", ended(0), ended(0)), State.DONE, True, ""),
        (pod("Failed"), State.DONE, False, "Failed"),
    ],
)  # fmt: skip
def test_the_state_of_a_probes_pod(found, state, pulled, words) -> None:
    verdict = judge(found)

    assert (verdict.state, verdict.pulled) == (state, pulled)
    assert words in verdict.fault
    assert bool(verdict.fault) == (found.get("status", {}).get("phase") != "Succeeded")


@pytest.mark.parametrize(
    ("found", "placed"),
    [
        (pod(conditions=[UNSCHEDULED]), False),
        (pod("Failed"), False),
        (pod("Pending", waiting("ErrImagePull", "401")), True),
        (pod("Succeeded", ended(0), ended(0)), True),
    ],
)
def test_a_pod_that_no_node_takes_says_nothing_of_its_image(found, placed) -> None:
    assert judge(found).placed is placed


CREATE = "POST /api/v1/namespaces/n/pods: "


@pytest.mark.parametrize(
    ("failure", "cure"),
    [
        (Forbidden(f'{CREATE}pods is forbidden: User "cpi" cannot create resource "pods"'), "--kubeconfig names"),
        (
            Forbidden(f'{CREATE}pods "x" is forbidden: violates PodSecurity "baseline:latest"'),
            "kubectl label namespace n",
        ),
        (Forbidden(f'{CREATE}pods "x" is forbidden: exceeded quota: q, requested: pods=1'), "quota"),
        (Forbidden(f'{CREATE}admission webhook "v.example.com" denied the request: no'), "webhook"),
        (Invalid(f'{CREATE}admission webhook "v.example.com" denied the request: no'), "webhook"),
        (TimedOut("Pod doctor-1: not done in time; it waits for its image"), "the image"),
        (Unavailable("cannot reach the API server"), ""),
    ],
    ids=lambda value: getattr(value, "message", value)[:60],
)
def test_what_a_probes_pod_failed_of_has_its_remedy(failure, cure) -> None:
    found = probe.remedy(failure, "n", image="the image")

    assert cure in found
    assert bool(found) == bool(cure)


def test_the_registry_has_as_long_as_it_needs_however_long_the_pod_takes() -> None:
    """The time of what came before the push is over, and so it is before the deletion."""
    lines: list[Any] = []
    with Registry(Traits()) as server:
        places = Places({"host": server.host, "repository": "a"}, Endpoint("localhost", 1, tls=None), Deadline(0))
        with registry.pushed(places, "", lines.append) as image:
            assert image
        assert server.store.manifests == {}

    assert [(line.check, line.level) for line in lines] == [("push", "ok"), ("delete", "ok")]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"a": "((b))"}, ["a"]),
        ({"a": {"b": "https://mbus:((/dir/mbus_password))@0.0.0.0:6868"}}, ["a.b"]),
        ({"a": ["x", "((!b.c)) "], "d": [{"e": "((f))"}]}, ["a[1]", "d[0].e"]),
        ({"a": "(( no name ))", "b": "f((x)", "c": 1, "d": None}, []),
    ],
)
def test_placeholders_are_found_wherever_they_are(config, expected) -> None:
    assert list(doctor_command.placeholders(config)) == expected


class OnePod:
    """Stand-in for the API: one Pod that stays as it is, and whose watch has nothing to say."""

    def __init__(self, found: Json) -> None:
        self.deadline = Deadline(60)
        self.found = {**found, "metadata": {"name": "doctor-1", "resourceVersion": "1"}}

    def find(self, path: str) -> Json:
        return self.found

    def stream(self, path: str, *, patience: float) -> Any:
        return self

    def patience(self, seconds: float) -> None:
        pass

    def readline(self) -> bytes:
        return b""

    def close(self) -> None:
        pass


def test_an_image_that_does_not_come_is_borne_for_a_while_only(monkeypatch) -> None:
    monkeypatch.setattr(probe, "STUCK", 0.2)
    api: Any = OnePod(pod("Pending", waiting("ErrImagePull", "500 from the mirror")))

    verdict = probe._await(api, "/api/v1/namespaces/n/pods", "doctor-1")

    assert not verdict.pulled
    assert "500 from the mirror" in verdict.fault


def test_an_image_that_took_long_is_not_given_up_for_its_first_failure(monkeypatch) -> None:
    monkeypatch.setattr(probe, "STUCK", 0.3)
    states = iter([*[pod("Pending")] * 4, pod("Pending", waiting("ErrImagePull", "broke off")), pod("Succeeded")])

    class Slow(OnePod):
        def find(self, path: str) -> Json:
            return {**self.found, **next(states)}

    api: Any = Slow(pod("Pending"))

    assert probe._await(api, "/api/v1/namespaces/n/pods", "doctor-1") == (State.DONE, "", True, "node", True)


def test_both_ends_of_the_mount_probe_are_as_machine_and_attachment_have_them() -> None:
    """The operator's own Pods decide: same directory of the node, same propagation, same privileges."""
    from bosh_kubernetes_operator.machine import attachment
    from bosh_kubernetes_operator.machine import pod as machine

    resources = {"cpu": "1", "memory": "1Mi", "ephemeralDisk": "1Mi"}
    vm = {
        "metadata": {"name": "vm-1", "uid": "u"},
        "spec": {"machine": {"agentID": "a", "image": "i", "resources": resources}},
    }
    theirs = {
        "attachment": attachment.build(vm, "disk-1", "node", "firmware", "/base"),
        "machine": machine.build(vm, "firmware", "/base", 60, {}),
    }
    probed = pods.mount("doctor-1", "i", [], "", "/base")

    for container in probed["spec"]["containers"]:
        [model] = [
            each for each in theirs[container["name"]]["spec"]["containers"] if each["name"] == container["name"]
        ]
        mounts = [each for each in model["volumeMounts"] if each["name"] == "disks"]
        assert container["volumeMounts"] == mounts
        assert container["securityContext"] == model["securityContext"]
    assert probed["spec"]["hostPID"] is theirs["attachment"]["spec"]["hostPID"]
    [volume] = probed["spec"]["volumes"]
    assert volume["hostPath"] == {"path": "/base/doctor-1", "type": "DirectoryOrCreate"}


@pytest.mark.parametrize(("failure", "remedy"), [(Forbidden("no"), "see the line of the rights"), (TimedOut("no"), "")])
def test_a_check_that_is_forbidden_names_the_line_with_the_rights(failure, remedy) -> None:
    def refused():
        raise failure

    assert [line.remedy for line in doctor_command._guarded("operator", refused)] == [remedy]
