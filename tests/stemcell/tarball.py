"""Stemcell tarballs: stemcell.MF, image and packages.txt, heavy (the image inside) or light (a reference to it)."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

OPERATING_SYSTEMS = {"runit": "ubuntu-jammy", "systemd": "ubuntu-noble"}


def name(flavour: str) -> str:
    return f"bosh-kubernetes-test-{flavour}"


def manifest(flavour: str, version: str, sha1: str, *, formats: list[str], light: dict[str, str] | None = None) -> str:
    """stemcell.MF. Real ones repeat name and version in cloud_properties, the only part that a CPI is given.

    Args:
        sha1: of the file `image`.
        light: what a light stemcell's cloud_properties say of its image.
    """
    kind = name(flavour)
    properties = {
        "name": kind, "version": version, "infrastructure": "warden", "hypervisor": "boshlite", "disk": 5120,
        "disk_format": "files", "container_format": "bare", "os_type": "linux", "os_distro": "ubuntu",
        "architecture": "x86_64", "root_device_name": "/dev/sda1",
    }  # fmt: skip
    fields = {
        "name": kind, "version": version, "bosh_protocol": 1, "api_version": 3, "sha1": sha1,
        "operating_system": OPERATING_SYSTEMS[flavour], "stemcell_formats": formats,
        "cloud_properties": {**properties, **(light or {})},
    }  # fmt: skip
    # JSON values are YAML, and this needs no YAML library.
    return "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items())


def heavy(path: Path, image: Path, flavour: str, version: str, packages: bytes) -> None:
    """Writes a tarball with the root file system in it."""
    sha1 = hashlib.sha1()
    with image.open("rb") as file:
        while part := file.read(1 << 20):
            sha1.update(part)
    content = manifest(flavour, version, sha1.hexdigest(), formats=["warden-tar"])
    _write(path, content, packages, image)


def light(path: Path, flavour: str, version: str, reference: str, digest: str) -> None:
    """Writes a tarball whose image is empty: cloud_properties name the image in a registry and its digest."""
    where = {"image_reference": reference, "digest": digest}
    content = manifest(flavour, version, hashlib.sha1(b"").hexdigest(), formats=["docker-light"], light=where)
    _write(path, content, b"", None)


def _write(path: Path, content: str, packages: bytes, image: Path | None) -> None:
    # The image is compressed already; the outer gzip is only there because clients expect one.
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for member, data in (("stemcell.MF", content.encode()), ("packages.txt", packages)):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        if image is None:
            tar.addfile(tarfile.TarInfo("image"))
        else:
            tar.add(image, "image")
