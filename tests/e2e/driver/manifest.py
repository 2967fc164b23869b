"""A create-env manifest, as far as the driver reads it (bosh-cli `deployment/manifest`, `installation/manifest`).

One instance group with one instance, the form that the real client asks for too; in the words of bosh-init, one job
with its templates.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.driver.errors import ManifestError


@dataclass(frozen=True)
class Reference:
    """A job of a release."""

    name: str
    release: str
    properties: dict[str, Any] | None


@dataclass(frozen=True)
class Manifest:
    path: Path
    sha: str
    name: str
    job: str
    jobs: list[Reference]
    properties: dict[str, Any]
    networks: dict[str, dict[str, Any]]
    stemcell: Path
    cloud_properties: dict[str, Any]
    env: dict[str, Any]
    disk_size: int
    disk_cloud_properties: dict[str, Any]
    update_timeout: float
    tags: dict[str, str]
    releases: dict[str, Path]
    template: Reference
    mbus: str
    ca: str


def load(path: Path, document: Any) -> Manifest:
    """The manifest that was in `path`, after operations and variables; relative addresses are from its folder.

    Raises:
        ManifestError: something is missing in it that the real client needs; the message names it.
    """
    try:
        return _manifest(path, document)
    except (KeyError, IndexError, TypeError) as error:
        raise ManifestError(f"{path}: missing or of a wrong form: {error!r}") from error


def _manifest(path: Path, raw: dict[str, Any]) -> Manifest:
    groups = raw["instance_groups"] if "instance_groups" in raw else raw["jobs"]
    if len(groups) != 1 or groups[0]["instances"] != 1:
        raise ManifestError(f"{path}: there must be one instance group with one instance")
    group = groups[0]
    pool = _named(raw["resource_pools"], group["resource_pool"])
    disk: dict[str, Any] = {"disk_size": 0}
    if "persistent_disk_pool" in group:
        disk = _named(raw["disk_pools"], group["persistent_disk_pool"])
    provider = raw["cloud_provider"]
    tags = raw.get("tags") or {}
    env = pool.get("env") or {}
    if tags:
        env = {**env, "bosh": {**env.get("bosh", {}), "tags": tags}}
    return Manifest(
        path=path,
        sha=hashlib.sha512(yaml.safe_dump(raw).encode()).hexdigest(),
        name=raw["name"],
        job=group["name"],
        jobs=[
            Reference(job["name"], job["release"], job.get("properties"))
            for job in group.get("jobs") or group["templates"]
        ],
        properties=group.get("properties") or {},
        networks=interfaces(group["networks"], raw["networks"]),
        stemcell=_file(path, pool["stemcell"]["url"]),
        cloud_properties=pool.get("cloud_properties") or {},
        env=env,
        disk_size=disk["disk_size"],
        disk_cloud_properties=disk.get("cloud_properties") or {},
        update_timeout=_update_timeout(raw.get("update") or {}),
        tags=tags,
        releases={release["name"]: _file(path, release["url"]) for release in raw["releases"]},
        template=Reference(
            provider["template"]["name"], provider["template"]["release"], provider.get("properties") or {}
        ),
        mbus=provider["mbus"],
        ca=(provider.get("cert") or {}).get("ca", ""),
    )


def interfaces(wanted: list[dict[str, Any]], networks: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The `networks` argument of create_vm. What the manifest leaves out is `{}`; a single network is the default."""
    result = {entry["name"]: _interface(entry, _named(networks, entry["name"])) for entry in wanted}
    if len(wanted) == 1:
        result[wanted[0]["name"]]["default"] = ["dns", "gateway"]
    return result


def _interface(entry: dict[str, Any], network: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"type": network["type"]}
    if network["type"] == "manual":
        subnet = network["subnets"][0]
        result["gateway"] = subnet["gateway"]
        result["netmask"] = str(ipaddress.ip_network(subnet["range"], strict=False).netmask)
        result["cloud_properties"] = subnet.get("cloud_properties") or {}
        if subnet.get("dns"):
            result["dns"] = subnet["dns"]
    else:
        result["cloud_properties"] = network.get("cloud_properties") or {}
        if network["type"] == "dynamic" and network.get("dns"):
            result["dns"] = network["dns"]
    if entry.get("static_ips"):
        result["ip"] = entry["static_ips"][0]
    if entry.get("default"):
        result["default"] = entry["default"]
    return result


def _update_timeout(update: dict[str, Any]) -> float:
    """Seconds for the jobs to run, of `update_watch_time: START-END` in milliseconds (default 0-300000)."""
    return int(str(update.get("update_watch_time", "0-300000")).rpartition("-")[2]) / 1000


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next((entry for entry in entries if entry["name"] == name), None) or _missing(name)


def _missing(name: str) -> dict[str, Any]:
    raise ManifestError(f"the manifest refers to {name}, which it does not have")


def _file(manifest: Path, url: str) -> Path:
    if not url.startswith("file://"):
        raise ManifestError(f"{url}: the driver takes file:// only")
    return (manifest.parent / url.removeprefix("file://")).resolve()
