"""What reaches the caller whatever comes in: one ASCII JSON document, exit code 0, a type that the Director knows."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.component.conftest import NETWORKS, STEMCELL
from tests.support.cpi_process import COMMAND, ENVIRONMENT, Answer, checked

SHAPES = [
    (b"", "CpiError"),
    (b"no JSON", "CpiError"),
    (b'"text"', "CpiError"),
    (b"[" * 100_000, "CpiError"),
    (b"\xff\xfe", "CpiError"),
    (b"{}", "CpiError"),
    (b'{"method": 5}', "CpiError"),
    (b'{"method": "has_vm", "arguments": {}}', "CpiError"),
    (b'{"method": "has_vm", "arguments": ["vm-1"], "context": []}', "CpiError"),
    (b'{"method": "has_vm", "arguments": [], "api_version": 2}', "CpiError"),
    (b'{"method": "has_vm", "arguments": [7], "api_version": 2}', "CpiError"),
    (b'{"method": "has_vm", "arguments": [""], "api_version": 2}', "CpiError"),
    (b'{"method": "has_vm", "arguments": ["vm-1"], "api_version": 4}', "CpiError"),
    (b'{"method": "has_vm", "arguments": ["vm-1"], "api_version": "2"}', "CpiError"),
    (b'{"method": "create_disk", "arguments": [true, {}, null], "api_version": 2}', "CpiError"),
    (b'{"method": "calculate_vm_cloud_properties", "arguments": [null], "api_version": 2}', "CpiError"),
    (b'{"method": "__init__"}', "NotImplemented"),
    (b'{"method": "' + b"x" * 100_000 + b'"}', "NotImplemented"),
]


@pytest.mark.parametrize(("request_text", "kind"), SHAPES, ids=[str(place) for place in range(len(SHAPES))])
def test_odd_requests_get_a_typed_error(cpi, request_text, kind) -> None:
    answer = cpi.raw(request_text)

    assert answer.error is not None
    assert answer.error["type"] == f"Bosh::Clouds::{kind}"
    assert len(answer.error["message"]) < 500


def test_surplus_arguments_and_multi_line_requests_are_taken(cpi) -> None:
    request = {"method": "has_vm", "arguments": ["vm-unknown", 1, {}], "context": {"other": 1}, "api_version": 3}

    assert cpi.raw(json.dumps(request, indent=2).encode()).value() is False


def test_request_of_3_mib_is_read_to_its_end_before_anything_is_said(cpi) -> None:
    request = {
        "method": "has_vm",
        "arguments": ["vm-unknown"],
        "context": {"padding": "x" * 3_000_000},
        "api_version": 2,
    }

    assert cpi.raw(json.dumps(request).encode()).value() is False


def test_what_methods_print_goes_to_standard_error(cpi, tmp_path) -> None:
    """A print in our code, one in C, and a child: none of it reaches the caller."""
    script = tmp_path / "noisy.py"
    script.write_text(
        "import os, subprocess, sys\n"
        "from bosh_kubernetes_cpi import __main__\n"
        "from bosh_kubernetes_cpi.methods import info\n"
        "whole = info.info\n"
        "def noisy(call):\n"
        "    print('print'); os.write(1, b'write\\n'); subprocess.run(['echo', 'child'], check=True)\n"
        "    return whole(call)\n"
        "info.info = noisy\n"
        "__main__.main()\n"
    )
    answer = cpi.raw(cpi.request("info"), [sys.executable, "-I", str(script)])

    assert answer.value()["api_version"] == 3
    for word in ("print", "write", "child"):
        assert word in answer.stderr


def test_fault_of_our_own_is_answered_without_its_text(cpi, tmp_path) -> None:
    script = tmp_path / "faulty.py"
    script.write_text(
        "from bosh_kubernetes_cpi import __main__\n"
        "from bosh_kubernetes_cpi.methods import info\n"
        "def faulty(call):\n"
        "    raise KeyError('planted-secret')\n"
        "info.info = faulty\n"
        "__main__.main()\n"
    )
    answer = cpi.raw(cpi.request("info"), [sys.executable, "-I", str(script)])

    assert answer.error is not None
    assert "KeyError" in answer.error["message"]
    assert "planted" not in answer.error["message"] + answer.stderr


def without(cpi, closed: str, request: bytes) -> Answer:
    """The answer of a CPI that has not all of its standard descriptors."""
    code = f"exec {' '.join(COMMAND)} {cpi.config} {closed}"
    done = subprocess.run(
        ["/bin/sh", "-c", code], input=request, capture_output=True, env=ENVIRONMENT, timeout=60, check=False
    )
    return checked(done.stdout, done.stderr, done.returncode)


def test_standard_error_may_be_closed(cpi, operator) -> None:
    """What is opened next takes the lowest number that is free: lines of progress must not go there."""
    assert without(cpi, "2>&-", cpi.request("info")).value()["api_version"] == 3
    request = cpi.request("create_vm", "agent-1", STEMCELL, {}, NETWORKS, [], {})
    assert without(cpi, "2>&-", request).value()[0].startswith("vm-")


def test_standard_input_may_be_closed(cpi) -> None:
    error = without(cpi, "<&-", b"").error

    assert error is not None
    assert error["type"] == "Bosh::Clouds::CpiError"


def test_terminated_while_waiting_for_its_request(cpi) -> None:
    process = subprocess.Popen(
        [*COMMAND, str(cpi.config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )
    while f"{os.sep}python" not in os.readlink(f"/proc/{process.pid}/exe") or not _catches_term(process.pid):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=20)
    answer = checked(stdout, stderr, process.returncode)

    assert answer.error is not None
    assert answer.error["type"] == "Bosh::Clouds::CloudError"


# A CPI that is told to end when a function has been entered: once the result is there, once the answer is.
TOLD_TO_END = """
import os, signal
from bosh_kubernetes_cpi import __main__, doorway, versions
def after(place, name):
    whole = getattr(place, name)
    def told(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return whole(*arguments)
    setattr(place, name, told)
after({})
__main__.main()
"""


@pytest.mark.parametrize("place", ["versions, 'told'", "doorway.Doorway, 'write'"])
@pytest.mark.parametrize("method", ["create_vm", "create_disk"])
def test_told_to_end_when_all_is_done_it_tells_what_it_made(cpi, operator, ours, tmp_path, method, place) -> None:
    """Else nobody has a name by which to remove it."""
    script = tmp_path / "told.py"
    script.write_text(TOLD_TO_END.format(place))
    arguments = (1024, {}, None) if method == "create_disk" else ("agent-1", STEMCELL, {}, NETWORKS, [], {})
    answer = cpi.raw(cpi.request(method, *arguments), [sys.executable, "-I", str(script)]).value()

    cid = answer if method == "create_disk" else answer[0]
    assert any(name.endswith(f"/{cid}") for name in ours())


def test_method_that_hangs_is_answered_for(cpi, tmp_path) -> None:
    script = tmp_path / "hanging.py"
    script.write_text(
        "import threading\n"
        "from bosh_kubernetes_cpi import __main__, dispatch, doorway\n"
        "from bosh_kubernetes_cpi.methods import info\n"
        "doorway.RESERVE = 0\n"
        "dispatch.METHODS['info'] = ('info', 1, (), 'an object')\n"
        "info.info = lambda call: threading.Event().wait()\n"
        "__main__.main()\n"
    )
    answer = cpi.raw(cpi.request("info"), [sys.executable, "-I", str(script)])

    assert answer.error is not None
    assert "limit of time" in answer.error["message"]


def test_people_get_help_and_version() -> None:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-I", "-m", "bosh_kubernetes_cpi", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False)

    assert run("--help").stdout.startswith("usage: bosh-kubernetes-cpi CONFIG.json")
    assert run("--version").stdout.startswith("bosh-kubernetes-cpi ")
    assert run().returncode == 64
    assert run("--unknown").stdout == ""


def _catches_term(pid: int) -> bool:
    with open(f"/proc/{pid}/status") as file:
        caught = next(line.split()[1] for line in file if line.startswith("SigCgt:"))
    return bool(int(caught, 16) & (1 << (signal.SIGTERM - 1)))
