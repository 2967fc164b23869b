"""Steps taken, against stand-ins of the API server and the firmware that write down what they are asked."""

import asyncio

import pytest

from bosh_kubernetes_operator.errors import ConflictError, OrderError, RefusedError, cluster_error
from bosh_kubernetes_operator.machine.apply import Applier
from bosh_kubernetes_operator.machine.orders import Answer
from bosh_kubernetes_operator.machine.steps import (
    Attach,
    CreateAddress,
    CreateAttachment,
    CreateCleanup,
    CreatePod,
    Detach,
    Flush,
    LetGo,
)
from tests.unit.operator.things import NODE, OUT, UNREACHABLE, attached, guest, observed, pod, seen, vm, waiting

GONE = {"deletionTimestamp": "2026-01-02T03:00:00Z"}


class Ask:
    """Stand-in for the firmware: `answers` by order, else success; `asked` in order."""

    def __init__(self, asked: list, **answers: Answer) -> None:
        self.asked, self.answers = asked, answers

    async def machine(self, pod_name: str, *order: str) -> Answer:
        return self._answer(pod_name, *order)

    async def attachment(self, pod_name: str, *order: str) -> Answer:
        return self._answer(pod_name, *order)

    def _answer(self, *order: str) -> Answer:
        self.asked.append(order)
        answer = self.answers.get(order[1], Answer(0, {}, ""))
        if isinstance(answer, Exception):
            raise answer
        return answer


class Api:
    """Stand-in for Cluster: `there` by kind and name; a create of what is there conflicts, as with the real one."""

    def __init__(self, asked: list, there=(), refusal=None) -> None:
        self.asked, self.there, self.refusal = asked, dict(there), refusal

    async def get(self, kind, name):
        return self.there.get((kind, name)) or ({} if kind == "ConfigMap" else None)

    async def create(self, kind, body):
        self.body, name = body, body["metadata"]["name"]
        if self.refusal:
            raise self.refusal
        if (kind, name) in self.there:
            raise ConflictError(f"post {kind} {name}", 409, "AlreadyExists", "already exists")
        self.asked.append(("create", kind, name))

    async def delete(self, kind, name, uid, grace=None):
        self.asked.append(("delete", kind, name, uid, *([] if grace is None else [grace])))


async def take(look, step, *, there=(), refusal=None, **answers):
    asked: list = []
    applier = Applier(Api(asked, there, refusal), Ask(asked, **answers), "/base", 60)
    result = (await applier.apply(look, [step]))[step]
    return result, asked


def detaching(cable, served=(), **more):
    look = {"pod": pod(), "guest": guest(disks={"disk-1": seen()}), "attachments": {"disk-1": cable}} | more
    return observed(vm(status=attached("disk-1", **dict(served))), **look)


async def test_a_detach_asks_the_guest_then_unbinds_then_deletes() -> None:
    result, asked = await take(detaching(pod("disk-1")), Detach("disk-1"))
    assert result.reason == ""
    assert asked == [
        ("vm-1", "release", "disk-1"),
        ("disk-1", "unbind"),
        ("delete", "Pod", "disk-1", "uid-disk-1"),
    ]


async def test_a_disk_that_is_wanted_again_by_now_is_not_released() -> None:
    """What the guest has may be newer than the wish that was seen: another operator attached it."""
    there = {("VirtualMachine", "vm-1"): vm(disks=("disk-1",))}
    result, asked = await take(detaching(pod("disk-1")), Detach("disk-1"), there=there)
    assert (result.reason, result.soon) == ("Detaching", True)
    assert asked == []


async def test_the_attachment_stays_until_all_is_written() -> None:
    not_yet = Answer(75, {"bound": True, "held": []}, "")
    result, asked = await take(detaching(pod("disk-1")), Detach("disk-1"), unbind=not_yet)
    assert (result.reason, result.soon) == ("Detaching", True)
    assert asked == [("vm-1", "release", "disk-1"), ("disk-1", "unbind")]


@pytest.mark.parametrize("order", ["release", "unbind"])
async def test_an_order_that_was_killed_is_no_refusal(order) -> None:
    """DiskBusy would end detach_disk for good."""
    killed = Answer(137, {}, "command terminated with exit code 137")
    result, _ = await take(detaching(pod("disk-1")), Detach("disk-1"), **{order: killed})
    assert (result.reason, result.soon) == ("Detaching", True)
    assert "137" in result.message


async def test_the_steps_of_other_disks_come_to_their_end_when_one_fails() -> None:
    """They would go on beside the next pass otherwise."""
    ended = []

    class Slow(Ask):
        async def attachment(self, pod_name, *order):
            if pod_name == "disk-1":
                raise ValueError("unforeseen")
            for _ in range(10):
                await asyncio.sleep(0)
            ended.append(pod_name)
            return await super().attachment(pod_name, *order)

    cables = {"disk-1": pod("disk-1"), "disk-2": pod("disk-2")}
    applier = Applier(Api([]), Slow([]), "/base", 60)
    with pytest.raises(ValueError, match="unforeseen"):
        await applier.apply(detaching(None, attachments=cables), [LetGo("disk-1"), LetGo("disk-2")])
    assert ended == ["disk-2"]


BUSY = Answer(1, {"released": False, "mounts": ["/var/vcap/store"], "processes": ["423 nginx"]}, "")


async def test_a_refused_release_changes_nothing_and_names_the_processes() -> None:
    result, asked = await take(detaching(pod("disk-1")), Detach("disk-1"), release=BUSY)
    assert result.reason == "DiskBusy"
    assert "423 nginx" in result.message
    assert "/var/vcap/store" in result.message
    assert asked == [("vm-1", "release", "disk-1")]


@pytest.mark.parametrize("answer", [OrderError("no answer"), Answer(75, {}, "")])
async def test_without_an_answer_nothing_is_unbound(answer) -> None:
    result, asked = await take(detaching(pod("disk-1")), Detach("disk-1"), release=answer)
    assert result.reason
    assert result.soon
    assert asked == [("vm-1", "release", "disk-1")]


async def test_a_machine_that_cannot_be_asked_keeps_its_disk() -> None:
    stuck = pod(state=waiting("CrashLoopBackOff"))
    result, asked = await take(detaching(pod("disk-1"), pod=stuck, guest=None), Detach("disk-1"))
    assert result.reason == "Detaching"
    assert asked == []


async def test_a_refused_unbind_keeps_the_attachment() -> None:
    held = Answer(1, {"bound": True, "held": ["423 nginx /store"]}, '{"held":["423 nginx /store"]}')
    result, asked = await take(detaching(pod("disk-1")), LetGo("disk-1"), unbind=held)
    assert result.reason == "DiskBusy"
    assert "423 nginx" in result.message
    assert asked == [("disk-1", "unbind")]


async def test_a_disk_that_cannot_be_unbound_once_the_guest_let_go_stays_the_machines() -> None:
    """Else a reboot would start its jobs on an empty store."""
    held = Answer(1, {"bound": True, "held": ["423 nginx /store"]}, '{"held":["423 nginx /store"]}')
    look = detaching(pod("disk-1"), guest=guest(disks={"disk-1": seen(held=("/var/vcap/store",))}))
    result, asked = await take(look, Detach("disk-1"), unbind=held)
    assert asked == [("vm-1", "release", "disk-1"), ("disk-1", "unbind"), ("vm-1", "attach", "disk-1")]
    assert result.reason == "DiskBusy"
    for words in ("423 nginx", "/var/vcap/store", "reboot"):
        assert words in result.message


async def test_then_the_settings_of_its_agent_list_it_again_if_they_did() -> None:
    held = Answer(1, {"bound": True, "held": ["423 nginx"]}, "")
    _, asked = await take(detaching(pod("disk-1"), {"inSettings": "s-1"}), Detach("disk-1"), unbind=held)
    assert asked[-1] == ("vm-1", "attach", "disk-1", "settings")


async def test_nothing_is_said_of_mounts_when_the_guest_had_none() -> None:
    held = Answer(1, {"bound": True, "held": ["423 nginx /store"]}, "held by 423 nginx")
    result, _ = await take(detaching(pod("disk-1")), Detach("disk-1"), unbind=held)
    assert result.message == "held by 423 nginx"


DELETED = [("delete", "Pod", "disk-1", "uid-disk-1")]
FORCED = [("delete", "Pod", "disk-1", "uid-disk-1", 0)]  # nobody on such a node would tell of its end
RESTARTING = pod("disk-1", state=waiting("CrashLoopBackOff"))
RESTARTING["status"]["containerStatuses"][0]["restartCount"] = 1


@pytest.mark.parametrize(
    ("cable", "more", "expected"),
    [
        (pod("disk-1", **GONE), {}, [("disk-1", "unbind")]),
        (pod("disk-1", state=waiting("ContainerCreating")), {}, DELETED),  # it never bound anything
        (RESTARTING, {}, []),  # its bind may be there
        (pod("disk-1", phase="Failed", state={"terminated": {}}), {}, DELETED),
        (pod("disk-1", phase="Succeeded", state={"terminated": {}}), {}, DELETED),
        (pod("disk-1"), {"node_absent": True}, FORCED),
        (pod("disk-1", **GONE), {"node_absent": True}, FORCED),
        (pod("disk-1"), {"node": None}, [("disk-1", "unbind"), *DELETED]),  # not looked at is not gone
        (pod("disk-1"), {"node": UNREACHABLE}, []),
        (pod("disk-1"), {"node": OUT}, FORCED),
        (pod("disk-1", **GONE), {"node": OUT}, FORCED),
        (pod("disk-1", **GONE), {"node": UNREACHABLE}, []),
        (pod("disk-1", node="node-2"), {"node": OUT}, [("disk-1", "unbind"), *DELETED]),  # the machine's, not its own
    ],
)
async def test_letting_go(cable, more, expected) -> None:
    _, asked = await take(detaching(cable, **more), LetGo("disk-1"))
    assert asked == expected


def cable(container: str, *, ready: bool = True, **more):
    made = pod("disk-1", **more)
    made["status"]["containerStatuses"][0] |= {"ready": ready, "containerID": container}
    return made


async def test_a_container_that_has_unbound_its_disk_is_not_asked_again() -> None:
    """An order to one that ends takes long to fail. One that was started in its place may have bound the disk anew."""
    asked: list = []
    applier = Applier(Api(asked), Ask(asked), "/base", 60)
    for seen_now in (cable("first"), cable("first", **GONE), cable("first", state={"terminated": {}}, **GONE)):
        assert not (await applier.apply(detaching(seen_now), [LetGo("disk-1")]))[LetGo("disk-1")].reason
    assert asked == [("disk-1", "unbind"), *DELETED]
    await applier.apply(detaching(cable("second", **GONE)), [LetGo("disk-1")])
    assert asked[2:] == [("disk-1", "unbind")]


async def test_a_container_that_may_not_have_bound_its_disk_yet_is_asked_again() -> None:
    asked: list = []
    applier = Applier(Api(asked), Ask(asked), "/base", 60)
    for seen_now in (cable("first", ready=False), cable("first", ready=False, **GONE)):
        await applier.apply(detaching(seen_now), [LetGo("disk-1")])
    assert asked == [("disk-1", "unbind"), *DELETED, ("disk-1", "unbind")]


@pytest.mark.parametrize(("deleted", "words"), [({}, "to be started again"), (GONE, "its Pod ends")])
async def test_only_a_pod_that_stays_is_waited_for_to_run_again(deleted, words) -> None:
    ended = pod("disk-1", state={"terminated": {"exitCode": 0}}, **deleted)
    result, _ = await take(detaching(ended), LetGo("disk-1"))
    assert result.reason == "Detaching"
    assert words in result.message


def owned_by(machine: str):
    return {"metadata": {"labels": {"cpi.bosh.io/machine": machine}}}


@pytest.mark.parametrize(("holder", "reason"), [("vm-1", ""), ("vm-2", "DiskInUse")])
async def test_the_owner_of_an_attachment_of_that_name_decides_who_has_the_disk(holder, reason) -> None:
    look = observed(vm(disks=("disk-1",)), pod=pod())
    result, _ = await take(look, CreateAttachment("disk-1"), there={("Pod", "disk-1"): owned_by(holder)})
    assert result.reason == reason
    assert not reason or holder in result.message


QUOTA = RefusedError("post Pod x", 403, "Forbidden", 'pods "x" is forbidden: exceeded quota: q, requested: cpu=1')
INVALID = RefusedError("post Pod x", 422, "Invalid", "spec.containers[0].image: Required value")
TAKEN = RefusedError("post Service x", 422, "Invalid", "spec.clusterIPs: provided IP is already allocated")


@pytest.mark.parametrize(("refusal", "reason"), [(QUOTA, "QuotaExceeded"), (INVALID, "PodRefused")])
@pytest.mark.parametrize("step", [CreatePod(), CreateAttachment("disk-1")])
async def test_a_refused_pod_says_why(step, refusal, reason) -> None:
    result, _ = await take(observed(vm(), pod=pod()), step, refusal=refusal)
    assert result.reason == reason
    assert refusal.message in result.message


@pytest.mark.parametrize(
    ("own_image", "known", "image"),
    [
        (True, "registry/operator:1", "registry/operator:1"),
        (True, "", "registry/stemcell@sha256:1"),
        (False, "registry/operator:1", "registry/stemcell@sha256:1"),
    ],
)
async def test_the_image_that_cleans_up(own_image, known, image) -> None:
    api = Api([])
    applier = Applier(api, Ask([]), "/base", 60, known)
    await applier.apply(observed(vm(), pod=pod()), [CreateCleanup(own_image)])
    assert api.body["spec"]["containers"][0]["image"] == image


FAILS = cluster_error("post Pod x", 500, "InternalError", "etcdserver: request timed out")
BUSY_API = cluster_error("post Pod x", 429, "TooManyRequests", "try again later")
SILENT_API = cluster_error("post Pod x", 0, "NoAnswer", "the API server did not answer")


@pytest.mark.parametrize("failure", [FAILS, BUSY_API, SILENT_API])
@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (CreatePod(), "PodCreating"),
        (CreateAttachment("disk-1"), "Attaching"),
        (CreateAddress("10.96.9.9"), "PodCreating"),
    ],
)
async def test_an_api_server_that_fails_for_a_moment_has_refused_nothing(step, reason, failure) -> None:
    """A refusal ends create_vm and attach_disk at once; this is tried again."""
    network = {"name": "d", "type": "manual", "ip": "10.96.9.9", "ports": [80]}
    look = observed(vm(machine={"networks": [network]}), pod=pod())
    result, _ = await take(look, step, refusal=failure)
    assert result.reason == reason
    assert failure.message in result.message
    assert result.error is failure


async def test_a_machine_whose_disks_are_attached_somewhere_is_made_again_there() -> None:
    api = Api([])
    look = observed(vm(disks=("disk-1",), machine={"rootDisk": {"storageClass": "s"}}), attachments={"disk-1": pod()})
    await Applier(api, Ask([]), "/base", 60).apply(look, [CreatePod()])
    required = api.body["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert required["nodeSelectorTerms"][0]["matchFields"][0]["values"] == [NODE]


async def test_a_pod_that_is_there_already_was_made_by_an_earlier_try() -> None:
    result, _ = await take(observed(vm()), CreatePod(), there={("Pod", "vm-1"): pod()})
    assert result.reason == ""


async def test_an_address_in_use_names_its_holder() -> None:
    network = {"name": "d", "type": "manual", "ip": "10.96.9.9", "ports": [80]}
    look = observed(vm(machine={"networks": [network]}))
    held = {("Service", "ip-10-96-9-9"): owned_by("vm-2")}
    result, _ = await take(look, CreateAddress("10.96.9.9"), there=held)
    assert (result.reason, "vm-2" in result.message) == ("AddressInUse", True)
    result, _ = await take(look, CreateAddress("10.96.9.9"), refusal=TAKEN)
    assert result.reason == "AddressInUse"
    gone = ConflictError("post Service x", 409, "AlreadyExists", "already exists")
    result, _ = await take(look, CreateAddress("10.96.9.9"), refusal=gone)
    assert (result.reason, result.soon) == ("PodCreating", True)
    mine = {("Service", "ip-10-96-9-9"): {"metadata": {"ownerReferences": [{"uid": "uid-vm"}]}}}
    result, _ = await take(look, CreateAddress("10.96.9.9"), there=mine)
    assert result.reason == ""


@pytest.mark.parametrize(
    ("answer", "reason", "soon"),
    [
        (Answer(0, {}, ""), "", False),
        (Answer(75, {}, ""), "Attaching", True),
        (Answer(1, {}, ""), "DiskLost", False),
        (Answer(1, {"error": "no space left on the root disk"}, ""), "Attaching", True),
        (Answer(64, {"error": "usage: ctl"}, ""), "Attaching", True),  # older firmware does not know the order
    ],
)
async def test_an_attach_is_done_when_the_guest_sees_the_disk(answer, reason, soon) -> None:
    result, _ = await take(observed(vm(), pod=pod()), Attach("disk-1"), attach=answer)
    assert (result.reason, result.soon) == (reason, soon)
    assert answer.data.get("error", "") in result.message


async def test_an_attach_for_the_settings_says_so_to_the_firmware() -> None:
    waits, asked = await take(observed(vm(), pod=pod()), Attach("disk-1", "s-1"), attach=Answer(75, {}, ""))
    assert asked == [("vm-1", "attach", "disk-1", "settings")]
    assert "settings" in waits.message
    _, asked = await take(observed(vm(), pod=pod()), Attach("disk-1"))
    assert asked == [("vm-1", "attach", "disk-1")]


@pytest.mark.parametrize(
    ("answer", "reason", "message"),
    [
        (Answer(0, {"flushed": True}, ""), "", ""),
        (Answer(75, {"flushed": False}, ""), "Unanswered", "what was written goes to the device"),
        (Answer(1, {"flushed": False, "errors": ["sync: Input/output error"]}, "{}"), "", "sync: Input/output error"),
        (Answer(64, {}, "attachment: unknown: flush"), "", "attachment: unknown: flush"),
    ],
)
async def test_a_flush_is_served_when_it_is_done_or_has_failed(answer, reason, message) -> None:
    result, asked = await take(observed(vm(), pod=pod()), Flush("disk-1", "f-1"), flush=answer)
    assert asked == [("disk-1", "flush", "f-1")]
    assert (result.reason, result.message, result.soon) == (reason, message, answer.code == 75)
