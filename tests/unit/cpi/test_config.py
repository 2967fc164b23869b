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
    ({"server": "a", "ca": "C"}, {"kubeconfig": "text"}, {"kubeconfig": "text"}),
    ({"kubeconfig": "text"}, {"server": "", "in_cluster": False}, {"kubeconfig": "text"}),
]


@pytest.mark.parametrize(("file", "context", "expected"), CREDENTIALS)
def test_connection_comes_whole_from_one_side(file, context, expected) -> None:
    assert config.merge({"kubernetes": file}, {"kubernetes": context})["kubernetes"] == expected


ALONE = [("kubernetes", key) for key in config.SCHEMA["kubernetes"] if key not in config.WHOLE_SECTIONS["kubernetes"]]
ALONE += [("registry", key) for key in ("username", "password", "ca", "insecure", "pull_host")]
EXAMPLES = {config.TEXT: "planted", config.SWITCH: True}


@pytest.mark.parametrize(("section", "key"), ALONE)
def test_credentials_of_the_context_without_their_place_are_refused(section, key) -> None:
    """Ignored, a machine would be made in the file's cluster; with the file's place they would be sent there."""
    kind = config.SCHEMA[section][key]
    value = EXAMPLES[kind] if isinstance(kind, str) else {"command": "planted"}
    file = {"kubernetes": {"server": "a", "token": "A"}, "registry": {"host": "a:1"}}
    with pytest.raises(RequestError, match=f"context: {section}.{key} without {section}") as failure:
        config.merge(file, {section: {key: value}})
    assert "planted" not in failure.value.message


REGISTRIES = [
    ({"host": "a", "password": "A"}, {"repository": "r"}, {"host": "a", "password": "A", "repository": "r"}),
    ({"host": "a", "password": "A"}, {"pull_secrets": ["s"]}, {"host": "a", "password": "A", "pull_secrets": ["s"]}),
    ({"host": "a", "password": "A", "repository": "r", "pull_secrets": ["s"]}, {"host": "b"}, {"host": "b"}),
    ({"host": "a", "insecure": True}, {"service": "n/r:1"}, {"service": "n/r:1"}),
    ({"service": "n/r:1"}, {}, {"service": "n/r:1"}),
]


@pytest.mark.parametrize(("file", "context", "expected"), REGISTRIES)
def test_registry_comes_whole_too_but_for_what_names_no_place(file, context, expected) -> None:
    found = config.merge({"registry": file}, {"registry": context})["registry"]

    assert found == {**config.DEFAULTS["registry"], **expected}


def test_placeholders_of_what_the_context_replaces_are_not_looked_at() -> None:
    placeholders = {"server": "replace-me", "in_cluster": "replace-me", "exec": "replace-me", "unknown": "replace-me"}
    file = {"kubernetes": placeholders, "registry": {"insecure": "replace-me"}}
    context = {"kubernetes": {"server": "b", "token": "B"}, "registry": {"host": "b"}}
    result = config.merge(file, context)

    assert result["kubernetes"] == context["kubernetes"]
    assert "replace-me" not in str(result)
    with pytest.raises(RequestError, match="configuration: kubernetes"):
        config.merge(file, {"registry": {"host": "b"}})


def test_reserved_keys_of_the_context_are_no_properties() -> None:
    """What BOSH puts there, or a property of that name that takes its place, is never configuration."""
    reserved = {"director_uuid", "request_id", "vm"}  # contract 1.2
    assert not reserved & set(config.SCHEMA)
    context = {key: {"kubernetes": {"server": "x"}, "namespace": "x"} for key in reserved}
    assert config.merge({}, context) == config.merge({}, {})


def test_what_is_empty_in_the_context_leaves_the_files() -> None:
    file = {"namespace": "a", "agent": {"mbus": "nats://a", "ntp": ["x"]}, "registry": {"host": "a", "insecure": True}}
    empty = {"namespace": "", "agent": {"mbus": None, "ntp": []}, "registry": {"host": "", "insecure": False}}

    assert config.merge(file, empty) == config.merge(file, {})


def test_a_blobstore_is_never_mixed() -> None:
    file = {"agent": {"blobstore": {"provider": "s3", "options": {"secret_access_key": "A", "region": "x"}}}}
    blobstore = {"provider": "dav", "options": {"password": "B"}}

    assert config.merge(file, {"agent": {"blobstore": blobstore}})["agent"]["blobstore"] == blobstore


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
    ({"kubernetes": {"tokn": "x"}}, "configuration: unknown key 'kubernetes.tokn'; did you mean 'token'?"),
    ({"kubernetes": "x"}, "kubernetes must be an object"),
    ({"kubernetes": {"exec": "x"}}, "configuration: kubernetes.exec must be an object"),
    ({"kubernetes": {"exec": {"env": {"A": 1}}}}, "configuration: kubernetes.exec.env must be an object of strings"),
    ({"kubernetes": {"exec": {"args": "x"}}}, "configuration: kubernetes.exec.args must be a list of strings"),
    ({"kubernetes": {"exec": {"apiVersion": "x"}}}, "unknown key 'kubernetes.exec.apiVersion'; did you mean 'api_ver"),
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
    """On the page, or in the table of the job's properties that it leads to."""
    from pathlib import Path

    docs = Path(__file__).parents[3] / "docs"
    page = (docs / "configuration.md").read_text() + (docs / "properties.md").read_text()
    for section, shape in config.SCHEMA.items():
        assert f'"{section}"' in page
        for key, kind in shape.items() if isinstance(shape, dict) else ():
            words = (f"`{key}`", f"`{section}.{key}`", f"`{key}: ")
            assert any(word in page for word in words), f"{section}.{key}"
            for inner in kind if isinstance(kind, dict) else ():
                words = (f"`{inner}`", f"`{section}.{key}.{inner}`")
                assert any(word in page for word in words), f"{section}.{key}.{inner}"


def test_what_is_no_configuration(tmp_path) -> None:
    path = tmp_path / "cpi.json"
    wrong = [
        (b"[]", "no JSON object"),
        (b"", "line 1, column 1"),
        (b"\xff", "not UTF-8"),
        (b'{"a": "planted', "line 1, column 7"),
        (b"[" * 200_000, "nested too deeply"),
    ]
    for content, words in wrong:
        path.write_bytes(content)
        with pytest.raises(RequestError, match=words) as failure:
            config.load(str(path), {})
        assert "planted" not in failure.value.message
    path.unlink()
    with pytest.raises(RequestError, match="No such file"):
        config.load(str(path), {})
