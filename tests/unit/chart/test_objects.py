"""What the chart makes, where, and what of it outlives the release."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.chart.rendering import (
    CASES,
    CHART,
    MACHINES,
    REGISTRY,
    ROOT,
    SYSTEM,
    Object,
    kept,
    key,
    one,
    pod_specs,
    render,
    render_case,
)  # fmt: skip

CLUSTER_SCOPED = {"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}
SOURCES = sorted((ROOT / "crds").glob("*.yaml"))


@pytest.mark.parametrize("case", CASES)
def test_names_are_unique_and_namespaces_are_ours(case: str) -> None:
    objects = render_case(case)
    keys = [key(each) for each in objects if each["metadata"]["name"] != "bosh-kubernetes-operator-extra"]
    machines = "given" if case.startswith("given") else MACHINES

    assert len(keys) == len(set(keys))
    assert {namespace for kind, namespace, _ in keys if kind not in CLUSTER_SCOPED} == {SYSTEM, machines}
    assert {namespace for kind, namespace, _ in keys if kind in CLUSTER_SCOPED} == {""}


@pytest.mark.parametrize("case", CASES)
def test_recommended_labels_are_on_all_but_the_copied_definitions(case: str) -> None:
    for each in render_case(case):
        if each["kind"] == "CustomResourceDefinition" or each["metadata"]["name"].endswith("-extra"):
            continue
        labels = each["metadata"]["labels"]
        assert {"name", "instance", "version", "component", "managed-by", "part-of"} <= {
            name.removeprefix("app.kubernetes.io/") for name in labels
        }, key(each)
        assert ("team" in labels) == case.startswith("everything"), key(each)


@pytest.mark.parametrize("case", CASES)
def test_selectors_select_their_own_pods_and_name_no_version(case: str) -> None:
    for each in render_case(case):
        if each["kind"] in ("Deployment", "DaemonSet"):
            selector = each["spec"]["selector"]["matchLabels"]
            assert selector.items() <= each["spec"]["template"]["metadata"]["labels"].items()
            assert not {name for name in selector if "version" in name or "chart" in name}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {("Namespace", MACHINES), ("ServiceAccount", "bosh-cpi"), ("Secret", "bosh-cpi-token")}),
        (REGISTRY, {("PersistentVolumeClaim", "bosh-registry")}),
        ({"crds": {"keep": False}}, {("Namespace", MACHINES)}),
    ],
    ids=["plain", "registry", "definitions not kept"],
)
def test_what_outlives_an_uninstall(values: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    objects = render(values)
    definitions = [each for each in objects if each["kind"] == "CustomResourceDefinition"]

    assert expected <= {(each["kind"], each["metadata"]["name"]) for each in objects if kept(each)}
    assert definitions
    assert all(kept(each) for each in definitions) == values.get("crds", {}).get("keep", True)


@pytest.mark.parametrize("case", CASES)
def test_nothing_that_holds_machines_or_data_goes_with_the_release(case: str) -> None:
    precious = ("Namespace", "CustomResourceDefinition", "PersistentVolumeClaim")
    lost = [key(each) for each in render_case(case) if each["kind"] in precious and not kept(each)]

    assert lost == []


def test_no_right_outlives_an_uninstall() -> None:
    kinds = {each["kind"] for each in render(REGISTRY) if kept(each)}

    assert kinds == {"Namespace", "CustomResourceDefinition", "ServiceAccount", "Secret", "PersistentVolumeClaim"}


def test_a_given_namespace_is_not_made() -> None:
    objects = render({"machines": {"namespace": "given", "createNamespace": False}})

    assert not [each for each in objects if each["kind"] == "Namespace"]
    assert one(objects, "Role", "bosh-kubernetes-operator")["metadata"]["namespace"] == "given"


def test_the_namespace_of_machines_admits_privileged_pods() -> None:
    labels = one(render(), "Namespace", MACHINES)["metadata"]["labels"]

    assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")} == {"privileged"}


def test_copies_of_the_definitions_are_identical() -> None:
    copies = sorted((CHART / "files/crds").glob("*.yaml"))

    assert [path.name for path in copies] == [path.name for path in SOURCES]
    assert [path.read_bytes() for path in copies] == [path.read_bytes() for path in SOURCES], "run `make crds`"


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_definitions_are_rendered_as_they_are(source: Path, keep: bool) -> None:
    definition = yaml.safe_load(source.read_text())
    rendered = one(render({"crds": {"keep": keep}}), "CustomResourceDefinition", definition["metadata"]["name"])
    annotations = rendered["metadata"].pop("annotations", {})

    assert annotations == ({"helm.sh/resource-policy": "keep"} if keep else {})
    assert rendered == definition


def test_definitions_can_be_left_to_another_release() -> None:
    assert not [each for each in render({"crds": {"install": False}}) if each["kind"] == "CustomResourceDefinition"]


def test_sync_script_leaves_exactly_the_sources_in_the_chart(tmp_path: Path) -> None:
    for folder in ("charts", "crds"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    copies = tmp_path / "charts" / CHART.name / "files/crds"
    (copies / SOURCES[0].name).write_text("old")
    (copies / "gone.yaml").write_text("of a kind that is no more")

    subprocess.run([str(tmp_path / "charts/sync-crds.sh")], check=True)

    assert {path.name: path.read_bytes() for path in copies.iterdir()} == {p.name: p.read_bytes() for p in SOURCES}


def test_tests_of_the_release_are_hooks() -> None:
    pods = {key(each): each for each in render() if each["kind"] == "Pod"}

    assert set(pods) == {
        ("Pod", SYSTEM, "bosh-kubernetes-operator-test"),
        ("Pod", MACHINES, "bosh-kubernetes-operator-test-cpi"),
    }
    for pod in pods.values():
        assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"


@pytest.mark.parametrize("case", CASES)
def test_pods_meet_the_restricted_level(case: str) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/, and a read-only root file system."""
    for where, spec in pod_specs(render_case(case)):
        assert spec["securityContext"]["runAsNonRoot"] is True, where
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, where
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), where
        assert spec["enableServiceLinks"] is False, where
        assert "automountServiceAccountToken" in spec, where
        assert not [volume for volume in spec.get("volumes", []) if "hostPath" in volume], where
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, where
            assert container["resources"]["limits"]["memory"], where


def operator(*values: Object) -> Object:
    return one(render(*values), "Deployment", "bosh-kubernetes-operator")


def test_one_operator_at_a_time() -> None:
    spec = operator()["spec"]

    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 30


def test_probes_ask_a_port_that_the_operator_serves() -> None:
    container = operator()["spec"]["template"]["spec"]["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}

    assert {container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "liveness", "readiness")} == {
        "/healthz"
    }
    assert f"--health-port={ports['health']}" in container["args"]
    assert f"--metrics-port={ports['metrics']}" in container["args"]


def test_the_operator_accepts_its_arguments() -> None:
    from bosh_kubernetes_operator import settings

    values = {"machines": {"namespace": "vms", "hostDirectory": "/data/bosh"}, "operator": {"logLevel": "DEBUG"}}
    parsed = settings.parse(operator(values)["spec"]["template"]["spec"]["containers"][0]["args"], {})

    assert (parsed.namespace, parsed.host_directory, parsed.log_level) == ("vms", "/data/bosh", "DEBUG")
    assert parsed.image == operator(values)["spec"]["template"]["spec"]["containers"][0]["image"]
    assert (parsed.health_port, parsed.metrics_port) == (8080, 9090)
