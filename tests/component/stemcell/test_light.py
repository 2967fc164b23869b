"""create_stemcell of a light stemcell by real CPI processes, with the stand-in API server and the stand-in registry."""

from __future__ import annotations

import json

import pytest

from bosh_kubernetes_api import names
from tests.component.stemcell.stored import spec, there
from tests.support.cpi_process import CallError
from tests.support.registry.server import Traits


@pytest.fixture
def published(serve) -> tuple[str, str]:
    """An image on a registry of its own: `host/repository`, and its digest."""
    server = serve(Traits(auth="token", public=True))
    content = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
    digest = server.store.put_manifest("cloudfoundry/noble", "1.165", INDEX, content)
    return f"{server.host}/cloudfoundry/noble", digest


INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.mark.parametrize("key", ["image_reference", "image"])
def test_a_light_stemcell_is_pinned_and_goes_alone(api, published, cpi, empty, key) -> None:
    name, digest = published
    cid = cpi("create_stemcell", empty, {key: f"{name}:1.165", "name": "n", "image_pull_secrets": ["mine"]})
    assert cid == names.stemcell_cid(f"{name}@{digest}")
    assert spec(api, cid)["image"] == f"{name}@{digest}"
    assert spec(api, cid)["format"] == "light"
    assert spec(api, cid)["pullSecrets"] == ["mine"]
    cpi("delete_stemcell", cid)
    assert not there(api, cid)


def test_a_digest_is_confirmed(api, published, cpi, empty) -> None:
    name, digest = published
    cid = cpi("create_stemcell", empty, {"image_reference": f"{name}:1.165", "digest": digest})
    assert spec(api, cid)["image"] == f"{name}@{digest}"


def test_a_digest_that_the_registry_does_not_know_is_an_error(published, cpi, empty) -> None:
    name, _ = published
    with pytest.raises(CallError, match=r"there is no image .*knows no sha256:0000"):
        cpi("create_stemcell", empty, {"image_reference": name, "digest": f"sha256:{'0' * 64}"})


def test_a_tag_that_is_not_there_is_an_error(published, cpi, empty) -> None:
    with pytest.raises(CallError, match=r"there is no image .*:9 of it|knows no 9"):
        cpi("create_stemcell", empty, {"image_reference": f"{published[0]}:9"})


def test_a_digest_is_taken_as_given_when_nobody_can_be_asked(api, cpi, empty) -> None:
    image = f"localhost:1/bosh/noble@sha256:{'1' * 64}"
    cid = cpi("create_stemcell", empty, {"image_reference": image})
    assert spec(api, cid)["image"] == image
    assert "is taken as given, its registry cannot confirm it" in cpi.said


def test_a_tag_that_cannot_be_looked_up_is_an_error_with_the_way_out(cpi, empty) -> None:
    with pytest.raises(CallError, match=r"cannot be reached .*; or name the image with its digest") as caught:
        cpi("create_stemcell", empty, {"image_reference": "localhost:1/bosh/noble:1"})
    assert caught.value.ok_to_retry
