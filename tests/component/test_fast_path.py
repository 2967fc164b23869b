"""What a call loads and takes: start-up is paid for every call, twice. Guarded by lists, not by a stopwatch."""

import subprocess
import sys

from bosh_kubernetes_cpi import start
from tests.support.cpi_process import ENVIRONMENT
from tests.support.fakeapi.server import TOKEN
from tests.support.measured import measured

HEAVY = {
    "kubernetes",
    "yaml",
    "requests",
    "urllib3",
    "aiohttp",
    "asyncio",
    "pydantic",
    "dataclasses",
    "logging",
    "typing",
    "pathlib",
    "argparse",
    "http",
    "email",
    "urllib",
    "datetime",
    "contextlib",
    "subprocess",
    "site",
    "runpy",
}
SLOW = {f"bosh_kubernetes_cpi.{name}" for name in ("credentials", "files", "plugin", "redaction")}
MOST = 75  # beyond what a bare interpreter loads; the libraries json, signal and ssl are 47 of them
MOST_OF_INFO = 48  # the libraries json and signal are 32 of them
PEAK = 25 << 10  # KiB of resident memory


def imported(*command: str, request: bytes = b"") -> set[str]:
    """Modules that a Python process imports."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", *command],
        input=request,
        capture_output=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert not request or b'"error": null' in done.stdout
    lines = [line for line in done.stderr.decode().splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines[1:]}


def loaded(cpi, method: str, *arguments) -> set[str]:
    """Modules that one call imports, beyond those of a process that does nothing."""
    whole = imported(start.__file__, str(cpi.config), request=cpi.request(method, *arguments))
    return whole - imported("-c", "pass")


def test_has_vm_loads_the_standard_library_only_and_little_of_it(cpi, api) -> None:
    modules = loaded(cpi, "has_vm", "vm-unknown")

    assert not {name.partition(".")[0] for name in modules} & HEAVY
    assert "ssl" in modules
    assert "bosh_kubernetes_cpi.cloud_properties" not in modules
    assert not modules & SLOW
    assert len(modules) <= MOST, sorted(modules)


def test_rotating_credentials_cost_three_modules_and_a_plugin_no_package(api, new_cpi, tmp_path) -> None:
    answer = (
        f'{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{TOKEN}"}}}}'
    )
    file, plugin = tmp_path / "token", tmp_path / "plugin"
    file.write_text(TOKEN)
    plugin.write_text(f"#!/bin/sh\necho '{answer}'\n")
    plugin.chmod(0o755)
    server = {"server": api.url, "ca": api.authority.pem}
    plain, by_file, by_plugin = (
        loaded(new_cpi(kubernetes={**server, **way}), "has_vm", "vm-unknown")
        for way in ({"token": TOKEN}, {"token_file": str(file)}, {"exec": {"command": str(plugin)}})
    )

    assert by_file - plain == SLOW - {"bosh_kubernetes_cpi.plugin"}
    assert not {name.partition(".")[0] for name in by_plugin} & (HEAVY - {"subprocess", "contextlib"})


def test_info_loads_neither_tls_nor_the_configuration(cpi) -> None:
    modules = loaded(cpi, "info")

    assert "bosh_kubernetes_cpi.methods.info" in modules
    assert not modules & {"ssl", "socket", "bosh_kubernetes_cpi.config", "bosh_kubernetes_cpi.connection"}
    assert len(modules) <= MOST_OF_INFO, sorted(modules)


def test_no_call_loads_the_tool_for_people(cpi, api) -> None:
    for modules in (loaded(cpi, "info"), loaded(cpi, "has_vm", "vm-unknown")):
        assert {name for name in modules if name.startswith("bosh_kubernetes_cpi.tool")} == set()
        assert "bosh_kubernetes_api.version" not in modules


def test_create_disk_looks_for_no_nearest_key_when_all_are_known(cpi, api) -> None:
    modules = loaded(cpi, "create_disk", 1, {"storage_class": "standard"}, None)

    assert "bosh_kubernetes_cpi.cloud_properties" in modules
    assert not modules & {"difflib", "dataclasses", "typing"}


def test_has_vm_takes_little_memory(cpi, api) -> None:
    done = measured(cpi, "has_vm", "vm-unknown")

    assert b'"result": false, "error": null' in done.answer
    assert done.said == b""
    assert done.peak < PEAK
