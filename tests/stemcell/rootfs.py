"""The Debian part of a test stemcell: packages, users, nothing of BOSH's. Built once per package list and cached.

The result is one gzip member holding a tar without its end mark. Gzip members and tar entries can both be
strung together, so an image is this file followed by one more member with what differs (see image.py): another
version or another agent costs a copy, not a compression of 200 MB.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SUITE = "bookworm"

# What the agent and its scripts run (bash, mount, usermod, sfdisk, ...), what the firmware runs inside the image
# (awk, ip, nft, mkfs.ext4, losetup, unshare), and Python for the stand-in agent.
PACKAGES = [
    "bash", "ca-certificates", "coreutils", "e2fsprogs", "fdisk", "findutils", "grep", "gzip", "hostname", "iproute2",
    "iptables", "login", "mount", "passwd", "procps", "python3", "sed", "tar", "util-linux",
]  # fmt: skip

# runit stemcells carry systemd too but do not boot with it, as jammy's do: an init that is chosen by what is on the
# disk is chosen wrongly. One flavour has mawk, the other gawk: the firmware has to do with either.
FLAVOUR_PACKAGES = {
    "runit": ["mawk", "resolvconf", "runit", "systemd"],
    "systemd": ["dbus", "gawk", "systemd", "systemd-resolved", "systemd-sysv"],
}

# The users and groups of a stemcell. Debian has no group syslog, and the agent's bootstrap dies without it.
SETUP = """
set -eu
for group in admin syslog bosh_sudoers bosh_sshers; do getent group $group > /dev/null || groupadd --system $group; done
groupadd --gid 1000 vcap
useradd --uid 1000 --gid vcap --create-home --shell /bin/bash vcap
usermod --append --groups admin,adm,audio,cdrom,dialout,floppy,video,dip,plugdev,sudo,bosh_sshers vcap
echo UTC > /etc/timezone
for part in head base; do [ ! -e /etc/resolvconf ] || : > /etc/resolvconf/resolv.conf.d/$part; done
rm -rf /etc/systemd/system/timers.target.wants
rm -rf /etc/hosts /etc/hostname /etc/machine-id /etc/service /etc/resolv.conf
rm -rf /var/cache/apt /var/lib/apt/lists /var/log /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale
mkdir -p /var/cache/apt/archives/partial /var/lib/apt/lists/partial /var/log
"""

Say = Callable[[str], None]


def cache_dir() -> Path:
    """Where finished bases are kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bosh-kubernetes-cpi" / "stemcells"


def packages(flavour: str) -> list[str]:
    return sorted(PACKAGES + FLAVOUR_PACKAGES[flavour])


def key(flavour: str) -> str:
    """Names a base by what it is made of."""
    recipe = "\n".join([SUITE, *packages(flavour), SETUP])
    return f"{flavour}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Base:
    member: Path
    """Gzip member with the tar, end mark missing."""
    packages: Path
    """Packages with their versions, one a line."""
    paths: frozenset[str]
    """Every path in the tar, without leading "./"."""


def base(flavour: str, say: Say) -> Base:
    """The cached base of a flavour, built when it is missing."""
    member, packages_list = (cache_dir() / f"{key(flavour)}{end}" for end in (".tar.gz.part", ".packages.txt"))
    if not member.exists():
        member.parent.mkdir(parents=True, exist_ok=True)
        say(f"no cached base {member.name}: running debootstrap (about 2 minutes)")
        with tempfile.TemporaryDirectory(dir=member.parent, prefix="debootstrap-") as folder:
            root = Path(folder) / "root"
            _debootstrap(root, flavour)
            written = Path(folder) / "member"
            _write_member(root, written)
            packages_list.write_text(_installed(root))
            os.replace(written, member)
    return Base(member, packages_list, _paths(member))


def _paths(member: Path) -> frozenset[str]:
    listing = member.with_suffix(".paths")
    if not listing.exists():
        with tarfile.open(member) as tar:
            names = [entry.name.removeprefix("./") for entry in tar]
        written = listing.with_suffix(f".{os.getpid()}")
        written.write_text("\n".join(names))
        os.replace(written, listing)
    return frozenset(listing.read_text().split("\n"))


def _debootstrap(root: Path, flavour: str) -> None:
    tool = shutil.which("debootstrap", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if tool is None:
        raise SystemExit("debootstrap is missing: apt-get install debootstrap")
    log = root.parent / "log"
    command = [tool, "--variant=minbase", f"--include={','.join(packages(flavour))}", SUITE, str(root)]
    for step in (command, ["chroot", str(root), "/bin/sh", "-c", SETUP]):
        with log.open("ab") as out:
            done = subprocess.run(step, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False)
        if done.returncode:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise SystemExit(f"{step[0]} failed with status {done.returncode}:\n{last}")


def _installed(root: Path) -> str:
    query = ["dpkg-query", f"--admindir={root}/var/lib/dpkg", "--show"]
    return subprocess.run(query, check=True, capture_output=True, text=True).stdout


def _write_member(root: Path, path: Path) -> None:
    with gzip.GzipFile(path, "wb", compresslevel=5, mtime=0) as stream:
        tar = tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        tar.add(root, ".", filter=_entry)  # and not closed: that would write the end mark


def _entry(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    # Device nodes come from the container; /proc, /sys and /run are mounted over.
    if re.match(r"\./(dev|proc|sys|run)/", entry.name):
        return None
    entry.uname = entry.gname = ""  # names are those of this machine
    return entry
