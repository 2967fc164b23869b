"""Sizes in the spellings of the API server."""

import pytest

from bosh_kubernetes_api.quantities import in_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1", 1),
        ("1.5", 2),
        ("5Gi", 5 << 30),
        ("0.5Gi", 512 << 20),
        ("1024Ki", 1 << 20),
        ("1500M", 1_500_000_000),
        ("1.5Ti", 3 << 39),
        ("1E", 10**18),
        ("1Ei", 1 << 60),
        ("5368709120", 5 << 30),
        ("5e9", 5 * 10**9),
        ("12E2", 1200),
        ("1e-3", 1),
        ("1181116006400m", 1181116007),  # what becomes of 1.1Gi
    ],
)
def test_size_in_bytes(text, size) -> None:
    assert in_bytes(text) == size


@pytest.mark.parametrize("text", ["", "Gi", "x", "-1", "5Zi", "1ki", "1..5", "1e99999999", "1 Gi", "1e"])
def test_what_is_no_size(text) -> None:
    with pytest.raises(ValueError, match=r"no size|invalid literal"):
        in_bytes(text)
