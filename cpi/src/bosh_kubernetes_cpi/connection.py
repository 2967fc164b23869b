"""From the connection block of the configuration to an API server: who it is and as whom we speak to it."""

from __future__ import annotations

from .errors import RequestError
from .transport.api import Api
from .transport.http import Endpoint
from .transport.tls import tls_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .clock import Deadline

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
DEFAULT_NAMESPACE = "bosh-machines"

_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_OTHER_PARTS = frozenset("@?#[]\\ ")  # what must not be left in host or path of a URL


def connect(config: dict[str, Any], deadline: Deadline) -> tuple[Api, str]:
    """The API server and the machines' namespace. Nothing is sent yet.

    Raises RequestError when the block is incomplete or contradicts itself.
    """
    block = config["kubernetes"]
    namespace = config["namespace"]
    forms = [form for form in ("server", "kubeconfig", "in_cluster") if block.get(form)]
    if len(forms) != 1:
        found = " and ".join(forms) or "none of them"
        raise RequestError(f"kubernetes: needs one of server, kubeconfig and in_cluster, there is {found}")
    if forms[0] == "in_cluster":
        block, found_namespace = _in_cluster(block)
        namespace = namespace or found_namespace
    elif forms[0] == "kubeconfig":
        from .kubeconfig import read

        block, found_namespace = read(block)
        namespace = namespace or found_namespace
    namespace = namespace or DEFAULT_NAMESPACE
    if len(namespace) > 63 or not _LABEL.issuperset(namespace):
        raise RequestError(f"namespace {namespace[:64]!r} is no name of a Kubernetes namespace")
    return Api(endpoint(block), deadline), namespace


def endpoint(block: dict[str, Any]) -> Endpoint:
    """The endpoint of a block of the form `server`."""
    scheme, host, port, base = split_url(block["server"])
    if scheme != "https":
        raise RequestError("kubernetes.server must be an https URL: credentials are sent to it")
    headers = {}
    ways = [way for way in ("token", "token_file", "client_certificate", "exec") if block.get(way)]
    if len(ways) != 1:
        found = " and ".join(ways) or "none of them"
        raise RequestError(f"kubernetes: needs one of token, token_file, client_certificate and exec, there is {found}")
    certificate, key = block.get("client_certificate", ""), block.get("client_key", "")
    if certificate and not key:
        raise RequestError("kubernetes.client_certificate needs kubernetes.client_key")
    token = block.get("token", "")
    if block.get("token_file"):
        token = _text(block["token_file"], "kubernetes.token_file")
    elif block.get("exec"):
        from .kubeconfig import credential

        token, certificate, key = credential(block)
    if token:
        headers["Authorization"] = f"Bearer {token.strip()}"
        if not headers["Authorization"].isascii() or "\n" in token.strip():
            raise RequestError("kubernetes.token is no bearer token")
    try:
        tls = tls_context(ca=block.get("ca", ""), certificate=certificate, key=key)
    except ValueError as error:
        raise RequestError(f"kubernetes: {error}") from error
    return Endpoint(
        host,
        port,
        tls=tls,
        base=base,
        headers=headers,
        server_name=block.get("tls_server_name", ""),
        proxy=proxy(block["proxy"]) if block.get("proxy") else None,
    )


def proxy(url: str) -> tuple[str, int, dict[str, str]]:
    """Host, port and headers for the CONNECT to an HTTP proxy. The message of an error never quotes the URL."""
    user, at, rest = url.partition("://")[2].rpartition("@")
    if not url.startswith("http://") or not rest:
        raise RequestError("kubernetes.proxy must be http://[user:password@]host:port")
    _, host, port, _ = split_url(f"http://{rest}")
    if not at:
        return host, port, {}
    from base64 import b64encode
    from urllib.parse import unquote

    return host, port, {"Proxy-Authorization": "Basic " + b64encode(unquote(user).encode()).decode()}


def split_url(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of a URL that has no other parts. Raises RequestError, without quoting it.

    By hand: the library's urllib.parse is a fifteenth of a whole has_vm.
    """
    scheme, _, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    name, colon, port = place.rpartition(":")
    if not colon or port.endswith("]"):
        name, port = place, "443" if scheme.lower() == "https" else "80"
    bracketed = name.startswith("[") and name.endswith("]")  # an IPv6 address, and no other host, has colons
    host = name[1:-1] if bracketed else name
    strange = not rest.isprintable() or not _OTHER_PARTS.isdisjoint(host + path)
    if not host or strange or (":" in host) is not bracketed:
        raise RequestError("kubernetes: a URL needs a host, and may have a port and a path, but nothing else")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65_536):
        raise RequestError("kubernetes: a URL has no valid port")
    return scheme.lower(), host.lower(), int(port), slash + path


def _in_cluster(block: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The service account that the kubelet puts into a Pod; the server's well-known name, as the environment is not
    read.
    """
    whole = {
        **block,
        "server": "https://kubernetes.default.svc",
        "ca": _text(f"{ACCOUNT}/ca.crt", "kubernetes.in_cluster"),
        "token_file": f"{ACCOUNT}/token",
    }
    return whole, _text(f"{ACCOUNT}/namespace", "kubernetes.in_cluster").strip()


def _text(path: str, key: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise RequestError(f"{key}: cannot read {path}: {getattr(error, 'strerror', '') or 'not ASCII'}") from error
