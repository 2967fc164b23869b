"""The pages whose tables the code decides say what the code does."""

import importlib.util
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def tables():
    sys.path.insert(0, str(DOCS))  # for the modules beside it, as `python docs/tables.py` has them
    spec = importlib.util.spec_from_file_location("docs_tables", DOCS / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_tables_are_those_of_the_code(tables, page) -> None:
    """Otherwise: `make docs`."""
    text = (DOCS / page).read_text()

    assert text == tables.written(text)


def test_every_table_stands_in_a_page(tables) -> None:
    found = [name for path in DOCS.glob("*.md") for _, name, _ in tables.PLACE.findall(path.read_text())]

    assert sorted(found) == sorted(tables.TABLES)


def test_a_table_that_is_out_of_date_is_written_anew(tables) -> None:
    page = "before\n<!-- table: disk -->\n| old |\n<!-- end -->\nafter\n"

    assert tables.written(page) == f"before\n<!-- table: disk -->\n{tables.TABLES['disk']()}<!-- end -->\nafter\n"
