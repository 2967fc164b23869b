"""The two ends of doctor's mount probe, run as they are in mount namespaces of this machine (root).

A stand-in for a node and its runtime: a directory on a shared or a private mount, bound for each end with the
propagation that the runtime would give it. Only the scripts' absolute places are moved.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bosh_kubernetes_cpi.tool.doctor import pods

# Prints the exit codes of both ends, what they left in the directory, and mounts of theirs.
NODE = """\
cd {place}; mkdir base disks machine; mount -t tmpfs base base; mount --make-{propagation} base; mkdir base/doctor-1
unshare --mount --propagation unchanged sh -c 'mount --bind base/doctor-1 disks; exec sh attachment.sh' & one=$!
unshare --mount --propagation unchanged sh -c '
  mount --bind base/doctor-1 machine; mount --make-slave machine; exec sh machine.sh' & other=$!
{meanwhile}
wait $one; echo attachment $?; wait $other; echo machine $?
ls base; grep -c ' {place}/base/' /proc/self/mountinfo
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., list[str]]:
    probe = pods.mount("doctor-1", "image", [], "", "/base")
    for container in probe["spec"]["containers"]:
        script = container["command"][2]
        places = {
            "/disks": "disks",
            "/warden-cpi-dev": "machine",
            "/proc/1/root/base": "base",
            "/dev/": f"{container['name']}-",
        }
        for old, new in places.items():
            script = script.replace(old, f"{tmp_path}/{new}")
        (tmp_path / f"{container['name']}.sh").write_text(script.replace("-le 30 ]", "-le 2 ]"))

    def on(propagation: str, meanwhile: str = "") -> list[str]:
        script = NODE.format(place=tmp_path, propagation=propagation, meanwhile=meanwhile)
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.stderr == ""
        return done.stdout.split("\n")

    return on


def said(tmp_path: Path, end: str) -> str:
    return (tmp_path / f"{end}-termination-log").read_text()


def test_on_a_shared_mount_both_ends_are_content_and_nothing_is_left(run) -> None:
    assert run("shared") == ["attachment 0", "machine 0", "0", ""]


def test_on_a_private_mount_both_ends_say_what_they_miss_and_nothing_is_left(run, tmp_path) -> None:
    assert run("private") == ["attachment 1", "machine 1", "0", ""]
    assert "its mount does not reach the machine's end" in said(tmp_path, "attachment")
    assert "no mount of the attachment's end comes here" in said(tmp_path, "machine")


def test_an_end_that_is_told_to_stop_takes_its_mount_along(run) -> None:
    """While the other end stands still: the Pod is deleted in the middle of it."""
    stop = "kill -STOP $other; until [ -d base/doctor-1/probe ]; do sleep 0.1; done; kill -TERM $one; kill -KILL $other"

    assert run("shared", stop) == ["attachment 143", "machine 137", "0", ""]
