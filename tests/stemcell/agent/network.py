"""DNS servers and the machine's own address: all that the agent does to a preconfigured network."""

from __future__ import annotations

import ipaddress
import json
import shutil
from pathlib import Path

from .errors import AgentError, wrap
from .services import link
from .settings import Object, dns_servers, is_dhcp, preconfigured
from .shell import Run, run

RESOLV_CONF = Path("/etc/resolv.conf")
BASE = Path("/etc/resolvconf/resolv.conf.d/base")
RESOLVED = Path("/etc/systemd/resolved.conf.d/10-bosh.conf")


def set_up(networks: Object, manager: str, run: Run = run) -> None:
    """Sets the DNS servers, by systemd-resolved or by resolvconf.

    Raises:
        AgentError: a network is not preconfigured: the real agent would now write interface files.
    """
    if not preconfigured(networks):
        raise AgentError("a network is not preconfigured: the stand-in agent configures no interfaces")
    servers = dns_servers(networks)
    if manager == "systemd":
        if servers:
            RESOLVED.parent.mkdir(parents=True, exist_ok=True)
            RESOLVED.write_text(f"[Resolve]\nDNS={' '.join(servers)}\n")
            with wrap("restarting systemd-resolved"):
                run("systemctl", "restart", "systemd-resolved")
        return
    if servers:
        BASE.write_text("".join(f"nameserver {server}\n" for server in servers))
    elif not RESOLV_CONF.is_symlink():
        with wrap("Copying /etc/resolv.conf"):
            shutil.copyfile(RESOLV_CONF, BASE)
    with wrap("Setting up /etc/resolv.conf symlink"):
        link(Path("/run/resolvconf/resolv.conf"), RESOLV_CONF)
    with wrap("Updating resolvconf"):
        run("resolvconf", "-u")


def default_network(run: Run = run) -> Object:
    """Address, netmask and gateway behind the default route ({} without one)."""
    routes = json.loads(run("ip", "-json", "-4", "route", "show", "default") or "[]")
    if not routes:
        return {}
    for device in json.loads(run("ip", "-json", "-4", "address", "show", "dev", routes[0]["dev"])):
        for address in device.get("addr_info", []):
            netmask = str(ipaddress.ip_network(f"0.0.0.0/{address['prefixlen']}").netmask)
            return {"ip": address["local"], "netmask": netmask, "gateway": routes[0].get("gateway", "")}
    return {}


def populate(spec_networks: Object, networks: Object, own: Object) -> Object:
    """The networks of an apply spec, with the machine's own address where the settings leave it to DHCP.

    Raises:
        AgentError: the spec names a network that the settings do not have.
    """
    result = {}
    for name, fields in spec_networks.items():
        if name not in networks:
            raise AgentError(f"Network '{name}' is not found in settings")
        result[name] = {**fields, **own} if is_dhcp(networks[name]) else fields
    return result
