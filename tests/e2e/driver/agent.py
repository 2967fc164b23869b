"""The agent's HTTPS message bus as bosh-cli uses it (bosh-agent `agentclient/http`, bosh-cli `blobstore`)."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import time
import urllib.error
import urllib.request
import uuid
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.driver import gojson
from tests.e2e.driver.errors import AgentError, CertificateError

PING_DELAY = 0.5
TASK_DELAY = 1.0
READY_TIMEOUT = 600.0
TOLERATED_ERRORS = 10
REQUEST_TIMEOUT = 30.0


class Agent:
    """One message bus, `https://user:password@host:port`; every request is a connection of its own."""

    def __init__(self, mbus: str, ca: str, director_id: str) -> None:
        url = urlsplit(mbus)
        self._endpoint = f"{url.scheme}://{url.hostname}:{url.port}"
        credentials = f"{url.username or ''}:{url.password or ''}"
        self._authorization = "Basic " + base64.b64encode(credentials.encode()).decode()
        self._context = ssl.create_default_context(cadata=ca) if ca else ssl._create_unverified_context()
        self._director_id = director_id

    def _http(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        request = urllib.request.Request(
            self._endpoint + path,
            data=body,
            method=method,
            headers={"Authorization": self._authorization, **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT, context=self._context) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise CertificateError(f"the agent's certificate is not the manifest's: {reason}") from error
            raise AgentError(f"no answer from the agent at {self._endpoint}: {reason}") from error

    def send(self, method: str, *arguments: Any) -> Any:
        """One message; the value of the answer.

        Raises:
            AgentError: no answer, another status than 200, or an exception of the agent.
        """
        message = gojson.struct({"method": method, "arguments": list(arguments), "reply_to": self._director_id})
        status, body = self._http("POST", "/agent", message.encode(), {"Content-Type": "application/json"})
        if status != 200:
            raise AgentError(f"agent responded to {method} with status {status}")
        answer = json.loads(body)
        if answer.get("exception"):
            raise AgentError(f"agent responded to {method} with error: {answer['exception'].get('message')}")
        return answer.get("value")

    def task(self, method: str, *arguments: Any) -> Any:
        """An asynchronous action, asked for each second until it is done; its value."""
        started = self.send(method, *arguments)
        if not isinstance(started, dict) or "agent_task_id" not in started:
            raise AgentError(f"agent responded to {method} without a task: {started!r}")
        errors = 0
        while True:
            try:
                value = self.send("get_task", started["agent_task_id"])
            except AgentError:
                errors += 1
                if errors > TOLERATED_ERRORS:
                    raise
            else:
                errors = 0
                if not (isinstance(value, dict) and value.get("state") == "running"):
                    return value
            time.sleep(TASK_DELAY)

    def wait_until_ready(self, timeout: float = READY_TIMEOUT) -> None:
        """Ping until the agent answers, for `timeout` seconds. A wrong certificate ends the wait at once."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.send("ping")
            except CertificateError:
                raise
            except AgentError:
                if time.monotonic() + PING_DELAY > deadline:
                    raise
            else:
                return
            time.sleep(PING_DELAY)

    def get_state(self) -> dict[str, Any]:
        """The agent's state, asked for up to eleven times."""
        for attempt in range(TOLERATED_ERRORS + 1):
            try:
                state: dict[str, Any] = self.send("get_state")
                return state
            except AgentError:
                if attempt == TOLERATED_ERRORS:
                    raise
            time.sleep(TASK_DELAY)
        raise AssertionError("unreachable")

    def wait_until_running(self, timeout: float) -> None:
        """Until all jobs run, asked for each second."""
        deadline = time.monotonic() + timeout
        while (state := self.get_state()["job_state"]) != "running":
            if time.monotonic() > deadline:
                raise AgentError(f"jobs are not running after {timeout:.0f} s but {state}")
            time.sleep(TASK_DELAY)

    def start(self) -> None:
        """Start the jobs: the one action on jobs that is not asynchronous."""
        if (value := self.send("start")) != "started":
            raise AgentError(f"failed to start agent services: {value!r}")

    def run_script(self, name: str) -> None:
        """Run the jobs' scripts of that name. Agents of old do not know the message."""
        try:
            self.task("run_script", name, {})
        except AgentError as error:
            if "unknown message" not in str(error):
                raise

    def drain(self) -> None:
        """Let the jobs drain, for as long as they ask for."""
        seconds = self.task("drain", "shutdown", {})
        while seconds < 0:
            time.sleep(-seconds)
            seconds = self.task("drain", "status", {})
        time.sleep(seconds)

    def put_blob(self, content: bytes) -> str:
        """Upload into the agent's temporary blobstore; the blob's id."""
        blob = str(uuid.uuid4())
        prefix = hashlib.sha1(blob.encode(), usedforsecurity=False).hexdigest()[:2]
        status, _ = self._http("PUT", f"/blobs/{prefix}/{blob}", content, {})
        if status not in (201, 204):
            raise AgentError(f"uploading blob {blob}: the agent responded with status {status}")
        return blob
