"""What an order to the firmware comes back as."""

import asyncio
import json

import pytest

from bosh_kubernetes_operator.errors import OrderError
from bosh_kubernetes_operator.machine import orders


def exit_status(code: int) -> bytes:
    causes = [{"reason": "ExitCode", "message": str(code)}]
    return json.dumps({"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": causes}}).encode()


@pytest.mark.parametrize(
    ("stdout", "status", "code", "data"),
    [
        ('{"state":"running"}\n', b'{"status":"Success"}', 0, {"state": "running"}),
        ('{"released":false}', exit_status(1), 1, {"released": False}),
        ("no json", exit_status(64), 64, {}),
    ],
)
def test_the_answer_to_an_order(stdout, status, code, data) -> None:
    answer = orders.answer(stdout, "", status)
    assert (answer.code, answer.data) == (code, data)


@pytest.mark.parametrize("status", [b"", b"nothing", b'{"status":"Failure","message":"container not found"}'])
def test_an_order_that_did_not_run_is_no_refusal(status) -> None:
    with pytest.raises(OrderError):
        orders.answer("", "", status)


async def test_a_look_gives_a_node_that_hangs_less_time_than_an_order(monkeypatch) -> None:
    """Every look at every machine of that node waits so long, and there are only so many workers."""

    class Hanging(orders.ExecOrders):
        def __init__(self) -> None:
            pass

        async def _exec(self, pod_name, container, command):
            await asyncio.Event().wait()

    monkeypatch.setattr(orders, "LOOK_TIMEOUT", 0.001)
    release = asyncio.create_task(Hanging().machine("vm-1", "release", "disk-1"))
    with pytest.raises(OrderError, match="no answer to /firmware/ctl status"):
        await asyncio.wait_for(Hanging().machine("vm-1", "status"), 10)
    assert not release.done()
    release.cancel()
    await asyncio.gather(release, return_exceptions=True)
