"""The proxy for faults on a real cluster, before the stand-in API server: it changes nothing, and its faults are those
of the stand-in.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bosh_kubernetes_cpi.transport.api import Api
from tests.component.conftest import NAMESPACE
from tests.support.api_contract import ApiContract
from tests.support.fakeapi.client import unrestricted
from tests.support.fakeapi.faults import Fault
from tests.support.fakeapi.server import FakeApi
from tests.support.faults.kinds import KINDS
from tests.support.faults.points import check, points, undisturbed
from tests.support.faults.proxy import Proxy
from tests.support.faults.stand_ins import StandIns


class TestThroughProxy(ApiContract):
    @pytest.fixture
    def api(self) -> Iterator[Api]:
        with (
            FakeApi() as server,
            Proxy(server.url, server.authority.pem) as proxy,
            unrestricted(server, NAMESPACE, proxy.url, proxy.authority.pem) as api,
        ):
            yield api

    @pytest.fixture
    def namespace(self) -> str:
        return NAMESPACE


class Proxied(StandIns):
    def __enter__(self) -> "Proxied":
        super().__enter__()
        proxy = self._stack.enter_context(Proxy(self.api.url, self.api.authority.pem))
        config = json.loads(self.config.read_text())
        config["kubernetes"] |= {"server": proxy.url, "ca": proxy.authority.pem}
        self.config.write_text(json.dumps(config))
        self.server = proxy
        return self


def test_what_goes_wrong_is_what_it_is_at_the_stand_in(tmp_path: Path) -> None:
    with Proxied(tmp_path) as world:
        normal = undisturbed("detach_disk", world)
    of_a_kind = {point.kind: point for point in points("detach_disk", normal.calls)}
    assert set(of_a_kind) == set(KINDS)
    for point in of_a_kind.values():
        with Proxied(tmp_path) as world:
            assert check(point, normal, world) == [], point


@pytest.mark.parametrize("after", [False, True])
def test_a_request_is_taken_before_its_answer_is_lost_or_not_at_all(after: bool, tmp_path: Path) -> None:
    with Proxied(tmp_path) as world:
        answer = world.call(
            "create_disk", 1024, {}, None, at=("POST persistentvolumeclaims", 0), fault=Fault(after=after)
        )

        assert world.met
        assert answer is not None
        assert answer.error is None
        assert len(world.api.requests("POST", "persistentvolumeclaims")) == (2 if after else 1)
