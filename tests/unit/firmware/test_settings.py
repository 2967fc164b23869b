"""The agent's settings are joined as text, and the kubelet's files are kept without undoing what the guest did."""

import json
from pathlib import Path

import pytest

from bosh_kubernetes_api import names
from bosh_kubernetes_api.settings import settings
from tests.unit.firmware.conftest import Run


@pytest.mark.parametrize(
    ("settings", "credentials", "joined"),
    [
        ('{"a":1}', '{"b":2}', {"a": 1, "b": 2}),
        ('{"a":{"x":"}"}}\n', '{"b":"{\\"c\\": 1}"}\n', {"a": {"x": "}"}, "b": '{"c": 1}'}),
        ('{"a":"100% \\\\n $HOME `id` \'q\'"}', '{"b":2}', {"a": "100% \\n $HOME `id` 'q'", "b": 2}),
        ('{"a":1}', "{}", {"a": 1}),
        ("{}", '{"b":2}', {"b": 2}),
    ],
)
def test_both_halves_are_joined(call: Run, tmp_path: Path, settings: str, credentials: str, joined: object) -> None:
    (tmp_path / "a").write_text(settings)
    (tmp_path / "b").write_text(credentials)

    done = call(f"join_settings {tmp_path}/a {tmp_path}/b", "settings")

    assert json.loads(done.stdout) == joined


def test_disks_are_listed_as_the_agent_wants_them(call: Run, tmp_path: Path) -> None:
    """Whatever the networks say; the hint is the one that attach_disk of API 2 answers."""
    networks = {"a": {"type": "dynamic", "cloud_properties": {"persistent": {}, "x": '"persistent": {}'}}}
    public = settings(agent_id="a-1", vm_cid="vm-1", networks=networks, ntp=['"persistent": {}'])
    (tmp_path / "a").write_text(json.dumps(public))
    (tmp_path / "b").write_text('{"env":{"persistent": {}}}')

    done = call(f"join_settings {tmp_path}/a {tmp_path}/b disk-1 disk-2", "settings")

    listed = {cid: {"path": names.disk_path(cid)} for cid in ("disk-1", "disk-2")}
    expected = {**public, "disks": {**public["disks"], "persistent": listed}, "env": {"persistent": {}}}
    assert json.loads(done.stdout) == expected


def test_settings_without_a_place_for_disks_are_refused(call: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"disks":{}}')
    (tmp_path / "b").write_text("{}")

    done = call(f"join_settings {tmp_path}/a {tmp_path}/b disk-1", "settings")

    assert (done.returncode, done.stdout, done.stderr) == (1, "", "settings: no place for disks\n")


@pytest.mark.parametrize("broken", ["", "[]", '{"a":1', '{"a":\n1}'])
def test_what_is_no_object_on_one_line_is_refused_without_showing_it(call: Run, tmp_path: Path, broken: str) -> None:
    (tmp_path / "a").write_text(broken)
    (tmp_path / "b").write_text('{"secret":"planted"}')

    done = call(f"join_settings {tmp_path}/a {tmp_path}/b", "settings")

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("settings: ")


@pytest.mark.parametrize(
    ("agent", "path"),
    [
        ('{"Infrastructure":{"Settings":{"Sources":[{"Type":"File","SettingsPath":"/x/y.json"}]}}}', "/x/y.json"),
        ('{\n "SettingsPath" :  "/a b/c.json"\n}', "/a b/c.json"),
        ("{}", "/var/vcap/bosh/warden-cpi-agent-env.json"),
    ],
)
def test_settings_go_where_agent_json_says(call: Run, tmp_path: Path, agent: str, path: str) -> None:
    (tmp_path / "agent.json").write_text(agent)

    assert call(f"settings_path {tmp_path}/agent.json", "settings").stdout.strip() == path


@pytest.mark.parametrize(
    ("agent", "manager"),
    [
        ('{"Platform":{"Linux":{"ServiceManager":"systemd"}}}', "systemd"),
        ('{"ServiceManager" : "systemd"}', "systemd"),
        ('{"Platform":{"Linux":{"DevicePathResolutionType":"bind"}}}', "runit"),
        ('{"ServiceManager":"runit","Other":"systemd"}', "runit"),
    ],
)
def test_the_init_is_what_agent_json_says(call: Run, tmp_path: Path, agent: str, manager: str) -> None:
    (tmp_path / "agent.json").write_text(agent)

    assert call(f"service_manager {tmp_path}/agent.json", "settings").stdout.strip() == manager


def test_a_file_of_the_kubelet_follows_until_the_guest_changes_it(call: Run, tmp_path: Path) -> None:
    kubelet, guest = tmp_path / "kubelet", tmp_path / "hosts"
    line = f"keep {kubelet} {guest} {tmp_path}/copy"

    kubelet.write_text("first\n")
    call(line, "settings")
    first = guest.read_text()
    kubelet.write_text("second\n")
    call(line, "settings")
    second = guest.read_text()
    guest.write_text("the agent's\n")
    kubelet.write_text("third\n")
    call(line, "settings")

    assert [first, second, guest.read_text()] == ["first\n", "second\n", "the agent's\n"]


def test_a_link_that_the_guest_made_stays_a_link(call: Run, tmp_path: Path) -> None:
    (tmp_path / "kubelet").write_text("words\n")
    (tmp_path / "copy").write_text("words\n")
    (tmp_path / "elsewhere").write_text("words\n")
    (tmp_path / "resolv.conf").symlink_to("elsewhere")

    call(f"keep {tmp_path}/kubelet {tmp_path}/resolv.conf {tmp_path}/copy", "settings")

    assert (tmp_path / "resolv.conf").is_symlink()


def test_resolved_gets_servers_and_domains(call: Run, tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text(
        "search a.svc cluster.local\nnameserver 10.96.0.10\nnameserver 10.96.0.11\noptions ndots:5\n"
    )

    done = call(f"resolved_dropin {tmp_path}/resolv.conf", "settings")

    assert done.stdout == "[Resolve]\nDNS=10.96.0.10 10.96.0.11\nDomains=a.svc cluster.local\n"


def test_a_fresh_run_has_what_resolvconf_needs_where_the_guest_has_resolvconf(call: Run, tmp_path: Path) -> None:
    (tmp_path / "with/etc/resolvconf").mkdir(parents=True)
    (tmp_path / "without/etc").mkdir(parents=True)

    for root in ("with", "without"):
        call(f"resolvconf_files {tmp_path}/{root}", "settings")

    made = tmp_path / "with/run/resolvconf"
    assert sorted(file.name for file in made.iterdir()) == ["enable-updates", "interface", "resolv.conf"]
    assert (made / "resolv.conf").read_text() == Path("/etc/resolv.conf").read_text()
    assert not (tmp_path / "without/run").exists()
