"""A machine of BOSH's as far as files go: the programs of this machine, and a /var/vcap of its own.

By namespaces and chroot, so that the paths of a real machine are used and nothing of this one can be mistaken for
them. Of this machine's programs and libraries only /usr is there, without its /usr/local. Needs root, or a kernel that
lets a user make namespaces.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

# What compiling may not find on a stemcell without it: an interpreter, and the headers of the libraries we bring along.
FOREIGN = (
    "usr/bin/python3*",
    "usr/bin/pkg-config",
    "usr/include/openssl",
    "usr/include/*/openssl",
    "usr/include/zlib.h",
)

# $1: an empty folder for the root, $2: the /var/vcap, $3: patterns of files to hide, then the command
ENTER = r"""
set -eu
root=$1 vcap=$2 hidden=$3
shift 3
mount -t tmpfs root "$root"
mkdir "$root/empty"
for folder in /usr /bin /sbin /lib* /etc /dev /proc /sys; do
  if [ -L "$folder" ]; then
    cp -P "$folder" "$root$folder"
  elif [ -d "$folder" ]; then
    mkdir "$root$folder"
    mount --rbind "$folder" "$root$folder"
  fi
done
mkdir -p "$root/tmp" "$root/var/vcap"
mount --rbind "$vcap" "$root/var/vcap"
cd "$root"
for path in usr/local $hidden; do
  if [ -d "$path" ]; then
    mount -t tmpfs hidden "$path"
  elif [ -e "$path" ]; then
    mount --bind /dev/null "$path"
  fi
done
exec chroot "$root" "$@"
"""


def run(
    vcap: Path,
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    network: bool = True,
    hidden: Sequence[str] = (),
    **options: Any,
) -> subprocess.CompletedProcess[Any]:
    """`subprocess.run` of a command on such a machine, whose /var/vcap is `vcap`, with that environment and no more.

    `network`: false for none at all. `hidden`: patterns, without the first slash, of what this machine has and that
    one shall not have.
    """
    flags = ["--mount", *([] if network else ["--net"]), *([] if os.geteuid() == 0 else ["--map-root-user"])]
    words = ["env", "-i", f"PATH={PATH}:/usr/local/bin", "unshare", *flags, "sh", "-c", ENTER, "sh"]
    inner = ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in (environment or {"PATH": PATH}).items())]
    with tempfile.TemporaryDirectory() as root:
        return subprocess.run([*words, root, vcap, " ".join(hidden), *inner, *command], check=False, **options)
