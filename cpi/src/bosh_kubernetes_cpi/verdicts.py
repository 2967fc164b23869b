"""How long the CPI bears each reason that the operator gives (design: create_vm's verdicts), and what it says then."""

from __future__ import annotations

from time import monotonic

from bosh_kubernetes_api.claims import asked_size
from bosh_kubernetes_api.machine import condition
from bosh_kubernetes_api.quantities import in_bytes

from .transport.observe import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

# Reason of the condition Ready -> seconds that create_vm bears it (a word: a key of `timeouts`), ok_to_retry.
# The kubelet tries an image again after 10 s: 30 s are two failures.
MACHINE: dict[str, tuple[float | str, bool]] = {
    "WaitingForSettings": (60, True),
    "PodCreating": (180, True),
    "ImagePulling": ("pull", True),
    "Starting": (180, True),
    "Running": (60, True),
    "Rebooting": (180, True),
    "Stopped": (30, False),
    "Paused": (30, False),
    "Terminating": (0, True),
    "ImageNotFound": (30, False),
    "ImageDenied": (30, False),
    "ImagePullFailed": (60, True),
    "Unschedulable": ("schedule", True),
    "ClaimPending": (120, True),
    "ClaimMissing": (60, True),
    "WaitingForDisk": (120, True),
    "DiskLost": (120, True),
    "NodeUnreachable": (60, True),
    "RootLost": (0, True),
    "QuotaExceeded": (0, False),
    "PodRefused": (0, False),
    "AddressInUse": (0, False),
    "GuestCrashing": (60, False),
    "ContainerFailed": (60, False),
}

# Reason of a disk in status.disks -> seconds that attach_disk and detach_disk bear it.
DISK: dict[str, float] = {
    "Attached": 60,
    "ClaimMissing": 10,
    "ClaimPending": 120,
    "ClaimLost": 0,
    "ClaimDeleting": 0,
    "DiskInUse": 0,
    "DiskBusy": 0,
    "DiskLost": 60,
    "Unschedulable": 60,
    "QuotaExceeded": 0,
    "PodRefused": 0,
    "MountFailed": 120,
    "Attaching": 180,
    "Detaching": 180,
    "WaitingForMachine": 180,
}

# What a claim that grows waits for -> seconds that resize_disk bears it, ok_to_retry. A driver tries again by itself,
# so an error is borne for a while; it may be one of an earlier size, too.
GROWTH: dict[str, tuple[float, bool]] = {
    "NotBegun": (120, True),
    "Resizing": (600, True),
    "FileSystemResizePending": (300, True),
    "ControllerResizeError": (60, True),
    "NodeResizeError": (60, True),
    "Infeasible": (0, False),
}

# Reasons of Ready under which a machine takes no disk, however long one waits for the disk itself.
LIFELESS = frozenset({"RootLost", "NodeUnreachable", "QuotaExceeded", "PodRefused", "AddressInUse"})

# Reasons of Ready that only another machine ends, and of a disk that do not end by themselves.
ENDED = frozenset({"RootLost", "Terminating"})
FINAL = frozenset(
    {"ClaimMissing", "ClaimLost", "ClaimDeleting", "DiskInUse", "DiskBusy", "QuotaExceeded", "PodRefused"}
)

UNHEARD = "Unheard"  # our word for: the operator has said nothing yet
UNKNOWN = 180.0  # seconds for that, and for a reason of a newer operator


# Seconds that snapshot_disk waits until what a machine has written to the disk is on its device.
FLUSH = 300.0

# What a VolumeSnapshot's status is at -> seconds that snapshot_disk bears it, ok_to_retry. The storage tries again what
# failed, and some of what it reports in between means nothing.
SNAPSHOT: dict[str, tuple[float, bool]] = {
    "Unheard": (120, True),
    "Error": (60, False),
}


# What a volume that gets another VolumeAttributesClass waits for -> seconds that update_disk bears it. After that the
# disk is copied, so none of these is worth another try.
MODIFICATION: dict[str, float] = {
    "Unheard": 120,
    "Pending": 60,
    "InProgress": 600,
    "Error": 120,
    "Infeasible": 0,
}


class Patience:
    """Clocks of the reasons that were seen. A reason that comes back goes on where it was: flapping is no progress."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def left(self, reason: str, limit: float) -> float:
        """Seconds that are left for `reason`; 0 when its time is over."""
        since = self._since.setdefault(reason, monotonic())
        return max(0.0, since + limit - monotonic())


def wait(left: float) -> Wait:
    """Look again when the limit passes, or sooner."""
    return Wait(max(0.05, left))


def machine_limit(reason: str, timeouts: dict[str, int]) -> tuple[float, bool]:
    """Seconds and ok_to_retry for a reason of `Ready`."""
    limit, retry = MACHINE.get(reason, (UNKNOWN, True))
    return (float(timeouts[limit]) if isinstance(limit, str) else float(limit)), retry


def machine_left(machine: Json, timeouts: dict[str, int], patience: Patience) -> tuple[float, bool]:
    """Seconds that are left for the reason of Ready that this machine has, 0 when it is over; and ok_to_retry."""
    reason = condition(machine, "Ready").get("reason") or UNHEARD
    limit, retry = machine_limit(reason, timeouts)
    return patience.left(reason, limit), retry


STORED = "The request is stored: it goes on by itself then"


def paused(machine: Json) -> str:
    """What there is to say of a machine that a person has paused; empty when nobody has."""
    if not machine["spec"].get("paused"):
        return ""
    name = machine["metadata"]["name"]
    return (
        f"VirtualMachine {name} is paused (spec.paused): the operator does nothing to it until somebody lets it go on: "
        f'kubectl patch bvm {name} --type merge -p \'{{"spec":{{"paused":false}}}}\''
    )


def unreachable(machine: Json) -> bool:
    """Whether its node does not answer."""
    return bool(condition(machine, "Ready").get("reason") == "NodeUnreachable")


def node_lost(machine: Json, waited: float) -> str:
    """What there is to say then. The operator's words have the node, since when it is silent, and the cure."""
    return f"{summary(machine)}. {STORED}. Waited {waited:.0f} s"


def summary(machine: Json) -> str:
    """The reason of Ready and its message, for people: `Unschedulable: 0/3 nodes …`."""
    ready = condition(machine, "Ready")
    message = ready.get("message") or "the operator has said nothing about it yet"
    return f"{ready['reason']}: {message}" if ready.get("reason") else message


def advice(machine: Json) -> str:
    """What can be done about the reason of Ready, as the end of a message; empty where that needs the machine itself,
    which create_vm takes away again."""
    from bosh_kubernetes_api.reasons import REMEDY

    cure = REMEDY.get(condition(machine, "Ready").get("reason", ""), "")
    return f". Remedy: {cure}" if cure and "NAME" not in cure else ""


_GROWING = {
    "Resizing": "the volume is being grown",
    "FileSystemResizePending": "the file system is grown where the disk is mounted",
}


def growth(claim: Json) -> tuple[str, str]:
    """What a claim that grows waits for (a key of GROWTH), and Kubernetes' words for it."""
    status = claim.get("status", {})
    tried = status.get("allocatedResources", {}).get("storage")
    infeasible = status.get("allocatedResourceStatuses", {}).get("storage", "").endswith("Infeasible") and (
        tried is None or in_bytes(tried) == asked_size(claim)
    )
    for reason in ("NodeResizeError", "ControllerResizeError", "FileSystemResizePending", "Resizing"):
        found = condition(claim, reason)
        if found.get("status") == "True":
            told = found.get("message") or _GROWING.get(reason, "the driver gives no reason")
            return "Infeasible" if infeasible and reason.endswith("Error") else reason, told
    if infeasible:
        return "Infeasible", "the driver says that this size can never be had"
    return "NotBegun", "nothing in the cluster has begun to grow the volume: does the driver's external-resizer run?"
