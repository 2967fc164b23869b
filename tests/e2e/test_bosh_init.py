"""The manifest of bosh-init as it is shipped, deployed by calls of version 1: a Director, of the stand-in's jobs."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.client import Client
from tests.e2e.driver import patch
from tests.e2e.driver.variables import interpolate
from tests.e2e.microbosh import ROOT, STAND_IN, Director
from tests.e2e.site import Site, route
from tests.support.release.tarballs import write_compiled_release

MANIFEST = ROOT / "cpi/release/microbosh/bosh-init.yml"


def first(site: Site) -> str:
    """The first address of the Service range: the API server's."""
    return site.service_range.partition("/")[0].rpartition(".")[0] + ".1"


def small(site: Site) -> list[dict[str, Any]]:
    """What the tests' cluster has room for, its registry and its storage class."""
    pool = "/resource_pools/name=vms/cloud_properties"
    values = {
        f"{pool}/cpu": "250m",
        f"{pool}/memory": 512,
        f"{pool}/ephemeral_disk_size": 1024,
        "/disk_pools/name=disks/disk_size": 128,
        "/disk_pools/name=disks/cloud_properties": {"storage_class": "standard"},
        "/cloud_provider/properties/registry": site.cpi["registry"],
        "/jobs/name=bosh/properties/registry": site.cpi["registry"],
        # From a machine of the cluster; the other address is on the loopback of who runs the tests.
        "/jobs/name=bosh/properties/kubernetes": {**site.cpi["kubernetes"], "server": f"https://{first(site)}"},
    }
    return [{"type": "replace", "path": path, "value": value} for path, value in values.items()]


@pytest.fixture(scope="module")
def director(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Director]:
    folder: Path = tmp_path_factory.mktemp("bosh-init")
    tool = [sys.executable, str(ROOT / "cpi/release/make_release.py"), "--version", "0+init", "--out", str(folder)]
    subprocess.run([*tool, "--folder", str(STAND_IN / "release")], check=True, capture_output=True)
    values = {
        "kubernetes": site.cpi["kubernetes"],
        "namespace": site.namespace,
        "director_release": f"file://{folder}/bosh-0+init.tgz",
        "cpi_release": f"file://{write_compiled_release(folder, '0+init')}",
        "stemcell_url": f"file://{site.stemcells[0]}",
        "internal_ip": site.address,
        "internal_cidr": site.service_range,
        "internal_gw": first(site),
        "director_name": "bosh",
    }
    document, missing = interpolate(
        patch.apply(yaml.safe_load(MANIFEST.read_text()), small(site)), values, folder / "creds.yml"
    )
    assert not missing
    manifest = folder / "manifest.yml"
    manifest.write_text(yaml.safe_dump(document))
    client = Client(folder / "home", "", ("--bosh-init",))
    client.home.mkdir()
    one = Director(site, folder, site.address)
    with route(site):
        try:
            client.run("create-env", manifest, one.file_of_state)
            one.remember()
            yield one
        finally:
            client.run("delete-env", manifest, one.file_of_state)
    assert one.left_over() == []


def test_jobs_run_and_the_cpi_works_under_the_director(director: Director) -> None:
    jobs = director.inside(director.vm(), "ls /var/vcap/jobs").split()

    assert director.agent(director.site.address, 6868).get_state()["job_state"] == "running"
    assert jobs == ["blobstore", "director", "kubernetes_cpi", "nats"]
    assert director.info(director.site.address, 25555)["cpi"] == "kubernetes_cpi"


def test_the_director_may_ask_in_version_1(director: Director) -> None:
    """A Director of 2018 sends no version."""
    assert director.cpi("has_vm", director.vm(), api_version=None) is True
    assert director.cpi("has_disk", director.state()["disks"][0]["cid"], api_version=None) is True
