"""The configuration: the file, overlaid with the context, each section as a whole where it holds credentials."""

import pytest

from bosh_kubernetes_cpi import config
from bosh_kubernetes_cpi.errors import RequestError


def test_defaults_fill_what_is_empty() -> None:
    result = config.merge({"agent": {"mbus": "", "ntp": []}, "timeouts": {"schedule": 20}, "namespace": None}, {})

    assert result["agent"] == {"mbus": "", "ntp": [], "blobstore": {}}
    assert result["timeouts"] == {"schedule": 20, "pull": 900, "node_loss": 300, "operator": 30}
    assert result["namespace"] == ""


CREDENTIALS = [
    ({}, {}, {}),
    ({"server": "a", "token": "A"}, {}, {"server": "a", "token": "A"}),
    ({"server": "a", "token": "A"}, {"server": "b", "token": "B"}, {"server": "b", "token": "B"}),
    ({"server": "a", "token": "A"}, {"server": "b"}, {"server": "b"}),
    ({"server": "a", "token": "A"}, {"token": "B"}, {"server": "a", "token": "A"}),
    ({"server": "a", "ca": "C"}, {"kubeconfig": "text"}, {"kubeconfig": "text"}),
    ({"kubeconfig": "text"}, {"server": "", "in_cluster": False}, {"kubeconfig": "text"}),
]


@pytest.mark.parametrize(("file", "context", "expected"), CREDENTIALS)
def test_connection_comes_whole_from_one_side(file, context, expected) -> None:
    assert config.merge({"kubernetes": file}, {"kubernetes": context})["kubernetes"] == expected


def test_context_overlays_other_sections_key_by_key_and_may_hold_anything_else() -> None:
    file = {"agent": {"mbus": "nats://a", "ntp": ["x"]}, "namespace": "a"}
    context = {"agent": {"mbus": "nats://b"}, "namespace": "b", "request_id": "cpi-1", "vm": {}}
    result = config.merge(file, context)

    assert result["agent"]["mbus"] == "nats://b"
    assert result["agent"]["ntp"] == ["x"]
    assert result["namespace"] == "b"
    assert "vm" not in result


WRONG = [
    ({"kubernets": {}}, "unknown key 'kubernets'; did you mean 'kubernetes'?"),
    ({"kubernetes": {"tokn": "x"}}, "kubernetes.unknown key 'tokn'; did you mean 'token'?"),
    ({"kubernetes": "x"}, "kubernetes must be an object"),
    ({"agent": {"ntp": "x"}}, "agent.ntp must be a list of strings"),
    ({"timeouts": {"schedule": "300"}}, "timeouts.schedule must be a whole number above 0"),
    ({"timeouts": {"schedule": -1}}, "timeouts.schedule must be a whole number above 0"),
    ({"namespace": 7}, "namespace must be a string"),
]


@pytest.mark.parametrize(("file", "words"), WRONG)
def test_wrong_keys_are_named(file, words) -> None:
    with pytest.raises(RequestError) as failure:
        config.merge(file, {})
    assert words in failure.value.message


def test_every_key_of_the_schema_is_documented() -> None:
    """The page is what the job's properties are written by."""
    from pathlib import Path

    page = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()
    for section, shape in config.SCHEMA.items():
        assert f'"{section}"' in page
        for key in shape if isinstance(shape, dict) else ():
            assert f"`{key}`" in page or f"`{section}.{key}`" in page or f"`{key}: " in page, f"{section}.{key}"
