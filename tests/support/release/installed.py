"""The release on this machine, without a client: its packages compiled, its job rendered, bin/cpi to be run.

`install` does it as create-env, into any folder; `install_as_agent` as a machine's agent, for a sandbox (sandbox.py).
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from cpi.release.maker.vendor import vendored
from tests.e2e.driver.releases import compile_package, render_template
from tests.support.cpi_process import ENVIRONMENT
from tests.support.release import compiled, sandbox
from tests.support.release.compiled import PYTHON

ROOT = Path(__file__).parents[3]
RELEASE = ROOT / "cpi/release"
JOB = "kubernetes_cpi"
PACKAGE = "bosh_kubernetes_cpi"


def package_source(folder: Path) -> Path:
    """Our package's unpacked archive."""
    shutil.copytree(ROOT / "cpi/src", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path, content in vendored(RELEASE).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
    shutil.copy(RELEASE / f"packages/{PACKAGE}/packaging", folder)
    return folder


class InstalledRelease:
    """A folder with `packages` and `jobs`, as create-env has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages = folder / "packages"
        self.executable = folder / f"jobs/{JOB}/bin/cpi"
        self.python = self.packages / PYTHON / "bin/python"
        self.library = self.packages / PACKAGE / "lib"
        self.config = folder / f"jobs/{JOB}/config/cpi.json"
        # what a Director gives, and the folders that create-env names
        self.environment = {
            **ENVIRONMENT,
            "BOSH_PACKAGES_DIR": str(self.packages),
            "BOSH_JOBS_DIR": str(folder / "jobs"),
        }

    def moved(self, folder: Path) -> "InstalledRelease":
        """A copy elsewhere."""
        return InstalledRelease(Path(shutil.copytree(self.folder, folder, symlinks=True)))


def install(folder: Path) -> InstalledRelease:
    """The release with the defaults of its properties."""
    shutil.copytree(compiled.python(), folder / "packages" / PYTHON)
    compile_package(PACKAGE, package_source(folder / "source"), folder / "packages")
    shutil.rmtree(folder / "source")
    _render(folder / "jobs" / JOB, {})
    return InstalledRelease(folder)


def install_as_agent(vcap: Path, properties: dict[str, Any], *, deployment: str = "bosh") -> None:
    """The release in the /var/vcap of a machine, where an agent puts it: folders by version, and links to them.

    The properties are rendered as a Director does it, for an instance with an address in a deployment.
    """

    def put(kind: str, name: str, fill: Callable[[Path], object]) -> None:
        place = vcap / f"data/{kind}/{name}/1"
        place.parent.mkdir(parents=True)
        fill(place)
        (vcap / kind).mkdir(exist_ok=True)
        (vcap / kind / name).symlink_to(f"/var/vcap/data/{kind}/{name}/1")

    put("packages", PYTHON, lambda place: shutil.copytree(compiled.python(), place))
    put("packages", PACKAGE, lambda place: place.mkdir())
    put("jobs", JOB, lambda place: _render(place, properties, deployment=deployment, address="10.0.0.6"))
    package_source(vcap / "data/compile")
    inside = {"BOSH_INSTALL_TARGET": f"/var/vcap/packages/{PACKAGE}", "BOSH_PACKAGE_NAME": PACKAGE}
    sandbox.run(
        vcap,
        ["/bin/sh", "-c", "cd /var/vcap/data/compile && exec bash -x packaging"],
        environment={"PATH": sandbox.PATH, "BOSH_COMPILE_TARGET": "/var/vcap/data/compile", **inside},
        network=False,
        hidden=sandbox.FOREIGN,
        stderr=subprocess.PIPE,
    ).check_returncode()
    shutil.rmtree(vcap / "data/compile")


def _render(folder: Path, properties: dict[str, Any], **instance: str) -> None:
    job = RELEASE / f"jobs/{JOB}"
    spec = yaml.safe_load((job / "spec").read_text())
    defaults = {name: definition.get("default") for name, definition in spec["properties"].items()}
    for template, target in spec["templates"].items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_template(job / "templates" / template, JOB, properties, defaults, **instance)["text"])
        path.chmod(0o755)
