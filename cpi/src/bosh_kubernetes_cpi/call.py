"""One call: what the request says, and what a method needs to serve it, made when it is first asked for."""

from __future__ import annotations

from .clock import Deadline
from .errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .transport.api import Api

CLEANUP = 60.0  # seconds to undo what a failed call has done, beyond its limit
FOREVER = 1_000_000  # tries: the deadline ends them

_held = False  # of this process, which serves one call


def hold() -> None:
    """From now on being told to end (SIGTERM) waits for the answer: all is done, or is being undone."""
    global _held
    _held = True


def is_held() -> bool:
    return _held


class Call:
    def __init__(self, method: str, context: dict[str, Any], *, version: int, config_path: str, limit: float) -> None:
        self.method = method
        self.context = context
        self.version = version  # of the CPI API, as the caller asked
        self.deadline = Deadline(limit)
        self._config_path = config_path
        self._config: dict[str, Any] | None = None
        self._api: Api | None = None
        self._namespace = ""

    @property
    def config(self) -> dict[str, Any]:
        """The effective configuration (config.SCHEMA, with defaults). Raises RequestError."""
        if self._config is None:
            from .config import load

            self._config = load(self._config_path, self.context)
        return self._config

    @property
    def api(self) -> Api:
        """The API server, on one connection for the whole call. Raises RequestError."""
        if self._api is None:
            from .connection import connect

            self._api, self._namespace = connect(self.config, self.deadline)
        return self._api

    @property
    def namespace(self) -> str:
        """The machines' namespace."""
        _ = self.api
        return self._namespace

    @property
    def director(self) -> str:
        """UUID of the Director, or of the create-env state file. Raises RequestError."""
        uuid = self.context.get("director_uuid")
        if not isinstance(uuid, str) or not uuid:
            raise RequestError("context.director_uuid is missing: objects could not be told from another Director's")
        return uuid

    def begin_cleanup(self, seconds: float = CLEANUP) -> None:
        """From now on undo: nobody interrupts that, on a fresh connection and with a deadline of its own, up to which
        an API server that is away is waited for.
        """
        hold()
        self.api.close()
        self.api.tries = FOREVER
        self.deadline = self.api.deadline = Deadline(seconds)

    def secrets(self) -> set[str]:
        """Texts of the configuration that must never be shown; what was not read could not leak."""
        if self._config is None:
            return set()
        from .redaction import of_config

        return of_config(self._config)
