"""Every error of the CPI, and the type that each is answered with.

    Failure
    ├── RequestError            CpiError
    ├── Unimplemented           NotImplemented
    │   └── UnknownMethod
    ├── NotSupported            NotSupported
    ├── VMNotFound              VMNotFound
    ├── DiskNotFound            DiskNotFound
    ├── NetworkNotFound         NetworkNotFound
    ├── VMCreationFailed        VMCreationFailed
    └── CloudError              CloudError, as all below
        ├── Fault
        ├── Interrupted
        ├── TimedOut
        ├── OperatorSilent
        ├── NoCredential
        ├── ApiError
        │   ├── Untrusted
        │   ├── Unavailable
        │   ├── Unauthorized
        │   ├── Forbidden
        │   ├── NotFound
        │   ├── Conflict
        │   ├── Gone
        │   ├── Invalid
        │   └── TooManyRequests
        ├── BadProperty
        ├── BadImage
        └── RegistryError

The Director knows no other type names than these (contract 1.6). A message names the object, the reason and the
remedy, and never holds a credential. The docstrings are the catalogue in docs/errors.md (`make docs`): when the error
comes, and after "Remedy:" what to do.
"""

# ruff: noqa: N818 (names that say what happened, as the types that they are answered with)

from __future__ import annotations


class Failure(Exception):
    """`retry` is the answer's ok_to_retry: whether the same call can succeed. None: as `ok_to_retry` says it."""

    type = "Bosh::Clouds::CloudError"
    retry: bool | None = False

    def __init__(self, message: str, *, ok_to_retry: bool | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.ok_to_retry = bool(self.retry) if ok_to_retry is None else ok_to_retry


class RequestError(Failure):
    """The request or the configuration cannot be read: an argument that is missing or of another kind, a key that is
    unknown, a connection that contradicts itself.

    Remedy: correct what the message names, in the manifest, the job's properties or the cpi-config.
    """

    type = "Bosh::Clouds::CpiError"


class Unimplemented(Failure):
    """The cluster, or this CPI, does not have it, and nothing was done; the Director goes on without where it can.

    Remedy: the message says what the cluster lacks.
    """

    type = "Bosh::Clouds::NotImplemented"


class UnknownMethod(Unimplemented):
    """There is no such method.

    Remedy: none where the caller goes on without it, else a newer CPI.
    """


class NotSupported(Failure):
    """The cluster, or the disk's class, cannot do it; nothing has changed.

    Remedy: none for resize_disk and update_disk, where the Director makes another disk and copies.
    """

    type = "Bosh::Clouds::NotSupported"


class VMNotFound(Failure):
    """There is no VirtualMachine of that name, it is being deleted, or it went while the call waited for it.

    Remedy: `bosh cloud-check` makes it anew or drops the reference.
    """

    type = "Bosh::Clouds::VMNotFound"


class DiskNotFound(Failure):
    """There is no claim of that name that is a disk of ours, or it is being deleted.

    Remedy: `bosh cloud-check`; if somebody deleted the claim, its data is in the volume or a backup, if anywhere.
    """

    type = "Bosh::Clouds::DiskNotFound"


class NetworkNotFound(Failure):
    """There is no such network: the CPI makes none.

    Remedy: none; the Director takes it as deleted.
    """

    type = "Bosh::Clouds::NetworkNotFound"


class VMCreationFailed(Failure):
    """create_vm failed, and what it had made is removed (the message says what is not).

    Remedy: the message has the reason, mostly one of the reasons of machines. While ok_to_retry is true the Director
    tries again by itself, up to five times.
    """

    type = "Bosh::Clouds::VMCreationFailed"
    retry = None


class CloudError(Failure):
    """Everything that has no name of its own, such as a disk that another machine has, or a machine or disk that stays
    at one of the reasons below for too long.

    Remedy: in the message.
    """

    retry: bool | None = None


class Fault(CloudError):
    """A fault of the CPI itself. The message has kind and place only.

    Remedy: report it, with the message.
    """

    retry = False


class Interrupted(CloudError):
    """The CPI was told to end (SIGTERM) before the call was done. What create_vm had made is removed.

    Remedy: call again.
    """

    retry = True


class TimedOut(CloudError):
    """The method's limit of time is over. The message says what was waited for, and how far it has come.

    Remedy: look at that object with `kubectl describe`, then call again: what is stored goes on meanwhile.
    """

    retry = True


class OperatorSilent(CloudError):
    """The operator has not renewed its Lease for `timeouts.operator` seconds while the call waited for it.

    Remedy: look at the Deployment `bosh-kubernetes-operator` and its logs, then call again.
    """

    retry = True


class NoCredential(CloudError):
    """The credential plugin of `kubernetes.exec` ended with an error, or did not end in time. Nothing was sent.

    Remedy: the message has what the plugin says; run it by hand, as the user and with the few variables of the CPI.
    """

    retry = True


class ApiError(CloudError):
    """What answers is no API server, or refuses in a way that is none of those below.

    Remedy: check `kubernetes.server`, and that the operator's chart is installed.
    """

    # `status` is the HTTP status (0: no answer), `reason` that of the server's Status object.
    retry = False

    def __init__(self, message: str, *, status: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class Untrusted(ApiError):
    """The certificate of the API server is not trusted.

    Remedy: `kubernetes.ca` must be the authority of that very cluster; `kubernetes.tls_server_name` names the host that
    the certificate shows.
    """


class Unavailable(ApiError):
    """No connection to the API server, an answer that broke off, or 5xx, five times in a row.

    Remedy: check that the machine of the CPI reaches `kubernetes.server`, then call again.
    """

    retry = True


class Unauthorized(ApiError):
    """401: the API server does not accept the credentials.

    Remedy: renew those below `kubernetes`; a token expires.
    """


class Forbidden(ApiError):
    """403: the CPI's account lacks a right, or a quota, a Pod Security level or an admission webhook forbids it.

    Remedy: give the account the Role of docs/configuration.md, which the chart makes; or change what the message names.
    """


def lacks_right(message: str) -> bool:
    """Whether a 403 of that message is an authorizer's, who names the account; quotas and webhooks do not."""
    return 'User "' in message


class NotFound(ApiError):
    """404 of an object that has to be there.

    Remedy: see whether somebody deleted it; for a namespace, whether `namespace` is right.
    """


class Conflict(ApiError):
    """409: somebody else changed or made the object first.

    Remedy: call again.
    """

    retry = True


class Gone(ApiError):
    """410: what was asked for is too old.

    Remedy: call again.
    """

    retry = True


class Invalid(ApiError):
    """400, 413, 422: the API server finds the object wrong, or an admission webhook refuses it.

    Remedy: the message has the field, which comes from cloud properties or the env; or the CRDs are of another version.
    """


class TooManyRequests(ApiError):
    """429, five times in a row.

    Remedy: call again later; call less at once.
    """

    retry = True


class BadProperty(CloudError):
    """Cloud properties with a key that is unknown, or a value of another kind. Nothing has been made.

    Remedy: correct the key that the message names; docs/cloud_properties.md has them all.
    """

    retry = False


class BadImage(CloudError):
    """The image file of a heavy stemcell is no tar of a root file system, damaged, or packed in another way than gzip.

    Remedy: fetch the stemcell again (`bosh upload-stemcell --fix`); only warden and general tar stemcells fit.
    """

    retry = False


class RegistryError(CloudError):
    """A registry refused a step, or did not answer.

    Remedy: in the message: the property, right or program that has to change.
    """

    # `status` is the HTTP status (0: no answer), `wait` the seconds after which the registry wants to be asked again.
    retry = None

    def __init__(self, message: str, *, status: int = 0, ok_to_retry: bool = False) -> None:
        super().__init__(message, ok_to_retry=ok_to_retry)
        self.status = status
        self.wait = 0.0
