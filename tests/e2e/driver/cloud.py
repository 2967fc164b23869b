"""Calls of the CPI as bosh-cli makes them (its `cloud/`): one process a call, `info` before each."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from tests.e2e.driver import gojson
from tests.e2e.driver.errors import CpiError

NOT_IMPLEMENTED = "Bosh::Clouds::NotImplemented"
VM_NOT_FOUND = "Bosh::Clouds::VMNotFound"
DISK_NOT_FOUND = "Bosh::Clouds::DiskNotFound"
STEMCELL_NOT_FOUND = "Bosh::Clouds::StemcellNotFound"
API_VERSION = 2
"""The only one that the client speaks: a CPI that knows more is asked with this."""


@dataclass(frozen=True)
class Cloud:
    """The installed CPI. `stemcell_api_version` 0 is that of a state file older than the field.

    `spent` has the seconds of every process, by method.
    """

    speaks: ClassVar[int] = API_VERSION
    """The version without which an environment is not made."""

    packages: Path
    jobs: Path
    job: str
    director_id: str
    stemcell_api_version: int
    spent: dict[str, list[float]] = field(default_factory=dict)

    def request(self, method: str, arguments: tuple[Any, ...], api_version: int) -> str:
        stemcell = {"api_version": self.stemcell_api_version} if self.stemcell_api_version else {}
        context = {"director_uuid": self.director_id, "vm": {"stemcell": stemcell}}
        return gojson.struct(
            {"method": method, "arguments": list(arguments), "context": context, "api_version": api_version}
        )

    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "BOSH_PACKAGES_DIR": str(self.packages), "BOSH_JOBS_DIR": str(self.jobs)}

    def account(self) -> str:
        """One line on what the CPI's processes took."""
        parts = [f"{method} {sum(seconds):.2f} s" for method, seconds in self.spent.items()]
        total = sum(map(sum, self.spent.values()))
        return f"CPI: {total:.2f} s in {sum(map(len, self.spent.values()))} processes: {', '.join(parts)}"

    def _run(self, method: str, arguments: tuple[Any, ...], api_version: int) -> Any:
        began = time.monotonic()
        process = subprocess.run(
            [self.jobs / self.job / "bin/cpi"],
            input=self.request(method, arguments, api_version).encode(),
            capture_output=True,
            env=self.environment(),
            start_new_session=True,  # a group of its own: Ctrl-C at the terminal does not reach the CPI
            check=False,
        )
        self.spent.setdefault(method, []).append(time.monotonic() - began)
        stderr = process.stderr.decode(errors="replace")
        if process.returncode:
            raise CpiError(method, f"exit code {process.returncode}, whatever the answer. stderr: {stderr}")
        try:
            answer = json.loads(process.stdout)
        except ValueError as error:
            raise CpiError(method, f"the answer is not JSON ({error}). stderr: {stderr}") from error
        if not isinstance(answer, dict):
            raise CpiError(method, "the answer is not an object")
        if refused := answer.get("error"):
            raise CpiError(method, refused.get("message", ""), type=refused.get("type", ""))
        return answer.get("result")

    def info(self) -> int:
        """The CPI's API version, at most 2; 1 when it does not say."""
        try:
            result = self._run("info", (), 1)
        except CpiError as error:
            if error.type == NOT_IMPLEMENTED:
                return 1
            raise
        if not isinstance(result, dict) or not isinstance(result.get("stemcell_formats"), list):
            raise CpiError("info", "the result has no list stemcell_formats")
        return min(int(result.get("api_version", 1)), API_VERSION)

    def call(self, method: str, *arguments: Any) -> Any:
        return self._run(method, arguments, self.info())

    def create_stemcell(self, image: Path, cloud_properties: dict[str, Any]) -> str:
        return cid_of("create_stemcell", self.call("create_stemcell", str(image), cloud_properties))

    def create_vm(
        self,
        agent_id: str,
        stemcell: str,
        cloud_properties: dict[str, Any],
        networks: dict[str, Any],
        disks: list[str],
        env: dict[str, Any],
    ) -> str:
        result = self.call("create_vm", agent_id, stemcell, cloud_properties, networks, disks, env)
        if not isinstance(result, list) or not result:
            raise CpiError("create_vm", "the result is no list that begins with the CID")
        return cid_of("create_vm", result[0])

    def attach_disk(self, vm: str, disk: str) -> Any:
        """The hint for the agent; None when it needs none."""
        return self.call("attach_disk", vm, disk)

    def has_vm(self, vm: str) -> bool:
        result = self.call("has_vm", vm)
        if not isinstance(result, bool):
            raise CpiError("has_vm", "the result is neither true nor false")
        return result

    def create_disk(self, size: int, cloud_properties: dict[str, Any], vm: str) -> str:
        return cid_of("create_disk", self.call("create_disk", size, cloud_properties, vm))

    def set_metadata(self, kind: str, cid: str, metadata: dict[str, str]) -> None:
        """`kind` is vm or disk. A CPI may lack the method."""
        try:
            self.call(f"set_{kind}_metadata", cid, metadata)
        except CpiError as error:
            if error.type != NOT_IMPLEMENTED:
                raise

    def delete(self, kind: str, cid: str) -> bool:
        """Delete a vm, disk or stemcell; False when the CPI did not know it any more."""
        absent = {"vm": VM_NOT_FOUND, "disk": DISK_NOT_FOUND, "stemcell": STEMCELL_NOT_FOUND}[kind]
        try:
            self.call(f"delete_{kind}", cid)
        except CpiError as error:
            if error.type != absent:
                raise
            return False
        return True


def cid_of(method: str, result: Any) -> str:
    if not isinstance(result, str):
        raise CpiError(method, "the result is not a CID")
    return result
