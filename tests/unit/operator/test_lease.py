"""The Lease gate, against a stand-in of the API server: one Lease; old versions are refused as the real one does."""

import copy

import pytest

from bosh_kubernetes_api import version
from bosh_kubernetes_operator import lease as module
from bosh_kubernetes_operator.errors import ConflictError, LeaseError, cluster_error
from bosh_kubernetes_operator.lease import DURATION, GIVE_UP_AFTER, Lease


class OneLease:
    """Stand-in for Cluster: create conflicts when it exists, replace when the resourceVersion is old."""

    def __init__(self) -> None:
        self.kept: dict | None = None
        self.fails = False
        self.meanwhile: list[dict] = []  # changes of the spec by another hand, each right after a read

    async def get(self, kind, name):
        if self.fails:
            raise cluster_error("get Lease", 0, "NoAnswer", "no answer")
        found = copy.deepcopy(self.kept)
        if self.meanwhile:
            self._keep(self.kept | {"spec": self.kept["spec"] | self.meanwhile.pop(0)}, 100 - len(self.meanwhile))
        return found

    async def create(self, kind, body):
        if self.kept:
            raise ConflictError("create Lease", 409, "AlreadyExists", "it exists")
        self._keep(body, 1)

    async def replace(self, kind, body):
        version = self.kept["metadata"]["resourceVersion"]
        if body["metadata"]["resourceVersion"] != version:
            raise ConflictError("replace Lease", 409, "Conflict", "changed")
        self._keep(body, int(version) + 1)

    def _keep(self, body, version) -> None:
        self.kept = copy.deepcopy(body)
        self.kept["metadata"]["resourceVersion"] = str(version)


class Clock:
    def __init__(self, monkeypatch) -> None:
        self.now = 0.0

        async def sleep(seconds: float) -> None:
            self.now += seconds

        monkeypatch.setattr(module.asyncio, "sleep", sleep)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


async def test_the_second_waits_until_the_first_is_silent_for_its_duration(clock) -> None:
    api = OneLease()
    first, second = Lease(api, "first", clock), Lease(api, "second", clock)
    await first.acquire()
    assert clock.now == 0.0
    await second.acquire()
    assert clock.now > DURATION
    assert api.kept["spec"]["holderIdentity"] == "second"
    assert api.kept["spec"]["leaseTransitions"] == 1


async def test_one_that_ends_in_order_lets_the_next_start_at_once(clock) -> None:
    api = OneLease()
    first, second = Lease(api, "first", clock), Lease(api, "second", clock)
    await first.acquire()
    await first.release()
    await second.acquire()
    assert clock.now == 0.0
    await first.release()  # no longer its own to give up
    assert api.kept["spec"]["holderIdentity"] == "second"


async def test_a_holder_stops_when_another_has_taken_over(clock) -> None:
    api = OneLease()
    first = Lease(api, "first", clock)
    await first.acquire()
    api.kept["spec"]["holderIdentity"] = "second"
    with pytest.raises(LeaseError, match="another operator"):
        await first.hold()
    assert not first.held


async def test_a_holder_that_cannot_renew_stops_before_another_may_start(clock) -> None:
    api = OneLease()
    first = Lease(api, "first", clock)
    await first.acquire()
    api.fails = True
    with pytest.raises(LeaseError, match="could not be renewed"):
        await first.hold()
    assert GIVE_UP_AFTER < clock.now < DURATION


async def test_a_renewal_that_hangs_is_given_up_before_another_may_start(clock, monkeypatch) -> None:
    limits = []

    async def never(awaitable, seconds):
        awaitable.close()
        limits.append(seconds)
        clock.now += seconds
        raise module.asyncio.TimeoutError

    first = Lease(OneLease(), "first", clock)
    await first.acquire()
    monkeypatch.setattr(module.asyncio, "wait_for", never)
    with pytest.raises(LeaseError, match="could not be renewed"):
        await first.hold()
    assert len(limits) == 1
    assert GIVE_UP_AFTER < clock.now < DURATION


async def test_renewing_changes_the_time_and_not_the_holder(clock) -> None:
    api = OneLease()
    first = Lease(api, "first", clock)
    await first.acquire()
    before = copy.deepcopy(api.kept["spec"])
    assert await first._try()
    after = api.kept["spec"]
    assert after["acquireTime"] == before["acquireTime"]
    assert after["renewTime"] > before["renewTime"]
    assert after["leaseTransitions"] == 0


async def test_a_lease_that_was_changed_while_it_was_renewed_is_still_ours(clock) -> None:
    """A label, or our own renewal whose answer was lost: a conflict alone says nothing about the holder."""
    api = OneLease()
    first = Lease(api, "first", clock)
    await first.acquire()
    api.meanwhile = [{}]
    assert await first._try()
    assert api.meanwhile == []
    assert api.kept["spec"]["holderIdentity"] == "first"


@pytest.mark.parametrize("others", [[{"holderIdentity": "second"}], [{}, {"holderIdentity": "second"}]])
async def test_one_that_is_taken_while_it_is_renewed_is_not(clock, others) -> None:
    api = OneLease()
    first = Lease(api, "first", clock)
    await first.acquire()
    api.meanwhile = others
    with pytest.raises(LeaseError, match="another operator"):
        await first.hold()
    assert api.kept["spec"]["holderIdentity"] == "second"


async def test_the_lease_says_of_which_version_its_holder_is_and_keeps_others_labels(clock) -> None:
    """An upgrade takes over the Lease of an older operator."""
    api = OneLease()
    await Lease(api, "first", clock).acquire()
    assert api.kept["metadata"]["labels"][version.LABEL] == version.VERSION
    api.kept["metadata"]["labels"] = {version.LABEL: "0.0.1", "somebody": "else"}
    await Lease(api, "first", clock).acquire()
    assert api.kept["metadata"]["labels"][version.LABEL] == version.VERSION
    assert api.kept["metadata"]["labels"]["somebody"] == "else"
