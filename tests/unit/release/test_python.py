"""The interpreter that the release compiles: whole, of itself alone, and no more than the CPI needs."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.release import compiled, sources
from tests.support.release.installed import InstalledRelease, install

ROOT = Path(__file__).parents[3]
BASE = {"linux-vdso", "ld-linux-x86-64", "ld-linux-aarch64", "libc", "libm", "libdl", "libpthread", "librt", "libutil"}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> InstalledRelease:
    return install(tmp_path_factory.mktemp("installed"))


def ask(release: InstalledRelease, script: str) -> Any:
    """What a script prints as JSON, run as bin/cpi runs ours."""
    done = subprocess.run(
        [release.python, "-I", "-S", "-c", script, release.library], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def imports(tree: ast.AST) -> Iterator[str]:
    """Top-level modules that a module names anywhere, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module


def test_every_module_that_our_code_names_can_be_imported(release: InstalledRelease) -> None:
    files = [path for path in release.library.rglob("*.py") if "yaml" not in path.parts]
    named = sorted({name for path in files for name in imports(ast.parse(path.read_text()))})
    script = """
import importlib, json, sys
sys.path.append(sys.argv[1])
missing = []
for name in %r:
    try:
        importlib.import_module(name)
    except ImportError as error:
        missing.append(f"{name}: {error}")
print(json.dumps(missing))
"""

    assert {"json", "ssl", "yaml", "zlib"} < set(named)
    assert ask(release, script % named) == []


def test_version_is_that_of_the_blob(release: InstalledRelease) -> None:
    blob = next(one for one in sources.available() if one.path.startswith("python/"))
    said = blob.url if blob.url.startswith("Debian") else blob.path

    version = ask(release, "import json, platform; print(json.dumps(platform.python_version()))")
    assert f"3.13.{version.rpartition('.')[2]}" == version
    assert version in said


def test_tls_is_its_own_and_trusts_what_the_system_trusts(release: InstalledRelease) -> None:
    found = ask(
        release,
        """
import json, ssl
context = ssl.create_default_context()
paths = ssl.get_default_verify_paths()
print(json.dumps({
    "version": ssl.OPENSSL_VERSION, "folder": paths.openssl_capath, "file": paths.openssl_cafile,
    "ciphers": [one["name"] for one in context.get_ciphers()],
}))
""",
    )

    blob = next(one for one in sources.available() if one.path.startswith("openssl/"))
    assert found["version"].split()[1] in (blob.url if blob.url.startswith("Debian") else blob.path)
    assert (found["folder"], found["file"]) == ("/etc/ssl/certs", "/etc/ssl/cert.pem")
    assert {"TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"} < set(found["ciphers"])


def test_systems_configuration_of_openssl_is_not_read(release: InstalledRelease, tmp_path: Path) -> None:
    """It is for the system's OpenSSL, and may name what ours does not have."""
    of_system = tmp_path / "openssl.cnf"
    sections = ("openssl_conf = a", "[a]", "ssl_conf = b", "[b]", "system_default = c", "[c]")
    of_system.write_text("\n".join((*sections, "Ciphersuites = TLS_AES_256_GCM_SHA384\n")))
    script = "import ssl; print([one['name'] for one in ssl.create_default_context().get_ciphers()])"

    done = subprocess.run(
        [release.python, "-I", "-S", "-c", script],
        env={"OPENSSL_CONF": str(of_system)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "TLS_AES_128_GCM_SHA256" in done.stdout


def test_digests_are_openssls(release: InstalledRelease) -> None:
    """The built-in ones are several times slower, and stemcells are large."""
    assert ask(release, "import hashlib, json; print(json.dumps(hashlib.sha256().__class__.__module__))") == "_hashlib"


def test_program_needs_no_library_but_cs(release: InstalledRelease) -> None:
    said = subprocess.run(["ldd", release.python], capture_output=True, text=True, check=True).stdout

    names = {re.sub(r"\.so.*", "", Path(line.split()[0]).name) for line in said.splitlines()}
    assert names <= BASE
    assert list(release.packages.rglob("*.so")) == []


def test_what_the_cpi_has_no_use_for_is_left_out(release: InstalledRelease) -> None:
    library = next((release.python.parents[1] / "lib").iterdir())
    left_out = ("test", "tkinter", "idlelib", "ensurepip", "unittest", "curses", "sqlite3", "ctypes", "site-packages")

    assert [name for name in left_out if (library / name).exists()] == []
    modules = ("_tkinter", "_curses", "_sqlite3", "_ctypes", "readline", "_bz2", "_lzma", "_codecs_jp", "_testcapi")
    script = """
import importlib.util, json
print(json.dumps([name for name in %r if importlib.util.find_spec(name)]))
"""
    assert ask(release, script % (modules,)) == []


def test_licences_are_with_the_program(release: InstalledRelease) -> None:
    folder = release.python.parents[1] / "licenses"

    assert {path.name for path in folder.iterdir()} == {"openssl", "python", "zlib"}
    assert all(path.stat().st_size > 500 for path in folder.iterdir())


@pytest.mark.parametrize("missing", ["cc", "make", "perl", "xz"])
def test_machine_without_a_tool_is_told_which(missing: str, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in {"bash", "uname", "cc", "make", "perl", "xz"} - {missing}:
        (tools / name).write_text("#!/bin/sh\nexec /usr/bin/uname\n")
        (tools / name).chmod(0o755)

    done = subprocess.run(
        ["/bin/bash", ROOT / f"cpi/release/packages/{compiled.PYTHON}/packaging"],
        cwd=tmp_path,
        env={"PATH": str(tools), "BOSH_PACKAGE_NAME": "p", "BOSH_INSTALL_TARGET": str(tmp_path / "target")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert f"p: this machine has no {missing}; it needs" in done.stderr
    assert not (tmp_path / "build").exists()


@pytest.mark.full
def test_compiling_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """At the path of a machine, where two compilation machines of a Director would do it."""
    trees = []
    for name in ("one", "two"):
        vcap = tmp_path / name
        compiled.compile_python(vcap)
        folder = vcap / f"packages/{compiled.PYTHON}"
        trees.append({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()})

    differing = [path for path in trees[0] if trees[0][path] != trees[1].get(path)]
    assert (differing, trees[0].keys() ^ trees[1].keys()) == ([], set())
