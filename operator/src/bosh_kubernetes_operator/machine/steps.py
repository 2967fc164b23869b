"""The steps that a plan is made of, and what became of one.

Values: two equal steps are the same step. Dataclasses, because named tuples of different classes can be equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from .state import Guest


@dataclass(frozen=True)
class AddFinalizer:
    pass


@dataclass(frozen=True)
class RemoveFinalizer:
    pass


@dataclass(frozen=True)
class CreateRootClaim:
    pass


@dataclass(frozen=True)
class CreateAddress:
    address: str


@dataclass(frozen=True)
class DeleteAddress:
    name: str  # of the Service
    uid: str


@dataclass(frozen=True)
class CreatePod:
    pass


@dataclass(frozen=True)
class CreateCleanup:
    own_image: bool = False  # the operator's, because the stemcell's may not be on the node


@dataclass(frozen=True)
class DeletePod:
    name: str
    uid: str
    grace: int  # seconds


@dataclass(frozen=True)
class CreateAttachment:
    disk: str


@dataclass(frozen=True)
class Attach:
    """Tell the firmware that the machine should have the disk; done once the guest's side sees it."""

    disk: str
    settings: str = ""  # id of the request to list it in the agent's settings, too; empty: none, or it is served


@dataclass(frozen=True)
class Flush:
    """What was written to the disk goes to its device."""

    disk: str
    id: str


@dataclass(frozen=True)
class Detach:
    """The guest releases the disk, then LetGo."""

    disk: str


@dataclass(frozen=True)
class LetGo:
    """The attachment unbinds the disk, then its Pod is deleted."""

    disk: str


@dataclass(frozen=True)
class Order:
    """start, stop, or reboot and reset with an id."""

    order: str
    id: str = ""
    disk: str = ""  # the one whose device changed, which is why


Step: TypeAlias = (
    AddFinalizer
    | RemoveFinalizer
    | CreateRootClaim
    | CreateAddress
    | DeleteAddress
    | CreatePod
    | CreateCleanup
    | DeletePod
    | CreateAttachment
    | Attach
    | Detach
    | Flush
    | LetGo
    | Order
)


class Result(NamedTuple):
    """What became of a step. `reason` is empty when it is done, else one of `bosh_kubernetes_api.reasons`."""

    reason: str = ""
    message: str = ""
    soon: bool = False  # no event will tell when it is worth another try
    error: Exception | None = None  # the API server failed: try again with backoff
    guest: Guest | None = None  # what the firmware said of itself when it was given an order


DONE = Result()
