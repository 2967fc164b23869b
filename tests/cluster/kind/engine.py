"""The container engine: the user's own where one answers, else a dockerd of ours, all below the cache folder."""

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import cache, debian, machine, programs, say
from .errors import ClusterError
from .run import run, works

ASSETS = Path(__file__).with_name("assets")
START_SECONDS = 60
STOP_SECONDS = 60


@dataclass(frozen=True)
class Engine:
    """A container engine that answers: the client, where it listens ("": the client's default), whose it is."""

    docker: Path
    host: str
    ours: bool

    @property
    def env(self) -> dict[str, str]:
        """Environment of programs that talk to it. Ours has no BuildKit, so the classic builder is named."""
        return {"DOCKER_HOST": self.host, "DOCKER_BUILDKIT": "0"} if self.ours else {}

    def run(self, *arguments: str | Path, timeout: float | None = None) -> str:
        """Run a docker command. Raises CommandError."""
        return run([self.docker, *arguments], env=self.env, timeout=timeout)

    def image_id(self, name: str) -> str:
        """Id of an image that the engine holds, else ""."""
        if not works([self.docker, "image", "inspect", name], env=self.env):
            return ""
        return self.run("image", "inspect", "-f", "{{.Id}}", name).strip()


def folder() -> Path:
    """Folder of our own engine."""
    return cache.root() / "engine"


def _own_host() -> str:
    return f"unix://{folder()}/docker.sock"


def daemon_config(base: Path, *, sys_resource: bool) -> dict[str, object]:
    """Configuration of our dockerd, all of it below `base`."""
    config: dict[str, object] = {
        "hosts": [f"unix://{base}/docker.sock"],
        "data-root": f"{base}/data",
        "exec-root": f"{base}/exec",
        "pidfile": f"{base}/docker.pid",
        "storage-driver": "overlay2",
    }
    if not sys_resource:
        config["oom-score-adjust"] = 0
        config["default-runtime"] = "runc-without-sys-resource"
        config["runtimes"] = {"runc-without-sys-resource": {"path": f"{base}/runc-without-sys-resource"}}
    return config


def running() -> Engine | None:
    """The engine that would be used and answers now: the user's own first, then ours. Starts nothing."""
    client = programs.on_path("docker")
    if client is None:
        return None
    if works([client, "info"], timeout=20):
        host = os.environ.get("DOCKER_HOST", "")
        return Engine(client, host, ours=host == _own_host())  # `cluster.py env` sets it to ours
    return _ours(client)


def _ours(client: Path) -> Engine | None:
    host = _own_host()
    if pid() is None or not works([client, "info"], env={"DOCKER_HOST": host}, timeout=20):
        return None
    return Engine(client, host, ours=True)


def pid() -> int | None:
    """Process id of our dockerd, if it runs (a process of another name under that number is not ours)."""
    try:
        number = int((folder() / "docker.pid").read_text())
        name = Path(f"/proc/{number}/comm").read_text().strip()
    except (OSError, ValueError):
        return None
    return number if name == "dockerd" else None


def ensure() -> Engine:
    """The engine, started (and installed) where none answers. Raises ClusterError."""
    found = running()
    if found is not None:
        return found
    if os.geteuid() != 0:
        raise ClusterError(
            "no container engine answers, and an engine can be started by root only: start docker, or use sudo"
        )
    if shutil.which("dockerd") is None:
        debian.install(["docker.io"], "no container engine is there", ask=True)
    client = programs.on_path("docker")
    if client is None:
        raise ClusterError("there is no docker client on the PATH that can be used: `apt-get install docker.io`")
    with say.step("start a container engine of our own"):
        return _start(client)


def _start(client: Path) -> Engine:
    base = folder()
    base.mkdir(parents=True, exist_ok=True)
    runtime = base / "runc-without-sys-resource"
    shutil.copy(ASSETS / "runc-without-sys-resource.py", runtime)
    config = base / "daemon.json"
    config.write_text(json.dumps(daemon_config(base, sys_resource=machine.has_sys_resource()), indent=1))
    (base / "docker.pid").unlink(missing_ok=True)
    log = base / "dockerd.log"
    with log.open("a") as output:
        process = subprocess.Popen(
            ["dockerd", "--config-file", str(config)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found := _ours(client):
            return found
        time.sleep(0.2)
    last = "\n".join(log.read_text().splitlines()[-15:])
    raise ClusterError(f"dockerd did not come up within {START_SECONDS} s; the end of {log}:\n{last}")


def stop() -> None:
    """Stop our own engine by its process id; nothing to do when it does not run. Raises ClusterError."""
    number = pid()
    if number is None:
        return
    with say.step("stop the container engine"):
        os.kill(number, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while pid() is not None:
            if time.monotonic() > deadline:
                raise ClusterError(f"dockerd (process {number}) did not end within {STOP_SECONDS} s")
            time.sleep(0.2)
    for place in mounted_below(folder(), Path("/proc/self/mountinfo").read_text()):
        run(["umount", "--lazy", place])  # dockerd leaves its network namespace, and with it nothing can be removed


def mounted_below(base: Path, mountinfo: str) -> list[str]:
    """Places below `base` where something is mounted, the innermost first; `mountinfo` as in proc(5)."""
    places = {line.split()[4] for line in mountinfo.splitlines()}
    return sorted((place for place in places if place.startswith(f"{base}/")), reverse=True)
