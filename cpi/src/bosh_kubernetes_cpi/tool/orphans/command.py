"""`orphans`: gather, show, and with --delete ask and delete."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bosh_kubernetes_api import paths

from ...clock import Deadline
from ...errors import Failure, Forbidden
from .. import codes
from ..session import PATIENCE, Session
from ..words import age, listed, table
from . import directors
from .delete import delete
from .find import Orphan, Things, find

Json = dict[str, Any]

HEADS = ("KIND", "CID", "DIRECTOR", "AGE", "SIZE", "IN USE BY", "DELETE")


def run(session: Session) -> int:
    options = session.options
    known = _directors(session)
    if options.delete and not (options.yes or sys.stdin.isatty()):
        raise codes.WrongUse("--delete without a terminal to ask at needs --yes")
    unseen: list[str] = []
    found = _find(session, known, unseen)
    doomed = [orphan for orphan in found if not orphan.keeps]
    if not session.as_json:
        session.print(_page(found, unseen, options.delete))
    fates: dict[str, str] = {}
    if options.delete and doomed:
        if not (options.yes or _agreed(session, len(doomed))):
            session.print("nothing is deleted")
            return codes.FINDINGS
        fates = _delete(session, known, doomed)
    if session.as_json:
        session.print_json(_document(found, unseen, fates))
    left = [orphan for orphan in found if fates.get(orphan.cid, "kept")]
    return codes.FINDINGS if left or unseen else codes.FINE


def _directors(session: Session) -> list[str]:
    known = list(session.options.director)
    for name in session.options.director_from:
        try:
            text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise codes.WrongUse(f"{name}: {getattr(error, 'strerror', '') or 'not UTF-8'}") from error
        known += directors.read(text, "standard input" if name == "-" else name)
    if not all(known) or not known:
        raise codes.WrongUse("name the Directors that own what they made: --director UUID, --director-from FILE")
    return known


def _find(session: Session, known: list[str], unseen: list[str]) -> list[Orphan]:
    things = _gather(session, unseen)
    return find(things, known, now=datetime.now(timezone.utc), min_age=session.options.min_age)


def _gather(session: Session, unseen: list[str]) -> Things:
    """All there is. `unseen` gets a line for snapshots that may not be listed; without the rest uses are not known."""
    api, namespace = session.api, session.namespace
    api.deadline = Deadline(PATIENCE)  # anew at each look: questions and deletions take their time
    snapshots: list[Json] = []
    try:
        snapshots = api.items(paths.snapshots(namespace)) or []
    except Forbidden:
        unseen.append("snapshots: this account may not list them; --kubeconfig names one of yours that may")
    return Things(
        machines=api.get(paths.machines(namespace))["items"],
        claims=api.get(paths.claims(namespace))["items"],
        snapshots=snapshots,
        stemcells=api.get(paths.stemcells(namespace))["items"],
    )


def _agreed(session: Session, count: int) -> bool:
    session.print(f"Delete {count} of them for good? Disks and snapshots lose their data. [yes/no]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _delete(session: Session, known: list[str], doomed: list[Orphan]) -> dict[str, str]:
    """CID: why it is still there, or nothing."""
    fates = {}

    def still(orphan: Orphan) -> bool:
        """It is the same object, nobody owns it, and nothing uses it now."""
        now = {each.uid: each for each in _find(session, known, [])}
        return orphan.uid in now and not now[orphan.uid].keeps

    for orphan in doomed:
        fates[orphan.cid] = _fate(session, orphan, still)
        if not session.as_json:
            session.print(f"{orphan.kind} {orphan.cid}: {fates[orphan.cid] or 'deleted'}")
    return fates


def _fate(session: Session, orphan: Orphan, still: Callable[[Orphan], bool]) -> str:
    try:
        return delete(session, orphan, still)
    except Failure as failure:
        return f"not deleted: {failure.message}"


def _page(found: list[Orphan], unseen: list[str], deletes: bool) -> str:
    lines = "".join(f"not looked at: {line}\n" for line in unseen)
    if not found:
        return lines + "no orphans"
    now = datetime.now(timezone.utc)
    rows = [
        (
            orphan.kind,
            orphan.cid,
            listed(orphan.directors),
            age(orphan.created, now),
            orphan.size,
            listed(orphan.used_by),
            f"no: {orphan.keeps}" if orphan.keeps else "yes",
        )
        for orphan in found
    ]
    hint = "" if deletes else "\nNothing is deleted without --delete."
    return table(HEADS, rows) + lines + hint


def _document(found: list[Orphan], unseen: list[str], fates: dict[str, str]) -> Json:
    return {
        "orphans": [
            {
                "kind": orphan.kind,
                "cid": orphan.cid,
                "directors": list(orphan.directors),
                "created": orphan.created,
                "size": orphan.size,
                "in_use_by": list(orphan.used_by),
                "kept": orphan.keeps or fates.get(orphan.cid, ""),
                "deleted": fates.get(orphan.cid) == "",
            }
            for orphan in found
        ],
        "not_looked_at": unseen,
    }
