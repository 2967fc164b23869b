"""The one place where versions of the CPI API differ (contract 2.1): 1 and 2 in two results, 2 and 3 in one argument.

The third argument of create_stemcell (version 3) is optional in the table of dispatch. Callers that send no version,
or 1, speak version 1, where the agent finds its disks in the settings file alone; calls that rest on that are refused.
"""

from __future__ import annotations

from .errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ANNOUNCED = 3
SUPPORTED = (1, 2, 3)

STEMCELL_FORMATS = ("warden-tar", "general-tar", "docker-light", "kubernetes-light")

# What version 1 answers otherwise, and rests on a registry or the settings file for.
_DIFFERENT_IN_1 = ("create_vm", "attach_disk")


def requested(value: Any, method: str) -> int:
    """The version that a request asks for. Raises RequestError for one that we do not speak."""
    version = 1 if value is None else value
    if isinstance(version, bool) or version not in SUPPORTED:
        raise RequestError(f"api_version {version!r} is not supported: this CPI speaks 2 and 3")
    if version == 1 and method in _DIFFERENT_IN_1:
        raise RequestError(f"{method} needs CPI API version 2 or 3, the request asks for 1: use a newer bosh")
    return int(version)
