"""The test cluster as create-env finds it: operator and registry installed, stemcells made, an address to use."""

import os

from tests.cluster.kind import cache
from tests.e2e.site import Site
from tests.support.cluster import images
from tests.support.cluster.installation import RELEASE, Installation, Place, install
from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.node import Node

# kind's default; the address is far from those that the API server hands out first.
SERVICE_RANGE = "10.96.0.0/16"
ADDRESS = "10.96.200.7"

MAIN = Place()
# create-env's: its stemcells have no other user, so that they go when it deletes them.
LIVES = Place("-lives", 5006)


def place_of_tests() -> Place:
    """Where the tests of this process find their operator: tests that run side by side have one each."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")  # gw0, gw1 …
    return Place(f"-{worker}", 5010 + int(worker.removeprefix("gw")), registry=False) if worker else MAIN


def main() -> Installation:
    """The main installation, which `installed` has seen to."""
    return Installation(MAIN.system, MAIN.machines, MAIN.registry_port)


def only_node() -> Node:
    return Node(Kubectl().list("nodes")[0]["metadata"]["name"])


def installed(place: Place = MAIN) -> Installation:
    """The release of a place. Others stand on the custom resources and the registry that the main one brings."""
    images_of_it = images.operator_image(), images.registry_image()
    address = only_node().address()
    if not place.main:
        with cache.locked(f"installation-{os.environ['BOSH_CLUSTER']}"):
            if not MAIN.system.get("deployment", RELEASE):
                install(MAIN, *images_of_it, address)
    return install(place, *images_of_it, address)


def site(installation: Installation) -> Site:
    flavour = os.environ.get("BOSH_STEMCELL", "runit")  # or systemd
    cpi = installation.config()
    del cpi["agent"]
    return Site(
        namespace=installation.machines.namespace,
        cpi=cpi,
        address=ADDRESS,
        service_range=SERVICE_RANGE,
        node_address=only_node().address(),
        stemcells=(images.stemcell(flavour).tarball, images.stemcell(flavour, "1.1").tarball),
        disk_cloud_properties={"storage_class": "bosh-block"},
    )
