"""The packaging scripts on machines of several kinds."""

import os
import subprocess
from pathlib import Path

from tests.support.release.installed import PACKAGE, package_source
from tests.unit.release.conftest import write

ROOT = Path(__file__).parents[3]
PYTHON = "python_kubernetes_cpi"
SCRIPT = "#!/bin/sh\n"


def package(name: str, source: Path, tools: dict[str, str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a package's script as create-env does, where these tools come first, into `source`/../target."""
    folder = write(source.parent / "tools", {tool: SCRIPT + text for tool, text in tools.items()})
    for tool in tools:
        (folder / tool).chmod(0o755)
    target = source.parent / "target"
    target.mkdir()
    return subprocess.run(
        ["bash", "-x", ROOT / f"cpi/release/packages/{name}/packaging"],
        cwd=source,
        env={
            **os.environ,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "BOSH_PACKAGE_NAME": name,
            "BOSH_INSTALL_TARGET": str(target),
            **environment,
        },
        umask=0o077,
        capture_output=True,
        text=True,
        check=False,
    )


def test_our_package_can_be_read_by_the_directors_user(tmp_path: Path) -> None:
    source = package_source(tmp_path / "a folder/source")
    python = write(tmp_path, {f"packages/{PYTHON}/bin/python": SCRIPT}) / f"packages/{PYTHON}/bin/python"
    python.chmod(0o755)

    done = package(PACKAGE, source, {}, BOSH_PACKAGES_DIR=str(tmp_path / "packages"))

    assert done.returncode == 0, done.stderr
    target = source.parent / "target/lib"
    assert (target / "bosh_kubernetes_cpi/start.py").is_file()
    assert not [path for path in target.rglob("*") if path.stat().st_mode & 0o044 != 0o044]
