"""The stand-in API server: HTTPS on loopback, bearer token or client certificate, faults on request.

    with FakeApi() as api:
        api.fault("POST", "/secrets", status=500)        # the next such request fails
        api.store.create("StorageClass", "", {...})

It is a stand-in: the same contract tests run on a real API server to see that it is as strict
(tests/component/contract).
"""

import json
import re
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.fakeapi import errors
from tests.support.fakeapi.certs import Authority, server_context
from tests.support.fakeapi.faults import Fault
from tests.support.fakeapi.https import Handler, HttpsServer
from tests.support.fakeapi.kinds import Kind, all_kinds
from tests.support.fakeapi.rights import documented, verb
from tests.support.fakeapi.store import Store

Json = dict[str, Any]

OF_EVENTS = ("involvedObject.name", "involvedObject.uid", "type")
TOKEN = "token-of-the-fake-api-server"  # the CPI's account
PERSON = "token-of-a-person-at-the-fake-api-server"  # who may do everything
VERSION = {"major": "1", "minor": "34", "gitVersion": "v1.34.1"}
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class Seen(NamedTuple):
    method: str
    path: str
    query: str
    body: Any


class FakeApi:
    """`token` is the one that it accepts: change it, and the old one is refused. `expired`: its certificate is."""

    def __init__(self, token: str = TOKEN, *, expired: bool = False) -> None:
        self.token = token
        self.presented: list[str] = []  # the field Authorization of each request, else the client certificate's name
        self.authority = Authority()
        self.client = self.authority.client("cpi")
        self.store = Store(all_kinds())
        self.rights = documented()
        self.version: Json = VERSION
        self.seen: list[Seen] = []
        self.intercept: Callable[[Seen], Fault | None] = lambda _: None  # asked at each request, before `fault`
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        context = server_context(self.authority, self.authority.server(ended=expired))
        context.load_verify_locations(cadata=self.authority.pem)
        context.verify_mode = ssl.CERT_OPTIONAL
        self._server = _Server(self, context)
        self.port = self._server.server_address[1]
        self.url = self._server.url
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> "FakeApi":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stopping = True
        with self.store.changed:
            self.store.changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fault(
        self,
        method: str,
        path: str,
        *,
        status: int = 0,
        after: bool = False,
        silent: bool = False,
        body: Json | None = None,
        header: str = "",
        times: int = 1,
    ) -> None:
        """Let the next `times` requests of `method` whose path and query match `path` go wrong. `header`: of a
        Retry-After.
        """
        with self._lock:
            fault = Fault(status, after=after, silent=silent, body=body, header=header, method=method, path=path)
            self._faults += [fault] * times

    @property
    def connections(self) -> int:
        """How many clients have made so far."""
        return self._server.connections

    def pending_faults(self) -> int:
        return len(self._faults)

    def take_fault(self, seen: Seen) -> Fault | None:
        if fault := self.intercept(seen):
            return fault
        with self._lock:
            for fault in self._faults:
                if fault.meets(seen.method, f"{seen.path}?{seen.query}" if seen.query else seen.path):
                    self._faults.remove(fault)
                    return fault
        return None

    def requests(self, method: str, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method and re.search(path, seen.path)]


class _Server(HttpsServer):
    def __init__(self, api: FakeApi, context: ssl.SSLContext) -> None:
        super().__init__(_Handler, context)
        self.api = api
        self.stopping = False


class _Handler(Handler):
    server: _Server

    def _serve(self) -> None:
        api, method = self.server.api, self.command
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        body = json.loads(data) if data else None
        seen = Seen(method, url.path, url.query, body)
        api.seen.append(seen)
        fault = api.take_fault(seen)
        try:
            if fault and not fault.after and not fault.opens:
                return self.fail(fault)
            self._authenticate()
            if method == "GET" and url.path == "/apis":
                code, answer = 200, _groups(list(api.store.kinds.values()))
            elif method == "GET" and url.path == "/version":
                code, answer = 200, api.version
            elif method == "POST" and url.path == REVIEWS:
                code, answer = 201, self._reviewed(body)
            else:
                kind, namespace, name, sub = self._resource(url.path)
                query = {key: values[0] for key, values in parse_qs(url.query).items()}
                needed = verb(method, name, query.get("watch") == "true")
                if not self._may(needed, kind.group, kind.plural):
                    raise errors.forbidden(needed, kind.resource, namespace)
                if needed == "watch":
                    return self._watch(kind, namespace, query, fault)
                code = 201 if method == "POST" else 200
                answer = self._answer(method, kind, namespace, name, sub, query, body)
        except errors.Refusal as refusal:
            code, answer = refusal.code, refusal.status()
        return self.fail(fault) if fault and fault.after else self.send(code, answer)

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 (http.server's names)

    def _authenticate(self) -> None:
        api = self.server.api
        certificate = cast(ssl.SSLSocket, self.connection).getpeercert()
        names = [str(value) for part in (certificate or {}).get("subject", ()) for _, value in part]
        authorization = self.headers.get("Authorization") or "".join(names)
        api.presented.append(authorization)
        if authorization not in (f"Bearer {api.token}", f"Bearer {PERSON}") and not certificate:
            raise errors.unauthorized()

    def _may(self, verb: str, group: str, plural: str) -> bool:
        person = self.headers.get("Authorization") == f"Bearer {PERSON}"
        return person or verb in self.server.api.rights.get((group, plural), set())

    def _reviewed(self, review: Json) -> Json:
        asked = review["spec"]["resourceAttributes"]
        resource = asked["resource"] + (f"/{asked['subresource']}" if asked.get("subresource") else "")
        return {**review, "status": {"allowed": self._may(asked["verb"], asked.get("group", ""), resource)}}

    def _resource(self, path: str) -> tuple[Kind, str, str, str]:
        parts = [unquote(part) for part in path.strip("/").split("/")]
        group = "" if parts[0] == "api" else parts[1]
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        for kind in self.server.api.store.kinds.values():
            if (kind.group, kind.plural) == (group, rest[0]):
                return kind, namespace, *([*rest[1:], "", ""][:2])  # type: ignore[return-value]
        raise errors.UnknownPath

    def _answer(self, method: str, kind: Kind, namespace: str, name: str, sub: str, query: Json, body: Any) -> Json:
        store = self.server.api.store
        if method == "GET" and name:
            return store.get(kind.kind, namespace, name)
        if method == "GET":
            items = store.list(kind.kind, namespace, _selected(kind, query))
            return {
                "kind": f"{kind.kind}List",
                "apiVersion": kind.api_version,
                "metadata": {"resourceVersion": str(store.version)},
                "items": items,
            }
        if method == "POST" and not name:
            made = store.create(kind.kind, namespace, body, dry=query.get("dryRun") == "All")
            if query.get("fieldValidation") == "Strict" and (unknown := _lost(body, made, "")):
                raise errors.bad_request(f'strict decoding error: unknown field "{unknown}"')
            return made
        if method == "PATCH" and name:
            if self.headers.get("Content-Type") != "application/merge-patch+json":
                raise errors.Refusal(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
            return store.merge_patch(kind.kind, namespace, name, body, status=sub == "status")
        if method == "DELETE" and name:
            uid = ((body or {}).get("preconditions") or {}).get("uid", "")
            return store.delete(kind.kind, namespace, name, uid=uid)
        raise errors.Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")

    def _watch(self, kind: Kind, namespace: str, query: Json, fault: Fault | None) -> None:
        store = self.server.api.store
        selected = _selected(kind, query)
        after = int(query.get("resourceVersion") or 0)
        silent = fault is not None and fault.silent
        self.begin_watch()
        if fault is not None and fault.after:
            self.wfile.flush()
            return self.fail(fault)
        try:
            while not self.server.stopping:
                with store.changed:
                    try:
                        if fault is not None and fault.expired:
                            raise errors.too_old(after)
                        events = [] if silent else list(store.events(after))
                    except errors.Refusal as refusal:
                        self.event({"type": "ERROR", "object": refusal.status()})
                        break
                    if not events and not store.changed.wait(1.0 if not silent else 0.1):
                        self.event(_bookmark(kind, store.version)) if not silent else self.wfile.flush()
                for event in events:
                    after = event.version
                    if event.kind == kind.kind and event.namespace == namespace and selected(event.object):
                        self.event({"type": event.type, "object": event.object})
            self.no_more_pieces()
        except (OSError, ssl.SSLError):
            self.close_connection = True


def _bookmark(kind: Kind, version: int) -> Json:
    metadata = {"resourceVersion": str(version), "creationTimestamp": None}
    return {"type": "BOOKMARK", "object": {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata}}


def _lost(sent: Any, made: Any, where: str) -> str:
    """Path of the first field that was sent and is not there, as fields that the schema does not have; else empty."""
    if isinstance(sent, list) and isinstance(made, list):
        pairs = [(f"{where}[{n}]", *pair) for n, pair in enumerate(zip(sent, made, strict=False))]
    elif isinstance(sent, dict) and isinstance(made, dict):
        pairs = [(f"{where}.{key}".lstrip("."), value, made.get(key, _lost)) for key, value in sent.items()]
    else:
        return where if made is _lost else ""
    return next((found for path, one, other in pairs if (found := _lost(one, other, path))), "")


def _groups(kinds: list[Kind]) -> Json:
    """Discovery: the named groups and their versions."""
    versions: dict[str, set[str]] = {}
    for kind in kinds:
        if kind.group:
            versions.setdefault(kind.group, set()).add(kind.version)
    groups = [
        {"name": group, "versions": [{"groupVersion": f"{group}/{version}", "version": version} for version in all_of]}
        for group, all_of in versions.items()
    ]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def _selected(kind: Kind, query: Json) -> Any:
    """Equality selectors on labels, and on the fields that the kind has for that."""
    labels = [pair.split("=", 1) for pair in query.get("labelSelector", "").split(",") if pair]
    fields = [pair.split("=", 1) for pair in query.get("fieldSelector", "").split(",") if pair]
    known = ("metadata.name", "metadata.namespace", *(OF_EVENTS if kind.kind == "Event" else ()))
    for key, _ in fields:
        if key not in known:
            raise errors.bad_request(f"field label not supported: {key}")

    def matches(value: Json) -> bool:
        return all(value["metadata"].get("labels", {}).get(key) == wanted for key, wanted in labels) and all(
            _field(value, key) == wanted for key, wanted in fields
        )

    return matches


def _field(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value
