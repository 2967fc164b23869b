"""The last net: credentials of the request and the configuration are struck out of every error before it leaves.

No message is built from them; but an API server, a registry or an admission webhook may quote what it was sent.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STRUCK = "<redacted>"
SHORTEST = 6  # characters; shorter texts are words that would make a message unreadable

# What env holds for people to read.
_HARMLESS = frozenset({"group", "groups", "tags", "name", "provider", "api_version", "command"})


def of_config(config: dict[str, Any]) -> set[str]:
    """Secret texts of a configuration of the shape of config.SCHEMA."""
    connection = config.get("kubernetes", {})
    found = texts([connection.get(key) for key in ("token", "client_key", "kubeconfig", "exec", "proxy")])
    found |= texts(config.get("registry", {}).get("password"))
    found |= texts(config.get("agent", {}).get("blobstore"))
    mbus = config.get("agent", {}).get("mbus", "")
    if "@" in mbus:
        found |= texts(mbus) | texts(mbus.partition("://")[2].rpartition("@")[0].split(":"))
    return found


def texts(value: Any) -> set[str]:
    """All texts inside a JSON value, and the lines of those that have several."""
    if isinstance(value, str):
        lines = {line.strip() for line in value.split("\n")} if "\n" in value else set()
        return {text for text in {value, *lines} if len(text) >= SHORTEST and not text.startswith("-----")}
    if isinstance(value, dict):
        return set().union(*(texts(item) for key, item in value.items() if key not in _HARMLESS))
    if isinstance(value, list):
        return set().union(*(texts(item) for item in value))
    return set()


def redact(text: str, secrets: set[str]) -> str:
    """`text` without any of `secrets`, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, STRUCK)
    return text
