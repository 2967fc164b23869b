"""One tree of errors, the type names that callers know, and a catalogue that has them all."""

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import bosh_kubernetes_cpi
from bosh_kubernetes_api import reasons
from bosh_kubernetes_cpi import errors, verdicts
from bosh_kubernetes_cpi.errors import ApiError, Failure
from bosh_kubernetes_cpi.transport import api
from tests.support.cpi_process import KNOWN

SOURCE = Path(inspect.getfile(bosh_kubernetes_cpi)).parent
PAGE = Path(__file__).parents[3] / "docs" / "errors.md"
TREE = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and kind.__module__ == errors.__name__ and kind is not Failure
}


def modules() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}


@pytest.mark.parametrize("name", TREE)
def test_every_error_has_a_type_that_callers_know(name) -> None:
    assert TREE[name].type in KNOWN


def test_type_names_stand_in_the_tree_alone() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("Bosh::Clouds::")
        if path.name != "errors.py"
    ]

    assert wrong == []


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn, parents = [], [Failure]
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ((?:[│ ] {3})*)[├└]── (\w+)", line)
        if found:
            depth = len(found[1]) // 4
            drawn.append((found[2], parents[depth]))
            parents[depth + 1 :] = [TREE[found[2]]]

    assert drawn == [(name, kind.__base__) for name, kind in sorted(TREE.items(), key=lambda one: _place(one[0]))]
    assert {name for name, _ in drawn} == set(TREE)


def _place(name: str) -> int:
    return (errors.__doc__ or "").index(f"── {name}")


def test_no_error_is_outside_the_tree() -> None:
    """But private kinds of one module."""
    for module in pkgutil.walk_packages(bosh_kubernetes_cpi.__path__, "bosh_kubernetes_cpi."):
        if not module.name.endswith(("__main__", ".start")):
            importlib.import_module(module.name)

    def below(kind) -> list[type]:
        return [one for direct in kind.__subclasses__() for one in (direct, *below(direct))]

    others = {kind.__name__ for kind in below(Failure)} - set(TREE)
    assert all(name.startswith("_") for name in others), others


def test_who_raises_an_error_does_not_contradict_its_ok_to_retry() -> None:
    """Only kinds that are "as told" in the catalogue leave it to the one who raises them."""
    wrong = []
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in TREE:
                continue
            fixed = TREE[node.func.id].retry
            for word in node.keywords:
                if word.arg == "ok_to_retry" and fixed is not None and ast.unparse(word.value) != str(fixed):
                    wrong.append(f"{path.relative_to(SOURCE)}:{node.lineno} {node.func.id}")

    assert wrong == []


STATUS = [
    (400, "Invalid", False),
    (401, "Unauthorized", False),
    (403, "Forbidden", False),
    (404, "NotFound", False),
    (409, "Conflict", True),
    (410, "Gone", True),
    (413, "Invalid", False),
    (418, "ApiError", False),
    (422, "Invalid", False),
    (429, "TooManyRequests", True),
    (500, "Unavailable", True),
    (503, "Unavailable", True),
    (504, "Unavailable", True),
]


@pytest.mark.parametrize(("status", "name", "retry"), STATUS)
def test_each_answer_of_an_api_server_has_its_error(status, name, retry) -> None:
    class Answer:
        reason = "Words"
        fields: dict[str, str] = {}  # noqa: RUF012

    Answer.status = status
    server = api.Api.__new__(api.Api)
    error = server._error("GET", "/x?y=z", Answer, b'{"reason": "NotFound", "message": "what it said"}')

    assert type(error).__name__ == name
    assert isinstance(error, ApiError)
    assert error.type == "Bosh::Clouds::CloudError"
    assert error.ok_to_retry is retry
    assert "GET /x: what it said" in error.message


@pytest.mark.parametrize("name", TREE)
def test_every_error_says_when_it_comes_and_what_to_do(name) -> None:
    when, _, remedy = inspect.cleandoc(TREE[name].__dict__.get("__doc__") or "").partition("Remedy: ")

    assert when.strip().endswith(".")
    assert remedy.strip().endswith(".")


def test_every_reason_has_a_meaning_and_every_remedy_a_reason() -> None:
    assert set(reasons.MACHINE_MEANING) == set(reasons.MACHINE)
    assert set(reasons.REMEDY) <= {*reasons.MACHINE, *reasons.DISK}
    final = {reason for reason, (_, retry) in verdicts.MACHINE.items() if not retry} | (
        verdicts.FINAL - {"ClaimDeleting"}
    )
    assert final <= set(reasons.REMEDY), "what does not pass by itself needs somebody who knows what to do"
    assert set(reasons.DISK) >= verdicts.FINAL
    assert set(reasons.MACHINE) >= verdicts.ENDED


def test_the_page_has_the_types_that_callers_know_and_says_which_we_never_answer() -> None:
    """docs/errors.md; its other tables are compared by tests/unit/layout/test_docs.py."""
    section = PAGE.read_text().partition("## Types that callers know")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| (\w+) \| ([^|]+) \|", section, re.M))
    del rows["type"]

    assert {f"Bosh::Clouds::{row}" for row in rows} == KNOWN
    ours = {kind.type.removeprefix("Bosh::Clouds::") for kind in TREE.values()}
    assert {name for name, who in rows.items() if who != "never"} == ours
