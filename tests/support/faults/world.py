"""One CPI with what it is a CPI for, and what is in there, told so that two runs compare."""

import json
import re
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from bosh_kubernetes_cpi import dispatch
from bosh_kubernetes_cpi.call import Call
from tests.support.cpi_process import ENVIRONMENT, Answer, checked
from tests.support.fakeapi.faults import Fault
from tests.support.fakeapi.server import Seen
from tests.support.faults import compressed

Json = dict[str, Any]

NETWORKS = {"default": {"type": "dynamic", "default": ["dns", "gateway"], "cloud_properties": {}}}
METADATA = {"director": "d", "deployment": "x", "job": "db", "index": "0"}

CID = re.compile(r"\b(vm|disk|snapshot)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
STEMCELL_CID = re.compile(r"\bstemcell-[0-9a-f]{20}\b")
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ADDRESS = re.compile(r"\b\d+(\.\d+){3}\b")


class Interceptor(Protocol):
    """What stands between the CPI and its API server, and asks `intercept` at each request."""

    intercept: Callable[[Seen], Fault | None]


class World(ABC):
    """With `call` the CPI is called in a process of its own; `arrange` does so in this one, which is quicker.

    Machines, disks and the like are made by methods, as a world may lend one that it has.
    """

    stemcell: str  # CID of one that machines can be made of
    namespace: str
    changed: Json  # cloud_properties that a disk of `disk_with_classes` can be changed to
    server: Interceptor
    limit = compressed.LIMIT  # seconds for any method
    answer = compressed.ANSWER  # seconds that a server may be silent

    def __init__(self, folder: Path, director: str) -> None:
        self.context: Json = {"director_uuid": director, "vm": {"stemcell": {"api_version": 3}}}
        self.folder = folder
        self.config = folder / "config.json"
        self.known: dict[str, str] = {}  # CID -> what it is called in tellings
        self.heavy = self.detached = ""  # CIDs, where a scenario has to find them again
        self.calls: list[tuple[str, int]] = []  # of the last `call`: each request and which one of its sort it was
        self.process: subprocess.Popen[bytes] | None = None
        self._fault: tuple[tuple[str, int], Fault, bool] | None = None
        self._out = False

    @abstractmethod
    def machine(self, name: str = "vm-1", agent: str = "agent-1") -> str:
        """CID of a machine, called `name` in tellings. Another than "vm-1" is not shared."""

    @abstractmethod
    def disk(self, name: str = "disk-1") -> str:
        """CID of a disk that no machine has."""

    @abstractmethod
    def with_disk(self) -> tuple[str, str]:
        """A machine with two disks: its CID, and that of the first."""

    @abstractmethod
    def disk_with_classes(self) -> str:
        """A disk that can be changed and snapshotted, and that no machine has."""

    @abstractmethod
    def growing_disk(self) -> str:
        """A disk that can grow, that has a volume, and that no machine has."""

    @abstractmethod
    def snapshot(self) -> str:
        """CID of a snapshot."""

    @abstractmethod
    def image(self) -> str:
        """Path of a heavy stemcell's image that is not uploaded yet."""

    @abstractmethod
    def tell(self) -> list[str]:
        """Everything that is there, without what differs between two runs of the same calls."""

    @abstractmethod
    def rest(self) -> list[str]:
        """What there is to tell once nothing changes any more."""

    @abstractmethod
    def settles(self, wanted: Callable[[list[str]], bool]) -> bool:
        """Whether what is there becomes what is wanted, in time."""

    @abstractmethod
    def disks(self) -> dict[str, str]:
        """Disk CID -> uid of its claim, of those that nobody has asked to delete."""

    @abstractmethod
    def nameless(self) -> set[str]:
        """CIDs of all disks and snapshots: what only the answer to a call tells its caller."""

    @abstractmethod
    def mount_late(self) -> None:
        """A disk that has to be mounted to grow is not before the call has looked who has it, if that can be had."""

    @abstractmethod
    def begin(self) -> None:
        """A new arrangement follows."""

    @abstractmethod
    def quiet(self, quiet: bool) -> None:
        """Whether the cluster is to rest, where it can be told to. A call begins quiet, and waits by watches."""

    def counts(self, seen: Seen) -> bool:
        """Whether something may go wrong with such a request."""
        return True

    def arrange(self, method: str, *arguments: Any) -> Any:
        """The result of a call that must succeed, made in this process."""
        module = import_module(f"bosh_kubernetes_cpi.methods.{dispatch.METHODS[method][0]}")
        call = Call(method, self.context, version=2, config_path=str(self.config), limit=300)
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
        self.quiet(True)
        self.server.intercept = self._asked
        limits = [str(self.limit), str(self.answer)]
        command = [sys.executable, "-I", "-S", compressed.__file__, str(self.config), *limits]
        request = {"method": method, "arguments": list(arguments), "context": self.context, "api_version": 2}
        self.process = subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, env=ENVIRONMENT, bufsize=0)
        try:
            longest = self.limit + compressed.RESERVE + 10
            stdout, stderr = self.process.communicate(json.dumps(request).encode(), longest)
            code = self.process.returncode
        finally:
            self.process.kill()
            self.process.communicate()
            self.process = None
            self.server.intercept = lambda _: None
            self.quiet(False)
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
        if not self.counts(seen):
            return None
        watches = "watch=true" in seen.query
        sort = f"{'WATCH' if watches else seen.method} {self.named(self._short(seen.path))}"
        number = len([one for one, _ in self.calls if one == sort])
        self.calls.append((sort, number))
        self.quiet(not watches)
        if self._out:
            return Fault(503)
        if self._fault is None or self._fault[0] != (sort, number):
            return None
        (_, fault, self._out), self._fault = self._fault, None
        return fault

    def _short(self, path: str) -> str:
        """Without group, version and namespace."""
        return path.partition(f"/namespaces/{self.namespace}/")[2] or path.rpartition("/")[2]

    def said(self, answer: Answer) -> str:
        """The result, or type and ok_to_retry of the error: what every run of the same call has in common."""
        if answer.error is not None:
            return f"{answer.error['type']} {answer.error['ok_to_retry']}"
        return _ADDRESS.sub("address", self.named(json.dumps(answer.result, sort_keys=True)))

    def named(self, text: str) -> str:
        """Without CIDs and uids."""
        text = STEMCELL_CID.sub(lambda found: "stemcell-1" if found[0] == self.stemcell else "stemcell-new", text)
        text = CID.sub(lambda found: self.known.get(found[0], f"{found[1]}-new"), text)
        return _UID.sub("uid", text)
