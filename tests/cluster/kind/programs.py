"""Programs: what is on the PATH in an accepted version is used, what is missing is built from Go modules.

A family is a folder below tools/ with a go.mod and go.sum of its own, so that the families' dependencies do not fight;
or a folder of our own sources.
"""

import functools
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import cache, say
from .errors import ClusterError, CommandError
from .run import run
from .versions import ACCEPTED, KUBERNETES, VERSION_COMMAND, parse

TOOLS = Path(__file__).with_name("tools")


@dataclass(frozen=True)
class Family:
    """Go programs of one module: program name -> package, and how they are built; `sources` if they are our own."""

    packages: dict[str, str]
    stamps: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    cgo: bool = False
    sources: Path | None = None

    @property
    def flags(self) -> list[str]:
        """Flags of `go build`."""
        linker = " ".join(["-s -w", *(f"-X {stamp}" for stamp in self.stamps)])
        tags = [f"-tags={','.join(self.tags)}"] if self.tags else []
        return ["-trimpath", f"-ldflags={linker}", *tags]


def _kubernetes_stamps() -> tuple[str, ...]:
    major, minor, _ = KUBERNETES.split(".")
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return tuple(
        stamp
        for package in packages
        for stamp in (
            f"{package}.gitVersion=v{KUBERNETES}",
            f"{package}.gitMajor={major}",
            f"{package}.gitMinor={minor}",
        )
    )


_KUBERNETES = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubeadm",
    "kubectl",
    "kubelet",
)
_CNI = {"ptp": "main", "host-local": "ipam", "loopback": "main", "portmap": "meta"}
_CONTAINERD = "github.com/containerd/containerd/v2"
_CSI = "github.com/kubernetes-csi"

FAMILIES = {
    "kubernetes": Family({name: f"k8s.io/kubernetes/cmd/{name}" for name in _KUBERNETES}, _kubernetes_stamps()),
    "kind": Family({"kind": "sigs.k8s.io/kind"}),
    "helm": Family({"helm": "helm.sh/helm/v4/cmd/helm"}),
    "crane": Family({"crane": "github.com/google/go-containerregistry/cmd/crane"}),
    "registry": Family({"registry": "github.com/distribution/distribution/v3/cmd/registry"}),
    "cni": Family(
        {name: f"github.com/containernetworking/plugins/plugins/{part}/{name}" for name, part in _CNI.items()}
    ),
    "containerd": Family(
        {name: f"{_CONTAINERD}/cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")},
        stamps=(f"{_CONTAINERD}/version.Version=v2.4.2",),
        tags=("no_aufs", "no_zfs", "no_btrfs", "no_devmapper"),
    ),
    "runc": Family({"runc": "github.com/opencontainers/runc"}, tags=("seccomp",), cgo=True),
    "etcd": Family({"etcd": "go.etcd.io/etcd/server/v3"}),
    "coredns": Family({"coredns": "github.com/coredns/coredns"}),
    "local-path-provisioner": Family({"local-path-provisioner": "github.com/rancher/local-path-provisioner"}),
    "csi": Family(
        {
            "csi-provisioner": f"{_CSI}/external-provisioner/v6/cmd/csi-provisioner",
            "csi-resizer": f"{_CSI}/external-resizer/v2/cmd/csi-resizer",
            "csi-snapshotter": f"{_CSI}/external-snapshotter/v8/cmd/csi-snapshotter",
            "snapshot-controller": f"{_CSI}/external-snapshotter/v8/cmd/snapshot-controller",
            "csi-sanity": f"{_CSI}/csi-test/v5/cmd/csi-sanity",
        }
    ),
    "csi-driver": Family({"csi-driver": "bosh.local/csi-driver"}, sources=Path(__file__).parents[2] / "support/csi"),
}


def folder_of(family: str) -> Path:
    """Where a family's go.mod is."""
    return FAMILIES[family].sources or TOOLS / family


def family_of(program: str) -> str:
    """Name of the family that builds a program."""
    return next(name for name, family in FAMILIES.items() if program in family.packages)


@functools.cache
def key_of(program: str) -> str:
    """Cache key of a built program: its module's files, our sources, its flags, its platform."""
    name = family_of(program)
    family, folder = FAMILIES[name], folder_of(name)
    files = (folder / "go.mod", folder / "go.sum", *sorted(folder.glob("*.go")))
    return cache.key(*files, program, family.packages[program], *family.flags, str(family.cgo), os.uname().machine)


def link_folder() -> Path:
    """The folder for the user's PATH, with links to the programs in use."""
    return cache.root() / "bin"


def _foreign_path() -> str:
    """The PATH without our own folder: a link in it would be found and linked to itself."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if Path(folder) != link_folder())


@functools.cache
def on_path(program: str) -> Path | None:
    """The program on the PATH, if its version is an accepted one; says so when it is not."""
    found = shutil.which(program, path=_foreign_path())
    if found is None or program not in ACCEPTED:
        return None
    try:
        answer = run([found, *VERSION_COMMAND[program]], timeout=20)
    except CommandError:
        answer = ""
    version = parse(answer)
    if version is not None and version in ACCEPTED[program]:
        return Path(found)
    seen = ".".join(map(str, version)) if version else "unknown version"
    say.line(f"{found} is not used: {seen}, needed {ACCEPTED[program]}")
    return None


def built(program: str) -> Path | None:
    """A program that was built before, verified."""
    folder = cache.find("programs", program, key_of(program))
    return folder / program if folder else None


def build(wanted: list[str]) -> dict[str, Path]:
    """Programs built by us: out of the cache, what is missing by `go build`, one call a family."""
    found = {program: path for program in wanted if (path := built(program))}
    missing: dict[str, list[str]] = {}
    for program in wanted:
        if program not in found:
            missing.setdefault(family_of(program), []).append(program)
    for name, programs in missing.items():
        with say.step(f"build {name}" + (f" ({', '.join(programs)})" if programs != [name] else "")):
            found |= _go_build(name, programs)
    return found


def _go_build(name: str, programs: list[str]) -> dict[str, Path]:
    if shutil.which("go") is None:
        raise ClusterError(
            f"{', '.join(programs)} must be built and there is no Go on the PATH: "
            "install Go >= 1.26 (https://go.dev/dl), or the programs themselves"
        )
    family = FAMILIES[name]
    env = {"CGO_ENABLED": "1" if family.cgo else "0", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    with cache.work_folder() as folder:
        packages = [family.packages[program] for program in programs]
        run(["go", "build", *family.flags, "-o", f"{folder}/", *packages], cwd=folder_of(name), env=env)
        for program in programs:
            with cache.making("programs", program, key_of(program)) as entry:
                shutil.move(folder / _go_name(family.packages[program]), entry / program)
    return {program: cache.root() / "programs" / f"{program}-{key_of(program)}" / program for program in programs}


def _go_name(package: str) -> str:
    """The file name that `go build` gives to a package's program: its last element that is no major version."""
    last = [part for part in package.split("/") if not (part[0] == "v" and part[1:].isdigit())]
    return last[-1]


def module_folder(family: str, module: str) -> Path:
    """The folder of a family's module in Go's module cache (sources: kind's own files)."""
    env = {"GOFLAGS": "-mod=readonly"}
    run(["go", "mod", "download", module], cwd=TOOLS / family, env=env)
    return Path(run(["go", "list", "-m", "-f", "{{.Dir}}", module], cwd=TOOLS / family, env=env).strip())


def tools(wanted: list[str]) -> dict[str, Path]:
    """Programs for use on this machine: from the PATH where the version will do, else built."""
    found = {program: path for program in wanted if (path := on_path(program))}
    return found | build([program for program in wanted if program not in found])


def link(paths: dict[str, Path]) -> None:
    """Put the programs into the folder for the user's PATH."""
    link_folder().mkdir(parents=True, exist_ok=True)
    for name, path in paths.items():
        new = link_folder() / f".{name}.new"
        new.unlink(missing_ok=True)
        new.symlink_to(path)
        new.rename(link_folder() / name)
