"""A light stemcell's image: from the reference that its cloud properties hold to the digest that nodes will pull."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import CloudError, RegistryError
from .reference import Reference
from .registry import Registry


def pin(reference: Reference, registry: Registry, *, say: Callable[[str], None]) -> Reference:
    """`reference` with a digest, looked up at its registry.

    A digest that was given is never replaced: the registry only confirms it, and where it cannot be asked (the CPI may
    be outside the network of the nodes, or without their pull secret) that is said and accepted. CloudError when the
    registry has no such image, RegistryError when a tag cannot be looked up.
    """
    try:
        found = registry.digest(reference.wanted)
    except RegistryError as error:
        if not reference.digest:
            raise RegistryError(
                f"{error.message}; or name the image with its digest, which needs no look-up",
                status=error.status,
                ok_to_retry=error.ok_to_retry,
            ) from error
        say(f"image {reference} is taken as given, its registry cannot confirm it: {error.message}")
        return reference
    if not found:
        raise CloudError(f"there is no image {reference}: {registry.name} knows no {reference.wanted} of it")
    if reference.digest and found != reference.digest:
        raise RegistryError(f"{registry.name} answers with digest {found} when asked for {reference}")
    return reference.at(found)
