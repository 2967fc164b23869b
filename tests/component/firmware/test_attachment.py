"""The process of an attachment Pod, in a mount namespace of this host. It needs root."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.component.firmware.container import FIRMWARE, SECONDS
from tests.support.cluster.wait import eventually

Run = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def attachment(tmp_path: Path) -> Iterator[Run]:
    """Starts the script as its container's process, or an order to it, in one namespace with a claim to bind.

    `script` runs a script of the test's own there.
    """
    claim, places = tmp_path / "claim", tmp_path / "disks"
    claim.mkdir()
    places.mkdir()
    image = tmp_path / "claim.img"
    image.touch()
    os.truncate(image, 8 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    prepare = f"mount -t tmpfs run /run; mount -o loop {image} {claim}; mount --bind {places} {places}"
    words = ["unshare", "--mount", "sh", "-c", f"{prepare}; echo ready; exec sleep 1000"]
    holder = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline() == "ready\n"
    started: list[subprocess.Popen[str]] = []

    def run(*order: str, shell: str = "dash", script: str = "") -> subprocess.Popen[str]:
        environment = {"PATH": os.environ["PATH"], "DISK": "disk-1", "CLAIM": str(claim), "PLACES": str(places)}
        enter = ["nsenter", "-t", str(holder.pid), "-m"]
        words = ["sh", "-c", script] if script else [*shell.split(), str(FIRMWARE / "attachment"), *order]
        process = subprocess.Popen(
            [*enter, *words], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
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


def on_device(image: Path) -> bytes:
    """The claim's file `written`, as the device has it."""
    return subprocess.run(["debugfs", "-R", "cat written", image], capture_output=True, check=True).stdout


def answer(process: subprocess.Popen[str]) -> tuple[int, Any]:
    out, _ = process.communicate(timeout=SECONDS)
    return process.returncode, json.loads(out)


@pytest.mark.parametrize("shell", ["dash", "busybox sh"])
def test_a_flush_brings_what_was_written_to_the_device_once_for_each_id(
    attachment: Run, tmp_path: Path, shell: str
) -> None:
    assert said(attachment(shell=shell)).startswith("attachment: disk-1 is bound, ")
    seen = []
    for word, order in (("one", "f-1"), ("two", "f-1"), ("two", "f-2")):
        attachment(script=f"echo {word} > {tmp_path}/disks/disk-1/written").wait(SECONDS)
        before = on_device(tmp_path / "claim.img")
        assert answer(attachment("flush", order, shell=shell)) == (0, {"flushed": True})
        seen.append((before, on_device(tmp_path / "claim.img")))

    assert seen == [(b"", b"one\n"), (b"one\n", b"one\n"), (b"one\n", b"two\n")]


def test_unbinding_brings_what_was_written_to_the_device(attachment: Run, tmp_path: Path) -> None:
    """The claim stays mounted for the kubelet, which unmounts it when nobody waits any more."""
    assert said(attachment()).startswith("attachment: disk-1 is bound, ")
    attachment(script=f"echo one > {tmp_path}/disks/disk-1/written").wait(SECONDS)
    before = on_device(tmp_path / "claim.img")

    assert answer(attachment("unbind")) == (0, {"bound": False})

    assert (before, on_device(tmp_path / "claim.img")) == (b"", b"one\n")


def test_while_that_takes_long_the_disk_stays_bound_and_what_came_later_is_written_too(
    attachment: Run, tmp_path: Path
) -> None:
    """The machine may have wanted the disk again in between."""
    assert said(attachment()).startswith("attachment: disk-1 is bound, ")
    stub(attachment, tmp_path, f"echo x >> {tmp_path}/calls; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done")
    asked = [answer(attachment("unbind")) for _ in range(2)]
    bound = said(attachment("status")).startswith('{"bound":true,')
    (tmp_path / "go").touch()
    eventually(lambda: answer(attachment("unbind"))[0] == 0, within=SECONDS, what="it is unbound")

    assert asked == [(75, {"bound": True, "held": []})] * 2
    assert bound
    assert (tmp_path / "calls").read_text() == "x\nx\n"


def test_a_flush_that_takes_long_goes_on_and_is_not_begun_twice(attachment: Run, tmp_path: Path) -> None:
    stub(attachment, tmp_path, f"echo x >> {tmp_path}/calls; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done")
    asked = [answer(attachment("flush", "f-1")) for _ in range(2)]
    (tmp_path / "go").touch()

    eventually(lambda: answer(attachment("flush", "f-1"))[0] == 0, within=SECONDS, what="it is flushed")

    assert asked == [(75, {"flushed": False})] * 2
    assert (tmp_path / "calls").read_text() == "x\n"


def test_a_flush_that_fails_says_why_and_one_that_was_killed_begins_again(attachment: Run, tmp_path: Path) -> None:
    stub(attachment, tmp_path, "echo 'sync: input/output \"error\"' >&2; exit 1")
    assert answer(attachment("flush", "f-1")) == (1, {"flushed": False, "errors": ['sync: input/output "error"']})

    stub(attachment, tmp_path, f"[ ! -e {tmp_path}/died ] || exit 0; touch {tmp_path}/died; kill -KILL $PPID $$")
    assert answer(attachment("flush", "f-2"))[0] == 75
    assert answer(attachment("flush", "f-2"))[0] == 0


def stub(attachment: Run, folder: Path, script: str) -> None:
    """Another `sync` in the attachment's container."""
    (folder / "sync").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "sync").chmod(0o755)
    bind = f"for s in /bin/sync /usr/bin/sync; do mountpoint -q $s || mount --bind {folder}/sync $s; done"
    assert attachment(script=bind).wait(SECONDS) == 0


def test_a_flush_without_an_id_is_a_wrong_call(attachment: Run) -> None:
    assert [attachment(*words).wait(SECONDS) for words in (("flush",), ("flush", "a/b"))] == [64, 64]
