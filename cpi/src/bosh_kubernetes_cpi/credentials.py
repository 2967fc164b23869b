"""Credentials that may end before the call does: a token's file that is written anew, a plugin's token that expires."""

from __future__ import annotations

from time import monotonic

from . import redaction
from .connection import bearer
from .errors import NoCredential, RequestError
from .files import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from .transport.http import Endpoint

    # Token, client certificate and key (PEM; empty where there is none), and in how many seconds to ask again.
    Credential = tuple[str, str, str, float]

REREAD = 60.0  # seconds after which a token's file is read again, as Kubernetes' own clients do
AGAIN = 10.0  # seconds after an attempt that failed


class Source:
    """The credentials of an endpoint, as `fetch` gives them; `tls` makes a context for a client certificate and key.

    The constructor raises what `fetch` and `tls` raise.
    """

    def __init__(
        self,
        fetch: Callable[[], Credential],
        tls: Callable[[str, str], ssl.SSLContext],
        *,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._fetch = fetch
        self._tls = tls
        self._now = now
        self._pair = ("", "")
        self._context = tls("", "")
        self._authorization = ""
        self._due = 0.0
        self._get()

    def renew(self, endpoint: Endpoint, refused: bool) -> bool:
        """Whether `endpoint` got other credentials. `refused`: the server does not accept those that it has.

        Without that an attempt that fails leaves the old ones, which may well do; else raises what `fetch` raises.
        """
        if refused and self._has_mine(endpoint):
            self._get()
        elif self._now() >= self._due:
            try:
                self._get()
            except (NoCredential, RequestError):
                self._due = self._now() + AGAIN
        if self._has_mine(endpoint):
            return False
        endpoint.tls = self._context
        endpoint.headers.pop("Authorization", None)
        if self._authorization:
            endpoint.headers["Authorization"] = self._authorization
        return True

    def _has_mine(self, endpoint: Endpoint) -> bool:
        return endpoint.tls is self._context and endpoint.headers.get("Authorization", "") == self._authorization

    def _get(self) -> None:
        token, certificate, key, seconds = self._fetch()
        redaction.keep({"token": token, "key": key})
        if (certificate, key) != self._pair:
            self._context = self._tls(certificate, key)
            self._pair = certificate, key
        self._authorization = f"Bearer {token}" if token else ""
        self._due = self._now() + seconds


def of_file(path: str) -> Credential:
    """The token in a file. Raises RequestError."""
    return bearer(read_text(path, "kubernetes.token_file"), f"kubernetes.token_file: {path}"), "", "", REREAD
