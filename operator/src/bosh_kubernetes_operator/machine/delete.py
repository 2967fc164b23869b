"""How a machine ends: its Pod, then the attachments, then the host directory, then our finalizer. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from bosh_kubernetes_api import names

from . import verdicts
from .attachment import cleanup_name
from .state import Object, Observed, condition, container, gone_for_good, phase, silent_node, terminating
from .steps import CreateCleanup, DeleteAddress, DeletePod, LetGo, RemoveFinalizer, Step

GRACE = 10  # seconds: the Director has drained the machine before
CLEANUP_TIME = timedelta(seconds=60)
REFUSED = ("PodRefused", "QuotaExceeded")  # what the status says of a clean-up Pod that the API server does not take


def plan(o: Observed) -> list[Step]:
    steps: list[Step] = []
    if names.FINALIZER not in o.vm["metadata"].get("finalizers", ()):
        return steps
    if o.pod is not None:
        grace = o.pod["metadata"].get("deletionGracePeriodSeconds")
        if not terminating(o.pod) or (grace or 0) > GRACE:
            steps.append(DeletePod(o.name, o.pod["metadata"]["uid"], GRACE))
    if _wants_cleanup(o) and o.cleanup is None and not directory_stays(o):
        steps.append(CreateCleanup(own_image=not o.ran))
    if o.pod is not None and not ended(o.pod) and not gone_for_good(o, o.node_name):
        return steps
    steps += [LetGo(cid) for cid in sorted(o.attachments)]
    steps += [DeleteAddress(s["metadata"]["name"], s["metadata"]["uid"]) for s in o.services.values() if o.owns(s)]
    if o.pod is None and not steps and cleaned(o):
        steps.append(RemoveFinalizer())
    return steps


def ended(pod: Object) -> bool:
    """Its container has ended and will not be started again, though the kubelet may be busy with its volumes."""
    return terminating(pod) and phase(pod) in ("Failed", "Succeeded")


def _wants_cleanup(o: Observed) -> bool:
    return bool(o.node_name) and not gone_for_good(o, o.node_name)


def cleaned(o: Observed) -> bool:
    """The directory on the node is gone, or there is no way to remove it.

    Where no image of ours can run on the node an empty directory stays.
    """
    if not _wants_cleanup(o) or directory_stays(o):
        return True
    if o.cleanup is None:
        return False
    end = container(o.cleanup).get("state", {}).get("terminated", {})
    return end.get("exitCode") == 0 or phase(o.cleanup) in ("Succeeded", "Failed")  # the phase comes a second later


def directory_stays(o: Observed) -> bool:
    """Whether the clean-up is given up: it does not come up, or the API server has refused it at the look before."""
    alone = o.pod is None and not o.attachments
    if o.cleanup is None:
        refused = condition(o.vm, "Ready").get("reason") in REFUSED
        return alone and refused and o.now - _time(o.vm["metadata"]["deletionTimestamp"]) > CLEANUP_TIME
    waiting = container(o.cleanup).get("state", {}).get("waiting", {}).get("reason", "")
    return waiting in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName") or (
        alone and o.now - _time(o.cleanup["metadata"]["creationTimestamp"]) > CLEANUP_TIME
    )


def _time(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00"))


def waits_for(o: Observed) -> str:
    """One sentence for the person who looks at a machine that is being deleted."""
    node, since = silent_node(o)
    if node:
        return verdicts.silent(node, since)
    if o.pod is not None:
        return f"Pod {o.name} is being stopped"
    if o.attachments:
        return f"disks are being let go: {', '.join(sorted(o.attachments))}"
    return f"Pod {cleanup_name(o.name)} removes the machine's directory on node {o.node_name}"


def refused(o: Observed, why: str) -> str:
    """The sentence for a clean-up Pod that the API server does not take."""
    return (
        f"Pod {cleanup_name(o.name)}, which would remove the machine's empty directory on node {o.node_name}, "
        f"is refused: {why}. The directory is left there when that lasts a minute"
    )
