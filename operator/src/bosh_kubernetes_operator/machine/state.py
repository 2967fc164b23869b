"""What a machine looks like: the one snapshot that planning and status work on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from bosh_kubernetes_api.machine import disk_wishes, placed_disks

Object = dict[str, Any]

NEVER_READY = timedelta(minutes=10)  # after which an attachment that was never ready binds nothing any more


class GuestDisk(NamedTuple):
    mounted: bool
    key: str  # what is mounted now: "major:minor root"
    was: str  # what was mounted when the disk was attached
    held: tuple[str, ...] = ()  # where the guest has it mounted, beside the place where it appears


class Guest(NamedTuple):
    """Answer of `ctl status`."""

    state: str  # starting, waiting, running, stopping, stopped, crashed
    pid: int | None  # of the guest's init, as the firmware sees it
    boots: int
    crashes: int
    pending: str
    served: str
    missing: tuple[str, ...]
    stray: str  # the disk in use that the machine should not have; nothing is mounted then
    disks: Mapping[str, GuestDisk]
    power: str = "on"  # what the guest should be: on, off

    @property
    def runs(self) -> bool:
        return self.state == "running" and self.pid is not None

    @property
    def switching(self) -> bool:
        """It was told to be on or off and is not yet: no event tells when it will be."""
        return self.state == "stopped" if self.power == "on" else self.state not in ("stopped", "starting")


def guest(data: Object) -> Guest:
    """From the JSON of `ctl status`; fields that are absent while the firmware starts are empty."""
    return Guest(
        state=str(data.get("state", "starting")),
        pid=data.get("guest"),
        boots=int(data.get("boots", 0)),
        crashes=int(data.get("crashes", 0)),
        pending=str(data.get("pending", "")),
        served=str(data.get("served", "")),
        missing=tuple(data.get("missing", ())),
        stray=str(data.get("stray", "")),
        disks={
            cid: GuestDisk(
                bool(d.get("mounted")), str(d.get("key", "")), str(d.get("was", "")), tuple(d.get("held", ()))
            )
            for cid, d in data.get("disks", {}).items()
        },
        power=str(data.get("power", "on")),
    )


@dataclass(frozen=True)
class Observed:
    """One look at a machine and all that belongs to it. Objects are as the API server gave them."""

    vm: Object
    now: datetime
    settings: bool = False  # the ConfigMap is there
    pod: Object | None = None
    guest: Guest | None = None  # None: not asked or no answer
    nodes: Mapping[str, Object | None] = field(
        default_factory=dict
    )  # of Pod and attachments, by name, None: no such Node; looked at only when something is wrong or ends
    attachments: Mapping[str, Object] = field(default_factory=dict)  # ours, by disk CID
    claims: Mapping[str, Object | None] = field(default_factory=dict)  # of wanted and placed disks, by disk CID
    volumes: Mapping[str, Object] = field(
        default_factory=dict
    )  # of placed disks, by disk CID; only before the Pod is made
    root_claim: Object | None = None
    services: Mapping[str, Object] = field(default_factory=dict)  # by static address; only without Pod
    cleanup: Object | None = None  # the Pod that removes the host directory; only when deleting
    warnings: Mapping[str, str] = field(default_factory=dict)  # newest warning Event by uid of its object

    @property
    def name(self) -> str:
        return str(self.vm["metadata"]["name"])

    @property
    def uid(self) -> str:
        return str(self.vm["metadata"]["uid"])

    @property
    def spec(self) -> Object:
        return dict(self.vm["spec"])

    @property
    def machine(self) -> Object:
        return dict(self.vm["spec"]["machine"])

    @property
    def status(self) -> Object:
        return dict(self.vm.get("status") or {})

    @property
    def deleting(self) -> bool:
        return bool(self.vm["metadata"].get("deletionTimestamp"))

    @property
    def paused(self) -> bool:
        """A person holds the machine: nothing is done to it, its deletion included."""
        return bool(self.spec.get("paused"))

    @property
    def wanted(self) -> list[str]:
        """Disks that the machine should have: none when it is being deleted."""
        return [] if self.deleting and not self.paused else list(self.wishes)

    @property
    def wishes(self) -> dict[str, Object]:
        """Entries of `spec.disks` by CID."""
        return disk_wishes(self.vm)

    @property
    def lived(self) -> bool:
        """Its guest was seen before."""
        return bool(self.status.get("guest"))

    @property
    def placed(self) -> list[str]:
        """Disks that a Pod is placed for: the first for those that create_vm named, a later one for those it has."""
        return self.wanted if self.lived else placed_disks(self.vm)

    @property
    def disk_status(self) -> dict[str, Object]:
        return {disk["cid"]: disk for disk in self.status.get("disks") or ()}

    @property
    def leaving(self) -> list[str]:
        """Disks that are not wanted any more and still there: attached, known to the firmware, or nobody can tell."""
        there = {*self.attachments, *(self.disk_status if self.guest_disks is None else self.guest_disks)}
        return sorted(there - set(self.wanted))

    @property
    def guest_disks(self) -> Mapping[str, GuestDisk] | None:
        """The disks that the firmware holds to be this machine's; None when it may have some and does not say."""
        if self.guest is not None and self.guest.state != "starting":
            return self.guest.disks
        if self.pod is None or phase(self.pod) in ("Failed", "Succeeded") or never_ran(self.pod):
            return {}
        return None

    @property
    def addresses(self) -> dict[str, list[int]]:
        """Static addresses that a Service holds, with their ports."""
        return {n["ip"]: n["ports"] for n in self.machine.get("networks") or () if n.get("ip") and n.get("ports")}

    def owns(self, thing: Object) -> bool:
        return any(r["uid"] == self.uid for r in thing["metadata"].get("ownerReferences") or ())

    @property
    def root_is_claim(self) -> bool:
        return bool(self.machine.get("rootDisk"))

    @property
    def node_name(self) -> str:
        """Of the Pod; when it is gone, where it was."""
        return node_name(self.pod) if self.pod else str((self.status.get("pod") or {}).get("node", ""))

    @property
    def node(self) -> Object | None:
        return self.nodes.get(self.node_name)

    @property
    def ran(self) -> bool:
        """The container on the machine's node is known to have run: so the stemcell's image is there."""
        return self.lived if self.pod is None else not never_ran(self.pod)

    @property
    def root_lost(self) -> bool:
        """The Pod of a root on emptyDir is gone, or its containers are for good: so is the root disk.

        One on a claim is gone with that. A fresh one in its place would be a machine without its jobs.
        """
        if self.root_is_claim:
            return self.lived and self.pod is None and self.root_claim is None
        if self.pod is None:
            return bool((self.status.get("pod") or {}).get("uid"))
        return phase(self.pod) in ("Failed", "Succeeded")


def phase(pod: Object) -> str:
    return str(pod.get("status", {}).get("phase", "Pending"))


def terminating(thing: Object | None) -> bool:
    return bool(thing and thing["metadata"].get("deletionTimestamp"))


def node_name(pod: Object | None) -> str:
    return str((pod or {}).get("spec", {}).get("nodeName", ""))


def meant_for(attachment: Object) -> str:
    """The node that an attachment Pod is for, be it there or not."""
    required = attachment["spec"].get("affinity", {}).get("nodeAffinity", {})
    terms = required.get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms") or [{}]
    fields = terms[0].get("matchFields") or [{}]
    return node_name(attachment) or str((fields[0].get("values") or [""])[0])


def container(pod: Object | None) -> Object:
    """Status of the only container; empty while the kubelet has not reported."""
    statuses = (pod or {}).get("status", {}).get("containerStatuses") or [{}]
    return dict(statuses[0])


def running(pod: Object | None) -> bool:
    return "running" in container(pod).get("state", {})


def never_ran(pod: Object) -> bool:
    c = container(pod)
    return not c.get("restartCount") and not c.get("lastState") and "waiting" in c.get("state", {"waiting": {}})


def condition(thing: Object | None, type_: str) -> Object:
    """The condition of a built-in object; empty when it has none of that type."""
    return next((c for c in (thing or {}).get("status", {}).get("conditions") or () if c["type"] == type_), {})


def unreachable(node: Object | None) -> str:
    """Since when the node has not reported (RFC 3339); empty when it has, or was not looked at."""
    ready = condition(node, "Ready")
    return str(ready.get("lastTransitionTime", "")) if ready.get("status") == "Unknown" else ""


def gone_for_good(o: Observed, name: str) -> bool:
    """That node was looked at, and runs nothing for certain."""
    return name in o.nodes and runs_nothing(o.nodes[name])


def runs_nothing(node: Object | None) -> bool:
    """It is proven: there is no such Node, or it is not ready and a person has tainted it out of service.

    The cluster's own collection of Pods takes the same for proof.
    """
    if node is None:
        return True
    taints = node.get("spec", {}).get("taints") or ()
    tainted = any(t["key"] == "node.kubernetes.io/out-of-service" for t in taints)
    return tainted and condition(node, "Ready").get("status") != "True"


def silent_node(o: Observed) -> tuple[str, str]:
    """A node with a Pod of this machine that does not report and may still run it, and since when; or empty texts."""
    for name in filter(None, map(node_name, (o.pod, *o.attachments.values()))):
        since = unreachable(o.nodes.get(name))
        if since and not gone_for_good(o, name):
            return name, since
    return "", ""


def astray(o: Observed, attachment: Object) -> bool:
    """The attachment is for another node than its machine's, or for one that is gone for good."""
    there, machine = meant_for(attachment), node_name(o.pod)
    return bool(there) and (machine not in ("", there) or gone_for_good(o, there))


def silent(observed: Observed) -> str:
    """Since when nobody on the machine's node answers; empty when somebody may, or nothing runs there for certain."""
    return "" if gone_for_good(observed, observed.node_name) else unreachable(observed.node)


def unheard(o: Observed) -> tuple[str, str]:
    """A node that does not report and may still run the machine's Pod before, or hold a disk, and since when."""
    since = silent(o)
    return (o.node_name, since) if since else silent_node(o)


def held_on(o: Observed) -> str:
    """The node where disks of the machine are attached, to which its next Pod has to go; empty: any will do.

    A node that is being drained is none, as long as the attachments there can be asked to let go.
    """
    cables = [o.attachments[cid] for cid in o.wanted if cid in o.attachments]
    for name in sorted({node_name(cable) for cable in cables} - {""}):
        drained = (o.nodes.get(name) or {}).get("spec", {}).get("unschedulable")
        asked = all(running(cable) for cable in cables if node_name(cable) == name)
        if not gone_for_good(o, name) and not (drained and asked):
            return name
    return ""


def unbound(attachment: Object, now: datetime) -> bool:
    """The attachment runs and has nothing bound: it was asked to let go of its disk, and binds nothing again.

    It was ready since its container began, by the node's own clock; ours may be another. One that was asked before it
    was ready never is, which takes long to tell.
    """
    c = container(attachment)
    since = c.get("state", {}).get("running", {}).get("startedAt")
    if not since or c.get("ready") is not False:  # the condition would not do: it changes when a node does not report
        return False
    began, changed = _time(since), condition(attachment, "Ready").get("lastTransitionTime")
    return bool(changed and _time(changed) > began) or now - began > NEVER_READY


def _time(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00"))


def lost_id(cid: str, disk: GuestDisk, boots: int) -> str:
    """Id of the reset that a changed device asks for; the same change is the same reset, until the guest has booted:
    devices' numbers are given again.
    """
    from hashlib import sha256

    return "lost-" + sha256(f"{cid} {disk.was} {disk.key} {boots}".encode()).hexdigest()[:16]


def disk_lost(disk: GuestDisk) -> bool:
    return bool(disk.mounted and disk.was and disk.key and disk.was != disk.key)
