"""A Director-like deployment by cpi/release/microbosh/microbosh, on the cluster that the environment names.

bosh.yml and its release are the stand-ins of tests/e2e/director; CPI, ops files, Service and script are those that
users have. With BOSH_CLI the real client is used, else the driver.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.driver.agent import Agent
from tests.e2e.life import OURS
from tests.e2e.site import Site
from tests.support.cluster.kubectl import Kubectl
from tests.support.release.tarballs import write_compiled_release

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "cpi/release/microbosh/microbosh"
STAND_IN = ROOT / "tests/e2e/director"
INTERNAL = "10.96.0.200"
PROBE = """
import base64, os, ssl, sys, urllib.request
context = ssl.create_default_context(cafile="/tmp/ca")
if os.path.getsize("/tmp/client") > 1:
    context.load_cert_chain("/tmp/client")
login = {"Authorization": "Basic " + base64.b64encode(sys.argv[2].encode()).decode()}
request = urllib.request.Request(sys.argv[1], headers=login)
try:
    print(urllib.request.urlopen(request, timeout=10, context=context).status)
except OSError as error:
    print(error)
"""


class Director:
    """A deployed Director, its state file and its variables in `folder`."""

    def __init__(self, site: Site, folder: Path, internal: str) -> None:
        self.site = site
        self.folder = folder
        self.internal = internal
        self.kubectl = Kubectl(namespace=site.namespace)
        self.file_of_state = folder / "state.json"
        self.seen: set[str] = set()

    def remember(self) -> None:
        """What there is now, for `left_over`."""
        state = self.state()
        self.seen |= {self.vm(), state["director_id"], *(disk["cid"] for disk in state["disks"])}

    def state(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.file_of_state.read_text())
        return content

    def vm(self) -> str:
        return str(self.state()["current_vm_cid"])

    def creds(self) -> dict[str, Any]:
        content: dict[str, Any] = yaml.safe_load((self.folder / "creds.yml").read_text())
        return content

    def agent(self, address: str = "", port: int = 30868) -> Agent:
        """The Director's agent as this machine reaches it, without `address` through the node port."""
        creds = self.creds()
        mbus = f"https://mbus:{creds['mbus_bootstrap_password']}@{address or self.site.node_address}:{port}"
        return Agent(mbus, creds["mbus_bootstrap_ssl"]["ca"], self.state()["director_id"])

    def info(self, address: str = "", port: int = 30555) -> dict[str, Any]:
        """What the Director tells this machine, with a certificate that is good for that address."""
        context = ssl.create_default_context(cadata=self.creds()["director_ssl"]["ca"])
        url = f"https://{address or self.site.node_address}:{port}/info"
        with urllib.request.urlopen(url, timeout=10, context=context) as response:
            answer: dict[str, Any] = json.load(response)
        return answer

    def inside(self, vm: str, script: str) -> str:
        return self.kubectl.guest(vm, script, timeout=300)

    def cpi(self, method: str, *arguments: Any, api_version: int | None = 2) -> Any:
        """A call of the CPI as the Director makes it: on its machine, without environment. The result."""
        request = {"method": method, "arguments": arguments, "context": {"director_uuid": "the-director"}}
        if api_version:
            request["api_version"] = api_version
        self._put(self.vm(), "/tmp/request", json.dumps(request))
        clean = "env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin"
        said = self.inside(self.vm(), f"{clean} /var/vcap/jobs/kubernetes_cpi/bin/cpi </tmp/request; rm /tmp/request")
        answer = json.loads(said)
        assert answer["error"] is None, f"{method}: {answer['error']}"
        return answer["result"]

    def _put(self, vm: str, path: str, text: str) -> None:
        self.inside(vm, f"umask 077; cat >{path} <<'END'\n{text}\nEND\n")

    def probe(self, vm: str, port: int, ca: str, path: str = "/info", *, client: str = "", login: str = "") -> str:
        """What comes of an HTTPS request from inside a machine to the Director's inner address: status or error."""
        self._put(vm, "/tmp/ca", ca)
        self._put(vm, "/tmp/client", client)
        asked = f"python3 - https://{self.internal}:{port}{path} '{login}' <<'END'\n{PROBE}\nEND\n"
        return self.inside(vm, f"{asked}\nrm /tmp/ca /tmp/client").strip()

    def left_over(self) -> list[str]:
        """Objects of this Director that are still in the cluster, as kind/name."""
        items = json.loads(self.kubectl.run("get", OURS, "-o", "json"))["items"]
        return [
            f"{item['kind']}/{item['metadata']['name']}"
            for item in items
            if self.seen & {item["metadata"]["name"], *(item["metadata"].get("labels") or {}).values()}
        ]


class MicroBosh(Director):
    """One that the script deploys."""

    def __init__(self, site: Site, folder: Path) -> None:
        super().__init__(site, folder, INTERNAL)
        self.cli = os.environ.get("BOSH_CLI", "")
        self.release = write_compiled_release(folder, "0+director")
        deployment = folder / "bosh-deployment"
        deployment.mkdir()
        deployment.joinpath("bosh.yml").write_text((STAND_IN / "bosh.yml").read_text())
        tool = [sys.executable, str(ROOT / "cpi/release/make_release.py"), "--version", "0+director"]
        words = ["--out", str(folder), "--folder", str(STAND_IN / "release")]
        subprocess.run([*tool, *words], check=True, capture_output=True)
        (folder / "bosh-0+director.tgz").rename(deployment / "bosh.tgz")

    def run(self, command: str, *words: str) -> str:
        """The script, as a user calls it; what it printed. AssertionError when it failed."""
        port = self.site.cpi["registry"]["pull_host"].rpartition(":")[2]
        common = ["-o", str(STAND_IN / "small.yml"), "-o", str(ROOT / "cpi/release/ops/kubernetes/storage-class.yml")]
        common += ["-v", f"mirror_port={port}", "-v", "storage_class=standard"]
        done = subprocess.run(
            [SCRIPT, command, *(common if command in ("director", "delete") else []), *words],
            env={
                **os.environ,
                "HOME": str(self.folder),
                "MICROBOSH": str(self.folder),
                "CONTEXT": self.kubectl.context,
                "NAMESPACE": self.site.namespace,
                "CPI_RELEASE": str(self.release),
                "BOSH": self.cli or str(self._driver()),
                "BOSH_DEPLOYMENT_FOLDER": str(self.folder / "bosh-deployment"),
                "STEMCELL": str(self.site.stemcells[0]),
                "INTERNAL_IP": INTERNAL,
                "EXTERNAL_IP": self.site.node_address,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"microbosh {command} failed with exit code {done.returncode}\n{done.stdout}"
        if command == "director":
            self.remember()
        return done.stdout

    def _driver(self) -> Path:
        path = self.folder / "driver"
        path.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tests.e2e.driver "$@"\n')
        path.chmod(0o755)
        return path
