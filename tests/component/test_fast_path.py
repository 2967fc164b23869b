"""What a call loads: start-up time is paid for every call, twice. Guarded by a list, not by a stopwatch."""

import subprocess
import sys

from tests.support.cpi_process import ENVIRONMENT

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
}
MOST = 90  # beyond what `python3 -I -m` itself loads; json, ssl and http.client are 60 of them


def imported(*command: str, request: bytes = b"") -> set[str]:
    """Modules that a Python process imports."""
    done = subprocess.run(
        [sys.executable, "-I", "-X", "importtime", *command],
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
    whole = imported("-m", "bosh_kubernetes_cpi", str(cpi.config), request=cpi.request(method, *arguments))
    return whole - imported("-m", "__hello__")


def test_has_vm_loads_the_standard_library_only_and_little_of_it(cpi, api) -> None:
    modules = loaded(cpi, "has_vm", "vm-unknown")

    assert not {name.partition(".")[0] for name in modules} & HEAVY
    assert "ssl" in modules
    assert len(modules) <= MOST, sorted(modules)


def test_info_loads_neither_http_nor_tls(cpi) -> None:
    modules = loaded(cpi, "info")

    assert not modules & {
        "ssl",
        "socket",
        "http.client",
        "bosh_kubernetes_cpi.config",
        "bosh_kubernetes_cpi.connection",
    }
