"""The release's Python, compiled once for what it is made of and kept in the cache: minutes the first time, then none.

It is compiled as a machine's agent does it, at the very path of such a machine, without a network, and without what
the sandbox hides. `python -m tests.support.release.compiled` compiles it, or says that it is there.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import time
from pathlib import Path

from cpi.release.maker import blobs
from tests.cluster.kind import cache
from tests.support.release import sandbox, sources

ROOT = Path(__file__).parents[3]
RELEASE = ROOT / "cpi/release"
PYTHON = "python_kubernetes_cpi"


class CompileError(Exception):
    """The packaging script failed; the message is the end of what it printed."""


@functools.cache
def python() -> Path:
    """The folder of the compiled package."""
    found = sources.available()
    with cache.locked("compiled"):
        key = cache.key(
            RELEASE / f"packages/{PYTHON}/packaging",
            *sorted(blob.sha256 for blob in found),
            *sandbox.FOREIGN,
            _compiler(),
            os.uname().machine,
        )
        entry = cache.find("compiled", PYTHON, key)
        if entry is None:
            with cache.work_folder() as folder, cache.making("compiled", PYTHON, key) as making:
                vcap = folder / "vcap"
                compile_python(vcap)
                shutil.move(vcap / f"packages/{PYTHON}", making / PYTHON)
        return cache.root() / f"compiled/{PYTHON}-{key}" / PYTHON


def _compiler() -> str:
    return subprocess.run(["cc", "--version"], capture_output=True, text=True, check=True).stdout.partition("\n")[0]


def compile_python(vcap: Path) -> str:
    """Compile the package into `vcap`/packages as an agent does, that folder being the machine's /var/vcap.

    Returns what the script printed. Raises CompileError.
    """
    source = vcap / f"data/compile/{PYTHON}"
    source.mkdir(parents=True)
    shutil.copy(RELEASE / f"packages/{PYTHON}/packaging", source)
    for blob in sources.available():
        (source / blob.path).parent.mkdir()
        shutil.copyfile(blobs.find(blob), source / blob.path)
    (vcap / f"packages/{PYTHON}").mkdir(parents=True)
    inside = Path("/var/vcap")
    done = sandbox.run(
        vcap,
        ["/bin/sh", "-c", f"cd {inside}/data/compile/{PYTHON} && exec bash -x packaging"],
        environment={
            "PATH": sandbox.PATH,
            "BOSH_COMPILE_TARGET": f"{inside}/data/compile/{PYTHON}",
            "BOSH_INSTALL_TARGET": f"{inside}/packages/{PYTHON}",
            "BOSH_PACKAGE_NAME": PYTHON,
            "BOSH_PACKAGE_VERSION": "1",
        },
        network=False,
        hidden=sandbox.FOREIGN,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise CompileError(f"exit code {done.returncode}; the end of what it printed:\n{done.stdout[-8000:]}")
    shutil.rmtree(source)
    return str(done.stdout)


if __name__ == "__main__":
    began = time.monotonic()
    folder = python()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {size >> 20} MiB, {time.monotonic() - began:.0f} s")
