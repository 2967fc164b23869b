"""What the CPI expects from a registry, asked of the stand-in and of the real one alike.

REGISTRY_BINARY names the program of the distribution project; the suite sets it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bosh_kubernetes_cpi.errors import RegistryError
from bosh_kubernetes_cpi.stemcell import image, upload
from bosh_kubernetes_cpi.stemcell.image import Document
from bosh_kubernetes_cpi.stemcell.registry import Registry as Client
from tests.component.stemcell.conftest import Tls
from tests.support.registry.real import RealRegistry
from tests.support.registry.samples import root_file_system
from tests.support.registry.server import PASSWORD, USER, Registry, Traits

Made = Callable[..., Client]


@pytest.fixture(params=["stand-in", "real"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["plain", "tls"])
def registry(request: pytest.FixtureRequest, kind: str, client: Made, tls: Tls, tmp_path: Path) -> Iterator[Client]:
    """A client of each registry, over HTTP without and over TLS with basic authentication."""
    secure = request.param == "tls"
    certificate = tls.files if secure else None
    settings = {"username": USER, "password": PASSWORD, "ca": tls.ca} if secure else {}
    if kind == "real":
        with RealRegistry(tmp_path, certificate=certificate, basic=secure) as real:
            yield client(real.host, **settings)
    else:
        with Registry(Traits(auth="basic" if secure else "none"), certificate=certificate) as stand_in:
            yield client(stand_in.host, **settings)


def layer_of(registry: Client, content: bytes) -> image.Layer:
    return upload.push_layer(registry, io.BytesIO(content), say=lambda line: None, pause=0)


def pushed(registry: Client, *, tag: str = "one") -> Document:
    layer = layer_of(registry, gzip.compress(root_file_system(100_000), mtime=0))
    manifest = upload.push_documents(registry, layer, name="test", version="1", architecture="")
    registry.put_manifest(manifest, tag=tag)
    return manifest


def test_an_image_goes_up_and_is_found_by_tag_and_digest(registry: Client) -> None:
    manifest = pushed(registry, tag="stemcell-1")
    assert registry.digest("stemcell-1") == manifest.digest
    assert registry.digest(manifest.digest) == manifest.digest


def test_what_is_not_there_has_no_digest(registry: Client) -> None:
    assert registry.digest("absent") == ""
    assert registry.digest(f"sha256:{'0' * 64}") == ""


def test_a_deleted_manifest_is_gone_with_its_tag_and_deleting_again_is_fine(registry: Client) -> None:
    manifest = pushed(registry, tag="stemcell-1")
    assert registry.delete_manifest(manifest.digest)
    assert registry.digest(manifest.digest) == ""
    assert registry.digest("stemcell-1") == ""
    assert registry.delete_manifest(manifest.digest)


def test_manifest_and_configuration_are_read_as_they_were_stored(registry: Client) -> None:
    manifest = pushed(registry)
    configuration = json.loads(manifest.content)["config"]["digest"]

    assert registry.read("manifests", manifest.digest) == manifest.content
    assert json.loads(registry.read("blobs", configuration))["architecture"] == "amd64"
    with pytest.raises(RegistryError, match=r"refused to read sha256:0000"):
        registry.read("blobs", f"sha256:{'0' * 64}")


def test_the_same_image_twice_is_the_same_manifest(registry: Client) -> None:
    assert pushed(registry).digest == pushed(registry).digest


def test_a_layer_goes_up_in_pieces(registry: Client) -> None:
    content = bytes(range(256)) * 1000
    upload_ = registry.begin_upload()
    for start in range(0, len(content), 100_000):
        piece = content[start : start + 100_000]
        upload_ = registry.send(upload_, iter([piece]), len(piece), start=start)
    registry.finish(upload_, f"sha256:{hashlib.sha256(content).hexdigest()}")


def test_a_piece_out_of_order_is_refused(registry: Client) -> None:
    upload_ = registry.begin_upload()
    with pytest.raises(RegistryError) as caught:
        registry.send(upload_, iter([b"later"]), 5, start=10)
    assert caught.value.status == 416


def test_a_wrong_digest_is_refused_in_the_registry_s_words(registry: Client) -> None:
    upload_ = registry.send(registry.begin_upload(), iter([b"content"]), 7)
    with pytest.raises(RegistryError, match="HTTP 400, DIGEST_INVALID: provided digest did not match") as caught:
        registry.finish(upload_, f"sha256:{'0' * 64}")
    assert caught.value.status == 400


def test_a_cancelled_upload_is_unknown(registry: Client) -> None:
    upload_ = registry.begin_upload()
    registry.cancel(upload_)
    with pytest.raises(RegistryError, match="BLOB_UPLOAD_UNKNOWN") as caught:
        registry.send(upload_, iter([b"content"]), 7)
    assert caught.value.status == 404


def test_a_manifest_of_blobs_that_are_not_there_is_refused(registry: Client) -> None:
    layer = image.Layer(f"sha256:{'1' * 64}", 10, f"sha256:{'2' * 64}", image.LAYER_GZIP)
    manifest = image.manifest(layer, image.config(layer, architecture=""), name="", version="")
    with pytest.raises(RegistryError, match="BLOB_UNKNOWN"):
        registry.put_manifest(manifest, tag="one")


def test_no_manifest_is_refused(registry: Client) -> None:
    with pytest.raises(RegistryError, match="MANIFEST_INVALID"):
        registry.put_manifest(Document(b"{}]", image.MANIFEST), tag="one")


def test_a_manifest_that_contradicts_its_digest_is_refused(registry: Client) -> None:
    manifest = pushed(registry)
    other = Document(json.dumps(json.loads(manifest.content), indent=1).encode(), image.MANIFEST)
    with pytest.raises(RegistryError, match="DIGEST_INVALID"):
        registry.put_manifest(other, tag=manifest.digest)


def test_a_wrong_password_is_refused(kind: str, client: Made, tls: Tls, tmp_path: Path) -> None:
    server = (
        RealRegistry(tmp_path, certificate=tls.files, basic=True)
        if kind == "real"
        else Registry(Traits(auth="basic"), certificate=tls.files)
    )
    with server:
        refused = client(server.host, username=USER, password="not this one", ca=tls.ca)
        with pytest.raises(RegistryError, match=r"registry\.password were not accepted") as caught:
            refused.begin_upload()
        assert caught.value.status == 401
        assert "not this one" not in str(caught.value)
