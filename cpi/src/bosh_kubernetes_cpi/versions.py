"""Where versions of the CPI API differ (contract 2.1): 1 and 2 in two results, 2 and 3 in one argument.

The third argument of create_stemcell (version 3) is optional in the table of dispatch. Callers that send no version,
or 1 (bosh-init of 2018, Directors before 283 that are told so), speak version 1: nobody tells the agent of a disk but
its settings, which attach_disk therefore lets list the disk.
"""

from __future__ import annotations

from .errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ANNOUNCED = 3
SUPPORTED = (1, 2, 3)

STEMCELL_FORMATS = ("warden-tar", "general-tar", "docker-light", "kubernetes-light")


def requested(value: Any) -> int:
    """The version that a request asks for. Raises RequestError for one that we do not speak."""
    version = 1 if value is None else value
    if isinstance(version, bool) or version not in SUPPORTED:
        raise RequestError(f"api_version {version!r} is not supported: this CPI speaks 1, 2 and 3")
    return int(version)


def told(version: int, method: str, result: Any) -> Any:
    """The result as callers of that version take it: in version 1 create_vm's is the CID alone, attach_disk's null."""
    if version > 1:
        return result
    if method == "create_vm":
        return result[0]
    return None if method == "attach_disk" else result
