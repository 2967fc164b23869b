"""The registry: can it be asked, and with --probe, does a push come through."""

from __future__ import annotations

import gzip
import io
import secrets
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ...clock import Deadline
from ...errors import Failure, RegistryError, TimedOut
from ...stemcell import upload
from ...stemcell.places import Places
from ...stemcell.registry import Registry
from ..interrupts import uninterrupted
from .line import FAILURE, OK, WARNING, Line

# Seconds for each by itself: between push and deletion a node has all its time to pull.
REACH, PUSH, DELETE = 60.0, 120.0, 60.0
GUIDE = "docs/registry.md has the ways to one"


def reach(places: Places, known: bool) -> Iterator[Line]:
    """Asks for a manifest that is not there: the registry answers, and lets the account read.

    `known`: whether there is a configuration of the CPI, which names it.
    """
    if not known:
        yield Line("registry", WARNING, "not checked: the CPI's configuration names it", "--config cpi.json")
        return
    if not places.configured:
        yield Line("registry", WARNING, "none is configured: light stemcells only", f"set registry.host; {GUIDE}")
        return
    registry = _own(places, REACH)
    try:
        registry.digest("doctor")
    except (RegistryError, TimedOut) as error:
        yield Line("registry", FAILURE, error.message, GUIDE)
    else:
        yield Line("registry", OK, f"{registry.name} answers; nodes pull from {places.pull_name.host}")
    finally:
        registry.close()


@contextmanager
def pushed(places: Places, architecture: str, note: Callable[[Line], None]) -> Iterator[str]:
    """An image of a few bytes that nobody has yet, as create_stemcell pushes one; its reference for nodes.

    Empty when it did not come through; `note` gets the lines. Its manifest is deleted at the end.
    """
    registry = _own(places, PUSH)
    nonce = secrets.token_hex(8)
    digest = ""
    try:
        try:
            layer = upload.push_layer(registry, io.BytesIO(_layer(nonce)), say=lambda line: None, pause=1.0)
            manifest = upload.push_documents(registry, layer, name="doctor", version=nonce, architecture=architecture)
            digest = manifest.digest
            registry.put_manifest(manifest, tag=f"doctor-{nonce}")
        except Failure as failure:
            note(Line("push", FAILURE, failure.message, GUIDE))
            yield ""
        else:
            note(Line("push", OK, f"{registry.name} took an image into {registry.repository}"))
            yield places.pull_name.at(digest).pinned
    finally:
        registry.close()
        if digest:
            with uninterrupted():
                note(_deleted(_own(places, DELETE), digest))


def _own(places: Places, seconds: float) -> Registry:
    return replace(places, deadline=Deadline(seconds)).own()


def _deleted(registry: Registry, digest: str) -> Line:
    try:
        if registry.delete_manifest(digest):
            return Line("delete", OK, f"{registry.name} deletes")
    except Failure as failure:
        cure = f"delete {registry.repository}@{digest} by hand; deleted stemcells will keep their space, too"
        return Line("delete", WARNING, failure.message, cure)
    finally:
        registry.close()
    found = f"{registry.name} does not delete: {registry.repository}@{digest} stays, as images of deleted stemcells do"
    return Line("delete", WARNING, found, "allow it there, or collect garbage by hand")


def _layer(nonce: str) -> bytes:
    """A layer with one file that no other has, so that no cache can give the image."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        entry = tarfile.TarInfo("doctor")
        entry.size = len(nonce)
        tar.addfile(entry, io.BytesIO(nonce.encode()))
    return gzip.compress(buffer.getvalue(), mtime=0)
