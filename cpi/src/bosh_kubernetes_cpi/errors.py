"""Every error of the CPI, and the type that each is answered with.

    Failure                     answered as                  ok_to_retry
    ├── RequestError            Bosh::Clouds::CpiError       false
    ├── UnknownMethod           Bosh::Clouds::NotImplemented false
    ├── NotSupported            Bosh::Clouds::NotSupported   false
    ├── VMNotFound              Bosh::Clouds::VMNotFound     false
    ├── DiskNotFound            Bosh::Clouds::DiskNotFound   false
    ├── VMCreationFailed        Bosh::Clouds::VMCreationFailed   as told
    └── CloudError              Bosh::Clouds::CloudError     as told
        ├── Interrupted         SIGTERM while working
        ├── TimedOut            the time of the method is over
        ├── OperatorSilent      the operator renews its Lease no more
        ├── ApiError            an answer of the API server, or none
        │   ├── Unavailable     no connection, or 5xx
        │   ├── Unauthorized    401
        │   ├── Forbidden       403
        │   ├── NotFound        404
        │   ├── Conflict        409
        │   ├── Gone            410
        │   ├── Invalid         400, 413, 422
        │   └── TooManyRequests 429
        ├── BadProperty         cloud_properties with an unknown key or a wrong value
        ├── BadImage            a stemcell's image file that makes no layer
        └── RegistryError       an answer of a registry, or none

The Director knows no other type names than these (contract 1.6). A message names the object, the reason and the
remedy, and never holds a credential.
"""

# ruff: noqa: N818 (names that say what happened, as the types that they are answered with)

from __future__ import annotations


class Failure(Exception):
    type = "Bosh::Clouds::CloudError"

    def __init__(self, message: str, *, ok_to_retry: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.ok_to_retry = ok_to_retry


class RequestError(Failure):
    """A request or a configuration that cannot be read."""

    type = "Bosh::Clouds::CpiError"


class UnknownMethod(Failure):
    type = "Bosh::Clouds::NotImplemented"


class NotSupported(Failure):
    """What this cluster cannot do; the Director falls back for resize_disk and update_disk only."""

    type = "Bosh::Clouds::NotSupported"


class VMNotFound(Failure):
    type = "Bosh::Clouds::VMNotFound"


class DiskNotFound(Failure):
    type = "Bosh::Clouds::DiskNotFound"


class VMCreationFailed(Failure):
    """create_vm failed and removed what it had made. ok_to_retry: the same call may succeed."""

    type = "Bosh::Clouds::VMCreationFailed"


class CloudError(Failure):
    pass


class Interrupted(CloudError):
    pass


class TimedOut(CloudError):
    pass


class OperatorSilent(CloudError):
    pass


class ApiError(CloudError):
    """The API server refused a request. `status` is the HTTP status (0: no answer), `reason` that of its Status
    object.
    """

    def __init__(self, message: str, *, status: int = 0, reason: str = "", ok_to_retry: bool = False) -> None:
        super().__init__(message, ok_to_retry=ok_to_retry)
        self.status = status
        self.reason = reason


class Unavailable(ApiError):
    pass


class Unauthorized(ApiError):
    pass


class Forbidden(ApiError):
    pass


class NotFound(ApiError):
    pass


class Conflict(ApiError):
    pass


class Gone(ApiError):
    pass


class Invalid(ApiError):
    pass


class TooManyRequests(ApiError):
    pass


class BadProperty(CloudError):
    pass


class BadImage(CloudError):
    pass


class RegistryError(CloudError):
    """A registry refused a step, or gave no answer (`status` 0)."""

    def __init__(self, message: str, *, status: int = 0, ok_to_retry: bool = False) -> None:
        super().__init__(message, ok_to_retry=ok_to_retry)
        self.status = status
