"""The two Pods of a probe, and what their status says. Pure.

The mount probe has both ends of docs/machine.md in one Pod: a container that sees a directory of the node as a machine
sees its disks (HostToContainer), and one that binds something there as an attachment does (Bidirectional). What one
mounts must come to the other, and go again. They need a POSIX shell, mount and umount of their image.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

from bosh_kubernetes_api import names

Json = dict[str, Any]

ROLE = "probe"
LIFE = 300  # seconds after which the node ends a Pod that nobody removed
_UNPULLED = frozenset(
    ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
) | {"RegistryUnavailable", "SignatureValidationFailed"}
_PENDING = frozenset(("", "ContainerCreating", "PodInitializing"))
_TRIES = 30  # seconds that each end waits for the other

# The directory is removed through process 1 of the node: a mount of its parent would hold all disks of the node. The
# other end may still write that the mount is gone.
_END = """\
umount /disks/probe 2> /dev/null; rmdir /disks/probe 2> /dev/null; n=0
until rm -f /disks/gone; rmdir "/proc/1/root{directory}" 2> /dev/null || [ ! -e "/proc/1/root{directory}" ]; do
  n=$((n + 1)); [ $n -le 5 ] || break; sleep 1
done
"""
_BIND = """\
at=/disks/probe
end() {{
{end}}}
fail() {{ echo "$1" > /dev/termination-log; end; exit 1; }}
patiently() {{ why=$1; shift; n=0; until "$@"; do n=$((n + 1)); [ $n -le {tries} ] || fail "$why"; sleep 1; done; }}
trap 'end; exit 143' TERM INT
mkdir $at || fail "cannot make a directory in {directory}"
why=$(mount -t tmpfs -o size=64k probe $at 2>&1) || fail "cannot mount: $why"
patiently "its mount does not reach the machine's end" test -e $at/seen
why=$(umount $at 2>&1) || fail "cannot unmount: $why"
patiently "its mount stays at the machine's end" test -e /disks/gone
end
"""
_SEE = """\
at=/warden-cpi-dev/probe
there() {{ grep -q " $at " /proc/self/mountinfo; }}
gone() {{ ! there; }}
fail() {{ echo "$1" > /dev/termination-log; exit 1; }}
patiently() {{ why=$1; shift; n=0; until "$@"; do n=$((n + 1)); [ $n -le {tries} ] || fail "$why"; sleep 1; done; }}
patiently "no mount of the attachment's end comes here" there
true > $at/seen || fail "cannot write into the mount"
patiently "the mount does not go away here" gone
true > /warden-cpi-dev/gone
"""


class State(Enum):
    PENDING = "pending"
    STUCK = "stuck"  # it may still become something, but not for long
    DONE = "done"


class Verdict(NamedTuple):
    """`fault`: empty when all went well, else what did not. `pulled`: the images came. `placed`: a node took it."""

    state: State
    fault: str = ""
    pulled: bool = True
    node: str = ""
    placed: bool = True


def pull(name: str, image: str, secrets: list[str], node: str) -> Json:
    """A Pod whose image has nothing to run: that it is tried to is the proof that it was pulled."""
    container = {"name": "pull", "image": image, "imagePullPolicy": "Always", "command": ["/doctor"]}
    return _pod(name, [container | {"resources": _RESOURCES}], secrets, node)


def mount(name: str, image: str, secrets: list[str], node: str, host_directory: str) -> Json:
    directory = f"{host_directory}/{name}"
    end = _END.format(directory=directory)
    bind = _BIND.format(end=end, tries=_TRIES, directory=directory)
    # Also as a hook: a shell that just starts has no trap yet.
    cleans_up = {"lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "-c", end]}}}}
    pod = _pod(
        name,
        [
            _end("attachment", image, bind, "/disks", "Bidirectional") | cleans_up,
            _end("machine", image, _SEE.format(tries=_TRIES), names.DISKS_DIRECTORY, "HostToContainer"),
        ],
        secrets,
        node,
    )
    pod["spec"] |= {
        "hostPID": True,
        "volumes": [{"name": "disks", "hostPath": {"path": directory, "type": "DirectoryOrCreate"}}],
    }
    return pod


def judge(pod: Json) -> Verdict:
    """What has become of a Pod of either kind; of `pull`, only `pulled` matters."""
    status, node = pod.get("status", {}), pod["spec"].get("nodeName", "")
    states = {each["name"]: each.get("state", {}) for each in status.get("containerStatuses") or ()}
    for name, state in states.items():
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
        reason, message = waiting.get("reason", ""), waiting.get("message", "")
        if reason in _UNPULLED:
            return Verdict(State.STUCK, f"{reason}: {message}", False, node)
        if reason not in _PENDING:
            return Verdict(State.DONE, f"container {name}: {reason}: {message}", node=node)
        if ended and ended.get("exitCode"):
            said = ended.get("message") or f"{ended.get('reason', '')}, exit code {ended['exitCode']}"
            return Verdict(State.DONE, f"container {name}: {said.strip()}", node=node)
    if status.get("phase") == "Succeeded":
        return Verdict(State.DONE, node=node)
    if status.get("phase") == "Failed":
        said = f"{status.get('reason', 'Failed')}: {status.get('message', '')}"
        return Verdict(State.DONE, f"{node or 'its node'} ended the Pod: {said}", False, node, placed=False)
    for condition in status.get("conditions") or ():
        if (condition.get("type"), condition.get("status")) == ("PodScheduled", "False"):
            return Verdict(State.STUCK, f"no node takes the Pod: {condition.get('message', '')}", False, placed=False)
    return Verdict(State.PENDING, "it waits for its image", False, node)


_RESOURCES = {"requests": {"cpu": "1m", "memory": "8Mi"}, "limits": {"memory": "64Mi", "cpu": "500m"}}


def _end(name: str, image: str, script: str, path: str, propagation: str) -> Json:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", script],
        "securityContext": {"privileged": True, "runAsUser": 0},
        "resources": _RESOURCES,
        "volumeMounts": [{"name": "disks", "mountPath": path, "mountPropagation": propagation}],
    }


def _pod(name: str, containers: list[Json], secrets: list[str], node: str) -> Json:
    spec: Json = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": LIFE,
        "terminationGracePeriodSeconds": 10,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "imagePullSecrets": [{"name": secret} for secret in secrets],
        "containers": containers,
    }
    if node:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
        spec["tolerations"] = [{"operator": "Exists"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": names.labels(ROLE)},
        "spec": spec,
    }
