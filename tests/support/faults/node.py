"""STAND-IN for a cluster under the operator: the store of the stand-in API server, a kubelet, and the firmware.

What it does not do: scheduling (there is one node, and it takes all), time (a Pod runs and ends at the next `turn`),
devices. It insists on the order in which disks are let go: an attachment whose disk the guest still has does not
unbind, and its Pod is not deleted.
"""

from datetime import datetime, timezone
from typing import Any

from bosh_kubernetes_api import names
from bosh_kubernetes_operator.cluster import KINDS as OPERATED
from bosh_kubernetes_operator.errors import OrderError, cluster_error
from bosh_kubernetes_operator.machine.attachment import ROLE_CLEANUP
from bosh_kubernetes_operator.machine.orders import DONE, REFUSED, Answer
from tests.support.fakeapi.errors import Refusal
from tests.support.fakeapi.kinds import Kind, all_kinds
from tests.support.fakeapi.store import Store

Json = dict[str, Any]

NAMESPACE = "bosh-machines"
NODE = "node-1"
KUBELET = "example.com/kubelet"  # a finalizer: the Pod's containers have not ended yet


class Killed(BaseException):
    """The operator's process is no more: not an Exception, so that nothing of it lives on."""


class Node:
    """The store, and what runs on the only node."""

    def __init__(self) -> None:
        known = all_kinds()
        more = [
            Kind(k.group, k.version, k.plural, kind, k.namespaced)
            for kind, k in OPERATED.items()
            if kind not in [one.kind for one in known]
        ]
        self.store = Store([*known, *more])
        self.guests: dict[str, Guest] = {}  # by uid of the machine's Pod
        self.boots = 0  # of all guests there ever were
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
        ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
        self.store.create("Node", "", node | ready)

    def pod(self, name: str) -> Json | None:
        return self.store.find("Pod", NAMESPACE, name)

    def turn(self) -> None:
        """What a kubelet does until everything that can run or end has done so."""
        for pod in self.store.list("Pod", NAMESPACE):
            name, role = pod["metadata"]["name"], pod["metadata"]["labels"][names.ROLE]
            if "deletionTimestamp" in pod["metadata"]:
                self.guests.pop(pod["metadata"]["uid"], None)
                self.store.merge_patch("Pod", NAMESPACE, name, {"metadata": {"finalizers": None}})
            elif "status" not in pod:
                if role == names.ROLE_MACHINE:
                    self.guests[pod["metadata"]["uid"]] = Guest(self)
                self._runs(name)
            elif role == ROLE_CLEANUP and not self._uses(pod["metadata"]["labels"][names.MACHINE]):
                ended = [{"name": "c", "restartCount": 0, "lastState": {}, "state": {"terminated": {"exitCode": 0}}}]
                status = {"phase": "Succeeded", "containerStatuses": ended}
                self.store.merge_patch("Pod", NAMESPACE, name, {"status": status}, status=True)

    def _runs(self, name: str) -> None:
        state = {"running": {"startedAt": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")}}
        status = {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "containerStatuses": [{"name": "c", "ready": True, "restartCount": 0, "lastState": {}, "state": state}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        self.store.merge_patch("Pod", NAMESPACE, name, {"spec": {"nodeName": NODE}})
        self.store.merge_patch("Pod", NAMESPACE, name, {"status": status}, status=True)

    def _uses(self, machine: str) -> list[Json]:
        """Pods that keep the machine's directory from being removed."""
        return [
            pod
            for pod in self.store.list("Pod", NAMESPACE)
            if pod["metadata"]["labels"][names.MACHINE] == machine
            and pod["metadata"]["labels"][names.ROLE] in (names.ROLE_MACHINE, names.ROLE_ATTACHMENT)
        ]

    def holds(self, disk: str) -> bool:
        """Whether some guest has the disk mounted."""
        return any(disk in guest.disks for guest in self.guests.values())


class Guest:
    """What the firmware of one machine's Pod knows."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.state, self.served = "running", ""
        self.disks: set[str] = set()
        self.listed: set[str] = set()  # in the settings of its agent
        self._boot()

    def _boot(self) -> None:
        self.state = "running"
        self._node.boots += 1

    def order(self, word: str, *rest: str) -> Answer:
        if word == "release":
            self.disks.discard(rest[0])
            self.listed.discard(rest[0])
            return Answer(DONE, {"released": True}, "")
        if word == "attach":
            self.disks.add(rest[0])
            self.listed |= {rest[0]} if rest[1:] else set()
        elif word in ("reboot", "reset") and self.served != rest[0]:
            self.served = rest[0]
            self._boot()
        elif word == "stop":
            self.state = "stopped"
        elif word == "start" and self.state == "stopped":
            self._boot()
        return Answer(DONE, self._tell(), "")

    def _tell(self) -> Json:
        disk = {"mounted": True, "key": "7:1 /", "was": "7:1 /", "held": []}
        pid = 9 if self.state == "running" else None
        disks = dict.fromkeys(sorted(self.disks), disk)
        power = "off" if self.state == "stopped" else "on"
        counts = {"boots": 1, "crashes": 0, "served": self.served}
        return {"state": self.state, "power": power, "guest": pid, "disks": disks, **counts}


class Hands:
    """The API server and the firmware as one operator process reaches them; it dies at its change number `last`.

    `after`: once that change has been made. `changes` tells them in order.
    """

    namespace = NAMESPACE

    def __init__(self, node: Node, last: int = -1, *, after: bool = False) -> None:
        self._node, self._store = node, node.store
        self._last, self._after = last, after
        self._dead = False
        self.changes: list[str] = []

    async def get(self, kind: str, name: str) -> Json | None:
        self._alive()
        return self._store.find(kind, self._where(kind), name)

    async def list(self, kind: str, label_selector: str = "", field_selector: str = "") -> list[Json]:
        self._alive()
        if field_selector:
            return []  # Events, and there is nothing to warn of
        wanted = dict(pair.split("=", 1) for pair in label_selector.split(",") if pair)
        found = self._store.list(kind, self._where(kind))
        return [one for one in found if wanted.items() <= one["metadata"].get("labels", {}).items()]

    async def create(self, kind: str, body: Json) -> Json:
        body = {**body, "metadata": dict(body["metadata"])}
        if kind == "Pod":
            body["metadata"]["finalizers"] = [KUBELET]
        return self._change(f"create {kind}", lambda: self._store.create(kind, self._where(kind), body))

    async def merge(self, kind: str, name: str, body: Json) -> Json:
        return self._change(f"merge {kind}", lambda: self._store.merge_patch(kind, self._where(kind), name, body))

    async def apply_status(self, kind: str, name: str, uid: str, status: Json) -> Json:
        def apply() -> Json:
            old = self._store.get(kind, NAMESPACE, name).get("status", {})
            patch = {"metadata": {"uid": uid}, "status": dict.fromkeys(old) | status}
            return self._store.merge_patch(kind, NAMESPACE, name, patch, status=True)

        return self._change(f"apply_status {kind}", apply)

    async def delete(self, kind: str, name: str, uid: str, grace: int | None = None) -> None:
        assert not (kind == "Pod" and self._node.holds(name)), f"{name} is taken away from under its guest"
        try:
            self._change(f"delete {kind}", lambda: self._store.delete(kind, self._where(kind), name, uid=uid))
        except Exception as error:
            if getattr(error, "status", 0) not in (404, 409):
                raise

    async def machine(self, name: str, *order: str) -> Answer:
        self._alive()
        guest = self._node.guests.get((self._node.pod(name) or {"metadata": {"uid": ""}})["metadata"]["uid"])
        if guest is None:
            raise OrderError(f"{name}: there is no such container")
        if order == ("status",):
            return guest.order("status")
        if order[0] == "attach" and self._node.pod(order[1]) is None:
            return Answer(REFUSED, {"error": "nothing is bound there"}, "")
        return self._change(f"order {order[0]}", lambda: guest.order(*order))

    async def attachment(self, name: str, *order: str) -> Answer:
        if order[0] == "flush":
            return self._change("order flush", lambda: Answer(DONE, {"flushed": True}, ""))
        assert order == ("unbind",)
        busy = self._node.holds(name)
        return self._change("order unbind", lambda: Answer(REFUSED if busy else DONE, {}, "busy" if busy else ""))

    def _where(self, kind: str) -> str:
        return NAMESPACE if OPERATED[kind].namespaced else ""

    def _alive(self) -> None:
        if self._dead:
            raise Killed

    def _change(self, what: str, make: Any) -> Any:
        self._alive()
        here = len(self.changes) == self._last
        self.changes.append(what)
        self._dead = here
        if here and not self._after:
            raise Killed
        try:
            made = make()
        except Refusal as refusal:
            raise cluster_error(what, refusal.code, refusal.reason, refusal.message) from None
        if here:
            raise Killed
        return made
