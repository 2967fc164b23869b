"""What the CPI relies on in an API server. The same tests run on the stand-in and on a real one.

A subclass gives two fixtures: `api`, the CPI's own transport, and `namespace`, one of the test's own.
"""

import uuid
from typing import Any

import pytest

from bosh_kubernetes_api import claims, machine, names, paths, settings
from bosh_kubernetes_cpi.clock import Deadline
from bosh_kubernetes_cpi.errors import ApiError, Conflict, Invalid, NotFound, TimedOut
from bosh_kubernetes_cpi.transport.api import Api
from bosh_kubernetes_cpi.transport.observe import Wait, until

Json = dict[str, Any]

LARGE = {"resources": {"cpu": "1", "memory": "1Mi", "ephemeralDisk": "1Mi"}}


def a_machine(director: str = "d") -> Json:
    return machine.virtual_machine(
        names.new_cid("vm"),
        director=director,
        agent_id=str(uuid.uuid4()),
        stemcell="stemcell-1",
        image="r/s@sha256:" + "0" * 64,
        pull_secrets=[],
        shape=LARGE,
    )


def path(namespace: str, body: Json) -> str:
    return paths.item(paths.machines(namespace), body["metadata"]["name"])


def made(api: Api, namespace: str, director: str = "d") -> Json:
    return api.create(paths.machines(namespace), a_machine(director))


class ApiContract:
    def test_name_is_taken_once(self, api: Api, namespace: str) -> None:
        body = a_machine()
        api.create(paths.machines(namespace), body)
        with pytest.raises(Conflict) as failure:
            api.create(paths.machines(namespace), body)
        assert failure.value.reason == "AlreadyExists"

    def test_a_dry_run_makes_nothing_and_tells_fields_that_nobody_knows(self, api: Api, namespace: str) -> None:
        where = paths.query(paths.machines(namespace), dryRun="All", fieldValidation="Strict")
        body = a_machine()
        assert api.create(where, body)["metadata"]["name"] == body["metadata"]["name"]
        assert api.find(path(namespace, body)) is None
        body["spec"]["machine"]["colour"] = "red"
        with pytest.raises(Invalid, match=r'unknown field "spec\.machine\.colour"'):
            api.create(where, body)

    def test_absent_object(self, api: Api, namespace: str) -> None:
        where = path(namespace, a_machine())
        assert api.find(where) is None
        with pytest.raises(NotFound):
            api.merge_patch(where, {"spec": {}})
        api.delete(where)

    def test_unknown_kind_is_no_absent_object_and_discovery_tells_it(self, api: Api, namespace: str) -> None:
        """An absent object is a Status of the reason NotFound; a kind that nobody serves is 404 and no more."""
        with pytest.raises(ApiError) as failure:
            api.get(f"/apis/nothing.example.com/v1/namespaces/{namespace}/things/one")
        served = {one["groupVersion"] for group in api.get(paths.GROUPS)["groups"] for one in group["versions"]}

        assert failure.value.status == 404
        assert not isinstance(failure.value, NotFound)
        assert names.API_VERSION in served
        assert "nothing.example.com/v1" not in served

    def test_status_is_not_written_with_the_rest_and_unknown_fields_go(self, api: Api, namespace: str) -> None:
        body = a_machine()
        body["status"] = {"printableStatus": "Running"}
        body["spec"]["unknown"] = "x"
        found = api.create(paths.machines(namespace), body)
        patched = api.merge_patch(path(namespace, body), {"status": {"printableStatus": "Running"}})

        assert "status" not in found
        assert "status" not in patched
        assert "unknown" not in found["spec"]
        assert found["spec"]["paused"] is False

    @pytest.mark.parametrize(
        "change",
        [
            {"resources": {"cpu": "many", "memory": "1Mi", "ephemeralDisk": "1Mi"}},
            {"networks": [{"name": "n", "type": "other"}]},
            {"agentID": ""},
            {"placement": {"zone": 5}},
        ],
    )
    def test_schema_is_kept(self, api: Api, namespace: str, change: Json) -> None:
        body = a_machine()
        body["spec"]["machine"].update(change)
        with pytest.raises(Invalid):
            api.create(paths.machines(namespace), body)

    def test_machine_is_immutable(self, api: Api, namespace: str) -> None:
        found = made(api, namespace)
        with pytest.raises(Invalid, match="immutable"):
            api.merge_patch(path(namespace, found), {"spec": {"machine": {"stemcell": "stemcell-2"}}})

    def test_merge_patch_with_an_old_version_conflicts(self, api: Api, namespace: str) -> None:
        found = made(api, namespace)
        where = path(namespace, found)
        version = {"resourceVersion": found["metadata"]["resourceVersion"]}
        second = api.merge_patch(where, {"metadata": version, "spec": {"reboot": "one"}})
        with pytest.raises(Conflict):
            api.merge_patch(where, {"metadata": version, "spec": {"reboot": "two"}})

        assert second["metadata"]["generation"] == found["metadata"]["generation"] + 1
        assert api.get(where)["spec"]["reboot"] == "one"

    def test_labels_change_no_generation_and_null_takes_away(self, api: Api, namespace: str) -> None:
        found = made(api, namespace)
        where = path(namespace, found)
        api.merge_patch(where, {"metadata": {"labels": {"bosh.io/x": "y"}}})
        last = api.merge_patch(where, {"metadata": {"labels": {"bosh.io/x": None}}})

        assert last["metadata"]["generation"] == found["metadata"]["generation"]
        assert last["metadata"]["labels"] == found["metadata"]["labels"]

    def test_odd_labels_are_refused(self, api: Api, namespace: str) -> None:
        found = made(api, namespace)
        for value in ("with space", "x" * 64, "-x", "ä"):
            with pytest.raises(Invalid):
                api.merge_patch(path(namespace, found), {"metadata": {"labels": {"bosh.io/x": value}}})

    def test_uid_guards_a_deletion(self, api: Api, namespace: str) -> None:
        found = made(api, namespace)
        with pytest.raises(Conflict):
            api.delete(path(namespace, found), uid=str(uuid.uuid4()))
        api.delete(path(namespace, found), uid=found["metadata"]["uid"])
        assert api.find(path(namespace, found)) is None

    def test_finalizer_keeps_what_is_deleted(self, api: Api, namespace: str) -> None:
        found = made(api, namespace)
        where = path(namespace, found)
        api.merge_patch(where, {"metadata": {"finalizers": ["cpi.bosh.io/machine"]}})
        api.delete(where)
        assert api.get(where)["metadata"]["deletionTimestamp"]
        api.merge_patch(where, {"metadata": {"finalizers": None}})
        assert api.find(where) is None

    def test_what_a_machine_owns_goes_with_it(self, api: Api, namespace: str) -> None:
        found = made(api, namespace)
        name = found["metadata"]["name"]
        secret = settings.secret(found, settings.credentials(mbus="m", blobstore={}, env={}))
        api.create(paths.secrets(namespace), secret)
        api.create(paths.config_maps(namespace), settings.config_map(found, {"a": 1}))
        api.delete(path(namespace, found))
        for collection in (paths.secrets(namespace), paths.config_maps(namespace)):
            until(api, collection, name, lambda now: True if now is None else Wait(), doing="waiting for the collector")

    def test_list_selects_by_labels(self, api: Api, namespace: str) -> None:
        director = str(uuid.uuid4())
        ours = made(api, namespace, director)
        made(api, namespace, str(uuid.uuid4()))
        query = paths.query(paths.machines(namespace), labelSelector=names.selector(director=director))

        assert [item["metadata"]["name"] for item in api.get(query)["items"]] == [ours["metadata"]["name"]]

    def test_wait_sees_changes_and_the_end(self, api: Api, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each change is made by the test while the watch that must show it is open; the object is read once."""
        found = made(api, namespace)
        where = path(namespace, found)
        other = Api(api.endpoint, api.deadline)
        seen: list[str] = []
        reads: list[str] = []
        find = api.find

        def read(place: str) -> Json | None:
            reads.append(place)
            return find(place)

        monkeypatch.setattr(api, "find", read)

        def step(now: Json | None) -> bool | Wait:
            if now is None:
                return True
            reboot = now["spec"].get("reboot", "")
            if reboot not in seen:
                seen.append(reboot)
                if reboot == "two":
                    other.delete(where)
                else:
                    other.merge_patch(where, {"spec": {"reboot": "one" if not reboot else "two"}})
            return Wait()

        assert until(api, paths.machines(namespace), found["metadata"]["name"], step, doing="watching")
        other.close()
        assert seen == ["", "one", "two"]
        assert reads == [where]

    def test_wait_ends_by_its_deadline(self, api: Api, namespace: str) -> None:
        found = made(api, namespace)
        api.deadline = Deadline(1)
        with pytest.raises(TimedOut, match="waiting for nothing"):
            until(
                api, paths.machines(namespace), found["metadata"]["name"], lambda _: Wait(), doing="waiting for nothing"
            )

    def test_claim_of_a_disk(self, api: Api, namespace: str) -> None:
        cid = names.new_cid("disk")
        found = api.create(paths.claims(namespace), claims.claim(cid, director="d", size=5))
        where = paths.item(paths.claims(namespace), cid)
        marked = api.merge_patch(where, {"metadata": {"annotations": {names.DELETING: "2026-01-01T00:00:00Z"}}})
        with pytest.raises(Invalid):
            api.merge_patch(where, {"spec": {"accessModes": ["ReadWriteMany"]}})

        assert found["spec"]["resources"]["requests"]["storage"] == "5Mi"
        assert claims.is_disk(marked)
        api.delete(where, uid=found["metadata"]["uid"])
        until(
            api, paths.claims(namespace), cid, lambda now: True if now is None else Wait(), doing="deleting the claim"
        )

    def test_claim_without_a_volume_changes_no_size(self, api: Api, namespace: str) -> None:
        cid = names.new_cid("disk")
        api.create(paths.claims(namespace), claims.claim(cid, director="d", size=5, storage_class="none-such"))
        where = paths.item(paths.claims(namespace), cid)
        for size in ("6Mi", "4Mi", "no size"):
            with pytest.raises(ApiError) as failure:
                api.merge_patch(where, {"spec": {"resources": {"requests": {"storage": size}}}})
            assert failure.value.status in (400, 422)
        same = api.merge_patch(where, {"spec": {"resources": {"requests": {"storage": "5120Ki"}}}})

        assert claims.asked_size(same) == 5 << 20
        assert not claims.is_bound(same)

    def test_events_are_selected_by_what_they_are_about_and_other_kinds_are_not(self, api: Api, namespace: str) -> None:
        about = "involvedObject.name=disk-none,type=Warning"
        assert api.get(paths.query(paths.events(namespace), fieldSelector=about))["items"] == []
        with pytest.raises(Invalid):
            api.get(paths.query(paths.claims(namespace), fieldSelector=about))
