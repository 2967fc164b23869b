"""The Pods and what they stand on."""

import pytest

from bosh_kubernetes_api import names
from bosh_kubernetes_operator.machine import attachment, pod
from tests.unit.operator.things import vm

BASE = "/var/lib/bosh-kubernetes"


def build(machine=None, **more):
    return pod.build(vm(machine=machine or {}), "firmware-1", BASE, 60, more.get("volumes", {}))


def environment(container) -> dict[str, str]:
    return {e["name"]: e["value"] for e in container["env"]}


def test_a_machine() -> None:
    made = build()
    spec, [container] = made["spec"], made["spec"]["containers"]
    assert made["metadata"]["ownerReferences"][0]["uid"] == "uid-vm"
    assert made["metadata"]["labels"] == {
        names.MANAGED_BY: names.MANAGER,
        names.ROLE: "machine",
        names.DIRECTOR: "director-1",
        names.MACHINE: "vm-1",
        names.AGENT: "agent-1",
    }
    assert spec["restartPolicy"] == "Always"
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert container["command"] == ["/bin/sh", "/firmware/firmware"]
    assert container["resources"]["requests"] == container["resources"]["limits"]
    assert environment(container) == {"OFF_TIMEOUT": "60", "ROOT_SIZE": str(4096 * 1024 * 1024)}
    assert spec["terminationGracePeriodSeconds"] > 60
    [disks] = [m for m in container["volumeMounts"] if m["name"] == "disks"]
    assert disks == {"name": "disks", "mountPath": "/warden-cpi-dev", "mountPropagation": "HostToContainer"}
    volumes = {v["name"]: v for v in spec["volumes"]}
    assert volumes["disks"]["hostPath"] == {"path": f"{BASE}/uid-vm/disks", "type": "DirectoryOrCreate"}
    assert int(volumes["root-disk"]["emptyDir"]["sizeLimit"]) > 4096 * 1024 * 1024
    secret = volumes["settings"]["projected"]["sources"][1]["secret"]
    assert secret["items"] == [{"key": "credentials.json", "path": "credentials/credentials.json"}]
    assert volumes["settings"]["projected"]["defaultMode"] == 0o400


def test_a_machine_stays_on_a_node_that_does_not_report() -> None:
    tolerated = {(t["key"], t["effect"]) for t in build()["spec"]["tolerations"]}
    assert ("node.kubernetes.io/unreachable", "NoExecute") in tolerated
    assert all("tolerationSeconds" not in t for t in build()["spec"]["tolerations"])


def test_a_root_disk_on_a_claim() -> None:
    machine = {"rootDisk": {"storageClass": "fast"}}
    spec = build(machine)["spec"]
    assert "ROOT_SIZE" not in environment(spec["containers"][0])
    assert {"name": "root-disk", "persistentVolumeClaim": {"claimName": "vm-1-root"}} in spec["volumes"]
    claim = pod.root_claim(vm(machine=machine))
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["spec"]["resources"]["requests"]["storage"] == "4096Mi"
    assert claim["metadata"]["ownerReferences"][0]["uid"] == "uid-vm"


def test_a_static_address() -> None:
    machine = {"networks": [{"name": "d", "type": "manual", "ip": "10.96.9.9", "ports": [6868]}]}
    assert environment(build(machine)["spec"]["containers"][0])["ADDRESSES"] == "10.96.9.9"
    service = pod.address_service(vm(machine=machine), "10.96.9.9", [6868])
    assert service["metadata"]["name"] == "ip-10-96-9-9"
    assert service["spec"]["clusterIP"] == "10.96.9.9"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert service["spec"]["selector"].items() <= build(machine)["metadata"]["labels"].items()


def test_placement() -> None:
    placement = {
        "nodeSelector": {"a": "b"},
        "zone": "z1",
        "region": "r1",
        "tolerations": [{"key": "k", "operator": "Exists"}],
        "priorityClass": "high",
        "runtimeClass": "kata",
        "group": "router",
        "node": "n1",
    }
    made = build({"placement": placement, "pullSecrets": ["s"], "labels": {"x": "y", names.ROLE: "disk"}})
    spec = made["spec"]
    assert spec["nodeSelector"] == {"a": "b", pod.ZONE: "z1", pod.REGION: "r1", pod.HOSTNAME: "n1"}
    assert {"key": "k", "operator": "Exists"} in spec["tolerations"]
    assert (spec["priorityClassName"], spec["runtimeClassName"]) == ("high", "kata")
    assert spec["imagePullSecrets"] == [{"name": "s"}]
    assert made["metadata"]["labels"]["x"] == "y"
    assert made["metadata"]["labels"][names.ROLE] == "machine"  # ours win
    [away] = spec["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    same_group = {names.DIRECTOR: "director-1", pod.GROUP: "router"}
    assert away["podAffinityTerm"]["labelSelector"] == {"matchLabels": same_group}
    assert spec["topologySpreadConstraints"][0]["labelSelector"] == {"matchLabels": same_group}
    assert "nodeAffinity" not in spec["affinity"]


def volume(*zones: str):
    terms = [{"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}]} for zone in zones]
    return {"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}} if zones else {}}


@pytest.mark.parametrize(
    ("node", "volumes", "expected"),
    [
        ("", [], []),
        ("", [volume()], []),
        ("", [volume("a")], [["a"]]),
        ("", [volume("a", "b"), volume("c")], [["a", "c"], ["b", "c"]]),
        ("n", [volume("a", "b")], [["a", "n"], ["b", "n"]]),
    ],
)
def test_a_machine_goes_where_all_its_disks_can_be_mounted(node, volumes, expected) -> None:
    terms = pod.node_terms(node, volumes)
    flat = [[e["values"][0] for e in (*t.get("matchExpressions", ()), *t.get("matchFields", ()))] for t in terms]
    assert flat == expected


def test_an_attachment() -> None:
    made = attachment.build(vm(), "disk-1", "n1", "firmware-1", BASE)
    spec, [container] = made["spec"], made["spec"]["containers"]
    assert made["metadata"]["name"] == "disk-1"  # the lock
    assert "ownerReferences" not in made["metadata"]
    assert made["metadata"]["labels"][names.MACHINE] == "vm-1"
    assert made["metadata"]["labels"][names.DISK] == "disk-1"
    assert "nodeName" not in spec
    [term] = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term == {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}
    assert spec["priorityClassName"] == "system-node-critical"
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert spec["hostPID"] is True
    assert container["image"] == "registry/stemcell@sha256:1"
    assert environment(container) == {"DISK": "disk-1"}
    mounts = {m["mountPath"]: m.get("mountPropagation") for m in container["volumeMounts"]}
    assert mounts == {"/claim": None, "/firmware": None, "/disks": "Bidirectional"}
    paths = [v["hostPath"]["path"] for v in spec["volumes"] if "hostPath" in v]
    assert paths == [f"{BASE}/uid-vm/disks"]  # the machine's own


def test_the_clean_up_removes_only_empty_directories_of_this_machine() -> None:
    made = attachment.build_cleanup(vm(), "n1", BASE, "registry/operator:1")
    [container] = made["spec"]["containers"]
    assert "rm " not in container["command"][-1]
    assert "/machines/uid-vm" in container["command"][-1]
    assert "privileged" not in container["securityContext"]
    assert made["metadata"]["ownerReferences"][0]["uid"] == "uid-vm"
    assert (container["image"], container["imagePullPolicy"]) == ("registry/operator:1", "IfNotPresent")
