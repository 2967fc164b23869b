"""A Director by the script, ops files and Service that users have: how it is reached from outside and inside.

bosh.yml and its release are stand-ins (tests/e2e/director): jobs that listen where NATS, blobstore and Director do.
"""

import uuid
from collections.abc import Iterator

import pytest

from tests.e2e.microbosh import INTERNAL, MicroBosh
from tests.e2e.site import Site
from tests.support.cluster.wait import eventually

BLOB = "/var/vcap/store/blobstore/kept"


@pytest.fixture(scope="module")
def director(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MicroBosh]:
    """Up, for all tests of the module; there is no route to it but the node ports."""
    one = MicroBosh(site, tmp_path_factory.mktemp("microbosh"))
    try:
        one.run("director")
        yield one
    finally:
        if one.file_of_state.exists():
            one.run("delete")
        one.kubectl.delete("service", "bosh-director")


@pytest.fixture(scope="module")
def machine(director: MicroBosh) -> Iterator[str]:
    """CID of a machine that the Director's CPI made, from inside the cluster."""
    networks = {"default": {"type": "dynamic", "cloud_properties": {}, "default": ["dns", "gateway"]}}
    properties = {"cpu": "100m", "memory": 256, "ephemeral_disk_size": 512}
    stemcell = director.state()["stemcells"][0]["cid"]
    cid, _ = director.cpi("create_vm", str(uuid.uuid4()), stemcell, properties, networks, [], {})
    director.seen.add(cid)
    yield cid
    if director.file_of_state.exists():
        director.cpi("delete_vm", cid)


def test_every_job_runs_and_was_compiled_on_the_machine(director: MicroBosh) -> None:
    jobs = director.inside(director.vm(), "ls /var/vcap/jobs").split()
    packages = director.inside(director.vm(), "ls /var/vcap/packages").split()
    compiled = director.inside(director.vm(), "find -L /var/vcap/packages/listener -name '*.pyc'").split()

    assert director.agent().get_state()["job_state"] == "running"
    assert jobs == ["blobstore", "director", "health_monitor", "kubernetes_cpi", "nats"]
    assert set(packages) >= {"bosh_kubernetes_cpi", "interpreter", "listener"}
    assert compiled


def test_the_client_reaches_agent_and_director_through_node_ports(director: MicroBosh) -> None:
    director.agent().wait_until_ready(10)

    assert director.info()["cpi"] == "kubernetes_cpi"
    assert f"BOSH_ENVIRONMENT=https://{director.site.node_address}:30555" in director.run("env")


def test_the_director_reaches_its_own_jobs_at_its_address(director: MicroBosh) -> None:
    """The health monitor's stand-in asks Director and NATS, by the addresses and authorities of its properties."""

    def heard() -> set[str]:
        return set(director.inside(director.vm(), "tail -n 2 /var/vcap/sys/log/health_monitor/*.log").splitlines())

    eventually(lambda: heard() == {"25555 200", "4222 200"}, within=30, what="Director and NATS answered")


def test_the_director_s_cpi_works_without_environment_and_reaches_the_cluster_from_inside(director: MicroBosh) -> None:
    assert director.cpi("info")["api_version"] in (2, 3)
    assert director.cpi("has_vm", director.vm()) is True
    assert director.cpi("has_vm", f"vm-{uuid.uuid4()}") is False


def test_a_machine_of_the_director_reaches_nats_and_blobstore(director: MicroBosh, machine: str) -> None:
    creds = director.creds()
    client = creds["nats_clients_health_monitor_tls"]

    nats = director.probe(
        machine, 4222, creds["nats_server_tls"]["ca"], client=client["certificate"] + client["private_key"]
    )
    stranger = director.probe(machine, 4222, creds["nats_server_tls"]["ca"])
    blobs = director.probe(machine, 25250, creds["blobstore_server_tls"]["ca"])
    other_authority = director.probe(machine, 25250, creds["default_ca"]["ca"])

    assert (nats, blobs) == ("200", "200")
    assert stranger != "200", "NATS asks for a certificate of its clients"
    assert "CERTIFICATE_VERIFY_FAILED" in other_authority


def test_a_recreated_director_keeps_address_ports_and_data(director: MicroBosh, machine: str) -> None:
    director.inside(director.vm(), f"mkdir -p /var/vcap/store/blobstore; echo blob >{BLOB}; sync")
    before, creds = director.vm(), director.creds()

    director.run("director", "--recreate")

    login = f"agent:{creds['blobstore_agent_password']}"
    blob = director.probe(machine, 25250, creds["blobstore_server_tls"]["ca"], "/blobs/kept", login=login)
    assert director.vm() != before
    assert director.creds() == creds
    assert director.info()["cpi"] == "kubernetes_cpi"
    assert blob == "200"
    service = director.kubectl.get("service", f"ip-{INTERNAL.replace('.', '-')}")
    assert service is not None
    assert service["spec"]["clusterIP"] == INTERNAL


def test_delete_leaves_nothing_but_the_node_ports(director: MicroBosh, machine: str) -> None:
    director.cpi("delete_vm", machine)
    assert director.left_over()

    director.run("delete")

    assert director.left_over() == []
    assert director.kubectl.get("service", "bosh-director") is not None
