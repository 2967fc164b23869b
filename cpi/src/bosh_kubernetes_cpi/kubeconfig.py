"""kubeconfig texts, and whatever else is YAML, which is imported here alone, and late."""

from __future__ import annotations

import base64
import binascii
import sys

from . import redaction
from .errors import RequestError
from .files import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

WHERE = "kubernetes.kubeconfig"
LARGEST = 1 << 20  # characters
EXTENSION = "client.authentication.k8s.io/exec"  # of a cluster: what a plugin is told of it

# What kubectl does with a user that we do not, and what to give instead.
REFUSED = {
    "username": "Kubernetes takes no passwords any more: give a token",
    "password": "Kubernetes takes no passwords any more: give a token",
    "auth-provider": "kubectl has none any more: give exec",
    "as": "impersonation is not for a CPI: give an account of its own",
    "as-uid": "impersonation is not for a CPI: give an account of its own",
    "as-groups": "impersonation is not for a CPI: give an account of its own",
    "as-user-extra": "impersonation is not for a CPI: give an account of its own",
}


def read(block: Json) -> tuple[Json, str]:
    """From a block with `kubeconfig` to one with `server`, and the context's namespace.

    Raises RequestError, which never quotes the text, when it names no usable cluster and user.
    """
    content = _parsed(block["kubeconfig"])
    name = block.get("context") or _text(content, "current-context", "kubeconfig")
    if not name:
        raise RequestError(f"{WHERE} has no current-context: name one by kubernetes.context")
    context = _named(content, "contexts", name, "context")
    cluster = _named(content, "clusters", _text(context, "cluster", "context"), "cluster")
    user = _named(content, "users", _text(context, "user", "context"), "user")
    redaction.keep({key: user.get(key) for key in ("token", "password", "client-key-data")})
    redaction.keep_url(_text(cluster, "proxy-url", "cluster"))
    if cluster.get("insecure-skip-tls-verify"):
        raise RequestError(f"{WHERE}: insecure-skip-tls-verify is refused; give the cluster's CA")
    for key, cure in REFUSED.items():
        if user.get(key):
            raise RequestError(f"{WHERE}: {key} of user {context['user']!r} is refused: {cure}")
    result = {
        "server": _text(cluster, "server", "cluster"),
        "ca": _data(cluster, "certificate-authority", "cluster"),
        "tls_server_name": _text(cluster, "tls-server-name", "cluster"),
        "proxy": _text(cluster, "proxy-url", "cluster"),
        "token": _text(user, "token", "user"),
        "token_file": _text(user, "tokenFile", "user"),
        "client_certificate": _data(user, "client-certificate", "user"),
        "client_key": _data(user, "client-key", "user"),
        "exec": _plugin(user, cluster),
    }
    if not result["server"]:
        raise RequestError(f"{WHERE}: cluster {context['cluster']!r} has no server")
    if result["token"] and result["token_file"]:
        result["token_file"] = ""  # as kubectl: the token wins
    own = {key: block[key] for key in ("tls_server_name", "proxy") if block.get(key)}
    return {key: value for key, value in {**result, **own}.items() if value}, _text(context, "namespace", "context")


def parsed(text: str, where: str) -> Any:
    """The content of a YAML text. Raises RequestError, which names `where` and never quotes the text."""
    if len(text) > LARGEST:
        raise RequestError(f"{where} is larger than {LARGEST} characters")
    yaml = _yaml(where)
    try:
        return yaml.safe_load(text)
    except Exception as error:  # beside YAMLError whatever its constructors raise for a strange number or date
        raise RequestError(f"{where} is no YAML") from error


def _parsed(text: str) -> Json:
    content = parsed(text, WHERE)
    if not isinstance(content, dict):
        raise RequestError(f"{WHERE} must be the text of a kubeconfig, not the path of one")
    return content


def _yaml(where: str) -> Any:
    """PyYAML: the release has it beside this package, a Python that runs this from elsewhere among its own packages."""
    try:
        import yaml
    except ImportError:
        if sys.flags.no_site:  # start.py does without them (-S)
            import site

            site.main()
        try:
            import yaml
        except ImportError as error:
            cure = "give server, ca and token instead" if where == WHERE else "give JSON instead"
            raise RequestError(f"{where} needs PyYAML; {cure}") from error
    return yaml


def _named(content: Json, kind: str, name: str, field: str) -> Json:
    for item in _list(content, kind, "kubeconfig"):
        if isinstance(item, dict) and item.get("name") == name and isinstance(item.get(field), dict):
            found: Json = item[field]
            return found
    raise RequestError(f"{WHERE} has no {field} {name!r}")


def _plugin(user: Json, cluster: Json) -> Json:
    """The user's `exec` as the configuration names its keys, with what the plugin is to know of the cluster."""
    call = user.get("exec") or {}
    if not isinstance(call, dict):
        raise RequestError(f"{WHERE}: exec of user must be an object")
    if not call:
        return {}
    if call.get("interactiveMode") == "Always":
        raise RequestError(
            f"{WHERE}: the exec plugin of the user asks a person (interactiveMode Always): nobody is there"
        )
    args = _list(call, "args", "exec")
    env = _list(call, "env", "exec")
    if not all(isinstance(arg, str) for arg in args):
        raise RequestError(f"{WHERE}: args of exec must be strings")
    if not all(isinstance(item, dict) and _text(item, "name", "env") and "value" in item for item in env):
        raise RequestError(f"{WHERE}: env of exec must be a list of name and value")
    known = {
        item.get("name"): item.get("extension")
        for item in _list(cluster, "extensions", "cluster")
        if isinstance(item, dict) and isinstance(item.get("name"), str)
    }
    given = {item["name"]: _text(item, "value", "env") for item in env}
    redaction.keep(given)
    redaction.keep_arguments(args)
    return {
        "command": _text(call, "command", "exec"),
        "args": args,
        "env": given,
        "api_version": _text(call, "apiVersion", "exec"),
        "install_hint": _text(call, "installHint", "exec"),
        "provide_cluster_info": bool(call.get("provideClusterInfo")),
        "cluster_config": known.get(EXTENSION),
    }


def _text(node: Json, key: str, what: str) -> str:
    value = node.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RequestError(f"{WHERE}: {key} of {what} must be a string")
    return value


def _list(node: Json, key: str, what: str) -> list[Any]:
    value = node.get(key) or []
    if not isinstance(value, list):
        raise RequestError(f"{WHERE}: {key} of {what} must be a list")
    return value


def _data(node: Json, key: str, what: str) -> str:
    """PEM text from `<key>-data` (base64) or from the file `<key>`."""
    if data := _text(node, f"{key}-data", what):
        try:
            text = base64.b64decode("".join(data.split()), validate=True).decode("ascii")
        except (binascii.Error, ValueError) as error:
            raise RequestError(f"{WHERE}: {key}-data is no base64 of a PEM text") from error
        if key == "client-key":
            redaction.keep({"key": text})
        return text
    path = _text(node, key, what)
    return read_text(path, f"{WHERE}, {key}") if path else ""
