"""Tables, sizes, times and stories."""

from datetime import datetime, timezone

import pytest

from bosh_kubernetes_cpi.tool import words
from bosh_kubernetes_cpi.tool.codes import WrongUse
from bosh_kubernetes_cpi.tool.explain import story
from bosh_kubernetes_cpi.tool.orphans import directors

NOW = datetime(2026, 1, 3, tzinfo=timezone.utc)


def test_a_table_is_as_wide_as_its_cells_and_has_no_line_breaks() -> None:
    text = words.table(["A", "B", "C"], [("long", "", "x\ny"), ("s", "yy", "z")])

    assert text == "A     B   C\nlong  -   x y\ns     yy  z\n"


@pytest.mark.parametrize(
    ("names", "expected"),
    [([], ""), (["a"], "a"), (["a", "b", "c"], "a, b, c"), (["a", "b", "c", "d", "e"], "a, b, c and 2 more")],
)
def test_of_many_the_first_are_named(names, expected) -> None:
    assert words.some(names) == expected


@pytest.mark.parametrize(
    ("count", "expected"), [(0, ""), (5, "5 B"), (64 << 20, "64 MiB"), (3 << 29, "1.5 GiB"), (1 << 60, "1024 PiB")]
)
def test_sizes(count, expected) -> None:
    assert words.size(count) == expected


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("2026-01-02T23:59:59Z", "1s"),
        ("2026-01-02T23:58:00.123456Z", "119s"),
        ("2026-01-02T23:00:00Z", "60m"),
        ("2026-01-02T01:00:00+01:00", "24h"),
        ("2025-12-24T00:00:00Z", "10d"),
        ("2027-01-01T00:00:00Z", "0s"),
        ("", ""),
        ("soon", ""),
    ],
)
def test_ages(since, expected) -> None:
    assert words.age(since, NOW) == expected


def test_a_story_is_told_in_the_order_of_time_whatever_form_its_times_have() -> None:
    thing = {
        "kind": "VirtualMachine",
        "metadata": {"name": "vm-1", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "status": {
            "conditions": [
                {"type": "Ready", "status": "True", "reason": "Running", "lastTransitionTime": "2026-01-01T00:00:02Z"}
            ]
        },
    }

    def event(about: str, at: str, message: str = "", kind: str = "Normal") -> dict:
        involved = {"name": about, "kind": "Pod"}
        body = {"reason": "R", "message": message, "type": kind, "lastTimestamp": at, "metadata": {}}
        return {**body, "involvedObject": involved}

    told = [
        event("vm-1", "2026-01-01T00:00:02.500000Z", "half a second later"),
        event("vm-1-root", "2026-01-01T00:00:01Z", "before", "Warning"),
        event("vm-10", "2026-01-01T00:00:01Z", "of another"),
    ]

    assert [each.what for each in story.tell(thing, told)] == [
        "made",
        "Warning R: before",
        "Ready became True: Running",
        "R: half a second later",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"Tables": [{"Rows": [{"uuid": "a", "name": "bosh"}]}], "Lines": []}', ["a"]),
        ('{"director_id": "b", "current_vm_cid": "vm-1"}', ["b"]),
        ('{"Tables": [{"Rows": [{"uuid": "a"}, {"uuid": "c"}]}]}', ["a", "c"]),
    ],
)
def test_directors_in_what_boshs_programs_write(text, expected) -> None:
    assert directors.read(text, "here") == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"director_id": ""}', '{"Tables": null}', '{"Tables": 5}', "[" * 100_000),
        *('{"Tables": [{"Rows": []}]}', '{"Tables": [{"Rows": 5}]}', '{"Tables": {"Rows": "uuid"}}'),
    ],
)
def test_no_director_is_wrong_use(text) -> None:
    with pytest.raises(directors.WrongUse, match="here"):
        directors.read(text, "here")


def test_a_bosh_that_failed_is_quoted_where_its_answer_names_no_director() -> None:
    """Its message went into the pipe: nobody has seen it."""
    said = '{"Tables": null, "Lines": ["Expected non-empty Director URL", "Exit code 1"]}'

    with pytest.raises(WrongUse, match="bosh says: Expected non-empty Director URL"):
        directors.read(said, "standard input")
