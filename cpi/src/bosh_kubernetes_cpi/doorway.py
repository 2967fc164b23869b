"""The doorway of the process: one request in, one answer out, whatever happens in between (contract 1.1 to 1.5).

Standard input is read to its end first, because the Director writes all of it before it reads anything. Descriptor 1
is kept for the answer alone: whatever else is printed goes to standard error. The exit code is 0 even for an error,
as the command line client throws away the answer of a process that failed. A call ends: SIGTERM and a last alarm
beyond the method's limit are answered too.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from . import dispatch
from .call import CLEANUP, hold, is_held
from .errors import Fault, Interrupted, TimedOut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, NoReturn, TextIO

RESERVE = CLEANUP + 15  # seconds beyond a limit, or after SIGTERM, until the process answers and ends come what may
READING = 60  # seconds to read the request


class Doorway:
    """The answer's descriptor, and the signals."""

    def __init__(self) -> None:
        _open_missing()
        self._out = os.dup(1)
        os.dup2(2, 1, inheritable=True)
        signal.signal(signal.SIGTERM, self._interrupted)
        signal.signal(signal.SIGALRM, self._expired)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    def read(self) -> bytes:
        """Standard input to its end."""
        signal.alarm(READING)
        parts = []
        while part := os.read(0, 1 << 20):
            parts.append(part)
        return b"".join(parts)

    def limit(self, seconds: float) -> None:
        """Answer and end after `seconds` and the reserve at the latest."""
        signal.alarm(int(seconds + RESERVE))

    def write(self, answer: dict[str, Any]) -> None:
        """The one answer, in ASCII."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.alarm(0)
        try:
            data = json.dumps(answer, allow_nan=False).encode("ascii")
        except (TypeError, ValueError):
            fault = dispatch.error(Fault.type, "a fault of the CPI: its result is no JSON; please report it", False)
            data = json.dumps(fault).encode("ascii")
        data += b"\n"
        while data:
            data = data[os.write(self._out, data) :]

    def _interrupted(self, _signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.alarm(int(RESERVE))
        if is_held():
            return
        raise Interrupted("the CPI was told to end (SIGTERM) before the call was done; call again")

    def _expired(self, _signal: int, _frame: FrameType | None) -> None:
        self.write(dispatch.error(TimedOut.type, "the call did not end within its limit of time; call again", True))
        os._exit(0)


def serve(config_path: str) -> NoReturn:
    """Answer the request on standard input and end, always with exit code 0."""
    doorway = Doorway()
    try:
        answer = dispatch.answer(doorway.read(), config_path, doorway.limit)
        hold()
    except Interrupted as interrupted:
        answer = dispatch.error(interrupted.type, interrupted.message, interrupted.ok_to_retry)
    except BaseException as fault:
        told = f"a fault of the CPI: {type(fault).__name__}; please report it"
        answer = dispatch.error(Fault.type, told, False)
    try:
        doorway.write(answer)
    except OSError:
        os._exit(0)  # nobody listens any more
    _flush(sys.stdout)
    _flush(sys.stderr)
    # At once: no thread, child or file is left to be ended, and taking an interpreter down takes a sixth of `info`.
    os._exit(0)


def _open_missing() -> None:
    """A standard descriptor that is closed would be the number of what is opened next, be it a connection."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number: this one


def _flush(stream: TextIO | None) -> None:
    """What was printed goes out, where somebody still takes it."""
    try:
        if stream is not None:
            stream.flush()
    except (OSError, ValueError):
        return
