"""One environment through its life: what changes is written into the manifest, and the client deploys it."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.client import Client
from tests.e2e.driver.agent import Agent
from tests.e2e.site import Site
from tests.support.cluster.certificates import Certificates
from tests.support.cluster.kubectl import Kubectl
from tests.support.release.tarballs import write_compiled_release

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = Path(__file__).with_name("manifest.yml")
OURS = "virtualmachines.cpi.bosh.io,stemcells.cpi.bosh.io,pods,persistentvolumeclaims,configmaps,secrets,services"
BEAT = "/var/vcap/store/heartbeat"


@dataclass
class Wishes:
    """What a life varies between two runs of create-env."""

    stemcell: Path
    disk_size: int = 128
    word: str = "beat"


class Life:
    """An environment and its files in `folder`."""

    def __init__(self, site: Site, folder: Path, client: Client | None = None) -> None:
        self.site = site
        self.folder = folder
        self.client = client or Client(folder / "home")
        self.client.home.mkdir()
        self.manifest = folder / "manifest.yml"
        self.state_file = folder / "state.json"
        self.wishes = Wishes(site.stemcells[0])
        self.kubectl = Kubectl(namespace=site.namespace)
        self.password = secrets.token_hex(8)
        self.certificate = Certificates.make(site.address).settings()
        self.releases = build_releases(folder)
        self.seen: set[str] = set()
        self.uids: set[str] = set()
        """Of every machine that there was: the names of their directories on the node."""

    def create(self, **wishes: Any) -> str:
        """create-env with the changed wishes; what the client printed."""
        for name, value in wishes.items():
            setattr(self.wishes, name, value)
        self.manifest.write_text(yaml.safe_dump(self._manifest(), sort_keys=False))
        printed = self.client.run("create-env", self.manifest, self.state_file)
        stemcells = [one["cid"] for one in self.state()["stemcells"]]
        self.seen |= {self.vm(), *self.disks(), *stemcells, self.state()["director_id"]}
        self.uids.add(self.machine()["metadata"]["uid"])
        return printed

    def delete(self) -> str:
        """delete-env; what the client printed."""
        return self.client.run("delete-env", self.manifest, self.state_file)

    def _manifest(self) -> dict[str, Any]:
        site, wishes = self.site, self.wishes
        values = {
            "cpi_release": f"file://{self.releases[0]}",
            "lives_release": f"file://{self.releases[1]}",
            "service_range": site.service_range,
            "gateway": site.service_range.partition("/")[0].rpartition(".")[0] + ".1",
            "stemcell": f"file://{wishes.stemcell}",
            "certificate": self.certificate,
            "disk_size": wishes.disk_size,
            "disk_cloud_properties": site.disk_cloud_properties,
            "address": site.address,
            "password": self.password,
            "word": wishes.word,
            "cpi": {**site.cpi, "agent": {"mbus": f"https://mbus:{self.password}@0.0.0.0:6868"}},
        }
        filled: dict[str, Any] = fill(yaml.safe_load(TEMPLATE.read_text()), values)
        return filled

    def state(self) -> dict[str, Any]:
        """The client's state file."""
        content: dict[str, Any] = json.loads(self.state_file.read_text())
        return content

    def vm(self) -> str:
        return str(self.state()["current_vm_cid"])

    def disks(self) -> list[str]:
        return [disk["cid"] for disk in self.state()["disks"] or []]

    def agent(self) -> Agent:
        """The machine's agent, over its message bus."""
        mbus = f"https://mbus:{self.password}@{self.site.address}:6868"
        return Agent(mbus, self.certificate["ca"], self.state()["director_id"])

    def inside(self, script: str) -> str:
        """What a shell script prints inside the guest."""
        return self.kubectl.exec(self.vm(), "/firmware/enter", "sh", "-c", script, container="machine")

    def machine(self) -> dict[str, Any]:
        found = self.kubectl.get("virtualmachines.cpi.bosh.io", self.vm())
        assert found is not None, f"{self.vm()} does not exist"
        return found

    def marker(self) -> str:
        """Checksum of the 5 MB that the job wrote at its very first start, as they are on the disk now.

        Fails when they differ from what the job noted then.
        """
        computed, noted = self.inside(
            f"sha256sum <{BEAT}/marker | cut -d ' ' -f 1; cut -d ' ' -f 1 {BEAT}/marker.sha256"
        ).split()
        assert computed == noted, f"the marker on the disk is {computed}, the job wrote {noted}"
        return computed

    def beats(self) -> int:
        """Lines that the job wrote in all its lives. Fails when one is missing or the job started on an empty store."""
        starts = self.inside("cat /var/vcap/data/heartbeat/starts").split()
        assert set(starts) == {"mounted"}, f"the job started on an empty store: {starts}"
        numbers = [int(line.split()[0]) for line in self.inside(f"cat {BEAT}/lines").splitlines()]
        assert numbers == list(range(1, len(numbers) + 1)), f"lines are missing or written twice: {numbers}"
        return len(numbers)

    def left_over(self) -> list[str]:
        """Objects of this environment that are still in the cluster, as kind/name."""
        items = json.loads(self.kubectl.run("get", OURS, "-o", "json"))["items"]
        return [
            f"{item['kind']}/{item['metadata']['name']}"
            for item in items
            if self.seen & {item["metadata"]["name"], *(item["metadata"].get("labels") or {}).values()}
        ]


def build_releases(folder: Path) -> tuple[Path, Path]:
    """Tarballs of the CPI's release and of the job that the lives run. The former is a compiled one, which spares each
    life the minutes that compiling an interpreter takes.
    """
    tool = [sys.executable, str(ROOT / "cpi/release/make_release.py"), "--version", "0+lives", "--out", str(folder)]
    subprocess.run([*tool, "--folder", str(ROOT / "tests/e2e/release")], check=True, capture_output=True)
    return write_compiled_release(folder, "0+lives"), folder / "lives-0+lives.tgz"


def fill(value: Any, values: dict[str, Any]) -> Any:
    """Put values in the place of `((name))`; a string that is one name as a whole takes the value's own type."""
    if isinstance(value, dict):
        return {key: fill(entry, values) for key, entry in value.items()}
    if isinstance(value, list):
        return [fill(entry, values) for entry in value]
    if not isinstance(value, str):
        return value
    if whole := re.fullmatch(r"\(\((\w+)\)\)", value):
        return values[whole.group(1)]
    return re.sub(r"\(\((\w+)\)\)", lambda match: str(values[match.group(1)]), value)
