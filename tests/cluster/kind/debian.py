"""Debian packages: on this machine by apt, and root file systems by debootstrap, kept as a tar."""

import os
import shutil
import sys
from pathlib import Path

from . import cache, say
from .errors import ClusterError
from .run import run, works
from .versions import DEBIAN

# Debian 12: its systemd 252 still boots on cgroup v1.
NODE_PACKAGES = """
systemd systemd-sysv dbus conntrack iptables nftables ipset iproute2 ethtool util-linux mount kmod libseccomp2 pigz
e2fsprogs xfsprogs bash busybox ca-certificates curl jq procps socat
""".split()  # noqa: SIM905 (a list of strings would take twenty lines)
PYTHON_PACKAGES = ["python3", "python3-venv", "ca-certificates"]


def install(packages: list[str], why: str, *, ask: bool = False) -> None:
    """Install what is missing by apt, saying what and why. With `ask` and a terminal, the user decides first."""
    missing = [package for package in packages if not _installed(package)]
    if not missing:
        return
    names = " ".join(missing)
    if shutil.which("apt-get") is None:
        raise ClusterError(f"{why}: this machine has no apt; install what corresponds to Debian's {names}")
    if os.geteuid() != 0:
        raise ClusterError(f"{why}: run `sudo apt-get install {names}`")
    if ask and sys.stdin.isatty():
        say.line(f"{why}: apt-get install {names}")
        if input("cluster: install it? [y/N] ").strip().lower() not in ("y", "yes"):
            raise ClusterError(f"{why}: {names} was not installed, as you wished")
    with say.step(f"apt-get install {names} ({why})"):
        env = {"DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing]
        if not works(command, env=env):  # package lists may be missing or old
            run(["apt-get", "update", "-q"])
            run(command, env=env)


def _installed(package: str) -> bool:
    return works(["sh", "-c", f"dpkg-query -W -f '${{db:Status-Status}}' {package} | grep -qx installed"])


def root_key(packages: list[str]) -> str:
    """Cache key of a root file system."""
    return cache.key(DEBIAN, os.uname().machine, *packages)


def unpacked_root(name: str, packages: list[str], target: Path) -> None:
    """A minimal Debian with the given packages in the folder `target`: out of the cache, else by debootstrap."""
    entry = cache.find("debian", name, root_key(packages))
    if entry is None:
        entry = _debootstrap(name, packages)
    target.mkdir(parents=True, exist_ok=True)
    run(["tar", "--numeric-owner", "--xattrs", "-C", target, "-xpf", entry / "root.tar"])


def _debootstrap(name: str, packages: list[str]) -> Path:
    install(["debootstrap"], "a root file system is made from Debian packages")
    entry_key = root_key(packages)
    with say.step(f"debootstrap {name}"), cache.work_folder() as folder:
        root = folder / "root"
        run(["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", DEBIAN, root])
        for leftover in (*(root / "var/cache/apt").glob("*"), *(root / "var/lib/apt/lists").glob("*")):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        for device in (root / "dev").iterdir():  # a container gets its own
            shutil.rmtree(device) if device.is_dir() and not device.is_symlink() else device.unlink()
        with cache.making("debian", name, entry_key) as making:
            run(["tar", "--numeric-owner", "--xattrs", "-C", root, "-cf", making / "root.tar", "."])
    return cache.root() / "debian" / f"{name}-{entry_key}"
