"""The stand-in agent on a machine: bootstrap, message bus, disks with and without the firmware's `mount`, jobs."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.component.stemcell_agent.machine import SHIM, Machine, wait_for

Make = Callable[..., Machine]


def test_bootstrap_does_what_the_real_agent_does(machine: Make) -> None:
    vm = machine()
    vm.boot()
    mounts = vm.mounts()
    for path, options in {
        "/dev/shm": {"nosuid", "nodev", "noexec"},
        "/var/log": {"nosuid", "nodev", "noexec"},
        "/var/opt": {"nodev"},
        "/opt": {"nodev"},
        "/home": {"nosuid", "nodev"},
        "/var/vcap/data/sys/run": {"rw"},
    }.items():
        assert options <= set(mounts[path].split(",")), path
    assert "/var/vcap/store" not in mounts
    assert vm.run("hostname; cat /etc/hostname") == "agent-1\nagent-1"
    assert "127.0.0.1 agent-1 localhost\n" in vm.run("cat /etc/hosts")
    assert vm.run("readlink /etc/resolv.conf; cat /etc/resolv.conf") == (
        "/run/resolvconf/resolv.conf\nnameserver 192.0.2.1\n"
    )
    assert vm.run("cat /var/vcap/bosh/agent_state.json") == '{"Linux":{"hosts_configured":true}}'
    assert (
        vm.run("stat -c '%U:%G %a' /var/vcap/data/root_log /var/vcap/data/sys/run")
        == "root:syslog 771\nroot:vcap 1777\n"
    )
    assert vm.run("readlink /var/vcap/sys") == "/var/vcap/data/sys\n"
    assert vm.run("getent shadow root vcap | cut -d: -f2") == "*\n*\n"


def test_a_reboot_keeps_the_host_name_as_the_agent_left_it(machine: Make) -> None:
    vm = machine()
    vm.boot()
    vm.run("echo renamed > /etc/hostname")
    vm.reboot()
    assert vm.run("cat /etc/hostname") == "renamed\n"


def test_the_message_bus_wants_the_password(machine: Make) -> None:
    vm = machine()
    vm.boot()
    assert vm.http("POST", "/agent", b'{"method": "ping"}', password="wrong")[0] == 401
    assert vm.http("GET", "/blobs/x", password="wrong")[0] == 401
    assert vm.http("POST", "/agent", b"no json")[0] == 500
    assert vm.http("GET", "/agent")[0] == 404
    assert vm.http("GET", "/elsewhere")[0] == 404


def test_blobs_come_and_go_by_the_bus(machine: Make) -> None:
    vm = machine()
    vm.boot()
    assert vm.http("GET", "/blobs/one") == (404, b"")
    assert vm.http("PUT", "/blobs/one", b"content" * 100_000) == (201, b"")
    assert vm.http("GET", "/blobs/one") == (200, b"content" * 100_000)


def test_get_state_of_a_machine_without_jobs(machine: Make) -> None:
    vm = machine()
    vm.boot()
    state = vm.ask("get_state")["value"]
    assert (state["agent_id"], state["job_state"], state["vm"]) == ("agent-1", "running", {"name": "vm-1"})
    assert "processes" not in state


def test_a_resolv_conf_that_is_a_mount_ends_the_agent(machine: Make) -> None:
    vm = machine()
    (vm.folder / "mounted-resolv.conf").write_text("nameserver 192.0.2.53\n")
    vm.on()
    wait_for("two starts", lambda: vm.log().count("Starting agent") >= 2)
    assert "App setup: Setting up networking: Setting up /etc/resolv.conf symlink:" in vm.log()
    assert "Device or resource busy" in vm.log()


def test_a_resolv_conf_that_leads_nowhere_ends_the_agent(machine: Make) -> None:
    """It is a link into /run since the first boot; seen with the real agent."""
    vm = machine()
    del vm.settings["networks"]["default"]["dns"]
    vm.boot()
    vm.off()
    (vm.folder / "bare-run").touch()
    vm.on()
    wait_for("two starts", lambda: vm.log().count("Starting agent") >= 3)
    assert "Setting up networking: Reading /etc/resolv.conf symlink:" in vm.log()


def attach(vm: Machine, cid: str) -> None:
    assert vm.task("add_persistent_disk", cid, {"path": f"/warden-cpi-dev/{cid}"}) == {"value": {}}
    assert vm.task("mount_disk", cid) == {"value": {}}


def test_a_disk_is_mounted_and_found(machine: Make) -> None:
    vm = machine(disks=("disk-a",))
    vm.boot()
    assert vm.ask("list_disk") == {"value": []}
    attach(vm, "disk-a")
    assert vm.ask("list_disk") == {"value": ["disk-a"]}
    vm.run("echo kept > /var/vcap/store/file")
    assert (vm.folder / "disks/disk-a/file").read_text() == "kept\n"
    assert vm.run("cat /var/vcap/bosh/managed_disk_settings.json") == "disk-a"


def test_unmount_takes_the_disks_own_mount_and_leaves_the_store(machine: Make) -> None:
    vm = machine(disks=("disk-a",))
    vm.boot()
    attach(vm, "disk-a")
    assert vm.task("unmount_disk", "disk-a")["value"]["message"].startswith("Unmounted partition of ")
    assert {"/var/vcap/store", "/warden-cpi-dev/disk-a"} & set(vm.mounts()) == {"/var/vcap/store"}
    assert vm.task("unmount_disk", "disk-a")["value"]["message"].endswith(" is not mounted")


def test_migration_fails_when_mount_names_devices(machine: Make) -> None:
    vm = machine(disks=("disk-a", "disk-b"))
    vm.boot()
    attach(vm, "disk-a")
    attach(vm, "disk-b")
    message = vm.task("migrate_disk", "disk-a", "disk-b")["exception"]["message"]
    assert "Migrating persistent disk: Remounting new disk on original mountpoint: Device " in message
    assert message.endswith("can't mount to /var/vcap/store")
    assert not {"/var/vcap/store", "/var/vcap/store_migration_target"} & set(vm.mounts())


def test_migration_moves_the_data_with_the_firmwares_mount(machine: Make) -> None:
    vm = machine(disks=("disk-a", "disk-b"), shim=SHIM)
    vm.boot()
    attach(vm, "disk-a")
    vm.run("mkdir /var/vcap/store/below && echo moved > /var/vcap/store/below/file")
    attach(vm, "disk-b")
    assert vm.task("migrate_disk", "disk-a", "disk-b") == {"value": {}}
    assert vm.run("cat /var/vcap/store/below/file") == "moved\n"
    assert (vm.folder / "disks/disk-b/below/file").read_text() == "moved\n"
    vm.run("echo later > /var/vcap/store/later")
    assert (vm.folder / "disks/disk-b/later").exists()
    assert not (vm.folder / "disks/disk-a/later").exists()
    assert "/var/vcap/store_migration_target" not in vm.mounts()


def test_two_disks_known_at_boot_are_refused(machine: Make) -> None:
    vm = machine(disks=("disk-a", "disk-b"))
    vm.settings["disks"]["persistent"] = {cid: f"/warden-cpi-dev/{cid}" for cid in ("disk-a", "disk-b")}
    vm.on()
    wait_for("the refusal", lambda: "Comparing persistent disks: Unexpected disk attached" in vm.log())


def test_a_directory_is_not_mounted_again_after_a_reboot(machine: Make) -> None:
    vm = machine(disks=("disk-a",))
    vm.boot()
    attach(vm, "disk-a")
    vm.reboot()
    assert "/var/vcap/store" not in vm.mounts()
    assert vm.ask("list_disk") == {"value": ["disk-a"]}


CTL = """#!/bin/bash
pidfile=/var/vcap/sys/run/beat/pid
case $1 in
  start) /bin/sh -c 'echo $$ > '$pidfile'; while :; do echo beat >> /var/vcap/store/beats; sleep 0.2; done' & ;;
  stop) kill "$(cat $pidfile)" ;;
esac
"""
MONIT = """check process beat
  with pidfile /var/vcap/sys/run/beat/pid
  start program "/var/vcap/jobs/beat/bin/ctl start"
  stop program "/var/vcap/jobs/beat/bin/ctl stop"
  group vcap
"""


def spec_of_a_job(vm: Machine) -> dict[str, Any]:
    """Uploads a job and returns the spec that has it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in (("monit", MONIT), ("bin/ctl", CTL), ("bin/pre-start", "#!/bin/sh\necho $WORD\n")):
            info = tarfile.TarInfo(f"./beat/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    assert vm.http("PUT", "/blobs/templates", content.getvalue())[0] == 201
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    return {
        "deployment": "test",
        "name": "group",
        "id": "0",
        "job": {"name": "group", "templates": [{"name": "beat", "version": "1"}]},
        "packages": {},
        "networks": {"default": {"type": "dynamic"}},
        "rendered_templates_archive": {"blobstore_id": "templates", "sha1": f"sha256:{digest}"},
        "configuration_hash": "x",
    }


def state(vm: Machine) -> str:
    return str(vm.ask("get_state")["value"]["job_state"])


def test_a_job_runs_from_start_to_stop_and_over_a_reboot(machine: Make) -> None:
    vm = machine(disks=("disk-a",))
    vm.boot()
    attach(vm, "disk-a")
    beats = vm.folder / "disks/disk-a/beats"
    assert vm.task("apply", spec_of_a_job(vm)) == {"value": "applied"}
    assert vm.task("run_script", "pre-start", {"env": {"WORD": "hello"}}) == {"value": {}}
    assert vm.run("cat /var/vcap/sys/log/beat/pre-start.stdout.log") == "hello\n"
    assert vm.run("stat -c %G:%a /var/vcap/jobs/beat/bin/ctl /var/vcap/jobs/beat/monit") == "vcap:750\nvcap:640\n"
    assert not beats.exists(), "a job runs before it is started"

    assert vm.ask("start") == {"value": "started"}
    wait_for("running", lambda: state(vm) == "running")
    wait_for("beats", beats.exists)
    assert [one["name"] for one in vm.ask("get_state")["value"]["processes"]] == ["beat"]

    first = vm.run("cat /var/vcap/sys/run/beat/pid")
    vm.run(f"kill -9 {first}")
    wait_for("another process", lambda: vm.run("cat /var/vcap/sys/run/beat/pid") != first)

    vm.reboot()
    wait_for("running after the reboot", lambda: state(vm) == "running" and vm.ask("get_state")["value"]["processes"])
    wait_for("beats in the root", lambda: vm.run("ls /var/vcap/store") == "beats\n")

    assert vm.task("drain", "shutdown", {}) == {"value": 0}
    assert vm.task("stop") == {"value": "stopped"}
    assert state(vm) == "stopped"
    wait_for("the process to end", lambda: not vm.run("pgrep -f 'store/[b]eats' || true"))
    assert vm.task("apply", {"networks": {}, "configuration_hash": "y"}) == {"value": "applied"}
    assert vm.run("ls /var/vcap/jobs /var/vcap/monit/job") == "/var/vcap/jobs:\n\n/var/vcap/monit/job:\n"


def test_a_spec_with_a_foreign_network_is_refused(machine: Make) -> None:
    vm = machine()
    vm.boot()
    message = vm.task("apply", {"networks": {"x": {}}, "configuration_hash": ""})["exception"]["message"]
    assert message.endswith("Resolving dynamic networks: Network 'x' is not found in settings")


def test_a_package_is_compiled_to_a_blob(machine: Make) -> None:
    vm = machine()
    vm.boot()
    script = b"cp word ${BOSH_INSTALL_TARGET}/word\n"
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in (("packaging", script), ("word", b"hello")):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    vm.http("PUT", "/blobs/source", content.getvalue())
    sha1 = hashlib.sha1(content.getvalue()).hexdigest()
    result = vm.task("compile_package", "source", sha1, "words", "1", {})["value"]["result"]
    compiled = vm.http("GET", f"/blobs/{result['blobstore_id']}")[1]
    assert hashlib.sha1(compiled).hexdigest() == result["sha1"]
    with tarfile.open(fileobj=io.BytesIO(compiled)) as tar:
        assert "./word" in tar.getnames()
    refused = vm.task("compile_package", "source", "0" * 40, "words", "1", {})
    assert "Compiling package words: Fetching package words: Checking blob 'source'" in refused["exception"]["message"]


@pytest.mark.parametrize("word", ["p@ss", "p%40ss", "PRIVATE KEY"])
def test_no_credential_is_logged(machine: Make, word: str) -> None:
    vm = machine()
    vm.boot()
    vm.http("POST", "/agent", b"no json")
    assert "Listening" in vm.log()
    assert word not in vm.log()
