"""Guards of the layout: which package may import which, and what must never exist."""

import ast
from pathlib import Path

import pytest
import yaml

from bosh_kubernetes_api.version import VERSION

ROOT = Path(__file__).parents[3]
PACKAGES = {
    "bosh_kubernetes_api": ROOT / "cpi/src/bosh_kubernetes_api",
    "bosh_kubernetes_cpi": ROOT / "cpi/src/bosh_kubernetes_cpi",
    "bosh_kubernetes_operator": ROOT / "operator/src/bosh_kubernetes_operator",
}
FORBIDDEN = {
    "bosh_kubernetes_api": {"bosh_kubernetes_cpi", "bosh_kubernetes_operator", "kubernetes", "kopf", "yaml"},
    "bosh_kubernetes_cpi": {"bosh_kubernetes_operator", "kopf", "requests", "urllib3", "aiohttp"},
    "bosh_kubernetes_operator": {"bosh_kubernetes_cpi"},
}
# The slow path, by design: named here so that nothing else grows into it.
SLOW_IMPORTS_INSIDE_FUNCTIONS = {"kubernetes", "yaml"}


def imports(path: Path) -> list[tuple[str, bool]]:
    """Every imported top-level name of a file, and whether the import stands at module level."""
    tree = ast.parse(path.read_text())
    top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name.split(".")[0], id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.append((node.module.split(".")[0], id(node) in top))
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_what_the_design_allows(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in PACKAGES[package].rglob("*.py")
        for name, _ in imports(path)
        if name in FORBIDDEN[package]
    ]

    assert wrong == []


def test_cpi_imports_slow_libraries_only_inside_functions() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in PACKAGES["bosh_kubernetes_cpi"].rglob("*.py")
        for name, at_top in imports(path)
        if at_top and name in SLOW_IMPORTS_INSIDE_FUNCTIONS
    ]

    assert wrong == []


def test_no_package_named_operator_shadows_the_standard_library() -> None:
    assert not (ROOT / "operator/__init__.py").exists()


@pytest.mark.parametrize("package", PACKAGES)
def test_files_stay_small_enough_to_read(package: str) -> None:
    long = [
        f"{path.relative_to(ROOT)}: {count} lines"
        for path in PACKAGES[package].rglob("*")
        if path.is_file() and path.suffix in {".py", ""}
        if (count := len(path.read_text().splitlines())) > 400
    ]

    assert long == []


def test_code_chart_and_package_are_of_one_version() -> None:
    chart = yaml.safe_load((ROOT / "charts/bosh-kubernetes-operator/Chart.yaml").read_text())

    assert f'\nversion = "{VERSION}"\n' in (ROOT / "pyproject.toml").read_text()
    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)
