"""The API server, the custom resources, the operator, the level of the namespace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bosh_kubernetes_api import paths, version

from ...errors import ApiError, Failure, Forbidden, Invalid, lacks_right
from ...transport.api import Api
from .. import life
from . import samples
from .line import FAILURE, OK, WARNING, Line

Json = dict[str, Any]

OLDEST = (1, 30)  # Kubernetes, as Chart.yaml has it
ENFORCED = "pod-security.kubernetes.io/enforce"
INSTALL = "install the operator's chart of this release (docs/install.md)"


def server(api: Api) -> Iterator[Line]:
    """Raises ApiError when there is none."""
    told = str(api.get("/version").get("gitVersion", ""))
    found = f"{told or 'no version'} at {api.endpoint!r}"
    match = re.match(r"v(\d+)\.(\d+)", told)
    if match and (int(match[1]), int(match[2])) < OLDEST:
        yield Line("API server", FAILURE, found, f"Kubernetes {OLDEST[0]}.{OLDEST[1]} is the oldest that is supported")
    elif not match:
        yield Line("API server", WARNING, found, "check kubernetes.server: an API server tells its version")
    else:
        yield Line("API server", OK, found)


def resources(api: Api, namespace: str) -> Iterator[Line]:
    """Dry runs of a machine and a stemcell with every field, unknown ones refused."""
    for collection, body in (
        (paths.machines(namespace), samples.virtual_machine()),
        (paths.stemcells(namespace), samples.stemcell()),
    ):
        check = f"kind {body['kind']}"
        try:
            api.create(paths.query(collection, dryRun="All", fieldValidation="Strict"), body)
        except Invalid as error:
            cure = "the custom resource is of another version, or an admission webhook is in the way: "
            yield Line(check, FAILURE, error.message, cure + INSTALL)
        except Forbidden as error:
            other = "a quota, a policy or an admission webhook is in the way"
            cure = "see the line of the rights" if lacks_right(error.message) else other
            yield Line(check, FAILURE, error.message, cure)
        except ApiError as error:
            if error.status != 404:
                raise
            cure = INSTALL if error.reason != "NotFound" else f"create the namespace {namespace}, or check its name"
            yield Line(check, FAILURE, error.message, cure)
        else:
            yield Line(check, OK, f"{body['apiVersion']} knows every field")


def operator(api: Api, namespace: str) -> Iterator[Line]:
    """It lives if it renews its Lease while we look."""
    found = life.look(api, namespace)
    cure = (
        "one that was just installed or restarted takes it within half a minute; else look at the Deployment "
        "bosh-kubernetes-operator and its logs: it must serve this namespace"
    )
    if found.lease is None:
        yield Line("operator", FAILURE, f"has never run for {namespace}: there is no Lease", INSTALL)
        return
    if not found.renews:
        said = f"does not run: its Lease was last renewed at {found.renewed or 'no time'}"
        yield Line("operator", FAILURE, said, cure)
        return
    told = (found.lease.get("metadata", {}).get("labels") or {}).get(version.LABEL, "")
    if told == version.VERSION:
        yield Line("operator", OK, f"runs, version {told}")
    else:
        said = f"runs, version {told or 'older than it says'}; this is {version.VERSION}"
        yield Line("operator", WARNING, said, "run CPI and operator of one release: helm upgrade")


def pod_security(person: Api, namespace: str) -> Iterator[Line]:
    check = "Pod Security"
    try:
        found = person.find(paths.namespace(namespace))
    except Forbidden:
        cure = "--kubeconfig names an account of yours that may; or --probe shows it"
        yield Line(check, WARNING, f"not checked: this account may not read the namespace {namespace}", cure)
        return
    if found is None:
        yield Line(check, FAILURE, f"there is no namespace {namespace}", "create it, or check its name")
        return
    level = (found["metadata"].get("labels") or {}).get(ENFORCED, "")
    cure = privilege(namespace)
    if level == "privileged":
        yield Line(check, OK, f"{namespace} admits privileged Pods")
    elif level:
        yield Line(check, FAILURE, f"{namespace} enforces the level {level}: machines are privileged", cure)
    else:
        yield Line(check, WARNING, f"{namespace} has no level of its own: the cluster's default decides", cure)


def privilege(namespace: str) -> str:
    return f"kubectl label namespace {namespace} --overwrite {ENFORCED}=privileged"


def same(one: Api, other: Api, namespace: str) -> Iterator[Line]:
    """Whether two accounts speak to one cluster: by the uid of what both may read."""
    uids = []
    for api in (one, other):
        try:
            uids.append(((api.find(paths.lease(namespace)) or {}).get("metadata") or {}).get("uid"))
        except Failure:
            return
    if uids[0] != uids[1]:
        found = f"file and kubeconfig are of two clusters: {one.endpoint!r} and {other.endpoint!r}"
        yield Line("accounts", FAILURE, found, "--context names the kubeconfig's context of the file's cluster")
