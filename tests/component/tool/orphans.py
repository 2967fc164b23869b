"""What the tests of orphans change and read."""

import time
import uuid

from bosh_kubernetes_api import reasons
from bosh_kubernetes_api.machine import has_observed
from tests.component.conftest import NAMESPACE
from tests.support.fakeapi.operator import FakeOperator
from tests.support.fakeapi.server import FakeApi
from tests.support.tool_process import tool

MINE = str(uuid.uuid4())  # the Director that is left


def listed(cpi, *words: object) -> dict[str, dict]:
    said = tool("orphans", "--director", MINE, "--output", "json", *words, config=cpi.config)
    assert said.code in (0, 1), said.err
    return {each["cid"]: each for each in said.json["orphans"]}


def switch_off(api: FakeApi, operator: FakeOperator, machine: str, agent: str) -> None:
    """Until the status says that the guest is off, as was wished."""
    operator.reasons[agent] = ("Stopped", reasons.GUEST_OFF)
    wanted = api.store.merge_patch("VirtualMachine", NAMESPACE, machine, {"spec": {"power": "Stopped"}})
    deadline = time.monotonic() + 30
    while not has_observed(api.store.get("VirtualMachine", NAMESPACE, machine), wanted["metadata"]["generation"]):
        assert time.monotonic() < deadline
