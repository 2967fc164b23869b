"""The test cluster as create-env finds it: operator and registry installed, stemcells made, an address to use."""

import os

from tests.e2e.site import Site
from tests.support.cluster import images
from tests.support.cluster.installation import MACHINES, Installation, install
from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.node import Node

# kind's default; the address is far from those that the API server hands out first.
SERVICE_RANGE = "10.96.0.0/16"
ADDRESS = "10.96.200.7"


def only_node() -> Node:
    return Node(Kubectl().list("nodes")[0]["metadata"]["name"])


def installed() -> Installation:
    return install(images.operator_image(), images.registry_image(), only_node().address())


def site(installation: Installation) -> Site:
    flavour = os.environ.get("BOSH_STEMCELL", "runit")  # or systemd
    cpi = installation.config()
    del cpi["agent"]
    return Site(
        namespace=MACHINES,
        cpi=cpi,
        address=ADDRESS,
        service_range=SERVICE_RANGE,
        node_address=only_node().address(),
        stemcells=(images.stemcell(flavour).tarball, images.stemcell(flavour, "1.1").tarball),
        disk_cloud_properties={},
    )
