"""Calls of the CPI as bosh-init v0.0.103 of 2018 makes them (its `cloud/`): version 1 of the API, without saying so.

One process a call and none for `info`. Of its own are only the requests and what is done with the results; the order
of the calls is the client's of today, which still is that of 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.e2e.driver import gojson
from tests.e2e.driver.cloud import Cloud, cid_of

METADATA = ("deployment", "director", "index", "job")


@dataclass(frozen=True)
class OldCloud(Cloud):
    speaks: ClassVar[int] = 1

    def request(self, method: str, arguments: tuple[Any, ...], api_version: int) -> str:
        context = {"director_uuid": self.director_id}
        return gojson.struct({"method": method, "arguments": list(arguments), "context": context})

    def environment(self) -> Mapping[str, str]:
        folders = {"BOSH_PACKAGES_DIR": str(self.packages), "BOSH_JOBS_DIR": str(self.jobs)}
        return {**folders, "PATH": "/usr/local/bin:/usr/bin:/bin"}

    def info(self) -> int:
        """Nobody is asked."""
        return self.speaks

    def create_vm(
        self,
        agent_id: str,
        stemcell: str,
        cloud_properties: dict[str, Any],
        networks: dict[str, Any],
        disks: list[str],
        env: dict[str, Any],
    ) -> str:
        """`disks` are not passed on."""
        return cid_of("create_vm", self.call("create_vm", agent_id, stemcell, cloud_properties, networks, [], env))

    def attach_disk(self, vm: str, disk: str) -> None:
        """The result is not looked at: the agent has the disk in its settings."""
        self.call("attach_disk", vm, disk)

    def set_metadata(self, kind: str, cid: str, metadata: dict[str, str]) -> None:
        """Of disks there is none."""
        if kind == "vm":
            super().set_metadata(kind, cid, {key: metadata[key] for key in METADATA})
