"""Settings of the operator: command line, else environment (`BOSH_OPERATOR_…`), else the default."""

from __future__ import annotations

import argparse
import os
import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ENVIRONMENT = "BOSH_OPERATOR_"


@dataclass(frozen=True)
class Settings:
    namespace: str
    kubeconfig: str  # path; empty: the Pod's service account
    identity: str  # holder of the Lease
    host_directory: str  # on the nodes; holds <vm uid>/disks
    image: str  # the operator's own; empty: not known
    off_timeout: int  # seconds that a guest gets for an orderly stop
    workers: int  # machines worked on at once
    resync: float  # seconds between two looks at a machine that needs nothing
    health_address: str
    health_port: int  # 0: no server
    metrics_port: int  # 0: no server
    log_level: str


def parse(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings; ends the process with a usage message when one is wrong (argparse)."""
    parser = argparse.ArgumentParser(
        prog="bosh-kubernetes-operator", description="Runs BOSH VMs as Pods in one namespace."
    )

    def add(name: str, default: str | int | float, help_: str) -> None:
        value = environment.get(ENVIRONMENT + name.replace("-", "_").upper(), default)
        parser.add_argument(f"--{name}", default=value, type=type(default), help=f"{help_} (default: {default!r})")

    add("namespace", "", "namespace of the machines")
    add("kubeconfig", "", "kubeconfig file; without it the Pod's service account is used")
    add("identity", f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}", "holder identity in the Lease")
    add("host-directory", "/var/lib/bosh-kubernetes", "directory on the nodes where disks are handed to machines")
    add("image", "", "the operator's own image: it cleans up on nodes to which a stemcell's image did not come")
    add("off-timeout", 60, "seconds that a guest gets to stop in order")
    add("workers", 16, "machines worked on at once")
    add("resync", 300.0, "seconds between two looks at a machine that needs nothing")
    add("health-address", "0.0.0.0", "address of the health and metrics servers")
    add("health-port", 8081, "port of /healthz; 0 for none")
    add("metrics-port", 8082, "port of /metrics; 0 for none")
    add("log-level", "INFO", "DEBUG, INFO, WARNING or ERROR")
    values = vars(parser.parse_args(arguments))
    if not values["namespace"]:
        parser.error(f"--namespace or {ENVIRONMENT}NAMESPACE is required: the operator serves exactly one")
    if not values["host_directory"].startswith("/"):
        parser.error("--host-directory must be an absolute path")
    if values["log_level"] not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        parser.error("--log-level must be DEBUG, INFO, WARNING or ERROR")
    return Settings(**values)
