"""Requests that no caller should send: one valid answer each, nothing asked of anybody but the API server, and nothing
done to what they do not name.

In this process, as a process costs ten times as much; a sample of them by real processes. The same requests come each
time: `part` is the seed.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from bosh_kubernetes_api import claims, machine
from bosh_kubernetes_api.settings import config_map, secret
from bosh_kubernetes_cpi import dispatch
from bosh_kubernetes_cpi.call import Call
from tests.component.conftest import IMAGE, NAMESPACE, STEMCELL
from tests.support import fuzz
from tests.support.cpi_process import COMMAND, ENVIRONMENT, PATIENCE
from tests.support.fakeapi.server import TOKEN

REQUESTS = 5000
AS_PROCESSES = 40
MOST_MEMORY = 40 << 10  # KiB at the peak of one process; a call on the way to the API server takes 20
DEPTH = 1000 + 100  # frames: what Python gives a process, and what stands below this test
ROUND = 25  # requests, after which what they used up is put back

PLACES = re.compile(
    r"/apis/cpi\.bosh\.io/v1alpha1/namespaces/NS/(virtualmachines|stemcells)(/[a-z0-9-]{1,57})?"
    r"|/api/v1/namespaces/NS/(persistentvolumeclaims|secrets|configmaps|events)(/[a-z0-9-]{1,57})?"
    r"|/apis/storage\.k8s\.io/v1/(storageclasses|volumeattributesclasses)(/[a-z0-9.-]{1,253})?"
    r"|/apis/snapshot\.storage\.k8s\.io/v1/(namespaces/NS/volumesnapshots(/[a-z0-9-]{1,57})?|volumesnapshotclasses)"
    r"|/apis"
    r"|/apis/coordination\.k8s\.io/v1/namespaces/NS/leases/bosh-kubernetes-operator".replace("NS", "[a-z0-9-]{1,63}")
)


def parts(count: int) -> list[Any]:
    return [0, *(pytest.param(number, marks=pytest.mark.full) for number in range(1, count))]


def send(part: int, count: int, serve: Callable[[bytes], object]) -> None:
    """Hand as many requests to `serve`; the same each time."""

    @seed(part)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(fuzz.requests(STEMCELL))
    def one(text: bytes) -> None:
        serve(text)

    one()


class Watchman:
    """Sees what this process opens beyond itself while `on`: connections, processes, files to write."""

    def __init__(self) -> None:
        self.on = False
        self.allowed = ("", 0)
        self.seen: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, details: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "socket.connect" and details[1] != self.allowed:
            self.seen.append(f"connection to {details[1]}")
        elif event == "socket.getaddrinfo" and details[0] not in (b"127.0.0.1", "127.0.0.1"):
            self.seen.append(f"look-up of {details[0]}")
        elif event in ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "os.remove"):
            self.seen.append(f"{event} {details[:1]}")
        elif event == "open" and isinstance(details[2], int) and details[2] & (os.O_WRONLY | os.O_RDWR):
            if "__pycache__" not in str(details[0]):
                self.seen.append(f"{details[0]} opened to be written")
        else:
            return
        if self.seen:
            raise PermissionError(self.seen[-1])


@pytest.fixture(scope="session")
def watchman() -> Watchman:
    """One for all, as an audit hook cannot be taken away."""
    return Watchman()


@pytest.fixture
def close(monkeypatch) -> Callable[[], None]:
    """Closes the connections of calls that are over, which a process leaves to its end."""
    calls: list[Call] = []

    class Kept(Call):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            calls.append(self)

    def close() -> None:
        while calls:
            if (api := calls.pop()._api) is not None:
                api.close()

    monkeypatch.setattr(dispatch, "Call", Kept)
    return close


@pytest.fixture
def config(api, new_cpi) -> str:
    """A registry with a CA of its own: the system's takes longer to read than all the rest."""
    return str(new_cpi(registry={"host": "registry.example.com", "ca": api.authority.pem}).config)


class Stuck(BaseException):
    pass


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """As long, and as deep as a process could: hypothesis allows itself more."""

    def stuck(*_: Any) -> None:
        raise Stuck(f"no answer in {seconds} s")

    before, depth = signal.signal(signal.SIGALRM, stuck), sys.getrecursionlimit()
    sys.setrecursionlimit(DEPTH)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        sys.setrecursionlimit(depth)


class World:
    """What stands on the API server: things that requests hit now and then, and one of each that none of them names."""

    def __init__(self, api: Any) -> None:
        self.api = api
        self.kept = [self._disk("disk-kept"), self._machine("vm-kept")]
        self.put_back()

    def put_back(self) -> None:
        store = self.api.store
        with store.changed:  # the operator looks on
            for kind in ("VirtualMachine", "PersistentVolumeClaim"):
                for value in store.list(kind, NAMESPACE):
                    if not (name := value["metadata"]["name"]).endswith("-kept"):
                        store.merge_patch(kind, NAMESPACE, name, {"metadata": {"finalizers": None}})
                        store.delete(kind, NAMESPACE, name)
            for name in fuzz.DISKS:
                self._disk(name)
            for name in fuzz.MACHINES:
                self._machine(name)

    def check(self) -> None:
        for value in self.kept:
            now = self.api.store.get(value["kind"], NAMESPACE, value["metadata"]["name"])
            assert (now["metadata"]["uid"], now["spec"]) == (value["metadata"]["uid"], value["spec"])
            assert "deletionTimestamp" not in now["metadata"]
        strange = {seen.path for seen in self.api.seen if not PLACES.fullmatch(seen.path)}
        assert not strange
        self.api.seen.clear()

    def _disk(self, name: str) -> Any:
        body = claims.claim(name, director="fuzz", size=1, storage_class="standard")
        return self.api.store.create("PersistentVolumeClaim", NAMESPACE, body)

    def _machine(self, name: str) -> Any:
        resources = {"resources": {"cpu": "1", "memory": "1Mi", "ephemeralDisk": "1Mi"}}
        body = machine.virtual_machine(
            name, director="fuzz", agent_id=name, stemcell=STEMCELL, image=IMAGE, pull_secrets=[], shape=resources
        )
        if name == "vm-kept":
            body["spec"]["disks"] = [{"cid": "disk-kept"}]
        made = self.api.store.create("VirtualMachine", NAMESPACE, body)
        self.api.store.create("Secret", NAMESPACE, secret(made, {"mbus": ""}))
        self.api.store.create("ConfigMap", NAMESPACE, config_map(made, {"agent_id": name}))
        return made


def test_watchman_sees_what_must_not_happen(watchman, tmp_path) -> None:
    """Else the test below could not fail."""
    watchman.seen.clear()
    for forbidden in (
        lambda: socket.create_connection(("127.0.0.1", 1)),
        lambda: socket.getaddrinfo("registry.example.com", 443),
        lambda: subprocess.run(["true"], check=False),
        lambda: (tmp_path / "file").write_text("x"),
    ):
        watchman.on = True
        try:
            with pytest.raises(PermissionError):
                forbidden()
        finally:
            watchman.on = False
    assert len(watchman.seen) == 4


@pytest.mark.parametrize("part", parts(20))
def test_one_valid_answer_whatever_is_asked(api, operator, config, watchman, close, part) -> None:
    world, served = World(api), []
    watchman.allowed = ("127.0.0.1", api.port)

    def ask(text: bytes) -> None:
        limits: list[float] = []
        watchman.seen.clear()
        with within(30):
            watchman.on = True
            try:
                answer = dispatch.answer(text, config, limits.append)
            finally:
                watchman.on = False
                close()
        served.append(1)
        assert not watchman.seen
        assert len(limits) <= 1
        fuzz.sound(json.dumps(answer, allow_nan=False).encode("ascii"), b"", 0, secrets=[TOKEN])
        if len(served) % ROUND == 0:
            world.check()
            world.put_back()

    send(part, REQUESTS, ask)
    world.check()
    assert len(served) >= REQUESTS


# A parent as large as pytest would count as the process's own memory: this small one starts them. A line in: where the
# request is. A line out: exit code and peak in KiB; -9 for one that did not end.
STARTER = """
import os, signal, sys
for line in sys.stdin:
    folder = line.strip()
    files = [(os.POSIX_SPAWN_OPEN, 0, folder + '/in', os.O_RDONLY, 0)]
    files += [(os.POSIX_SPAWN_OPEN, fd, folder + '/' + name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
              for fd, name in ((1, 'out'), (2, 'err'))]
    child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ, file_actions=files)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.alarm(int(sys.argv[1]))
    _, status, used = os.wait4(child, 0)
    signal.alarm(0)
    print(os.waitstatus_to_exitcode(status), used.ru_maxrss, flush=True)
"""


@pytest.mark.parametrize("part", parts(5))
def test_real_processes_answer_in_little_memory(api, operator, config, tmp_path, part) -> None:
    world, texts = World(api), []
    send(100 + part, 10 * AS_PROCESSES, texts.append)
    command = [sys.executable, "-I", "-S", "-c", STARTER, str(PATIENCE), *COMMAND, config]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as starter:
        assert starter.stdin is not None
        assert starter.stdout is not None
        for text in texts[::10]:
            (tmp_path / "in").write_bytes(text)
            print(tmp_path, file=starter.stdin, flush=True)
            code, peak = map(int, starter.stdout.readline().split())
            fuzz.sound((tmp_path / "out").read_bytes(), (tmp_path / "err").read_bytes(), code, secrets=[TOKEN])
            assert peak < MOST_MEMORY, text
        starter.stdin.close()
    world.check()
    assert len(texts[::10]) >= AS_PROCESSES
