"""create-env lives against a scripted CPI and a scripted agent: what a client sends, in which order, in which form.

`BOSH_CLI=… python -m tests.unit.e2e.scripted_life > tests/unit/e2e/recorded.json` writes down the real client's; the
tests compare the driver's with it, text by text.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.client import Client, ClientError
from tests.support.cluster.certificates import Certificates
from tests.unit.e2e.scripted_agent import ScriptedAgent, serving

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
NORMAL = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", "TIME"),
    (r'"/[^"]*/image"', '"IMAGE"'),
    (r'"sha1":"sha256:[0-9a-f]{64}"', '"sha1":"sha256:DIGEST"'),
    (r'"[0-9a-f]{64}"', '"FINGERPRINT"'),
    (r'"[0-9a-f]{40}"', '"SHA1"'),
    (r"PUT /blobs/[0-9a-f]{2}/", "PUT /blobs/XX/"),
    (r"-----BEGIN[^\"]*", "PEM"),
]


class ScriptedLife:
    """One environment of the scripted CPI in `folder`, its requests and messages since they were last taken."""

    def __init__(
        self, folder: Path, client: Client, agent: ScriptedAgent, certificates: Certificates, port: int
    ) -> None:
        self.folder, self.client, self.agent = folder, client, agent
        self.log = folder / "requests"
        self.log.touch()
        self._read = 0
        self.state_file = folder / "state.json"
        self.manifest = folder / "manifest.yml"
        self.wishes: dict[str, Any] = {"disk_size": 1024, "word": "hush", "stemcell": "1"}
        self._certificates, self._port = certificates, port
        tool = [sys.executable, str(ROOT / "cpi/release/make_release.py"), "--version", "1", "--out", str(folder)]
        subprocess.run([*tool, "--folder", str(HERE / "scripted")], check=True, capture_output=True)
        for version in ("1", "2"):
            stemcell(folder / f"stemcell-{version}.tgz", version)

    def run(self, command: str, *words: str, **wishes: Any) -> str:
        self.wishes.update(wishes)
        self.manifest.write_text(yaml.safe_dump(self._manifest(), sort_keys=False))
        return self.client.run(command, self.manifest, self.state_file, *words)

    def fail(self, method: str, type: str = "Bosh::Clouds::CloudError") -> None:
        """Let the next call of a method fail."""
        Path(f"{self.log}.fail").write_text(json.dumps({"method": method, "type": type}))

    def requests(self) -> list[str]:
        """Requests to the CPI since the last time, what differs from run to run made equal."""
        lines = [normal(line) for line in self.log.read_text().splitlines()]
        new, self._read = lines[self._read :], len(lines)
        return new

    def calls(self) -> list[str]:
        """Methods of the requests since the last time, `info` left out."""
        return [method for line in self.requests() if (method := json.loads(line)["method"]) != "info"]

    def messages(self) -> list[str]:
        """Messages to the agent since the last time, with sorted keys; repeated ones, of a poll, once."""
        found = [normal(line) for line in self.agent.messages]
        self.agent.messages.clear()
        return [line for number, line in enumerate(found) if number == 0 or line != found[number - 1]]

    def state(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.state_file.read_text())
        return content

    def _manifest(self) -> dict[str, Any]:
        certificate = self._certificates.settings()
        release = f"file://{self.folder}/scripted-1.tgz"
        bus = f"https://mbus:secret@127.0.0.1:{self._port}"
        return {
            "name": "lives",
            "tags": {"team": "a & b", "a": "<c>"},
            "releases": [{"name": "scripted", "url": release}],
            "networks": [
                {
                    "name": "default",
                    "type": "manual",
                    "subnets": [{"range": "127.0.0.0/24", "gateway": "127.0.0.254", "dns": ["127.0.0.53"]}],
                }
            ],
            "resource_pools": [
                {
                    "name": "machines",
                    "network": "default",
                    "stemcell": {"url": f"file://{self.folder}/stemcell-{self.wishes['stemcell']}.tgz"},
                    "cloud_properties": {"static_ip": {"ports": [6868]}, "memory": 512},
                    "env": {"bosh": {"mbus": {"cert": certificate}}},
                }
            ],
            "disk_pools": [{"name": "disks", "disk_size": self.wishes["disk_size"]}],
            "instance_groups": [
                {
                    "name": "heart",
                    "instances": 1,
                    "resource_pool": "machines",
                    "persistent_disk_pool": "disks",
                    "networks": [{"name": "default", "static_ips": ["127.0.0.1"]}],
                    "jobs": [{"name": "quiet", "release": "scripted", "properties": {"word": self.wishes["word"]}}],
                }
            ],
            "cloud_provider": {
                "template": {"name": "scripted_cpi", "release": "scripted"},
                "mbus": bus,
                "cert": certificate,
                "properties": {"log": str(self.log), "python": sys.executable},
            },
        }


def normal(text: str) -> str:
    """`text` without what differs between two runs."""
    for pattern, replacement in NORMAL:
        text = re.sub(pattern, replacement, text)
    return text


def stemcell(path: Path, version: str) -> None:
    """A stemcell tarball with an empty image."""
    manifest = {
        "name": "scripted-stemcell",
        "version": version,
        "api_version": 3,
        "cloud_properties": {"name": "scripted-stemcell", "root_device_name": "/dev/sda1"},
    }
    with tarfile.open(path, "w:gz") as tar:
        for name, content in {"stemcell.MF": yaml.safe_dump(manifest).encode(), "image": b""}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


@contextmanager
def scripted_life(folder: Path, client: Client) -> Iterator[ScriptedLife]:
    certificates = Certificates.make("127.0.0.1")
    agent = ScriptedAgent("mbus", "secret")
    with serving(agent, certificates) as port:
        yield ScriptedLife(folder, client, agent, certificates, port)


def whole_life(life: ScriptedLife) -> dict[str, Any]:
    """Every scenario once: for each the requests, the messages, and the state file's text."""
    record: dict[str, Any] = {}

    def note(name: str) -> None:
        state = normal(life.state_file.read_text()) if life.state_file.exists() else ""
        state = re.sub(r'"current_manifest_sha": "\w+"', '"current_manifest_sha": "SHA"', state)
        record[name] = {"requests": life.requests(), "messages": life.messages(), "state": state.splitlines()}

    def failing(method: str, command: str) -> None:
        life.fail(method)
        try:
            life.run(command)
        except ClientError:
            return
        raise AssertionError(f"{command} succeeded though {method} failed")

    life.run("create-env")
    note("first create")
    life.run("create-env")
    note("unchanged")
    life.run("create-env", word="shout")
    note("changed property")
    life.run("create-env", disk_size=2048)
    note("bigger disk")
    life.run("create-env", stemcell="2")
    note("new stemcell")
    life.wishes["disk_size"] = 4096
    failing("attach_disk", "create-env")
    note("attach_disk of the current disk fails")
    life.run("create-env")
    note("run again")
    life.wishes["word"] = "again"
    failing("create_vm", "create-env")
    note("create_vm fails")
    life.run("create-env")
    note("run again after create_vm")
    failing("delete_disk", "delete-env")
    note("delete_disk fails")
    life.run("delete-env")
    note("delete")
    life.run("delete-env")
    note("delete again")
    return record


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        home.mkdir()
        with scripted_life(folder, Client(home)) as life:
            print(json.dumps(whole_life(life), indent=1))


if __name__ == "__main__":
    main()
