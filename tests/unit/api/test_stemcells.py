"""The Stemcell resource and the edits of its users."""

from bosh_kubernetes_api import deletion, names, stemcells

IMAGE = f"r.example.com/a@sha256:{'0' * 64}"


def built(**more):
    return stemcells.build(IMAGE, director="d-1", form=stemcells.HEAVY, pull_secrets=[], **more)


def test_its_name_is_made_from_the_image_alone() -> None:
    assert built()["metadata"]["name"] == built(name="n", version="2")["metadata"]["name"] == names.stemcell_cid(IMAGE)


def test_it_belongs_to_no_director() -> None:
    assert built()["metadata"]["labels"] == {names.MANAGED_BY: names.MANAGER, names.ROLE: "stemcell"}


def test_tags_are_its_metadata_and_touch_nothing_of_ours() -> None:
    found = built(tags={"role": "x", "n": 1})["metadata"]

    assert found["labels"] == {**built()["metadata"]["labels"], "bosh.io/role": "x", "bosh.io/n": "1"}
    assert found["annotations"] == {names.METADATA: '{"role": "x", "n": 1}'}


def test_texts_that_are_too_long_are_cut_to_what_the_api_takes() -> None:
    spec = built(name="n" * 999, version="v" * 999, os="o" * 999, architecture="a" * 999)["spec"]
    assert [len(spec[key]) for key in ("name", "version", "os", "architecture")] == [253, 128, 128, 32]


def test_an_edit_conflicts_with_a_faster_one_and_sets_mark_and_users_together() -> None:
    found = {**built(), "metadata": {"name": "n", "resourceVersion": "7"}}
    assert stemcells.edit(found, users=[], deleting="12") == {
        "metadata": {"resourceVersion": "7", "annotations": {names.DELETING: "12"}},
        "spec": {"users": []},
    }
    assert stemcells.edit(found, users=["a"])["metadata"]["annotations"] == {names.DELETING: None}


def test_users_and_mark_are_read_where_they_are_missing_too() -> None:
    assert stemcells.users({"spec": {}}) == []
    assert stemcells.users(built()) == ["d-1"]
    assert deletion.deleting_since({"metadata": {}}) == ""
    assert deletion.deleting_since({"metadata": {"annotations": {names.DELETING: "5"}}}) == "5"
