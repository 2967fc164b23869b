"""STAND-IN for a registry: the OCI distribution protocol over HTTP or TLS, with every trait of one that a test names.

    with Registry(Traits(auth="token")) as registry:
        registry.host, registry.store, registry.requests

It is as strict as the real one where the CPI could be wrong: digests, ranges, scopes of tokens, blobs that a manifest
names. Faults are taken from `registry.faults`, first come first served, by the step that they are for.
"""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import threading
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .store import RefusedError, Store

USER, PASSWORD = "bosh", "correct horse"


@dataclass(frozen=True)
class Traits:
    """`auth`: none, basic, token. `location`: relative, absolute, foreign (another host's name for the same port),
    begun elsewhere (the first one foreign, those from there relative), stripped (without what a gateway before the API
    server puts before its path).

    `prefix`: path of a service proxy, which takes it off before the registry and puts it before its Locations; then
    `bearer` is the account that the proxy asks for. `public`: reading needs no account. `limit`: bytes of a request's
    body that something before the registry allows. `deletes`: whether manifests can be deleted. `names_digests`:
    whether HEAD answers with Docker-Content-Digest. `redirects`: whether blobs and manifests are read, and blobs looked
    for, on another host. `uses`: requests that a token is good for; 0 is any number.
    """

    auth: str = "none"
    location: str = "relative"
    prefix: str = ""
    bearer: str = ""
    public: bool = False
    limit: int = 0
    deletes: bool = True
    names_digests: bool = True
    redirects: bool = False
    uses: int = 0


@dataclass
class Fault:
    """What goes wrong at a step (`POST`, `PATCH`, `PUT blob`, `PUT manifest`, `HEAD`, ...).

    `after`: cut the connection when that many bytes of the body have been read; else answer `status`, with
    `retry_after` where it says something.
    """

    step: str
    status: int = 0
    code: str = "UNKNOWN"
    message: str = "planned"
    after: int = -1
    retry_after: str = ""


@dataclass
class Registry:
    traits: Traits = field(default_factory=Traits)
    certificate: tuple[str, str] | None = None  # files with certificate and key: TLS
    address: str = "127.0.0.1"
    store: Store = field(default_factory=Store)
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)  # token -> scope
    used: list[str] = field(default_factory=list)  # tokens, at each request
    rewrite: Callable[[bytes], bytes] = bytes  # what something before the registry does to a manifest

    def __enter__(self) -> Registry:
        registry = self

        class Bound(Handler):
            pass

        Bound.registry = registry
        kind = _Server6 if ":" in self.address else ThreadingHTTPServer
        self._server = kind((self.address, 0), Bound)
        self._server.daemon_threads = True
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def host(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"localhost:{self.port}"

    @property
    def origin(self) -> str:
        return f"{'https' if self.certificate else 'http'}://{self.host}"

    @property
    def elsewhere(self) -> str:
        """The other host: the same server by another name."""
        return self.origin.replace("localhost", "127.0.0.1")

    def steps(self) -> list[str]:
        """Method and path of what was asked, without the proxy's prefix and the names of uploads."""
        return [f"{method} {path}" for method, path, _ in self.requests]

    def fault(self, step: str) -> Fault | None:
        for fault in self.faults:
            if fault.step == step:
                self.faults.remove(fault)
                return fault
        return None


class _Server6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


class Handler(BaseHTTPRequestHandler):
    registry: Registry
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # as servers do: else a refusal may still wait when the connection is closed
    timeout = 30

    def do(self) -> None:
        traits = self.registry.traits
        url = urlsplit(self.path)
        self.registry.requests.append((self.command, url.path, {key.lower(): val for key, val in self.headers.items()}))
        self.left = int(self.headers.get("Content-Length", 0))
        self.taken, self.cut = 0, -1
        try:
            if url.path == "/token":
                return self.token(parse_qs(url.query))
            if not url.path.startswith(f"{traits.prefix}/v2/"):
                raise RefusedError(404, "NOT_FOUND", "404 page not found")
            path = url.path.removeprefix(traits.prefix)
            repository, kind, rest = self.split(path)
            self.authorize(repository)
            if traits.limit and self.left > traits.limit:
                raise RefusedError(413, "", "<html>413 Request Entity Too Large</html>")
            step = self.command + (f" {kind}" if self.command == "PUT" else "")
            fault = self.registry.fault(step)
            if fault and fault.after < 0:
                fields = {"Retry_After": fault.retry_after} if fault.retry_after else {}
                raise RefusedError(fault.status, fault.code, fault.message, **fields)
            self.cut = fault.after if fault else -1
            getattr(self, f"{kind}s")(repository, rest, parse_qs(url.query))
        except RefusedError as refusal:
            self.refuse(refusal)
        except _CutError:
            self.close_connection = True
            self.connection.close()
        return None

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = do  # noqa: N815 (the base class looks for these)

    def split(self, path: str) -> tuple[str, str, str]:
        for kind in ("blob", "manifest"):
            repository, found, rest = path.removeprefix("/v2/").rpartition(f"/{kind}s/")
            if found:
                return repository, kind, rest
        raise RefusedError(404, "NOT_FOUND", "404 page not found")

    # ---- blobs and manifests ----

    def blobs(self, repository: str, rest: str, query: dict[str, list[str]]) -> None:
        store = self.registry.store
        if rest == "uploads/" and self.command == "POST":
            return self.uploading(repository, store.begin(repository), 202)
        if rest.startswith("uploads/"):
            return self.upload(repository, rest.removeprefix("uploads/"), query)
        if self.command not in ("HEAD", "GET") or (repository, rest) not in store.blobs:
            raise RefusedError(404, "BLOB_UNKNOWN", "blob unknown to registry")
        length = str(store.blobs[repository, rest])
        if self.is_elsewhere():
            return self.send_elsewhere()
        if self.command == "HEAD":
            return self.reply(200, b"", {"Docker-Content-Digest": rest}, length=length)
        return self.reply(200, store.contents[rest], {"Docker-Content-Digest": rest})

    def upload(self, repository: str, name: str, query: dict[str, list[str]]) -> None:
        store = self.registry.store
        if self.command == "DELETE":
            store.cancel(repository, name)
            return self.reply(204, b"")
        upload = store.upload(repository, name)
        if query.get("_state") != ["kept"]:
            raise RefusedError(400, "BLOB_UPLOAD_INVALID", "the query of the Location was lost")
        if self.command == "PATCH" and (stated := self.headers.get("Content-Range")):
            start, _, end = stated.partition("-")
            if int(start) != upload.size or int(end) - int(start) + 1 != self.left:
                raise RefusedError(416, "RANGE_INVALID", "invalid content range")
        while block := self.take():
            upload.append(block)
        if self.command == "PATCH":
            return self.uploading(repository, name, 202)
        digest = query.get("digest", [""])[0]
        store.finish(repository, name, digest)
        return self.reply(201, b"", {"Location": f"/v2/{repository}/blobs/{digest}", "Docker-Content-Digest": digest})

    def manifests(self, repository: str, reference: str, _: dict[str, list[str]]) -> None:
        store, traits = self.registry.store, self.registry.traits
        if self.command == "PUT":
            content = self.registry.rewrite(b"".join(iter(self.take, b"")))
            digest = store.put_manifest(repository, reference, self.headers.get("Content-Type", ""), content)
            return self.reply(201, b"", {"Docker-Content-Digest": digest})
        if self.command == "DELETE":
            if not traits.deletes:
                raise RefusedError(405, "UNSUPPORTED", "The operation is unsupported.")
            store.delete_manifest(repository, reference)
            return self.reply(202, b"")
        if self.is_elsewhere():
            return self.send_elsewhere()
        digest, media_type, content = store.manifest(repository, reference, self.headers.get("Accept", ""))
        headers = {"Docker-Content-Digest": digest} if traits.names_digests else {}
        return self.reply(200, content, {**headers, "Content-Type": media_type})

    def is_elsewhere(self) -> bool:
        """Whether what is asked for has to be asked for on the other host."""
        return self.registry.traits.redirects and self.headers["Host"].startswith("localhost")

    def send_elsewhere(self) -> None:
        self.reply(307, b"", {"Location": self.registry.elsewhere + self.path})

    def uploading(self, repository: str, name: str, status: int) -> None:
        traits = self.registry.traits
        size = self.registry.store.uploads[name].size
        path = f"{traits.prefix}/v2/{repository}/blobs/uploads/{name}?_state=kept"
        foreign = self.registry.elsewhere
        origin = {
            "relative": "",
            "absolute": self.registry.origin,
            "foreign": foreign,
            "begun elsewhere": foreign if self.command == "POST" else "",
            "stripped": "",
        }[traits.location]
        if traits.location == "stripped":
            path = path[path.index("/api/v1/") :]
        self.reply(status, b"", {"Location": origin + path, "Range": f"0-{max(size - 1, 0)}"})

    # ---- who may ----

    def authorize(self, repository: str) -> None:
        traits = self.registry.traits
        given = self.headers.get("Authorization", "")
        if traits.prefix:
            if given != f"Bearer {traits.bearer}":
                raise RefusedError(401, "", "Unauthorized")
            return
        reads = self.command in ("GET", "HEAD")
        if traits.auth == "none" or (traits.public and reads and traits.auth == "basic"):
            return
        storage = (traits.location in ("foreign", "begun elsewhere") and "/uploads/" in self.path) or traits.redirects
        if storage and self.headers["Host"].startswith("127."):
            if given:
                raise RefusedError(400, "", "credentials were sent to the storage's host")
            return
        if traits.auth == "basic":
            if not self.is_user(given):
                raise RefusedError(
                    401, "UNAUTHORIZED", "authentication required", WWW_Authenticate='Basic realm="stand-in"'
                )
            return
        self.use(given.removeprefix("Bearer "))
        wanted = "pull" if reads else "delete" if "/manifests/" in self.path and self.command == "DELETE" else "push"
        scope = self.registry.tokens.get(given.removeprefix("Bearer "), "")
        held, _, actions = scope.rpartition(":")
        if held != f"repository:{repository}" or wanted not in actions.split(","):
            needed = {"pull": "pull", "push": "pull,push", "delete": "delete"}[wanted]
            scope = f"repository:{repository}:{needed}"
            challenge = f'Bearer realm="{self.registry.origin}/token",service="stand-in",scope="{scope}"'
            raise RefusedError(401, "UNAUTHORIZED", "authentication required", WWW_Authenticate=challenge)

    def use(self, token: str) -> None:
        self.registry.used.append(token)
        if self.registry.traits.uses and self.registry.used.count(token) > self.registry.traits.uses:
            self.registry.tokens.pop(token, None)

    def token(self, query: dict[str, list[str]]) -> None:
        scope = query.get("scope", [""])[0]
        anonymous = self.registry.traits.public and scope.endswith(":pull") and "Authorization" not in self.headers
        if query.get("service") != ["stand-in"] or not (
            anonymous or self.is_user(self.headers.get("Authorization", ""))
        ):
            raise RefusedError(401, "UNAUTHORIZED", "incorrect username or password")
        token = secrets.token_urlsafe(24)
        self.registry.tokens[token] = scope
        self.reply(200, json.dumps({"token": token, "expires_in": 60}).encode(), {"Content-Type": "application/json"})

    @staticmethod
    def is_user(authorization: str) -> bool:
        kind, _, value = authorization.partition(" ")
        return kind == "Basic" and b64decode(value) == f"{USER}:{PASSWORD}".encode()

    # ---- bytes ----

    def take(self) -> bytes:
        """The next block of the body; a planned fault cuts the connection in it."""
        if self.cut >= 0 and self.taken >= self.cut:
            raise _CutError
        block = self.rfile.read(min(self.left, 1 << 16))
        self.left -= len(block)
        self.taken += len(block)
        return block

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None, *, length: str = "") -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, refusal: RefusedError) -> None:
        body = str(refusal).encode()
        if refusal.code:
            body = json.dumps({"errors": [{"code": refusal.code, "message": str(refusal), "detail": None}]}).encode()
        elif self.registry.traits.prefix:
            body = json.dumps({"kind": "Status", "message": str(refusal), "code": refusal.status}).encode()
        self.close_connection = self.left > 0  # what was not read is not read any more
        self.reply(refusal.status, body, {key.replace("_", "-"): value for key, value in refusal.headers.items()})

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _CutError(Exception):
    pass
