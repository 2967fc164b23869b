"""Name, version, operating system and architecture of a light stemcell: given, labelled, or read off the reference."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...stemcell.reference import Reference
from ..codes import WrongUse
from .published import Published

TITLE, VERSION = "org.opencontainers.image.title", "org.opencontainers.image.version"

# names of the image specification -> those of stemcell.MF
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64", "ppc64le": "ppc64el"}
# ubuntu-noble-stemcell:1.165, as the builders of the Ubuntu stemcells publish their images
_REPOSITORY = re.compile(r"(?:.*/)?([a-z0-9]+(?:-[a-z0-9]+)*)-stemcell")
_NUMBERED = re.compile(r"v?(\d+(?:\.\d+)*(?:[-+.][0-9A-Za-z.+-]*)?)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


@dataclass(frozen=True)
class Identity:
    """As stemcell.MF has them; `architecture` is x86_64, say."""

    name: str
    version: str
    os: str
    architecture: str

    @property
    def file(self) -> str:
        return f"light-{self.name}-{self.version}.tgz"


def identify(
    reference: Reference, published: Published, *, name: str, version: str, os: str, architecture: str
) -> Identity:
    """What is given wins. Raises WrongUse that names the option for what is neither given nor to be found."""
    match = _REPOSITORY.fullmatch(reference.repository)
    os = os or (match[1] if match else "")
    tagged = _NUMBERED.fullmatch(reference.tag)
    version = version or published.labels.get(VERSION, "") or (tagged[1] if tagged else "")
    name = name or published.labels.get(TITLE, "") or (f"bosh-kubernetes-{os}" if os else "")
    found = {"--os": os, "--version": version, "--name": name}
    if missing := [option for option, text in found.items() if not text]:
        raise WrongUse(f"the image {reference} does not say what it is: give {' and '.join(missing)}")
    for option, text in found.items():
        if not _NAME.fullmatch(text):
            raise WrongUse(f"{text!r} has characters that no stemcell's has: give another {option}")
    spoken = architecture or published.architecture
    return Identity(name, version, os, ARCHITECTURES.get(spoken, spoken or "x86_64"))
