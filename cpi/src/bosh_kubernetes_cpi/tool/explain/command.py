"""`explain CID`: find the thing, gather what it takes to explain it, print."""

from __future__ import annotations

from typing import Any, NamedTuple

from bosh_kubernetes_api import names, paths
from bosh_kubernetes_api.claims import is_disk
from bosh_kubernetes_api.machine import holds_disk
from bosh_kubernetes_api.snapshots import is_snapshot

from ...errors import ApiError, Forbidden
from .. import codes
from ..session import Session
from ..words import facts, table
from . import machine, things
from .story import Happened, tell

Json = dict[str, Any]


class Explained(NamedTuple):
    kind: str  # machine, disk, snapshot, stemcell
    facts: list[tuple[str, str | list[str]]]
    disks: list[tuple[str, str, str]]
    story: list[Happened]
    unseen: list[str]  # what could not be looked at, and why


def run(session: Session) -> int:
    cid = session.options.cid
    if not names.is_cid(cid):
        raise codes.WrongUse(f"{cid!r} is no CID of this CPI: those are of a-z, 0-9 and -")
    found = _find(session, cid)
    if found is None:
        text = f"there is no machine, disk, snapshot or stemcell {cid} in namespace {session.namespace}"
        session.print_json({"cid": cid, "kind": None}) if session.as_json else session.print(text)
        return codes.FINDINGS
    explained = _explain(session, *found)
    session.print_json(_document(cid, explained)) if session.as_json else session.print(_page(session, cid, explained))
    return codes.FINE


def _find(session: Session, cid: str) -> tuple[str, Json] | None:
    api, namespace = session.api, session.namespace
    if found := api.find(paths.item(paths.machines(namespace), cid)):
        return "machine", found
    if (found := api.find(paths.item(paths.claims(namespace), cid))) and is_disk(found):
        return "disk", found
    if found := api.find(paths.item(paths.stemcells(namespace), cid)):
        return "stemcell", found
    try:
        if (found := api.find(paths.item(paths.snapshots(namespace), cid))) and is_snapshot(found):
            return "snapshot", found
    except ApiError as error:
        if error.status != 404:  # a cluster without snapshots has not even the path
            raise
    return None


def _explain(session: Session, kind: str, thing: Json) -> Explained:
    api, namespace = session.api, session.namespace
    unseen: list[str] = []

    def items(path: str, what: str) -> list[Json] | None:
        try:
            found: list[Json] = api.get(path)["items"]
        except Forbidden as error:
            unseen.append(f"{what}: {error.message}")
            return None
        return found

    story = tell(thing, items(paths.events(namespace), "Events") or ())
    disks: list[tuple[str, str, str]] = []
    if kind == "machine":
        stemcell = api.find(paths.item(paths.stemcells(namespace), thing["spec"]["machine"]["stemcell"]))
        claims = items(paths.claims(namespace), "claims")
        there = None if claims is None else {each["metadata"]["name"] for each in claims}
        said, disks = machine.describe(thing, stemcell), machine.disks(thing, there)
    elif kind == "disk":
        machines = items(paths.machines(namespace), "machines")
        said = things.disk(thing, machines)
        cid = thing["metadata"]["name"]
        for holder in (each for each in machines or () if holds_disk(each, cid)):
            disks += [row for row in machine.disks(holder, {cid}) if row[0] == cid]
    elif kind == "snapshot":
        said = things.snapshot(thing)
    else:
        said = things.stemcell(thing, items(paths.machines(namespace), "machines"))
    return Explained(kind, said, disks, story, unseen)


def _page(session: Session, cid: str, explained: Explained) -> str:
    text = f"{cid} is a {explained.kind} in namespace {session.namespace}\n\n{facts(explained.facts)}"
    if explained.disks:
        text += "\n" + table(["DISK", "STATE", "WHY"], explained.disks)
    text += "\n" + table(["TIME", "OF", "WHAT"], explained.story)
    if explained.unseen:
        text += "".join(f"\nnot looked at: {line}" for line in explained.unseen) + "\n"
    return text


def _document(cid: str, explained: Explained) -> Json:
    return {
        "cid": cid,
        "kind": explained.kind,
        "facts": {name: text for name, text in explained.facts if text},
        "disks": [dict(zip(("cid", "state", "why"), row, strict=True)) for row in explained.disks],
        "story": [each._asdict() for each in explained.story],
        "not_looked_at": explained.unseen,
    }
