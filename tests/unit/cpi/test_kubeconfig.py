"""kubeconfigs: what is taken from them, and that one of any other shape is told and not quoted."""

import base64

import pytest
import yaml

from bosh_kubernetes_cpi import connection, kubeconfig, redaction
from bosh_kubernetes_cpi.clock import Deadline
from bosh_kubernetes_cpi.errors import RequestError
from tests.support.fakeapi.certs import Authority

AUTHORITY = Authority()
PAIR = AUTHORITY.client("cpi")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def kubeconfig_text(*, cluster=None, user=None, context=None, **more) -> str:
    whole = {
        "current-context": "here",
        "contexts": [
            {"name": "there", "context": {"cluster": "missing", "user": "missing"}},
            {"name": "here", "context": {"cluster": "c", "user": "u", **(context or {})}},
        ],
        "clusters": [{"name": "c", "cluster": {"server": "https://api:6443", **(cluster or {})}}],
        "users": [{"name": "u", "user": {"token": "planted"} if user is None else user}],
        **more,
    }
    return yaml.safe_dump({key: value for key, value in whole.items() if value is not None})


def read(text: str, **block):
    return kubeconfig.read({"kubeconfig": text, **block})


def test_a_kubeconfig_with_everything(tmp_path) -> None:
    key = tmp_path / "key.pem"
    key.write_text(PAIR.key)
    cluster = {
        "certificate-authority-data": encoded(AUTHORITY.pem),
        "certificate-authority": "/ignored/beside/data",
        "tls-server-name": "name",
        "proxy-url": "http://proxy:3128",
        "insecure-skip-tls-verify": False,
        "disable-compression": True,
    }
    user = {"client-certificate-data": encoded(PAIR.certificate), "client-key": str(key)}
    text = kubeconfig_text(cluster=cluster, user=user, context={"namespace": "ns"})

    assert read(text) == (
        {
            "server": "https://api:6443",
            "ca": AUTHORITY.pem,
            "tls_server_name": "name",
            "proxy": "http://proxy:3128",
            "client_certificate": PAIR.certificate,
            "client_key": PAIR.key,
        },
        "ns",
    )
    assert read(text, tls_server_name="other", proxy="")[0]["tls_server_name"] == "other"


def test_the_token_goes_before_its_file_and_a_context_can_be_chosen() -> None:
    text = kubeconfig_text(user={"token": "planted", "tokenFile": "/x"})
    assert read(text)[0] == {"server": "https://api:6443", "token": "planted"}
    with pytest.raises(RequestError, match="has no cluster 'missing'"):
        read(text, context="there")
    with pytest.raises(RequestError, match="has no context 'nowhere'"):
        read(text, context="nowhere")


@pytest.mark.parametrize(
    ("args", "secret"),
    [
        (["eks", "get-token", "--cluster-name", "production", "--region=eu-central-1"], set()),
        (["--client-secret", "planted", "--tenant", "tenant"], {"planted"}),
        (["--password=a=b", "--api-key", "k"], {"a=b", "k"}),
        (["env", "MY_TOKEN=planted", "program"], {"planted"}),
        (["--use-token-cache", "--region", "eu-central-1"], set()),
        (["--credential"], set()),
    ],
)
def test_of_a_plugins_arguments_those_of_secret_flags_are_struck(monkeypatch, args, secret) -> None:
    """Names of clusters and regions are in every answer."""
    monkeypatch.setattr(redaction, "_kept", set())

    read(kubeconfig_text(user={"exec": {**PLUGIN, "args": args, "env": [{"name": "X", "value": "planted-env"}]}}))

    assert redaction.kept() == {*secret, "planted-env"}


def test_a_plugin_of_a_kubeconfig() -> None:
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": ["get-token"],
        "env": [{"name": "PROFILE", "value": "bosh"}],
        "installHint": "install it",
        "interactiveMode": "IfAvailable",
        "provideClusterInfo": True,
    }
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}
    block, _ = read(kubeconfig_text(user={"exec": plugin}, cluster={"extensions": [extension]}))

    assert block["exec"] == {
        "command": "aws",
        "args": ["get-token"],
        "env": {"PROFILE": "bosh"},
        "api_version": "client.authentication.k8s.io/v1beta1",
        "install_hint": "install it",
        "provide_cluster_info": True,
        "cluster_config": {"audience": "x"},
    }


PLUGIN = {"command": "x"}
BAD = [
    ("planted: [", "no YAML"),
    ("a: !!int ''", "no YAML"),
    ("a: 2024-99-99", "no YAML"),
    ("[" * 5000, "no YAML"),
    ("a: !!python/object:os.system planted", "no YAML"),
    ("x" * (kubeconfig.LARGEST + 1), "larger than"),
    ("/home/planted/.kube/config", "not the path of one"),
    ("", "not the path of one"),
    (kubeconfig_text(**{"current-context": ""}), "no current-context"),
    (kubeconfig_text(**{"current-context": 7}), "current-context of kubeconfig must be a string"),
    (kubeconfig_text(contexts=5), "contexts of kubeconfig must be a list"),
    (kubeconfig_text(contexts=[5, {"name": "here", "context": "x"}]), "has no context 'here'"),
    (kubeconfig_text(users=None), "has no user 'u'"),
    (kubeconfig_text(context={"cluster": ["c"]}), "cluster of context must be a string"),
    (kubeconfig_text(context={"namespace": 7}), "namespace of context must be a string"),
    (kubeconfig_text(cluster={"server": ""}), "cluster 'c' has no server"),
    (kubeconfig_text(cluster={"server": 7}), "server of cluster must be a string"),
    (kubeconfig_text(cluster={"insecure-skip-tls-verify": True}), "insecure-skip-tls-verify is refused"),
    (kubeconfig_text(cluster={"certificate-authority-data": "planted!"}), "certificate-authority-data is no base64"),
    (kubeconfig_text(cluster={"certificate-authority": "ca.pem"}), "certificate-authority must be an absolute path"),
    (kubeconfig_text(cluster={"certificate-authority": "/missing"}), "cannot read /missing: No such file"),
    (kubeconfig_text(user={"token": 12345678}), "token of user must be a string"),
    (kubeconfig_text(user={"username": "u", "password": "planted"}), "username of user 'u' is refused"),
    (kubeconfig_text(user={"auth-provider": {"name": "gcp"}}), "auth-provider of user 'u' is refused"),
    (kubeconfig_text(user={"token": "planted", "as": "admin"}), "as of user 'u' is refused"),
    (kubeconfig_text(user={"exec": "planted"}), "exec of user must be an object"),
    (kubeconfig_text(user={"exec": {**PLUGIN, "interactiveMode": "Always"}}), "nobody is there"),
    (kubeconfig_text(user={"exec": {**PLUGIN, "args": "planted"}}), "args of exec must be a list"),
    (kubeconfig_text(user={"exec": {**PLUGIN, "args": [7]}}), "args of exec must be strings"),
    (kubeconfig_text(user={"exec": {**PLUGIN, "env": {"planted": "x"}}}), "env of exec must be a list"),
    (
        kubeconfig_text(user={"exec": {**PLUGIN, "env": [{"name": "X"}]}}),
        "env of exec must be a list of name and value",
    ),
    (kubeconfig_text(user={"exec": {**PLUGIN, "env": [{"name": "X", "value": 7}]}}), "value of env must be a string"),
]


@pytest.mark.parametrize(("text", "words"), BAD, ids=[words for _, words in BAD])
def test_a_kubeconfig_that_will_not_do_is_told_and_not_quoted(text, words) -> None:
    with pytest.raises(RequestError) as failure:
        read(text)
    assert words in failure.value.message
    assert "planted" not in failure.value.message


def test_a_kubeconfig_of_a_user_without_credentials_says_what_is_missing() -> None:
    with pytest.raises(RequestError, match="there is none of them"):
        connection.connect({"kubernetes": {"kubeconfig": kubeconfig_text(user={})}, "namespace": ""}, Deadline(5))
