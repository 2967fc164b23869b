"""Who we are to a registry: basic authentication, or a token that its token server gives for a scope."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from urllib.parse import urlsplit

from .. import redaction
from ..clock import Deadline
from ..errors import RegistryError
from ..transport.http import Connection, Endpoint, Unreachable
from ..transport.tls import tls_context
from . import protocol
from .reference import is_loopback


class Access:
    """Answers challenges. `username` may be empty: public repositories give tokens to everybody.

    `ca` is PEM of the registry's authority (empty: the system's); it serves its token server and storage too.
    """

    def __init__(
        self,
        registry: str,
        deadline: Deadline,
        *,
        username: str = "",
        password: str = "",
        ca: str = "",
        insecure: bool = False,
        connect: Callable[[Endpoint, Deadline], Connection] = Connection,
    ) -> None:
        self._registry = registry
        self._deadline = deadline
        self._credentials = "Basic " + b64encode(f"{username}:{password}".encode()).decode() if username else ""
        redaction.keep({"token": self._credentials.removeprefix("Basic ")})
        self._ca = ca
        self._insecure = insecure
        self._connect = connect
        self._header = ""

    @property
    def known(self) -> bool:
        return bool(self._credentials)

    def headers(self) -> dict[str, str]:
        return {"Authorization": self._header} if self._header else {}

    def answer(self, challenge: str, scope: str) -> bool:
        """Get ready for a repeat after a 401; False when there is nothing (more) to offer."""
        asked = protocol.parse_challenge(challenge)
        if asked is None:
            return False
        before = self._header
        self._header = self._credentials if asked.scheme == "basic" else f"Bearer {self._token(asked, scope)}"
        return bool(self._header) and self._header != before

    def elsewhere(self, origin: str) -> Endpoint:
        """Endpoint of `scheme://host[:port]`, without credentials; plain HTTP only where that is allowed."""
        try:
            url = urlsplit(origin)
            host, port = url.hostname or "", url.port
        except ValueError as error:
            raise self._no_url() from error
        plain = url.scheme == "http" and (self._insecure or is_loopback(host))
        if not host or not (plain or url.scheme == "https"):
            raise RegistryError(
                f"{self._registry} sends us to '{url.scheme}://{url.netloc}', which is no https host: refused "
                "(registry.insecure allows plain HTTP)"
            )
        return Endpoint(host, port or (80 if plain else 443), tls=None if plain else tls_context(ca=self._ca))

    def _no_url(self) -> RegistryError:
        return RegistryError(f"{self._registry} sends us to something that is no URL")

    def _token(self, challenge: protocol.Challenge, scope: str) -> str:
        try:
            url = urlsplit(challenge.token_url(scope))
        except ValueError as error:
            raise self._no_url() from error
        connection = self._connect(self.elsewhere(f"{url.scheme}://{url.netloc}"), self._deadline)
        headers = {"Authorization": self._credentials} if self._credentials else {}
        where = f"token server {url.scheme}://{url.netloc} of {self._registry}"
        try:
            response = connection.request("GET", f"{url.path or '/'}?{url.query}", headers=headers)
            status, body = response.status, response.read(1 << 20)
        except (Unreachable, OSError) as error:
            retry = not getattr(error, "untrusted", False)
            raise RegistryError(f"{where} cannot be reached: {error}", ok_to_retry=retry) from error
        finally:
            connection.close()
        token = protocol.parse_token(body) if status == 200 else ""
        if not token:
            words = protocol.parse_error(body) if status != 200 else "no token in its answer"
            cure = "" if status not in (401, 403) else "; check registry.username and registry.password"
            raise RegistryError(
                f"{where} gives no token for {scope}: HTTP {status}, {words}{cure}",
                status=status,
                ok_to_retry=status >= 500 or status == 429,
            )
        redaction.keep({"token": token})
        return token
