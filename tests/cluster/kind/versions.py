"""Every pinned version of the test cluster, and which versions of a tool on the PATH will do."""

import re
from dataclasses import dataclass

KUBERNETES = "1.37.2"
ETCD_TAG = "3.7.0-0"
COREDNS = "1.14.6"
PAUSE = "3.10.2"
LOCAL_PATH = "0.0.30"
REGISTRY = "3.0.0"
DEBIAN = "bookworm"

# The official node image of kind 0.33.0, pinned by digest.
OFFICIAL_NODE_IMAGE = "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"


@dataclass(frozen=True)
class Range:
    """Versions from `lowest` (included) to `below` (excluded)."""

    lowest: tuple[int, ...]
    below: tuple[int, ...]

    def __contains__(self, version: tuple[int, ...]) -> bool:
        return self.lowest <= version < self.below

    def __str__(self) -> str:
        return f">= {'.'.join(map(str, self.lowest))}, < {'.'.join(map(str, self.below))}"


# kubectl may differ from the API server by one minor version; kind and its node image belong together.
ACCEPTED = {
    "kubectl": Range((1, 36), (1, 39)),
    "kind": Range((0, 33), (0, 34)),
    "helm": Range((4, 0), (5,)),
    "docker": Range((20, 10), (30,)),
}

VERSION_COMMAND = {
    "kubectl": ("version", "--client"),
    "kind": ("version",),
    "helm": ("version", "--short"),
    "docker": ("--version",),
}


def parse(text: str) -> tuple[int, ...] | None:
    """The first version number in a tool's answer: "kind v0.33.0 go1.26 linux/amd64" gives (0, 33, 0)."""
    found = re.search(r"\bv?(\d+(?:\.\d+)+)", text)
    return tuple(int(part) for part in found.group(1).split(".")) if found else None
