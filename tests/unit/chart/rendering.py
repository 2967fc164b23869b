"""The chart as Helm renders it: lists of objects, or what Helm says when it refuses."""

import functools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
CHART = ROOT / "charts/bosh-kubernetes-operator"
CASES = sorted(path.name for path in (CHART / "ci").glob("*-values.yaml"))

RELEASE = "bosh-kubernetes-operator"
SYSTEM = "bosh-system"
MACHINES = "bosh-machines"
IMAGE = {"image": {"repository": "bosh.local/kubernetes-operator"}}
API_SERVER = {"ipBlock": {"cidr": "10.0.0.10/32"}}
REGISTRY = {"registry": {"enabled": True, "networkPolicy": {"apiServer": [API_SERVER]}}}

Object = dict[str, Any]


class RefusedError(Exception):
    """Helm did not render; the message is what it said."""


def helm(*words: str) -> str:
    """stdout of one helm call. Raises RefusedError when it fails."""
    program = shutil.which("helm")
    assert program, (
        "helm is not on the PATH: run the tests by `make`, or eval `tests/cluster/kind/cluster.py env` first"
    )
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RefusedError(done.stderr + done.stdout)
    return done.stdout


@functools.cache
def _template(values: str, release: str, namespace: str) -> str:
    return helm("template", release, str(CHART), "--namespace", namespace, "--set-json", values)


def render(*values: Object, release: str = RELEASE, namespace: str = SYSTEM) -> list[Object]:
    """Every object of the chart with these values (top-level keys of later ones win). Raises RefusedError."""
    merged = {key: value for each in (IMAGE, *values) for key, value in each.items()}
    documents = yaml.safe_load_all(_template(json.dumps(merged, sort_keys=True), release, namespace))
    return [document for document in documents if document]


def render_case(name: str) -> list[Object]:
    """The chart with a file of values of its folder `ci`."""
    return render(yaml.safe_load((CHART / "ci" / name).read_text()))


def one(objects: list[Object], kind: str, name: str) -> Object:
    """The one object of that kind and name."""
    found = [each for each in objects if each["kind"] == kind and each["metadata"]["name"] == name]
    assert len(found) == 1, f"{kind} {name}: {len(found)} among {[key(each) for each in objects]}"
    return found[0]


def key(each: Object) -> tuple[str, str, str]:
    """Kind, namespace and name."""
    return each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]


def kept(each: Object) -> bool:
    return bool(each["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep")


def pod_specs(objects: list[Object]) -> list[tuple[tuple[str, str, str], Object]]:
    """The Pods that the objects are or make."""
    workloads = [each for each in objects if each["kind"] in ("Deployment", "DaemonSet")]
    pods = [(key(each), each["spec"]) for each in objects if each["kind"] == "Pod"]
    return pods + [(key(each), each["spec"]["template"]["spec"]) for each in workloads]


def rules(role: Object) -> set[tuple[str, str, str, str]]:
    """Single permissions of a Role: (group, resource, name or "", verb)."""
    return {
        (group, resource, name, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    }
