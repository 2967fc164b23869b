"""What runs on the machine: apply spec and the order of messages to the agent (bosh-cli `deployment/instance`)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tests.e2e.driver import releases
from tests.e2e.driver.agent import Agent
from tests.e2e.driver.manifest import Manifest


class Jobs:
    """The jobs of the manifest's instance group, on the machine behind `agent`."""

    def __init__(self, manifest: Manifest, agent: Agent, step: Callable[[str], AbstractContextManager[None]]) -> None:
        self.manifest = manifest
        self.agent = agent
        self.step = step

    def update(self, unpacked: dict[str, releases.Release]) -> None:
        """Render, upload, compile, apply, start, and wait until all run."""
        self.agent.task("apply", self._spec([], "", "", {}))
        address = self._address(self.agent.get_state())
        with self.step("Rendering job templates"):
            jobs = [unpacked[ref.release].job(ref.name) for ref in self.manifest.jobs]
            archive = releases.job_archive(
                {
                    job.name: releases.render(
                        job,
                        ref.properties,
                        self.manifest.properties,
                        deployment=self.manifest.name,
                        address=address,
                    )
                    for ref, job in zip(self.manifest.jobs, jobs, strict=True)
                }
            )
            blob = self.agent.put_blob(archive)
        digest = f"sha256:{hashlib.sha256(archive).hexdigest()}"
        packages: dict[str, dict[str, str]] = {}
        for ref, job in zip(self.manifest.jobs, jobs, strict=True):
            for package in unpacked[ref.release].packages(job.packages):
                if package.name not in packages:
                    packages[package.name] = self._compile(package, packages)
        with self.step(f"Updating instance '{self.manifest.job}/0'"):
            self.agent.task("stop")
            self.agent.task("apply", self._spec(jobs, blob, digest, packages))
            self.agent.run_script("pre-start")
            self.agent.start()
        with self.step(f"Waiting for instance '{self.manifest.job}/0' to be running"):
            self.agent.wait_until_running(self.manifest.update_timeout)
        with self.step(f"Running the post-start scripts '{self.manifest.job}/0'"):
            self.agent.run_script("post-start")

    def _compile(self, package: releases.Package, compiled: dict[str, dict[str, str]]) -> dict[str, str]:
        """Have the agent compile a package with those that it depends on itself; its entry of the apply spec."""
        with self.step(f"Compiling package '{package.name}/{package.fingerprint}'"):
            source = self.agent.put_blob(package.archive.read_bytes())
            if package.compiled:
                version = {"name": package.name, "version": package.fingerprint}
                return {**version, "blobstore_id": source, "sha1": package.sha1}
            dependencies = {name: compiled[name] for name in package.dependencies}
            arguments = (source, package.sha1, package.name, package.fingerprint, dependencies)
            result = self.agent.task("compile_package", *arguments)["result"]
        return {"name": package.name, "version": package.fingerprint, **result}

    def _spec(
        self, jobs: list[releases.Job], blob: str, digest: str, packages: dict[str, dict[str, str]]
    ) -> dict[str, Any]:
        """The apply spec; without jobs the one that only makes the agent tell its networks."""
        return {
            "deployment": self.manifest.name,
            "name": self.manifest.job,
            "index": 0,
            "id": "0",
            "az": "unknown",
            "packages": packages,
            "networks": self.manifest.networks,
            "job": {
                "name": self.manifest.job,
                "templates": [
                    {"name": job.name, "version": job.fingerprint, "sha1": "", "blobstore_id": ""} for job in jobs
                ],
            },
            "rendered_templates_archive": {"blobstore_id": blob, "sha1": digest},
            "configuration_hash": "unused-configuration-hash",
        }

    def _address(self, state: dict[str, Any]) -> str:
        """The machine's address: the manifest's, or what the agent tells of a dynamic network."""
        name, network = next(
            (name, network)
            for name, network in self.manifest.networks.items()
            if "gateway" in network.get("default", ())
        )
        if network["type"] == "dynamic":
            return str(state["networks"][name].get("ip", ""))
        return str(network["ip"])
