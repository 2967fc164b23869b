"""Operations of ops files, as cppforlife/go-patch applies them: `replace` and `remove`, without `test` and modifiers.

A path is a list of tokens behind slashes: a key, an index, `name=value` for the one entry of a list that has it, `-`
behind the last one. From a token that ends in `?` on whatever is missing is made (`replace`), or there is nothing to do
(`remove`).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.driver.errors import ManifestError

Token = tuple[str, bool]
"""Text of a token, and whether what it names may be missing."""


def apply(document: Any, operations: list[dict[str, Any]]) -> Any:
    """The document with all operations applied to it in turn.

    Raises:
        ManifestError: an operation is none, or its path leads nowhere; the message has the path.
    """
    result = copy.deepcopy(document)
    for operation in operations:
        kind, path = operation.get("type"), operation.get("path")
        if not isinstance(path, str) or not path.startswith("/"):
            raise ManifestError(f"operation {operation}: the path must begin with /")
        if kind == "replace" and "value" in operation:
            _replace(result, path, copy.deepcopy(operation["value"]))
        elif kind == "remove" and "value" not in operation:
            _remove(result, path)
        else:
            raise ManifestError(f"{path}: {kind!r} is no operation, or its value is missing or too much")
    return result


def find(document: Any, path: str) -> Any:
    """What is at a path. Raises ManifestError where there is nothing."""
    value = document
    for token, _ in _tokens(path):
        key = _place(value, token, path)
        if key is None:
            raise ManifestError(f"{path}: there is no {token}")
        value = value[key]
    return value


def load_operations(path: Path) -> list[dict[str, Any]]:
    """An ops file."""
    content = yaml.safe_load(path.read_text())
    if not isinstance(content, list):
        raise ManifestError(f"{path}: an ops file is a list of operations")
    return content


def _tokens(path: str) -> Iterator[Token]:
    optional = False
    for text in path.split("/")[1:]:
        optional = optional or text.endswith("?")
        yield re.sub(r"~([017])", lambda code: "~/:"[(0, 1, 7).index(int(code[1]))], text.removesuffix("?")), optional


def _place(container: Any, token: str, path: str) -> Any:
    """Key or index of what a token names; None when it is missing.

    Raises:
        ManifestError: the container is no map or list, as the token wants it, or several entries match.
    """
    key, matches, value = token.partition("=")
    index = re.fullmatch(r"-?\d+", token)
    wanted: type = list if index or matches or token == "-" else dict
    if not isinstance(container, wanted):
        raise ManifestError(f"{path}: before {token} there must be a {wanted.__name__}")
    if index:
        return int(token) if -len(container) <= int(token) < len(container) else None
    if matches:
        found = [at for at, entry in enumerate(container) if isinstance(entry, dict) and entry.get(key) == value]
        if len(found) > 1:
            raise ManifestError(f"{path}: {len(found)} entries match {token}")
        return found[0] if found else None
    return token if token != "-" and token in container else None


def _replace(container: Any, path: str, value: Any) -> None:
    tokens = list(_tokens(path))
    for at, (token, optional) in enumerate(tokens):
        following = tokens[at + 1][0] if at + 1 < len(tokens) else None
        key = _place(container, token, path)
        if key is None and token == "-" and following is None:
            container.append(value)
            return
        if key is None:
            if not optional or token == "-" or (isinstance(container, list) and "=" not in token):
                raise ManifestError(f"{path}: there is no {token}")
            key = _make(container, token, [] if following and (following == "-" or "=" in following) else {})
        if following is None:
            container[key] = value
        else:
            container = container[key]


def _make(container: Any, token: str, empty: Any) -> Any:
    """Put an empty thing where there was none; its key or index."""
    name, matches, value = token.partition("=")
    if matches:
        container.append({name: value})
        return len(container) - 1
    container[token] = empty
    return token


def _remove(container: Any, path: str) -> None:
    tokens = list(_tokens(path))
    for at, (token, optional) in enumerate(tokens):
        key = _place(container, token, path)
        if key is None:
            if optional and (isinstance(container, dict) or "=" in token):
                return
            raise ManifestError(f"{path}: there is no {token}")
        if at == len(tokens) - 1:
            del container[key]
        else:
            container = container[key]
