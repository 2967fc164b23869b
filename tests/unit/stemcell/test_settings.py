"""Where the agent finds its settings, what it takes from them, and what it notes on disks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.stemcell.agent import network, settings
from tests.stemcell.agent.disks import mountable
from tests.stemcell.agent.errors import AgentError

SECRET = "hunter2"
SETTINGS: dict[str, Any] = {
    "agent_id": "agent-1",
    "mbus": f"https://mbus:{SECRET}@0.0.0.0:6868",
    "disks": {"persistent": {"disk-a": "/warden-cpi-dev/disk-a"}},
    "env": {"bosh": {"mbus": {"cert": {"certificate": "C", "private_key": "K"}}}},
    "made_up": 1,
}


@pytest.fixture
def store(tmp_path: Path) -> settings.Store:
    source = tmp_path / "source.json"
    source.write_text(json.dumps(SETTINGS))
    return settings.Store(source, tmp_path / "bosh")


def test_agent_json_says_where_the_settings_are() -> None:
    for flavour in ("runit", "systemd"):
        path = Path(__file__).parents[2] / "stemcell" / "layout" / flavour / "var/vcap/bosh/agent.json"
        config = json.loads(path.read_text())
        assert settings.settings_path(config) == Path("/var/vcap/bosh/warden-cpi-agent-env.json")
        assert (config["Platform"]["Linux"].get("ServiceManager") == "systemd") == (flavour == "systemd")


@pytest.mark.parametrize("sources", [[], [{"Type": "HTTP", "URI": "http://169.254.169.254"}]])
def test_other_sources_are_refused(sources: list[object]) -> None:
    with pytest.raises(AgentError, match="source"):
        settings.settings_path({"Infrastructure": {"Settings": {"Sources": sources}}})


def test_settings_are_cached_without_what_the_agent_does_not_know(store: settings.Store) -> None:
    store.load()
    cached = json.loads((store.folder / "settings.json").read_text())
    assert cached == {key: value for key, value in SETTINGS.items() if key != "made_up"}
    store.source.unlink()
    assert store.load() == cached


def test_broken_settings_are_refused_without_quoting_them(store: settings.Store) -> None:
    store.source.write_text(f'{{"mbus": "https://mbus:{SECRET}@0')
    with pytest.raises(AgentError, match="not one JSON object") as refused:
        store.load()
    assert SECRET not in str(refused.value)


def test_hints_win_over_the_settings_and_stay(store: settings.Store) -> None:
    store.load()
    store.remember("disk-a", {"path": "/elsewhere"})
    store.remember("disk-b", "/warden-cpi-dev/disk-b")
    assert {cid: one["Path"] for cid, one in store.disks().items()} == {
        "disk-a": "/elsewhere",
        "disk-b": "/warden-cpi-dev/disk-b",
    }
    store.forget("disk-a")
    assert store.disk("disk-a")["Path"] == "/warden-cpi-dev/disk-a"
    store.forget("disk-b")
    with pytest.raises(AgentError, match="'disk-b' could not be found"):
        store.disk("disk-b")


def test_the_notes_have_the_real_agents_shape(store: settings.Store) -> None:
    store.load()
    store.remember("disk-a", {"path": "/p"})
    store.last_mounted = "disk-a"
    assert (store.folder / "persistent_disk_hints.json").read_text() == (
        '{"disk-a":{"ID":"disk-a","DeviceID":"","VolumeID":"","Lun":"","HostDeviceID":"","Path":"/p",'
        '"ISCSISettings":{"InitiatorName":"","Username":"","Target":"","Password":""},'
        '"FileSystemType":"","MountOptions":null,"Partitioner":""}}'
    )
    assert (store.folder / "managed_disk_settings.json").read_text() == "disk-a"


def test_a_hint_that_is_no_string_is_a_panic() -> None:
    with pytest.raises(TypeError, match="lun is not a string"):
        settings.disk("disk-a", {"path": "/p", "lun": 3}, {})


@pytest.mark.parametrize(
    ("env", "url", "host"),
    [
        ({}, "https://mbus:p@0.0.0.0:6868", "0.0.0.0"),
        ({"bosh": {"mbus": {"urls": ["https://m:p@1.2.3.4:6868"]}}}, "https://mbus:p@0.0.0.0:6868", "1.2.3.4"),
    ],
)
def test_message_bus(env: dict[str, Any], url: str, host: str) -> None:
    assert settings.mbus_url({"env": env, "mbus": url}).hostname == host


def test_a_message_bus_that_is_not_https_is_refused_without_its_password() -> None:
    with pytest.raises(AgentError, match="https message buses only, not nats") as refused:
        settings.mbus_url({"mbus": f"nats://nats:{SECRET}@10.0.0.1:4222"})
    assert SECRET not in str(refused.value)


def test_no_certificate_no_agent() -> None:
    with pytest.raises(AgentError, match=r"env\.bosh\.mbus\.cert"):
        settings.mbus_certificate({"env": {"bosh": {}}})


@pytest.mark.parametrize(
    ("blobstore", "message"),
    [
        ({}, "provider local only"),
        ({"provider": "dav"}, "provider local only"),
        ({"provider": "local"}, "missing blobstore_path"),
    ],
)
def test_blobstores_that_end_the_agent(blobstore: dict[str, Any], message: str) -> None:
    with pytest.raises(AgentError, match=message):
        settings.check_blobstore(settings.blobstore({"blobstore": blobstore}))


def test_the_blobstore_of_the_env_wins() -> None:
    local = {"provider": "local", "options": {"blobstore_path": "/b"}}
    found = settings.blobstore({"blobstore": {"provider": "dav"}, "env": {"bosh": {"blobstores": [local]}}})
    assert found == local
    settings.check_blobstore(found)


@pytest.mark.parametrize(
    ("networks", "servers"),
    [
        ({"a": {"dns": ["1.1.1.1"]}}, ["1.1.1.1"]),
        (
            {"a": {"dns": ["1.1.1.1"], "default": ["gateway"]}, "b": {"dns": ["2.2.2.2"], "default": ["dns"]}},
            ["2.2.2.2"],
        ),
        ({"a": {"dns": ["1.1.1.1"]}, "b": {}}, []),
        ({}, []),
    ],
)
def test_dns_servers(networks: dict[str, Any], servers: list[str]) -> None:
    assert settings.dns_servers(networks) == servers


@pytest.mark.parametrize(
    ("networks", "yes"),
    [
        ({"a": {"preconfigured": True}, "v": {"type": "vip"}}, True),
        ({"a": {"preconfigured": True}, "b": {}}, False),
    ],
)
def test_preconfigured(networks: dict[str, Any], yes: bool) -> None:
    assert settings.preconfigured(networks) is yes


def test_a_network_that_is_not_preconfigured_ends_the_agent() -> None:
    with pytest.raises(AgentError, match="not preconfigured"):
        network.set_up({"a": {"ip": "10.0.0.2"}}, "", lambda *_: "")


def test_dynamic_networks_get_the_machines_own_address() -> None:
    own = {"ip": "10.244.0.7", "netmask": "255.255.255.0", "gateway": "10.244.0.1"}
    known = {"d": {"type": "dynamic"}, "m": {"type": "manual", "ip": "10.9.9.9", "netmask": "255.255.255.255"}}
    spec = {"d": {"type": "dynamic", "cloud_properties": {}}, "m": {"ip": "10.9.9.9"}}
    assert network.populate(spec, known, own) == {
        "d": {"type": "dynamic", "cloud_properties": {}, **own},
        "m": {"ip": "10.9.9.9"},
    }
    with pytest.raises(AgentError, match="Network 'x' is not found in settings"):
        network.populate({"x": {}}, known, own)


@pytest.mark.parametrize(
    ("output", "errors", "yes"),
    [
        ("label: gpt\nlabel-id: X\ndevice: /dev/sdb\nunit: sectors\n\n/dev/sdb1 : start=2048\n", "", True),
        ("", "sfdisk: cannot open /warden-cpi-dev/disk-a: Is a directory", False),
        ("a\nb\nc\nd\ne\n", "unrecognized partition table type", False),
    ],
    ids=["partitions", "a directory", "no table"],
)
def test_which_disks_come_back_at_boot(output: str, errors: str, yes: bool) -> None:
    assert mountable(output, errors) is yes
