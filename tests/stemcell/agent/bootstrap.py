"""What the agent does to the machine before it listens: the real agent's steps, order and privileges.

Any failure ends the agent; its supervisor starts it again (agent/bootstrap.go, platform/linux_platform.go).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

from . import network
from .disks import Disks
from .errors import AgentError, wrap
from .mounts import Mounter, is_mounted, source_at
from .services import Services, link
from .settings import BOSH, Object, Store, bosh_env, ntp
from .shell import Run, run

VCAP = Path("/var/vcap")
DATA = VCAP / "data"
HOSTS = """127.0.0.1 {name} localhost

::1 {name} localhost ip6-localhost ip6-loopback
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
"""


class Bootstrap:
    def __init__(
        self, store: Store, options: Object, mounter: Mounter, disks: Disks, services: Services, run: Run = run
    ) -> None:
        self._store = store
        self._options = options
        self._mounter = mounter
        self._disks = disks
        self._services = services
        self._run = run

    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        return [
            ("Setting up runtime configuration", lambda: self._do("bosh-agent-rc")),
            ("Setting up ssh: Getting iaas public key", self._settings_exist),
            ("Fetching settings", lambda: void(self._store.load())),
            ("Adding env-configured ssh keys", self._authorized_keys),
            ("Settings user password", self._passwords),
            ("Setting up IPv6", self._refuse_unknown_env),
            ("Setting up hostname", self._hostname),
            ("Setting up networking", self._networking),
            ("Setting up ephemeral disk", lambda: DATA.mkdir(mode=0o750, parents=True, exist_ok=True)),
            ("Setting up Shared Memory", self._shared_memory),
            ("Setting up log dir", self._log_dir),
            ("Setting up opt dir", self._opt_dirs),
            ("Setting up NTP servers", self._ntp),
            (
                "Starting up logging and auditing utilities",
                lambda: self._do("/var/vcap/bosh/bin/bosh-start-logging-and-auditing"),
            ),
            ("Setting up data dir", self._data_dir),
            ("Setting up tmp dir", self._tmp_dir),
            ("Setting up home dir", self._home_dir),
            ("Setting up blobs dir", lambda: self._folder(DATA / "blobs", 0o700)),
            ("Disks", self._disks.restore),
            ("Cannot create directories for jobs", self._job_dirs),
            ("Setting up monit user", self._monit_user),
            ("Starting monit", self._services.start_monit),
        ]

    def run(self) -> None:
        """Takes every step.

        Raises:
            AgentError: "<step>: <cause>" of the first that failed.
        """
        for name, step in self.steps():
            with wrap(name):
                step()

    # ---- the steps

    def _settings_exist(self) -> None:
        # A cached copy does not help: the real agent looks for the source's file before anything else.
        if not self._store.source.exists():
            raise AgentError(f"File for settings source does not exist: '{self._store.source}'")

    def _authorized_keys(self) -> None:
        keys = bosh_env(self._store.settings).get("authorized_keys")
        if keys:
            path = Path("/home/vcap/.ssh/authorized_keys")
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_text("\n".join(keys))
            path.chmod(0o600)
            self._do("chown", "-R", "vcap:vcap", str(path.parent))

    def _passwords(self) -> None:
        env = bosh_env(self._store.settings)
        users = ["vcap"] if env.get("keep_root_password") else ["root", "vcap"]
        for user in users:
            self._do("usermod", "-p", env.get("password") or "*", user)

    def _refuse_unknown_env(self) -> None:
        env = bosh_env(self._store.settings)
        if (env.get("ipv6") or {}).get("enable"):
            raise AgentError("there is no grub configuration")
        if ((env.get("agent") or {}).get("settings") or {}).get("tmpfs") or (env.get("job_dir") or {}).get("tmpfs"):
            raise AgentError(
                "the stand-in agent knows neither env.bosh.agent.settings.tmpfs nor env.bosh.job_dir.tmpfs"
            )

    def _hostname(self) -> None:
        state = BOSH / "agent_state.json"
        if state.exists() and json.loads(state.read_text())["Linux"]["hosts_configured"]:
            return
        name = self._store.settings["agent_id"]
        with wrap("Setting hostname"):
            self._do("hostname", name)
        Path("/etc/hostname").write_text(name)
        Path("/etc/hosts").write_text(HOSTS.format(name=name))
        state.write_text('{"Linux":{"hosts_configured":true}}')

    def _networking(self) -> None:
        network.set_up(self._store.settings.get("networks") or {}, self._options.get("ServiceManager") or "", self._run)

    def _shared_memory(self) -> None:
        for path in ("/dev/shm", "/run/shm"):
            if source_at(self._mounter.table(), path) is not None:
                self._mounter.remount_in_place(path, "noexec", "nodev", "nosuid")

    def _log_dir(self) -> None:
        log = DATA / "root_log"
        self._folder(log, 0o771, "root:syslog")
        self._folder(log / "audit", 0o750, "root:root")
        self._folder(log / "sysstat", 0o755, "root:root")
        for name, mode in (("btmp", "0600"), ("wtmp", "0664"), ("lastlog", "0664")):
            self._do("touch", f"{log}/{name}")
            self._do("chown", "root:utmp", f"{log}/{name}")
            self._do("chmod", mode, f"{log}/{name}")
        self._bind_over(log, "/var/log", "nodev", "nosuid", "noexec")

    def _opt_dirs(self) -> None:
        for source, target in ((DATA / "root_var_opt", "/var/opt"), (DATA / "root_opt", "/opt")):
            self._folder(source, 0o755, "root:root")
            self._bind_over(source, target, "nodev")

    def _ntp(self) -> None:
        servers = ntp(self._store.settings)
        if servers:
            (BOSH / "etc" / "ntpserver").write_text(" ".join(servers))
            try:
                self._run("sync-time")
            except AgentError as failure:
                print(f"Ignoring: {failure}", flush=True)

    def _data_dir(self) -> None:
        system = DATA / "sys"
        for path, mode in (
            (system, 0o750),
            (system / "log", 0o750),
            (DATA / "jobs", 0o750),
            (DATA / "packages", 0o755),
        ):
            self._folder(path, mode)
        self._folder(DATA / "sensitive_blobs", 0o700)
        run_dir = system / "run"
        if source_at(self._mounter.table(), str(run_dir)) is None:
            run_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
            size = (bosh_env(self._store.settings).get("run_dir") or {}).get("tmpfs_size") or "16m"
            self._mounter.tmpfs(str(run_dir), size)
            self._do("chown", "root:vcap", str(run_dir))
        link(system, VCAP / "sys")

    def _tmp_dir(self) -> None:
        tmp = DATA / "tmp"
        tmp.mkdir(mode=0o755, parents=True, exist_ok=True)
        os.environ["TMPDIR"] = str(tmp)
        for path in ("/tmp", "/var/tmp"):
            self._do("chown", "root:vcap", path)
            self._do("chmod", "1777", path)
        if not self._options.get("UseDefaultTmpDir"):
            raise AgentError("the stand-in agent knows UseDefaultTmpDir only")

    def _home_dir(self) -> None:
        if not is_mounted(self._mounter.table(), "/home"):
            self._mounter.mount("/home", "/home", "bind")
            self._mounter.remount_in_place("/home", "nodev", "nosuid")

    def _job_dirs(self) -> None:
        spec = BOSH / "spec.json"
        jobs = (json.loads(spec.read_text()).get("job") or {}).get("templates") or [] if spec.exists() else []
        for job in jobs:
            job_dirs(job["name"], self._run)

    def _monit_user(self) -> None:
        user = VCAP / "monit" / "monit.user"
        user.parent.mkdir(parents=True, exist_ok=True)
        user.write_text("vcap:random-password")

    # ---- small things

    def _do(self, *command: str) -> None:
        self._run(*command)

    def _folder(self, path: Path, mode: int, owner: str = "root:vcap") -> None:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        self._do("chown", owner, str(path))

    def _bind_over(self, source: Path, target: str, *options: str) -> None:
        if not is_mounted(self._mounter.table(), target):
            with wrap(f"Bind mounting {source} dir over {target}"):
                self._mounter.mount(str(source), target, "bind")
        self._mounter.remount_in_place(target, *options)


def job_dirs(job: str, run: Run = run) -> None:
    """Log, run and data directories of a job, for group vcap."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", job):
        raise AgentError(f"'{job}' is no job name")
    for path in (DATA / "sys" / "log" / job, DATA / "sys" / "run" / job, DATA / job):
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(0o770)
            run("chown", "root:vcap", str(path))


def void(_value: object) -> None:
    return None
