"""The container images of the build path: a few files of ours on a root made from nothing or from Debian packages.

An image is a cache entry `images/<name>-<key>/image.tar`, keyed by what it is made from, readable by `docker load`.
"""

import functools
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import archive, cache, debian, programs, say
from .run import run
from .versions import COREDNS, ETCD_TAG, KUBERNETES, LOCAL_PATH, PAUSE, REGISTRY

ASSETS = Path(__file__).with_name("assets")
HERE = Path(__file__)

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")

PAUSE_IMAGE = f"registry.k8s.io/pause:{PAUSE}"
PROVISIONER_IMAGE = f"bosh.local/local-path-provisioner:v{LOCAL_PATH}"
HELPER_IMAGE = "bosh.local/busybox:v1"
PODNET_IMAGE = "bosh.local/podnet:v1"
REGISTRY_IMAGE = f"bosh.local/registry:{REGISTRY}"
PYTHON_IMAGE = "bosh.local/python:3.11-debian"
CSI_IMAGE = "bosh.local/csi:v1"
TEST_IMAGE = HELPER_IMAGE

NETWORK_PROGRAMS = ("usr/sbin/xtables-nft-multi", "usr/sbin/nft", "usr/sbin/conntrack", "usr/sbin/ipset")
FILE_SYSTEM_TOOLS = ("sbin/mkfs.ext4", "sbin/e2fsck", "sbin/resize2fs", "sbin/mkfs.xfs")
CSI_PROGRAMS = ("csi-driver", "csi-provisioner", "csi-resizer", "csi-snapshotter", "snapshot-controller")
IPTABLES_NAMES = ("iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore")


PLAIN = archive.Settings()


@dataclass(frozen=True)
class Image:
    """An image: its name, the Go programs in it (name -> folder), what else fills its root, and its settings."""

    name: str
    programs: dict[str, str]
    fill: Callable[[Path, Path], None]
    settings: archive.Settings = PLAIN
    parts: tuple[str | Path, ...] = ()

    @property
    def short(self) -> str:
        """Name without registry and version."""
        return self.name.rpartition("/")[2].partition(":")[0]

    @functools.cached_property
    def key(self) -> str:
        """Cache key."""
        built = [programs.key_of(program) for program in self.programs]
        roots = [debian.root_key(debian.NODE_PACKAGES), debian.root_key(debian.PYTHON_PACKAGES)]
        recipe = (HERE, HERE.with_name("archive.py"), HERE.with_name("debian.py"))
        return cache.key(self.name, *built, *roots, *self.parts, *recipe)


def _skeleton(root: Path, debian_root: Path) -> None:
    """Folders and files that every program expects."""
    for folder in ("etc/ssl/certs", "usr/local/bin", "tmp", "proc", "sys", "dev", "run", "var"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    shutil.copy(debian_root / "etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs/ca-certificates.crt")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "etc/nsswitch.conf").write_text("hosts: files dns\n")


def _copy_programs(root: Path, debian_root: Path, *files: str | Path) -> None:
    """Programs and plugins of the Debian root with the libraries that they load; links become what they mean there."""
    paths = [f"/{file}" for file in files]
    libraries = re.findall(r"=> (/\S+)|^\s+(/\S+) \(", run(["chroot", debian_root, "ldd", *paths]), re.MULTILINE)
    for path in {*paths, *(found or loader for found, loader in libraries)}:
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        meant = run(["chroot", debian_root, "readlink", "-f", path]).strip()
        shutil.copy(debian_root / meant.lstrip("/"), target)


def _busybox(root: Path, debian_root: Path) -> None:
    """Debian's dynamic busybox with a link for each applet (the static one crashes when it resolves names)."""
    _skeleton(root, debian_root)
    _copy_programs(root, debian_root, "bin/busybox")
    for applet in run(["chroot", debian_root, "/bin/busybox", "--list"]).split():
        link = root / "bin" / applet
        if applet != "busybox":
            link.symlink_to("busybox")


def _network(root: Path, debian_root: Path) -> None:
    """busybox, iptables, nft, conntrack, ipset."""
    _busybox(root, debian_root)
    plugins = [file.relative_to(debian_root) for file in debian_root.glob("usr/lib/*/xtables/*.so")]
    _copy_programs(root, debian_root, *NETWORK_PROGRAMS, *plugins)
    for name in IPTABLES_NAMES:
        (root / "usr/sbin" / name).symlink_to("xtables-nft-multi")
    # what kube-proxy's rules use: a plugin whose library is missing would be seen at the first Service only
    for match in ("statistic", "comment", "conntrack", "addrtype", "mark", "recent"):
        run(["chroot", root, "/usr/sbin/iptables", "-m", match, "--help"])
    run(["chroot", root, "/usr/sbin/nft", "--version"])


def _podnet(root: Path, debian_root: Path) -> None:
    _network(root, debian_root)
    shutil.copy(ASSETS / "podnet.sh", root / "podnet.sh")


def _registry(root: Path, debian_root: Path) -> None:
    _skeleton(root, debian_root)
    (root / "etc/distribution").mkdir()
    (root / "var/lib/registry").mkdir(parents=True)
    shutil.copy(ASSETS / "registry.yml", root / "etc/distribution/config.yml")


def _csi(root: Path, debian_root: Path) -> None:
    """The tools of ext4 and xfs."""
    _skeleton(root, debian_root)
    shutil.copy(debian_root / "etc/mke2fs.conf", root / "etc/mke2fs.conf")
    _copy_programs(root, debian_root, *FILE_SYSTEM_TOOLS)


def _pause(root: Path, _: Path) -> None:
    debian.install(["gcc", "libc6-dev"], "the pause program is written in C")
    run(["gcc", "-Os", "-static", "-s", "-Wall", "-o", root / "pause", ASSETS / "pause.c"])


def _python(root: Path, _: Path) -> None:
    """With this machine's certificate authorities: a build trusts a package proxy that the machine trusts."""
    debian.unpacked_root("python", debian.PYTHON_PACKAGES, root)
    if AUTHORITIES.exists():
        shutil.copy(AUTHORITIES, root / "etc/ssl/certs/ca-certificates.crt")


def _at(folder: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, folder)


_BIN = "usr/local/bin"
_CONTROL_PLANE = [
    Image(f"registry.k8s.io/{name}:v{KUBERNETES}", _at(_BIN, name), _skeleton)
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
]

# Images that a node carries. Names of Kubernetes' own are those of `kubeadm config images list`.
NODE_IMAGES = [
    *_CONTROL_PLANE,
    Image(f"registry.k8s.io/kube-proxy:v{KUBERNETES}", _at(_BIN, "kube-proxy"), _network),
    Image(f"registry.k8s.io/etcd:{ETCD_TAG}", _at(_BIN, "etcd"), _skeleton),
    Image(
        f"registry.k8s.io/coredns/coredns:v{COREDNS}",
        _at("", "coredns"),
        _skeleton,
        archive.Settings(entrypoint=["/coredns"]),
    ),
    Image(
        PAUSE_IMAGE,
        {},
        _pause,
        archive.Settings(entrypoint=["/pause"], user="65535:65535"),
        (ASSETS / "pause.c",),
    ),
    Image(
        PROVISIONER_IMAGE,
        _at(_BIN, "local-path-provisioner"),
        _skeleton,
        archive.Settings(entrypoint=["/usr/local/bin/local-path-provisioner"]),
    ),
    Image(HELPER_IMAGE, {}, _busybox, archive.Settings(command=["sh"])),
    Image(PODNET_IMAGE, _at(_BIN, "kubectl"), _podnet, parts=(ASSETS / "podnet.sh",)),
]

# Images for what is installed into the cluster: its storage, the chart's registry, the base of the operator's image.
TEST_IMAGES = [
    Image(
        REGISTRY_IMAGE,
        _at("bin", "registry"),
        _registry,
        archive.Settings(
            entrypoint=["registry"],
            command=["serve", "/etc/distribution/config.yml"],
            volumes=["/var/lib/registry"],
            env=[archive.PATH],
        ),
        (ASSETS / "registry.yml",),
    ),
    Image(
        PYTHON_IMAGE,
        {},
        _python,
        archive.Settings(env=[archive.PATH, "LANG=C.UTF-8"], command=["python3"]),
        (AUTHORITIES,) if AUTHORITIES.exists() else (),
    ),
    Image(CSI_IMAGE, _at(_BIN, *CSI_PROGRAMS), _csi),
]


def find(image: Image) -> Path | None:
    """The archive of an image that was made before, verified."""
    entry = cache.find("images", image.short, image.key)
    return entry / "image.tar" if entry else None


def make(images: list[Image]) -> dict[str, Path]:
    """Archives of the images by image name: out of the cache, what is missing is made."""
    found = {image.name: path for image in images if (path := find(image))}
    missing = [image for image in images if image.name not in found]
    if not missing:
        return found
    built = programs.build(sorted({program for image in missing for program in image.programs}))
    with cache.work_folder() as folder:
        debian_root = folder / "debian"
        debian.unpacked_root("node", debian.NODE_PACKAGES, debian_root)
        with say.step(f"images {', '.join(image.short for image in missing)}"):
            for image in missing:
                found[image.name] = _make(image, built, folder / image.short, debian_root)
    return found


def _make(image: Image, built: dict[str, Path], root: Path, debian_root: Path) -> Path:
    root.mkdir()
    image.fill(root, debian_root)
    for program, folder in image.programs.items():
        target = root / folder / program
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(built[program], target)
        target.chmod(0o755)
    with cache.making("images", image.short, image.key) as making:
        archive.write(making / "image.tar", image.name, root, image.settings)
    shutil.rmtree(root)
    return cache.root() / "images" / f"{image.short}-{image.key}" / "image.tar"
