"""Jobs without a machine: monit files, job state, archives, digests."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.stemcell.agent import bundles, jobs, monit
from tests.stemcell.agent.errors import AgentError

MONIT_FILE = """
check process nginx
  with pidfile /var/vcap/sys/run/nginx/nginx.pid
  start program "/var/vcap/jobs/nginx/bin/ctl start" with timeout 60 seconds
  stop program = "/var/vcap/jobs/nginx/bin/ctl stop"
  group vcap

check process worker-1 with pidfile "/var/vcap/sys/run/w/w.pid"
  start program "/w start"
  stop program "/w stop"

check file log with path /var/log/x
check process broken
  group vcap
"""


def test_a_monit_file_is_read() -> None:
    nginx, worker = monit.parse(MONIT_FILE)
    assert (nginx.name, nginx.group, nginx.pidfile) == ("nginx", "vcap", Path("/var/vcap/sys/run/nginx/nginx.pid"))
    assert nginx.start == ["/var/vcap/jobs/nginx/bin/ctl", "start"]
    assert nginx.stop == ["/var/vcap/jobs/nginx/bin/ctl", "stop"]
    assert (worker.name, worker.group, worker.pidfile) == ("worker-1", "", Path("/var/vcap/sys/run/w/w.pid"))


def service(*, monitored: bool = True, since: float = 0.0, pending: str = "") -> monit.Service:
    return monit.Service("a", Path("/x"), ["start"], ["stop"], "vcap", monitored, pending, since)


@pytest.mark.parametrize(
    ("one", "pid", "status", "due"),
    [
        (service(), 7, "running", ""),
        (service(), None, "failing", "start"),
        (service(since=990), None, "starting", ""),
        (service(monitored=False), 7, "unknown", ""),
        (service(monitored=False), None, "unknown", ""),
        (service(monitored=False, pending="start"), None, "unknown", "start"),
        (service(pending="stop"), 7, "running", "stop"),
    ],
    ids=["up", "gone", "just started", "unwatched and up", "stopped", "ordered to start", "ordered to stop"],
)
def test_what_monit_says_and_does(one: monit.Service, pid: int | None, status: str, due: str) -> None:
    assert monit.status(one, pid, 1000.0) == status
    assert monit.due(one, pid, 1000.0) == due


def test_monit_starts_no_program_twice_before_it_has_a_pid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts by itself what it finds after a reload; the agent's order comes before there is a pid file."""
    started: list[list[str]] = []
    monkeypatch.setattr(monit, "JOBS", tmp_path)
    monkeypatch.setattr(monit, "STATE", tmp_path / "state")
    monkeypatch.setattr(monit, "execute", started.append)
    (tmp_path / "a.monitrc").write_text(
        f'check process a\n  with pidfile {tmp_path}/pid\n  start program "/a start"\n  stop program "/a stop"\n'
    )
    program = monit.Monit()

    program._cycle(program.services["a"])
    program.order("a", "start")
    program._cycle(program.services["a"])
    program.order("a", "stop")
    program._cycle(program.services["a"])
    program.order("a", "start")
    program._cycle(program.services["a"])

    assert started == [["/a", "start"], ["/a", "stop"], ["/a", "start"]]


def test_pid_files(tmp_path: Path) -> None:
    pidfile = tmp_path / "pid"
    assert monit.alive(pidfile) is None
    pidfile.write_text(f"{os.getpid()}\n")
    assert monit.alive(pidfile) == os.getpid()
    pidfile.write_text("not a number")
    assert monit.alive(pidfile) is None


UP = {"monitored": True, "status": "running"}


@pytest.mark.parametrize(
    ("services", "stopped", "state"),
    [
        ([], False, "running"),
        ([UP], False, "running"),
        ([UP, {"monitored": True, "status": "starting"}], False, "starting"),
        ([UP, {"monitored": True, "status": "failing"}], False, "failing"),
        ([UP, {"monitored": False, "status": "unknown"}], False, "failing"),
        ([UP], True, "stopped"),
    ],
    ids=["no jobs", "all up", "one starts", "one fails", "one unwatched", "stopped"],
)
def test_job_state(services: list[dict[str, object]], stopped: bool, state: str) -> None:
    assert jobs.job_state(services, stopped) == state


def test_jobs_come_by_the_archive_only() -> None:
    spec = {"job": {"templates": [{"name": "nginx"}]}, "rendered_templates_archive": {"blobstore_id": "b", "sha1": "s"}}
    assert jobs.templates(spec) == [{"name": "nginx"}]
    assert jobs.templates({**spec, "rendered_templates_archive": {"blobstore_id": "", "sha1": ""}}) == []
    assert jobs.templates(jobs.EMPTY_SPEC) == []


def test_digests() -> None:
    sha1, sha256 = hashlib.sha1(b"x").hexdigest(), hashlib.sha256(b"x").hexdigest()
    for digest in (sha1, f"sha1:{sha1}", f"sha256:{sha256}", f"{sha1};sha256:{sha256}"):
        bundles.check_digest(b"x", digest)
    for digest in ("", f"md5:{sha1}", f"sha1:{'0' * 40}", f"{sha1};sha256:{'0' * 64}"):
        with pytest.raises(AgentError, match="digest"):
            bundles.check_digest(b"x", digest)
