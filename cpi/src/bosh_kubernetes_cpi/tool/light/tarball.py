"""The tarball of a light stemcell: stemcell.MF and an empty image. Pure; the same input gives the same bytes.

What reads it: the Director's jobs/update_stemcell.rb and the client's stemcell/reader.go want name, version, sha1 and a
file `image`; the CPI is given the cloud properties alone (contract, light stemcells).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence

from ...stemcell.reference import Reference
from .naming import Identity

FORMATS = ("kubernetes-light", "docker-light")  # both have image_reference and digest


def manifest(identity: Identity, image: Reference, *, formats: Sequence[str], api_version: int) -> str:
    """stemcell.MF. Its values are JSON, which is YAML."""
    properties = {
        "name": identity.name,
        "version": identity.version,
        "infrastructure": "kubernetes",
        "os_type": "linux",
        "os_distro": identity.os.partition("-")[0],
        "architecture": identity.architecture,
        "image_reference": f"{image.name}:{image.tag}" if image.tag else image.name,
        "digest": image.digest,
    }
    fields = {
        "name": identity.name,
        "version": identity.version,
        "bosh_protocol": 1,
        "api_version": api_version,
        "sha1": hashlib.sha1(b"", usedforsecurity=False).hexdigest(),
        "operating_system": identity.os,
        "stemcell_formats": list(formats),
        "cloud_properties": properties,
    }
    return "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items())


def archive(content: str) -> bytes:
    """The tarball with that stemcell.MF."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, data in (("stemcell.MF", content.encode()), ("image", b"")):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
