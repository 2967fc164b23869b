"""Orders to the firmware: pods/exec by websocket (docs/architecture.md, "What the operator may order").

Traps of kubernetes.aio 37: every request through a WsApiClient is a websocket, so it is a client beside the normal one;
the plain exec call mixes stdout with stderr and loses the exit code; a Pod that is not there is aiohttp's handshake
error; a command that does not exist has no exit code in its Status.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple, Protocol

import aiohttp
from kubernetes.aio.client import CoreV1Api
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.stream import WsApiClient

from .. import metrics
from ..errors import OrderError

TIMEOUT = 60.0  # seconds; release asks every process of the machine
LOOK_TIMEOUT = 10.0  # for status, which changes nothing: every look at a machine on a node that hangs waits so long
STDOUT, STDERR, STATUS = 1, 2, 3

DONE, REFUSED, NOT_YET = 0, 1, 75


class Answer(NamedTuple):
    code: int  # DONE, REFUSED, NOT_YET, 64 for a wrong call, or that of a process that was killed
    data: dict[str, Any]  # the JSON object on stdout; empty when there is none
    text: str  # stdout and stderr as they came

    @property
    def fate(self) -> str:
        """How an order ended that is none of the first three."""
        return f"not carried out (exit code {self.code}{': ' + self.text if self.text else ''})"


class Orders(Protocol):
    async def machine(self, pod: str, *order: str) -> Answer:
        """`ctl` in the machine's Pod. Raises OrderError."""

    async def attachment(self, pod: str, *order: str) -> Answer:
        """`attachment` in an attachment Pod. Raises OrderError."""


class ExecOrders:
    def __init__(self, client: WsApiClient, namespace: str) -> None:
        self._api, self._namespace = CoreV1Api(client), namespace

    async def machine(self, pod: str, *order: str) -> Answer:
        return await self._order(pod, "machine", "/firmware/ctl", *order)

    async def attachment(self, pod: str, *order: str) -> Answer:
        return await self._order(pod, "attachment", "/firmware/attachment", *order)

    async def _order(self, pod: str, container: str, *command: str) -> Answer:
        limit = LOOK_TIMEOUT if command[1] == "status" else TIMEOUT
        try:
            answer = await asyncio.wait_for(self._exec(pod, container, list(command)), limit)
        except asyncio.TimeoutError:
            raise OrderError(f"{pod}: no answer to {' '.join(command)} within {limit:.0f} s") from None
        except (aiohttp.ClientError, ApiException, OSError) as error:
            raise OrderError(f"{pod}: cannot give the order {' '.join(command)}: {error}") from error
        metrics.orders.labels(command[1], str(answer.code)).inc()
        return answer

    async def _exec(self, pod: str, container: str, command: list[str]) -> Answer:
        out = {STDOUT: b"", STDERR: b"", STATUS: b""}
        connect = self._api.connect_get_namespaced_pod_exec_without_preload_content
        socket: Any = await connect(
            pod, self._namespace, container=container, command=command, stdout=True, stderr=True, stdin=False, tty=False
        )
        async with socket as stream:
            async for message in stream:
                if message.type is aiohttp.WSMsgType.BINARY and message.data:
                    channel = message.data[0]
                    out[channel] = out.get(channel, b"") + message.data[1:]
        return answer(out[STDOUT].decode(errors="replace"), out[STDERR].decode(errors="replace"), out[STATUS])


def answer(stdout: str, stderr: str, status: bytes) -> Answer:
    """The Answer to an order. Raises OrderError when the Status tells of no exit code: then nothing ran."""
    try:
        code: int = WsApiClient.parse_error_data(status)  # type: ignore[no-untyped-call]
    except (KeyError, IndexError, ValueError):
        try:
            why = json.loads(status).get("message", "")
        except (ValueError, AttributeError):
            why = "the connection ended early"
        raise OrderError(f"the order did not run: {why}") from None
    try:
        data = json.loads(stdout)
    except ValueError:
        data = {}
    return Answer(
        code, data if isinstance(data, dict) else {}, "\n".join(t.strip() for t in (stdout, stderr) if t.strip())
    )
