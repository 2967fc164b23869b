"""Credential plugins, run by real CPI processes: what they are told, and what becomes of what they say."""

import base64
import json
from datetime import date
from pathlib import Path
from time import gmtime, strftime, time

import pytest

from bosh_kubernetes_cpi.errors import RequestError
from bosh_kubernetes_cpi.plugin import LARGEST, credential
from tests.component.test_connection import until
from tests.component.test_credentials import BETA, V1, answer
from tests.component.test_fast_path import PEAK
from tests.support.cpi_process import CallError
from tests.support.fakeapi.server import TOKEN
from tests.support.measured import measured


@pytest.mark.parametrize("version", [V1, BETA])
def test_plugin_of_each_version_is_told_its_own(server, new_cpi, plugin, tmp_path, version) -> None:
    said = tmp_path / "said"
    command = plugin(
        f'printenv > {said}; echo "$@" >> {said}; readlink /proc/$$/fd/0 >> {said}; $PRINT',
        answer(version, token=TOKEN),
    )
    call = {"command": command, "args": ["one", "two words"], "env": {"PROFILE": "bosh"}, "api_version": version}
    assert new_cpi(kubernetes={**server, "exec": call})("has_vm", "vm-1") is False

    lines = said.read_text().splitlines()
    told = json.loads(next(line for line in lines if "KUBERNETES_EXEC_INFO" in line).partition("=")[2])
    assert told == {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    assert "PROFILE=bosh" in lines
    assert lines[-2:] == ["one two words", "/dev/null"], "our standard input is not the plugin's to read"


def test_plugin_is_told_of_the_cluster_if_it_asks(server, new_cpi, plugin, tmp_path) -> None:
    said = tmp_path / "said"
    command = plugin(f'echo "$KUBERNETES_EXEC_INFO" > {said}; $PRINT', answer(token=TOKEN))
    block = {**server, "tls_server_name": "localhost", "exec": {"command": command, "provide_cluster_info": True}}
    assert new_cpi(kubernetes=block)("has_vm", "vm-1") is False

    assert json.loads(said.read_text())["spec"]["cluster"] == {
        "server": server["server"],
        "tls-server-name": "localhost",
        "certificate-authority-data": base64.b64encode(server["ca"].encode()).decode(),
    }


def test_what_a_plugin_cannot_be_told_of_the_cluster_is_told(plugin) -> None:
    """YAML has dates, JSON has none."""
    call = {"command": plugin(), "provide_cluster_info": True}
    with pytest.raises(RequestError, match="no JSON"):
        credential(call, {"config": {"since": date(2020, 1, 1)}})


@pytest.mark.parametrize(
    ("expires", "seconds"),
    [
        ("{}Z", 600),
        ("{}+00:00", 600),
        ("{}.25Z", 600),
        ("{}+02:00", 600 - 7200),
        ("{}.123456789-01:30", 600 + 5400),
    ],
)
def test_when_a_credential_ends_is_told_in_any_zone(plugin, expires, seconds) -> None:
    at = strftime("%Y-%m-%dT%H:%M:%S", gmtime(time() + 600))
    prints = answer(token=TOKEN, expirationTimestamp=expires.format(at))
    left = credential({"command": plugin(prints=prints)}, {})[3]
    assert left == pytest.approx(max(seconds - 10, 10), abs=5)


def test_plugin_gives_a_client_certificate(api, server, new_cpi, plugin) -> None:
    status = {"clientCertificateData": api.client.certificate, "clientKeyData": api.client.key}
    block = {**server, "exec": {"command": plugin(prints=answer(**status))}}
    assert new_cpi(kubernetes=block)("has_vm", "vm-1") is False
    assert api.presented == ["cpi"]


def test_token_that_the_server_refuses_is_got_anew_once(api, server, new_cpi, plugin, tmp_path) -> None:
    count = tmp_path / "count"
    command = plugin(f"echo x >> {count}; sed s/N/$(wc -l < {count})/ {tmp_path}/prints", answer(token="token-N"))
    cpi = new_cpi(kubernetes={**server, "exec": {"command": command}})
    api.token = "token-2"
    assert cpi("has_vm", "vm-1") is False
    assert api.presented == ["Bearer token-1", "Bearer token-2"]

    api.token = "token-9"
    with pytest.raises(CallError, match="does not accept the credentials"):
        cpi("has_vm", "vm-1")
    assert count.read_text() == "x\n" * 4


def test_what_a_plugin_says_is_told_without_what_is_secret(server, new_cpi, plugin) -> None:
    command = plugin('echo "warning: $PASSWORD for $2 is old" >&2; $PRINT', answer(token=TOKEN))
    call = {"command": command, "args": ["--password", "planted-argument"], "env": {"PASSWORD": "abc"}}
    done = new_cpi(kubernetes={**server, "exec": call}).answer("has_vm", "vm-1")

    assert done.result is False
    assert "warning: <redacted> for <redacted> is old" in done.stderr


FAILING = [
    ("echo $TOKEN: no session, log in >&2; exit 3", r"exit code 3; it says: <redacted>: no session, log in"),
    ("$PRINT; tr -d '{}' < ${PRINT#cat } >&2; exit 1", "exit code 1"),
    ("kill -9 $$", "signal 9"),
]


@pytest.mark.parametrize(("script", "words"), FAILING)
def test_plugin_that_fails_is_told_and_may_do_better_later(server, new_cpi, plugin, script, words) -> None:
    prints = answer(token="planted-by-the-plugin-1")
    call = {"command": plugin(script, prints), "env": {"TOKEN": "planted-token"}}
    with pytest.raises(CallError, match=words) as failure:
        new_cpi(kubernetes={**server, "exec": call})("has_vm", "vm-1")
    assert failure.value.ok_to_retry
    assert "planted" not in failure.value.message


NO_CREDENTIAL = [
    ("planted", "printed no JSON"),
    ("[" * 100_000, "printed no JSON"),
    ('"planted"', "printed no ExecCredential"),
    (answer(BETA, token="planted"), f"printed no ExecCredential of {V1}"),
    (json.dumps({"apiVersion": V1, "kind": "Secret", "status": {"token": "planted"}}), "printed no ExecCredential"),
    (json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": "planted"}), "neither a token nor"),
    (answer(), "neither a token nor"),
    (answer(token=["planted"]), "must be strings"),
    (answer(clientCertificateData="planted"), "neither a token nor"),
    (answer(clientCertificateData="planted", clientKeyData="planted"), "no matching PEM pair"),
    (answer(token="planted planted"), "no bearer token"),
    (answer(token="planted", expirationTimestamp="planted"), "expirationTimestamp is no time"),
]


@pytest.mark.parametrize(("prints", "words"), NO_CREDENTIAL)
def test_what_is_no_credential_is_told_and_not_quoted(server, new_cpi, plugin, prints, words) -> None:
    with pytest.raises(CallError, match=words) as failure:
        new_cpi(kubernetes={**server, "exec": {"command": plugin(prints=prints)}})("has_vm", "vm-1")
    assert failure.value.type == "Bosh::Clouds::CpiError"
    assert "planted" not in failure.value.message


def test_plugin_may_talk_at_length_but_not_answer_so(server, new_cpi, plugin) -> None:
    command = plugin("head -c 60000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo end >&2; $PRINT", answer(token=TOKEN))
    cpi = new_cpi(kubernetes={**server, "exec": {"command": command}})
    done = measured(cpi, "has_vm", "vm-1")
    assert b'"result": false, "error": null' in done.answer
    assert done.said.endswith(b" end\n")
    assert len(done.said) < 2000
    assert done.peak < 2 * PEAK

    with pytest.raises(CallError, match=f"prints more than {LARGEST} bytes"):
        new_cpi(kubernetes={**server, "exec": {"command": plugin("exec yes planted")}})("has_vm", "vm-1")


def test_plugin_whose_child_keeps_the_pipes_is_not_waited_for(server, new_cpi, plugin, tmp_path) -> None:
    """Nor is the child ended: what a plugin that went well leaves behind is its own affair."""
    end, command = tmp_path / "end", ""
    command = plugin(f"(while ! [ -e {end} ]; do sleep 0.1; done) & $PRINT", answer(token=TOKEN))
    try:
        assert new_cpi(kubernetes={**server, "exec": {"command": command}})("has_vm", "vm-1") is False
    finally:
        end.touch()


def test_plugin_that_does_not_end_is_ended_with_its_children(monkeypatch, plugin, tmp_path) -> None:
    from bosh_kubernetes_cpi import plugin as module
    from bosh_kubernetes_cpi.errors import NoCredential

    monkeypatch.setattr(module, "LIMIT", 1.0)
    pid = tmp_path / "pid"
    command = plugin(f"echo waiting for a browser >&2; sleep 600 & echo $! > {pid}; wait")
    with pytest.raises(NoCredential, match="within 1 s; it says: waiting for a browser"):
        module.credential({"command": command}, {})
    until(lambda: gone(int(pid.read_text())))


def gone(pid: int) -> bool:
    """Ended, if perhaps not yet collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
