"""docs/conformance.md names tests that exist, and every trap and pitfall once. Nothing is run: ast reads the names."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
PAGE = TESTS.parent / "docs/conformance.md"
COUNTS = {"Traps of the contract": 52, "Pitfalls of earlier CPIs": 54}
KINDS = {"Traps of the contract": "trap", "Pitfalls of earlier CPIs": "pitfall"}
REASON = re.compile(r"(not yet|does not apply): \S.+")
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def rows(section: str) -> list[list[str]]:
    """Cells of the table of a section: number, what goes wrong, tests or the reason why there is none."""
    _, _, text = PAGE.read_text().partition(f"## {section}\n")
    lines = [line for line in text.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def functions(path: Path) -> set[str]:
    """Names of the tests in a file."""
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("section", COUNTS)
def test_every_number_is_there_once(section: str) -> None:
    assert [row[0] for row in rows(section)] == [str(number) for number in range(1, COUNTS[section] + 1)]


@pytest.mark.parametrize("section", COUNTS)
def test_every_row_says_what_goes_wrong_and_names_tests_or_a_reason(section: str) -> None:
    wrong = [row for row in rows(section) if len(row) != 3 or not row[1] or not _complete(row[2])]

    assert wrong == []


def _complete(cell: str) -> bool:
    return bool(REASON.fullmatch(cell) or (NAMED.search(cell) and not NAMED.sub("", cell).strip()))


@pytest.mark.parametrize("section", COUNTS)
def test_every_named_test_exists(section: str) -> None:
    missing = [
        f"{row[0]}: {path}::{name}"
        for row in rows(section)
        for path, name in NAMED.findall(row[2])
        if not (TESTS / path).is_file() or name not in functions(TESTS / path)
    ]

    assert missing == []


@pytest.mark.parametrize("section", COUNTS)
def test_every_test_named_after_one_stands_in_its_row(section: str) -> None:
    named = {int(row[0]): NAMED.findall(row[2]) for row in rows(section)}
    stray = [
        f"{path.relative_to(TESTS)}::{name}"
        for path in TESTS.rglob("test_*.py")
        for name in functions(path)
        if (match := re.match(rf"test_{KINDS[section]}_(\d+)_", name))
        and (str(path.relative_to(TESTS)), name) not in named[int(match[1])]
    ]

    assert stray == []
