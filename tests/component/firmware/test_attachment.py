"""The process of an attachment Pod, in a mount namespace of this host. It needs root."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.component.firmware.container import FIRMWARE, SECONDS
from tests.support.cluster.wait import eventually

Run = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def attachment(tmp_path: Path) -> Iterator[Run]:
    """Starts the script as its container's process, or an order to it, in one namespace with a claim to bind."""
    claim, places = tmp_path / "claim", tmp_path / "disks"
    claim.mkdir()
    places.mkdir()
    prepare = f"mount -t tmpfs run /run; mount -t tmpfs claim {claim}; mount --bind {places} {places}"
    words = ["unshare", "--mount", "sh", "-c", f"{prepare}; echo ready; exec sleep 1000"]
    holder = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline() == "ready\n"
    started: list[subprocess.Popen[str]] = []

    def run(*order: str, shell: str = "dash") -> subprocess.Popen[str]:
        environment = {"PATH": os.environ["PATH"], "DISK": "disk-1", "CLAIM": str(claim), "PLACES": str(places)}
        enter = ["nsenter", "-t", str(holder.pid), "-m"]
        script = [*shell.split(), str(FIRMWARE / "attachment"), *order]
        process = subprocess.Popen(
            [*enter, *script], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        return process

    yield run
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its sleep lives on when it ends
        process.communicate()
    holder.kill()
    holder.communicate()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


@pytest.mark.parametrize("shell", ["dash", "busybox sh"])
def test_one_that_was_asked_to_unbind_before_it_had_bound_binds_nothing_and_ends(attachment: Run, shell: str) -> None:
    """The order may come while the script starts; nobody gives it twice."""
    assert said(attachment("unbind", shell=shell)) == '{"bound":false}\n'

    process = attachment(shell=shell)

    assert said(process) == "attachment: disk-1 is not bound any more\n"
    assert said(attachment("status", shell=shell)) == '{"bound":false,"key":""}\n'
    process.send_signal(signal.SIGTERM)
    eventually(lambda: process.poll() == 0, within=SECONDS, what="it ends")


def test_term_changes_nothing_until_the_disk_is_unbound(attachment: Run) -> None:
    process = attachment()
    assert said(process).startswith("attachment: disk-1 is bound, ")
    process.send_signal(signal.SIGTERM)
    assert said(process) == "attachment: TERM changes nothing: disk-1 is bound\n"
    assert said(attachment("status")).startswith('{"bound":true,')

    assert said(attachment("unbind")) == '{"bound":false}\n'
    eventually(lambda: process.poll() == 0, within=SECONDS, what="it ends by itself: the kubelet asks once only")
