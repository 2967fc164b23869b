"""create_stemcell of a heavy stemcell by real CPI processes, with the stand-in API server and the stand-in registry."""

from __future__ import annotations

import json

import pytest

from bosh_kubernetes_api import names
from tests.component.conftest import NAMESPACE
from tests.component.stemcell.stored import PROPERTIES, spec, there
from tests.support.cpi_process import CallError
from tests.support.registry.server import PASSWORD, Fault


def test_a_heavy_stemcell_is_pushed_and_named_by_its_digest(api, registry, cpi, image) -> None:
    cid = cpi("create_stemcell", image, PROPERTIES)
    digest = registry.store.tags["bosh/stemcells", cid]
    assert cid == names.stemcell_cid(f"{registry.host}/bosh/stemcells@{digest}")
    assert spec(api, cid) == {
        "image": f"{registry.host}/bosh/stemcells@{digest}",
        "format": "heavy",
        "name": "bosh-test-noble",
        "version": "1.5",
        "os": "ubuntu",
        "architecture": "x86_64",
        "pullSecrets": ["registry"],
        "users": [{"director": cpi.director}],
    }
    cpi("delete_stemcell", cid)
    assert not there(api, cid)
    assert registry.store.manifests == {}
    assert PASSWORD not in cpi.said


@pytest.mark.parametrize("properties", [None, {}], ids=["null", "empty"])
def test_cloud_properties_may_say_nothing(api, registry, cpi, image, properties) -> None:
    assert spec(api, cpi("create_stemcell", image, properties))["name"] == ""


def test_tags_of_the_third_argument_are_kept_and_labels_where_legal(api, registry, cpi, image) -> None:
    tags = {"owner": "me", "of": "x/y"}
    cid = cpi("create_stemcell", image, {}, {"tags": tags})
    metadata = api.store.get("Stemcell", NAMESPACE, cid)["metadata"]

    assert json.loads(metadata["annotations"][names.METADATA]) == tags
    assert {key: value for key, value in metadata["labels"].items() if key.startswith("bosh.io/")} == {
        "bosh.io/owner": "me"
    }
    assert cpi("create_stemcell", image, {}) == cid
    assert api.store.get("Stemcell", NAMESPACE, cid)["metadata"]["labels"] == metadata["labels"]


@pytest.mark.parametrize("env", [None, {}, {"tags": None}, {"tags": {}}, {"other": 1}])
def test_the_third_argument_may_say_nothing(api, registry, cpi, image, env) -> None:
    cid = cpi("create_stemcell", image, {}, env)
    assert "annotations" not in api.store.get("Stemcell", NAMESPACE, cid)["metadata"]


def test_tags_that_are_no_object_are_refused_before_anything_is_pushed(registry, cpi, image) -> None:
    with pytest.raises(CallError, match="tags") as failure:
        cpi("create_stemcell", image, {}, {"tags": ["a"]})

    assert failure.value.type == "Bosh::Clouds::CpiError"
    assert registry.store.manifests == {}


def test_the_same_stemcell_again_is_the_same_and_leaves_nothing_twice(api, registry, cpi, image) -> None:
    cid = cpi("create_stemcell", image, PROPERTIES)
    assert cpi("create_stemcell", image, PROPERTIES) == cid
    assert spec(api, cid)["users"] == [{"director": cpi.director}]
    assert len(registry.store.manifests) == 1


def test_a_failed_repeat_keeps_the_stemcell_that_was_there(api, registry, cpi, image, operator) -> None:
    cid = cpi("create_stemcell", image, PROPERTIES)
    registry.faults += [Fault("PUT manifest", 403, "DENIED", "tags are immutable")]
    with pytest.raises(CallError, match="immutable"):
        cpi("create_stemcell", image, PROPERTIES)

    assert spec(api, cid)["users"] == [{"director": cpi.director}]
    assert "cpi.bosh.io/deleting" not in api.store.get("Stemcell", NAMESPACE, cid)["metadata"].get("annotations", {})


def test_a_manifest_that_is_refused_leaves_no_stemcell(api, registry, cpi, image) -> None:
    before = len(api.store.list("Stemcell", NAMESPACE))
    registry.faults += [Fault("PUT manifest", 403, "DENIED", "tags are immutable")]
    with pytest.raises(
        CallError, match=r"refused to store the manifest .*: HTTP 403, DENIED: tags are immutable"
    ) as caught:
        cpi("create_stemcell", image, PROPERTIES)
    assert caught.value.type == "Bosh::Clouds::CloudError"
    assert len(api.store.list("Stemcell", NAMESPACE)) == before


def test_a_stemcell_that_cannot_be_taken_back_hides_no_error(api, registry, cpi, image) -> None:
    registry.faults += [Fault("PUT manifest", 403, "DENIED", "tags are immutable")]
    api.fault("PATCH", "/stemcells/", status=403)
    with pytest.raises(CallError, match=r"tags are immutable.* could not be removed.*kubectl delete bstemcell"):
        cpi("create_stemcell", image, PROPERTIES)


def test_without_a_registry_the_error_says_what_to_do(settings, new_cpi, image) -> None:
    with pytest.raises(CallError, match=r"configure registry\.host or registry\.service, or use a light stemcell"):
        new_cpi(registry={})("create_stemcell", image, PROPERTIES)


def test_an_empty_image_without_a_reference_is_an_error(registry, cpi, empty) -> None:
    with pytest.raises(CallError, match="the stemcell's image is empty"):
        cpi("create_stemcell", empty, {})


def test_an_image_that_is_not_there_is_an_error(registry, cpi, tmp_path) -> None:
    with pytest.raises(CallError, match="cannot be read: No such file"):
        cpi("create_stemcell", str(tmp_path / "none"), {})


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"image": "UPPER"}, "image_reference: 'UPPER' has a repository that is none"),
        ({"image_reference": "a:1", "image": "b:1"}, "contradict each other"),
        ({"image": ["a"]}, "image must be a string"),
        ({"digest": "sha256:1"}, "digest needs image_reference"),
        ({"image": "a", "digest": "sha256:1"}, "'sha256:1' is no digest"),
        ({"image": "a", "image_pull_secrets": "x"}, "image_pull_secrets must be a list"),
        ({"image_refrence": "a"}, "unknown key 'image_refrence'; did you mean 'image_reference'"),
    ],
)
def test_cloud_properties_that_are_wrong_name_the_key(api, registry, cpi, image, properties, words) -> None:
    before = api.store.list("Stemcell", NAMESPACE)
    with pytest.raises(CallError, match=words) as caught:
        cpi("create_stemcell", image, properties)
    assert caught.value.type == "Bosh::Clouds::CloudError"
    assert caught.value.message.startswith("cloud_properties of the stemcell: ")
    assert api.store.list("Stemcell", NAMESPACE) == before
    assert registry.store.manifests == {}
