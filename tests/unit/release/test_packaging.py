"""The packaging scripts on machines of several kinds, with sources that take no time."""

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support.release.installed import PACKAGE, package_source
from tests.unit.release.conftest import write

ROOT = Path(__file__).parents[3]
PYTHON = "python_kubernetes_cpi"
SCRIPT = "#!/bin/sh\n"
# STAND-INS for the sources: what their scripts make is empty, and Python's configure notes its words.
SOURCES = {
    "zlib/zlib-1.tar.gz": {
        "zlib-1/configure": SCRIPT + "printf 'libz.a:\\n\\ttouch libz.a zlib.h zconf.h\\n' >Makefile\n",
        "zlib-1/LICENSE": "",
    },
    "openssl/openssl-1.tar.gz": {
        "openssl-1/Configure": SCRIPT
        + "printf 'build_libs:\\ninstall_dev:\\n\\ttouch \"$(DESTDIR)/include/ssl.h\"\\n' >Makefile\n",
        "openssl-1/LICENSE.txt": "",
    },
    "python/Python-1.tar.xz": {
        "Python-1/configure": SCRIPT
        + 'for word; do echo "$word"; done >words\n'
        + "printf 'all:\\n\\tcp program %s\\n' \"$PROGRAM\" >Makefile\n",
        "Python-1/program": SCRIPT + 'case "$*" in *version_info*) echo 3.13 ;; esac\n',
        "Python-1/LICENSE": "",
        "Python-1/Lib/json/__init__.py": "",
        "Python-1/Lib/asyncio/__init__.py": "",
    },
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The unpacked archive of the interpreter's package."""
    folder = tmp_path / "a folder/source"
    for name, files in SOURCES.items():
        unpacked = write(tmp_path / "unpacked", files)
        (folder / name).parent.mkdir(parents=True)
        with tarfile.open(folder / name, "w:xz" if name.endswith("xz") else "w:gz") as tar:
            for path in files:
                (unpacked / path).chmod(0o755)
                tar.add(unpacked / path, path)
    return folder


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


@pytest.mark.parametrize(
    ("system", "program"),
    [("Linux", "python"), ("Darwin", "python.exe"), ("Darwin", "python")],
    ids=["Linux", "macOS", "macOS on a volume where case counts"],
)
def test_interpreter_is_installed_on_every_system(source: Path, system: str, program: str) -> None:
    done = package(PYTHON, source, {"uname": f"echo {system}", "strip": ""}, PROGRAM=program)

    assert done.returncode == 0, done.stderr
    target = source.parent / "target"
    library = {path.relative_to(target).as_posix() for path in (target / "lib").rglob("*") if path.is_file()}
    assert os.access(target / "bin/python", os.X_OK)
    assert library == {"lib/python3.13/json/__init__.py", "lib/python3.13/lib-dynload/README"}
    assert not [path for path in target.rglob("*") if path.stat().st_mode & 0o044 != 0o044], "for the Director's user"


def test_folder_in_which_it_is_compiled_is_no_word_of_configure(source: Path) -> None:
    """Which would take a blank in it for the end of the word."""
    done = package(PYTHON, source, {"strip": ""}, PROGRAM="python")

    words = (source / "build/Python-1/words").read_text()
    assert done.returncode == 0, done.stderr
    assert "--with-openssl=" in words
    assert str(source.parent) not in words


def test_compiler_may_be_named_with_its_first_words(source: Path) -> None:
    done = package(PYTHON, source, {"strip": "", "ccache": ""}, PROGRAM="python", CC="ccache cc")

    assert done.returncode == 0, done.stderr


def test_our_package_can_be_read_by_the_directors_user(tmp_path: Path) -> None:
    source = package_source(tmp_path / "a folder/source")
    python = write(tmp_path, {f"packages/{PYTHON}/bin/python": SCRIPT}) / f"packages/{PYTHON}/bin/python"
    python.chmod(0o755)

    done = package(PACKAGE, source, {}, BOSH_PACKAGES_DIR=str(tmp_path / "packages"))

    assert done.returncode == 0, done.stderr
    target = source.parent / "target/lib"
    assert (target / "bosh_kubernetes_cpi/start.py").is_file()
    assert not [path for path in target.rglob("*") if path.stat().st_mode & 0o044 != 0o044]
