"""What is read of a machine, and who is asked."""

from bosh_kubernetes_operator.machine.observe import observe
from bosh_kubernetes_operator.machine.orders import Answer
from tests.unit.operator.test_reconcile import Cluster
from tests.unit.operator.things import NODE, VM, pod, vm


class Firmware:
    """Stand-in for the guests' firmware: each one runs; `asked` counts."""

    asked = 0

    async def machine(self, _name, *_order) -> Answer:
        self.asked += 1
        return Answer(0, {"state": "running", "guest": 9}, "")

    attachment = machine


def node(ready: str):
    return {"metadata": {"name": NODE}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


async def test_firmware_on_a_node_that_does_not_report_is_not_asked() -> None:
    """Its answer would be waited for in vain, and the status that says so would wait with it."""
    there = {"type": "Ready", "status": "False"}
    looks = {}
    for ready in ("True", "Unknown"):
        unknown = node(ready)
        unknown["status"]["conditions"][0]["lastTransitionTime"] = "T"
        firmware = Firmware()
        cluster = Cluster(("VirtualMachine", vm()), ("Pod", pod(conditions=[there])), ("Node", unknown))
        looks[ready] = await observe(cluster, firmware, VM), firmware.asked
    assert looks["True"][0].guest.runs
    assert looks["Unknown"][0].guest is None
    assert [asked for _, asked in looks.values()] == [1, 0]
