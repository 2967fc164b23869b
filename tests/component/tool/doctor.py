"""What the tests of doctor change and read."""

from typing import Any

from tests.component.conftest import NAMESPACE
from tests.support.fakeapi.server import FakeApi
from tests.support.tool_process import tool

Json = dict[str, Any]

ENFORCE = "pod-security.kubernetes.io/enforce"
DRIVER = "example.com/none"  # of the fixture's storage class
PROVEN = ("push", "pull", "delete", "mount propagation")


def label(api: FakeApi, level: str) -> None:
    if api.store.find("Namespace", "", NAMESPACE):
        api.store.delete("Namespace", "", NAMESPACE)
    labels = {ENFORCE: level} if level else {}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    api.store.create("Namespace", "", body)


def lines(cpi, *words: object) -> dict[str, Json]:
    """The lines by check."""
    said = tool("doctor", "--output", "json", *words, config=cpi.config)
    checks = said.json["checks"]
    failures = [each for each in checks if each["level"] == "failure"]
    assert said.code == (1 if failures else 0), said.err
    assert len({each["check"] for each in checks}) == len(checks)
    return {each["check"]: each for each in checks}


def amiss(found: dict[str, Json]) -> dict[str, str]:
    return {check: line["level"] for check, line in found.items() if line["level"] != "ok"}
