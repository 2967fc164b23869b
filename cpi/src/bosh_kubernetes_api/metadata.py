"""Metadata of the Director on objects: everything verbatim in an annotation, what is legal in labels."""

from __future__ import annotations

import json

from .names import METADATA, METADATA_LABEL_PREFIX, is_label_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

# Bounds of spec.metadata in the CRD; the annotation has everything.
MOST_KEYS = 128
LONGEST_VALUE = 4096


def patch(metadata: Json, current: Json) -> Json:
    """The merge patch that gives the object `current` this metadata: labels of keys that are gone go too."""
    labels: dict[str, str | None] = {
        key: None for key in current["metadata"].get("labels", {}) if key.startswith(METADATA_LABEL_PREFIX)
    }
    for key, value in metadata.items():
        text = as_text(value)
        if key and is_label_value(key) and text and is_label_value(text):
            labels[METADATA_LABEL_PREFIX + key] = text
    return {"metadata": {"annotations": {METADATA: json.dumps(metadata)}, "labels": labels}}


def stamped(body: Json, metadata: Json) -> Json:
    """`body`, an object that is yet to be made, with this metadata."""
    made = patch(metadata, body)["metadata"]
    found = body["metadata"]
    labels = {**found.get("labels", {}), **made["labels"]}
    annotations = {**found.get("annotations", {}), **made["annotations"]}
    return {**body, "metadata": {**found, "labels": labels, "annotations": annotations}}


def machine_patch(metadata: Json, current: Json) -> Json:
    """As `patch`, and for people in spec.metadata, cut to what the CRD allows."""
    spec: dict[str, str | None] = dict.fromkeys(current["spec"].get("metadata", {}))
    for key, value in list(metadata.items())[:MOST_KEYS]:
        spec[key] = as_text(value)[:LONGEST_VALUE]
    return {**patch(metadata, current), "spec": {"metadata": spec}}


def as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
