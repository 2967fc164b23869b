"""`stemcell light` against the stand-in registry, and its tarball in the hands of create_stemcell."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bosh_kubernetes_api import names
from bosh_kubernetes_cpi.stemcell import image as images
from bosh_kubernetes_cpi.stemcell import upload
from tests.component.conftest import NAMESPACE
from tests.support.registry.samples import root_file_system
from tests.support.registry.server import PASSWORD, USER, Registry, Traits
from tests.support.tool_process import tool

Json = dict[str, Any]

INDEX = "application/vnd.oci.image.index.v1+json"
REPOSITORY = "cloudfoundry/ubuntu-noble-stemcell"


@pytest.fixture
def registry(serve: Callable[..., Registry]) -> Registry:
    """Where the image is published: everybody may read, and blobs come from another host."""
    return serve(Traits(auth="token", public=True, redirects=True))


def publish(
    registry: Registry, client: Callable[..., Any], *, tag: str = "1.165", name: str = "", architecture: str = "amd64"
) -> str:
    """An image of one layer; its digest."""
    account = {"username": USER, "password": PASSWORD}
    pusher = client(registry.host, repository=REPOSITORY, **account)
    layer = upload.push_layer(pusher, io.BytesIO(gzip.compress(root_file_system(50_000), mtime=0)), say=print)
    document = upload.push_documents(pusher, layer, name=name, version="", architecture=architecture)
    pusher.put_manifest(document, tag=tag)
    return str(document.digest)


def contents(path: Path) -> tuple[Json, bytes]:
    """stemcell.MF and image of a tarball."""
    with tarfile.open(path) as archive:
        manifest, image = archive.extractfile("stemcell.MF"), archive.extractfile("image")
        assert manifest
        assert image
        return yaml.safe_load(manifest.read()), image.read()


def test_the_tarball_of_a_tag_is_what_create_stemcell_takes(api, registry, client, cpi, tmp_path) -> None:
    digest = publish(registry, client)

    said = tool("stemcell", "light", f"{registry.host}/{REPOSITORY}:1.165", folder=tmp_path)

    assert said.code == 0, said.err
    manifest, image = contents(tmp_path / "light-bosh-kubernetes-ubuntu-noble-1.165.tgz")
    assert image == b""
    assert manifest["cloud_properties"]["digest"] == digest
    assert {key: manifest[key] for key in ("name", "version", "operating_system", "api_version")} == {
        "name": "bosh-kubernetes-ubuntu-noble",
        "version": "1.165",
        "operating_system": "ubuntu-noble",
        "api_version": 3,
    }
    assert set(manifest["stemcell_formats"]) <= set(cpi("info")["stemcell_formats"])
    empty = tmp_path / "image"
    empty.touch()
    cid = cpi("create_stemcell", str(empty), manifest["cloud_properties"])
    pinned = f"{registry.host}/{REPOSITORY}@{digest}"
    assert cid == names.stemcell_cid(pinned)
    spec = api.store.get("Stemcell", NAMESPACE, cid)["spec"]
    assert (spec["image"], spec["format"], spec["version"], spec["architecture"]) == (
        pinned,
        "light",
        "1.165",
        "x86_64",
    )


def test_the_same_image_gives_the_same_bytes(registry, client, tmp_path) -> None:
    publish(registry, client)
    arguments = ("stemcell", "light", f"{registry.host}/{REPOSITORY}:1.165", "--file")

    assert tool(*arguments, tmp_path / "one.tgz").code == 0
    assert tool(*arguments, tmp_path / "two.tgz").code == 0

    assert (tmp_path / "one.tgz").read_bytes() == (tmp_path / "two.tgz").read_bytes()


def test_labels_name_it_and_options_win(registry, client, tmp_path) -> None:
    publish(registry, client, name="bosh-labelled")
    reference = f"{registry.host}/{REPOSITORY}:1.165"

    said = tool("stemcell", "light", reference, "--version", "2.0", "--output", "json", folder=tmp_path)

    assert said.code == 0, said.err
    assert said.json["name"] == "bosh-labelled"
    assert said.json["version"] == "2.0"
    assert (tmp_path / said.json["file"]).name == "light-bosh-labelled-2.0.tgz"


def test_of_an_index_the_platform_names_it_and_the_index_is_pinned(registry, client, tmp_path) -> None:
    entries = [
        {"platform": {"os": "linux", "architecture": name}, "digest": publish(registry, client, tag=name, **more)}
        for name, more in (("amd64", {"name": "intel"}), ("arm64", {"name": "arm", "architecture": "arm64"}))
    ]
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
    digest = registry.store.put_manifest(REPOSITORY, "1.166", INDEX, index)
    reference = f"{registry.host}/{REPOSITORY}:1.166"

    said = tool("stemcell", "light", reference, "--architecture", "aarch64", "--output", "json", folder=tmp_path)

    assert said.code == 0, said.err
    assert said.json["image"] == f"{reference}@{digest}"
    assert (said.json["name"], said.json["architecture"]) == ("arm", "aarch64")


def test_a_registry_that_answers_with_something_else_is_not_believed(registry, client, tmp_path) -> None:
    digest = publish(registry, client, name="bosh-labelled")
    media_type, content = registry.store.manifests[REPOSITORY, digest]
    registry.store.manifests[REPOSITORY, digest] = (media_type, content.replace(b"bosh-labelled", b"another-label"))
    reference = f"{registry.host}/{REPOSITORY}:1.165"

    said = tool("stemcell", "light", reference, "--output", "json", folder=tmp_path)

    assert f"answers with something else when asked for {digest}" in said.err
    assert said.json["name"] == "bosh-kubernetes-ubuntu-noble"


def test_a_digest_needs_no_registry_but_options_where_the_reference_says_nothing(tmp_path) -> None:
    pinned = f"localhost:1/mine@{images.digest_of(b'')}"

    refused = tool("stemcell", "light", pinned, folder=tmp_path)
    options = ("--name", "mine", "--version", "1", "--os", "debian-12")
    written = tool("stemcell", "light", pinned, *options, folder=tmp_path)

    assert refused.code == 2
    assert "give --os and --version and --name" in refused.err
    assert written.code == 0, written.err
    manifest, _ = contents(tmp_path / "light-mine-1.tgz")
    assert manifest["cloud_properties"]["image_reference"] == "localhost:1/mine"
    assert manifest["cloud_properties"]["digest"] == images.digest_of(b"")


def test_an_image_that_is_not_there_is_a_finding_and_nothing_is_written(registry, tmp_path) -> None:
    said = tool("stemcell", "light", f"{registry.host}/{REPOSITORY}:9", folder=tmp_path)

    document = tool("stemcell", "light", f"{registry.host}/{REPOSITORY}:9", "--output", "json", folder=tmp_path)

    assert (said.code, document.code) == (1, 1)
    assert "there is no image" in said.out
    assert document.json["file"] is None
    assert "there is no image" in document.json["error"]
    assert list(tmp_path.iterdir()) == []


def test_a_private_registry_is_asked_with_the_account_of_the_configuration(serve, client, tmp_path) -> None:
    private = serve(Traits(auth="basic"))
    digest = publish(private, client)
    config = tmp_path / "cpi.json"
    account = {"host": private.host, "username": USER, "password": PASSWORD}
    config.write_text(json.dumps({"registry": account}))
    reference = f"{private.host}/{REPOSITORY}:1.165"

    without = tool("stemcell", "light", reference, folder=tmp_path)
    said = tool("stemcell", "light", reference, config=config, folder=tmp_path)

    assert without.code == 3
    assert "name no account for this registry" in without.err
    assert said.code == 0, said.err
    assert digest in said.out
    assert PASSWORD not in said.out + said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["UPPER"], "has a repository that is none"),
        (["localhost:1/a:1", "--api-version", "x"], "is no whole number"),
        ([], "required: IMAGE"),
    ],
)
def test_wrong_use_says_what_is_wrong(arguments: list[str], words: str, tmp_path) -> None:
    said = tool("stemcell", "light", *arguments, folder=tmp_path)

    assert said.code == 2
    assert words in said.err
