"""The release on this machine, without a client: its package compiled, its job rendered, bin/cpi to be run."""

import shutil
from pathlib import Path

import yaml

from tests.e2e.driver.releases import compile_package, render_template
from tests.support.cpi_process import ENVIRONMENT

ROOT = Path(__file__).parents[2]
RELEASE = ROOT / "cpi/release"
JOB = "kubernetes_cpi"
PACKAGE = "bosh_kubernetes_cpi"


def package_source(folder: Path) -> Path:
    """The package's unpacked archive."""
    shutil.copytree(ROOT / "cpi/src", folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(RELEASE / f"packages/{PACKAGE}/packaging", folder)
    return folder


class InstalledRelease:
    """A folder with `packages` and `jobs`, as create-env has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.executable = folder / f"jobs/{JOB}/bin/cpi"
        self.python = folder / f"packages/{PACKAGE}/bin/python"
        self.library = folder / f"packages/{PACKAGE}/lib"
        self.config = folder / f"jobs/{JOB}/config/cpi.json"
        # what a Director gives, and the folders that create-env names
        self.environment = {
            **ENVIRONMENT,
            "BOSH_PACKAGES_DIR": str(folder / "packages"),
            "BOSH_JOBS_DIR": str(folder / "jobs"),
        }

    def moved(self, folder: Path) -> "InstalledRelease":
        """A copy elsewhere."""
        return InstalledRelease(Path(shutil.copytree(self.folder, folder, symlinks=True)))


def install(folder: Path) -> InstalledRelease:
    """The release with the defaults of its properties."""
    compile_package(PACKAGE, package_source(folder / "source"), folder / "packages")
    shutil.rmtree(folder / "source")
    job = RELEASE / f"jobs/{JOB}"
    spec = yaml.safe_load((job / "spec").read_text())
    defaults = {name: definition.get("default") for name, definition in spec["properties"].items()}
    for template, target in spec["templates"].items():
        path = folder / f"jobs/{JOB}" / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_template(job / "templates" / template, JOB, {}, defaults)["text"])
        path.chmod(0o755)
    return InstalledRelease(folder)
