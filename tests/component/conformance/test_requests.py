"""Traps of the transport: how a request comes in, and what a caller takes for an answer (docs/conformance.md)."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.cpi_process import COMMAND, ENVIRONMENT, PATIENCE, checked
from tests.support.fakeapi.server import TOKEN

ROOT = Path(__file__).parents[3]
LARGE = "x" * 3_000_000


def as_the_director(command: list[str], request: bytes, environment: dict[str, str] = ENVIRONMENT) -> Any:
    """The answer to a request that is written whole before anything is read, as the Director does it."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    guard = threading.Timer(PATIENCE, process.kill)
    guard.start()
    try:
        assert process.stdin is not None
        process.stdin.write(request)
        process.stdin.close()
        process.stdin = None
        stdout, stderr = process.communicate()
    finally:
        guard.cancel()
        process.kill()
        process.wait()
    return checked(stdout, stderr, process.returncode)


def test_trap_06_large_request_is_read_before_much_is_said(cpi, tmp_path) -> None:
    script = tmp_path / "loud.py"
    script.write_text(
        "import sys\n"
        "from bosh_kubernetes_cpi import __main__\n"
        "from bosh_kubernetes_cpi.methods import info\n"
        "whole = info.info\n"
        "info.info = lambda call: (sys.stderr.write('y' * 2_000_000), whole(call))[1]\n"
        "__main__.main()\n"
    )
    request = cpi.request("info", context={"padding": LARGE})
    answer = as_the_director([sys.executable, "-I", str(script), str(cpi.config)], request)

    assert answer.value()["api_version"] == 3
    assert answer.stderr.count("y") == 2_000_000


def test_trap_07_request_is_read_to_its_end_by_a_method_that_ignores_it(cpi) -> None:
    request = json.dumps({"method": "info", "arguments": [LARGE, LARGE], "context": {}}, indent=1).encode()

    assert as_the_director([*COMMAND, str(cpi.config)], request).value()["api_version"] == 3


def test_trap_08_call_ends_though_a_child_of_a_plugin_lives_on(api, new_cpi, tmp_path) -> None:
    """A credential plugin that leaves a daemon: it holds no pipe of the caller's."""
    status = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": TOKEN}}
    plugin, pid = tmp_path / "plugin", tmp_path / "pid"
    plugin.write_text(f"#!/bin/sh\nsleep 600 >/dev/null 2>&1 &\necho $! > {pid}\necho '{json.dumps(status)}'\n")
    plugin.chmod(0o755)
    block = {"server": api.url, "ca": api.authority.pem, "exec": {"command": str(plugin)}}
    try:
        assert new_cpi(kubernetes=block)("has_vm", "vm-1") is False
        os.kill(int(pid.read_text()), 0)
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)


HOSTILE = {
    **ENVIRONMENT,
    "KUBECONFIG": "/nowhere",
    "KUBERNETES_SERVICE_HOST": "127.0.0.1",
    "KUBERNETES_SERVICE_PORT": "1",
    "HTTPS_PROXY": "http://127.0.0.1:1",
    "SSL_CERT_FILE": "/nowhere",
    "PYTHONPATH": "/nowhere",
    "PYTHONIOENCODING": "utf-16",
    "LC_ALL": "nowhere",
    "HOME": "/nowhere",
    "TMPDIR": "/nowhere",
}


@pytest.mark.parametrize("environment", [{}, ENVIRONMENT, HOSTILE], ids=["empty", "the Director's", "hostile"])
def test_trap_09_environment_changes_nothing(api, cpi, environment) -> None:
    command = [*COMMAND, str(cpi.config)]

    assert as_the_director(command, cpi.request("has_vm", "vm-1"), environment).value() is False
    assert [seen.path.rpartition("/")[2] for seen in api.seen] == ["vm-1"]


CONTEXTS = [
    {},
    {"context": None},
    {"context": {}},
    {"context": {"director_uuid": "d"}},
    {"context": {"vm": {"stemcell": {}}}},
]


@pytest.mark.parametrize("parts", CONTEXTS, ids=json.dumps)
def test_trap_10_context_may_have_little_or_nothing(cpi, parts) -> None:
    request = {"method": "has_vm", "arguments": ["vm-1"], "api_version": 2, **parts}

    assert cpi.raw(json.dumps(request).encode()).value() is False


def test_trap_11_context_is_open_and_its_reserved_keys_are_documented(cpi) -> None:
    """Properties of a cpi-config entry come flat, and may take the place of what the Director puts there."""
    context = {"vm": "text", "request_id": 7, "director_uuid": "d", "region": "eu", "credentials": {"key": "value"}}
    request = {"method": "has_vm", "arguments": ["vm-1"], "api_version": 2, "context": context}

    assert cpi.raw(json.dumps(request).encode()).value() is False
    page = (ROOT / "docs/configuration.md").read_text()
    (line,) = [line for line in page.splitlines() if "reserved" in line]
    assert all(f"`{key}`" in line for key in ("vm", "director_uuid", "request_id"))


def test_trap_14_version_of_info_is_a_json_integer(cpi) -> None:
    version = json.loads(cpi.answer("info").stdout)["result"]["api_version"]

    assert type(version) is int
    assert version in (2, 3)


def test_trap_52_jobs_name_ends_as_cpi_config_wants_it() -> None:
    (job,) = (ROOT / "cpi/release/jobs").iterdir()

    assert job.name.endswith("_cpi")


HALF = '{"method": "set_vm_metadata", "arguments": ["vm-1", {"a": %s}], "context": {}, "api_version": 2}'


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('"\\ud800"', "no JSON document"),
        ('"\\uD83D"', "no JSON document"),
        ("NaN", "no JSON document"),
        ("-Infinity", "no JSON document"),
        ("1e999", "no JSON document"),
        ("9" * 5000, "no JSON document"),
        ("[" * 101 + "]" * 101, "nested deeper than 100 levels"),
        ('{"a":' * 500 + "1" + "}" * 500, "nested deeper than 100 levels"),
    ],
    ids=["surrogate", "half a pair", "NaN", "infinity", "too large a number", "too long a number", "lists", "objects"],
)
def test_what_could_not_be_sent_on_is_refused_at_the_doorway(cpi, api, value, words) -> None:
    answer = cpi.raw((HALF % value).encode())

    assert answer.error is not None
    assert answer.error["type"] == "Bosh::Clouds::CpiError"
    assert words in answer.error["message"]
    assert api.connections == 0


@pytest.mark.parametrize(
    "value", ['"\\ud83d\\ude00 \\\\ud800"', '"\U0001f600"', "1e308", "[" * 90 + "]" * 90, "{}," * 150 + "0"]
)
def test_what_can_be_sent_on_is_taken(cpi, api, value) -> None:
    value = f"[{value}]"
    answer = cpi.raw((HALF % value).encode())

    assert answer.error is not None
    assert answer.error["type"] == "Bosh::Clouds::VMNotFound"


@pytest.mark.parametrize(
    ("arguments", "changes", "kind"),
    [
        (["has_vm", "vm-1"], {"api_version": "x" * 100_000}, "CpiError"),
        (["get_disks", "x" * 100_000], {}, "VMNotFound"),
        (["has_disk", "disk-1"], {"context": {"namespace": "../../x"}}, "CpiError"),
        (["has_disk", "disk-1"], {"context": {"namespace": "a" * 64}}, "CpiError"),
        (["create_stemcell", "a\0b", {}], {}, "CloudError"),
    ],
    ids=["version", "cid", "path", "namespace", "image"],
)
def test_junk_is_the_callers_fault_and_told_in_few_words(cpi, arguments, changes, kind) -> None:
    answer = cpi.raw(
        cpi.request(*arguments, **{**changes, "context": {"director_uuid": "d", **changes.get("context", {})}})
    )

    assert answer.error is not None
    assert answer.error["type"] == f"Bosh::Clouds::{kind}"
    assert "fault of the CPI" not in answer.error["message"]
    assert len(answer.error["message"]) < 4100
