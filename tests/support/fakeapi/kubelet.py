"""A stand-in for a node that runs the Pods of doctor's probe: it pulls from a registry, and says how they ended.

Nothing runs, and nothing is mounted. A Pod whose image is in `registry` (a stand-in's store) is pulled; what has
nothing to run then fails to start, as it would; else its containers end well, unless `faults` has what one says.
"""

from typing import Any

from tests.support.fakeapi.controller import Controller
from tests.support.fakeapi.store import Store
from tests.support.registry.store import Store as Images

Json = dict[str, Any]

NODE = "worker-1"
NO_PROGRAM = 'exec: "/doctor": stat /doctor: no such file or directory: unknown'


class FakeKubelet(Controller):
    def __init__(self, store: Store, namespace: str, registry: Images | None = None) -> None:
        super().__init__(store, namespace)
        self.registry = registry
        self.faults: dict[str, str] = {}  # container -> what it says when it ends with 1
        self.unschedulable = ""  # what the scheduler says of every Pod
        self.idle = False
        self.seen: list[Json] = []  # Pods, as they were made

    def look(self) -> None:
        for pod in self._store.list("Pod", self._namespace):
            if not self.idle and "status" not in pod:
                self.seen.append(pod)
                name = pod["metadata"]["name"]
                if not self.unschedulable:
                    self._store.merge_patch("Pod", self._namespace, name, {"spec": {"nodeName": NODE}})
                self._store.merge_patch("Pod", self._namespace, name, {"status": self._status(pod)}, status=True)

    def _status(self, pod: Json) -> Json:
        if self.unschedulable:
            condition = {"type": "PodScheduled", "status": "False", "message": self.unschedulable}
            return {"phase": "Pending", "conditions": [condition]}
        states = {each["name"]: self._state(each) for each in pod["spec"]["containers"]}
        failed = [state for state in states.values() if state["terminated"]["exitCode"]]
        return {
            "phase": "Failed" if failed else "Succeeded",
            "containerStatuses": [{"name": name, "state": state} for name, state in states.items()],
        }

    def _state(self, container: Json) -> Json:
        if container["name"] == "pull":
            digest = container["image"].partition("@")[2]
            assert self.registry is not None
            assert digest in {found for _, found in self.registry.manifests}, "the image is not in the registry"
            return {"terminated": {"exitCode": 128, "reason": "StartError", "message": NO_PROGRAM}}
        if said := self.faults.get(container["name"]):
            return {"terminated": {"exitCode": 1, "reason": "Error", "message": f"{said}\n"}}
        return {"terminated": {"exitCode": 0, "reason": "Completed"}}
