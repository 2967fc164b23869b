"""Image references: `[host[:port]/]repository[:tag][@digest]`, with the names that Docker Hub may leave out.

The grammar is that of the `reference` package of the distribution project; a name's first part is a host only when it
has a dot or a colon or is `localhost`, which is why `library/debian` is on Docker Hub and `localhost/debian` is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

HUB = "docker.io"
_HUB_API = "registry-1.docker.io"
_HUB_NAMES = (HUB, "index.docker.io", _HUB_API)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class BadReferenceError(ValueError):
    """The text is no image reference; the message says which part is wrong."""


@dataclass(frozen=True)
class Reference:
    """One image: `host` as nodes are told it, `repository`, and a `tag`, a `digest`, or both."""

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        return f"{self.host}/{self.repository}"

    @property
    def wanted(self) -> str:
        """What to ask the registry for: the digest, else the tag."""
        return self.digest or self.tag

    @property
    def pinned(self) -> str:
        """`host/repository@digest`, the form that a Pod and the stemcell's name use."""
        return f"{self.name}@{self.digest}"

    @property
    def api_host(self) -> str:
        """Host that serves the registry's API; Docker Hub's differs from its name."""
        return _HUB_API if self.host == HUB else self.host

    def at(self, digest: str) -> Reference:
        return replace(self, digest=digest)

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse(text: str, *, digest: str = "") -> Reference:
    """The reference that `text` spells, with `digest` added when the text has none. BadReferenceError otherwise."""
    rest, at, own = text.strip().partition("@")
    if at and not own:
        raise BadReferenceError(f"'{text}' ends in '@' without a digest")
    if own and digest and own != digest:
        raise BadReferenceError(f"'{text}' and the digest '{digest}' contradict each other")
    digest = own or digest
    if digest and not _DIGEST.fullmatch(digest):
        raise BadReferenceError(f"'{digest}' is no digest: 'sha256:' and 64 small hexadecimal digits are expected")
    host, repository = _split_host(rest)
    repository, colon, tag = repository.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise BadReferenceError(f"'{text}' has a tag that is none: '{tag}'")
    port = host.rpartition("]")[2].partition(":")[2]
    if not _HOST.fullmatch(host) or (port and not 0 < int(port) < 65_536):
        raise BadReferenceError(f"'{text}' has a registry host that is none: '{host}'")
    if len(repository) > 255 or not _REPOSITORY.fullmatch(repository):
        raise BadReferenceError(f"'{text}' has a repository that is none: '{repository}'")
    if host in _HUB_NAMES:
        host = HUB
        repository = repository if "/" in repository else f"library/{repository}"
    return Reference(host, repository, tag or ("" if digest else "latest"), digest)


def is_host(text: str) -> bool:
    """Whether `text` before a slash is a registry's host, and not the beginning of a repository on Docker Hub."""
    return text == "localhost" or "." in text or ":" in text


def is_loopback(host: str) -> bool:
    """Whether `host[:port]` is this machine's loopback, which speaks plain HTTP (as container runtimes take it).

    An IPv6 address may stand without brackets where there is no port.
    """
    name = re.sub(r":\d+$", "", host) if host.count(":") == 1 or "]" in host else host
    return name in ("localhost", "[::1]", "::1") or re.fullmatch(r"127(?:\.\d{1,3}){3}", name) is not None


def _split_host(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if slash and is_host(first):
        return first, rest
    return HUB, text
