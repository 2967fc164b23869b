"""Each way to credentials, by real CPI processes: plugins, files that rotate, an account, TLS, proxies."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bosh_kubernetes_cpi import start
from bosh_kubernetes_cpi.connection import endpoint
from tests.component.test_connection import running, until
from tests.support.cpi_process import COMMAND, ENVIRONMENT, CallError, checked
from tests.support.fakeapi.certs import Authority, server_context
from tests.support.fakeapi.server import TOKEN, FakeApi
from tests.support.scripted_server import ScriptedServer

V1, BETA = "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"


def answer(version: str = V1, **status) -> str:
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})


# ---- kubeconfigs ----


def kubeconfig(cluster, user) -> str:
    return yaml.safe_dump(
        {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
        }
    )


def test_kubeconfig_with_files(api, new_cpi, tmp_path) -> None:
    for name, text in (("ca", api.authority.pem), ("certificate", api.client.certificate), ("key", api.client.key)):
        (tmp_path / name).write_text(text)
    text = kubeconfig(
        {"server": api.url, "certificate-authority": f"{tmp_path}/ca", "tls-server-name": "localhost"},
        {"client-certificate": f"{tmp_path}/certificate", "client-key": f"{tmp_path}/key"},
    )
    assert new_cpi(kubernetes={"kubeconfig": text})("has_vm", "vm-1") is False
    assert api.presented == ["cpi"]


def test_kubeconfig_with_a_plugin(api, new_cpi, plugin) -> None:
    call = {
        "apiVersion": BETA,
        "command": plugin(prints=answer(BETA, token=TOKEN)),
        "installHint": "get it at\nits place",
    }
    cluster = {"server": api.url, "certificate-authority-data": base64.b64encode(api.authority.pem.encode()).decode()}
    assert new_cpi(kubernetes={"kubeconfig": kubeconfig(cluster, {"exec": call})})("has_vm", "vm-1") is False

    missing = kubeconfig(cluster, {"exec": {**call, "command": "/missing"}})
    with pytest.raises(CallError, match=r"/missing cannot be started: No such file .*\. get it at its place"):
        new_cpi(kubernetes={"kubeconfig": missing})("has_vm", "vm-1")


# ---- files that rotate ----


def test_token_file_that_is_written_anew_during_a_call(api, server, new_cpi, operator, create_vm, tmp_path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    cpi = new_cpi(kubernetes={**server, "token_file": str(file)})
    operator.reasons["*"] = ("Starting", "the guest starts")
    process = cpi.start(cpi.request("reboot_vm", running(api, operator, create_vm)))
    until(lambda: any("watch=true" in seen.query and "fieldSelector" in seen.query for seen in api.seen))
    file.write_text("the-next-one\n")
    api.token = "the-next-one"
    until(lambda: "Bearer the-next-one" in api.presented)
    operator.reasons.clear()

    assert cpi.finish(process).value() is None


def test_token_file_that_is_none_ends_the_call_at_once(api, server, new_cpi, tmp_path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    for path, words in (("/dev/zero", "no regular file"), (str(empty), "is empty"), ("token", "absolute path")):
        with pytest.raises(CallError, match=words) as failure:
            new_cpi(kubernetes={**server, "token_file": path})("has_vm", "vm-1")
        assert failure.value.type == "Bosh::Clouds::CpiError"
    assert api.connections == 0


# ---- the cluster's own account ----

# A CPI whose well-known places are elsewhere.
IN_A_POD = """
import sys
sys.path.append(sys.argv.pop(1))
from bosh_kubernetes_cpi import __main__, connection
connection.ACCOUNT, connection.IN_CLUSTER = sys.argv.pop(1), sys.argv.pop(1)
sys.exit(__main__.main())
"""


def test_in_cluster_account(api, new_cpi, tmp_path) -> None:
    for name, text in (("ca.crt", api.authority.pem), ("token", TOKEN), ("namespace", "its-own")):
        (tmp_path / name).write_text(text)
    cpi = new_cpi(kubernetes={"in_cluster": True}, namespace="")
    source = str(Path(start.__file__).parents[1])
    command = [sys.executable, "-I", "-S", "-c", IN_A_POD, source, str(tmp_path), api.url]

    assert cpi.raw(cpi.request("has_vm", "vm-1"), command).value() is False
    assert api.seen[-1].path.startswith("/apis/cpi.bosh.io/v1alpha1/namespaces/its-own/")
    assert api.presented == [f"Bearer {TOKEN}"]


# ---- whom we trust ----


def test_certificate_that_expired(new_cpi) -> None:
    with FakeApi(expired=True) as api:
        block = {"server": api.url, "ca": api.authority.pem, "token": TOKEN}
        with pytest.raises(CallError, match=r"not trusted \(certificate has expired\)") as failure:
            new_cpi(kubernetes=block)("has_vm", "vm-1")
    assert not failure.value.ok_to_retry
    assert api.seen == []


def test_without_an_authority_the_system_s_are_asked(api, new_cpi) -> None:
    with pytest.raises(CallError, match=r"not trusted .*`kubernetes\.ca`"):
        new_cpi(kubernetes={"server": api.url, "token": TOKEN})("has_vm", "vm-1")
    assert api.seen == []


def test_the_server_s_own_certificate_is_trusted_as_it_is(new_cpi) -> None:
    authority = Authority()
    pair = authority.server()
    with ScriptedServer(
        [b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"], tls=server_context(authority, pair)
    ) as server:
        block = {"server": f"https://127.0.0.1:{server.port}", "ca": pair.certificate, "token": TOKEN}
        with pytest.raises(CallError, match="HTTP 401 No"):
            new_cpi(kubernetes=block)("has_vm", "vm-1")


def test_name_that_the_certificate_must_show(api, server, new_cpi) -> None:
    assert new_cpi(kubernetes={**server, "token": TOKEN, "tls_server_name": "localhost"})("has_vm", "vm-1") is False
    with pytest.raises(CallError, match=r"not trusted .*`kubernetes\.tls_server_name`"):
        new_cpi(kubernetes={**server, "token": TOKEN, "tls_server_name": "elsewhere"})("has_vm", "vm-1")


def test_encrypted_key_asks_nobody(api, server, new_cpi) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from tests.support.fakeapi.certs import key_pem

    key = load_pem_private_key(api.client.key.encode(), None)
    locked = key_pem(key, passphrase="passphrase")  # type: ignore[arg-type]
    block = {**server, "client_certificate": api.client.certificate, "client_key": locked}
    with pytest.raises(CallError, match="the client key is encrypted"):
        new_cpi(kubernetes=block)("has_vm", "vm-1")


# ---- proxies ----


def test_proxies_of_the_environment_have_no_say(api, cpi, connect_proxy) -> None:
    away = {"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1", "NO_PROXY": "*"}
    through = {"proxy": f"http://127.0.0.1:{connect_proxy.port}"}
    config = json.loads(cpi.config.read_text())
    for block, passed in (({}, 0), (through, 1)):
        cpi.config.write_text(json.dumps({**config, "kubernetes": {**config["kubernetes"], **block}}))
        done = subprocess.run(
            [*COMMAND, str(cpi.config)],
            input=cpi.request("has_vm", "vm-1"),
            capture_output=True,
            env={**ENVIRONMENT, **away},
            timeout=60,
            check=False,
        )
        assert checked(done.stdout, done.stderr, done.returncode).value() is False
        assert len(connect_proxy.heads) == passed


@pytest.mark.parametrize(("status", "retry"), [(403, False), (407, False), (502, True)])
def test_proxy_that_refuses_is_told(server, new_cpi, status, retry) -> None:
    with ScriptedServer(
        *[[f"HTTP/1.1 {status} Words\r\nContent-Length: 0\r\n\r\n".encode()]] * (5 if retry else 1)
    ) as proxy:
        block = {**server, "token": TOKEN, "proxy": f"http://user:planted@127.0.0.1:{proxy.port}"}
        with pytest.raises(
            CallError, match=rf"the proxy refused to connect: HTTP {status} Words.*`kubernetes"
        ) as failure:
            new_cpi(kubernetes=block)("has_vm", "vm-1")
    assert failure.value.ok_to_retry is retry
    assert "planted" not in failure.value.message


def test_registry_behind_the_api_server_gets_renewed_credentials(tmp_path) -> None:
    from bosh_kubernetes_cpi.clock import Deadline
    from bosh_kubernetes_cpi.stemcell.places import Places

    file = tmp_path / "token"
    file.write_text("one")
    api = endpoint({"server": "https://api:6443", "token_file": str(file)})
    registry = Places({"service": "ns/registry:5000", "repository": "r"}, api, Deadline(5)).own()
    file.write_text("two")

    assert api.renew is not None
    assert api.renew(api, True)
    assert registry.endpoint.renew is not None
    assert registry.endpoint.renew(registry.endpoint, False)
    assert registry.endpoint.headers == {"Authorization": "Bearer two"}
