"""What a registry says, read: challenges, Locations, errors. Pure; the registry's side is the OCI distribution
specification 1.1 and, for tokens, the token authentication of the distribution project.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

_PARAMETER = re.compile(r'([a-zA-Z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCHEME = re.compile(r"\b(Bearer|Basic)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Challenge:
    """One `WWW-Authenticate`: `scheme` is `bearer` or `basic`; the rest is empty for basic."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""

    def token_url(self, scope: str) -> str:
        """Where to fetch the token for the registry's scope, else for `scope`."""
        query = [(key, value) for key, value in (("service", self.service), ("scope", self.scope or scope)) if value]
        parts = urlsplit(self.realm)
        return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(query))))))


def parse_challenge(header: str) -> Challenge | None:
    """The challenge of a 401 that can be answered: a token before a password; None without either."""
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', lambda match: " " * len(match[0]), header)
    starts = [(match[1].lower(), match.end()) for match in _SCHEME.finditer(outside)]
    for scheme, start in starts:
        if scheme == "bearer":
            end = min((at for _, at in starts if at > start), default=len(header))
            found = {match[1].lower(): match[2] or match[3] or "" for match in _PARAMETER.finditer(header[start:end])}
            if found.get("realm"):
                return Challenge("bearer", found["realm"], found.get("service", ""), found.get("scope", ""))
    return Challenge("basic") if any(scheme == "basic" for scheme, _ in starts) else None


def parse_token(body: bytes) -> str:
    """The token in a token server's answer, empty when there is none."""
    answer = _object(body)
    token = answer.get("token") or answer.get("access_token")
    return token if isinstance(token, str) else ""


def parse_error(body: bytes) -> str:
    """`CODE: message` of a registry's answer, the message of an API server's, else the start of the text."""
    answer = _object(body)
    errors = answer.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        code, message = errors[0].get("code"), errors[0].get("message")
        return ": ".join(str(part) for part in (code, message) if part)
    if answer.get("kind") == "Status":
        return str(answer.get("message") or answer.get("reason") or "")
    words = " ".join(body.decode("utf-8", "replace").split())
    return "" if words.startswith("<") else beginning(words)


def beginning(text: str, most: int = 200) -> str:
    """At most `most` characters of a text, and no part of a word: half a credential would be struck out by nobody."""
    return text if len(text) <= most else text[: most + 1].rpartition(" ")[0]


def absolute(location: str, *, own: str, path: str) -> SplitResult:
    """A Location as a full URL: `own` is the registry's `scheme://host[:port]`, `path` what was asked."""
    from urllib.parse import urljoin

    return urlsplit(urljoin(own + path, location))


def with_digest(target: str, digest: str) -> str:
    """An upload's Location with the digest that closes it; what the registry keeps in its query stays as it is."""
    return f"{target}{'&' if '?' in target else '?'}{urlencode({'digest': digest})}"


def _object(body: bytes) -> dict[str, object]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
