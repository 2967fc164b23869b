"""The state file, in the shape of bosh-cli's (`config/deployment_state_service.go`): each goes on with the other's."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Stemcell:
    id: str
    name: str
    version: str
    api_version: int
    cid: str


@dataclass
class Disk:
    id: str
    cid: str
    size: int
    cloud_properties: dict[str, Any]


@dataclass
class Release:
    id: str
    name: str
    version: str


@dataclass
class State:
    """What survives between runs; written after each change."""

    director_id: str = ""
    installation_id: str = ""
    current_vm_cid: str = ""
    current_stemcell_id: str = ""
    current_disk_id: str = ""
    current_release_ids: list[str] | None = None
    current_manifest_sha: str = ""
    disks: list[Disk] = field(default_factory=list)
    stemcells: list[Stemcell] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)


class StateFile:
    """A state and the file in which it is kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        content = json.loads(path.read_text()) if path.exists() else {}
        # null until something was in them, and lists from then on
        self._null = {name for name in ("disks", "stemcells", "releases") if content.get(name) is None}
        content["disks"] = [Disk(**entry) for entry in content.get("disks") or []]
        content["stemcells"] = [Stemcell(**{"api_version": 0, **entry}) for entry in content.get("stemcells") or []]
        content["releases"] = [Release(**entry) for entry in content.get("releases") or []]
        self.state = State(**content)
        self.state.director_id = self.state.director_id or str(uuid.uuid4())
        self.state.installation_id = self.state.installation_id or str(uuid.uuid4())
        self.save()

    def save(self) -> None:
        content = asdict(self.state)
        for stemcell in content["stemcells"]:
            if not stemcell["api_version"]:
                del stemcell["api_version"]
        self._null = {name for name in self._null if not content[name]}
        content.update(dict.fromkeys(self._null))
        self.path.write_text(json.dumps(content, indent=4))

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)

    def disk(self) -> Disk | None:
        """The disk in use."""
        return next((disk for disk in self.state.disks if disk.id == self.state.current_disk_id), None)

    def stemcell(self) -> Stemcell | None:
        """The stemcell of the machine."""
        return next((one for one in self.state.stemcells if one.id == self.state.current_stemcell_id), None)

    def add_disk(self, cid: str, size: int, cloud_properties: dict[str, Any]) -> Disk:
        disk = Disk(str(uuid.uuid4()), cid, size, cloud_properties)
        self.state.disks.append(disk)
        self.save()
        return disk

    def add_stemcell(self, name: str, version: str, api_version: int, cid: str) -> Stemcell:
        stemcell = Stemcell(str(uuid.uuid4()), name, version, api_version, cid)
        self.state.stemcells.append(stemcell)
        self.save()
        return stemcell

    def remove_disk(self, disk: Disk) -> None:
        self.state.disks.remove(disk)
        if self.state.current_disk_id == disk.id:
            self.state.current_disk_id = ""
        self.save()

    def remove_stemcell(self, stemcell: Stemcell) -> None:
        self.state.stemcells.remove(stemcell)
        if self.state.current_stemcell_id == stemcell.id:
            self.state.current_stemcell_id = ""
        self.save()

    def set(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self.state, name, value)
        self._null -= values.keys()
        self.save()
