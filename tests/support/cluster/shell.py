"""One lasting shell on each node: a `docker exec` for every question of a test costs the engine a tenth of a second of
CPU time.
"""

import atexit
import os
import select
import shlex
import subprocess
import threading
from time import monotonic

_RUN = """\
sh -c {script} </dev/null 2>"$errors"
printf '\\0%s\\0' $?; cat "$errors"; printf '\\0'
"""
_PARTS = 3  # output, exit code, errors: each ends with a NUL


class ShellEndedError(AssertionError):
    """The node's container has stopped, or is not there."""


class Shell:
    def __init__(self, node: str) -> None:
        self.node = node
        self._lock = threading.Lock()  # tests ask from several threads
        command = ["docker", "exec", "-i", node, "sh", "-c", 'errors=$(mktemp); trap "rm $errors" EXIT; . /dev/stdin']
        self._process = subprocess.Popen(command, stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, bufsize=0)

    def run(self, script: str, seconds: float) -> tuple[int, str, str]:
        """Exit code, stdout and stderr.

        Raises ShellEndedError, and subprocess.TimeoutExpired after which the shell is of no more use.
        """
        assert self._process.stdin is not None
        with self._lock:
            try:
                self._process.stdin.write(_RUN.format(script=shlex.quote(script)).encode())
            except BrokenPipeError as error:
                raise ShellEndedError(f"the shell on {self.node} has ended") from error
            out, code, err = self._answer(script, seconds)
        return int(code), out, err

    def _answer(self, script: str, seconds: float) -> list[str]:
        assert self._process.stdout is not None
        end, said = monotonic() + seconds, b""
        while said.count(b"\0") < _PARTS:
            if not select.select([self._process.stdout], [], [], max(0.0, end - monotonic()))[0]:
                self.end()
                raise subprocess.TimeoutExpired(script, seconds, said)
            part = os.read(self._process.stdout.fileno(), 1 << 16)
            if not part:
                raise ShellEndedError(f"the shell on {self.node} has ended")
            said += part
        return [one.decode() for one in said.split(b"\0")[:_PARTS]]

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


_shells: dict[str, Shell] = {}
_opening = threading.Lock()


def shell(node: str) -> Shell:
    """The node's, of this process; another one when the last has ended."""
    with _opening:
        if node in _shells and _shells[node].ended:
            _shells.pop(node).end()
        if node not in _shells:
            _shells[node] = Shell(node)
        return _shells[node]


def forget(node: str) -> None:
    """Its container is stopped next."""
    with _opening:
        if node in _shells:
            _shells.pop(node).end()


@atexit.register
def _end() -> None:
    for node in list(_shells):
        forget(node)
