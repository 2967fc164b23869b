"""info comes before every call: offline, quick, the same for every version. So are the methods that ask nobody."""

import json

import pytest

from tests.support.cpi_process import CallError, Cpi


@pytest.mark.parametrize("version", [None, 1, 2, 3])
def test_same_answer_for_every_version_asked(cpi: Cpi, version: int | None) -> None:
    request = {"method": "info", "arguments": [], "context": {"director_uuid": "x"}}
    if version is not None:
        request["api_version"] = version
    result = cpi.raw(json.dumps(request).encode()).value()

    assert result["api_version"] == 3
    assert "warden-tar" in result["stemcell_formats"]


def test_needs_neither_configuration_nor_cluster(cpi: Cpi, api) -> None:
    cpi.config.write_text("no JSON")

    assert cpi("info")["api_version"] == 3
    assert cpi("ping") == "pong"
    assert api.connections == 0


PLACEHOLDERS = [
    {},
    {"kubernetes": {}, "namespace": "", "agent": {}, "registry": {}},
    {"kubernetes": {"server": "", "ca": "", "token": ""}},
    {
        "kubernetes": {"server": "replace-me", "ca": "replace-me", "token": "replace-me"},
        "agent": {"mbus": "replace-me"},
    },
    {"kubernetes": "replace-me", "registry": 7, "agent": None, "unknown": []},
    {"kubernetes": {"exec": {"command": "/bin/false"}, "server": "https://127.0.0.1:1"}},
]


@pytest.mark.parametrize("side", ["file", "context", "both"])
@pytest.mark.parametrize("settings", PLACEHOLDERS, ids=range(len(PLACEHOLDERS)))
def test_placeholders_are_good_enough(cpi: Cpi, api, settings, side) -> None:
    """In the job's file or the properties of a cpi-config, which come with every call, this one too."""
    cpi.config.write_text(json.dumps(settings if side != "context" else {}))
    context = settings if side != "file" else {}
    request = {"arguments": [], "context": {"director_uuid": "x", **context}}

    for method, expected in (("info", 3), ("ping", "pong")):
        result = cpi.raw(json.dumps({"method": method, **request}).encode()).value()
        assert (result["api_version"] if method == "info" else result) == expected
    resources = {"cpu": 1, "ram": 512, "ephemeral_disk_size": 1024}
    asked = {"method": "calculate_vm_cloud_properties", **request, "arguments": [resources]}
    assert cpi.raw(json.dumps(asked).encode()).value()["memory"] == 512
    assert api.connections == 0


SUBNET = {"type": "manual", "cloud_properties": {}, "range": "10.0.0.0/24"}
REFUSED = [
    (("current_vm_id",), "NotImplemented"),
    (("create_network", SUBNET), "NotImplemented"),
    (("delete_network", "network-1"), "NetworkNotFound"),
    (("configure_networks", "vm-1", {}), "NotSupported"),
]


@pytest.mark.parametrize(("call", "kind"), REFUSED, ids=[call[0] for call, _ in REFUSED])
def test_what_no_cluster_can_do_has_the_type_that_callers_expect(cpi: Cpi, api, call, kind) -> None:
    cpi.config.write_text("no JSON")
    with pytest.raises(CallError) as failure:
        cpi(*call)

    assert failure.value.type == f"Bosh::Clouds::{kind}"
    assert not failure.value.ok_to_retry
    assert api.connections == 0
