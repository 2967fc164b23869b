"""The next steps of a machine, one table a subject."""

from datetime import timedelta

import pytest

from bosh_kubernetes_api import names
from bosh_kubernetes_operator.machine import attachment
from bosh_kubernetes_operator.machine.plan import plan
from bosh_kubernetes_operator.machine.pod import build
from bosh_kubernetes_operator.machine.state import held_on, lost_id
from bosh_kubernetes_operator.machine.steps import (
    AddFinalizer,
    Attach,
    CreateAddress,
    CreateAttachment,
    CreatePod,
    CreateRootClaim,
    DeletePod,
    Detach,
    Flush,
    LetGo,
    Order,
)
from tests.unit.operator.things import (
    CABLE,
    GONE,
    KNOWN_POD,
    NODE,
    NOW,
    OUT,
    OUT_BUT_READY,
    UNREACHABLE,
    VM,
    attached,
    claim,
    guest,
    observed,
    pod,
    seen,
    vm,
    waiting,
)


def unready(seconds: int, ready: bool = False, *, was: bool = True):
    """An attachment whose container has run for so long and says that nothing is bound. `was`: it was ready before."""
    began = NOW - timedelta(seconds=seconds)
    changed = began + timedelta(seconds=1 if was else 0)
    since, when = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (began, changed))
    conditions = [{"type": "Ready", "status": "False", "lastTransitionTime": when}]
    cable = pod("disk-1", state={"running": {"startedAt": since}}, conditions=conditions)
    cable["status"]["containerStatuses"][0]["ready"] = ready
    return cable


ROOT = {"machine": {"rootDisk": {"storageClass": "fast"}}}
STATIC = {"machine": {"networks": [{"name": "d", "type": "manual", "ip": "10.96.9.9", "ports": [6868]}]}}
LIVED = {**KNOWN_POD, "guest": {"boots": 1, "crashes": 0}}
HELD = {"metadata": {"name": "ip", "uid": "s", "ownerReferences": [{"uid": "uid-vm"}]}}


@pytest.mark.parametrize(
    ("look", "steps"),
    [
        (observed(vm(finalizer=False)), [AddFinalizer()]),
        (observed(vm(), settings=False), []),
        (observed(vm()), [CreatePod()]),
        (observed(vm(paused=True)), []),
        (observed(vm(paused=True, metadata=GONE), pod=pod()), []),
        (observed(vm(**ROOT)), [CreateRootClaim()]),
        (observed(vm(**ROOT), root_claim=claim("vm-1-root")), [CreatePod()]),
        (observed(vm(**STATIC)), [CreateAddress("10.96.9.9")]),
        (observed(vm(**STATIC), services={"10.96.9.9": HELD}), [CreatePod()]),
        (observed(vm(**STATIC), services={"10.96.9.9": {"metadata": {"name": "ip"}}}), [CreateAddress("10.96.9.9")]),
        (observed(vm(machine={"placement": {"disks": ["disk-1"]}}), claims={"disk-1": None}), [CreatePod()]),
        (observed(vm(machine={"placement": {"disks": ["disk-1"]}}), claims={"disk-1": claim("disk-1")}), [CreatePod()]),
        # A lost emptyDir is never made again; a root on a claim is.
        (observed(vm(status=KNOWN_POD)), []),
        (observed(vm(status=KNOWN_POD, **ROOT), root_claim=claim("vm-1-root")), [CreatePod()]),
        # … unless the claim is gone too, of a machine that has run: a fresh one would be another machine.
        (observed(vm(status=LIVED, **ROOT)), []),
        # … whatever has become of the disks that create_vm named.
        (
            observed(
                vm(status=LIVED, machine={**ROOT["machine"], "placement": {"disks": ["disk-1"]}}),
                root_claim=claim("vm-1-root"),
            ),
            [CreatePod()],
        ),
        # … and not while the one before may run on a node that says nothing, or a disk is held there.
        (observed(vm(status=KNOWN_POD, **ROOT), root_claim=claim("vm-1-root"), node=UNREACHABLE), []),
        (observed(vm(status=KNOWN_POD, **ROOT), root_claim=claim("vm-1-root"), node=OUT), [CreatePod()]),
        (observed(vm(**ROOT), pod=pod(phase="Failed")), [DeletePod(VM, "uid-vm-1", 0)]),
        (observed(vm(), pod=pod(phase="Failed")), []),
    ],
)
def test_making(look, steps) -> None:
    assert plan(look) == steps


@pytest.mark.parametrize(
    ("more", "state", "steps"),
    [
        ({}, guest(), []),
        ({"power": "Stopped"}, guest(), [Order("stop")]),
        ({"power": "Stopped", "status": {"power": "Stopped"}}, guest("stopped"), []),
        ({"power": "Running", "status": {"power": "Stopped"}}, guest("stopped"), [Order("start")]),
        ({"power": "Running"}, guest("stopped"), []),  # it switched itself off, and stays off
        ({"reboot": "r1"}, guest(), [Order("reboot", "r1")]),
        ({"reboot": "r1"}, guest("stopped"), [Order("reboot", "r1")]),
        # reboot_vm of a machine that a person has stopped: it is switched on once. One that is to be off stays off.
        ({"reboot": "r1", "status": {"power": "Stopped"}}, guest("stopped"), [Order("reboot", "r1")]),
        ({"reboot": "r1", "status": {"power": "Stopped"}}, guest("stopped", pending="r1"), [Order("start")]),
        ({"reboot": "r1", "power": "Stopped"}, guest(), [Order("stop")]),
        ({"reboot": "r1", "power": "Stopped", "status": {"power": "Stopped"}}, guest("stopped"), []),
        ({"reboot": "r1"}, guest(pending="r1"), []),
        ({"reboot": "r1"}, guest(served="r1"), []),
        ({"reboot": "r1", "status": {"reboot": "r1"}}, guest(served="lost-1"), []),
        ({"reboot": "r1", "power": "Stopped"}, guest("starting"), []),
        ({"reboot": "r1"}, None, []),
    ],
)
def test_orders(more, state, steps) -> None:
    assert plan(observed(vm(**more), pod=pod(), guest=state)) == steps


FAILED = {"disk-1": pod("disk-1", phase="Failed", state={"terminated": {}})}
FAILED_ELSEWHERE = {"disk-1": pod("disk-1", phase="Failed", state={"terminated": {}}, node="node-2")}
BOUND = {"disk-1": claim("disk-1")}
UNPLACED = attachment.build(vm(), "disk-1", "node-2", "firmware-1", "/base")
MADE_AGAIN = {"vm": vm(disks=("disk-1",), status=KNOWN_POD, **ROOT), "root_claim": claim("vm-1-root"), "guest": None}


@pytest.mark.parametrize(
    ("more", "steps"),
    [
        ({"claims": BOUND}, [CreateAttachment("disk-1")]),
        ({"claims": {"disk-1": claim("disk-1", "Pending")}}, [CreateAttachment("disk-1")]),  # its first consumer
        ({"claims": {"disk-1": None}}, []),
        ({"claims": {"disk-1": claim("disk-1", "Lost")}}, []),
        ({"claims": {"disk-1": claim("disk-1", **GONE)}}, []),
        ({"claims": {"disk-1": claim("disk-1", annotations={names.DELETING: "t"})}}, []),
        ({"claims": BOUND, "pod": pod(node="")}, []),
        ({"claims": BOUND, "pod": pod(**GONE)}, []),
        ({"attachments": {"disk-1": pod("disk-1", state=waiting("ContainerCreating"))}}, []),
        ({"attachments": CABLE}, [Attach("disk-1")]),
        ({"attachments": CABLE, "guest": None}, []),
        ({"attachments": CABLE, "guest": guest("starting")}, []),
        ({"attachments": CABLE, "guest": guest("waiting", missing=("disk-1",))}, [Attach("disk-1")]),
        ({"attachments": {"disk-1": pod("disk-1", **GONE)}, "guest": guest(disks={"disk-1": seen()})}, []),
        ({"attachments": {"disk-1": pod("disk-1", **GONE)}}, [LetGo("disk-1")]),
        # One that ended for good is made again where it was; nothing else could take its bind away.
        ({"attachments": FAILED}, [LetGo("disk-1")]),
        ({"attachments": FAILED, "guest": guest("waiting", missing=("disk-1",))}, [LetGo("disk-1")]),
        ({"attachments": FAILED, "pod": pod(node=""), "guest": None}, []),
        ({"attachments": FAILED, "pod": pod(**GONE)}, []),
        ({"attachments": FAILED, "node": OUT}, [LetGo("disk-1")]),
        ({"attachments": FAILED_ELSEWHERE}, []),
        ({"attachments": FAILED_ELSEWHERE, "nodes": {"node-2": None}}, [LetGo("disk-1")]),
        # One that has unbound the disk, for an operator that died then, binds it no more.
        ({"attachments": {"disk-1": unready(31)}}, [LetGo("disk-1")]),
        ({"attachments": {"disk-1": unready(-50)}}, [LetGo("disk-1")]),  # the node's clock is not ours
        ({"attachments": {"disk-1": unready(50, was=False)}}, [Attach("disk-1")]),  # it may just have begun
        ({"attachments": {"disk-1": unready(601, was=False)}}, [LetGo("disk-1")]),
        ({"attachments": {"disk-1": unready(31)}, "guest": guest(disks={"disk-1": seen()})}, [Attach("disk-1")]),
        ({"attachments": {"disk-1": unready(31)}, "guest": None}, []),
        ({"attachments": {"disk-1": unready(31, ready=True)}}, [Attach("disk-1")]),
        # The machine was made again elsewhere: its disks follow.
        ({"attachments": {"disk-1": pod("disk-1", node="node-2")}}, [LetGo("disk-1")]),
        ({"attachments": {"disk-1": pod("disk-1", node="node-2")}, "guest": None}, [LetGo("disk-1")]),
        ({"attachments": {"disk-1": pod("disk-1", node="node-2", **GONE)}}, [LetGo("disk-1")]),
        ({"attachments": {"disk-1": UNPLACED}}, [LetGo("disk-1")]),
        ({"attachments": CABLE, "pod": pod(node=""), "guest": None}, []),  # it may come to the same node
        # A node that does not report gets nothing and loses nothing; one that is gone for good holds nothing.
        ({"claims": BOUND, "node": UNREACHABLE, "guest": None}, []),
        ({"claims": BOUND, "node_absent": True, "guest": None}, []),
        ({"attachments": CABLE, "node": UNREACHABLE, "guest": None}, []),
        ({"attachments": CABLE, "node": OUT, "guest": None}, [LetGo("disk-1")]),
        ({"attachments": CABLE, "node": OUT_BUT_READY}, [Attach("disk-1")]),
        ({"attachments": CABLE, "node_absent": True, "pod": None, **MADE_AGAIN}, [CreatePod(), LetGo("disk-1")]),
    ],
)
def test_a_wanted_disk(more, steps) -> None:
    machine = more.pop("vm", None) or vm(disks=("disk-1",))
    assert plan(observed(machine, **({"pod": pod(), "guest": guest()} | more))) == steps


THERE = {"disk-1": seen()}
SILENT_NODE = {"nodes": {NODE: UNREACHABLE}, "guest": None}


@pytest.mark.parametrize(
    ("wish", "status", "more", "steps"),
    [
        ({"inSettings": "s-1"}, {}, {}, [Attach("disk-1", "s-1")]),
        ({"inSettings": "s-1"}, attached("disk-1"), {}, [Attach("disk-1", "s-1")]),
        ({"inSettings": "s-2"}, attached("disk-1", inSettings="s-1"), {}, [Attach("disk-1", "s-2")]),
        ({"inSettings": "s-1"}, attached("disk-1", inSettings="s-1"), {}, []),
        ({"inSettings": "s-1"}, attached("disk-1", inSettings="s-1"), {"guest": None}, []),
        # Which of several disks a boot lists is the firmware's: one more would keep the agent down.
        ({"inSettings": "s-1"}, attached("disk-1", inSettings="s-1"), {"guest": guest()}, [Attach("disk-1")]),
        ({}, attached("disk-1", inSettings="s-1"), {}, []),  # detached and attached by another caller meanwhile
        ({"flush": "f-1"}, attached("disk-1"), {}, [Flush("disk-1", "f-1")]),
        ({"flush": "f-1"}, {}, {}, [Attach("disk-1"), Flush("disk-1", "f-1")]),
        ({"flush": "f-1"}, attached("disk-1"), {"guest": guest("stopped", disks=THERE)}, [Flush("disk-1", "f-1")]),
        ({"flush": "f-1"}, attached("disk-1"), {"guest": None}, [Flush("disk-1", "f-1")]),
        ({"flush": "f-1"}, attached("disk-1", flush={"id": "f-1"}), {}, []),
        ({"flush": "f-1"}, attached("disk-1", flush={"id": "f-1", "error": "no"}), {}, []),
        ({"flush": "f-2"}, attached("disk-1", flush={"id": "f-1"}), {}, [Flush("disk-1", "f-2")]),
        ({"flush": "f-1"}, attached("disk-1"), {"attachments": {"disk-1": pod("disk-1", state=waiting("x"))}}, []),
        ({"flush": "f-1"}, attached("disk-1"), SILENT_NODE, []),
    ],
)
def test_requests_about_a_disk(wish, status, more, steps) -> None:
    machine = vm(disks=("disk-1",), status=status, wishes={"disk-1": wish})
    look = {"pod": pod(), "attachments": CABLE, "guest": guest(disks=THERE)} | more
    assert plan(observed(machine, **look)) == steps


ELSEWHERE = {"disk-1": pod("disk-1", node="node-2")}
DRAINED = {"metadata": {"name": "node-2"}, "spec": {"unschedulable": True}, "status": {}}
LOST_NODE = UNREACHABLE | {"spec": OUT["spec"]}


@pytest.mark.parametrize(
    ("attachments", "node", "there"),
    [
        (ELSEWHERE, {}, "node-2"),
        (ELSEWHERE, UNREACHABLE, "node-2"),
        (FAILED_ELSEWHERE, {}, "node-2"),
        (ELSEWHERE, None, ""),
        (ELSEWHERE, LOST_NODE, ""),
        # A drain moves the machine, and its disks follow: unless nobody can be asked to let go of them.
        (ELSEWHERE, DRAINED, ""),
        (FAILED_ELSEWHERE, DRAINED, "node-2"),
        ({"disk-2": pod("disk-2", node="node-2")}, {}, ""),  # not wanted any more
        ({"disk-1": pod("disk-1", node="")}, {}, ""),
    ],
)
def test_where_the_disks_of_a_machine_hold_it(attachments, node, there) -> None:
    machine = vm(disks=("disk-1",), status=KNOWN_POD, **ROOT)
    assert held_on(observed(machine, attachments=attachments, nodes={"node-2": node})) == there


def pinned(*nodes: str, **more):
    unscheduled = pod(node="", phase="Pending", state=waiting(""), **more)
    unscheduled["metadata"]["annotations"] = build(vm(), "f", "/base", 60, {}, *nodes)["metadata"]["annotations"]
    return unscheduled


@pytest.mark.parametrize(
    ("the_pod", "attachments", "node", "again"),
    [
        (pinned("node-2"), ELSEWHERE, {}, False),
        (pinned("node-2"), {}, {}, True),
        (pinned("node-2"), ELSEWHERE, None, True),
        (pinned("node-2"), ELSEWHERE, DRAINED, True),
        (pinned("node-2", **GONE), {}, {}, False),
        (pinned(), ELSEWHERE, {}, False),
        (pinned(), {}, {}, False),
        (pod(), {}, {}, False),
    ],
)
def test_a_pod_that_waits_for_a_node_where_nothing_holds_it_any_more_is_made_again(
    the_pod, attachments, node, again
) -> None:
    machine = vm(disks=("disk-1",), status=KNOWN_POD, **ROOT)
    steps = plan(observed(machine, pod=the_pod, attachments=attachments, nodes={"node-2": node}))
    assert (DeletePod(VM, "uid-vm-1", 0) in steps) == again


def test_no_pod_is_made_while_a_disk_is_held_on_a_node_that_says_nothing() -> None:
    machine = vm(disks=("disk-1",), status=KNOWN_POD, **ROOT)
    there = {"root_claim": claim("vm-1-root"), "attachments": ELSEWHERE}
    assert plan(observed(machine, nodes={"node-2": UNREACHABLE}, **there)) == []
    assert plan(observed(machine, nodes={"node-2": LOST_NODE}, **there)) == [CreatePod(), LetGo("disk-1")]


CHANGED = seen("7:2 /", was="7:1 /")
LOST = lost_id("disk-1", CHANGED, boots=1)


@pytest.mark.parametrize(
    ("state", "steps"),
    [
        (guest(disks={"disk-1": seen()}), []),
        (guest(disks={"disk-1": seen("", was="7:1 /", mounted=False)}), [Attach("disk-1")]),
        (guest(disks={"disk-1": CHANGED}), [Order("reset", LOST, "disk-1")]),
        (guest(disks={"disk-1": CHANGED}, pending=LOST), []),
        (guest(disks={"disk-1": CHANGED}, served=LOST), [Attach("disk-1")]),
        (guest("stopped", disks={"disk-1": CHANGED}), [Attach("disk-1")]),
        # The same numbers again, after the boot that the first loss led to.
        (
            guest(disks={"disk-1": CHANGED}, served=LOST, boots=2),
            [Order("reset", lost_id("disk-1", CHANGED, boots=2), "disk-1")],
        ),
    ],
)
def test_an_attached_disk(state, steps) -> None:
    look = observed(vm(disks=("disk-1",), status=attached("disk-1")), pod=pod(), guest=state, attachments=CABLE)
    assert plan(look) == steps


@pytest.mark.parametrize(
    ("more", "steps"),
    [
        ({"attachments": CABLE, "guest": guest(disks={"disk-1": seen()})}, [Detach("disk-1")]),
        ({"guest": guest(disks={"disk-1": seen()})}, [Detach("disk-1")]),
        ({"attachments": CABLE, "guest": guest()}, [LetGo("disk-1")]),  # released by an operator that died then
        ({"guest": guest()}, []),
        ({"attachments": CABLE, "guest": None}, [Detach("disk-1")]),  # it may hold the disk, and has to answer
        ({"attachments": CABLE, "guest": guest("starting")}, [Detach("disk-1")]),
        ({"attachments": CABLE, "pod": None, "guest": None}, [LetGo("disk-1")]),
        ({"attachments": CABLE, "pod": pod(state=waiting("ErrImagePull")), "guest": None}, [LetGo("disk-1")]),
    ],
)
def test_a_disk_that_is_not_wanted_any_more(more, steps) -> None:
    assert plan(observed(vm(status=attached("disk-1")), **({"pod": pod()} | more))) == steps


@pytest.mark.parametrize(
    ("node", "there", "steps"),
    [
        (UNREACHABLE, pod(), []),
        (UNREACHABLE, None, []),
        (OUT, None, [LetGo("disk-1")]),
    ],
)
def test_nobody_is_asked_on_a_node_that_does_not_answer(node, there, steps) -> None:
    look = observed(vm(status=attached("disk-1")), pod=there, node=node, attachments=CABLE)
    assert plan(look) == steps


def test_a_later_pod_is_placed_for_the_disks_that_the_machine_has_by_then() -> None:
    named = {"placement": {"disks": ["disk-1"]}}
    assert observed(vm(machine=named)).placed == ["disk-1"]
    assert observed(vm(machine=named, status=KNOWN_POD)).placed == ["disk-1"]
    assert observed(vm(machine=named, disks=("disk-2",), status=LIVED)).placed == ["disk-2"]
