"""PodDisruptionBudget of an instance group: whoever drains nodes takes one machine of a group at a time. Pure.

`minAvailable` is a number that follows the group's size: of Pods that belong to no workload of the cluster's own the
disruption controller counts nothing else (Kubernetes, "Arbitrary workloads and arbitrary selectors").
"""

from __future__ import annotations

from collections.abc import Iterable

from bosh_kubernetes_api import names

from ..machine.pod import GROUP, director, owner
from ..machine.state import Object

KEY = "group/"  # of the queue: group/<label of the Director>/<label of the group>


def key(vm: Object) -> str:
    """The queue's key of the machine's group; empty when it has none."""
    group = (vm["spec"]["machine"].get("placement") or {}).get("group", "")
    return f"{KEY}{director(vm)}/{names.label_value(group)}" if group else ""


def selector(key: str) -> dict[str, str]:
    """Labels that the Pods of the group with that key have."""
    whose, group = key.removeprefix(KEY).split("/", 1)
    return {name: value for name, value in ((names.DIRECTOR, whose), (GROUP, group)) if value}


def build(group: str, machines: Iterable[Object]) -> Object | None:
    """The budget of the group with key `group`, whose machines are among these; None when none of them stays.

    It is owned by all of them: should no operator see the last one go, the cluster's own collection takes it away.
    """
    members = [vm for vm in machines if not vm["metadata"].get("deletionTimestamp") and key(vm) == group]
    if not members:
        return None
    labels = selector(group)
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {
            "name": names.budget(group.removeprefix(KEY)),
            "labels": {**names.labels(names.ROLE_BUDGET), **labels},
            "ownerReferences": sorted(map(_owner, members), key=lambda reference: str(reference["uid"])),
        },
        "spec": {
            "minAvailable": len(members) - 1,
            "selector": {"matchLabels": {names.ROLE: names.ROLE_MACHINE, **labels}},
        },
    }


def differs(found: Object, wanted: Object) -> bool:
    """Whether the budget that is there says something else than the wanted one."""
    owners = sorted(found["metadata"].get("ownerReferences") or (), key=lambda reference: str(reference["uid"]))
    return bool(owners != wanted["metadata"]["ownerReferences"] or found["spec"] != wanted["spec"])


def _owner(vm: Object) -> Object:
    return {k: v for k, v in owner(vm).items() if k in ("apiVersion", "kind", "name", "uid")}
