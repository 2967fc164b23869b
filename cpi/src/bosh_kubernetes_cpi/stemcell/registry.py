"""A registry as the CPI uses it: ask for a manifest, upload blobs, put and delete a manifest.

Two ways to one protocol: straight to a host, with basic or token authentication; or through the API server's service
proxy with the CPI's own account, where Locations come back with the proxy's path before them. Every error names the
registry, the step, the status and the registry's own words, and what to do; never a credential.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ..clock import Deadline
from ..errors import RegistryError, TimedOut
from ..transport.answer import retry_after
from ..transport.http import Connection, Endpoint, Unreachable
from . import protocol
from .access import Access
from .advice import advice, unreachable
from .image import ACCEPTED, Document, digest_of

T = TypeVar("T")

PAUSES = (0.5, 2.0)  # seconds before a small request is repeated after 429, 5xx or silence, if it asks for no more
_PASSING = (0, 429, 500, 502, 503, 504)
_LONGEST_PAUSE = 10.0  # seconds that it may ask for
_LARGEST_ANSWER = 4 << 20  # manifests are at most 4 MiB (distribution specification)
_ELSEWHERE = (301, 302, 303, 307, 308)
_PATIENCE = 300.0  # seconds: a registry may copy a finished upload to where it belongs before it answers


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Upload:
    """An open upload: where its next piece goes. `foreign`: on another host than the registry's."""

    target: str
    foreign: str = ""


@dataclass
class Registry:
    """One repository of one registry.

    `name` is what messages call it. `access` is None behind the service proxy (`proxied`), whose endpoint carries the
    CPI's account already.
    """

    name: str
    endpoint: Endpoint
    repository: str
    deadline: Deadline
    access: Access | None = None
    pauses: tuple[float, ...] = PAUSES
    _connection: Connection | None = field(default=None, repr=False)

    @property
    def proxied(self) -> bool:
        return self.access is None

    def close(self) -> None:
        if self._connection:
            self._connection.close()

    def digest(self, wanted: str) -> str:
        """Digest of the manifest that a tag or digest names, empty when there is none."""
        answer = self._look(f"look up {wanted}", "HEAD", "manifests", wanted, also=(404,))
        if answer.status == 404:
            return ""
        if found := answer.headers.get("docker-content-digest", ""):
            return found
        answer = self._look(f"read {wanted}", "GET", "manifests", wanted, also=(404,))
        return "" if answer.status == 404 else digest_of(answer.body)

    def read(self, kind: str, digest: str) -> bytes:
        """A manifest (`manifests`) or a small blob (`blobs`), as it was stored."""
        answer = self._look(f"read {digest}", "GET", kind, digest)
        if digest_of(answer.body) != digest:
            raise RegistryError(f"{self.name} answers with something else when asked for {digest}")
        return answer.body

    def begin_upload(self) -> Upload:
        return self._patiently(self._begin_upload)

    def _begin_upload(self) -> Upload:
        step, path = "begin an upload", self._path("blobs", "uploads/")
        return self._upload(path, self._judge(step, self._once(step, "POST", path, None, {"Content-Length": "0"})))

    def send(self, upload: Upload, blocks: Iterable[bytes], size: int, *, start: int | None = None) -> Upload:
        """Append `size` bytes to an upload; `start` is given when they are one of several pieces. Never repeated."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        body: bytes | Iterable[bytes] = blocks
        if start is not None:
            headers["Content-Range"] = f"{start}-{start + size - 1}"
            body = b"".join(blocks)  # small enough to be sent again, should the token have ended with the last piece
        answer = self._once("upload the layer", "PATCH", upload.target, body, headers, upload.foreign)
        return self._upload(upload.target, self._judge("upload the layer", answer), upload.foreign)

    def finish(self, upload: Upload, digest: str) -> None:
        """Close an upload: the registry compares `digest` with what it got."""
        target = protocol.with_digest(upload.target, digest)
        self._judge("finish the layer", self._once("finish the layer", "PUT", target, b"", {}, upload.foreign))

    def cancel(self, upload: Upload) -> None:
        """Drop an upload; a registry that does not listen cleans up by itself, later."""
        try:
            self._once("cancel the upload", "DELETE", upload.target, None, {}, upload.foreign)
        except (RegistryError, TimedOut):
            return

    def put_blob(self, document: Document) -> None:
        """A small blob in one piece, unless it is there, which is so when we are sent to where it is."""
        step = "store the image's configuration"
        path = self._path("blobs", document.digest)
        if self._ask(step, "HEAD", path, also=(404, *_ELSEWHERE)).status == 404:
            self._patiently(lambda: self._put_blob(step, document))

    def _put_blob(self, step: str, document: Document) -> Answer:
        upload = self._begin_upload()
        headers = {"Content-Type": "application/octet-stream"}
        target = protocol.with_digest(upload.target, document.digest)
        return self._judge(step, self._once(step, "PUT", target, document.content, headers, upload.foreign))

    def put_manifest(self, document: Document, *, tag: str) -> None:
        headers = {"Content-Type": document.media_type}
        answer = self._ask(
            f"store the manifest as {tag}", "PUT", self._path("manifests", tag), document.content, headers
        )
        stored = answer.headers.get("docker-content-digest", document.digest)
        if stored != document.digest:
            raise RegistryError(
                f"{self.name} stored the manifest of {self.repository} as {stored} instead of {document.digest}: "
                "something before the registry changes what is sent"
            )

    def delete_manifest(self, digest: str) -> bool:
        """Whether the manifest is gone; False where the registry does not delete (405, 400 UNSUPPORTED)."""
        answer = self._ask(f"delete {digest}", "DELETE", self._path("manifests", digest), also=(400, 404, 405))
        if answer.status == 400 and "UNSUPPORTED" not in protocol.parse_error(answer.body):
            self._judge(f"delete {digest}", answer)
        return answer.status not in (400, 405)

    # ---- one request ----

    def _path(self, kind: str, rest: str) -> str:
        return f"/v2/{self.repository}/{kind}/{rest}"

    def _ask(
        self,
        step: str,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        also: tuple[int, ...] = (),
    ) -> Answer:
        """A small request, repeated while the registry is silent, busy or broken; `also`: statuses beyond 2xx."""
        return self._patiently(lambda: self._judge(step, self._once(step, method, path, body, headers or {}), also))

    def _patiently(self, attempt: Callable[[], T]) -> T:
        for pause in self.pauses:
            try:
                return attempt()
            except RegistryError as error:
                if not error.ok_to_retry or error.status not in _PASSING:
                    raise
                self.deadline.pause(max(pause, error.wait))
        return attempt()

    def _look(self, step: str, method: str, kind: str, name: str, *, also: tuple[int, ...] = ()) -> Answer:
        """A manifest or a blob, which may be in a storage, or a registry, elsewhere."""
        path = self._path(kind, name)
        headers = {"Accept": ", ".join(ACCEPTED)} if kind == "manifests" else {}
        answer = self._ask(step, method, path, headers=headers, also=(*also, *_ELSEWHERE))
        if answer.status not in _ELSEWHERE:
            return answer
        there = self._upload(path, answer)
        return self._judge(step, self._once(step, method, there.target, None, headers, there.foreign), also)

    def _once(
        self,
        step: str,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None,
        headers: Mapping[str, str],
        foreign: str = "",
    ) -> Answer:
        """One exchange, with one more after a challenge when the body can be sent again."""
        if foreign:
            return self._exchange(step, Connection(self._foreign(foreign), self.deadline), method, path, body, headers)
        answer = self._exchange(step, self._own(), method, path, body, {**headers, **self._authorization()})
        if answer.status == 401 and self.access and (body is None or isinstance(body, bytes)):
            scope = f"repository:{self.repository}:{'pull' if method in ('GET', 'HEAD') else 'pull,push'}"
            if method == "DELETE":
                scope = f"repository:{self.repository}:delete"
            if self.access.answer(answer.headers.get("www-authenticate", ""), scope):
                answer = self._exchange(step, self._own(), method, path, body, {**headers, **self._authorization()})
        return answer

    def _exchange(
        self,
        step: str,
        connection: Connection,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        complete = False
        try:
            response = connection.request(method, path, body=body, headers=headers, patience=_PATIENCE)
            content = response.read(_LARGEST_ANSWER)
            complete = response.done and response.status < 400
            return Answer(response.status, response.fields, content)
        except Unreachable as error:
            raise unreachable(self.name, step, str(error), proxied=self.proxied) from error
        except OSError as error:
            raise unreachable(self.name, step, f"{connection.endpoint!r}: {error}", proxied=self.proxied) from error
        finally:
            # after an error the server may not have read what was sent: nothing can follow on that connection
            if not complete or connection is not self._connection:
                connection.close()

    def _judge(self, step: str, answer: Answer, also: tuple[int, ...] = ()) -> Answer:
        if 200 <= answer.status < 300 or answer.status in also:
            return answer
        words = protocol.parse_error(answer.body)
        said = f"HTTP {answer.status}" + (f", {words}" if words else "")
        cure = advice(
            answer.status,
            step,
            repository=self.repository,
            proxied=self.proxied,
            known=self.access is not None and self.access.known,
        )
        retry = answer.status == 429 or answer.status >= 500
        message = f"{self.name} refused to {step} in repository {self.repository}: {said}{cure}"
        error = RegistryError(message, status=answer.status, ok_to_retry=retry)
        error.wait = min(retry_after(answer.headers), _LONGEST_PAUSE)
        raise error

    def _own(self) -> Connection:
        if self._connection is None:
            self._connection = Connection(self.endpoint, self.deadline)
        return self._connection

    def _authorization(self) -> dict[str, str]:
        return self.access.headers() if self.access else {}

    # ---- Locations ----

    def _upload(self, asked: str, answer: Answer, foreign: str = "") -> Upload:
        """Where a Location leads that was answered to a request for `asked` (of that other host)."""
        location = answer.headers.get("location", "")
        if not location:
            raise RegistryError(f"{self.name} answered a request for {self.repository} without a Location")
        own = f"{'https' if self.endpoint.tls else 'http'}://{self.endpoint.authority}"
        try:
            url = protocol.absolute(location, own=foreign or own, path=asked if foreign else self.endpoint.base + asked)
            port = url.port
        except ValueError as error:
            raise RegistryError(f"{self.name} answered with a Location that is no URL") from error
        target = url.path + (f"?{url.query}" if url.query else "")
        if self.proxied:
            # The API server puts the proxy's path before it, which (with a gateway's) is in the endpoint's base.
            return Upload(target[max(0, target.find("/v2/")) :])
        if url.hostname == self.endpoint.host and port in (None, self.endpoint.port):
            return Upload(target.removeprefix(self.endpoint.base))
        return Upload(target, foreign=f"{url.scheme}://{url.netloc}")

    def _foreign(self, origin: str) -> Endpoint:
        """Some registries have uploads go to their storage: another host, to which our credentials are not sent."""
        assert self.access
        return self.access.elsewhere(origin)
