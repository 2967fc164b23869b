"""Makes a test stemcell: python3 tests/stemcell/build.py --flavour runit --version 1.0 --out DIR

Writes to DIR, for a flavour and version:
  image-<flavour>-<version>.tar.gz              root file system, also for `docker import`
  stemcell-<flavour>-<version>.tgz              heavy stemcell
  light-stemcell-<flavour>-<version>.tgz        light stemcell, when --image and --digest say where its image is
With --docker the image is imported as bosh.local/stemcell-<flavour>:<version>.

The agent is a stand-in (tests/stemcell/agent), unless --agent and --monit (or BOSH_AGENT and BOSH_MONIT) name the
binaries of the real agent and of monit 5.2.5. Needs root and debootstrap; the Debian part is cached.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.stemcell import image, rootfs, tarball


def build(
    flavour: str, version: str, out: Path, agent: Path | None = None, monit: Path | None = None, say: rootfs.Say = print
) -> tuple[Path, Path]:
    """Makes image and heavy stemcell and returns their paths.

    Raises:
        SystemExit: a tool is missing or failed, or only one of agent and monit is given.
    """
    if (agent is None) != (monit is None):
        raise SystemExit("the real agent needs monit 5.2.5 and the stand-in has its own: give both binaries or neither")
    began = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    base = rootfs.base(flavour, say)
    picture = out / f"image-{flavour}-{version}.tar.gz"
    image.write(picture, base, flavour, version, agent, monit)
    stemcell = out / f"stemcell-{flavour}-{version}.tgz"
    tarball.heavy(stemcell, picture, flavour, version, base.packages.read_bytes())
    kind = "the real agent" if agent else "the stand-in agent"
    say(
        f"{stemcell} with {kind}: {stemcell.stat().st_size >> 20} MiB (packages: "
        f"{base.member.name.partition('.')[0]}), "
        f"{time.monotonic() - began:.1f} s"
    )
    return picture, stemcell


def docker_import(picture: Path, flavour: str, version: str, say: rootfs.Say = print) -> str:
    """Imports an image into the engine and returns its name."""
    began = time.monotonic()
    tag = f"bosh.local/stemcell-{flavour}:{version}"
    done = subprocess.run(["docker", "import", str(picture), tag], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"docker import failed: {done.stderr.strip()}")
    say(f"{tag} imported, {time.monotonic() - began:.1f} s")
    return tag


def _binary(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value) if value else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flavour", choices=sorted(rootfs.FLAVOUR_PACKAGES), required=True)
    parser.add_argument("--version", default="1.0")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--agent", type=Path, default=_binary("BOSH_AGENT"), help="binary of the real agent")
    parser.add_argument("--monit", type=Path, default=_binary("BOSH_MONIT"), help="binary of monit 5.2.5")
    parser.add_argument("--docker", action="store_true", help="import the image into the container engine too")
    parser.add_argument("--image", help="reference of the image in a registry, for a light stemcell")
    parser.add_argument("--digest", help="digest of that image (sha256:...)")
    args = parser.parse_args()
    if bool(args.image) != bool(args.digest):
        parser.error("--image and --digest go together")
    picture, _ = build(args.flavour, args.version, args.out, args.agent, args.monit)
    if args.docker:
        docker_import(picture, args.flavour, args.version)
    if args.image:
        path = args.out / f"light-stemcell-{args.flavour}-{args.version}.tgz"
        tarball.light(path, args.flavour, args.version, args.image, args.digest)
        print(f"{path} for {args.image}@{args.digest}")


if __name__ == "__main__":
    main()
