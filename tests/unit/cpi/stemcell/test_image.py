"""The documents of an image are the same for the same layer, and what nodes and people look for is in them."""

import json

import pytest

from bosh_kubernetes_cpi.stemcell import image

LAYER = image.Layer(f"sha256:{'1' * 64}", 10, f"sha256:{'2' * 64}", image.LAYER_GZIP)


def test_nothing_in_them_depends_on_the_day() -> None:
    made = [
        image.manifest(LAYER, image.config(LAYER, architecture="x86_64"), name="n", version="1").digest
        for _ in range(2)
    ]
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("stated", "expected"),
    [("", "amd64"), ("x86_64", "amd64"), ("amd64", "amd64"), ("aarch64", "arm64"), ("s390x", "s390x")],
)
def test_architectures(stated, expected) -> None:
    assert json.loads(image.config(LAYER, architecture=stated).content)["architecture"] == expected


def test_another_name_or_version_is_another_image() -> None:
    config = image.config(LAYER, architecture="")
    digests = {image.manifest(LAYER, config, name=name, version=version).digest for name in "ab" for version in "12"}
    assert len(digests) == 4


def test_annotations_are_left_out_when_there_is_nothing_to_say() -> None:
    content = json.loads(image.manifest(LAYER, image.config(LAYER, architecture=""), name="", version="").content)
    assert "annotations" not in content
