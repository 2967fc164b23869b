"""The CPI's client against the stand-in registry: every way in, every kind of Location, every refusal."""

from __future__ import annotations

import io

import pytest

from bosh_kubernetes_cpi.errors import RegistryError, RequestError
from bosh_kubernetes_cpi.stemcell import image, upload
from bosh_kubernetes_cpi.stemcell.image import Document
from bosh_kubernetes_cpi.stemcell.reference import parse
from bosh_kubernetes_cpi.transport.http import Endpoint
from tests.component.stemcell.conftest import places
from tests.support.fakeapi.certs import Authority
from tests.support.registry.samples import root_file_system
from tests.support.registry.server import PASSWORD, USER, Fault, Traits

ACCOUNT = {"username": USER, "password": PASSWORD}
PREFIX = "/api/v1/namespaces/machines/services/http:registry:5000/proxy"
CLUSTER_TOKEN = "token-of-the-cpi"


def push(client) -> Document:
    layer = upload.push_layer(client, io.BytesIO(root_file_system(300_000)), say=lambda line: None, pause=0)
    manifest = upload.push_documents(client, layer, name="test", version="1", architecture="")
    client.put_manifest(manifest, tag="one")
    return manifest


@pytest.mark.parametrize("auth", ["none", "basic", "token"])
@pytest.mark.parametrize("location", ["relative", "absolute"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_an_image_goes_up_and_away(serve, client, auth, location, address) -> None:
    server = serve(Traits(auth=auth, location=location), address=address)
    registry = client(server.host, **(ACCOUNT if auth != "none" else {}))
    manifest = push(registry)
    assert registry.digest("one") == manifest.digest
    assert registry.delete_manifest(manifest.digest)
    assert server.store.manifests == {}


def test_over_tls_with_an_authority_of_one_s_own(serve, client, tls) -> None:
    server = serve(Traits(auth="token"), certificate=tls.files)
    assert push(client(server.host, ca=tls.ca, **ACCOUNT)).digest == server.store.tags["bosh/stemcells", "one"]


def test_an_authority_that_is_not_known_is_an_error_at_once_and_names_the_property(serve, client, tls) -> None:
    server = serve(certificate=tls.files)
    words = r"not trusted.*put the certificate of its authority into registry\.ca"
    with pytest.raises(RegistryError, match=words) as caught:
        client(server.host, ca=Authority("another").pem).begin_upload()
    assert not caught.value.ok_to_retry


def test_plain_http_where_tls_is_expected_names_the_property(serve, client, tls) -> None:
    with pytest.raises(RegistryError, match=r"registry\.insecure"):
        client(serve().host, ca=tls.ca).begin_upload()


def test_nobody_there_names_the_host(client) -> None:
    with pytest.raises(RegistryError, match=r"registry localhost:1 cannot be reached to begin .*registry\.host"):
        client("localhost:1").begin_upload()


@pytest.mark.parametrize("location", ["foreign", "begun elsewhere"])
def test_uploads_to_another_host_get_no_credentials(serve, client, location) -> None:
    """And stay there, when that host names itself no more."""
    server = serve(Traits(auth="token", location=location))
    push(client(server.host, **ACCOUNT))
    sent = [(method, headers) for method, _, headers in server.requests if headers["host"].startswith("127.")]
    assert [method for method, _ in sent] == ["PATCH", "PUT", "PUT"]
    assert not any("authorization" in headers for _, headers in sent)


def test_a_token_is_asked_for_the_scope_of_the_step(serve, client) -> None:
    server = serve(Traits(auth="token"))
    registry = client(server.host, **ACCOUNT)
    registry.delete_manifest(push(registry).digest)
    assert sorted(set(server.tokens.values())) == [
        "repository:bosh/stemcells:delete",
        "repository:bosh/stemcells:pull,push",
    ]


def test_a_public_repository_is_read_without_an_account(serve, client) -> None:
    server = serve(Traits(auth="token", public=True))
    push(client(server.host, **ACCOUNT))
    assert client(server.host).digest("one")


@pytest.mark.parametrize(
    ("auth", "account", "words"),
    [
        ("basic", {}, r"HTTP 401, UNAUTHORIZED: authentication required; registry\.host, registry\.username"),
        ("token", {}, r"token server .* gives no token for repository:bosh/stemcells:pull,push: HTTP 401"),
        ("token", {"username": USER, "password": "planted"}, r"HTTP 401, .*check registry\.username"),
        ("basic", {"username": USER, "password": "planted"}, r"registry\.password were not accepted"),
    ],
)
def test_a_missing_or_wrong_account_is_told_and_never_quoted(serve, client, auth, account, words) -> None:
    with pytest.raises(RegistryError, match=words) as caught:
        client(serve(Traits(auth=auth)).host, **account).begin_upload()
    assert caught.value.status == 401
    assert "planted" not in str(caught.value)


def test_through_the_service_proxy_with_the_cpi_s_own_account(serve) -> None:
    server = serve(Traits(prefix=PREFIX, bearer=CLUSTER_TOKEN))
    registry = proxied(server.port).own()
    manifest = push(registry)
    assert registry.digest("one") == manifest.digest
    assert registry.delete_manifest(manifest.digest)
    registry.close()
    assert {path.startswith(PREFIX) for _, path, _ in server.requests} == {True}


def test_through_a_gateway_before_the_api_server(serve) -> None:
    """A gateway takes its own path away and puts none before Locations: the API server does not know of it."""
    server = serve(Traits(prefix=f"/k8s/clusters/c-1{PREFIX}", bearer=CLUSTER_TOKEN, location="stripped"))
    registry = proxied(server.port, base="/k8s/clusters/c-1").own()
    assert push(registry).digest
    registry.close()


def test_the_proxy_s_refusal_names_the_right(serve) -> None:
    server = serve(Traits(prefix=PREFIX, bearer=CLUSTER_TOKEN))
    server.faults.append(Fault("POST", 403, "", 'services "http:registry:5000" is forbidden'))
    registry = proxied(server.port).own()
    with pytest.raises(RegistryError, match=r"is forbidden; the CPI's account needs .* services/proxy"):
        registry.begin_upload()
    registry.close()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "HTTP 403, DENIED: planned; the account may not do this in bosh/stemcells"),
        (404, "HTTP 404, DENIED: planned; the registry has no such repository"),
        (405, "HTTP 405, DENIED: planned; .*pull-through cache"),
        (413, "HTTP 413, DENIED: planned; .*limits the size"),
        (507, "HTTP 507, DENIED: planned; the registry's storage is full"),
    ],
)
def test_a_refusal_tells_registry_step_status_words_and_cure(serve, client, status, words) -> None:
    server = serve()
    server.faults += [Fault("POST", status, "DENIED")] * 3
    with pytest.raises(RegistryError, match=f"registry {server.host} refused to begin an upload .*: {words}") as caught:
        client(server.host).begin_upload()
    assert caught.value.status == status


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_registry_is_asked_again(serve, client, status) -> None:
    server = serve()
    server.faults += [Fault("POST", status), Fault("HEAD", status)]
    registry = client(server.host)
    registry.begin_upload()
    assert registry.digest("absent") == ""


def test_a_registry_that_stays_busy_is_asked_three_times(serve, client) -> None:
    server = serve()
    server.faults += [Fault("POST", 503)] * 4
    with pytest.raises(RegistryError) as caught:
        client(server.host).begin_upload()
    assert caught.value.ok_to_retry
    assert len(server.faults) == 1


def test_a_refusal_is_not_asked_again(serve, client) -> None:
    server = serve()
    server.faults += [Fault("POST", 403)] * 2
    with pytest.raises(RegistryError):
        client(server.host).begin_upload()
    assert len(server.faults) == 1


def test_a_registry_that_names_no_digest_is_read(serve, client) -> None:
    server = serve(Traits(names_digests=False))
    registry = client(server.host)
    assert registry.digest("one") == ""
    manifest = push(registry)
    assert registry.digest("one") == manifest.digest


def test_a_registry_that_does_not_delete_is_no_error(serve, client) -> None:
    registry = client(serve(Traits(deletes=False)).host)
    assert registry.delete_manifest(push(registry).digest) is False


def test_a_manifest_that_was_changed_on_its_way_is_noticed(serve, client) -> None:
    server = serve()
    server.rewrite = lambda content: content + b"\n"
    with pytest.raises(RegistryError, match="something before the registry changes what is sent"):
        push(client(server.host))


def test_credentials_stay_with_their_registry(serve) -> None:
    """An image on another host is asked for without the configured account."""
    other = serve(Traits(auth="basic"))
    found = places({"host": "registry.example.com", "repository": "bosh", **ACCOUNT}).of(parse(f"{other.host}/a/b:1"))
    with pytest.raises(RegistryError, match="name no account for this registry"):
        found.digest("1")
    found.close()
    assert not any("authorization" in headers for _, _, headers in other.requests)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"host": "registry"}, "registry.host must be"),
        ({"host": "https://r.example.com"}, "registry.host and registry.repository"),
        ({"host": "r.example.com", "repository": "Bosh"}, "has a repository that is none"),
        ({"host": "r.example.com", "repository": "bosh:1"}, "without tag"),
        ({"host": "r.example.com", "pull_host": "nodes"}, "registry.pull_host must be"),
        ({"service": "registry:5000"}, "registry.service must be namespace/name:port"),
        ({"host": "r.example.com:99999"}, "registry.host and registry.repository: .* registry host that is none"),
        ({"host": "r.example.com", "ca": "no PEM"}, "registry.ca: the certificate authority is no PEM"),
    ],
)
def test_settings_that_name_no_registry_name_the_key(settings, words) -> None:
    with pytest.raises(RequestError, match=words):
        places({"repository": "bosh", **settings}).own()


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"host": "r.example.com"}, "r.example.com/bosh"),
        ({"host": "r.example.com:5000", "pull_host": "localhost:5005"}, "localhost:5005/bosh"),
        ({"service": "machines/registry:5000"}, "localhost:5005/bosh"),
        ({"service": "machines/registry:5000", "pull_host": "nodes.local:1"}, "nodes.local:1/bosh"),
        ({"host": "docker.io"}, "docker.io/library/bosh"),
    ],
)
def test_the_name_for_nodes(settings, name) -> None:
    assert places({"repository": "bosh", **settings}).pull_name.name == name


def proxied(port: int, base: str = ""):
    endpoint = Endpoint("127.0.0.1", port, tls=None, base=base, headers={"Authorization": f"Bearer {CLUSTER_TOKEN}"})
    return places({"service": "machines/registry:5000", "repository": "bosh/stemcells"}, endpoint)


def test_the_manifest_is_one_that_containers_are_run_from(serve, client) -> None:
    server = serve()
    manifest = push(client(server.host))
    media_type, content = server.store.manifests["bosh/stemcells", manifest.digest]
    assert media_type == image.MANIFEST
    assert content == manifest.content
