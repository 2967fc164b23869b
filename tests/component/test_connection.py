"""How the CPI reaches an API server: who it is, whom it trusts, and what it does when the server is difficult."""

import base64
import json
import threading
import time

import pytest
import yaml

from tests.support.cpi_process import CallError
from tests.support.fakeapi.certs import Authority
from tests.support.fakeapi.server import TOKEN


def test_client_certificate(api, server, new_cpi) -> None:
    block = {**server, "client_certificate": api.client.certificate, "client_key": api.client.key}
    assert new_cpi(kubernetes=block)("has_vm", "vm-1") is False


def test_token_file(server, new_cpi, tmp_path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    assert new_cpi(kubernetes={**server, "token_file": str(file)})("has_vm", "vm-1") is False


def test_kubeconfig(api, new_cpi) -> None:
    text = yaml.safe_dump(
        {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "elsewhere"}}],
            "clusters": [
                {
                    "name": "c",
                    "cluster": {
                        "server": api.url,
                        "certificate-authority-data": base64.b64encode(api.authority.pem.encode()).decode(),
                    },
                }
            ],
            "users": [{"name": "u", "user": {"token": TOKEN}}],
        }
    )
    assert new_cpi(kubernetes={"kubeconfig": text}, namespace="")("has_vm", "vm-1") is False
    assert api.seen[-1].path.startswith("/apis/cpi.bosh.io/v1alpha1/namespaces/elsewhere/")


def test_exec_credential(server, new_cpi, tmp_path) -> None:
    plugin = tmp_path / "plugin"
    status = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": TOKEN}}
    plugin.write_text(f"#!/bin/sh\ntest \"$GIVEN\" = yes && echo '{json.dumps(status)}'\n")
    plugin.chmod(0o755)
    block = {**server, "exec": {"command": str(plugin), "env": {"GIVEN": "yes"}}}
    assert new_cpi(kubernetes=block)("has_vm", "vm-1") is False

    with pytest.raises(CallError, match="gave no credential"):
        new_cpi(kubernetes={**server, "exec": {"command": str(plugin)}})("has_vm", "vm-1")


def test_context_names_another_cluster_with_its_own_credentials(server, new_cpi) -> None:
    nowhere = {"server": "https://127.0.0.1:1", "ca": server["ca"], "client_certificate": "x", "client_key": "y"}
    cpi = new_cpi(kubernetes=nowhere, context={"kubernetes": {**server, "token": TOKEN}, "vm": {}})

    assert cpi("has_vm", "vm-1") is False


def test_server_of_another_authority_is_not_trusted(api, server, new_cpi) -> None:
    block = {**server, "ca": Authority("stranger").pem, "token": TOKEN}
    with pytest.raises(CallError, match=r"certificate is not trusted .*`kubernetes\.ca`") as failure:
        new_cpi(kubernetes=block)("has_vm", "vm-1")
    assert not failure.value.ok_to_retry
    assert api.seen == []


def test_wrong_token_is_told(server, new_cpi) -> None:
    with pytest.raises(CallError, match="does not accept the credentials"):
        new_cpi(kubernetes={**server, "token": "wrong"})("has_vm", "vm-1")


def test_proxy_by_connect(server, new_cpi, connect_proxy) -> None:
    block = {**server, "token": TOKEN, "proxy": f"http://user:pass%40word@127.0.0.1:{connect_proxy.port}"}
    assert new_cpi(kubernetes=block)("has_vm", "vm-1") is False

    head = connect_proxy.heads[0]
    assert head.startswith(f"CONNECT {server['server'].removeprefix('https://')} ")
    assert base64.b64encode(b"user:pass@word").decode() in head


def test_wait_goes_on_after_the_watch_is_too_old(api, cpi, create_vm, operator) -> None:
    operator.reasons["*"] = ("Starting", "the guest starts")
    process = cpi.start(cpi.request("reboot_vm", running(api, operator, create_vm)))
    until(lambda: any("watch=true" in seen.query and "fieldSelector" in seen.query for seen in api.seen))
    api.store.forget_history()
    operator.reasons.clear()
    with api.store.changed:
        api.store.changed.notify_all()

    assert cpi.finish(process).value() is None


def test_watch_that_says_nothing_is_not_trusted(api, cpi, create_vm, operator) -> None:
    cid = create_vm()
    api.fault("GET", "watch=true", silent=True)
    operator.deaf.add(cid)
    process = cpi.start(cpi.request("reboot_vm", cid))
    until(lambda: api.pending_faults() == 0)
    operator.deaf.clear()

    assert cpi.finish(process).value() is None
    assert len(api.requests("GET", f"{cid}$")) > 2


def test_one_connection_serves_a_call(api, cpi) -> None:
    cpi("create_disk", 1, {}, None)
    assert api.connections == 1


def test_forbidden_names_the_right_and_the_page(api, cpi) -> None:
    words = 'virtualmachines.cpi.bosh.io "vm-1" is forbidden: User "cpi" cannot get resource "virtualmachines"'
    body = {"kind": "Status", "message": words, "reason": "Forbidden", "code": 403}
    api.fault("GET", "vm-1", status=403, body=body)
    with pytest.raises(CallError) as failure:
        cpi("has_vm", "vm-1")

    assert words in failure.value.message
    assert "docs/configuration.md" in failure.value.message


def running(api, operator, create_vm) -> str:
    held = operator.reasons.pop("*")
    cid: str = create_vm()
    operator.reasons["*"] = held
    return cid


def until(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end
        pause.wait(0.02)
