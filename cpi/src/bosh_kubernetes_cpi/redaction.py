"""The last net: credentials of the request and the configuration are struck out of every error and every line of
progress before it leaves.

No message is built from them; but an API server, a registry, an admission webhook or a credential plugin may quote what
it was sent, as it is or as JSON, a part of a URL or base64.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STRUCK = "<redacted>"
SHORTEST = 6  # characters; shorter texts are words, which are struck for secret keys alone, and where they stand alone
LONGEST = 16_384  # characters of a text: far more than is shown, and little enough to look at each of its words

# What env holds for people to read.
_HARMLESS = frozenset({"group", "groups", "tags", "name", "provider", "api_version", "command"})
# Parts of the names of keys whose value is secret however short it is.
_SECRET = ("pass", "secret", "token", "key", "credential")
_BASE64 = r"[A-Za-z0-9+/_-]{8,}"

_kept: set[str] = set()  # of this process, which serves one call


def keep(value: Any) -> None:
    """Strike the texts of `value` from now on: credentials that do not stand in request or configuration themselves."""
    _kept.update(texts(value))


def keep_url(url: str) -> None:
    """The same for the user and password of a URL."""
    _kept.update(of_url(url))


def keep_arguments(arguments: list[str]) -> None:
    """The same for a program's: only what belongs to a name of a secret (`--token x`, `--token=x`).

    The others are names of clusters and regions, which stand in every answer.
    """
    follows = False
    for argument in arguments:
        name, given, value = argument.partition("=")
        if _is_secret(name) and given:
            keep({"secret": value})
        elif follows and not argument.startswith("-"):
            keep({"secret": argument})
        follows = argument.startswith("-") and not given and _is_secret(name)


def kept() -> set[str]:
    return set(_kept)


def of_config(config: dict[str, Any]) -> set[str]:
    """Secret texts of a configuration of the shape of config.SCHEMA."""
    connection, registry, agent = (config.get(section, {}) for section in ("kubernetes", "registry", "agent"))
    found = texts({key: connection.get(key) for key in ("token", "client_key", "exec")})
    found |= texts({"password": registry.get("password"), "blobstore": agent.get("blobstore")})
    urls = [connection.get("server"), connection.get("proxy"), agent.get("mbus")]
    for url in (*urls, *(registry.get(key) for key in ("host", "pull_host", "service"))):
        found |= of_url(url or "")
    return found


def of_url(url: str) -> set[str]:
    """The secret parts of a URL: what stands before its @, and the password in it, as written and as meant."""
    before, at, _ = url.rpartition("@")
    if not at:
        return set()
    from urllib.parse import unquote

    user = before.rpartition("://")[2]
    password = user.partition(":")[2] or user
    return texts([url, user, unquote(user)]) | texts({"password": [password, unquote(password)]})


def texts(value: Any, key: str = "") -> set[str]:
    """All texts inside a JSON value that may be secret, and the lines of those that have several. `key`: whose value it
    is.
    """
    secret = _is_secret(key)
    if isinstance(value, str):
        lines = {line.strip() for line in value.split("\n")} if "\n" in value else set()
        least = 1 if secret and not lines else SHORTEST
        return {text for text in {value.strip(), value, *lines} if len(text) >= least and not text.startswith("-----")}
    if isinstance(value, dict):
        return set().union(*(texts(item, key) for key, item in value.items() if key not in _HARMLESS))
    if isinstance(value, list):
        return set().union(*(texts(item, key) for item in value))
    if secret and isinstance(value, (int, float)) and not isinstance(value, bool):
        return {str(value)}
    return set()


def _is_secret(name: str) -> bool:
    return any(part in name.lower() for part in _SECRET)


def redact(text: str, secrets: set[str]) -> str:
    """`text` without any of `secrets`, the longest first, in any form in which they are quoted; cut at LONGEST."""
    import re

    if len(text) > LONGEST:
        text = text[:LONGEST].rpartition(" ")[0] or f"(a word of {len(text)} characters)"
    found = {form for secret in secrets for form in _forms(secret)}
    for form in sorted(found, key=len, reverse=True):
        if len(form) >= SHORTEST:
            text = text.replace(form, STRUCK)
        elif form:
            text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", STRUCK, text)
    hidden = [form.encode("utf-8", "replace") for form in found if len(form) >= SHORTEST]
    return re.sub(_BASE64, lambda match: STRUCK if _holds(match[0], hidden) else match[0], text)


def _forms(secret: str) -> set[str]:
    """As it is, inside a JSON string, and inside a URL."""
    from json import dumps
    from urllib.parse import quote

    quoted = {dumps(secret)[1:-1], dumps(secret, ensure_ascii=False)[1:-1]}
    return {secret, *quoted, quote(secret, safe="", errors="replace"), quote(secret, errors="replace")}


def _holds(word: str, secrets: list[bytes]) -> bool:
    """Whether a word is base64 of something with a secret in it, be it cut at its end."""
    from base64 import b64decode

    whole = word[:-1] if len(word) % 4 == 1 else word
    plain = b64decode(whole + "=" * (-len(whole) % 4), altchars=b"-_" if "-" in word or "_" in word else None)
    return any(secret in plain for secret in secrets)
