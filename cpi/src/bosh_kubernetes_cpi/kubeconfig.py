"""The slow lane: kubeconfig texts and exec credentials. YAML and the package `kubernetes` are imported here alone,
and late.
"""

from __future__ import annotations

import base64
import binascii
import sys

from .errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def read(block: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """From a block with `kubeconfig` to one with `server`, and the context's namespace.

    Raises RequestError, which never quotes the text, when it names no usable cluster and user.
    """
    _find_packages()
    try:
        import yaml
    except ImportError as error:
        raise RequestError("kubernetes.kubeconfig needs PyYAML; give server, ca and token instead") from error
    try:
        content = yaml.safe_load(block["kubeconfig"])
    except yaml.YAMLError as error:
        raise RequestError("kubernetes.kubeconfig is no YAML") from error
    if not isinstance(content, dict):
        raise RequestError("kubernetes.kubeconfig must be the text of a kubeconfig, not the path of one")
    name = block.get("context") or content.get("current-context") or ""
    context = _named(content, "contexts", name, "context")
    cluster = _named(content, "clusters", context.get("cluster", ""), "cluster")
    user = _named(content, "users", context.get("user", ""), "user")
    if cluster.get("insecure-skip-tls-verify"):
        raise RequestError("kubernetes.kubeconfig: insecure-skip-tls-verify is refused; give the cluster's CA")
    result = {
        "server": cluster.get("server", ""),
        "ca": _data(cluster, "certificate-authority"),
        "tls_server_name": cluster.get("tls-server-name", ""),
        "proxy": cluster.get("proxy-url", ""),
        "token": user.get("token", ""),
        "token_file": user.get("tokenFile", ""),
        "client_certificate": _data(user, "client-certificate"),
        "client_key": _data(user, "client-key"),
    }
    if user.get("exec"):
        call = user["exec"]
        result["exec"] = {
            "command": call.get("command", ""),
            "args": call.get("args") or [],
            "env": {item["name"]: item["value"] for item in call.get("env") or []},
            "api_version": call.get("apiVersion", ""),
        }
    if result["token"] and result["token_file"]:
        result["token_file"] = ""  # as kubectl: the token wins
    own = {key: block[key] for key in ("tls_server_name", "proxy") if block.get(key)}
    return {key: value for key, value in {**result, **own}.items() if value}, context.get("namespace", "")


def credential(block: dict[str, Any]) -> tuple[str, str, str]:
    """Token, client certificate and key from the credential plugin of `exec`. Raises RequestError."""
    call = block["exec"]
    if not call.get("command"):
        raise RequestError("kubernetes.exec needs a command")
    _find_packages()
    try:
        from kubernetes.config.exec_provider import ExecProvider
        from kubernetes.config.kube_config import ConfigNode
    except ImportError as error:
        raise RequestError("kubernetes.exec needs the package kubernetes; give a token or a certificate") from error
    plugin = {
        "command": call["command"],
        "args": call.get("args") or [],
        "env": [{"name": name, "value": value} for name, value in (call.get("env") or {}).items()],
        "apiVersion": call.get("api_version") or "client.authentication.k8s.io/v1",
        "provideClusterInfo": False,
    }
    try:
        status = ExecProvider(ConfigNode("exec", plugin), None).run()  # type: ignore[no-untyped-call]
    except Exception as error:
        kind = type(error).__name__
        raise RequestError(f"kubernetes.exec: {call['command']} gave no credential ({kind})") from error
    return (
        status.get("token") or "",
        status.get("clientCertificateData") or "",
        status.get("clientKeyData") or "",
    )


def _find_packages() -> None:
    """The packages of this Python, which start.py does without (-S)."""
    if sys.flags.no_site:
        import site

        site.main()


def _named(content: dict[str, Any], kind: str, name: str, field: str) -> dict[str, Any]:
    for item in content.get(kind) or []:
        if item.get("name") == name:
            found = item.get(field) or {}
            if isinstance(found, dict):
                return found
    raise RequestError(f"kubernetes.kubeconfig has no {field} {name!r}")


def _data(node: dict[str, Any], key: str) -> str:
    """PEM text from `<key>-data` (base64) or from the file `<key>`."""
    if node.get(f"{key}-data"):
        try:
            return base64.b64decode(node[f"{key}-data"], validate=True).decode("ascii")
        except (binascii.Error, ValueError) as error:
            raise RequestError(f"kubernetes.kubeconfig: {key}-data is no base64 of a PEM text") from error
    if node.get(key):
        try:
            with open(node[key], encoding="ascii") as file:
                return file.read()
        except (OSError, ValueError) as error:
            raise RequestError(f"kubernetes.kubeconfig: cannot read {key} {node[key]}") from error
    return ""
