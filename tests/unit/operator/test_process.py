"""The process around the queue: settings, health, logs, firmware ConfigMap, Events."""

import asyncio
import json
import logging

import pytest

from bosh_kubernetes_operator import events, firmware_map, health, logs, queue, settings
from bosh_kubernetes_operator.__main__ import Operator
from bosh_kubernetes_operator.cluster import words
from bosh_kubernetes_operator.errors import ClusterError, ConflictError, NotFoundError, RefusedError, cluster_error
from tests.unit.operator.things import attached


def test_settings_come_from_the_command_line_before_the_environment() -> None:
    environment = {"BOSH_OPERATOR_NAMESPACE": "a", "BOSH_OPERATOR_RESYNC": "60", "BOSH_OPERATOR_WORKERS": "2"}
    found = settings.parse(["--namespace", "b"], environment)
    assert (found.namespace, found.resync, found.workers) == ("b", 60.0, 2)
    assert found.host_directory == "/var/lib/bosh-kubernetes"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--namespace", "a", "--host-directory", "relative"],
        ["--namespace", "a", "--log-level", "LOUD"],
        ["--namespace", "a", "--workers", "x"],
    ],
)
def test_wrong_settings_end_the_process(arguments, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        settings.parse(arguments, {})
    assert end.value.code == 2
    assert "error:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stuck", "ended", "status"), [(0.0, False, 200), (299.0, False, 200), (301.0, False, 500), (0.0, True, 500)]
)
def test_health_fails_when_the_queue_is_stuck(stuck, ended, status) -> None:
    assert health.verdict(stuck, ended)[0] == status


def test_the_operator_is_healthy_as_long_as_turns_end() -> None:
    """No single machine whose node hangs may end it: the next one would find the same."""
    assert queue.MOST < health.STUCK_AFTER, "else one turn alone could make it look stuck"


class Begins:
    """Stand-in for what the process needs first: `answers` of discovery in order, then a Lease that fails."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers, self.asked = list(answers), 0

    async def serves(self, kind: str) -> bool:
        answer = self.answers[self.asked]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def acquire(self) -> None:
        raise LookupError("a fault of ours")


async def test_the_lease_is_taken_once_machines_are_served_and_nothing_begins_without_it(monkeypatch) -> None:
    """kopf would never watch them, with the Lease in hand and in good health."""
    world = Begins(False, ClusterError("get /apis", 0, "NoAnswer", "no answer"), True)
    operator = object.__new__(Operator)
    operator._cluster, operator._lease, operator._stop = world, world, asyncio.Event()  # type: ignore[assignment]
    monkeypatch.setattr("bosh_kubernetes_operator.__main__.RETRY_EVERY", 0)
    with pytest.raises(LookupError):
        await operator._lease_or_stop()
    assert world.asked == 3


async def test_the_lease_is_renewed_while_old_firmware_is_looked_for(monkeypatch) -> None:
    """All Pods are listed for that: another operator might begin before it is done."""

    class Stands:
        hold = run = asyncio.Event().wait

    async def look(*_: object) -> None:
        assert [task.get_name() for task in operator._tasks] == ["lease"]

    operator = object.__new__(Operator)
    operator._cluster, operator._lease, operator._queue, operator._tasks = None, Stands, Stands, []  # type: ignore
    monkeypatch.setattr(firmware_map, "ensure", look)
    monkeypatch.setattr(firmware_map, "sweep", look)
    await operator._start()
    assert [task.get_name() for task in operator._tasks] == ["lease", "queue"]
    for task in operator._tasks:
        task.cancel()


def test_a_log_line_is_one_json_object() -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "two\nlines %s", ("here",), None)
    record.machine = "vm-1"
    record.secret = "planted"
    line = logs.JsonFormatter().format(record)
    assert "\n" not in line
    assert "planted" not in line  # fields that are not on the list are left out
    assert json.loads(line).items() >= {"level": "info", "message": "two\nlines here", "machine": "vm-1"}.items()


def test_the_firmware_is_named_by_its_content_and_holds_every_script() -> None:
    scripts = firmware_map.scripts()
    assert {"firmware", "ctl", "lib", "attachment", "enter", "mount"} <= set(scripts)
    assert all("." not in name for name in scripts)
    first = firmware_map.config_map(scripts)
    assert first["immutable"] is True
    other = firmware_map.config_map(scripts | {"ctl": scripts["ctl"] + "\n"})
    assert first["metadata"]["name"] != other["metadata"]["name"]
    assert first["metadata"]["name"] == firmware_map.config_map(dict(reversed(scripts.items())))["metadata"]["name"]


def status(reason: str, *disks: dict) -> dict:
    return {"conditions": [{"type": "Ready", "reason": reason, "message": "m"}], "disks": list(disks)}


BUSY = {"cid": "disk-1", "phase": "Detaching", "reason": "DiskBusy", "message": "423 nginx"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({}, status("PodCreating"), ["PodCreating"]),
        (status("Running"), status("Running"), []),
        (status("Running", *attached("disk-1")["disks"]), status("Running", BUSY), ["DiskBusy"]),
        (status("Running", BUSY), status("Running", BUSY), []),
        (status("Running", BUSY), status("Stopped"), ["Stopped", "Detached"]),
    ],
)
def test_events_tell_transitions_only(old, new, told) -> None:
    assert [t.reason for t in events.transitions(old, new)] == told


@pytest.mark.parametrize(
    ("code", "kind"),
    [(404, NotFoundError), (409, ConflictError), (403, RefusedError), (422, RefusedError), (500, ClusterError)],
)
def test_api_errors_keep_the_words_of_the_api_server(code, kind) -> None:
    body = b'{"kind":"Status","reason":"Why","message":"pods is forbidden: exceeded quota"}'
    error = cluster_error("post Pod x", code, *words(body, "HTTP words"))
    assert type(error) is kind
    assert str(error) == "post Pod x: pods is forbidden: exceeded quota"
    assert error.reason == "Why"
