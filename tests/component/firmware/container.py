"""A machine without a kubelet: the firmware's process 1 in namespaces of this host, which lends its root file system as
the stemcell. It needs root. Its init is a script that keeps running; disks, networks and the agent are not there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from bosh_kubernetes_api.settings import credentials, settings
from tests.support.cluster.wait import eventually

FIRMWARE = Path(__file__).parents[3] / "operator/src/bosh_kubernetes_operator/firmware"
MIB = 1 << 20
SECONDS = 60
RUNIT = "trap 'exit 0' TERM; while :; do sleep 1000 & wait $!; done"


class Container:
    """The firmware runs under `shell`, dash or busybox.

    Its root disk has `size` MiB, and so many `inodes` if given: `root` is "claim" (a file system that the kubelet
    mounts) or "image" (the firmware's own). `manager` is what agent.json says, `init` the script that is its init.
    """

    def __init__(
        self, folder: Path, *, shell: str = "dash", root: str = "claim", size: int = 48, inodes: int = 0,
        manager: str = "runit", init: str = RUNIT, off_timeout: int = 20,
    ) -> None:  # fmt: skip
        self.shell, self.console = shell, folder / "console"
        self.process: subprocess.Popen[bytes] | None = None
        self.environment = {
            "PATH": os.environ["PATH"], "FW": str(FIRMWARE), "VOL": str(folder / "volume"),
            "DISKS": str(folder / "disks"), "SETTINGS": str(folder / "settings"), "CGROUPS": "/none",
            "OFF_TIMEOUT": str(off_timeout),
        }  # fmt: skip
        self.disks = folder / "disks"
        for name in ("volume", "disks"):
            (folder / name).mkdir()
        public = settings(agent_id="a-1", vm_cid="vm-1", networks={}, ntp=[])
        self._write(folder / "settings/settings.json", json.dumps(public), 0o400)
        hidden = credentials(mbus="https://0.0.0.0", blobstore={}, env={"bosh": {}})
        self._write(folder / "settings/credentials/credentials.json", json.dumps(hidden), 0o400)
        upper = folder / "seed/upper"
        program = upper / ("usr/lib/systemd/systemd" if manager == "systemd" else "usr/sbin/runsvdir-start")
        self._write(program, f"#!/bin/sh\n{init}\n", 0o755)
        self._write(upper / "var/vcap/bosh/agent.json", json.dumps({"ServiceManager": manager}), 0o644)
        if root == "image":
            image = folder / "volume/root.img"
            self.environment["ROOT_SIZE"] = str(8 * MIB)
        else:
            image = folder / "claim.img"
            self.environment["CLAIM"] = str(image)
        image.touch()
        os.truncate(image, size * MIB)
        words = ["-N", str(inodes)] if inodes else []
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", *words, "-d", folder / "seed", image], check=True)

    @staticmethod
    def _write(path: Path, text: str, mode: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    # ---- the container

    def on(self) -> None:
        words = ["unshare", "--mount", "--uts", "--pid", "--net", "--fork", "--kill-child"]
        words += [str(Path(__file__).with_name("container.sh")), self.shell]
        with self.console.open("ab") as console:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=self.environment
            )

    def kill(self) -> None:
        """SIGKILL to process 1, as the kubelet does in the end."""
        if self.process:
            if self.process.poll() is None:
                os.kill(self.firmware, signal.SIGKILL)
            self.process.wait(SECONDS)
            self.process = None

    @property
    def firmware(self) -> int:
        """Process 1, seen from here."""
        assert self.process
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")

        def look() -> list[str]:
            if self.process is None or self.process.poll() is not None:
                raise OSError(f"process 1 has ended: {self.log()}")
            return children.read_text().split()

        return int(eventually(look, within=SECONDS, what="process 1", every=0.05)[0])

    def exec(self, *words: str) -> tuple[int, str]:
        """Exit code and output of a command in the container, as pods/exec gives them."""
        enter = ["nsenter", "-t", str(self.firmware), "-m", "-u", "-p", "-n", "-r", "-w"]
        done = subprocess.run(
            [*enter, *words], capture_output=True, text=True, check=False, env=self.environment, timeout=SECONDS,
        )  # fmt: skip
        return done.returncode, done.stdout

    def sh(self, script: str) -> str:
        code, out = self.exec("/bin/sh", "-c", script)
        assert code == 0, out
        return out

    def log(self) -> str:
        return self.console.read_text()

    # ---- the machine

    def ctl(self, *words: str) -> tuple[int, dict[str, Any]]:
        code, out = self.exec("/bin/sh", str(FIRMWARE / "ctl"), *words)
        return code, json.loads(out)

    def guest(self, script: str) -> str:
        code, out = self.exec("/bin/sh", str(FIRMWARE / "enter"), "/bin/sh", "-c", script)
        assert code == 0, out
        return out

    def plug(self, disk: str) -> None:
        """A small file system appears where attachments do."""
        self.sh(f"mkdir {self.disks}/{disk}; mount -t tmpfs -o size=1m {disk} {self.disks}/{disk}")

    def wait(self, state: str, **fields: Any) -> dict[str, Any]:
        """Until `ctl status` says this; a running machine also has a guest."""

        def reached() -> dict[str, Any]:
            _, seen = self.ctl("status")
            assert seen.get("state") == state, seen
            assert state != "running" or seen["guest"], seen
            assert all(seen[key] == value for key, value in fields.items()), seen
            return seen

        try:
            return eventually(reached, within=SECONDS, what=f"{state} {fields or ''}", every=0.05)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None
