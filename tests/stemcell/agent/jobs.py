"""The actions on jobs: prepare, apply, start, stop, drain, run_script and what get_state tells of them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import bundles, network
from .bootstrap import job_dirs
from .errors import AgentError, wrap
from .monit_client import Monit
from .settings import BOSH, Object, Store, write
from .shell import Run, run

VCAP = Path("/var/vcap")
SPEC = BOSH / "spec.json"
STOPPED = VCAP / "monit" / "stopped"
MONIT_JOBS = VCAP / "monit" / "job"
SCRIPT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

EMPTY_SPEC: Object = {
    "properties": {"logging": {"max_log_file_size": ""}},
    "job": {"name": None, "release": "", "template": "", "version": "", "templates": None},
    "packages": {}, "configuration_hash": "", "networks": {}, "resource_pool": {}, "deployment": "", "name": "",
    "index": None, "id": "", "az": "", "persistent_disk": 0, "rendered_templates_archive": None,
}  # fmt: skip


def templates(spec: Object) -> list[Object]:
    """The jobs of a spec: those of its archive, none without one."""
    archive = spec.get("rendered_templates_archive") or {}
    return list((spec.get("job") or {}).get("templates") or []) if archive.get("blobstore_id") else []


def job_state(services: list[Object], stopped: bool) -> str:
    """running, starting, failing or stopped, as the heartbeat tells it. No job at all is "running"."""
    if stopped:
        return "stopped"
    if any(service["status"] == "starting" for service in services):
        return "starting"
    return "running" if all(one["monitored"] and one["status"] == "running" for one in services) else "failing"


class Jobs:
    def __init__(self, store: Store, monit: Monit, run: Run = run) -> None:
        self._store = store
        self._monit = monit
        self._run = run

    def spec(self) -> Object:
        return json.loads(SPEC.read_text()) if SPEC.exists() else dict(EMPTY_SPEC)

    def prepare(self, spec: Object) -> str:
        with wrap("Preparing apply spec"):
            for job in templates(spec):
                bundles.install_job(job, spec["rendered_templates_archive"], self._run)
            for package in (spec.get("packages") or {}).values():
                bundles.install_package(package, self._run)
        return "prepared"

    def apply(self, spec: Object) -> str:
        """Puts jobs and packages in place and keeps the spec. A spec without configuration_hash is only kept."""
        with wrap("Resolving dynamic networks"):
            networks = self._store.settings.get("networks") or {}
            resolved = network.populate(spec.get("networks") or {}, networks, network.default_network(self._run))
        spec = {key: spec.get(key, value) for key, value in EMPTY_SPEC.items()} | {"networks": resolved}
        if spec["configuration_hash"]:
            with wrap("Applying"):
                self._place(spec)
        write(SPEC, spec)
        for field, key in (("id", "id"), ("az", "az"), ("name", "name"), ("deployment", "deployment")):
            path = VCAP / "instance" / field
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            path.write_text(spec[key] or "")
        return "applied"

    def _place(self, spec: Object) -> None:
        for file in MONIT_JOBS.glob("*.monitrc"):
            file.unlink()
        packages = {one["name"]: bundles.install_package(one, self._run) for one in (spec["packages"] or {}).values()}
        archive = spec["rendered_templates_archive"]
        kept = {}
        for job in templates(spec):
            name = job["name"]
            with wrap(f"Applying job {name}"):
                bundles.install_job(job, archive, self._run)
                job_dirs(name, self._run)
                kept[name] = bundles.install_path("jobs", name, bundles.job_version(job, archive))
                bundles.enable("jobs", name, kept[name])
                for package, path in packages.items():
                    bundles.enable("packages", package, path, below=kept[name])
        if archive and archive.get("blobstore_id"):
            (bundles.BLOBS / archive["blobstore_id"]).unlink(missing_ok=True)
        bundles.keep_only("jobs", kept)
        for package, path in packages.items():
            bundles.enable("packages", package, path)
        bundles.keep_only("packages", packages)
        self._monit.reload()

    def start(self) -> str:
        """Gives monit the jobs' files, last job first, and starts them. Before this, monit knows of none."""
        spec = self.spec()
        with wrap("Configuring jobs"):
            MONIT_JOBS.mkdir(parents=True, exist_ok=True)
            for index, job in enumerate(reversed(templates(spec))):
                path = bundles.install_path(
                    "jobs", job["name"], bundles.job_version(job, spec["rendered_templates_archive"])
                )
                for file in [path / "monit", *sorted(path.glob("*.monit"))]:
                    if file.exists():
                        name = job["name"] if file.name == "monit" else f"{job['name']}_{file.stem}"
                        (MONIT_JOBS / f"{index:04d}_{name}.monitrc").write_text(file.read_text())
            self._monit.reload()
        with wrap("Starting Monitored Services"):
            for service in self._monit.services():
                self._monit.order(service["name"], "start")
        STOPPED.unlink(missing_ok=True)
        return "started"

    def stop(self, *, protocol: int) -> str:
        """Stops every job; from protocol 3 on, waits until all are."""
        with wrap("Stopping Monitored Services"):
            for service in self._monit.services():
                self._monit.order(service["name"], "stop")
            STOPPED.write_text("")
            deadline = time.monotonic() + 300
            while protocol > 2 and (
                left := [one["name"] for one in self._monit.services() if one["monitored"] or one["pending"]]
            ):
                if time.monotonic() > deadline:
                    raise AgentError(f"Timed out waiting for services '{', '.join(left)}' to stop after 5 minutes")
                time.sleep(0.5)
        return "stopped"

    def drain(self, kind: str, spec: Object | None = None) -> int:
        if kind == "status":
            raise AgentError("Unexpected call with drain type 'status'")
        if kind == "update" and spec is None:
            raise AgentError("Drain update requires new spec")
        with wrap("Unmonitoring services"):
            for service in self._monit.services():
                self._monit.order(service["name"], "unmonitor")
        self._run_all("drain", lambda job: self._drain_one(job, kind))
        return 0

    def run_script(self, name: str, options: Object) -> Object:
        self._run_all(name, lambda job: self._script(job, name, options.get("env") or {}))
        return {}

    def state(self) -> tuple[str, list[Object]]:
        services = self._monit.services()
        processes = [
            {
                "name": one["name"], "state": one["status"], "uptime": {"secs": one["uptime"]},
                "mem": {"kb": 0, "percent": 0.0}, "cpu": {"total": 0.0},
            }
            for one in services
        ]  # fmt: skip
        return job_state(services, STOPPED.exists()), processes

    # ---- scripts

    def _run_all(self, name: str, one: Any) -> None:
        """Runs a script of every job that has it, side by side, and sums up who failed."""
        jobs = [job["name"] for job in templates(self.spec()) if (VCAP / "jobs" / job["name"] / "bin" / name).exists()]
        if not jobs:
            return
        with ThreadPoolExecutor(len(jobs)) as pool:
            results = dict(zip(jobs, pool.map(one, jobs), strict=True))
        failed = [job for job in jobs if not results[job]]
        if failed:
            passed = [job for job in jobs if results[job]]
            rest = f". Successful Jobs: {', '.join(passed)}" if passed else ""
            raise AgentError(
                f"{len(failed)} of {len(jobs)} {name} scripts failed. Failed Jobs: {', '.join(failed)}{rest}."
            )

    def _script(self, job: str, name: str, env: dict[str, str]) -> bool:
        logs = VCAP / "sys" / "log" / job
        logs.mkdir(mode=0o750, parents=True, exist_ok=True)
        with (logs / f"{name}.stdout.log").open("ab") as out, (logs / f"{name}.stderr.log").open("ab") as err:
            command = [str(VCAP / "jobs" / job / "bin" / name)]
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, check=False, env={"PATH": SCRIPT_PATH, **env}
            )
        return done.returncode == 0

    def _drain_one(self, job: str, kind: str) -> bool:
        """The script's number is the seconds to wait; a negative one means to ask again after them."""
        change = ["job_shutdown" if kind == "shutdown" else "job_unchanged", "hash_unchanged"]
        while True:
            command = [str(VCAP / "jobs" / job / "bin" / "drain"), *change]
            env = {"PATH": SCRIPT_PATH, "TMPDIR": os.environ.get("TMPDIR", "/tmp")}
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=env
            )
            try:
                seconds = int(done.stdout.strip())
            except ValueError:
                return False
            time.sleep(abs(seconds))
            if seconds >= 0:
                return True
            change = ["job_check_status", "hash_unchanged"]
