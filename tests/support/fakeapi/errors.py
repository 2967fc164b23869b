"""What the stand-in refuses, in the words and codes of the real API server."""

from typing import Any


class Refusal(Exception):  # noqa: N818 (it becomes a Status object)
    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message

    def status(self) -> dict[str, Any]:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }


class UnknownPath(Refusal):
    """No Status object: the real server says so in plain text."""

    def __init__(self) -> None:
        super().__init__(404, "", "404 page not found")

    def status(self) -> str:  # type: ignore[override]
        return f"{self.message}\n"


def not_found(resource: str, name: str) -> Refusal:
    return Refusal(404, "NotFound", f'{resource} "{name}" not found')


def exists(resource: str, name: str) -> Refusal:
    return Refusal(409, "AlreadyExists", f'{resource} "{name}" already exists')


def conflict(resource: str, name: str) -> Refusal:
    words = "the object has been modified; please apply your changes to the latest version and try again"
    return Refusal(409, "Conflict", f'Operation cannot be fulfilled on {resource} "{name}": {words}')


def precondition(resource: str, name: str, asked: str, found: str) -> Refusal:
    words = f"Precondition failed: UID in precondition: {asked}, UID in object meta: {found}"
    return Refusal(409, "Conflict", f'Operation cannot be fulfilled on {resource} "{name}": {words}')


def invalid(kind: str, name: str, why: str) -> Refusal:
    return Refusal(422, "Invalid", f'{kind} "{name}" is invalid: {why}')


def bad_request(why: str) -> Refusal:
    return Refusal(400, "BadRequest", why)


def too_old(version: int) -> Refusal:
    return Refusal(410, "Expired", f"too old resource version: {version}")


def forbidden(verb: str, resource: str, namespace: str) -> Refusal:
    words = f'User "cpi" cannot {verb} resource "{resource}" in the namespace "{namespace}"'
    return Refusal(403, "Forbidden", f"{resource} is forbidden: {words}")


def unauthorized() -> Refusal:
    return Refusal(401, "Unauthorized", "Unauthorized")
