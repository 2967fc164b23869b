"""Runs one command of the tool."""

from __future__ import annotations

import io
import signal
import sys
import traceback
from importlib import import_module
from types import FrameType

from .. import log
from ..errors import Failure
from . import codes
from .parser import parser
from .session import Session

COMMANDS = {
    "doctor": "doctor.command",
    "orphans": "orphans.command",
    "explain": "explain.command",
    "stemcell": "light.command",
}


def run(arguments: list[str]) -> int:
    """The exit code. SIGTERM ends a command as Ctrl-C does: what it has begun is taken back."""
    options = parser().parse_args(arguments)
    _open_streams()
    session = Session(options)
    log.begin(options.command, session.hide)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        command = import_module(f"{__package__}.{COMMANDS[options.command]}")
        code: int = command.run(session)
        return code
    except KeyboardInterrupt:
        _complain(session, "interrupted")
        return codes.INTERRUPTED
    except codes.WrongUse as wrong:
        _complain(session, str(wrong))
        return codes.WRONG_USE
    except Failure as failure:
        _complain(session, failure.message)
        return codes.IN_THE_WAY
    except Exception:
        _complain(session, f"a fault of the tool; please report it\n{traceback.format_exc()}")
        return codes.FAULT


def _open_streams() -> None:
    """Closed standard input is empty. What the locale's encoding lacks is escaped, and ends no deletion half-way."""
    if sys.stdin is None:
        sys.stdin = io.StringIO()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _complain(session: Session, text: str) -> None:
    sys.stderr.write(session.hide(f"bosh-kubernetes-cpi {session.options.command}: {text}\n"))
