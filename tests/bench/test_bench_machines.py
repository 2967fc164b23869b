"""create_vm, attach_disk and reboot_vm beside what Kubernetes itself takes for a raw Pod of the same image or claim."""

import uuid
from typing import Any

import pytest

from tests.bench.measure import report, seconds, side_by_side

ROUNDS = 5
CPU = "800m"  # all that a small node has left; on clusters with a CPU quota a boot with less is throttled


def raw_pod(kubectl: Any, image: str, claim: str = "") -> float:
    """Seconds from apply until a Pod of the image is Ready; `claim` is mounted in it."""
    name = f"raw-{uuid.uuid4().hex[:8]}"
    container: dict[str, Any] = {"name": "raw", "image": image, "command": ["sleep", "1000"]}
    spec: dict[str, Any] = {"containers": [container], "terminationGracePeriodSeconds": 0}
    if claim:
        container["volumeMounts"] = [{"name": "claim", "mountPath": "/claim"}]
        spec["volumes"] = [{"name": "claim", "persistentVolumeClaim": {"claimName": claim}}]

    def until_ready() -> None:
        kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
        kubectl.run("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=120s")

    taken = seconds(until_ready)
    kubectl.delete("pod", name, "--grace-period=0", "--force")
    return taken


def test_create_vm(make_machine, stemcell) -> None:
    first = make_machine(stemcell)
    kubectl, image = first.kubectl, first.resource()["spec"]["machine"]["image"]

    def create() -> float:
        made = []
        taken = seconds(lambda: made.append(make_machine(stemcell, cpu=CPU)))
        first.cpi("delete_vm", made[0].cid)  # a node has room for few
        return taken

    medians = side_by_side(
        ROUNDS,
        {
            "raw Pod Ready": lambda: raw_pod(kubectl, image),
            "create_vm until the guest's init runs": create,
        },
    )
    report("create_vm", medians, base="raw Pod Ready", aim="<= 1.3x + 0.3 s", rounds=ROUNDS)


def test_attach_disk(make_machine, stemcell) -> None:
    machine = make_machine(stemcell, cpu=CPU)
    image = machine.resource()["spec"]["machine"]["image"]
    disk = machine.plug()
    machine.cpi("detach_disk", machine.cid, disk)

    def attach() -> float:
        taken = seconds(lambda: machine.cpi("attach_disk", machine.cid, disk))
        machine.cpi("detach_disk", machine.cid, disk)
        return taken

    medians = side_by_side(
        ROUNDS, {"raw Pod Ready": lambda: raw_pod(machine.kubectl, image, disk), "attach_disk": attach}
    )
    report("attach_disk, claim bound", medians, base="raw Pod Ready", aim="<= 1.3x", rounds=ROUNDS)


@pytest.mark.parametrize("flavour", ["runit", "systemd"])
def test_reboot_vm(make_machine, stemcell, flavour: str) -> None:
    machine = make_machine(stemcell, cpu=CPU)
    machine.wait_agent()

    def reboot() -> None:
        machine.cpi("reboot_vm", machine.cid)
        machine.wait_agent(every=0.05)

    medians = side_by_side(ROUNDS, {"reboot_vm until the agent answers": lambda: seconds(reboot)})
    aim = {"runit": "<= 2 s", "systemd": "<= 3 s"}[flavour]
    report(f"reboot_vm, {flavour}", medians, base=next(iter(medians)), aim=aim, rounds=ROUNDS)
