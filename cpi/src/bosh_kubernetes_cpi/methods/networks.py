"""create_network, delete_network, configure_networks: there is nothing that these could manage.

A managed network is a subnet that the CPI makes and takes away. In a cluster a Pod's addresses are those of the CNI
plugin, and the only ranges in the API itself (ServiceCIDR) belong to the whole cluster: whatever Service comes next may
take an address of them. What can be had are dynamic and manual networks (bosh_kubernetes_cpi.networks).
"""

from __future__ import annotations

from ..errors import NetworkNotFound, NotSupported, Unimplemented

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]


def create_network(_call: Call, _subnet: Json) -> None:
    """Raises Unimplemented."""
    raise Unimplemented(
        "create_network: a cluster has no subnets that could be made for BOSH. Take `managed: true` off the network in "
        "the cloud config and name a range that the cluster has, or use a network of type dynamic"
    )


def delete_network(_call: Call, network_cid: str) -> None:
    """Raises NetworkNotFound, which the Director takes as done (contract 2.2): no network of ours exists."""
    raise NetworkNotFound(f"there is no network {network_cid[:64]!r}: this CPI makes none (create_network)")


def configure_networks(_call: Call, vm_cid: str, _networks: Json) -> None:
    """Raises NotSupported, as the documents of BOSH ask for; callers recreate the VM."""
    raise NotSupported(f"configure_networks: the networks of VM {vm_cid[:64]!r} cannot change; recreate it")
