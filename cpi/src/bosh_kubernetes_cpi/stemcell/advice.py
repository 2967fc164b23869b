"""What to do about a registry's refusal: the property, the permission or the program that has to change."""

from __future__ import annotations

from ..errors import RegistryError

_PROXIED = {
    401: "the API server does not know the account: check the credentials under kubernetes",
    403: "the CPI's account needs get, create, update, patch and delete on services/proxy of 'http:<name>:<port>' "
    "in the registry's namespace",
    404: "check namespace, name and port in registry.service",
    503: "the registry's Pod is not ready",
}
_DIRECT = {
    404: "the registry has no such repository: create it, or name another in registry.repository",
    405: "the registry does not take this; a pull-through cache takes no uploads",
    413: "something before the registry limits the size of a request: raise its limit (nginx: client_max_body_size)",
    429: "the registry limits the rate: try later, or give registry.username and registry.password",
    507: "the registry's storage is full",
}


def advice(status: int, step: str, *, repository: str, proxied: bool, known: bool) -> str:
    """The cure for `status`, with what separates it from the sentence before; empty where there is none to give."""
    if proxied:
        text = _PROXIED.get(status, _DIRECT.get(status, ""))
    elif status == 401:
        text = (
            "registry.username and registry.password were not accepted"
            if known
            else "registry.host, registry.username and registry.password name no account for this registry"
        )
    elif status == 403:
        text = f"the account may not do this in {repository}: check registry.username and its rights"
    else:
        text = _DIRECT.get(status, "")
    return f"; {text}" if text else ""


def unreachable(name: str, step: str, why: str, *, proxied: bool) -> RegistryError:
    """The error for a registry that gave no answer. `why` is the connection's own explanation."""
    if proxied:
        cure = ""
    elif "not trusted" in why:
        cure = "; put the certificate of its authority into registry.ca"
    elif "WRONG_VERSION_NUMBER" in why or "record layer" in why:
        cure = "; it speaks plain HTTP: set registry.insecure to true if that is meant"
    else:
        cure = "; check registry.host and that this machine reaches it"
    return RegistryError(f"{name} cannot be reached to {step}: {why}{cure}", ok_to_retry="not trusted" not in why)
