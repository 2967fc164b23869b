"""Which tools of the PATH are used."""

import pytest

from tests.cluster.kind.versions import ACCEPTED, Range, parse


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("kind v0.33.0 go1.26.8 linux/amd64", (0, 33, 0)),
        ("Client Version: v1.37.2\nKustomize Version: v5.8.1", (1, 37, 2)),
        ("Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0", (1, 32, 4)),
        ("v4.3.1+gabcdef", (4, 3, 1)),
        ("Docker version 28.2.2, build e6534b4", (28, 2, 2)),
        ("no such command", None),
    ],
)
def test_version_in_a_tools_answer(answer: str, version: tuple[int, ...] | None) -> None:
    assert parse(answer) == version


@pytest.mark.parametrize(
    ("version", "accepted"),
    [((1, 35, 9), False), ((1, 36), True), ((1, 36, 0), True), ((1, 38, 99), True), ((1, 39, 0), False)],
)
def test_a_range_holds_its_lower_end_and_not_its_upper(version: tuple[int, ...], accepted: bool) -> None:
    assert (version in Range((1, 36), (1, 39))) is accepted


@pytest.mark.parametrize(
    ("tool", "version", "accepted"),
    [
        ("kind", (0, 32, 0), False),
        ("kind", (0, 33, 1), True),
        ("helm", (3, 18, 0), False),
        ("docker", (20, 10, 24), True),
        ("docker", (19, 3, 0), False),
    ],
)
def test_accepted_tools(tool: str, version: tuple[int, ...], accepted: bool) -> None:
    assert (version in ACCEPTED[tool]) is accepted
