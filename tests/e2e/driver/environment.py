"""`create-env` and `delete-env`: the client's order of calls and of entries in the state file.

Source: bosh-cli `cmd/deployment_preparer.go`, `cmd/deployment_deleter.go`, `deployment/**`.

What a run does follows from the state file alone, so a run after a failure takes up where the client would.
"""

from __future__ import annotations

import datetime
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.driver import releases
from tests.e2e.driver.agent import Agent
from tests.e2e.driver.cloud import Cloud
from tests.e2e.driver.errors import AgentError, ManifestError
from tests.e2e.driver.jobs import Jobs
from tests.e2e.driver.manifest import Manifest
from tests.e2e.driver.state import Disk, Release, StateFile, Stemcell

STOP_TIMEOUT = 10.0
"""Seconds that an agent has to answer before its machine is deleted."""

Say = Callable[[str], None]


class Environment:
    """One manifest and its state file. `say` takes a line on each step, as the client prints it.

    `calls` is how the CPI is called: as by the client of today, or by an older one.
    """

    def __init__(self, manifest: Manifest, state: Path, say: Say = print, calls: type[Cloud] = Cloud) -> None:
        self.manifest = manifest
        self.file = StateFile(state)
        self.say = say
        self.calls = calls
        self.agent = Agent(manifest.mbus, manifest.ca, self.file.state.director_id)

    @contextmanager
    def _step(self, text: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        except Exception:
            self.say(f"{text}... Failed ({time.monotonic() - began:.1f} s)")
            raise
        self.say(f"{text}... Finished ({time.monotonic() - began:.1f} s)")

    def create(self, *, recreate: bool = False) -> bool:
        """Deploy; False when nothing had changed. An unchanged manifest makes no call of the CPI at all."""
        with tempfile.TemporaryDirectory(prefix="driver-") as name:
            folder = Path(name)
            unpacked = {
                ref: releases.unpack_release(tarball, folder / f"releases/{ref}")
                for ref, tarball in self.manifest.releases.items()
            }
            stemcell = releases.unpack_stemcell(self.manifest.stemcell, folder / "stemcell")
            if not recreate and self._deployed(unpacked, stemcell):
                self.say("No deployment, stemcell or release changes. Skipping deploy.")
                return False
            cloud = self._install(unpacked, stemcell.api_version, folder)
            if cloud.info() != cloud.speaks or stemcell.api_version < 2:
                raise ManifestError(
                    f"create-env needs CPI API {cloud.speaks} and a stemcell of API 2; "
                    f"stemcell {stemcell.name} has {stemcell.api_version}"
                )
            self._deploy(cloud, unpacked, stemcell)
            self.say(cloud.account())
        return True

    def _deployed(self, unpacked: dict[str, releases.Release], stemcell: releases.StemcellTarball) -> bool:
        state, current = self.file.state, self.file.stemcell()
        return (
            state.current_manifest_sha == self.manifest.sha
            and current is not None
            and (current.name, current.version) == (stemcell.name, stemcell.version)
            and {(one.name, one.version) for one in state.releases}
            == {(one.name, one.version) for one in unpacked.values()}
        )

    def _install(self, unpacked: dict[str, releases.Release], stemcell_api_version: int, folder: Path) -> Cloud:
        template = self.manifest.template
        release = unpacked[template.release]
        with self._step(f"Installing CPI {release.name}/{release.version}"):
            packages, jobs = releases.install(
                release.job(template.name), release, template.properties or {}, folder / "installation"
            )
        return self.calls(packages, jobs, template.name, self.file.state.director_id, stemcell_api_version)

    def _deploy(self, cloud: Cloud, unpacked: dict[str, releases.Release], tarball: releases.StemcellTarball) -> None:
        disks = [disk.cid for disk in self.file.state.disks]  # every one, those of failed runs too
        stemcell = self._upload(cloud, tarball)
        self.file.set(current_manifest_sha="", releases=[], current_release_ids=[])
        if self.file.state.current_vm_cid:
            self._delete_vm(cloud)
        metadata = self._create_vm(cloud, stemcell, disks)
        with self._step(f"Waiting for the agent on VM '{self.file.state.current_vm_cid}' to be ready"):
            self.agent.wait_until_ready()
        if self.manifest.disk_size:
            self._update_disks(cloud, metadata)
        Jobs(self.manifest, self.agent, self._step).update(unpacked)
        records = [Release(str(uuid.uuid4()), one.name, one.version) for one in unpacked.values()]
        self.file.set(
            current_manifest_sha=self.manifest.sha,
            releases=records,
            current_release_ids=[record.id for record in records],
        )
        self._delete_unused_stemcells(cloud)

    def _upload(self, cloud: Cloud, tarball: releases.StemcellTarball) -> Stemcell:
        for known in self.file.state.stemcells:
            if (known.name, known.version) == (tarball.name, tarball.version):
                return known
        with self._step(f"Uploading stemcell '{tarball.name}/{tarball.version}'"):
            cid = cloud.create_stemcell(tarball.image, tarball.cloud_properties)
        return self.file.add_stemcell(tarball.name, tarball.version, tarball.api_version, cid)

    def _create_vm(self, cloud: Cloud, stemcell: Stemcell, disks: list[str]) -> dict[str, str]:
        """A new machine, recorded at once; the metadata that was set on it."""
        manifest, agent_id = self.manifest, str(uuid.uuid4())
        with self._step(f"Creating VM for instance '{manifest.job}/0' from stemcell '{stemcell.cid}'"):
            cid = cloud.create_vm(
                agent_id, stemcell.cid, manifest.cloud_properties, manifest.networks, disks, manifest.env
            )
            self.file.set(current_vm_cid=cid)
            metadata = {
                "deployment": manifest.name,
                "job": manifest.job,
                "instance_group": manifest.job,
                "index": "0",
                "director": "bosh-init",
                "name": f"{manifest.job}/0",
                "created_at": _now(),
                **manifest.tags,
            }
            cloud.set_metadata("vm", cid, metadata)
        self.file.set(current_stemcell_id=stemcell.id)
        return metadata

    def _update_disks(self, cloud: Cloud, metadata: dict[str, str]) -> None:
        manifest, current = self.manifest, self.file.disk()
        wanted = (manifest.disk_size, manifest.disk_cloud_properties)
        if current is None:
            disk = self._create_disk(cloud)
            self._attach(cloud, disk, metadata)
            self.file.set(current_disk_id=disk.id)
        else:
            self._attach(cloud, current, metadata)
            if (current.size, current.cloud_properties) != wanted:
                self._migrate(cloud, current, metadata)
        for disk in [one for one in self.file.state.disks if one.id != self.file.state.current_disk_id]:
            self._delete_disk(cloud, disk)

    def _create_disk(self, cloud: Cloud) -> Disk:
        manifest, vm = self.manifest, self.file.state.current_vm_cid
        with self._step("Creating disk"):
            cid = cloud.create_disk(manifest.disk_size, manifest.disk_cloud_properties, vm)
        return self.file.add_disk(cid, manifest.disk_size, manifest.disk_cloud_properties)

    def _attach(self, cloud: Cloud, disk: Disk, metadata: dict[str, str]) -> None:
        vm = self.file.state.current_vm_cid
        kept = {key: metadata[key] for key in metadata.keys() - {"job", "name", "index", "created_at"}}
        with self._step(f"Attaching disk '{disk.cid}' to VM '{vm}'"):
            hint = cloud.attach_disk(vm, disk.cid)
            cloud.set_metadata("disk", disk.cid, {**kept, "instance_index": metadata["index"], "attached_at": _now()})
            self.agent.wait_until_ready()
            if hint is not None:
                self.agent.task("add_persistent_disk", disk.cid, hint)
            self.agent.task("mount_disk", disk.cid)

    def _migrate(self, cloud: Cloud, old: Disk, metadata: dict[str, str]) -> None:
        new = self._create_disk(cloud)
        self._attach(cloud, new, metadata)
        with self._step(f"Migrating disk content from '{old.cid}' to '{new.cid}'"):
            self.agent.task("migrate_disk")
        self.file.set(current_disk_id=new.id)
        with self._step(f"Detaching disk '{old.cid}'"):
            if cloud.speaks > 1:
                self.agent.task("remove_persistent_disk", old.cid)
            cloud.call("detach_disk", self.file.state.current_vm_cid, old.cid)
            self.agent.wait_until_ready()
        self._delete_disk(cloud, old)

    def _delete_vm(self, cloud: Cloud) -> None:
        """Stop what runs on the machine and delete it. It is deleted also when the CPI knows it no more."""
        vm = self.file.state.current_vm_cid
        if cloud.has_vm(vm):
            self._stop(vm)
        with self._step(f"Deleting VM '{vm}'"):
            cloud.delete("vm", vm)
        self.file.set(current_vm_cid="", current_stemcell_id="")

    def _stop(self, vm: str) -> None:
        try:
            with self._step(f"Waiting for the agent on VM '{vm}'"):
                self.agent.wait_until_ready(STOP_TIMEOUT)
        except AgentError:
            return  # an agent that does not answer is passed over
        with self._step("Stopping jobs"):
            self.agent.run_script("pre-stop")
            self.agent.drain()
            self.agent.task("stop")
            self.agent.run_script("post-stop")
        for cid in self.agent.send("list_disk"):
            with self._step(f"Unmounting disk '{cid}'"):
                self.agent.task("unmount_disk", cid)

    def _delete_disk(self, cloud: Cloud, disk: Disk) -> None:
        with self._step(f"Deleting disk '{disk.cid}'"):
            cloud.delete("disk", disk.cid)
        self.file.remove_disk(disk)

    def _delete_stemcell(self, cloud: Cloud, stemcell: Stemcell) -> None:
        with self._step(f"Deleting stemcell '{stemcell.cid}'"):
            cloud.delete("stemcell", stemcell.cid)
        self.file.remove_stemcell(stemcell)

    def _delete_unused_stemcells(self, cloud: Cloud) -> None:
        for stemcell in [one for one in self.file.state.stemcells if one.id != self.file.state.current_stemcell_id]:
            self._delete_stemcell(cloud, stemcell)

    def delete(self) -> None:
        """Machine, disk in use, its stemcell, then what is left over of both, then the state file."""
        current = self.file.stemcell()
        version = current.api_version if current else 1
        disk = self.file.disk()
        with tempfile.TemporaryDirectory(prefix="driver-") as name:
            folder = Path(name)
            ref = self.manifest.template.release
            unpacked = releases.unpack_release(self.manifest.releases[ref], folder / f"releases/{ref}")
            cloud = self._install({ref: unpacked}, version, folder)
            if self.file.state.current_vm_cid:
                self._delete_vm(cloud)
            if disk:
                self._delete_disk(cloud, disk)
            if current:
                self._delete_stemcell(cloud, current)
            for left in list(self.file.state.disks):
                self._delete_disk(cloud, left)
            for other in list(self.file.state.stemcells):
                self._delete_stemcell(cloud, other)
            shutil.rmtree(folder / "installation")
            self.say(cloud.account())
        self.file.delete()


def _now() -> str:
    """The time as Go's RFC3339 layout."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
