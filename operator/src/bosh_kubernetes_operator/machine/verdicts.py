"""Why something does not come up, as one reason and one sentence: Pod status, Events, API errors classified. Pure."""

from __future__ import annotations

import re

from ..errors import ClusterError, ConflictError, RefusedError
from .state import Object, condition, container

PULL = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
# Asked first: registries that hide what exists answer "denied" for both, and then rights are the likelier cure.
DENIED = re.compile(
    r"unauthorized|denied|forbidden|authori[sz]ation failed|authentication required|no basic auth|\b40[13]\b", re.I
)
NOT_FOUND = re.compile(r"not found|manifest unknown|name unknown|does not exist|\b404\b", re.I)

# distribution's, and so the chart's; nodes send HEAD, and get no words with it.
MIRROR = "a mirror answers 500 when its registry does not have the image, and when it cannot reach its registry"

FAILED = ("CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError")


def pull(waiting_reason: str, message: str) -> str:
    """The reason for an image that does not come, from the kubelet's words."""
    if waiting_reason == "InvalidImageName":
        return "ImageNotFound"
    if DENIED.search(message):
        return "ImageDenied"
    if NOT_FOUND.search(message):
        return "ImageNotFound"
    return "ImagePullFailed"


def refused(error: ClusterError) -> tuple[str, str]:
    """Reason and sentence for an object that the API server did not take."""
    if isinstance(error, RefusedError) and "exceeded quota" in error.message:
        return "QuotaExceeded", str(error)
    return "PodRefused", str(error)


def address(error: ClusterError, ip: str, holder: str) -> tuple[str, str]:
    """Reason and sentence for a static address that could not be had. `holder` is what holds it, when known."""
    taken = isinstance(error, ConflictError) or "already allocated" in error.message
    if taken:
        return "AddressInUse", f"address {ip} is in use{' by ' + holder if holder else ''}: {error.message}"
    return refused(error)


def unscheduled(pod: Object) -> tuple[str, str]:
    """For a Pod without a node: what the scheduler says, else that it has said nothing yet."""
    scheduled = condition(pod, "PodScheduled")
    message = str(scheduled.get("message", ""))
    if scheduled.get("status") != "False":
        return "PodCreating", "the scheduler has not looked at it yet"
    if "persistentvolumeclaim" in message and "not found" in message:
        return "ClaimMissing", message
    if "unbound immediate PersistentVolumeClaims" in message:
        return "ClaimPending", message
    return "Unschedulable", message


def silent(node: str, since: str) -> str:
    """For a machine that may run on a node that does not report."""
    return (
        f"node {node} has not reported since {since}, and the machine may still run there. Bring the node back; "
        f"or, once it is certainly switched off: "
        f"kubectl taint nodes {node} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
    )


def wishes(placement: Object) -> str:
    """What narrows the choice of a node, in the words of the cloud properties: the scheduler's message names none."""
    said = [f"{word} {placement[word]}" for word in ("node", "zone", "region") if placement.get(word)]
    said += [f"node_selector {key}={value}" for key, value in sorted((placement.get("nodeSelector") or {}).items())]
    said += [f"the node of {disk}" for disk in placement.get("disks") or ()]
    return ", ".join(said)


def starting(pod: Object, warning: str) -> tuple[str, str]:
    """For a Pod that has a node and whose container does not run. `warning` is the newest warning Event about it."""
    state = container(pod).get("state", {})
    waiting = state.get("waiting", {})
    reason, message = str(waiting.get("reason", "")), str(waiting.get("message", ""))
    if reason in PULL:
        hint = f" ({MIRROR})" if "500 Internal Server Error" in message else ""
        return pull(reason, message), (message or reason) + hint
    if reason in FAILED:
        return "ContainerFailed", f"{reason}: {message}"
    if "terminated" in state:
        ended = state["terminated"]
        return "Starting", f"the container ended with code {ended.get('exitCode')} and is started again"
    if warning:
        return "PodCreating", warning
    if condition(pod, "PodReadyToStartContainers").get("status") == "True":
        return "ImagePulling", "the image is being pulled"
    return "PodCreating", "the node makes the Pod ready: volumes and network"


def attachment(pod: Object, claim: Object | None, warnings: dict[str, str]) -> tuple[str, str]:
    """Reason of `reasons.DISK` and sentence for an attachment Pod whose container does not run."""
    claim_warning = warnings.get((claim or {}).get("metadata", {}).get("uid", ""), "")
    if not pod["spec"].get("nodeName"):
        reason, message = unscheduled(pod)
        if reason == "PodCreating" or reason == "ClaimPending":
            return ("ClaimPending", claim_warning) if claim_warning else ("Attaching", message)
        return reason, f"{message}; {claim_warning}" if claim_warning else message
    warning = warnings.get(pod["metadata"]["uid"], "")
    if warning.startswith(("FailedMount", "FailedAttachVolume", "FailedMapVolume")):
        return "MountFailed", warning
    reason, message = starting(pod, warning)
    return "Attaching", f"{reason}: {message}"
