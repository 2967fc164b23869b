"""create_stemcell and delete_stemcell by real CPI processes, with the stand-in API server and the stand-in registry."""

from __future__ import annotations

import gzip
import json
import threading
import uuid
from pathlib import Path

import pytest

from bosh_kubernetes_api import names
from tests.component.conftest import NAMESPACE, NETWORKS
from tests.support.cpi_process import CallError
from tests.support.registry.samples import root_file_system
from tests.support.registry.server import PASSWORD, USER, Fault, Traits

PROPERTIES = {"name": "bosh-test-noble", "version": "1.5", "os_distro": "ubuntu", "architecture": "x86_64"}


@pytest.fixture
def image(tmp_path: Path) -> str:
    path = tmp_path / "image"
    path.write_bytes(gzip.compress(root_file_system(2 << 20), 1, mtime=0))
    return str(path)


@pytest.fixture
def empty(tmp_path: Path) -> str:
    path = tmp_path / "image"
    path.touch()
    return str(path)


@pytest.fixture
def registry(serve, settings):
    """The registry that the CPI is configured with."""
    server = serve(Traits(auth="token"))
    settings["registry"] = {
        "host": server.host,
        "repository": "bosh/stemcells",
        "username": USER,
        "password": PASSWORD,
        "pull_secrets": ["registry"],
    }
    return server


def spec(api, cid: str):
    return api.store.get("Stemcell", NAMESPACE, cid)["spec"]


def there(api, cid: str) -> bool:
    return cid in [item["metadata"]["name"] for item in api.store.list("Stemcell", NAMESPACE)]


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


def test_another_director_s_delete_leaves_it_to_us(api, registry, new_cpi, image) -> None:
    one, two = new_cpi(), new_cpi()
    cid = one("create_stemcell", image, PROPERTIES)
    assert two("create_stemcell", image, PROPERTIES) == cid
    one("delete_stemcell", cid)
    one("delete_stemcell", cid)
    assert spec(api, cid)["users"] == [{"director": two.director}]
    assert len(registry.store.manifests) == 1
    two("delete_stemcell", cid)
    assert not there(api, cid)
    assert registry.store.manifests == {}


def test_deleting_what_is_not_there_is_success(cpi) -> None:
    assert cpi("delete_stemcell", "stemcell-absent") is None
    assert cpi("delete_stemcell", "sc-of/another:CPI") is None


def test_a_stemcell_with_machines_stays_and_goes_later(api, registry, cpi, image, operator) -> None:
    cid = cpi("create_stemcell", image, PROPERTIES)
    machine, _ = cpi("create_vm", str(uuid.uuid4()), cid, {}, NETWORKS, [], {})
    cpi("delete_stemcell", cid)
    assert f"{cid} stays: 1 VMs run on it, such as {machine}" in cpi.said
    assert len(registry.store.manifests) == 1
    cpi("delete_vm", machine)
    assert not there(api, cid)
    assert registry.store.manifests == {}


def machines_of(api, cid: str) -> int:
    label = {names.STEMCELL: cid}
    machines = [item["metadata"]["labels"] for item in api.store.list("VirtualMachine", NAMESPACE)]
    return len([labels for labels in machines if label.items() <= labels.items()])


@pytest.fixture
def orphan(registry, cpi, image, operator):
    """A stemcell that its last user has deleted while machines ran on it: its CID, and theirs."""
    cid = cpi("create_stemcell", image, PROPERTIES)
    machines = [cpi("create_vm", str(uuid.uuid4()), cid, {}, NETWORKS, [], {})[0] for _ in range(3)]
    cpi("delete_stemcell", cid)
    return cid, machines


def test_the_last_machine_of_a_deleted_stemcell_takes_it_along(api, registry, cpi, orphan) -> None:
    cid, machines = orphan
    for machine in machines[:-1]:
        cpi("delete_vm", machine)
        assert there(api, cid)
        assert len(registry.store.manifests) == 1
    assert names.DELETING not in api.store.get("Stemcell", NAMESPACE, cid)["metadata"].get("annotations", {})
    cpi("delete_vm", machines[-1])
    assert not there(api, cid)
    assert registry.store.manifests == {}


def test_machines_that_go_together_take_it_along_once(api, registry, cpi, orphan) -> None:
    """Whoever is last removes it, and nobody after it was made anew."""
    cid, machines = orphan
    processes = [cpi.start(cpi.request("delete_vm", machine)) for machine in machines]
    for process in processes:
        assert cpi.finish(process).error is None
    assert not there(api, cid)
    assert len(api.requests("DELETE", f"/stemcells/{cid}$")) == 1


def test_a_stemcell_that_has_users_stays_when_its_last_machine_goes(api, registry, cpi, new_cpi, orphan, image) -> None:
    cid, machines = orphan
    other = new_cpi()
    other("create_stemcell", image, PROPERTIES)
    for machine in machines:
        cpi("delete_vm", machine)
    assert spec(api, cid)["users"] == [{"director": other.director}]
    assert len(registry.store.manifests) == 1


def test_a_deletion_by_another_call_is_left_to_it(api, registry, cpi, orphan) -> None:
    cid, machines = orphan
    api.store.merge_patch("Stemcell", NAMESPACE, cid, {"metadata": {"annotations": {names.DELETING: "99999999999"}}})
    for machine in machines:
        cpi("delete_vm", machine)
    assert there(api, cid)
    assert len(registry.store.manifests) == 1


def test_machines_that_go_while_the_stemcell_is_marked_do_not_keep_it(api, registry, cpi, orphan, monkeypatch) -> None:
    """Their own calls found the mark and left the stemcell to the one who made it, and who still saw them."""
    cid, (first, *others) = orphan
    patch = api.store.merge_patch

    def patch_and_take_them_away(kind, namespace, name, body, *, status=False):
        patched = patch(kind, namespace, name, body, status=status)
        if kind == "Stemcell" and names.DELETING not in patched["metadata"].get("annotations", {}):
            while others:
                api.store.delete("VirtualMachine", NAMESPACE, others[-1])
                patch("VirtualMachine", NAMESPACE, others.pop(), {"metadata": {"finalizers": None}})
        return patched

    monkeypatch.setattr(api.store, "merge_patch", patch_and_take_them_away)
    cpi("delete_vm", first)
    assert others == []
    assert not there(api, cid)


def test_delete_vm_is_done_even_if_the_stemcell_cannot_go(api, registry, cpi, orphan) -> None:
    cid, machines = orphan
    registry.faults += [Fault("DELETE", 500)] * 3
    for machine in machines:
        cpi("delete_vm", machine)
    assert machines_of(api, cid) == 0
    assert f"{cid} stays" in cpi.said
    assert names.DELETING not in api.store.get("Stemcell", NAMESPACE, cid)["metadata"].get("annotations", {})
    cpi("delete_stemcell", cid)
    assert not there(api, cid)
    assert registry.store.manifests == {}


def test_many_directors_at_once(api, registry, new_cpi, image) -> None:
    """Everybody's create and delete at the same time: in the end there is the manifest exactly if there is a user."""
    directors = [new_cpi() for _ in range(4)]
    stays = new_cpi()
    cids, failures = [], []

    def life(cpi, *, delete: bool) -> None:
        try:
            cids.append(cpi("create_stemcell", image, PROPERTIES))
            if delete:
                cpi("delete_stemcell", cids[-1])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=life, args=(cpi,), kwargs={"delete": True}) for cpi in directors]
    threads.append(threading.Thread(target=life, args=(stays,), kwargs={"delete": False}))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(set(cids)) == 1
    assert spec(api, cids[0])["users"] == [{"director": stays.director}]
    assert len(registry.store.manifests) == 1
    stays("delete_stemcell", cids[0])
    assert registry.store.manifests == {}


def test_a_delete_that_died_is_finished_by_the_next(api, registry, cpi, image) -> None:
    cid = cpi("create_stemcell", image, PROPERTIES)
    registry.faults += [Fault("DELETE", 500)] * 3
    with pytest.raises(CallError, match="refused to delete sha256:"):
        cpi("delete_stemcell", cid)
    assert there(api, cid)
    cpi("delete_stemcell", cid)
    assert not there(api, cid)
    assert registry.store.manifests == {}


def test_nobody_becomes_a_user_of_what_is_being_deleted(api, registry, cpi, image) -> None:
    """The mark of a deletion that is under way is waited for; when it goes on to the end, all is made anew."""
    cid = cpi("create_stemcell", image, PROPERTIES)
    marked = {"metadata": {"annotations": {names.DELETING: "99999999999"}}, "spec": {"users": []}}
    api.store.merge_patch("Stemcell", NAMESPACE, cid, marked)
    process = cpi.start(cpi.request("create_stemcell", image, PROPERTIES))
    while not api.requests("GET", f"/stemcells/{cid}$")[5:]:
        assert process.poll() is None
    api.store.delete("Stemcell", NAMESPACE, cid)
    assert cpi.finish(process).value() == cid
    assert spec(api, cid)["users"] == [{"director": cpi.director}]


def test_the_mark_of_a_deletion_that_died_long_ago_is_taken_away(api, registry, cpi, image) -> None:
    cid = cpi("create_stemcell", image, PROPERTIES)
    api.store.merge_patch(
        "Stemcell", NAMESPACE, cid, {"metadata": {"annotations": {names.DELETING: "1"}}, "spec": {"users": []}}
    )
    assert cpi("create_stemcell", image, PROPERTIES) == cid
    assert names.DELETING not in api.store.get("Stemcell", NAMESPACE, cid)["metadata"].get("annotations", {})


def test_a_manifest_that_is_refused_leaves_no_stemcell(api, registry, cpi, image) -> None:
    before = len(api.store.list("Stemcell", NAMESPACE))
    registry.faults += [Fault("PUT manifest", 403, "DENIED", "tags are immutable")]
    with pytest.raises(
        CallError, match=r"refused to store the manifest .*: HTTP 403, DENIED: tags are immutable"
    ) as caught:
        cpi("create_stemcell", image, PROPERTIES)
    assert caught.value.type == "Bosh::Clouds::CloudError"
    assert len(api.store.list("Stemcell", NAMESPACE)) == before


def test_a_registry_that_does_not_delete_keeps_no_stemcell_alive(
    api, serve, registry, settings, new_cpi, image
) -> None:
    server = serve(Traits(deletes=False))
    settings["registry"] = {"host": server.host}
    cpi = new_cpi()
    cid = cpi("create_stemcell", image, PROPERTIES)
    cpi("delete_stemcell", cid)
    assert not there(api, cid)
    assert "does not delete" in cpi.said


def test_what_is_in_another_registry_now_is_not_deleted_there(api, registry, settings, cpi, new_cpi, image) -> None:
    cid = cpi("create_stemcell", image, PROPERTIES)
    moved = new_cpi(cpi.director, registry={"host": "elsewhere.example.com"})
    moved("delete_stemcell", cid)
    assert not there(api, cid)
    assert "it is not in the registry that is configured now" in moved.said
    assert len(registry.store.manifests) == 1


def test_without_a_registry_the_error_says_what_to_do(settings, new_cpi, image) -> None:
    with pytest.raises(CallError, match=r"configure registry\.host or registry\.service, or use a light stemcell"):
        new_cpi(registry={})("create_stemcell", image, PROPERTIES)


def test_an_empty_image_without_a_reference_is_an_error(registry, cpi, empty) -> None:
    with pytest.raises(CallError, match="the stemcell's image is empty"):
        cpi("create_stemcell", empty, {})


def test_an_image_that_is_not_there_is_an_error(registry, cpi, tmp_path) -> None:
    with pytest.raises(CallError, match="cannot be read: No such file"):
        cpi("create_stemcell", str(tmp_path / "none"), {})


# ---- light ----


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
