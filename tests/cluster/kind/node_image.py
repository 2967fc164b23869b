"""The node image: a Debian root, kind's own files, the programs of a node, and the images that it carries."""

import functools
import os
import shutil
from contextlib import suppress
from pathlib import Path

from . import archive, cache, debian, images, programs, say
from .engine import Engine
from .errors import ClusterError, CommandError
from .run import run
from .versions import KUBERNETES

ASSETS = Path(__file__).with_name("assets")
NAME = f"bosh.local/node:v{KUBERNETES}"
PROGRAMS = [
    "containerd", "containerd-shim-runc-v2", "ctr", "runc", "kubelet", "kubeadm", "kubectl",
    "ptp", "host-local", "loopback", "portmap",
]  # fmt: skip
SETTINGS = archive.Settings(
    env=("container=docker", archive.PATH),
    entrypoint=("/usr/local/bin/entrypoint", "/sbin/init"),
    stop_signal="SIGRTMIN+3",
)
_CARRIED = ("node-root.sh", "container-spec.py", "preload.sh", "podnet.yaml")


@functools.cache
def key() -> str:
    """Cache key of the node image: everything that goes into it."""
    built = [programs.key_of(program) for program in [*PROGRAMS, "kind"]]
    carried = [image.key for image in images.NODE_IMAGES]
    scripts = [ASSETS / name for name in _CARRIED]
    return cache.key(NAME, *built, *carried, *scripts, debian.root_key(debian.NODE_PACKAGES), Path(__file__))


def tag() -> str:
    """Name of the image in the engine: the key is in it, so that an old one is never taken for the new one."""
    return f"{NAME}-{key()}"


def ensure(engine: Engine) -> str:
    """The node image in the engine; returns its name. Made from nothing if it has to be."""
    name = tag()
    entry = cache.root() / "node" / f"node-{key()}"
    known = entry / "id"
    if known.exists() and engine.image_id(name) == known.read_text():
        return name
    verified = cache.find("node", "node", key()) or _make()
    with say.step("load the node image into the engine"):
        _forget_older(engine)
        engine.run("load", "-i", verified / "image.tar")
    return name


def _forget_older(engine: Engine) -> None:
    """Remove node images of other keys from the engine, except those that a cluster runs on."""
    for older in engine.run("images", "--format", "{{.Repository}}:{{.Tag}}", NAME.partition(":")[0]).split():
        with suppress(CommandError):
            engine.run("rmi", older)


def _make() -> Path:
    debian.install(["gcc", "libc6-dev", "pkg-config", "libseccomp-dev"], "runc is built with libseccomp")
    built = programs.build([*PROGRAMS, *(name for image in images.NODE_IMAGES for name in image.programs)])
    carried = images.make(images.NODE_IMAGES)
    _check_names(built["kubeadm"], carried)
    kind = programs.module_folder("kind", "sigs.k8s.io/kind")
    with say.step("node image"), cache.work_folder() as folder:
        tools, root = folder / "programs", folder / "root"
        tools.mkdir()
        for name in PROGRAMS:
            shutil.copy(built[name], tools / name)
        debian.unpacked_root("node", debian.NODE_PACKAGES, root)
        pause, provisioner, helper = images.PAUSE_IMAGE, images.PROVISIONER_IMAGE, images.HELPER_IMAGE
        run([ASSETS / "node-root.sh", root, kind, tools, ASSETS, pause, provisioner, helper, KUBERNETES])
        run([ASSETS / "preload.sh", root, tools, *carried.values()])
        for scratch in ("run", "tmp"):
            shutil.rmtree(root / scratch)
            (root / scratch).mkdir()
        os.chmod(root / "tmp", 0o1777)
        with cache.making("node", "node", key()) as making:
            (making / "id").write_text(archive.write(making / "image.tar", tag(), root, SETTINGS))
    return cache.root() / "node" / f"node-{key()}"


def _check_names(kubeadm: Path, carried: dict[str, Path]) -> None:
    """kubeadm decides under which names it looks for its images: an unpinned one would be pulled."""
    needed = run([kubeadm, "config", "images", "list", f"--kubernetes-version=v{KUBERNETES}"]).split()
    absent = [name for name in needed if name not in carried]
    if absent:
        raise ClusterError(f"kubeadm {KUBERNETES} wants {', '.join(absent)}: set their versions in versions.py")
