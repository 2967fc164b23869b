"""Whether the guest of a machine may run, as far as its status can tell. Pure."""

from __future__ import annotations

from typing import Any

from bosh_kubernetes_api import reasons
from bosh_kubernetes_api.machine import condition, has_observed

Json = dict[str, Any]

# Reasons of a machine's Ready with which no guest runs.
IDLE = frozenset(
    ("Stopped", "RootLost", "ImageNotFound", "ImageDenied", "ImagePullFailed", "Unschedulable", "QuotaExceeded")
) | {"PodRefused", "AddressInUse"}


def may_run(machine: Json) -> bool:
    """Unless the status is of what is wished now, and certain.

    `Stopped` is said from the moment when the guest is told to stop, and of one that stopped by itself: only what is
    off, and is to be, stays off. What is paused nobody looks after.
    """
    spec, ready = machine["spec"], condition(machine, "Ready")
    if spec.get("paused") or not has_observed(machine, machine["metadata"].get("generation", 0)):
        return True
    if ready.get("reason") not in IDLE or condition(machine, "GuestRunning").get("status") != "False":
        return True
    stays_off = spec.get("power") == "Stopped" and ready.get("message") == reasons.GUEST_OFF
    return ready["reason"] == "Stopped" and not stays_off
