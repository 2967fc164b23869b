"""Container images from nothing: a root folder becomes an archive that `docker load` and `ctr images import` read.

Format: the archive of `docker save` (manifest.json, one config, one layer), as in moby's image/spec/spec.md.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import cache
from .run import run

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
EPOCH = "1970-01-01T00:00:00Z"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Settings:
    """What an image says of its container, beside its files."""

    env: Sequence[str] = (PATH,)
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    user: str = ""
    stop_signal: str = ""
    volumes: Sequence[str] = field(default_factory=tuple)

    def config(self, layer_digest: str) -> dict[str, object]:
        """The image's config document, for one layer with the given digest (hex SHA-256 of the plain tar)."""
        container: dict[str, object] = {"Env": list(self.env)}
        if self.entrypoint:
            container["Entrypoint"] = list(self.entrypoint)
        if self.command:
            container["Cmd"] = list(self.command)
        if self.user:
            container["User"] = self.user
        if self.stop_signal:
            container["StopSignal"] = self.stop_signal
        if self.volumes:
            container["Volumes"] = {volume: {} for volume in self.volumes}
        return {
            "architecture": _ARCHITECTURES.get(os.uname().machine, os.uname().machine),
            "os": "linux",
            "created": EPOCH,
            "config": container,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
            "history": [{"created": EPOCH, "created_by": "bosh-kubernetes-cpi tests/cluster/kind"}],
        }


def write(archive: Path, name: str, root: Path, settings: Settings) -> str:
    """Write the folder `root` as the image `name` into `archive`; returns the image's id ("sha256:...")."""
    layer = archive.with_suffix(".layer")
    run(["tar", "--sort=name", "--mtime=@0", "--numeric-owner", "--xattrs", "-C", root, "-cf", layer, "."])
    digest = cache.sha256(layer)
    config = json.dumps(settings.config(digest), sort_keys=True).encode()
    config_digest = hashlib.sha256(config).hexdigest()
    manifest = [{"Config": f"{config_digest}.json", "RepoTags": [name], "Layers": [f"{digest}/layer.tar"]}]
    with tarfile.open(archive, "w") as tar:
        _add(tar, f"{config_digest}.json", config)
        tar.add(layer, f"{digest}/layer.tar", filter=_plain)
        _add(tar, "manifest.json", json.dumps(manifest).encode())
    layer.unlink()
    return f"sha256:{config_digest}"


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def name_and_id(archive: Path) -> tuple[str, str]:
    """Name and id of the one image in an archive."""
    with tarfile.open(archive) as tar:
        member = tar.extractfile("manifest.json")
        assert member is not None
        manifest = json.load(member)[0]
    config = manifest["Config"].removesuffix(".json").rpartition("/")[2]
    return manifest["RepoTags"][0], f"sha256:{config}"
