"""The pages whose tables the code decides say what the code does."""

import importlib.util
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.support import samples

DOCS = Path(__file__).parents[3] / "docs"
# Values of the chart that are objects, shown as one
PLAIN = {
    f"{part}.{name}"
    for part in ("operator.resources", "registry.resources", "registry.mirror.resources")
    for name in ("requests", "limits")
}


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


def test_pictures_are_those_that_are_drawn(tables) -> None:
    """Otherwise: `make docs`."""
    kept = {path.stem: path.read_text() for path in (DOCS / "pictures").iterdir()}

    assert kept == {name: draw() for name, draw in tables.drawings.DRAWINGS.items()}


def test_every_picture_stands_in_a_page_and_takes_the_colour_of_its_text(tables) -> None:
    pages = "".join(path.read_text() for path in DOCS.glob("*.md"))
    for name, draw in tables.drawings.DRAWINGS.items():
        picture = ElementTree.fromstring(draw())
        assert f"](pictures/{name}.svg)" in pages
        assert [each.tag for each in picture.iter() if {"fill", "stroke", "style"} & each.attrib.keys()] == []


def test_words_of_pictures_stay_within_them(tables) -> None:
    """By the width of letters as most fonts have it, a bit more than half of the height."""
    for draw in tables.drawings.DRAWINGS.values():
        picture = ElementTree.fromstring(draw())
        for word in picture.iter("{http://www.w3.org/2000/svg}text"):
            width, x = 6.5 * len(word.text or ""), int(word.attrib["x"])
            left = x - width / 2 if "m" in word.attrib["class"].split() else x
            assert (left >= 0, left + width <= int(picture.attrib["width"])) == (True, True), word.text


def test_the_chart_s_table_has_every_value(tables) -> None:
    def leaves(node, prefix=""):
        for key, value in node.items():
            if isinstance(value, dict) and value and prefix + key not in PLAIN:
                yield from leaves(value, f"{prefix}{key}.")
            else:
                yield prefix + key

    values = yaml.safe_load((DOCS.parent / "charts/bosh-kubernetes-operator/values.yaml").read_text())
    shown = {row[0].strip("`") for row in tables.schemas.chart_values()}

    assert set(leaves(values)) - shown == set()


def test_the_tables_of_resources_have_every_field(tables) -> None:
    for resource in ("virtualmachine", "stemcell"):
        text = (DOCS.parent / f"crds/{resource}.yaml").read_text()
        schema = yaml.safe_load(text)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        shown = " ".join(row[0] for row in tables.schemas.fields(resource))
        missing = [name for name in fields({part: schema[part] for part in ("spec", "status")}) if name not in shown]
        assert missing == []


def fields(properties):
    for name, field in properties.items():
        yield name
        yield from fields(field.get("items", field).get("properties", {}))


def test_a_table_that_is_out_of_date_is_written_anew(tables) -> None:
    page = "before\n<!-- table: disk -->\n| old |\n<!-- end -->\nafter\n"

    assert tables.written(page) == f"before\n<!-- table: disk -->\n{tables.TABLES['disk']()}<!-- end -->\nafter\n"


def test_every_sample_of_a_run_is_written_and_its_form_holds_no_name_of_that_run() -> None:
    found = {name: text for path in DOCS.glob("*.md") for _, name, text, _ in samples.PLACE.findall(path.read_text())}

    assert len(found) == sum(path.read_text().count("<!-- sample: ") for path in DOCS.glob("*.md"))
    for name, text in found.items():
        form = "\n".join(samples.form(text))
        assert form, name
        assert not re.search(r"[0-9a-f]{12}|\d+\.\d+\.\d+\.\d+|control-plane", form), form


def test_the_form_of_a_sample_is_that_of_another_run() -> None:
    one = "vm-9e30fcd0-68cf-45d6-8dff-fa657e3469c5  10.244.0.7   5s  bosh-test-control-plane bosh-machines\n"
    two = "vm-00000000-68cf-45d6-8dff-fa657e3469c5  10.244.0.70  2m17s  bosh-1-control-plane  bosh-machines-gw1  \n"

    assert samples.form(one) == samples.form(two) == ["vm-UUID ADDRESS AGE NODE bosh-machines"]
    assert samples.form(one) != samples.form(one.replace("5s", "never"))
