"""Waiting for an object, without a server and in time that is counted."""

import itertools

import pytest

from bosh_kubernetes_cpi.clock import Deadline
from bosh_kubernetes_cpi.errors import TimedOut
from bosh_kubernetes_cpi.transport import observe

BOOKMARK = b'{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "2"}}}\n'


class Chatty:
    """An API server whose watch says nothing but bookmarks, one a second."""

    def __init__(self) -> None:
        self.deadline = Deadline(60)
        self.read = 0
        self.lines = 0

    def find(self, _path):
        self.read += 1
        return {"metadata": {"resourceVersion": str(self.read)}}

    def stream(self, _path, *, patience):
        return self

    def patience(self, _seconds) -> None:
        pass

    def readline(self) -> bytes:
        self.lines += 1
        assert self.lines < 100, "bookmarks keep it from looking again"
        return BOOKMARK

    def close(self) -> None:
        pass


def test_bookmarks_do_not_keep_it_from_looking_again(monkeypatch) -> None:
    """Else neither the operator's Lease nor the limit of a reason is looked at while they come."""
    monkeypatch.setattr(observe, "monotonic", itertools.count().__next__)
    api = Chatty()
    answers = iter([observe.Wait(5), True])

    assert observe.until(api, "/machines", "vm-1", lambda _: next(answers), doing="waiting") is True
    assert api.read == 2
    assert 1 < api.lines < 10


class Short:
    """An API server behind something that ends every watch at once."""

    def __init__(self) -> None:
        self.deadline = Deadline(0.5)
        self.read = 0

    def find(self, _path):
        self.read += 1
        return {"metadata": {"resourceVersion": "1"}}

    def stream(self, _path, *, patience):
        return self

    def patience(self, _seconds) -> None:
        pass

    def readline(self) -> bytes:
        return b""

    def close(self) -> None:
        pass


def test_a_watch_that_ends_at_once_is_not_asked_for_without_a_pause() -> None:
    api = Short()
    with pytest.raises(TimedOut):
        observe.until(api, "/machines", "vm-1", lambda _: observe.Wait(), doing="waiting")
    assert 1 < api.read < 10
