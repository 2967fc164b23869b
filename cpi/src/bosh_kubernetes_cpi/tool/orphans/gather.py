"""What is in the namespace, and whether what is said of it can be believed."""

from __future__ import annotations

from typing import Any

from bosh_kubernetes_api import names, paths

from ...clock import Deadline
from ...errors import Failure, Forbidden, NotFound
from ...stemcell.places import Places
from ...stemcell.reference import BadReferenceError, parse
from .. import life
from ..session import PATIENCE, Session
from .find import Things, is_empty

Json = dict[str, Any]


def gather(session: Session, unseen: list[str]) -> Things:
    """All there is. `unseen` gets a line for snapshots that may not be listed; without the rest uses are not known.

    Raises Failure, for a namespace that is not there too.
    """
    api, namespace = session.api, session.namespace
    api.deadline = Deadline(PATIENCE)  # anew at each look: questions and deletions take their time
    snapshots: list[Json] = []
    try:
        snapshots = api.items(paths.snapshots(namespace)) or []
    except Forbidden:
        unseen.append("snapshots: this account may not list them; --kubeconfig names one of yours that may")
    found = Things(
        machines=api.get(paths.machines(namespace))["items"],
        claims=api.get(paths.claims(namespace))["items"],
        snapshots=snapshots,
        stemcells=api.get(paths.stemcells(namespace))["items"],
    )
    if is_empty(found):
        _check_namespace(session)
    return found


def _check_namespace(session: Session) -> None:
    """Lists of a namespace that is not there are empty."""
    api, namespace = session.api, session.namespace
    if api.find(paths.lease(namespace)) is not None:
        return
    cure = "check --namespace"
    try:
        there = api.find(paths.namespace(namespace)) is not None
    except Forbidden as error:
        what = f"there is nothing in namespace {namespace}, and this account may not see whether there is such a one"
        raise NotFound(f"{what}; {cure}") from error
    if not there:
        raise NotFound(f"there is no namespace {namespace}; {cure}")


def disbelief(session: Session) -> str:
    """Why the status of machines is not to be believed; empty: it is."""
    session.api.deadline = Deadline(PATIENCE)
    try:
        found = life.look(session.api, session.namespace)
    except Failure as failure:
        return f"it is not known whether an operator keeps its status true: {failure.message}"
    if found.renews:
        return ""
    why = f"there is no Lease {names.LEASE}" if found.lease is None else "its Lease is not renewed"
    return f"no operator keeps its status true: {why}"


def served(session: Session, image: str) -> bool:
    """Whether the configured registry has that image. Raises RequestError when its section is wrong."""
    try:
        reference = parse(image)
    except BadReferenceError:
        return False
    return Places(session.config["registry"], session.api.endpoint, Deadline(PATIENCE)).serves(reference)
