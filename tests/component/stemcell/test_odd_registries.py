"""Registries that send us elsewhere, are busy, or answer with what makes no sense."""

from __future__ import annotations

import pytest

from bosh_kubernetes_cpi.errors import RegistryError
from bosh_kubernetes_cpi.stemcell import image
from bosh_kubernetes_cpi.stemcell.image import Document
from bosh_kubernetes_cpi.stemcell.registry import Upload
from tests.component.stemcell.test_registry import ACCOUNT, push
from tests.support.registry.server import Fault, Traits
from tests.support.scripted_server import ScriptedServer


def test_a_registry_whose_storage_is_elsewhere_takes_the_same_image_twice(serve, client) -> None:
    """It sends those away who look whether it has a blob; and those who ask what a tag stands for."""
    server = serve(Traits(auth="token", redirects=True))
    registry = client(server.host, **ACCOUNT)
    manifest = push(registry)
    assert push(registry) == manifest
    assert registry.digest("one") == manifest.digest
    assert registry.digest("absent") == ""
    assert registry.read("manifests", manifest.digest) == manifest.content


@pytest.mark.parametrize("fault", [Fault("PUT blob", 503), Fault("PUT blob", after=1), Fault("POST", 429)])
def test_a_small_blob_is_stored_at_the_second_try(serve, client, fault) -> None:
    server = serve()
    server.faults.append(fault)
    document = Document(b"{}", image.CONFIG)
    client(server.host).put_blob(document)
    assert server.store.contents[document.digest] == b"{}"


@pytest.mark.parametrize(
    ("said", "pauses"), [("7", [7.0]), ("3600", [10.0]), ("Wed, 21 Oct 2015 07:28:00 GMT", [0.01])]
)
def test_a_registry_says_when_it_is_to_be_asked_again(serve, client, monkeypatch, said, pauses) -> None:
    server, slept = serve(), []
    server.faults.append(Fault("POST", 429, retry_after=said))
    registry = client(server.host)
    monkeypatch.setattr(registry.deadline, "pause", slept.append)
    registry.begin_upload()
    assert slept == pauses


NO_URLS = ["http://[", "https://r.example.com:99999/x", "https://r.example.com:x/y", "https://[::1/"]


@pytest.mark.parametrize("location", NO_URLS)
def test_a_location_that_is_no_url_is_told(client, location) -> None:
    answer = f"HTTP/1.1 202 Accepted\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    with ScriptedServer([answer]) as server:
        registry = client(f"localhost:{server.port}")
        with pytest.raises(RegistryError, match=r"no URL|which is no https host"):
            registry.begin_upload()
        registry.close()


@pytest.mark.parametrize("realm", NO_URLS)
def test_a_token_server_that_is_no_url_is_told(client, realm) -> None:
    field = f'WWW-Authenticate: Bearer realm="{realm}",service="x"'
    answer = f"HTTP/1.1 401 No\r\n{field}\r\nContent-Length: 0\r\n\r\n".encode()
    with ScriptedServer([answer]) as server:
        registry = client(f"localhost:{server.port}", **ACCOUNT)
        with pytest.raises(RegistryError, match="no URL"):
            registry.begin_upload()
        registry.close()


def test_an_upload_that_cannot_be_cancelled_any_more_hides_no_error(client) -> None:
    registry = client("localhost:1")
    registry.deadline.at = 0
    registry.cancel(Upload("/v2/bosh/stemcells/blobs/uploads/1"))
