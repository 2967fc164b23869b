"""What the pages tell people to type exists: files, make targets, chart values, resources, properties, orders."""

import argparse
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bosh_kubernetes_cpi import config
from bosh_kubernetes_cpi.tool import parser

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^( *)```(\w+)[^\n]*\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
# Folders of this repository; what is built or written by a command that stands before is below others.
PLACES = ("cpi/", "operator/", "charts/", "crds/", "docs/", "tests/")
VERBS = {"get", "describe", "delete", "patch", "wait", "explain"}
KINDS = {"pods", "pod", "nodes", "pvc", "secret", "service", "namespace", "configmap", "serviceaccount", "crd"}
KINDS |= {"volumesnapshot", "deployment"}
SECTIONS = {"kubernetes", "agent", "machines", "disks", "registry", "timeouts"}
# Words of the same form that are neither property nor value: a host, a group, fields of the agent's settings
FILE = re.compile(r"\.(json|md|py|yml)$")
ELSEWHERE = {"kubernetes.default.svc", "cpi.bosh.io", "disks.system", "disks.persistent"}
MICROBOSH = "cpi/release/microbosh/microbosh"
CHART = ROOT / "charts/bosh-kubernetes-operator"
SPEC = yaml.safe_load((ROOT / "cpi/release/jobs/kubernetes_cpi/spec").read_text())["properties"]
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) | {".venv/.ready"}


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language; blocks that are indented by four count as shell."""
    found = BLOCK.findall(page.read_text())
    plain = re.findall(r"(?:^\n|\A)((?: {4}\S.*\n)+)", BLOCK.sub("", page.read_text()), re.MULTILINE)
    found += [("    ", "sh", text) for text in plain]
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, name, text in found if name == language]


def commands(text: str) -> Iterator[list[str]]:
    """Words of each line of a shell block, without comments; also of the commands inside `$(…)`."""
    text = text.replace("\\\n", " ")
    for inner in re.findall(r"\$\(([^()]*)\)", text):
        yield shlex.split(inner, comments=True)
    joined, depth = "", 0
    for line in text.splitlines():
        joined = f"{joined}\n{line}" if depth else line
        depth = joined.count("'") % 2
        if not depth:
            yield shlex.split(joined, comments=True)


def wrong_words(words: list[str]) -> Iterator[str]:
    for word in words:
        path = re.sub(r"^[a-z_-]+=", "", word).removeprefix("file://").partition("#")[0]
        if path.startswith(PLACES) and not (ROOT / path).exists():
            yield f"no file {path}"
        if word.startswith("/firmware/") and not (ROOT / "operator/src/bosh_kubernetes_operator" / word[1:]).exists():
            yield f"no {word} in the firmware"
    if words[:1] == ["make"]:
        yield from (f"no make target {each}" for each in words[1:] if "=" not in each and each not in TARGETS)
    for key in (b for a, b in itertools.pairwise(words) if a == "--set"):
        if not in_chart(key.partition("=")[0]):
            yield f"no value {key} in the chart"
    if words[:1] == ["bosh-kubernetes-cpi"]:
        yield from wrong_options(words)
    if words[:1] == [MICROBOSH] and not re.search(rf"^  {words[1]}\)", (ROOT / MICROBOSH).read_text(), re.MULTILINE):
        yield f"no command {words[1]} of microbosh"
    if words[:1] == ["kubectl"]:
        yield from wrong_kinds(words)


def wrong_options(words: list[str]) -> Iterator[str]:
    """Of the tool: a command or an option that its own parser does not have."""
    node: argparse.ArgumentParser = parser.parser()
    for word in words[1:]:
        choices = next((a.choices for a in node._actions if isinstance(a, argparse._SubParsersAction)), None)
        if choices is not None:
            if word not in choices:
                yield f"no command {word} of the tool"
                return
            node = choices[word]
        elif word.startswith("--") and word.partition("=")[0] not in node._option_string_actions:
            yield f"no option {word} of the tool"


def wrong_kinds(words: list[str]) -> Iterator[str]:
    verb = next((number for number, word in enumerate(words) if word in VERBS), None)
    if verb is None or "--raw" in words:
        return
    named = {"get", *names()} | KINDS
    kinds = [word for word in words[verb + 1 :] if not word.startswith("-")][:1]
    for kind in (each for word in kinds for each in word.partition("/")[0].partition(".spec")[0].split(",")):
        if kind not in named:
            yield f"no resource {kind}"


def names() -> set[str]:
    """By which kubectl knows our resources."""
    found: set[str] = set()
    for path in (ROOT / "crds").glob("*.yaml"):
        spec = yaml.safe_load(path.read_text())["spec"]
        known = spec["names"]
        found |= {known["plural"], known["singular"], f"{known['plural']}.{spec['group']}"}
        found |= {*known["shortNames"], *known["categories"]}
    return found


def in_chart(key: str) -> bool:
    node: Any = VALUES
    for name in re.split(r"\.", re.sub(r"\[\d+\].*", "", key)):
        if not isinstance(node, dict) or name not in node:
            return False
        node = node[name]
    return True


def leaves(value: Any, prefix: str = "") -> Iterator[str]:
    if not isinstance(value, dict) or prefix in ("kubernetes.exec", "agent.blobstore"):
        yield prefix
        return
    for key, inner in value.items():
        yield from leaves(inner, f"{prefix}.{key}" if prefix else key)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_typed_exists(page: Path) -> None:
    typed = [words for text in blocks(page, "sh") for words in commands(text)]

    assert [wrong for words in typed for wrong in wrong_words(words)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_properties_in_yaml_are_the_job_s(page: Path) -> None:
    """Of blocks that are nothing but sections of the configuration."""
    found = [yaml.safe_load(text) for text in blocks(page, "yaml") + blocks(page, "json")]
    ours = [each for each in found if isinstance(each, dict) and each.keys() <= {*SECTIONS, "namespace"}]

    assert [key for each in ours for key in leaves(each) if key not in SPEC] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_properties_and_values_in_the_text_exist(page: Path) -> None:
    named = re.findall(r"`([a-z]+(?:\.\w+)+)(?=[`:= ])", BLOCK.sub("", page.read_text()))
    known = SECTIONS | VALUES.keys()
    ours = [key for key in named if key.partition(".")[0] in known and key not in ELSEWHERE and not FILE.search(key)]

    assert [key for key in ours if key not in SPEC and not in_chart(key)] == []


def test_sections_are_those_of_the_configuration() -> None:
    assert {key.partition(".")[0] for key in SPEC} - {"env", "namespace"} == SECTIONS
    assert set(config.DEFAULTS) <= SECTIONS | {"namespace"}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("make nothing", "no make target nothing"),
        ("helm upgrade x --set registry.on=true", "no value registry.on=true in the chart"),
        ("helm upgrade x --set 'registry.networkPolicy.apiServer[0].ipBlock.cidr=1.2.3.4/32'", None),
        ("kubectl --namespace bosh-machines get boshes", "no resource boshes"),
        ("kubectl get bvm,pvc", None),
        ('bosh create-env x -o cpi/release/no.yml -v a="$(kubectl get vm)"', "no resource vm"),
        ("bosh create-env x -o cpi/release/no.yml", "no file cpi/release/no.yml"),
        ("bosh-kubernetes-cpi stemcell heavy x", "no command heavy of the tool"),
        ("bosh-kubernetes-cpi doctor --prove", "no option --prove of the tool"),
        ('eval "$(cpi/release/microbosh/microbosh environment)"', "no command environment of microbosh"),
        ("kubectl exec vm-1 -- /firmware/leave", "no /firmware/leave in the firmware"),
    ],
)
def test_the_check_sees_what_is_wrong(line: str, wrong: str | None) -> None:
    found = [each for words in commands(line) for each in wrong_words(words)]

    assert (wrong in found) if wrong else found == []
