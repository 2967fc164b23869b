"""Who may delete a stemcell, and when its image goes: by real CPI processes and the stand-ins of both servers."""

from __future__ import annotations

import threading
import uuid

import pytest

from bosh_kubernetes_api import names
from tests.component.conftest import NAMESPACE, NETWORKS
from tests.component.stemcell.stored import PROPERTIES, spec, there
from tests.support.cpi_process import CallError
from tests.support.registry.server import Fault, Traits


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


def test_the_last_machine_takes_it_along_for_a_caller_that_does_not_say_who_it_is(api, registry, cpi, orphan) -> None:
    cid, machines = orphan
    for machine in machines:
        assert cpi.raw(cpi.request("delete_vm", machine, context={})).value() is None
    assert not there(api, cid)


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
    with pytest.raises(CallError, match=f"refused to delete sha256:.*{cid} has no user any more.*call again"):
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


def test_namespaces_with_a_repository_each_keep_their_images_apart(registry, settings, new_cpi, image) -> None:
    """The same file is the same image: in one repository the other namespace's would be gone, too."""
    others = {**settings["registry"], "repository": "bosh/others"}
    ours, theirs = new_cpi(), new_cpi(namespace="others", registry=others)
    cid = ours("create_stemcell", image, {})

    theirs("delete_stemcell", theirs("create_stemcell", image, {}))

    assert list(registry.store.tags) == [("bosh/stemcells", cid)]
