"""What can go wrong in the operator.

OperatorError
├── ClusterError      the API server did not do what was asked
│   ├── NotFound      404
│   ├── Conflict      409: it exists already, was changed, or is another one than meant (uid)
│   └── Refused       403, 422, 400: quota, admission, permission, invalid; asking again changes nothing by itself
├── OrderFailed       an order could not be given (no container, no answer); not: the firmware refused it
└── LeaseLost         another operator works in this namespace
"""

from __future__ import annotations


class OperatorError(Exception):
    pass


class ClusterError(OperatorError):
    """`status` is the HTTP status (0: no answer), `reason` and `message` are the API server's own words."""

    def __init__(self, did: str, status: int, reason: str, message: str) -> None:
        super().__init__(f"{did}: {message or reason or status}")
        self.status, self.reason, self.message = status, reason, message


class NotFound(ClusterError):
    pass


class Conflict(ClusterError):
    pass


class Refused(ClusterError):
    pass


class OrderFailed(OperatorError):
    pass


class LeaseLost(OperatorError):
    pass


def cluster_error(did: str, status: int, reason: str, message: str) -> ClusterError:
    """The error for an HTTP `status`; `did` says what was attempted, with the object's name."""
    kind = {404: NotFound, 409: Conflict, 400: Refused, 403: Refused, 422: Refused}.get(status, ClusterError)
    return kind(did, status, reason, message)
