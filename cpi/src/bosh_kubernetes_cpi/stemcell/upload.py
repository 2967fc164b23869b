"""A heavy stemcell into the registry: the image's layer while it is read, then the two small documents.

An upload that breaks begins anew, as its digest is only known at its end: at most ATTEMPTS times, the later ones in
pieces where something before the registry limits the size of a request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from os import SEEK_END
from typing import BinaryIO

from ..errors import BadImage, RegistryError
from . import image
from .layer import BLOCK, LayerReader
from .progress import Progress
from .registry import Registry, Upload

ATTEMPTS = 3
PIECE = 32 * BLOCK  # bytes of one PATCH in pieces: 8 MiB passes where nothing larger may
_AGAIN = 5.0  # seconds before a new attempt
_FAULTS = (401, 404, 413, 416)  # an upload that was begun and ended with one of these may go well the next time


def push_layer(registry: Registry, file: BinaryIO, *, say: Callable[[str], None], pause: float = _AGAIN) -> image.Layer:
    """Upload a stemcell's image (gzip tar, or tar) as one layer. Raises BadImage, RegistryError."""
    size = file.seek(0, SEEK_END)
    if not size:
        raise BadImage("the stemcell's image is empty")
    piece = 0
    for attempt in range(1, ATTEMPTS + 1):
        say(f"upload of {size} bytes to {registry.name}, repository {registry.repository}, attempt {attempt}")
        file.seek(0)
        progress, begun = Progress(size, say), False
        try:
            upload = registry.begin_upload()
            begun = True
            layer = _push_once(registry, upload, file, size, piece, progress)
        except RegistryError as error:
            if attempt == ATTEMPTS or not (error.ok_to_retry or (begun and error.status in _FAULTS)):
                raise RegistryError(
                    f"{error.message} (attempt {attempt} of {ATTEMPTS}; {progress.line()})",
                    status=error.status,
                    ok_to_retry=error.ok_to_retry,
                ) from error
            say(f"the upload broke and begins anew: {error.message}")
            piece = PIECE if error.status == 413 else piece
            registry.deadline.pause(pause)
        else:
            say(f"layer {layer.digest}: {progress.line()}")
            return layer
    raise AssertionError("the last attempt returns or raises")


def push_documents(
    registry: Registry, layer: image.Layer, *, name: str, version: str, architecture: str
) -> image.Document:
    """Store the config of the layer's image and answer its manifest, which is not stored yet."""
    config = image.config(layer, architecture=architecture)
    registry.put_blob(config)
    return image.manifest(layer, config, name=name, version=version)


def _push_once(
    registry: Registry, upload: Upload, file: BinaryIO, size: int, piece: int, progress: Progress
) -> image.Layer:
    reader = LayerReader(file, advance=progress.advance)
    try:
        blocks = iter(reader)
        for start, length in _pieces(size, piece):
            upload = registry.send(upload, islice(blocks, -(-length // BLOCK)), length, start=start if piece else None)
        layer = reader.layer()
        registry.finish(upload, layer.digest)
    except BaseException:
        _give_up(registry, upload)
        raise
    finally:
        reader.close()
    return layer


def _pieces(size: int, piece: int) -> Iterator[tuple[int, int]]:
    """Start and length of each PATCH; `piece` 0 is one for all."""
    step = piece or size
    for start in range(0, size, step):
        yield start, min(step, size - start)


def _give_up(registry: Registry, upload: Upload) -> None:
    registry.close()
    registry.cancel(upload)
