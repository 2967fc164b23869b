"""How a machine ends: its Pod, then the attachments, then the host directory, then our finalizer. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from bosh_kubernetes_api import names

from . import verdicts
from .attachment import cleanup_name
from .state import Observed, container, gone_for_good, phase, silent_node, terminating
from .steps import CreateCleanup, DeleteAddress, DeletePod, LetGo, RemoveFinalizer, Step

GRACE = 10  # seconds: the Director has drained the machine before
CLEANUP_TIME = timedelta(seconds=60)


def plan(o: Observed) -> list[Step]:
    steps: list[Step] = []
    if names.FINALIZER not in o.vm["metadata"].get("finalizers", ()):
        return steps
    if _wants_cleanup(o) and o.cleanup is None:
        steps.append(CreateCleanup(own_image=not o.ran))
    if o.pod is not None:
        grace = o.pod["metadata"].get("deletionGracePeriodSeconds")
        if not terminating(o.pod) or (grace or 0) > GRACE:
            steps.append(DeletePod(o.name, o.pod["metadata"]["uid"], GRACE))
        if not gone_for_good(o, o.node_name):
            return steps
    steps += [LetGo(cid) for cid in sorted(o.attachments)]
    steps += [DeleteAddress(s["metadata"]["name"], s["metadata"]["uid"]) for s in o.services.values() if o.owns(s)]
    if o.pod is None and not steps and cleaned(o):
        steps.append(RemoveFinalizer())
    return steps


def _wants_cleanup(o: Observed) -> bool:
    return bool(o.node_name) and not gone_for_good(o, o.node_name)


def cleaned(o: Observed) -> bool:
    """The directory on the node is gone, or there is no way to remove it.

    Where no image of ours can run on the node an empty directory stays.
    """
    if not _wants_cleanup(o):
        return True
    if o.cleanup is None:
        return False
    return phase(o.cleanup) in ("Succeeded", "Failed") or directory_stays(o)


def directory_stays(o: Observed) -> bool:
    """Whether the clean-up is given up."""
    if o.cleanup is None:
        return False
    made = datetime.fromisoformat(o.cleanup["metadata"]["creationTimestamp"].replace("Z", "+00:00"))
    waiting = container(o.cleanup).get("state", {}).get("waiting", {}).get("reason", "")
    return waiting in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName") or (
        o.pod is None and not o.attachments and o.now - made > CLEANUP_TIME
    )


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
