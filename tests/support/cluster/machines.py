"""A machine as the tests hold it: made by the CPI, looked at through kubectl, its agent asked over its own bus."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.cluster.cpi import Cpi
from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.wait import eventually

if TYPE_CHECKING:
    from tests.support.cluster.node import Node

STORE = "/var/vcap/store"
MARKS = "/etc/kept /var/vcap/data/kept"
# A service that a job could be: it notes every start on an empty store, then writes without pause, and notes on the
# root disk what the persistent disk has taken for good.
WRITER = """#!/bin/sh
exec 2>&1
if ! mountpoint -q /var/vcap/store; then date >> /var/vcap/data/started-on-empty-store; fi
run=$(cat /proc/sys/kernel/random/uuid)
while :; do
    n=$((${n:-0} + 1)); echo "$n $run" >> /var/vcap/store/lines; sync -d /var/vcap/store/lines
    echo "$n $run" >> /var/vcap/data/taken; sleep 0.1
done
"""
UNIT = """[Unit]
Description=writer
[Service]
ExecStart=/etc/writer
Restart=always
[Install]
WantedBy=multi-user.target
"""


class AgentSilentError(AssertionError):
    """It does not run, cannot be reached, or went down before it had answered."""


@dataclass(frozen=True)
class Identity:
    """What must not change while a machine lives."""

    uid: str
    ip: str
    started: str
    restarts: int


@dataclass
class Machine:
    """One machine of a test, with the CPI that made it."""

    cid: str
    cpi: Cpi
    kubectl: Kubectl
    node: "Node"
    bus: str  # URL of the agent, with {ip} in the place of the machine's address
    disks: list[str] = field(default_factory=list)

    def resource(self) -> dict[str, Any]:
        found = self.kubectl.get("virtualmachines.cpi.bosh.io", self.cid)
        assert found is not None, f"{self.cid} does not exist"
        return found

    def events(self) -> list[dict[str, Any]]:
        """What was told about the machine."""
        words = ["get", "events", "--field-selector", f"involvedObject.name={self.cid}", "-o", "json"]
        found: list[dict[str, Any]] = json.loads(self.kubectl.run(*words))["items"]
        return found

    def status(self) -> dict[str, Any]:
        return self.resource().get("status", {})

    def word(self) -> str:
        """The word that a person sees."""
        return self.status().get("printableStatus", "")

    def disk(self, cid: str) -> dict[str, Any]:
        return next((disk for disk in self.status().get("disks", []) if disk["cid"] == cid), {})

    def pod(self) -> dict[str, Any]:
        found = self.kubectl.get("pod", self.cid)
        assert found is not None, f"Pod {self.cid} does not exist"
        return found

    def identity(self) -> Identity:
        pod = self.pod()
        container = pod["status"].get("containerStatuses", [{}])[0]
        assert "running" in container.get("state", {}), f"the container of {self.cid} does not run: {container}"
        assert pod["status"].get("podIP"), f"{self.cid} has no address yet"
        return Identity(
            uid=pod["metadata"]["uid"],
            ip=pod["status"]["podIP"],
            started=container["state"]["running"]["startedAt"],
            restarts=container["restartCount"],
        )

    def guest(self, script: str, *, check: bool = True, timeout: float = 60) -> str:
        return self.kubectl.guest(self.cid, script, check=check, timeout=timeout)

    def ctl(self, *words: str) -> dict[str, Any]:
        return self.kubectl.ctl(self.cid, *words)

    def boots(self) -> int:
        return int(self.ctl("status").get("boots", 0))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A person's hold on the machine, noticed by the operator, for the time of a `with` block."""
        self.kubectl.patch("virtualmachines.cpi.bosh.io", self.cid, {"spec": {"paused": True}})
        try:
            self.wait("Paused")
            yield
        finally:
            self.kubectl.patch("virtualmachines.cpi.bosh.io", self.cid, {"spec": {"paused": False}})

    def wait(self, word: str, *, within: float = 90) -> None:
        eventually(lambda: self.word() == word, within=within, what=f"{self.cid} is {word}, now {self.word()}")

    def wait_booted(self, boots: int, *, within: float = 90) -> None:
        """The guest runs, in its `boots`-th boot or a later one."""

        def running() -> bool:
            answer = self.ctl("status")
            return answer.get("state") == "running" and answer.get("boots", 0) >= boots and bool(answer.get("guest"))

        eventually(running, within=within, what=f"boot {boots} of {self.cid}")

    def agent(self, method: str, *arguments: Any) -> Any:
        """What the agent answers over its bus; a task is followed to its end. AssertionError when the agent refuses."""
        value = self._ask(method, list(arguments))
        if isinstance(value, dict) and value.get("agent_task_id"):
            task = value["agent_task_id"]
            return eventually(
                lambda: self._finished(task), within=120, what=f"the agent's task {method} on {self.cid}", every=0.5
            )[0]
        return value

    def _finished(self, task: str) -> list[Any] | None:
        value = self._ask("get_task", [task])
        return None if isinstance(value, dict) and value.get("state") == "running" else [value]

    def _ask(self, method: str, arguments: list[Any]) -> Any:
        body = json.dumps({"method": method, "arguments": arguments, "reply_to": "tests"})
        url = self.bus.format(ip=self.pod()["status"].get("podIP"))
        said = self.node.sh(f"curl -sk -m 20 {shlex.quote(url)} -d {shlex.quote(body)}", check=False)
        if not said:
            raise AgentSilentError(f"the agent of {self.cid} does not answer")
        answer = json.loads(said)
        if "exception" in answer:
            raise RuntimeError(f"agent of {self.cid}: {method}: {answer['exception']['message']}")
        return answer.get("value")

    def wait_agent(self, *, within: float = 90, every: float = 0.3) -> None:
        what = f"the agent of {self.cid} answers"
        eventually(lambda: self._ask("ping", []) == "pong", within=within, what=what, every=every)

    def plug(self, size: int = 64, **cloud_properties: Any) -> str:
        """A new disk (MiB), attached and not yet mounted; its CID."""
        disk = self.cpi("create_disk", size, cloud_properties, self.cid)
        self.disks.append(disk)
        self.cpi("attach_disk", self.cid, disk)
        return disk

    def mount(self, disk: str) -> None:
        """What a Director does after attach_disk: the agent learns the hint and mounts the disk on the store."""
        self.agent("add_persistent_disk", disk, {"path": f"/warden-cpi-dev/{disk}"})
        self.agent("mount_disk", disk)

    def unplug(self, disk: str) -> None:
        """What a Director does around detach_disk: the agent unmounts the disk first, and forgets it."""
        self.agent("unmount_disk", disk)
        self.agent("remove_persistent_disk", disk)
        self.cpi("detach_disk", self.cid, disk)

    def start_writer(self) -> None:
        """A service, started at every boot, that appends numbered lines to the store."""
        script = f"""
            printf %s {shlex.quote(WRITER)} > /etc/writer; chmod 755 /etc/writer
            if [ -d /run/systemd/system ]; then
                printf %s {shlex.quote(UNIT)} > /etc/systemd/system/writer.service
                systemctl daemon-reload; systemctl enable --now writer
            else
                mkdir -p /etc/sv/writer; cp /etc/writer /etc/sv/writer/run; ln -sfn /etc/sv/writer /etc/service/writer
            fi"""
        self.guest(script)
        eventually(lambda: self.lines() > 2, within=30, what=f"the writer on {self.cid} writes")

    def stop_writer(self) -> None:
        """Nothing holds the store any more."""
        self.guest("if [ -d /run/systemd/system ]; then systemctl stop writer; else sv -w 20 stop writer; fi")

    def occupy(self, storage_class: str) -> None:
        """A disk of that class on its store, a job that writes there from every boot on, and marks on its root."""
        self.wait_agent()
        self.mount(self.plug(storage_class=storage_class))
        self.start_writer()
        self.leave_marks()

    def leave_marks(self) -> None:
        """A file in the overlay and one in the data directory, which `assert_marks` looks for."""
        self.guest(f"for f in {MARKS}; do echo kept > $f; done; sync")

    def assert_marks(self) -> None:
        assert self.guest(f"cat {MARKS}").split() == ["kept", "kept"]

    def lines(self) -> int:
        return int(self.guest(f"wc -l < {STORE}/lines", check=False).strip() or 0)

    def assert_lines_whole(self) -> None:
        """Within each run of the writer the lines count up from 1, and all that the disk had taken are there."""
        self.assert_lines_in_order(STORE)
        # the list first, so that lines that come meanwhile are none of those looked for
        lost = self.guest(f"cp /var/vcap/data/taken /tmp/taken; grep -vxFf {STORE}/lines /tmp/taken; test $? -le 1")
        assert lost == "", f"{self.cid}: lines that the disk had taken are lost:\n{lost}"

    def assert_lines_in_order(self, folder: str) -> None:
        """The first half of that, also for a disk with another machine's lines."""
        gaps = self.guest(f"awk '$1 != last + 1 && $1 != 1 {{print NR\": \"$0}} {{last = $1}}' {folder}/lines")
        assert gaps == "", f"{self.cid}: lines missing or torn in {folder}/lines:\n{gaps}"

    def assert_whole(self, lines: int) -> None:
        """Root disk, disk and job are as they were; the job, which had written so many lines, never ran without it."""
        self.assert_marks()
        assert self.guest(f"mountpoint -q {STORE} && echo mounted").strip() == "mounted"
        eventually(lambda: self.lines() > lines, within=60, what="the job writes again")
        self.assert_lines_whole()
        self.assert_never_on_empty_store()
        assert self.cpi("get_disks", self.cid) == self.disks
        assert self.cpi("has_vm", self.cid) is True

    def assert_never_on_empty_store(self) -> None:
        noted = self.guest("cat /var/vcap/data/started-on-empty-store 2>/dev/null || true")
        assert noted == "", f"{self.cid}: the writer started without its disk: {noted}"
