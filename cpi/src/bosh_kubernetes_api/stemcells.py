"""The Stemcell resource and the edits of its users (docs/architecture.md, Stemcell)."""

from __future__ import annotations

from . import names
from .metadata import stamped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

ROLE = "stemcell"
HEAVY = "heavy"  # we pushed its image, so we delete it
LIGHT = "light"


def build(
    image: str,
    *,
    director: str,
    form: str,
    name: str = "",
    version: str = "",
    os: str = "",
    architecture: str = "",
    pull_secrets: list[str],
    tags: Json | None = None,
) -> Json:
    """The Stemcell of `image` (`repository@sha256:…`) with one user. `form` is HEAVY or LIGHT, `tags` are its metadata.

    It has no Director's label: Directors share a stemcell, and `spec.users` says which do.
    """
    body: Json = {
        "apiVersion": names.API_VERSION,
        "kind": "Stemcell",
        "metadata": {"name": names.stemcell_cid(image), "labels": names.labels(ROLE)},
        "spec": {
            "image": image,
            "format": form,
            "name": name[:253],
            "version": version[:128],
            "os": os[:128],
            "architecture": architecture[:32],
            "pullSecrets": pull_secrets,
            "users": [{"director": director}],
        },
    }
    return stamped(body, tags) if tags else body


def users(stemcell: Json) -> list[str]:
    """UUIDs of the Directors that have uploaded it."""
    return [user["director"] for user in stemcell["spec"].get("users", [])]


def edit(stemcell: Json, *, users: list[str], deleting: str = "") -> Json:
    """A merge patch that sets users and the mark of deletion, and conflicts when somebody was faster."""
    return {
        "metadata": {
            "resourceVersion": stemcell["metadata"]["resourceVersion"],
            "annotations": {names.DELETING: deleting or None},
        },
        "spec": {"users": [{"director": user} for user in users]},
    }
