"""`doctor`: one check after the other, each said as soon as it is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...clock import Deadline
from ...errors import Failure, Forbidden, NoCredential, RequestError
from ...stemcell.places import Places
from .. import codes
from ..session import PATIENCE, Session
from ..words import listed
from . import cluster, probe, registry, rights, storage
from .line import FAILURE, OK, WARNING, Line

Json = dict[str, Any]

_VARIABLE = re.compile(r"\(\(!?[-/.\w]+\)\)")  # of a manifest, as BOSH's programs know them
UNPROVEN = "not proven without --probe: push, pull from a node, mount propagation"


def run(session: Session) -> int:
    lines: list[Line] = []

    def note(line: Line) -> None:
        lines.append(line)
        if not session.as_json:
            session.print(_words(line))

    for line in _lines(session, note):
        note(line)
    counts = {level: sum(line.level == level for line in lines) for level in (OK, WARNING, FAILURE)}
    if session.as_json:
        session.print_json({"checks": [line._asdict() for line in lines], **counts})
    else:
        hint = "" if session.options.probe else f"\n{UNPROVEN}"
        session.print(f"\n{counts[OK]} ok, {counts[WARNING]} warnings, {counts[FAILURE]} failures{hint}")
    return codes.FINDINGS if counts[FAILURE] else codes.FINE


def _lines(session: Session, note: Callable[[Line], None]) -> Iterator[Line]:
    """Ends at the first thing without which nothing else can be asked."""
    try:
        empty = list(placeholders(session.config))
        if empty:
            cure = "interpolate the manifest: bosh create-env and deploy do it from --vars-store, -v or -l"
            yield Line("configuration", FAILURE, f"holds placeholders, not values: {listed(empty)}", cure)
            return
        api, namespace = session.api, session.namespace
    except RequestError as error:
        yield Line("configuration", FAILURE, error.message, "see docs/configuration.md")
        return
    except NoCredential as error:
        yield Line("credentials", FAILURE, error.message, "the message has what it says; run it by hand")
        return
    yield Line("configuration", OK, f"namespace {namespace}")
    try:
        yield from cluster.server(api)
        person = session.person()
    except Failure as failure:
        yield Line("API server", FAILURE, failure.message, "see `kubernetes` in docs/configuration.md")
        return
    settings: Json = session.config["registry"]
    places = Places(settings, api.endpoint, Deadline(PATIENCE))
    for check, lines in (
        ("rights", lambda: rights.check(api, namespace, settings.get("service", ""))),
        ("custom resources", lambda: cluster.resources(api, namespace)),
        ("operator", lambda: cluster.operator(api, namespace)),
        ("storage", lambda: _storage(session)),
        ("Pod Security", lambda: cluster.pod_security(person, namespace)),
        ("registry", lambda: registry.reach(places, bool(session.options.config))),
    ):
        yield from _guarded(check, lines)
    if person is not api:
        apart = list(_guarded("accounts", lambda: cluster.same(api, person, namespace)))
        yield from apart
        if apart:
            return
    if session.options.probe:
        yield from _guarded("probe", lambda: _probe(session, places, note))


def _storage(session: Session) -> Iterator[Line]:
    config = session.config
    return storage.check(session.api, config["disks"]["storage_class"], config["machines"]["root_storage_class"])


def _probe(session: Session, places: Places, note: Callable[[Line], None]) -> Iterator[Line]:
    options, person = session.options, session.person()
    ground = probe.Ground(person, session.namespace, options.node, options.host_directory.rstrip("/"))
    secrets = places.settings.get("pull_secrets", [])
    session.api.deadline = Deadline(PATIENCE)
    image = probe.image_of(session.api, person, session.namespace, options.image, secrets)
    probe.sweep(ground)
    probe.push_and_pull(ground, places, secrets, image.architecture if image else "", note)
    probe.mount(ground, image, note)
    yield from ()


def _guarded(check: str, lines: Callable[[], Iterable[Line]]) -> Iterator[Line]:
    """What a check raises is its own line: the others are made all the same."""
    try:
        yield from lines()
    except Failure as failure:
        yield Line(
            check, FAILURE, failure.message, "see the line of the rights" if isinstance(failure, Forbidden) else ""
        )


def placeholders(value: Any, where: str = "") -> Iterator[str]:
    """Keys whose value has a variable of a manifest, `((name))`, that nobody filled in."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from placeholders(item, f"{where}.{key}".lstrip("."))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from placeholders(item, f"{where}[{index}]")
    elif isinstance(value, str) and _VARIABLE.search(value):
        yield where


def _words(line: Line) -> str:
    first = f"{line.level:<8} {line.check:<24} {' '.join(line.found.split())}"
    return f"{first}\n{'':<8} {'':<24} remedy: {line.remedy}" if line.remedy else first
