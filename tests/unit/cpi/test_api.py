"""Requests to the API server, without one."""

import pytest

from bosh_kubernetes_cpi.clock import Deadline
from bosh_kubernetes_cpi.errors import ApiError, Conflict, Interrupted, TooManyRequests, Unavailable, Untrusted
from bosh_kubernetes_cpi.transport import api as api_module
from bosh_kubernetes_cpi.transport.answer import BrokenAnswer
from bosh_kubernetes_cpi.transport.api import TRIES, Api
from bosh_kubernetes_cpi.transport.http import Endpoint, Unreachable


class Answer:
    """A stand-in for an answer whose body does not come to its end."""

    status = 200
    fields: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, end: Exception) -> None:
        self._end = end
        self.read_times = 0

    def read(self) -> bytes:
        self.read_times += 1
        raise self._end


@pytest.fixture
def api(monkeypatch):
    """Makes an API server that answers with the given answer."""

    def make(answer: Answer) -> Api:
        made = Api(Endpoint("localhost", 443, tls=None), Deadline(0.1))
        monkeypatch.setattr(made, "_send", lambda *_: answer)
        return made

    return make


def test_being_told_to_end_is_no_answer_that_broke_off(api) -> None:
    """Else the request is repeated, and the call goes on as if nobody had told it."""
    answer = Answer(Interrupted("told to end"))
    with pytest.raises(Interrupted):
        api(answer).get("/x")
    assert answer.read_times == 1


@pytest.mark.parametrize("end", [BrokenAnswer("broke off"), ConnectionResetError(), TimeoutError()])
def test_an_answer_that_broke_off_is_no_answer(api, end) -> None:
    with pytest.raises(Unavailable, match="its answer broke off"):
        api(Answer(end)).get("/x")


@pytest.mark.parametrize(("untrusted", "kind", "tries"), [(True, Untrusted, 1), (False, Unavailable, 2)])
def test_a_server_that_is_not_trusted_is_not_asked_again(monkeypatch, untrusted, kind, tries) -> None:
    seen = []

    def request(*_words, **_options) -> None:
        seen.append(1)
        unreachable = Unreachable("https://localhost:443: why")
        unreachable.untrusted = untrusted
        raise unreachable

    made = Api(Endpoint("localhost", 443, tls=None), Deadline(60))
    monkeypatch.setattr(made._connection, "request", request)
    monkeypatch.setattr(made.deadline, "pause", lambda _: setattr(made.deadline, "at", 0))
    with pytest.raises(kind, match="why"):
        made.get("/x")
    assert len(seen) == tries


class Page(Answer):
    """An answer of something that is no API server."""

    reason = "Whatever"

    def __init__(self, status: int, text: bytes) -> None:
        super().__init__(OSError())
        self.status = status
        self.text = text

    def read(self) -> bytes:
        return self.text


PAGES = [
    b"404 page not found\n",
    b"<html></html>",
    b"",
    b"{}",
    b"[]",
    b"[" * 100_000,
    b'{"status": "ok"}',
    b'{"kind": "Status", "code": 404}',
]


@pytest.mark.parametrize("text", PAGES)
def test_page_not_found_is_no_object_not_found(api, text) -> None:
    """Else has_vm would be false, and the machine made anew, because an address is wrong."""
    with pytest.raises(ApiError, match=r"Check `kubernetes\.server`") as failure:
        api(Page(404, text)).find("/x")
    assert failure.value.status == 404
    with pytest.raises(ApiError):
        api(Page(404, text)).delete("/x")


def test_object_not_found_is_none(api) -> None:
    assert api(Page(404, b'{"kind": "Status", "reason": "NotFound", "message": "not found"}')).find("/x") is None


@pytest.mark.parametrize("text", [*PAGES[:-1], b'{"cut'])
def test_page_is_no_object(api, text) -> None:
    """Else has_vm would be true."""
    with pytest.raises(ApiError, match="answers with no object of Kubernetes"):
        api(Page(200, text)).find("/x")


@pytest.mark.parametrize("text", [b'{"message": 5, "reason": 5}', b'{"message": ["no"]}', b'{"message": {"a": "b"}}'])
@pytest.mark.parametrize("status", [403, 404, 418])
def test_words_of_another_server_are_told_as_they_are(api, status, text) -> None:
    with pytest.raises(ApiError):
        api(Page(status, text)).get("/x")


def test_a_deletion_that_met_a_conflict_is_asked_for_again_while_the_object_is_there(api, monkeypatch) -> None:
    """Else delete_vm would take for gone what nobody has deleted."""
    made = api(Answer(OSError()))
    conflict = Page(409, b'{"kind": "Status", "reason": "Conflict", "message": "another reason"}')
    there = Page(200, b'{"kind": "x", "metadata": {"uid": "1"}}')
    script = [("DELETE", conflict), ("GET", there), ("DELETE", Page(200, b'{"kind": "Status"}'))]
    monkeypatch.setattr(made, "_send", lambda method, *_: dict([script.pop(0)])[method])
    made.delete("/x", uid="1")
    assert script == []

    script = [("DELETE", conflict), ("GET", there)]
    with pytest.raises(Conflict):
        made.delete("/x", uid="2")
    script = [("DELETE", conflict), ("GET", there)] * TRIES
    with pytest.raises(Unavailable, match="another reason") as failure:
        made.delete("/x", uid="1")
    assert failure.value.ok_to_retry
    assert script == []
    script = [("DELETE", conflict), ("GET", Page(404, b'{"kind": "Status", "reason": "NotFound", "message": "no"}'))]
    made.delete("/x", uid="1")


def test_an_edit_of_any_version_is_asked_for_again_after_a_conflict(api, monkeypatch) -> None:
    """The API server gives up an edit that it could not place among many others, though it names no version."""
    made = api(Answer(OSError()))
    made.deadline = Deadline(20)
    conflict = Page(409, b'{"kind": "Status", "reason": "Conflict", "message": "modified"}')
    script = [conflict, Page(200, b'{"kind": "x"}')]
    monkeypatch.setattr(made, "_send", lambda *_: script.pop(0))
    assert made.merge_patch("/x", {"metadata": {"labels": {}}}) == {"kind": "x"}

    script = [conflict, Page(200, b'{"kind": "x"}')]
    with pytest.raises(Conflict):
        made.merge_patch("/x", {"metadata": {"resourceVersion": "1"}})


def test_a_pause_that_the_server_asks_for_and_that_is_longer_than_the_time_left_is_not_made(api, monkeypatch) -> None:
    """What it said is told then, and not only that the time is over."""
    made = api(Answer(OSError()))
    made.deadline = Deadline(2)
    busy = Page(429, b'{"kind": "Status", "reason": "TooManyRequests", "message": "slow down"}')
    busy.fields = {"retry-after": "5"}
    monkeypatch.setattr(made, "_send", lambda *_: busy)
    monkeypatch.setattr(made.deadline, "pause", lambda _: pytest.fail("it waits"))
    with pytest.raises(TooManyRequests, match="slow down"):
        made.get("/x")


@pytest.mark.parametrize(("endpoint", "told"), [("https://127.0.0.1:6443", True), ("https://10.0.0.10:6443", False)])
def test_a_director_that_has_its_user_s_loopback_address_is_told_of_the_ops_file(endpoint, told) -> None:
    assert ("inside-server.yml" in str(api_module._unavailable(f"{endpoint}: refused"))) == told
