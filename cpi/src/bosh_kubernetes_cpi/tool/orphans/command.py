"""`orphans`: gather, show, and with --delete ask and delete."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from .. import codes
from ..interrupts import uninterrupted
from ..session import Session
from . import directors
from .delete import Fate, delete, left
from .find import MACHINE, Orphan, Things, find, strangers
from .gather import disbelief, gather, served
from .page import document, page


def run(session: Session) -> int:
    options = session.options
    known = _directors(session)
    if options.delete and not (options.yes or sys.stdin.isatty()):
        raise codes.WrongUse("--delete without a terminal to ask at needs --yes")
    unseen: list[str] = []
    things = gather(session, unseen)
    _check(session, known, things)
    found = _doubted(session, _find(session, known, things))
    doomed = [orphan for orphan in found if not orphan.keeps] if options.delete else []
    asks = bool(doomed) and not options.yes
    if asks or not session.as_json:
        now = datetime.now(timezone.utc)
        _say(session, page(found, unseen, session.namespace, now, deletes=options.delete))
    fates: dict[str, Fate] = {}
    try:
        if asks and not _agreed(session, len(doomed)):
            _say(session, "nothing is deleted")
        else:
            _delete(session, known, doomed, fates)
    finally:
        if session.as_json:
            with uninterrupted():
                session.print_json(document(found, unseen, session.namespace, fates))
    remains = [orphan for orphan in found if fates.get(orphan.cid, Fate("kept")).why]
    return codes.FINDINGS if remains or unseen else codes.FINE


def _directors(session: Session) -> list[str]:
    known = list(session.options.director)
    for name in session.options.director_from:
        try:
            text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise codes.WrongUse(f"{name}: {getattr(error, 'strerror', '') or 'not UTF-8'}") from error
        known += directors.read(text, "standard input" if name == "-" else name)
    if session.options.no_director:
        if known:
            raise codes.WrongUse("--no-director and a Director that is named contradict each other")
        return []
    if not known or not all(director.strip() for director in known):
        ways = "--director UUID, --director-from FILE; --no-director where none is left"
        raise codes.WrongUse(f"name the Directors that own what they made: {ways}")
    return known


def _check(session: Session, known: list[str], things: Things) -> None:
    """A wrong UUID makes an orphan of all that its Director owns. Raises WrongUse where that would be deleted."""
    for director in strangers(things, known):
        found = f"Director {director} owns nothing in namespace {session.namespace}"
        if session.options.delete:
            cure = "if it is right, leave it out (--no-director where none is left)"
            raise codes.WrongUse(f"{found}: nothing is deleted. Correct the UUID; {cure}")
        session.remark(f"warning: {found}: is that its UUID? With --delete nothing would be deleted")


def _find(session: Session, known: list[str], things: Things) -> list[Orphan]:
    return find(
        things,
        known,
        now=datetime.now(timezone.utc),
        min_age=session.options.min_age,
        serves=lambda image: served(session, image),
    )


def _doubted(session: Session, found: list[Orphan]) -> list[Orphan]:
    """Machines stay where their status cannot be believed; to find out takes some seconds."""
    unsure = [orphan.uid for orphan in found if orphan.kind == MACHINE and not orphan.keeps]
    if not (unsure and (why := disbelief(session))):
        return found
    return [replace(orphan, keeps=why) if orphan.uid in unsure else orphan for orphan in found]


def _agreed(session: Session, count: int) -> bool:
    lost = "Disks and snapshots lose their data."
    _say(session, f"Delete {count} of them in namespace {session.namespace} for good? {lost} [yes/no]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _delete(session: Session, known: list[str], doomed: list[Orphan], fates: dict[str, Fate]) -> None:
    """`fates` gets what becomes of each, by CID; also of one at which it is interrupted."""

    def still(orphan: Orphan) -> bool:
        """It is the same object, nobody owns it, and nothing uses it now."""
        if orphan.kind == MACHINE and disbelief(session):  # before the look: a guest may start in these seconds
            return False
        now = {each.uid: each for each in _find(session, known, gather(session, []))}
        return orphan.uid in now and not now[orphan.uid].keeps

    def note(orphan: Orphan, fate: Fate) -> None:
        fates[orphan.cid] = fate
        if not session.as_json:
            session.print(f"{orphan.kind} {orphan.cid}: {fate.why or 'deleted'}")

    for orphan in doomed:
        try:
            fate = delete(session, orphan, still)
        except KeyboardInterrupt:
            with uninterrupted():
                note(orphan, left(session, orphan, "interrupted"))
            raise
        note(orphan, fate)


def _say(session: Session, text: str) -> None:
    """Beside JSON there is nothing else on standard output."""
    session.remark(text) if session.as_json else session.print(text)
