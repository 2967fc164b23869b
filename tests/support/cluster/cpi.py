"""The CPI as a caller runs it: one real process a call, request on stdin, answer from stdout."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.cpi_process import COMMAND, ENVIRONMENT


class CpiCallError(Exception):
    """The CPI answered with an error."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(f"{method}: {error['type']}: {error['message']}")
        self.type: str = error["type"]
        self.message: str = error["message"]
        self.ok_to_retry: bool = error["ok_to_retry"]


class Cpi:
    """Calls by method name, `cpi("has_vm", cid)`; `said` is all that the processes wrote to stderr and `log`.

    `version` is that of the API; callers of version 1 do not say so.
    """

    def __init__(self, config: Path, *, director: str, version: int = 2) -> None:
        self.config = config
        self.director = director
        self.version = version
        self.said = ""

    def request(self, method: str, *arguments: Any) -> str:
        context = {"director_uuid": self.director, "vm": {"stemcell": {"api_version": 3}}}
        request = {"method": method, "arguments": arguments, "context": context}
        return json.dumps(request | ({"api_version": self.version} if self.version > 1 else {}))

    def start(self, method: str, *arguments: Any) -> "subprocess.Popen[str]":
        """The process of a call that goes on by itself; `finish` takes its answer."""
        process = subprocess.Popen(
            [*COMMAND, str(self.config)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=ENVIRONMENT,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(self.request(method, *arguments))
        process.stdin.close()
        process.stdin = None
        return process

    def finish(self, process: "subprocess.Popen[str]", method: str = "call", *, timeout: float = 420) -> Any:
        out, err = process.communicate(timeout=timeout)
        assert process.returncode == 0, f"{method}: exit code {process.returncode}\n{err}"
        answer = json.loads(out)
        self.said += err + answer["log"]
        if answer["error"]:
            raise CpiCallError(method, answer["error"])
        return answer["result"]

    def __call__(self, method: str, *arguments: Any, timeout: float = 420) -> Any:
        return self.finish(self.start(method, *arguments), method, timeout=timeout)
