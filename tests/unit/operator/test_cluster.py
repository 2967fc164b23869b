"""What is asked of the API server, without one."""

import asyncio
import json

import aiohttp
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from bosh_kubernetes_operator.cluster import Cluster
from bosh_kubernetes_operator.errors import ClusterError, ConflictError, NotFoundError, RefusedError


class Asked(Cluster):
    """Writes down the bodies of its requests instead of sending them, and fails if told to."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.bodies: list = []

    async def _request(self, *_words, body=None, **_params):
        self.bodies.append(body)
        if self.failure:
            raise self.failure
        return {}


class Discovery(Cluster):
    """Answers with what is in `found`, by path."""

    def __init__(self, found: dict) -> None:
        self.found = found

    async def _send(self, what, method, path, **_params):
        if path not in self.found:
            raise NotFoundError(what, 404, "NotFound", "the server could not find the requested resource")
        return self.found[path]


GROUPS = {"/apis": {"groups": [{"name": "apps"}, {"name": "cpi.bosh.io"}]}}
KINDS = "/apis/cpi.bosh.io/v1alpha1"


@pytest.mark.parametrize(
    ("found", "served"),
    [
        ({"/apis": {"groups": [{"name": "apps"}]}}, False),
        (GROUPS, False),
        (GROUPS | {KINDS: {"resources": [{"name": "stemcells"}]}}, False),
        (GROUPS | {KINDS: {"resources": [{"name": "stemcells"}, {"name": "virtualmachines"}]}}, True),
    ],
)
async def test_a_kind_is_served_when_discovery_has_it(found, served) -> None:
    assert await Discovery(found).serves("VirtualMachine") is served


SENT = aiohttp.RequestInfo(
    URL("https://api/pods"),
    "GET",
    CIMultiDictProxy(CIMultiDict(Authorization="Bearer planted")),
    URL("https://api/pods"),
)


@pytest.mark.parametrize(
    "failure",
    [
        aiohttp.ContentTypeError(SENT, (), status=200, message="unexpected mimetype: text/html"),
        json.JSONDecodeError("Expecting value", "<html>", 0),
        asyncio.TimeoutError(),
    ],
)
async def test_what_answers_and_is_no_api_server_is_no_answer_and_no_token_is_told(failure) -> None:
    class Fails:
        async def request(self, *_words, **_params):
            raise failure

    cluster = object.__new__(Cluster)
    cluster._dynamic = Fails()
    with pytest.raises(ClusterError) as end:
        await cluster._send("get Pod x", "get", "/pods/x")
    assert type(failure).__name__ in str(end.value)
    assert "planted" not in str(end.value)


async def test_a_delete_is_for_the_very_object_that_was_seen() -> None:
    cluster = Asked()
    await cluster.delete("Pod", "vm-1", "uid-1", 10)
    (body,) = cluster.bodies
    assert body["preconditions"] == {"uid": "uid-1"}
    assert body["gracePeriodSeconds"] == 10


@pytest.mark.parametrize("kind", [NotFoundError, ConflictError])
async def test_deleting_what_is_gone_or_another_by_now_is_success(kind) -> None:
    await Asked(kind("delete Pod vm-1", 404, "", "")).delete("Pod", "vm-1", "uid-1")


async def test_a_delete_that_is_refused_is_an_error() -> None:
    with pytest.raises(RefusedError):
        await Asked(RefusedError("delete Pod vm-1", 403, "", "")).delete("Pod", "vm-1", "uid-1")


@pytest.mark.parametrize(("reason", "is_there"), [("AlreadyExists", True), ("Conflict", False)])
async def test_a_conflict_in_a_quota_is_none_with_an_object_of_that_name(reason, is_there) -> None:
    words = 'Operation cannot be fulfilled on resourcequotas "q": the object has been modified'
    with pytest.raises(ClusterError) as refusal:
        await Asked(ConflictError("post Pod vm-1", 409, reason, words)).create("Pod", {"metadata": {"name": "vm-1"}})
    assert isinstance(refusal.value, ConflictError) is is_there
    assert str(refusal.value) == f"post Pod vm-1: {words}"


async def test_a_status_is_for_the_very_object_that_was_seen() -> None:
    cluster = Asked()
    await cluster.apply_status("VirtualMachine", "vm-1", "uid-1", {"power": "Running"})
    assert cluster.bodies[0]["metadata"] == {"name": "vm-1", "uid": "uid-1"}
