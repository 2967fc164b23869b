"""The Kubernetes API on one connection: JSON both ways, retries of what may be repeated, errors of our tree."""

from __future__ import annotations

import json

from ..errors import (
    ApiError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Untrusted,
    lacks_right,
)
from .answer import retry_after
from .http import Connection, Unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..clock import Deadline
    from .answer import Answer
    from .http import Endpoint

    Json = dict[str, Any]

TRIES = 5  # of one request, with about 3 seconds of pauses between them
FIRST_PAUSE = 0.2  # seconds, doubled each time
LAST_PAUSE = 2.0  # seconds: no longer than that by doubling
LONGEST_PAUSE = 10.0  # seconds: more than that a server may not ask for by Retry-After

MERGE_PATCH = "application/merge-patch+json"

_STATUS: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: Invalid,
    422: Invalid,
    429: TooManyRequests,
}


class Api:
    """An API server. Paths are those of bosh_kubernetes_api.paths; every method raises ApiError."""

    def __init__(self, endpoint: Endpoint, deadline: Deadline) -> None:
        self.endpoint = endpoint
        self._connection = Connection(endpoint, deadline)
        self.tries = TRIES
        self._lost = False  # whether an answer to the current call was lost: it may have taken effect

    @property
    def deadline(self) -> Deadline:
        return self._connection.deadline

    @deadline.setter
    def deadline(self, deadline: Deadline) -> None:
        self._connection.deadline = deadline

    def get(self, path: str) -> Json:
        return self._call("GET", path, may_conflict=False)

    def find(self, path: str) -> Json | None:
        """The object at `path`, or None when the server says that there is none."""
        try:
            return self._call("GET", path, may_conflict=False)
        except NotFound:
            return None

    def items(self, collection: str) -> list[Json] | None:
        """The objects of a collection, or None when the server does not know such a kind."""
        try:
            found: list[Json] = self.get(collection)["items"]
        except ApiError as error:
            if error.status == 404:  # of a collection nothing else is meant by that
                return None
            raise
        return found

    def create(self, collection: str, body: Json, *, readable: bool = True) -> Json:
        """Create an object whose name nobody else uses (a fresh CID), and return it.

        After an answer that was lost it may exist already, by our doing: it is read, or taken as it was sent if the
        account may not read it.
        """
        try:
            return self._call("POST", collection, body)
        except Conflict:
            if not self._lost:
                raise
            if not readable:
                return body
            return self.get(f"{collection}/{body['metadata']['name']}")

    def merge_patch(self, path: str, body: Json) -> Json:
        """A JSON merge patch; `metadata.resourceVersion` in it makes it fail with Conflict when somebody was faster.

        Without one nobody can be: the server found no moment for it among many changes, and is asked again.
        """
        versioned = "resourceVersion" in body.get("metadata", {})
        return self._call("PATCH", path, body, content_type=MERGE_PATCH, may_conflict=versioned)

    def delete(self, path: str, *, uid: str = "") -> None:
        """Delete in the background; gone already is success.

        With `uid` only that very object: Conflict when another has its name. What else makes the server answer 409 has
        deleted nothing: so it is asked again while that object is still there.
        """
        options: Json = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        for left in range(TRIES - 1, -1, -1):
            try:
                self._call("DELETE", path, options, may_conflict=bool(uid))
            except NotFound:
                return
            except Conflict as conflict:
                found = self.find(path) if uid else None
                if uid and found is None:
                    return
                if found is None or found["metadata"]["uid"] != uid:
                    raise
                if not left:  # no Conflict, which would say that it is gone
                    raise Unavailable(conflict.message, status=conflict.status, reason=conflict.reason) from conflict
                self.deadline.pause(FIRST_PAUSE)
            else:
                return

    def stream(self, path: str, *, patience: float) -> Answer:
        """The open answer of a watch. The caller reads lines, then calls `close`."""
        response = self._send("GET", path, None, "", patience)
        if response.status != 200:
            raise self._error("GET", path, response, self._body(response))
        return response

    def patience(self, seconds: float) -> None:
        """How long the open stream may be silent from now on."""
        self._connection.patience(seconds)

    def close(self) -> None:
        self._connection.close()

    def _call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        content_type: str = "application/json",
        may_conflict: bool = True,
    ) -> Json:
        """The object answered. A Conflict that the request cannot have by itself (`may_conflict`: no) passes by."""
        passing = (Unavailable, TooManyRequests) if may_conflict else (Unavailable, TooManyRequests, Conflict)
        data = None if body is None else json.dumps(body).encode()
        pause = FIRST_PAUSE
        self._lost = False
        for left in range(self.tries - 1, -1, -1):
            try:
                response = self._send(method, path, data, content_type)
                content = self._body(response)
                if response.status < 300:
                    return self._object(method, path, content)
                error = self._error(method, path, response, content)
                wait = retry_after(response.fields)
            except Unavailable as lost:
                error, wait = lost, 0.0
            self._lost = self._lost or isinstance(error, Unavailable)
            if not isinstance(error, passing) or not left:
                raise error
            wait = min(max(pause, wait), LONGEST_PAUSE)
            if self.deadline.remaining() <= wait:
                raise error
            self.deadline.pause(wait)
            pause = min(2 * pause, LAST_PAUSE)
        raise AssertionError("unreachable")

    def _send(self, method: str, path: str, data: bytes | None, content_type: str, patience: float = 60.0) -> Answer:
        headers = {"Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = content_type
        try:
            return self._connection.request(method, path, body=data, headers=headers, patience=patience)
        except Unreachable as error:
            if error.untrusted:
                raise Untrusted(
                    f"{error}. `kubernetes.ca` in the CPI's configuration must be the authority of this cluster, and "
                    "`kubernetes.tls_server_name` a host that the certificate shows"
                ) from error
            if error.refused:
                cure = "Check `kubernetes.proxy` in the CPI's configuration, and whom the proxy lets pass"
                raise ApiError(f"cannot reach the API server: {error}. {cure}") from error
            raise _unavailable(str(error)) from error

    def _body(self, response: Answer) -> bytes:
        try:
            return response.read()
        except OSError as error:  # and no more: being told to end is no answer that broke off
            self.close()
            raise _unavailable(f"{self.endpoint!r}: its answer broke off") from error

    def _object(self, method: str, path: str, content: bytes) -> Json:
        """The object that an answer holds: whatever else stands at that address must not pass for one.

        Each says its kind, but for that of /version.
        """
        found = _json(content)
        if not isinstance(found.get("kind", found.get("gitVersion")), str):
            what = f"{method} {path.partition('?')[0]}: {self.endpoint!r} answers with no object of Kubernetes"
            raise ApiError(f"{what}. Check `kubernetes.server` in the CPI's configuration")
        return found

    def _error(self, method: str, path: str, response: Answer, content: bytes) -> ApiError:
        status = _json(content)
        said = str(status.get("message") or "") or f"HTTP {response.status} {response.reason}"
        what = f"{method} {path.partition('?')[0]}: {said}"
        kind = _STATUS.get(response.status, Unavailable if response.status >= 500 else ApiError)
        if kind is Unauthorized:
            what += ". The API server does not accept the credentials of `kubernetes` in the CPI's configuration"
        elif kind is NotFound and status.get("reason") != "NotFound":  # of the path, or not by an API server at all
            kind = ApiError
            what += ". Check `kubernetes.server` in the CPI's configuration, and that the operator's chart is installed"
        elif kind is Forbidden and lacks_right(said):
            what += ". The CPI's account lacks this right: see docs/configuration.md for the Role it needs"
        return kind(what, status=response.status, reason=str(status.get("reason") or ""))


def _unavailable(message: str) -> Unavailable:
    hint = ""
    if "://127." in message or "://localhost" in message:
        hint = "; a loopback address is the CPI's own machine: a Director takes another (ops file inside-server.yml)"
    return Unavailable(f"cannot reach the API server: {message}. See `kubernetes` in the CPI's configuration{hint}")


def _json(content: bytes) -> Json:
    try:
        result = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return result if isinstance(result, dict) else {}
