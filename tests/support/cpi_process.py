"""The CPI as its callers run it: a process of its own, one request on stdin, one answer on stdout, a scrubbed
environment.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bosh_kubernetes_cpi import start

Json = dict[str, Any]

COMMAND = [sys.executable, "-I", "-S", start.__file__]  # as the release's bin/cpi
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}  # all that the Director leaves
PATIENCE = 60  # seconds for one call

# The types that the Director knows (contract 1.6).
KNOWN = {
    f"Bosh::Clouds::{name}"
    for name in (
        "CpiError",
        "NotImplemented",
        "NotSupported",
        "CloudError",
        "VMNotFound",
        "NetworkNotFound",
        "NoDiskSpace",
        "DiskNotAttached",
        "DiskNotFound",
        "VMCreationFailed",
    )
}


class CallError(Exception):
    """The CPI answered with an error."""

    def __init__(self, type: str, message: str, ok_to_retry: bool) -> None:
        super().__init__(f"{type}: {message}")
        self.type = type
        self.message = message
        self.ok_to_retry = ok_to_retry


class Answer(NamedTuple):
    result: Any
    error: Json | None
    stdout: bytes
    stderr: str

    def value(self) -> Any:
        if self.error is not None:
            raise CallError(**self.error)
        return self.result


def checked(stdout: bytes, stderr: bytes, code: int) -> Answer:
    """The answer, once it has every form that the strictest caller asks for."""
    assert code == 0, stderr.decode()
    assert stdout.isascii()
    document = json.loads(stdout, parse_constant=lambda text: (_ for _ in ()).throw(ValueError(text)))
    assert set(document) == {"result", "error", "log"}
    assert isinstance(document["log"], str)
    error = document["error"]
    if error is not None:
        assert set(error) == {"type", "message", "ok_to_retry"}
        assert error["type"] in KNOWN
        assert isinstance(error["message"], str)
        assert error["message"]
        assert isinstance(error["ok_to_retry"], bool)
        assert document["result"] is None
    return Answer(document["result"], error, stdout, stderr.decode())


class Cpi:
    """Calls of one Director. `director` and `stemcell` (api_version) go into the context."""

    def __init__(self, config: Path, *, director: str, context: Json | None = None) -> None:
        self.config = config
        self.director = director
        self.said = ""
        self._context = context or {}

    def __call__(self, method: str, *arguments: Any) -> Any:
        """The result. Raises CallError."""
        return self.answer(method, *arguments).value()

    def answer(self, method: str, *arguments: Any) -> Answer:
        return self.raw(self.request(method, *arguments))

    def request(self, method: str, *arguments: Any, **changes: Any) -> bytes:
        context = {"director_uuid": self.director, "vm": {"stemcell": {"api_version": 3}}, **self._context}
        request = {"method": method, "arguments": list(arguments), "context": context, "api_version": 2, **changes}
        return json.dumps(request).encode()

    def raw(self, request: bytes, command: Sequence[str] = COMMAND) -> Answer:
        done = subprocess.run(
            [*command, str(self.config)],
            input=request,
            capture_output=True,
            env=ENVIRONMENT,
            timeout=PATIENCE,
            check=False,
        )
        answer = checked(done.stdout, done.stderr, done.returncode)
        self.said += answer.stderr + (answer.error or {"message": ""})["message"]
        return answer

    def start(self, request: bytes) -> "subprocess.Popen[bytes]":
        """The process, with its request sent; end it with `finish`."""
        process = subprocess.Popen(
            [*COMMAND, str(self.config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
        )
        assert process.stdin is not None
        process.stdin.write(request)
        process.stdin.close()
        process.stdin = None
        return process

    def finish(self, process: "subprocess.Popen[bytes]") -> Answer:
        try:
            stdout, stderr = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()  # as subprocess.run does: left alone, it fails tests that come later
            process.communicate()
            raise
        return checked(stdout, stderr, process.returncode)
