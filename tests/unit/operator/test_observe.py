"""What is read of a machine, and who is asked."""

from bosh_kubernetes_api import names
from bosh_kubernetes_operator.machine.observe import observe
from bosh_kubernetes_operator.machine.orders import Answer
from tests.unit.operator.test_reconcile import Cluster
from tests.unit.operator.things import NODE, VM, claim, pod, vm


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


async def test_only_disks_that_are_there_and_stay_place_a_machine() -> None:
    """Those of the other two may be wherever: no Pod of this machine will mount them."""

    def disk(cid: str, **metadata):
        return claim(cid, **metadata) | {"spec": {"volumeName": f"pv-{cid}"}}

    claims = [disk("disk-1"), disk("disk-2", deletionTimestamp="T"), disk("disk-3", annotations={names.DELETING: "T"})]
    cluster = Cluster(
        ("VirtualMachine", vm(machine={"placement": {"disks": ["disk-0", "disk-1", "disk-2", "disk-3"]}})),
        *(("PersistentVolumeClaim", thing) for thing in claims),
        *(("PersistentVolume", {"metadata": {"name": f"pv-disk-{n}"}}) for n in range(4)),
    )
    look = await observe(cluster, Firmware(), VM)
    assert list(look.volumes) == ["disk-1"]
