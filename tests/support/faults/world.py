"""A stand-in API server, operator and registry with one CPI, and what is in them, told so that two runs compare."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from bosh_kubernetes_api import names, stemcells
from bosh_kubernetes_cpi import dispatch
from bosh_kubernetes_cpi.call import Call
from tests.support.cpi_process import ENVIRONMENT, Answer, checked
from tests.support.fakeapi.faults import Fault
from tests.support.fakeapi.operator import FakeOperator
from tests.support.fakeapi.server import TOKEN, FakeApi, Seen
from tests.support.fakeapi.sidecars import FakeSidecars
from tests.support.fakeapi.storage import FakeStorage
from tests.support.faults import compressed
from tests.support.registry.server import PASSWORD, USER, Registry, Traits

Json = dict[str, Any]

NAMESPACE = "bosh-machines"
DIRECTOR = "9b0e9bd1-4e66-4c1c-8c0a-5d1ad1d8c4a1"
CONTEXT: Json = {"director_uuid": DIRECTOR, "vm": {"stemcell": {"api_version": 3}}}
IMAGE = "registry.example.com/stemcell@sha256:" + "0" * 64
STEMCELL = names.stemcell_cid(IMAGE)
COMMAND = [sys.executable, "-I", "-S", compressed.__file__]
SETTLING = 8  # seconds until what was stored has come true

_CID = re.compile(r"\b(vm|disk|snapshot)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STEMCELL = re.compile(r"\bstemcell-[0-9a-f]{20}\b")
_OF_A_RUN = ("uid", "resourceVersion", "creationTimestamp", "generation", "lastTransitionTime", "observedGeneration")
_OF_A_CALL = ("reboot", names.DELETING)  # ids and times that every call makes anew: whether there is one counts


class World:
    """With `call` the CPI is called in a process of its own; `arrange` does so in this one, which is quicker.

    Operator and storage work while the call watches, and when no call runs: so every wait begins with a watch.
    """

    def __init__(self, folder: Path) -> None:
        self.api = FakeApi()
        self.operator = FakeOperator(self.api.store, NAMESPACE)
        self.storage = FakeStorage(self.api.store, NAMESPACE)  # these two only where a scenario has them run
        self.sidecars = FakeSidecars(self.api.store, NAMESPACE)
        self._running: list[object] = []
        self.registry = Registry(Traits(auth="token"))
        self.known: dict[str, str] = {}  # CID -> what it is called in tellings
        self.stemcell = self.detached = ""  # CIDs, where a scenario has to find them again
        self.folder = folder
        self._config = folder / "config.json"
        self._stack = ExitStack()
        self._fault: tuple[tuple[str, int], Fault, bool] | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.calls: list[tuple[str, int]] = []  # of the last `call`: each request and which one of its sort it was
        self._out = False

    def __enter__(self) -> "World":
        with self._stack as stack:
            stack.enter_context(self.api)
            stack.enter_context(self.operator)
            stack.enter_context(self.registry)
            self._stack = stack.pop_all()
        annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
        storage = {"metadata": {"name": "standard", "annotations": annotations}, "provisioner": "example.com/none"}
        storage["allowVolumeExpansion"] = True
        self.api.store.create(
            "StorageClass", "", {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", **storage}
        )
        stemcell = stemcells.build(IMAGE, director="somebody", form=stemcells.LIGHT, pull_secrets=[])
        self.api.store.create("Stemcell", NAMESPACE, stemcell)
        self._config.write_text(
            json.dumps(
                {
                    "kubernetes": {"server": self.api.url, "ca": self.api.authority.pem, "token": TOKEN},
                    "namespace": NAMESPACE,
                    "agent": {"mbus": "nats://127.0.0.1:4222"},
                    "registry": {"host": self.registry.host, "username": USER, "password": PASSWORD},
                    "timeouts": {"schedule": 5, "pull": 5, "node_loss": 5, "operator": 3},
                }
            )
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self._stack.close()

    def run(self, stand_in: FakeStorage | FakeSidecars) -> None:
        """From now on it works, until the end."""
        if stand_in not in self._running:
            self._running.append(stand_in)
            self._stack.enter_context(stand_in)

    def arrange(self, method: str, *arguments: Any) -> Any:
        """The result of a call that must succeed, made in this process."""
        module = import_module(f"bosh_kubernetes_cpi.methods.{dispatch.METHODS[method][0]}")
        call = Call(method, CONTEXT, version=2, config_path=str(self._config), limit=60)
        try:
            return getattr(module, method)(call, *arguments)
        finally:
            call.api.close()

    def call(
        self,
        method: str,
        *arguments: Any,
        at: tuple[str, int] = ("", 0),
        fault: Fault | None = None,
        lasts: bool = False,
    ) -> Answer | None:
        """The answer of a CPI process; None when it was killed. At its request `at` the `fault` happens.

        Raises TimeoutExpired when it takes longer than it may.
        """
        self.calls, self._out = [], False
        self._fault = (at, fault, lasts) if fault else None
        self._quiet(True)
        self.api.intercept = self._asked
        self.process = subprocess.Popen(
            [*COMMAND, str(self._config)], stdin=-1, stdout=-1, stderr=-1, env=ENVIRONMENT, bufsize=0
        )
        try:
            stdout, stderr = self.process.communicate(_request(method, arguments), compressed.LONGEST + 10)
            code = self.process.returncode
        finally:
            self.process.kill()
            self.process.communicate()
            self.process = None
            self.api.intercept = lambda _: None
            self.operator.mounts = True
            self._quiet(False)
        return None if code < 0 else checked(stdout, stderr, code)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()

    @property
    def met(self) -> bool:
        """Whether the point of the last `call` came to pass."""
        return self._fault is None

    def _asked(self, seen: Seen) -> Fault | None:
        """At every request of the CPI."""
        watches = "watch=true" in seen.query
        sort = f"{'WATCH' if watches else seen.method} {self._named(_short(seen.path))}"
        number = len([one for one, _ in self.calls if one == sort])
        self.calls.append((sort, number))
        self._quiet(not watches)
        if sort == "GET virtualmachines":
            self.operator.mounts = True
        if self._out:
            return Fault(503)
        if self._fault is None or self._fault[0] != (sort, number):
            return None
        (_, fault, self._out), self._fault = self._fault, None
        return fault

    def _quiet(self, quiet: bool) -> None:
        """Whether the cluster rests, or does what is asked of it: the operator's work, and the end of claims."""
        store = self.api.store
        with store.changed:
            self.operator.idle = self.storage.idle = self.sidecars.silent = quiet
            for claim in [] if quiet else store.list("PersistentVolumeClaim", NAMESPACE):
                if claim["metadata"].get("deletionTimestamp"):
                    patch = {"metadata": {"finalizers": None}}
                    store.merge_patch("PersistentVolumeClaim", NAMESPACE, claim["metadata"]["name"], patch)
            store.changed.notify_all()

    def tell(self) -> list[str]:
        """Every object and image that is there, without what differs between two runs of the same calls."""
        store = self.api.store
        with store.changed:
            found = [
                value
                for kind in store.kinds
                if kind != "Lease" and store.kinds[kind].namespaced
                for value in store.list(kind, NAMESPACE)
            ]
        images = [f"image {repository}@{digest}" for repository, digest in self.registry.store.manifests]
        return sorted(
            [_told(self._named(json.dumps(value))) for value in found] + [self._named(image) for image in images]
        )

    def rest(self) -> list[str]:
        """What is there once the operator has looked twice and changed nothing."""
        store = self.api.store
        with store.changed:
            while True:
                now = self.tell()
                for _ in range(2):
                    lease = store.find("Lease", NAMESPACE, names.LEASE)
                    store.changed.notify_all()  # so that it looks at once
                    assert store.changed.wait_for(
                        lambda old=lease: store.find("Lease", NAMESPACE, names.LEASE) != old, 10
                    )
                if self.tell() == now:
                    return now

    def settles(self, wanted: Callable[[list[str]], bool]) -> bool:
        """Whether what is there becomes what is wanted, in time."""
        with self.api.store.changed:
            return self.api.store.changed.wait_for(lambda: wanted(self.tell()), SETTLING)

    def said(self, answer: Answer) -> str:
        """The result, or type and ok_to_retry of the error: what every run of the same call has in common."""
        if answer.error is not None:
            return f"{answer.error['type']} {answer.error['ok_to_retry']}"
        return self._named(json.dumps(answer.result, sort_keys=True))

    def disks(self) -> dict[str, str]:
        """Disk CID -> uid of its claim, of those that nobody has asked to delete."""
        claims = self.api.store.list("PersistentVolumeClaim", NAMESPACE)
        there = [claim["metadata"] for claim in claims if "deletionTimestamp" not in claim["metadata"]]
        return {metadata["name"]: metadata["uid"] for metadata in there}

    def nameless(self) -> set[str]:
        """Names of all disks and snapshots: what only the answer to a call tells its caller."""
        kinds = ("PersistentVolumeClaim", "VolumeSnapshot")
        return {one["metadata"]["name"] for kind in kinds for one in self.api.store.list(kind, NAMESPACE)}

    def _named(self, text: str) -> str:
        text = _STEMCELL.sub(lambda found: "stemcell-1" if found[0] == STEMCELL else "stemcell-new", text)
        text = _CID.sub(lambda found: self.known.get(found[0], f"{found[1]}-new"), text)
        return _UID.sub("uid", text.replace(self.registry.host, "registry"))


def _request(method: str, arguments: tuple[Any, ...]) -> bytes:
    request = {"method": method, "arguments": list(arguments), "context": CONTEXT, "api_version": 2}
    return json.dumps(request).encode()


def _short(path: str) -> str:
    """Without group, version and namespace."""
    return path.partition(f"/namespaces/{NAMESPACE}/")[2] or path.rpartition("/")[2]


def _told(text: str) -> str:
    return json.dumps(_plain(json.loads(text)), sort_keys=True)


def _plain(value: Any) -> Any:
    """Without ids and times, and lists in one order: they are sorted by CIDs, which differ."""
    if isinstance(value, list):
        return sorted((_plain(item) for item in value), key=str)
    if not isinstance(value, dict):
        return value
    kept = {key: _plain(item) for key, item in value.items() if key not in _OF_A_RUN and item != {}}
    return kept | {key: "some" for key in _OF_A_CALL if value.get(key)}
