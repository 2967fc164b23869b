"""A layer on its way: faults at every place, bodies that are limited, images that are none."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import threading

import pytest

from bosh_kubernetes_cpi.errors import BadImage, RegistryError
from bosh_kubernetes_cpi.stemcell import image, upload
from tests.support.registry.samples import root_file_system
from tests.support.registry.server import PASSWORD, USER, Fault, Traits

TAR = root_file_system(20 << 20)
GZIP = gzip.compress(TAR, 1)


def push(registry, content: bytes, said: list[str] | None = None) -> image.Layer:
    said = [] if said is None else said
    return upload.push_layer(registry, io.BytesIO(content), say=said.append, pause=0)


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (GZIP, image.LAYER_GZIP),
        (TAR, image.LAYER_TAR),
        (gzip.compress(TAR[:7_000_000]) + gzip.compress(TAR[7_000_000:]), image.LAYER_GZIP),
    ],
    ids=["gzip", "plain tar", "gzip of two members"],
)
def test_a_layer_has_the_digests_of_its_blob_and_of_the_tar_inside(serve, client, content, media_type) -> None:
    server = serve()
    layer = push(client(server.host), content)
    assert layer == image.Layer(sha256(content), len(content), sha256(TAR), media_type)
    assert server.store.blobs == {("bosh/stemcells", layer.digest): len(content)}
    assert server.store.uploads == {}


FAULTS = {
    "connection cut at the start": Fault("PATCH", after=0),
    "connection cut in the middle": Fault("PATCH", after=4 << 20),
    "server error": Fault("PATCH", 500),
    "token too old": Fault("PATCH", 401),
    "upload forgotten": Fault("PATCH", 404, "BLOB_UPLOAD_UNKNOWN"),
    "server error at the end": Fault("PUT blob", 503),
    "upload forgotten at the end": Fault("PUT blob", 404, "BLOB_UPLOAD_UNKNOWN"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_an_upload_that_breaks_begins_anew(serve, client, fault) -> None:
    server, said = serve(), []
    server.faults.append(fault)
    layer = push(client(server.host), GZIP, said)
    assert server.store.blobs == {("bosh/stemcells", layer.digest): len(GZIP)}
    assert any("broke and begins anew" in line for line in said)


def test_an_upload_that_breaks_always_is_a_typed_error_after_three_attempts(serve, client) -> None:
    server = serve()
    server.faults += [Fault("PATCH", after=4 << 20)] * 5
    with pytest.raises(RegistryError, match=r"upload the layer.*attempt 3 of 3; \d+ of \d+ bytes") as caught:
        push(client(server.host), GZIP)
    assert caught.value.ok_to_retry
    assert len(server.faults) == 2
    assert threads() == []


def test_a_refused_upload_is_not_repeated(serve, client) -> None:
    server = serve()
    server.faults += [Fault("PATCH", 403, "DENIED")] * 2
    with pytest.raises(RegistryError, match="DENIED"):
        push(client(server.host), GZIP)
    assert len(server.faults) == 1


@pytest.mark.parametrize(("fault", "status"), [("password", 401), ("repository", 404)])
def test_an_upload_that_may_not_begin_has_not_broken(serve, client, fault, status) -> None:
    """A wrong password, tried again and again, locks accounts."""
    server, said = serve(Traits(auth="basic")), []
    password = PASSWORD
    if fault == "password":
        password = "wrong"
    else:
        server.faults += [Fault("POST", 404, "NAME_UNKNOWN")] * 3
    with pytest.raises(RegistryError) as caught:
        push(client(server.host, username=USER, password=password), GZIP, said)
    assert caught.value.status == status
    assert len(said) == 1
    assert [method for method, _, _ in server.requests] == ["POST", "POST"]  # the challenge, and its answer


def test_the_answer_of_a_server_that_stops_listening_is_heard(serve, client) -> None:
    """It answers before it has read the body, and closes: the answer counts, not the broken pipe."""
    server = serve()
    server.faults.append(Fault("PATCH", 507, "UNKNOWN", "no space left on device"))
    server.faults.append(Fault("PATCH", 403, "DENIED", "no"))
    said: list[str] = []
    with pytest.raises(RegistryError, match="HTTP 403, DENIED"):
        push(client(server.host), GZIP, said)
    assert any("no space left on device" in line for line in said)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_where_bodies_are_limited_it_goes_in_pieces(serve, client, tls, secure) -> None:
    """The refusal is heard though the server hangs up while we send, for which TLS has an error of its own."""
    server = serve(Traits(limit=9 << 20), certificate=tls.files if secure else None)
    layer = push(client(server.host, **({"ca": tls.ca} if secure else {})), GZIP)
    assert server.store.blobs == {("bosh/stemcells", layer.digest): len(GZIP)}
    ranges = [headers["content-range"] for method, _, headers in server.requests if "content-range" in headers]
    assert ranges[0] == f"0-{upload.PIECE - 1}"
    assert ranges[-1].endswith(f"-{len(GZIP) - 1}")


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_token_that_ends_between_pieces_is_got_anew(serve, client, tls, secure) -> None:
    """Begun anew, an upload that takes longer than a token lives would never come to its end."""
    server = serve(Traits(auth="token", limit=9 << 20, uses=2), certificate=tls.files if secure else None)
    said: list[str] = []
    account = {"username": USER, "password": PASSWORD, **({"ca": tls.ca} if secure else {})}
    layer = push(client(server.host, **account), GZIP, said)
    assert server.store.blobs == {("bosh/stemcells", layer.digest): len(GZIP)}
    assert len([line for line in said if "begins anew" in line]) == 1  # after 413


BAD = {
    "empty": (b"", "is empty"),
    "no tar": (b"hello" * 1000, "no tar of a root file system"),
    "short": (b"hello", "no tar of a root file system"),
    "gzip of no tar": (gzip.compress(b"hello" * 1000), "no tar of a root file system"),
    "gzip of nothing": (gzip.compress(b""), "no tar of a root file system"),
    "cut short": (GZIP[:-100_000], "cut short"),
    "cut in the trailer": (GZIP[:-2], "cut short"),
    "damaged": (GZIP[:5_000_000] + bytes(100) + GZIP[5_000_100:], "damaged"),
    "with rubbish after it": (GZIP + b"rubbish", "damaged"),
    "xz": (lzma.compress(TAR[:10_000]), "packed with xz: pack it with gzip"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(600), "packed with zstd"),
}


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_a_file_that_makes_no_layer_is_an_error_and_leaves_nothing(serve, client, content, words) -> None:
    server = serve()
    with pytest.raises(BadImage, match=words):
        push(client(server.host), content)
    assert server.store.blobs == {}
    assert server.store.uploads == {}
    assert threads() == []


def test_progress_is_told_with_bytes_share_and_speed(serve, client) -> None:
    said: list[str] = []
    push(client(serve().host), GZIP, said)
    assert said[0].startswith(f"upload of {len(GZIP)} bytes to registry localhost:")
    assert f"{len(GZIP)} of {len(GZIP)} bytes uploaded (100 %), " in said[-1]
    assert "MiB/s" in said[-1]


def test_the_config_names_the_tar_and_the_platform(serve, client) -> None:
    server = serve()
    registry = client(server.host)
    layer = push(registry, GZIP)
    manifest = json.loads(upload.push_documents(registry, layer, name="n", version="1", architecture="x86_64").content)
    config = json.loads(server.store.contents[manifest["config"]["digest"]])
    assert config["rootfs"] == {"type": "layers", "diff_ids": [layer.diff_id]}
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert [part["digest"] for part in manifest["layers"]] == [layer.digest]


def threads() -> list[str]:
    """Threads of a reader that were not ended."""
    return [thread.name for thread in threading.enumerate() if "_run" in thread.name]
