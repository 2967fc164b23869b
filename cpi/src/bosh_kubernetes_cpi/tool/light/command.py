"""`stemcell light`: look the image up as create_stemcell does, name it, write the tarball."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from ... import log
from ...clock import Deadline
from ...errors import CloudError, NoCredential, RegistryError, RequestError, TimedOut
from ...stemcell import light
from ...stemcell.places import Places
from ...stemcell.reference import BadReferenceError, Reference, parse
from ...stemcell.registry import Registry
from ...transport.http import Endpoint
from .. import codes
from ..session import Session
from ..words import facts
from . import naming, published, tarball

LOOK_UP = 120.0  # seconds for the registry
_UNASKED = (RegistryError, TimedOut, NoCredential)


def run(session: Session) -> int:
    options = session.options
    try:
        wanted = parse(options.image)
    except BadReferenceError as error:
        raise codes.WrongUse(str(error)) from error
    try:
        image, said = _look_up(session, wanted)
    except CloudError as error:
        if type(error) is not CloudError:  # it could not be asked
            raise
        nothing = {"image": str(wanted), "file": None, "error": error.message}
        session.print_json(nothing) if session.as_json else session.print(error.message)
        return codes.FINDINGS
    identity = naming.identify(
        image, said, name=options.name, version=options.version, os=options.os, architecture=options.architecture
    )
    formats = options.format or tarball.FORMATS
    content = tarball.archive(tarball.manifest(identity, image, formats=formats, api_version=options.api_version))
    path = Path(options.file or identity.file)
    _write(path, content)
    told = {
        "file": str(path),
        "sha256": hashlib.sha256(content).hexdigest(),
        "sha1": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        "image": str(image),
        "name": identity.name,
        "version": identity.version,
        "os": identity.os,
        "architecture": identity.architecture,
        "api_version": options.api_version,
        "formats": list(formats),
    }
    session.print_json(told) if session.as_json else session.print(_page(told))
    return codes.FINE


def _look_up(session: Session, wanted: Reference) -> tuple[Reference, published.Published]:
    """The image with its digest, and what it says of itself: nothing where its registry cannot be asked."""
    settings: dict[str, Any] = session.config["registry"] if session.options.config else {}
    endpoint = session.api.endpoint if settings.get("service") else Endpoint("localhost", 1, tls=None)
    registry = Places(settings, endpoint, Deadline(LOOK_UP)).of(wanted)
    try:
        image = _pinned(wanted, registry)
        spoken = {ours: theirs for theirs, ours in naming.ARCHITECTURES.items()}
        architecture = session.options.architecture
        try:
            said = published.read(registry, image.digest, spoken.get(architecture, architecture))
        except _UNASKED as error:
            log.progress(f"what {image} says of itself is not read: {error.message}")
            said = published.Published()
        return image, said
    finally:
        registry.close()


def _pinned(wanted: Reference, registry: Registry) -> Reference:
    """As create_stemcell does, which would have no time left; here a digest is enough, whatever is in the way."""
    try:
        return light.pin(wanted, registry, say=log.progress)
    except (TimedOut, NoCredential) as error:
        if not wanted.digest:
            raise
        log.progress(f"image {wanted} is taken as given, its registry cannot confirm it: {error.message}")
        return wanted


def _write(path: Path, content: bytes) -> None:
    """At once or not at all."""
    if not path.name:  # `.` and `/`
        raise RequestError(f"{path} cannot be written: it is a folder")
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_bytes(content)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise RequestError(f"{path} cannot be written: {error.strerror}") from error


def _page(told: dict[str, Any]) -> str:
    pairs = [(key, ", ".join(value) if isinstance(value, list) else str(value)) for key, value in told.items()]
    return facts(pairs)
