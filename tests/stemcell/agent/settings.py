"""agent.json, the settings file it names, and the agent's own notes on disks (all JSON)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from .errors import AgentError

BOSH = Path("/var/vcap/bosh")
KNOWN = ("agent_id", "blobstore", "disks", "env", "networks", "ntp", "mbus", "vm")

Object = dict[str, Any]


def settings_path(agent_json: Object) -> Path:
    """The file of the first File source.

    Raises:
        AgentError: no source is given, or one that the stand-in does not know.
    """
    sources = agent_json.get("Infrastructure", {}).get("Settings", {}).get("Sources") or []
    if not sources:
        raise AgentError("agent.json names no settings source")
    kind = sources[0].get("Type")
    if kind != "File":
        raise AgentError(f"the stand-in agent knows settings sources of type File only, not {kind}")
    return Path(sources[0]["SettingsPath"])


def mbus_url(settings: Object) -> SplitResult:
    """Address, user and password of the message bus: env.bosh.mbus.urls wins over mbus.

    Raises:
        AgentError: there is none, or it is not https.
    """
    urls = _bosh(settings).get("mbus", {}).get("urls") or [settings.get("mbus") or ""]
    url = urlsplit(str(urls[0]))
    if url.scheme != "https":
        raise AgentError(f"the stand-in agent serves https message buses only, not {url.scheme or 'an empty one'}")
    return url


def mbus_certificate(settings: Object) -> tuple[str, str]:
    """Certificate and key (PEM) of the message bus, from env.bosh.mbus.cert and nowhere else."""
    pair = _bosh(settings).get("mbus", {}).get("cert") or {}
    if not pair.get("certificate") or not pair.get("private_key"):
        raise AgentError("Loading configured tls certificate: env.bosh.mbus.cert has no certificate or no private_key")
    return pair["certificate"], pair["private_key"]


def blobstore(settings: Object) -> Object:
    stores = _bosh(settings).get("blobstores") or [settings.get("blobstore") or {}]
    return dict(stores[0])


def check_blobstore(store: Object) -> None:
    """The real agent ends here too when a local blobstore has no path, though blobs come by the message bus.

    Raises:
        AgentError: it is of another kind, or has no path.
    """
    kind = store.get("provider") or ""
    if kind != "local":
        raise AgentError(f"Getting blobstore: the stand-in agent knows provider local only, not '{kind}'")
    if not (store.get("options") or {}).get("blobstore_path"):
        raise AgentError("Getting blobstore: Validating blobstore: missing blobstore_path")


def ntp(settings: Object) -> list[str]:
    own = _bosh(settings).get("ntp")
    return list(own if own is not None else settings.get("ntp") or [])


def preconfigured(networks: Object) -> bool:
    """All networks but vip ones say so: then the agent sets DNS servers and nothing else."""
    return all(network.get("preconfigured", False) for network in networks.values() if network.get("type") != "vip")


def dns_servers(networks: Object) -> list[str]:
    """DNS servers of the network that is default for dns (the only one is default for everything)."""
    chosen = list(networks.values())
    if len(chosen) != 1:
        chosen = [network for network in chosen if "dns" in (network.get("default") or [])]
    return list(chosen[0].get("dns") or []) if chosen else []


def is_dhcp(network: Object) -> bool:
    if network.get("type") == "vip":
        return False
    return (
        network.get("type") == "dynamic"
        or bool(network.get("use_dhcp"))
        or not (network.get("ip") and network.get("netmask"))
    )


def disk(cid: str, hint: object, env: Object) -> Object:
    """One disk as the real agent keeps it, from a hint that is a path or an object of strings."""
    fields: Object = {"ID": cid, "DeviceID": "", "VolumeID": "", "Lun": "", "HostDeviceID": "", "Path": ""}
    if isinstance(hint, str):
        fields |= {"Path": hint, "VolumeID": hint}
    elif isinstance(hint, dict):
        names = {
            "path": "Path",
            "volume_id": "VolumeID",
            "id": "DeviceID",
            "lun": "Lun",
            "host_device_id": "HostDeviceID",
        }
        for key, name in names.items():
            if key in hint:
                if not isinstance(hint[key], str):
                    raise TypeError(f"hint of disk {cid}: {key} is not a string")
                fields[name] = hint[key]
    return fields | {
        "ISCSISettings": {"InitiatorName": "", "Username": "", "Target": "", "Password": ""},
        "FileSystemType": env.get("persistent_disk_fs") or "",
        "MountOptions": env.get("persistent_disk_mount_options"),
        "Partitioner": env.get("persistent_disk_partitioner") or "",
    }


def bosh_env(settings: Object) -> Object:
    """env.bosh, empty when absent."""
    return _bosh(settings)


def _bosh(settings: Object) -> Object:
    return dict((settings.get("env") or {}).get("bosh") or {})


class Store:
    """The settings as they are now, and the files next to the agent that remember disks."""

    def __init__(self, source: Path, folder: Path = BOSH) -> None:
        self.source = source
        self.folder = folder
        self.settings: Object = {}

    def load(self) -> Object:
        """Reads the source, or the copy of the last time when that fails; keeps a copy of what the agent knows.

        Raises:
            AgentError: neither can be read.
        """
        cached = self.folder / "settings.json"
        try:
            self.settings = self._read(self.source)
        except AgentError as failure:
            try:
                self.settings = self._read(cached)
            except AgentError:
                raise AgentError(f"Invoking settings fetcher: {failure}") from failure
        else:
            write(cached, {key: value for key, value in self.settings.items() if key in KNOWN})
        return self.settings

    def disks(self) -> dict[str, Object]:
        """All disks known by CID: those of the settings, then the hints, which win."""
        env = self.settings.get("env") or {}
        listed = (self.settings.get("disks") or {}).get("persistent") or {}
        return {cid: disk(cid, hint, env) for cid, hint in listed.items()} | self._hints()

    def disk(self, cid: str) -> Object:
        known = self.disks()
        if cid not in known:
            raise AgentError(f"Persistent disk with volume id '{cid}' could not be found")
        return known[cid]

    def remember(self, cid: str, hint: object) -> None:
        write(self._hints_path, self._hints() | {cid: disk(cid, hint, self.settings.get("env") or {})})

    def forget(self, cid: str) -> None:
        write(self._hints_path, {key: value for key, value in self._hints().items() if key != cid})

    @property
    def last_mounted(self) -> str:
        """CID of the disk mounted last. The real agent never takes it back."""
        path = self.folder / "managed_disk_settings.json"
        return path.read_text() if path.exists() else ""

    @last_mounted.setter
    def last_mounted(self, cid: str) -> None:
        (self.folder / "managed_disk_settings.json").write_text(cid)

    @property
    def _hints_path(self) -> Path:
        return self.folder / "persistent_disk_hints.json"

    def _hints(self) -> dict[str, Object]:
        return self._read(self._hints_path) if self._hints_path.exists() else {}

    @staticmethod
    def _read(path: Path) -> Object:
        try:
            return dict(json.loads(path.read_text()))
        except (OSError, ValueError) as cause:
            # Not the JSON error's own text: it may quote the file, which holds credentials.
            why = cause if isinstance(cause, OSError) else "not one JSON object"
            raise AgentError(f"Reading from file '{path}': {why}") from None


def write(path: Path, value: object) -> None:
    """JSON without spaces, as the real agent writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(value, separators=(",", ":")))
