"""Each place that a credential may come from, and each way in which a call then fails: it is said nowhere."""

import base64
import json
import re
import socket
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from bosh_kubernetes_cpi import start
from tests.component.conftest import ENV, NETWORKS, STEMCELL
from tests.component.test_credentials import IN_A_POD
from tests.support.cpi_process import COMMAND
from tests.support.fakeapi.certs import Authority
from tests.support.scripted_server import ScriptedServer

SECRET = 'pl&nted"cred/ential%41'  # with characters that JSON and URLs write otherwise
SHORT = "s3c"
OPAQUE = "pl4nted.cred-ential_0123456789"
V1 = "client.authentication.k8s.io/v1"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def forms(secret: str) -> set[str]:
    """Every way in which a secret may be quoted, beside its lines when it has several."""
    lines = {line for line in secret.splitlines() if len(line) > 10 and not line.startswith("-----")}
    plain = lines or {secret}
    return {form for one in plain for form in (one, json.dumps(one)[1:-1], quote(one, safe=""))} | {
        encoded(secret),
        encoded(f"user:{secret}"),
        encoded(json.dumps({"token": secret, "more": 1})),
    }


def unseen(secret: str, said: str) -> None:
    """A short one is struck where it stands alone."""
    found = forms(secret) if len(secret) > 3 else {f" {secret} ", f'"{secret}"'}
    assert [form for form in found if form in said] == []


class Site:
    """What a source is made of."""

    def __init__(self, api, folder: Path) -> None:
        self.server = {"server": api.url, "ca": api.authority.pem}
        self.cluster = {"server": api.url, "certificate-authority-data": encoded(api.authority.pem)}
        self.client = api.client
        self.folder = folder
        self.command = COMMAND

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def plugin(self, **status: str) -> str:
        answer = json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": status})
        return self.file("plugin", f"#!/bin/sh\ncat {self.file('answer', answer)}\n")

    def kubeconfig(self, user, **cluster):
        whole = {
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
            "clusters": [{"name": "x", "cluster": {**self.cluster, **cluster}}],
            "users": [{"name": "x", "user": user}],
        }
        return {"kubeconfig": yaml.safe_dump(whole)}

    def pod(self):
        for name, text in (("ca.crt", self.server["ca"]), ("token", SECRET), ("namespace", "x")):
            self.file(name, text)
        source = str(Path(start.__file__).parents[1])
        self.command = [sys.executable, "-I", "-S", "-c", IN_A_POD, source, str(self.folder), self.server["server"]]
        return {"in_cluster": True}


def env(name: str, value: str):
    return [{"name": name, "value": value}]


# Source: the section `kubernetes` (or, by a whole, other sections), and what must not be said.
SOURCES = {
    "token": (lambda site: {**site.server, "token": SECRET}, SECRET),
    "short token": (lambda site: {**site.server, "token": SHORT}, SHORT),
    "token_file": (lambda site: {**site.server, "token_file": site.file("token", SECRET)}, SECRET),
    "in_cluster": (lambda site: site.pod(), SECRET),
    "client_key": (
        lambda site: {**site.server, "client_certificate": site.client.certificate, "client_key": site.client.key},
        "the client's key",
    ),
    "exec env": (
        lambda site: {**site.server, "exec": {"command": site.plugin(token="other"), "env": {"X": SECRET}}},
        SECRET,
    ),
    "exec short env": (
        lambda site: {**site.server, "exec": {"command": site.plugin(token="other"), "env": {"PASSWORD": SHORT}}},
        SHORT,
    ),
    "exec args": (
        lambda site: {**site.server, "exec": {"command": site.plugin(token="other"), "args": [SECRET]}},
        SECRET,
    ),
    "exec token": (lambda site: {**site.server, "exec": {"command": site.plugin(token=SECRET)}}, SECRET),
    "exec key": (
        lambda site: {
            **site.server,
            "exec": {
                "command": site.plugin(clientCertificateData=site.client.certificate, clientKeyData=site.client.key)
            },
        },
        "the client's key",
    ),
    "kubeconfig token": (lambda site: site.kubeconfig({"token": SECRET}), SECRET),
    "kubeconfig tokenFile": (lambda site: site.kubeconfig({"tokenFile": site.file("token", SECRET)}), SECRET),
    "kubeconfig key": (
        lambda site: site.kubeconfig(
            {
                "client-certificate-data": encoded(site.client.certificate),
                "client-key-data": encoded(site.client.key),
            }
        ),
        "the client's key",
    ),
    "kubeconfig exec env": (
        lambda site: site.kubeconfig(
            {"exec": {"apiVersion": V1, "command": site.plugin(token="other"), "env": env("X", SECRET)}}
        ),
        SECRET,
    ),
    "kubeconfig exec args": (
        lambda site: site.kubeconfig(
            {"exec": {"apiVersion": V1, "command": site.plugin(token="other"), "args": ["--client-secret", SECRET]}}
        ),
        SECRET,
    ),
    "kubeconfig exec token": (
        lambda site: site.kubeconfig({"exec": {"apiVersion": V1, "command": site.plugin(token=SECRET)}}),
        SECRET,
    ),
    "kubeconfig password": (lambda site: site.kubeconfig({"username": "user", "password": SECRET}), SECRET),
    "proxy": (
        lambda site: {
            **site.server,
            "token": "other",
            "proxy": f"http://user:{quote(SECRET, safe='')}@127.0.0.1:PROXY",
        },
        SECRET,
    ),
    "kubeconfig proxy": (
        lambda site: site.kubeconfig(
            {"token": "other"}, **{"proxy-url": f"http://user:{quote(SECRET, safe='')}@127.0.0.1:PROXY"}
        ),
        SECRET,
    ),
    "server": (lambda site: {**site.server, "server": f"https://user:{SECRET}@127.0.0.1", "token": "other"}, SECRET),
}


def of_server(api, words: str, status: int) -> None:
    """The API server quotes all that it was sent, as admission webhooks do."""
    body = {"kind": "Status", "message": words, "reason": "Invalid", "code": status}
    api.fault("GET", "vm-1", status=status, body=body, times=9)


# These never come so far that a server could quote them.
NEVER_SENT = ("kubeconfig password", "server", "proxy", "kubeconfig proxy")

# Way to fail: what the server does, with the words that quote the secret; and changes of the connection.
FAILURES = {
    "quoted": (lambda api, words: of_server(api, words, 422), {}),
    "quoted and refused": (lambda api, words: of_server(api, words, 401), {}),
    "untrusted": (lambda *_: None, {"ca": Authority("stranger").pem}),
    "other name": (lambda *_: None, {"tls_server_name": "elsewhere"}),
    "no host": (lambda *_: None, {"server": "https://a b"}),
    "no CA": (lambda *_: None, {"ca": "none"}),
    "contradiction": (lambda *_: None, {"token": "one", "token_file": "/another", "context": "x"}),
    "unknown key": (lambda *_: None, {"tokn": "x"}),
    "wrong kind": (lambda *_: None, {"in_cluster": "yes"}),
}


@pytest.mark.parametrize("source", SOURCES)
def test_no_source_leaks_whatever_fails(api, new_cpi, tmp_path, source) -> None:
    make, secret = SOURCES[source]
    site = Site(api, tmp_path)
    block = make(site)
    secret = api.client.key if secret == "the client's key" else secret
    words = f"denied: {secret} {' '.join(sorted(forms(secret)))}"
    said = ""
    answers = {}
    with ScriptedProxy(secret) as proxy:
        block = json.loads(json.dumps(block).replace("PROXY", str(proxy.port)))
        for failure, (prepare, changes) in FAILURES.items():
            api.token = secret
            api._faults.clear()
            prepare(api, words)
            cpi = new_cpi(kubernetes={**block, **changes})
            done = cpi.raw(cpi.request("has_vm", "vm-1"), site.command)
            answers[failure] = done.error
            said += done.stdout.decode() + done.stderr + json.dumps(done.error, ensure_ascii=False)
            said += (done.error or {"message": ""})["message"]

    assert all(answers.values()), answers
    unseen(secret, said)
    if source not in NEVER_SENT:
        assert re.search(r"denied: (-----BEGIN PRIVATE KEY-----\s+)?<redacted>", said)


def test_no_source_leaks_when_the_server_is_broken_or_away(api, new_cpi, tmp_path) -> None:
    """What is tried again and again, so all at once."""
    calls = []
    for number, (source, (make, secret)) in enumerate(SOURCES.items()):
        if source in (*NEVER_SENT, "in_cluster"):
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        block = make(Site(api, folder))
        secret = api.client.key if secret == "the client's key" else secret
        words = f"broken: {secret} {' '.join(sorted(forms(secret)))}"
        body = {"kind": "Status", "message": words, "reason": "Invalid", "code": 500}
        api.fault("GET", f"vm-{number}$", status=500, body=body, times=9)
        for changes in ({}, {"server": "https://127.0.0.1:1"}):
            if changes and "kubeconfig" in block:
                continue
            cpi = new_cpi(kubernetes={**block, **changes})
            calls.append((secret, cpi, cpi.start(cpi.request("has_vm", f"vm-{number}"))))
    for secret, cpi, process in calls:
        done = cpi.finish(process)
        assert done.error is not None
        unseen(secret, done.error["message"] + done.stderr + done.stdout.decode())
        assert "broken: " in done.error["message"] or "cannot reach" in done.error["message"]


class ScriptedProxy:
    """A proxy that refuses each connection, and quotes whose it is."""

    def __init__(self, secret: str) -> None:
        words = " ".join(form for form in sorted(forms(secret)) if form.isprintable())
        self.server = ScriptedServer(*[[f"HTTP/1.1 407 {words}\r\nContent-Length: 0\r\n\r\n".encode()]] * 60)
        self.port = self.server.port

    def __enter__(self) -> "ScriptedProxy":
        self.server.__enter__()
        return self

    def __exit__(self, *_) -> None:
        self.server._listener.shutdown(socket.SHUT_RDWR)
        self.server.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("section", "make"),
    [
        ("mbus", lambda secret: {"agent": {"mbus": f"nats://user:{secret}@10.0.0.6:4222"}}),
        ("mbus, encoded", lambda secret: {"agent": {"mbus": f"nats://user:{quote(secret, safe='')}@10.0.0.6:4222"}}),
        ("blobstore", lambda secret: {"agent": {"mbus": "nats://x", "blobstore": {"options": {"password": secret}}}}),
        ("registry", lambda secret: {"agent": {"mbus": "nats://x"}, "registry": {"host": "r:1", "password": secret}}),
    ],
)
@pytest.mark.parametrize("secret", [SECRET, SHORT, 7654321], ids=["long", "short", "number"])
def test_no_other_section_leaks(api, new_cpi, operator, section, make, secret) -> None:
    if isinstance(secret, int) and section != "blobstore":
        secret = str(secret)
    text = str(secret)
    cpi = new_cpi(**make(secret))
    words = " ".join(["denied:", text, *sorted(forms(text)), "."])
    body = {"kind": "Status", "message": words, "reason": "Invalid", "code": 422}
    api.fault("POST", "/secrets", status=422, body=body)
    error = cpi.answer("create_vm", "agent-1", STEMCELL, {}, NETWORKS, [], ENV).error

    assert error is not None
    assert error["message"].startswith(("POST", "denied")) or "denied: <redacted>" in error["message"]
    unseen(text, error["message"])


def test_lines_of_progress_are_redacted_too(api, cpi, create_vm) -> None:
    cid = create_vm()
    token = json.loads(cpi.config.read_text())["kubernetes"]["token"]
    body = {"kind": "Status", "message": f"stemcell {token} is odd", "reason": "Invalid", "code": 422}
    api.fault("GET", "/stemcells/", status=422, body=body)
    done = cpi.answer("delete_vm", cid)

    assert done.error is None
    assert "stemcell <redacted> is odd" in done.stderr
