"""What can end a run of the driver.

DriverError
├── ManifestError    the manifest, a release or a stemcell is not what the real client takes
├── CpiError         the CPI answered with an error, or not as the protocol wants
└── AgentError       the agent answered with an exception, or not at all
    └── CertificateError   another certificate than the manifest's authority vouches for: final, as for the real client
"""

from __future__ import annotations


class DriverError(Exception):
    """Ends the run; the state file tells how far it came."""


class ManifestError(DriverError):
    pass


class CpiError(DriverError):
    """`type` is the CPI's error type, empty when there was no proper answer."""

    def __init__(self, method: str, message: str, *, type: str = "") -> None:
        super().__init__(f"CPI '{method}' method responded with error: {type or 'none'}: {message}")
        self.method, self.type = method, type


class AgentError(DriverError):
    pass


class CertificateError(AgentError):
    pass
