"""From the connection block of the configuration to an API server: who it is and as whom we speak to it."""

from __future__ import annotations

from .errors import RequestError
from .transport.api import Api
from .transport.http import Endpoint
from .transport.tls import tls_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from typing import Any

    from .clock import Deadline
    from .credentials import Source

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
IN_CLUSTER = "https://kubernetes.default.svc"  # the environment, which would have its address, is not read
DEFAULT_NAMESPACE = "bosh-machines"

# The forms of a block, by the key that makes each, and what may stand beside it; with any of them ANYWHERE.
WAYS = ("token", "token_file", "client_certificate", "exec")
FORMS = {"server": ("ca", "client_key", *WAYS), "kubeconfig": ("context",), "in_cluster": ()}
ANYWHERE = ("tls_server_name", "proxy")

_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_OTHER_PARTS = frozenset("@?#[]\\ ")  # what must not be left in host or path of a URL


def connect(config: dict[str, Any], deadline: Deadline) -> tuple[Api, str]:
    """The API server and the machines' namespace. Nothing is sent yet.

    Raises RequestError when the block is incomplete or contradicts itself, NoCredential when its plugin fails.
    """
    block = config["kubernetes"]
    namespace = config["namespace"]
    forms = [form for form in FORMS if block.get(form)]
    if len(forms) != 1:
        found = " and ".join(forms) or "none of them"
        raise RequestError(f"kubernetes: needs one of server, kubeconfig and in_cluster, there is {found}")
    form = forms[0]
    if surplus := [key for key in block if block[key] and key not in (form, *FORMS[form], *ANYWHERE)]:
        raise RequestError(
            f"kubernetes.{surplus[0]} does not go with kubernetes.{form}, which brings its own or needs none"
        )
    if form == "in_cluster":
        block, found_namespace = _in_cluster(block)
        namespace = namespace or found_namespace
    elif form == "kubeconfig":
        from .kubeconfig import read

        block, found_namespace = read(block)
        namespace = namespace or found_namespace
    namespace = namespace or DEFAULT_NAMESPACE
    if len(namespace) > 63 or not _LABEL.issuperset(namespace):
        raise RequestError(f"namespace {namespace[:64]!r} is no name of a Kubernetes namespace")
    return Api(endpoint(block), deadline), namespace


def endpoint(block: dict[str, Any]) -> Endpoint:
    """The endpoint of a block of the form `server`. Raises RequestError, NoCredential."""
    scheme, host, port, base = split_url(block["server"])
    if scheme != "https":
        raise RequestError("kubernetes.server must be an https URL: credentials are sent to it")
    ways = [way for way in WAYS if block.get(way)]
    if len(ways) != 1:
        found = " and ".join(ways) or "none of them"
        raise RequestError(f"kubernetes: needs one of token, token_file, client_certificate and exec, there is {found}")
    certificate, key = block.get("client_certificate", ""), block.get("client_key", "")
    if bool(certificate) != bool(key):
        raise RequestError("kubernetes.client_certificate and kubernetes.client_key need each other")

    def tls(certificate: str, key: str) -> ssl.SSLContext:
        try:
            return tls_context(ca=block.get("ca", ""), certificate=certificate, key=key)
        except ValueError as error:
            raise RequestError(f"kubernetes: {error}") from error

    made = Endpoint(
        host,
        port,
        tls=None,
        base=base,
        server_name=_name(block.get("tls_server_name", "")),
        proxy=proxy(block["proxy"]) if block.get("proxy") else None,
    )
    if ways[0] in ("token_file", "exec"):
        made.renew = _source(block, tls).renew
        made.renew(made, False)
        return made
    made.tls = tls(certificate, key)
    if token := block.get("token", ""):
        made.headers["Authorization"] = f"Bearer {bearer(token, 'kubernetes.token')}"
    return made


def _source(block: dict[str, Any], tls: Callable[[str, str], ssl.SSLContext]) -> Source:
    """Credentials that may end before the call does."""
    from .credentials import Source, of_file

    if block.get("token_file"):
        return Source(lambda: of_file(block["token_file"]), tls)
    from .plugin import cluster_info, credential

    return Source(lambda: credential(block["exec"], cluster_info(block)), tls)


def bearer(text: str, what: str) -> str:
    """A token without the white space around it. Raises RequestError, which names `what` and does not quote it."""
    token = text.strip()
    if not token:
        raise RequestError(f"{what} is empty")
    if " " in token or not token.isascii() or not token.isprintable():
        raise RequestError(f"{what} is no bearer token: one word of ASCII, without 'Bearer' before it")
    return token


def _name(name: str) -> str:
    """A host's name that a certificate is to show."""
    if (
        name.startswith(".")
        or not name.isascii()
        or not name.isprintable()
        or not (_OTHER_PARTS | {"/"}).isdisjoint(name)
    ):
        raise RequestError("kubernetes.tls_server_name is no name of a host")
    return name


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
    """The service account that the kubelet puts into a Pod, and its namespace."""
    from .files import read_text

    whole = {
        **block,
        "server": IN_CLUSTER,
        "ca": read_text(f"{ACCOUNT}/ca.crt", "kubernetes.in_cluster"),
        "token_file": f"{ACCOUNT}/token",
    }
    return whole, read_text(f"{ACCOUNT}/namespace", "kubernetes.in_cluster").strip()
