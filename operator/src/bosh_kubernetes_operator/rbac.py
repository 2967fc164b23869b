"""What the operator may do, and why: the chart's Role and ClusterRole say the same (a test compares them)."""

from __future__ import annotations

from typing import NamedTuple

from bosh_kubernetes_api import names


class Rule(NamedTuple):
    group: str
    resource: str
    verbs: tuple[str, ...]
    why: str


# In the machines' namespace; sorted by group and resource.
ROLE = (
    Rule(
        "",
        "configmaps",
        ("create", "delete", "get", "list", "watch"),
        "settings are waited for; the firmware is made, and swept when no Pod has it any more",
    ),
    Rule("", "events", ("create", "list"), "tell transitions; find out why a Pod or claim does not come up"),
    Rule("", "persistentvolumeclaims", ("create", "get", "list", "watch"), "disks are looked at; root disks are made"),
    Rule("", "pods", ("create", "delete", "get", "list", "watch"), "machines, attachments, and disks that grow"),
    Rule("", "pods/exec", ("create", "get"), "orders to the firmware"),
    Rule("", "services", ("create", "delete", "get", "list", "watch"), "static addresses"),
    Rule("coordination.k8s.io", "leases", ("create", "get", "update"), "one operator at a time"),
    Rule(names.GROUP, names.MACHINES, ("get", "list", "patch", "watch"), "what is wanted; our finalizer"),
    Rule(names.GROUP, f"{names.MACHINES}/status", ("patch",), "what there is"),
    Rule("policy", "poddisruptionbudgets", ("create", "delete", "get", "patch"), "one machine of a group at a time"),
)

# Cluster-scoped: reads only.
CLUSTER_ROLE = (
    Rule("", "nodes", ("get",), "a Pod that is not ready: does its node report?"),
    Rule("", "persistentvolumes", ("get",), "machines are placed where their disks can be mounted"),
)
