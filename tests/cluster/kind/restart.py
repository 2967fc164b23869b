"""A node's container restarted as a machine restarts, or without power for a while."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from . import say
from .create import Cluster
from .engine import Engine
from .errors import ClusterError, CommandError

RESTART_SECONDS = 120
READY_SECONDS = 180
FREEZER = Path("/sys/fs/cgroup/freezer")


def restart_node(engine: Engine, cluster: Cluster, node: str) -> None:
    """Restart one node and wait until its kubelet reports itself again and it is Ready. Raises ClusterError."""
    began = datetime.now(timezone.utc)
    with say.step(f"restart {node}"):
        _docker(engine, node, "restart", "-t", "10")
    _ready_again(cluster, node, began)


def stop_node(engine: Engine, node: str) -> None:
    """Cut a node's power: all its processes and mounts are gone at once. Raises ClusterError."""
    with say.step(f"cut the power of {node}"):
        _docker(engine, node, "kill")


def start_node(engine: Engine, cluster: Cluster, node: str) -> None:
    """Start one that was stopped and wait until it is Ready. Raises ClusterError."""
    began = datetime.now(timezone.utc)
    with say.step(f"start {node}"):
        _docker(engine, node, "start")
    _ready_again(cluster, node, began)


def _ready_again(cluster: Cluster, node: str, began: datetime) -> None:
    with say.step(f"{node} is Ready again"):
        _wait(lambda: _reported_since(cluster, node, began), READY_SECONDS, f"{node} was not Ready")


def _docker(engine: Engine, node: str, *words: str) -> None:
    """`docker restart` and the like: on cgroup v1 they hang while a process below the node is frozen; it is thawed."""
    container = engine.run("inspect", "-f", "{{.Id}}", node).strip()
    command = [str(engine.docker), *words, node]
    process = subprocess.Popen(
        command, env={**os.environ, **engine.env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    deadline = time.monotonic() + RESTART_SECONDS
    try:
        while process.poll() is None:
            for frozen in thaw(container):
                say.line(f"thawed {frozen}, which held the restart of {node}")
            if time.monotonic() > deadline:
                raise ClusterError(f"docker {words[0]} {node} did not end within {RESTART_SECONDS} s")
            time.sleep(0.5)
    finally:
        if process.poll() is None:
            process.kill()
        output = process.communicate()[0]
    if process.returncode != 0:
        raise ClusterError(f"docker {words[0]} {node}: {output.strip()}")


def thaw(container: str) -> list[Path]:
    """Thaw what is frozen below a container's v1 freezer cgroup (a `runc init` that its parent left there)."""
    thawed = []
    # os.walk and not rglob: groups go away while they are listed, and rglob raises on the first
    for directory, _, _ in os.walk(FREEZER):
        if container not in Path(directory).parts:
            continue
        state = Path(directory, "freezer.state")
        try:
            if state.read_text().strip() == "FROZEN":
                state.write_text("THAWED")
                thawed.append(state.parent)
        except OSError:
            continue  # it went away between listing and reading
    return thawed


def _reported_since(cluster: Cluster, node: str, began: datetime) -> bool:
    """Ready, and the kubelet's Lease is younger than the restart (a Node's condition stays for a while)."""
    try:
        lease = json.loads(cluster.kubectl("get", "lease", node, "-n", "kube-node-lease", "-o", "json"))
        renewed = datetime.fromisoformat(lease["spec"]["renewTime"].replace("Z", "+00:00"))
        return renewed > began and cluster.nodes().get(node, False)
    except CommandError:
        return False


def _wait(condition: Callable[[], bool], seconds: int, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ClusterError(f"{what} within {seconds} s")
        time.sleep(0.5)
