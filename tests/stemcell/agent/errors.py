"""The one error of the stand-in agent; its text is what the client gets to read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class AgentError(Exception):
    """A step or an action failed. Causes are strung together with ": ", as the real agent does."""


@contextmanager
def wrap(what: str) -> Iterator[None]:
    """Puts what was being done before the message of an error from inside."""
    try:
        yield
    except (AgentError, OSError) as cause:
        raise AgentError(f"{what}: {cause}") from cause
