"""What is wrong with this machine for a test cluster, each with its cure. Pure: judges facts, touches nothing."""

from dataclasses import dataclass

from .machine import Facts

GIB = 1024  # MiB
ARCHITECTURES = ("x86_64", "aarch64")
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
FILESYSTEMS = ("overlay", "ext4")
INSTANCES_PER_NODE = 60


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: `fatal` ones stop `up`."""

    fatal: bool
    what: str
    cure: str

    def __str__(self) -> str:
        return f"{'error' if self.fatal else 'warning'}: {self.what}. {self.cure}."


def judge(facts: Facts, nodes: int) -> list[Finding]:
    """Everything that is wrong with the machine for so many nodes."""
    found = [*_limits(facts, nodes), *_kernel(facts), *_programs(facts)]
    return sorted(found, key=lambda finding: not finding.fatal)


def _limits(facts: Facts, nodes: int) -> list[Finding]:
    memory = 1 * GIB + nodes * GIB
    instances = 20 + nodes * INSTANCES_PER_NODE
    found = []
    if facts.disk_free < 12 * GIB:
        what = f"{facts.disk_free} MiB of disk are free, builds and cluster need up to {12 * GIB}"
        found.append(Finding(True, what, "Free some, or set XDG_CACHE_HOME to a folder on a bigger disk"))
    if facts.memory_available < memory:
        what = f"{facts.memory_available} MiB of memory are available, {nodes} node(s) need {memory}"
        found.append(Finding(True, what, "End what uses it, or use fewer nodes"))
    if facts.inotify_instances < instances:
        what = f"fs.inotify.max_user_instances is {facts.inotify_instances}, {nodes} node(s) need about {instances}"
        found.append(Finding(False, what, "Run `sysctl -w fs.inotify.max_user_instances=512`"))
    if facts.inotify_watches < 65536:
        what = f"fs.inotify.max_user_watches is {facts.inotify_watches}, 65536 are needed"
        found.append(Finding(False, what, "Run `sysctl -w fs.inotify.max_user_watches=524288`"))
    return found


def _kernel(facts: Facts) -> list[Finding]:
    found = []
    if facts.architecture not in ARCHITECTURES:
        what = f"the architecture is {facts.architecture}; {' and '.join(ARCHITECTURES)} are known to work"
        found.append(Finding(True, what, "Use another machine"))
    if missing := [name for name in CONTROLLERS if name not in facts.controllers]:
        what = f"cgroup v{facts.cgroup} has no controller {', '.join(missing)}"
        found.append(Finding(True, what, "Enable it on the kernel's command line (cgroup_enable=...)"))
    if facts.cgroup == 1:
        what = "cgroup v1: kubelet and kind will drop it"
        found.append(Finding(False, what, "Boot with systemd.unified_cgroup_hierarchy=1 when you can"))
    if missing := [name for name in FILESYSTEMS if name not in facts.filesystems]:
        what = f"the kernel knows no {', '.join(missing)}"
        found.append(Finding(True, what, "Load it: `modprobe " + " ".join(missing) + "`"))
    if not facts.shared_mounts:
        what = "mounts cannot be made shared, so that disks cannot reach a running machine"
        found.append(Finding(True, what, "Run as root, with CAP_SYS_ADMIN, outside an unprivileged container"))
    if not facts.loop_control:
        what = "there is no /dev/loop-control, so that there are no block devices to test with"
        found.append(Finding(True, what, "Run `modprobe loop`"))
    return found


def _programs(facts: Facts) -> list[Finding]:
    found = []
    if not facts.root:
        what = "not run as root: block devices and a container engine of our own need it"
        found.append(Finding(True, what, "Use sudo"))
    if "go" not in facts.programs:
        what = "there is no Go on the PATH, which builds what cannot be pulled"
        found.append(Finding(False, what, "Install Go >= 1.26 (https://go.dev/dl)"))
    if "apt-get" not in facts.programs and "docker" not in facts.programs:
        what = "there is neither a container engine nor apt to install one"
        found.append(Finding(True, what, "Install Docker (https://docs.docker.com/engine/install)"))
    if "ruby" not in facts.programs:
        what = "there is no ruby, which the real bosh client needs to render templates in create-env"
        found.append(Finding(False, what, "Run `apt-get install ruby` if you set BOSH_CLI"))
    return found
