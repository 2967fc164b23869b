"""Where credentials come from: files that are read within bounds, keys, the cluster's account, and what ends."""

import os
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat

from bosh_kubernetes_cpi import connection, files
from bosh_kubernetes_cpi.clock import Deadline
from bosh_kubernetes_cpi.credentials import AGAIN, REREAD, Source
from bosh_kubernetes_cpi.errors import Interrupted, NoCredential, RequestError
from bosh_kubernetes_cpi.transport.tls import tls_context
from tests.support.fakeapi.certs import Authority, key_pem

AUTHORITY = Authority()
SERVER = {"server": "https://api.example.com:6443", "ca": AUTHORITY.pem}


# ---- files ----


def test_a_file_is_read_whole(tmp_path) -> None:
    path = tmp_path / "token"
    path.write_text("x" * 200_000)

    assert files.read_text(str(path), "key") == "x" * 200_000


def test_what_has_no_end_or_never_comes_is_no_file(tmp_path) -> None:
    fifo, folder, large, latin = (tmp_path / name for name in ("fifo", "folder", "large", "latin"))
    os.mkfifo(fifo)
    folder.mkdir()
    large.write_bytes(b"x" * (files.LARGEST + 1))
    latin.write_bytes(b"\xe9")
    wrong = {
        "/dev/zero": "no regular file",
        "/dev/tty": "",
        str(fifo): "no regular file",
        str(folder): "no regular file",
        str(large): "larger than",
        str(latin): "not ASCII",
        str(tmp_path / "missing"): "No such file",
        "/proc/self/mem": "",
        "/a\0b": "null byte",
        "planted": "absolute path",
    }
    for path, words in wrong.items():
        with pytest.raises(RequestError, match="the key") as failure:
            files.read_text(path, "the key")
        assert words in failure.value.message
        assert "planted" not in failure.value.message


# ---- tokens that end ----


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def source(given, clock):
    """A source of what stands in the list `given`, one at a time, each good for as long as a token's file."""

    def fetch():
        value = given.pop(0)
        if isinstance(value, Exception):
            raise value
        return value, "", "", REREAD

    made = Source(fetch, lambda _certificate, _key: "tls", now=clock)
    endpoint = SimpleNamespace(headers={}, tls=None)
    assert made.renew(endpoint, False)
    return made, endpoint


def test_a_token_is_got_anew_when_it_is_due_and_not_before() -> None:
    clock, given = Clock(), ["one", "two"]
    made, endpoint = source(given, clock)
    clock.now = REREAD - 1
    assert not made.renew(endpoint, False)
    assert given == ["two"]
    clock.now = REREAD
    assert made.renew(endpoint, False)
    assert endpoint.headers == {"Authorization": "Bearer two"}


def test_a_refused_token_is_got_anew_at_once_and_the_same_is_no_other() -> None:
    made, endpoint = source(["one", "one", "two"], Clock())
    assert not made.renew(endpoint, True)
    assert made.renew(endpoint, True)
    assert endpoint.headers == {"Authorization": "Bearer two"}


def test_what_one_endpoint_renewed_another_one_gets() -> None:
    """The registry behind the API server has one of its own."""
    given = ["one", "two"]
    made, endpoint = source(given, Clock())
    other = SimpleNamespace(headers=dict(endpoint.headers), tls=endpoint.tls)
    assert made.renew(endpoint, True)
    assert made.renew(other, True)
    assert given == []
    assert other.headers == endpoint.headers


def test_an_attempt_that_fails_leaves_the_old_token_unless_that_is_refused() -> None:
    clock, given = Clock(), ["one", NoCredential("down"), NoCredential("down"), "two"]
    made, endpoint = source(given, clock)
    clock.now = REREAD
    assert not made.renew(endpoint, False)
    assert not made.renew(endpoint, False)
    with pytest.raises(NoCredential):
        made.renew(endpoint, True)
    clock.now = REREAD + AGAIN
    assert made.renew(endpoint, False)


def test_being_told_to_end_while_a_token_is_got_anew_ends_the_call() -> None:
    """Taken for an attempt that failed, the call would go on until it is cut off, with nothing undone."""
    clock = Clock()
    made, endpoint = source(["one", Interrupted("told to end")], clock)
    clock.now = REREAD
    with pytest.raises(Interrupted):
        made.renew(endpoint, False)


# ---- client certificates ----

KEYS = {
    "EC": (ec.generate_private_key(ec.SECP256R1()), PrivateFormat.PKCS8),
    "EC, traditional": (ec.generate_private_key(ec.SECP384R1()), PrivateFormat.TraditionalOpenSSL),
    "RSA": (rsa.generate_private_key(65537, 2048), PrivateFormat.PKCS8),
    "RSA, traditional": (rsa.generate_private_key(65537, 2048), PrivateFormat.TraditionalOpenSSL),
}


@pytest.mark.parametrize("kind", KEYS)
def test_keys_of_each_kind(kind) -> None:
    key, form = KEYS[kind]
    tls_context(certificate=AUTHORITY.client("cpi", key).certificate, key=key_pem(key, form))


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_is_told_and_nobody_is_asked(form) -> None:
    key = KEYS["RSA"][0]
    with pytest.raises(ValueError, match="encrypted"):
        tls_context(certificate=AUTHORITY.client("cpi", key).certificate, key=key_pem(key, form, "planted"))


PAIR = AUTHORITY.client("cpi")


@pytest.mark.parametrize(
    ("ca", "certificate", "key"),
    [
        ("planted", "", ""),
        ("-----BEGIN CERTIFICATE-----\nplanted\n-----END CERTIFICATE-----\n", "", ""),
        ("\u00e9planted", "", ""),
        ("planted\ud800", "", ""),
        (" ", "", ""),
        ("", "planted", PAIR.key),
        ("", PAIR.certificate, "planted"),
        ("", PAIR.certificate, AUTHORITY.client("cpi").key),
        ("", PAIR.certificate, PAIR.certificate),
        ("", PAIR.key, PAIR.certificate + "planted\u00e9"),
    ],
)
def test_what_is_no_pem_is_told_and_not_quoted(ca, certificate, key) -> None:
    with pytest.raises(ValueError, match="PEM") as failure:
        tls_context(ca=ca, certificate=certificate, key=key)
    assert "planted" not in str(failure.value)
    assert type(failure.value) is ValueError


# ---- the connection ----

WRONG = [
    ({}, "there is none of them"),
    ({"server": "replace-me"}, "a URL"),
    ({"server": "http://api", "token": "t"}, "https URL"),
    ({**SERVER}, "token, token_file, client_certificate and exec, there is none"),
    ({**SERVER, "token": "t", "exec": {"command": "x"}}, "there is token and exec"),
    ({**SERVER, "token": "t", "token_file": "/x"}, "there is token and token_file"),
    ({**SERVER, "client_certificate": "x"}, "need each other"),
    ({**SERVER, "token": "t", "client_key": "x"}, "need each other"),
    ({**SERVER, "token": "   "}, "kubernetes.token is empty"),
    ({**SERVER, "token": "Bearer planted"}, "without 'Bearer'"),
    ({**SERVER, "token": "planted\r\nX: y"}, "no bearer token"),
    ({**SERVER, "token": "planted\x00"}, "no bearer token"),
    ({**SERVER, "token": "planted\u00e9"}, "no bearer token"),
    ({**SERVER, "token": "t", "context": "x"}, "kubernetes.context does not go with kubernetes.server"),
    ({"kubeconfig": "x", "token": "t"}, "kubernetes.token does not go with kubernetes.kubeconfig"),
    ({"in_cluster": True, "ca": "x"}, "kubernetes.ca does not go with kubernetes.in_cluster"),
    ({"in_cluster": True, "server": "x"}, "there is server and in_cluster"),
    ({**SERVER, "token": "t", "tls_server_name": ".example.com"}, "tls_server_name"),
    ({**SERVER, "token": "t", "tls_server_name": "a b"}, "tls_server_name"),
    ({**SERVER, "token": "t", "tls_server_name": "https://a"}, "tls_server_name"),
    ({**SERVER, "token": "t", "proxy": "socks5://user:planted@p"}, "proxy must be http://"),
    ({**SERVER, "token": "t", "proxy": "http://user:planted@"}, "proxy must be http://"),
    ({**SERVER, "exec": {"args": ["planted"]}}, "exec needs a command"),
    ({**SERVER, "exec": {"command": "x", "api_version": "client.authentication.k8s.io/v1alpha1"}}, "api_version"),
    ({**SERVER, "exec": {"command": "/missing", "args": ["planted"]}}, "/missing cannot be started: No such file"),
    ({**SERVER, "exec": {"command": "missing-plugin"}}, "looked for in PATH"),
    ({**SERVER, "exec": {"command": "/bin/\0"}}, "have a NUL"),
    ({**SERVER, "exec": {"command": "true", "env": {"A=B": "planted"}}}, "a = in its name"),
    ({**SERVER, "token_file": "/missing"}, "kubernetes.token_file: cannot read /missing: No such file"),
]


@pytest.mark.parametrize(("block", "words"), WRONG)
def test_a_connection_that_cannot_be_is_told(block, words) -> None:
    with pytest.raises(RequestError) as failure:
        connection.connect({"kubernetes": block, "namespace": ""}, Deadline(5))
    assert words in failure.value.message
    assert "planted" not in failure.value.message


@pytest.mark.parametrize("namespace", ["Upper", "a/b", "a" * 64, "../kube-system", "a b", "ä"])
def test_a_namespace_that_is_none(namespace) -> None:
    with pytest.raises(RequestError, match="is no name of a Kubernetes namespace"):
        connection.connect({"kubernetes": {**SERVER, "token": "t"}, "namespace": namespace}, Deadline(5))


# ---- in the cluster ----


@pytest.fixture
def account(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "ACCOUNT", str(tmp_path))
    for name, text in (("ca.crt", AUTHORITY.pem), ("token", "planted\n"), ("namespace", "its-own\n")):
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(("namespace", "expected"), [("", "its-own"), ("given", "given")])
def test_in_the_cluster_all_comes_from_the_account(account, namespace, expected) -> None:
    api, found = connection.connect({"kubernetes": {"in_cluster": True}, "namespace": namespace}, Deadline(5))

    assert found == expected
    assert repr(api.endpoint) == "https://kubernetes.default.svc:443"
    assert api.endpoint.headers == {"Authorization": "Bearer planted"}
    assert api.endpoint.renew is not None


@pytest.mark.parametrize("name", ["ca.crt", "token", "namespace"])
def test_outside_of_a_cluster_it_says_what_is_missing(account, name) -> None:
    (account / name).unlink()
    with pytest.raises(RequestError, match=f"cannot read {account}/{name}: No such file"):
        connection.connect({"kubernetes": {"in_cluster": True}, "namespace": ""}, Deadline(5))
