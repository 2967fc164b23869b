"""--probe: push an image and have a node pull it, let a Pod prove mount propagation, and take all of it away again."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, NamedTuple

from bosh_kubernetes_api import names, paths

from ...clock import Deadline
from ...errors import CloudError, Failure, Forbidden, Invalid, TimedOut, lacks_right
from ...stemcell.places import Places
from ...transport.api import Api
from ...transport.observe import Wait, until
from ..interrupts import uninterrupted
from ..words import moment
from . import cluster, pods, registry
from .line import FAILURE, OK, WARNING, Line
from .pods import State, Verdict

Json = dict[str, Any]
Note = Callable[[Line], None]

PATIENCE = 240.0  # seconds for a Pod: the stemcell's image may have to be pulled
STUCK = 15.0  # seconds that an image may not come, or no node have room
CLEANUP = 60.0
OPERATOR = "app.kubernetes.io/component=operator,app.kubernetes.io/part-of=bosh-kubernetes"
ACCOUNT = "--kubeconfig names an account of yours that may: the CPI's makes no Pods"
ROOM = "make room, or name another node with --node"
REACH = "nodes must reach and trust the registry; check registry.pull_host and registry.pull_secrets"


class Ground(NamedTuple):
    """Where Pods of a probe are made, and by whom."""

    person: Api
    namespace: str
    node: str
    host_directory: str


class Image(NamedTuple):
    name: str
    secrets: list[str]
    architecture: str


def push_and_pull(ground: Ground, places: Places, secrets: list[str], architecture: str, note: Note) -> None:
    """`secrets` are registry.pull_secrets: nodes pull with them."""
    if not places.configured:
        return
    with registry.pushed(places, architecture, note) as image:
        if not image:
            return
        cure = f"{REACH}; {registry.GUIDE}"
        with _pod(ground, lambda name: pods.pull(name, image, secrets, ground.node), "pull", cure, note) as verdict:
            if verdict is None:
                return
            where = verdict.node or "a node"
            if not verdict.placed:
                note(Line("pull", WARNING, f"not proven: {verdict.fault}", ROOM))
            elif not verdict.pulled:
                note(Line("pull", FAILURE, f"{where} does not get {image}: {verdict.fault}", cure))
            else:
                note(Line("pull", OK, f"{where} pulled what was pushed"))


def mount(ground: Ground, image: Image | None, note: Note) -> None:
    check = "mount propagation"
    if image is None:
        cure = "--image names one with a shell, mount and umount"
        note(Line(check, WARNING, "not proven: there is no stemcell yet, and the operator's image is not known", cure))
        return

    def build(name: str) -> Json:
        return pods.mount(name, image.name, image.secrets, ground.node, ground.host_directory)

    other = "--image names one that nodes have or can pull"
    with _pod(ground, build, check, other, note) as verdict:
        if verdict is None:
            return
        where = verdict.node or "a node"
        if not verdict.fault:
            note(Line(check, OK, f"on {where}, what one container mounts comes to another and goes again"))
        elif not verdict.placed:
            note(Line(check, WARNING, f"not proven: {verdict.fault}", ROOM))
        elif not verdict.pulled:
            note(Line(check, WARNING, f"not proven: {image.name} on {where}: {verdict.fault}", other))
        else:
            cure = f"{ground.host_directory} must be on a shared mount of the node (findmnt -o TARGET,PROPAGATION)"
            note(Line(check, FAILURE, f"on {where}: {verdict.fault}", cure))


def image_of(api: Api, person: Api, namespace: str, given: str, secrets: list[str]) -> Image | None:
    """The one to run: given, of a stemcell, of the operator."""
    found: list[Json] = api.get(paths.stemcells(namespace))["items"]
    architecture = str(found[0]["spec"].get("architecture", "")) if found else ""
    if given:
        return Image(given, secrets, architecture)
    if found:
        return Image(found[0]["spec"]["image"], found[0]["spec"].get("pullSecrets", []), architecture)
    try:
        deployments = person.get(paths.query("/apis/apps/v1/deployments", labelSelector=OPERATOR))["items"]
    except Forbidden:
        return None
    for each in deployments:
        return Image(each["spec"]["template"]["spec"]["containers"][0]["image"], secrets, architecture)
    return None


def sweep(ground: Ground) -> None:
    """Remove Pods of a probe that was killed: those that have outlived their time."""
    collection = paths.pods(ground.namespace)
    try:
        found = ground.person.get(paths.query(collection, labelSelector=names.selector(role=pods.ROLE)))["items"]
    except Forbidden:
        return
    for pod in found:
        made = moment(pod["metadata"].get("creationTimestamp", ""))
        if made and (datetime.now(timezone.utc) - made).total_seconds() > pods.LIFE:
            ground.person.delete(paths.item(collection, pod["metadata"]["name"]), uid=pod["metadata"]["uid"])


def remedy(failure: Failure, namespace: str, *, image: str) -> str:
    """For a Pod that could not be made, or of which nothing became in time. `image`: what to do about a late image."""
    said = failure.message
    if isinstance(failure, TimedOut):
        return image
    if "PodSecurity" in said:
        return cluster.privilege(namespace)
    if "exceeded quota" in said:
        return f"raise the quota of the namespace {namespace}, or make room in it"
    if "admission webhook" in said or "ValidatingAdmissionPolicy" in said:
        return f"let the webhook or policy admit Pods with the label {names.ROLE}={pods.ROLE}, and machines with them"
    if isinstance(failure, Forbidden) and lacks_right(said):
        return ACCOUNT
    return "the message has the rule" if isinstance(failure, (Forbidden, Invalid)) else ""


@contextmanager
def _pod(ground: Ground, build: Callable[[str], Json], check: str, image: str, note: Note) -> Iterator[Verdict | None]:
    """Make a Pod, wait for what becomes of it, remove it whatever happens. None: it could not be made, and is noted.

    `image`: what to do when its image is late.
    """
    name = f"doctor-{secrets.token_hex(4)}"
    collection = paths.pods(ground.namespace)
    api = ground.person
    api.deadline = Deadline(PATIENCE)
    made = True  # unless the answer says otherwise
    try:
        try:
            try:
                api.create(collection, build(name))
            except (Forbidden, Invalid):
                made = False
                raise
            verdict: Verdict | None = _await(api, collection, name)
        except Failure as failure:
            note(Line(check, FAILURE, failure.message, remedy(failure, ground.namespace, image=image)))
            verdict = None
        yield verdict
    finally:
        if made:
            with uninterrupted():
                _remove(ground, name, note)


def _await(api: Api, collection: str, name: str) -> Verdict:
    borne: Deadline | None = None  # from the moment when it is stuck

    def decide(pod: Json | None) -> Verdict | Wait:
        nonlocal borne
        if pod is None:
            raise CloudError(f"Pod {name} was deleted while it was waited for")
        verdict = pods.judge(pod)
        borne = (borne or Deadline(STUCK)) if verdict.state is State.STUCK else None
        if verdict.state is State.DONE or (borne and borne.passed()):
            return verdict
        return Wait(1.0)

    return until(api, collection, name, decide, doing=f"Pod {name}", state=lambda pod: pods.judge(pod).fault)


def _remove(ground: Ground, name: str, note: Note) -> None:
    """And wait until it is gone: then its mounts are, too."""
    api, collection = ground.person, paths.pods(ground.namespace)
    api.close()
    api.deadline = Deadline(CLEANUP)
    try:
        api.delete(paths.item(collection, name))
        until(api, collection, name, lambda pod: True if pod is None else Wait(1.0), doing=f"removing Pod {name}")
    except Failure as failure:
        cure = f"kubectl --namespace {ground.namespace} delete pod {name}"
        note(Line("clean-up", WARNING, failure.message, cure))
