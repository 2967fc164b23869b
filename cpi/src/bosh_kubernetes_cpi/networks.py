"""Networks of create_vm: which can be had in a cluster, and as what. Pure.

A Pod has one address, which the cluster chooses: that is a dynamic network. A manual one needs somebody who gives the
machine the address of the manifest: a Service (`static_ip`), or a CNI plugin that takes it from an annotation
(`preset`).
"""

from __future__ import annotations

from .cloud_properties import NETWORK, read
from .errors import BadProperty, CloudError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

# What makes a CNI plugin (`preset`) give a Pod an address: annotation, and its form. Sources: docs.tigera.io "ipAddrs",
# kube-ovn "static ip".
PRESETS = {
    "calico": ("cni.projectcalico.org/ipAddrs", '["{}"]'),
    "kube-ovn": ("ovn.kubernetes.io/ip_address", "{}"),
}


def machine_networks(networks: Json, ports: list[int]) -> tuple[list[Json], dict[str, str]]:
    """`spec.machine.networks`, and annotations of the Pod. `ports` are those of the VM's own `static_ip`.

    Raises CloudError, naming the network, for one that this cluster cannot give.
    """
    result, annotations = [], {}
    for name, network in networks.items():
        if not isinstance(network, dict):
            raise CloudError(f"network {name!r} must be an object")
        kind = network.get("type", "manual")
        given = network.get("cloud_properties")
        if given is not None and not isinstance(given, dict):
            raise BadProperty(f"cloud_properties of network {name!r} must be an object")
        properties = read(NETWORK, given, f"network {name!r}")
        if kind == "vip":
            raise CloudError(
                f"network {name!r}: vip networks are not supported; put a Service or LoadBalancer in front of the VM"
            )
        if kind not in ("manual", "dynamic"):
            raise CloudError(f"network {name!r}: unknown type {kind!r}; known are manual and dynamic")
        entry: Json = {"name": name, "type": kind}
        address = network.get("ip")
        if kind == "manual" and address:
            entry["ip"] = _address(name, address)
            preset = properties.get("preset")
            if preset:
                if "static_ip" in properties:
                    raise BadProperty(f"cloud_properties of network {name!r}: static_ip and preset exclude each other")
                key, form = PRESETS[preset]
                if key in annotations:
                    raise CloudError(f"network {name!r}: a machine has one address by {preset}, this is the second")
                annotations[key] = form.format(address)
            else:
                entry["ports"] = _ports(name, address, properties.get("static_ip", {}).get("ports") or ports)
        result.append(entry)
    return result, annotations


def used(networks: Json, pod_address: str) -> Json:
    """The second element of create_vm's result: networks as they are, a dynamic one with the Pod's address."""
    result = {}
    for name, network in networks.items():
        kept = dict(network)
        if network.get("type") == "dynamic":
            for key in ("ip", "netmask", "gateway", "prefix"):
                kept.pop(key, None)
            if pod_address:
                kept["ip"] = pod_address
        result[name] = kept
    return result


def _address(name: str, address: Any) -> str:
    from ipaddress import ip_address

    try:
        return str(ip_address(address if isinstance(address, str) else ""))  # of a number it makes one, too
    except ValueError as error:
        raise CloudError(f"network {name!r}: {address!r} is no IP address") from error


def _ports(name: str, address: str, ports: list[int]) -> list[int]:
    if not ports:
        raise CloudError(
            f"network {name!r}: the cluster gives no Pod the address {address} by itself. Choose one of: "
            "`static_ip: {ports: [...]}` in the VM's or the network's cloud_properties (a Service holds the "
            "address, for these ports); "
            f"`preset: {'` or `preset: '.join(PRESETS)}` in the network's (that CNI plugin gives it); or a "
            "network of type dynamic"
        )
    return sorted(set(ports))
