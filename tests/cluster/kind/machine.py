"""Facts about this machine, read from the kernel."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import cache

_CAP_SYS_RESOURCE = 24
MIB = 1 << 20


def has_sys_resource() -> bool:
    """Whether this process may raise limits and lower OOM scores; not so in some containers and small machines."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_RESOURCE & 1)
    return False


def cgroup_version() -> int:
    """2 where the unified hierarchy alone is mounted, else 1 (a hybrid counts as 1: its controllers are on v1)."""
    return 2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1


@dataclass(frozen=True)
class Facts:
    """What the preflight judges. Sizes in MiB."""

    root: bool
    architecture: str
    disk_free: int
    memory_available: int
    inotify_instances: int
    inotify_watches: int
    cgroup: int
    controllers: frozenset[str]
    filesystems: frozenset[str]
    shared_mounts: bool
    loop_control: bool
    programs: frozenset[str]


PROGRAMS = ("go", "gcc", "apt-get", "docker", "dockerd", "ruby", "losetup")


def facts() -> Facts:
    """Read them."""
    folder = cache.root()
    folder.mkdir(parents=True, exist_ok=True)
    memory = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return Facts(
        root=os.geteuid() == 0,
        architecture=os.uname().machine,
        disk_free=shutil.disk_usage(folder).free // MIB,
        memory_available=int(memory["MemAvailable"].split()[0]) // 1024,
        inotify_instances=_number("/proc/sys/fs/inotify/max_user_instances"),
        inotify_watches=_number("/proc/sys/fs/inotify/max_user_watches"),
        cgroup=cgroup_version(),
        controllers=_controllers(),
        filesystems=frozenset(line.split()[-1] for line in Path("/proc/filesystems").read_text().splitlines()),
        shared_mounts=_may_share_mounts(),
        loop_control=Path("/dev/loop-control").exists(),
        programs=frozenset(name for name in PROGRAMS if shutil.which(name)),
    )


def _number(file: str) -> int:
    return int(Path(file).read_text())


def _controllers() -> frozenset[str]:
    if cgroup_version() == 2:
        return frozenset(Path("/sys/fs/cgroup/cgroup.controllers").read_text().split())
    rows = (line.split() for line in Path("/proc/cgroups").read_text().splitlines() if not line.startswith("#"))
    return frozenset(row[0] for row in rows if row[3] == "1")


def _may_share_mounts() -> bool:
    """Whether mounts can be made shared here: tried in a mount namespace of its own that ends at once."""
    return os.system("unshare --mount mount --make-rshared / >/dev/null 2>&1") == 0
