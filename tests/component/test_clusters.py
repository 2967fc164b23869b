"""Several clusters by one CPI: each request's context says which, and nothing of one cluster reaches another."""

import gzip
import json
import uuid

import pytest

from tests.component.conftest import ENV, NETWORKS, storage_class
from tests.support.cpi_process import CallError
from tests.support.fakeapi.operator import FakeOperator
from tests.support.fakeapi.server import FakeApi
from tests.support.registry.samples import root_file_system
from tests.support.registry.server import PASSWORD, USER, Registry, Traits

AT_ONCE = 4  # processes for each cluster
# What a job has that is colocated for its executable alone, as in bosh-deployment's secondary CPIs.
PLACEHOLDERS = {
    "kubernetes": {
        "server": "replace-me",
        "ca": "replace-me",
        "client_certificate": "replace-me",
        "token": "replace-me",
    },
    "registry": {"host": "replace-me", "username": "replace-me", "password": "replace-me", "insecure": "replace-me"},
    "timeouts": {"schedule": 5, "pull": 5, "operator": 3},
}


class Cluster:
    """A stand-in cluster with its own authority and token, its namespace, and what a cpi-config says of it."""

    def __init__(self, name: str, registry: Registry, *, certificate: bool) -> None:
        self.namespace = f"machines-{name}"
        self.token = f"planted-token-of-{name}"
        self.mbus = f"nats://agent:planted-password-of-{name}@10.0.0.6:4222"
        self.api = FakeApi(self.token)
        self.operator = FakeOperator(self.api.store, self.namespace)
        self.registry = registry
        self.api.store.create("StorageClass", "", storage_class(f"class-{name}", default=True))
        client = self.api.authority.client(f"account-of-{name}")
        pair = {"client_certificate": client.certificate, "client_key": client.key}
        self.presents = f"account-of-{name}" if certificate else f"Bearer {self.token}"
        self.context = {
            "kubernetes": {
                "server": self.api.url,
                "ca": self.api.authority.pem,
                **(pair if certificate else {"token": self.token}),
            },
            "namespace": self.namespace,
            "agent": {"mbus": self.mbus},
            "disks": {"storage_class": f"class-{name}"},
            "registry": {
                "host": registry.host,
                "repository": f"stemcells/{name}",
                "username": USER,
                "password": PASSWORD,
            },
        }


@pytest.fixture
def clusters():
    """One with a token, the other with a client certificate."""
    with Registry(Traits(auth="token")) as one, Registry(Traits(auth="basic")) as other:
        pair = [Cluster("a", one, certificate=False), Cluster("b", other, certificate=True)]
        with pair[0].api, pair[1].api, pair[0].operator, pair[1].operator:
            yield pair


@pytest.fixture
def callers(clusters, new_cpi):
    """Two entries of one Director's cpi-config, and one file for both."""
    director = str(uuid.uuid4())
    settings = {"kubernetes": {}, "namespace": "", "agent": {}, **PLACEHOLDERS}
    first = new_cpi(director, context=clusters[0].context, **settings)
    second = new_cpi(director, context=clusters[1].context, **settings)
    second.config = first.config
    return [first, second]


def test_two_clusters_at_once_share_nothing(clusters, callers, tmp_path) -> None:
    """create_stemcell, create_vm, create_disk and attach_disk, AT_ONCE for each cluster and all at the same time."""
    image = tmp_path / "image"
    image.write_bytes(gzip.compress(root_file_system(1 << 20), 1, mtime=0))
    stemcells, machines, disks, hints = ([[], []] for _ in range(4))

    def at_once(results, method, arguments) -> None:
        """One call after the other is started, in turn for each cluster."""
        processes = []
        for number in range(AT_ONCE):
            for place in (0, 1):
                caller = callers[place]
                processes.append((place, caller, caller.start(caller.request(method, *arguments(place, number)))))
        for place, caller, process in processes:
            done = caller.finish(process)
            caller.said += done.stderr
            results[place].append(done.value())

    at_once(stemcells, "create_stemcell", lambda *_: (str(image), {"name": "s", "version": "1"}))
    at_once(disks, "create_disk", lambda *_: (10, {}, None))
    at_once(
        machines,
        "create_vm",
        lambda place, number: (f"agent-{number}", stemcells[place][0], {}, NETWORKS, [], ENV),
    )
    at_once(hints, "attach_disk", lambda place, number: (machines[place][number][0], disks[place][number]))

    for place, cluster in enumerate(clusters):
        other = clusters[1 - place]
        store = cluster.api.store
        cids = {vm for vm, _ in machines[place]}
        assert {vm["metadata"]["name"] for vm in store.list("VirtualMachine", cluster.namespace)} == cids
        assert {disk["metadata"]["name"] for disk in store.list("PersistentVolumeClaim", cluster.namespace)} == set(
            disks[place]
        )
        assert [one["metadata"]["name"] for one in store.list("Stemcell", cluster.namespace)] == [stemcells[place][0]]
        assert all(
            claim["spec"]["storageClassName"] == cluster.context["disks"]["storage_class"]
            for claim in store.list("PersistentVolumeClaim", cluster.namespace)
        )
        assert set(cluster.api.presented) == {cluster.presents}
        inside = [seen.path for seen in cluster.api.seen if "/namespaces/" in seen.path]
        assert {path.split("/namespaces/")[1].split("/")[0] for path in inside} == {cluster.namespace}
        received = json.dumps([seen.body for seen in cluster.api.seen])
        assert cluster.mbus in received
        for secret in (other.token, other.mbus, other.namespace, other.registry.host, "replace-me"):
            assert secret not in received
        assert {repository for repository, _ in cluster.registry.store.tags} == {
            cluster.context["registry"]["repository"]
        }
    assert not [word for caller in callers for word in ("planted", PASSWORD) if word in caller.said]


def test_a_machine_of_one_cluster_is_not_seen_in_the_other(clusters, callers) -> None:
    disk = callers[0]("create_disk", 10, {}, None)

    assert callers[0]("has_disk", disk) is True
    assert callers[1]("has_disk", disk) is False
    assert callers[1]("delete_disk", disk) is None
    assert callers[0]("has_disk", disk) is True


def test_without_an_entry_placeholders_are_told_as_what_they_are(clusters, new_cpi) -> None:
    cpi = new_cpi(**PLACEHOLDERS)
    with pytest.raises(CallError, match=r"registry\.insecure must be true or false") as failure:
        cpi("has_vm", "vm-1")
    assert failure.value.type == "Bosh::Clouds::CpiError"


ENTRIES = [
    ({"kubernetes": {"token": "planted"}}, r"context: kubernetes\.token without kubernetes\.server"),
    ({"kubernetes": {"tokn": "planted"}}, r"context: unknown key 'kubernetes\.tokn'; did you mean 'token'"),
    ({"kubernetes": {"exec": {"apiVersion": "v1"}}}, r"unknown key 'kubernetes\.exec\.apiVersion'; did you mean 'api_"),
    ({"registry": {"password": "planted"}}, r"context: registry\.password without registry\.host or registry\.service"),
    ({"namespace": ["x"]}, "context: namespace must be a string"),
]


@pytest.mark.parametrize(("context", "words"), ENTRIES)
def test_an_entry_that_is_half_one_goes_nowhere(api, new_cpi, context, words) -> None:
    """With the file's cluster it would make its machines in the wrong place."""
    with pytest.raises(CallError, match=words) as failure:
        new_cpi(context=context)("has_vm", "vm-1")
    assert "planted" not in failure.value.message
    assert api.connections == 0
