"""The preflight names what is wrong, with its cure."""

from dataclasses import replace
from typing import Any

import pytest

from tests.cluster.kind.machine import PROGRAMS, Facts
from tests.cluster.kind.preflight import judge

GOOD = Facts(
    root=True,
    architecture="x86_64",
    disk_free=50_000,
    memory_available=8_000,
    inotify_instances=512,
    inotify_watches=524_288,
    cgroup=2,
    controllers=frozenset({"cpu", "cpuset", "memory", "pids"}),
    filesystems=frozenset({"overlay", "ext4"}),
    shared_mounts=True,
    loop_control=True,
    programs=frozenset(PROGRAMS),
)


def test_nothing_is_wrong_with_a_good_machine() -> None:
    assert judge(GOOD, 3) == []


@pytest.mark.parametrize(
    ("change", "fatal", "named", "cure"),
    [
        ({"disk_free": 5_000}, True, "disk", "XDG_CACHE_HOME"),
        ({"memory_available": 900}, True, "memory", "fewer nodes"),
        ({"inotify_instances": 64}, False, "max_user_instances", "sysctl -w"),
        ({"inotify_watches": 8192}, False, "max_user_watches", "sysctl -w"),
        ({"cgroup": 1}, False, "cgroup v1", "systemd.unified_cgroup_hierarchy"),
        ({"controllers": frozenset({"cpu"})}, True, "cpuset, memory, pids", "cgroup_enable"),
        ({"architecture": "riscv64"}, True, "riscv64", "another machine"),
        ({"filesystems": frozenset({"overlay"})}, True, "ext4", "modprobe ext4"),
        ({"shared_mounts": False}, True, "shared", "CAP_SYS_ADMIN"),
        ({"loop_control": False}, True, "/dev/loop-control", "modprobe loop"),
        ({"root": False}, True, "root", "sudo"),
        ({"programs": frozenset(PROGRAMS) - {"ruby"}}, False, "ruby", "apt-get install ruby"),
        ({"programs": frozenset(PROGRAMS) - {"go"}}, False, "Go", "go.dev"),
        ({"programs": frozenset({"go", "ruby"})}, True, "container engine", "Install Docker"),
    ],
)
def test_what_is_wrong_is_named_with_its_cure(change: dict[str, Any], fatal: bool, named: str, cure: str) -> None:
    [finding] = judge(replace(GOOD, **change), 1)
    assert finding.fatal is fatal
    assert named in finding.what
    assert cure in finding.cure


def test_three_nodes_need_more_than_one() -> None:
    small = replace(GOOD, memory_available=2_500, inotify_instances=128)
    assert judge(small, 1) == []
    assert [finding.fatal for finding in judge(small, 3)] == [True, False]
