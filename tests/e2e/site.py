"""What the end-to-end lives need of a cluster, and the way to its Service addresses."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Site:
    """A cluster with operator and registry, ready for create-env."""

    namespace: str
    """Namespace of the machines. The operator watches it."""
    cpi: dict[str, Any]
    """Properties of the job kubernetes_cpi without `agent`: connection of the CPI's account, namespace, registry."""
    address: str
    """A free address of the Service range, for the machine."""
    service_range: str
    """Addresses of Services, as CIDR."""
    node_address: str
    """A node as this machine reaches it: the way to the Service range."""
    stemcells: tuple[Path, Path]
    """Two heavy stemcell tarballs of the same name and different versions."""
    disk_cloud_properties: dict[str, Any]
    """Cloud properties of persistent disks, for instance a storage class."""


@contextmanager
def route(site: Site) -> Iterator[None]:
    """This machine reaches Services through a node, whose kube-proxy does the rest. The route is ours for that time."""
    words = [site.service_range, "via", site.node_address]
    _ip("replace", *words)
    try:
        yield
    finally:
        _ip("del", *words)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", "route", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip route {' '.join(words)}: {done.stderr.strip()} (a route needs root)")
