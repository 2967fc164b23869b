"""Credential plugins of `exec`: programs that print an ExecCredential (client.authentication.k8s.io).

Run here, and not by the package `kubernetes`: that one waits for ever, gives the plugin our standard input, and knows
neither client certificates nor when a token expires.
"""

from __future__ import annotations

import base64
import json
import os
import re
import select
import signal
import subprocess
from time import monotonic, strptime, time

from . import log, redaction
from .connection import bearer
from .errors import NoCredential, RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .credentials import Credential

    Json = dict[str, Any]

GROUP = "client.authentication.k8s.io"
VERSIONS = (f"{GROUP}/v1", f"{GROUP}/v1beta1")
LIMIT = 30.0  # seconds for a plugin
LARGEST = 1 << 20  # bytes of its answer
SHOWN = 1000  # characters of what it says on standard error: the end
FOREVER = 1e9  # seconds
_SKEW = 10.0  # seconds: so long before it expires a credential is got anew, and not sooner after it was got
_OPAQUE = 16  # characters from which a word of an answer that we cannot read may be a credential


def credential(call: Json, cluster: Json) -> Credential:
    """What the plugin `call` (config.SCHEMA, and `install_hint`) gives for `cluster`, an ExecCredential's.

    Raises RequestError for a plugin that cannot be started or answers with no credential, NoCredential for one that
    fails or does not end.
    """
    command = call.get("command", "")
    if not command:
        raise RequestError("kubernetes.exec needs a command")
    version = call.get("api_version") or VERSIONS[0]
    if version not in VERSIONS:
        raise RequestError(f"kubernetes.exec: api_version must be {' or '.join(VERSIONS)}")
    spec: Json = {"interactive": False}
    if call.get("provide_cluster_info"):
        spec["cluster"] = cluster
    info = {"apiVersion": version, "kind": "ExecCredential", "spec": spec}
    try:
        told = json.dumps(info, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise RequestError(f"kubernetes.exec: what {command} is to be told of its cluster is no JSON") from error
    environment = {**os.environ, **call.get("env", {}), "KUBERNETES_EXEC_INFO": told}
    text = _run([command, *call.get("args", [])], environment, call.get("install_hint", ""))
    return _read(text, version, f"kubernetes.exec: {command}")


def _run(command: list[str], environment: dict[str, str], hint: str) -> bytes:
    """What a plugin prints. Nothing is left of its process group, should it fail."""
    name = f"kubernetes.exec: {command[0]}"
    try:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        impossible = "its command, arguments or environment have a NUL in them, or a variable a = in its name"
        reason = getattr(error, "strerror", "") or impossible
        hint = f". {' '.join(hint.split())[:SHOWN]}" if hint else ""
        where = "" if "/" in command[0] else f" (looked for in PATH, {os.environ.get('PATH') or 'which is empty'})"
        raise RequestError(f"{name} cannot be started: {reason}{where}{hint}") from error
    try:
        text, said = _listen(process, LIMIT, name)
    except BaseException:
        _kill(process)
        raise
    if len(text) > LARGEST:
        raise RequestError(f"{name} prints more than {LARGEST} bytes, which is no credential")
    _keep(text)
    if process.returncode:
        ended = f"exit code {process.returncode}" if process.returncode > 0 else f"signal {-process.returncode}"
        raise NoCredential(f"{name} gave no credential: {ended}{_told(said)}")
    for line in _shown(said):
        log.progress(f"{command[0]}: {line}")
    return text


def _listen(process: subprocess.Popen[bytes], limit: float, name: str) -> tuple[bytes, bytes]:
    """Its answer, and the end of what it says on standard error, when it has ended.

    A child that it leaves behind may hold both open: that is not waited for.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    answer, said = bytearray(), bytearray()
    pipes = {process.stdout.fileno(): answer, process.stderr.fileno(): said}
    end = monotonic() + limit
    with process.stdout, process.stderr:
        while True:
            ended = process.poll() is not None
            ready = select.select(list(pipes), [], [], 0 if ended else 0.02)[0]
            for pipe in ready:
                piece = os.read(pipe, 65_536)
                pipes[pipe] += piece
                if not piece:
                    del pipes[pipe]
            del said[: -4 * SHOWN]
            if len(answer) > LARGEST:
                _kill(process)
                break
            if ended and not ready:
                break
            if monotonic() >= end:
                _keep(answer)
                raise NoCredential(f"{name} gave no credential within {limit:.0f} s{_told(said)}")
    return bytes(answer), bytes(said)


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        process.kill()
    process.wait()


def _keep(text: bytes | bytearray) -> None:
    """Whatever in an answer may be a credential is not shown, be the answer right or wrong."""
    words = re.findall(rf"[\w.+/=-]{{{_OPAQUE},}}", text.decode("utf-8", "replace"))
    redaction.keep([word for word in words if not word.isalpha() and not word.startswith(GROUP)])


def _shown(said: bytes | bytearray) -> list[str]:
    return [line for line in said.decode("utf-8", "replace")[-SHOWN:].splitlines() if line.strip()]


def _told(said: bytes | bytearray) -> str:
    text = " ".join(" ".join(_shown(said)).split())
    return f"; it says: {text}" if text else ""


def _read(text: bytes, version: str, name: str) -> Credential:
    """Raises RequestError, which does not quote the answer."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{name} printed no JSON") from error
    if not isinstance(answer, dict) or answer.get("kind") != "ExecCredential" or answer.get("apiVersion") != version:
        raise RequestError(f"{name} printed no ExecCredential of {version}")
    status = answer.get("status")
    status = status if isinstance(status, dict) else {}
    token, certificate, key, expires = (
        status.get(field) or "" for field in ("token", "clientCertificateData", "clientKeyData", "expirationTimestamp")
    )
    if not all(isinstance(field, str) for field in (token, certificate, key, expires)):
        raise RequestError(f"{name}: token, certificate, key and expiry of a credential must be strings")
    if not (token or certificate) or bool(certificate) != bool(key):
        raise RequestError(f"{name} printed neither a token nor a client certificate with its key")
    redaction.keep({"token": token, "key": key})
    return bearer(token, f"the token of {name}") if token else "", certificate, key, _seconds(expires, name)


def _seconds(expires: str, name: str) -> float:
    """Until a credential has to be got anew."""
    if not expires:
        return FOREVER
    from calendar import timegm

    try:
        at = timegm(strptime(expires[:19], "%Y-%m-%dT%H:%M:%S"))
        if zone := re.search(r"([+-]\d\d):(\d\d)$", expires[19:]):
            at -= int(zone[1]) * 3600 + int(zone[1][0] + zone[2]) * 60
    except ValueError as error:
        raise RequestError(f"{name}: expirationTimestamp is no time as 2030-01-31T12:00:00Z") from error
    return max(at - time() - _SKEW, _SKEW)


def cluster_info(block: Json) -> Json:
    """The `spec.cluster` of an ExecCredential for a block of the form `server`."""
    ca = base64.b64encode(block.get("ca", "").encode()).decode()
    fields = {
        "server": block.get("server"),
        "tls-server-name": block.get("tls_server_name"),
        "certificate-authority-data": ca,
        "proxy-url": block.get("proxy"),
        "config": block.get("exec", {}).get("cluster_config"),
    }
    return {key: value for key, value in fields.items() if value}
