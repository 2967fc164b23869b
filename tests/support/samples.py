"""Blocks of docs/ that show what programs print. A run on the cluster writes them, and compares them by their form.

A block stands between the lines `<!-- sample: NAME -->` and `<!-- end -->` of a page. What differs from run to run
(names, addresses, times) counts for nothing when a block is compared.
"""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PLACE = re.compile(r"(<!-- sample: (\S+) -->\n```text\n)(.*?)(```\n<!-- end -->\n)", re.DOTALL)

# What differs -> what stands for it. The order matters: a UUID has numbers in it.
_VARYING = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"(sha256:|stemcell-)[0-9a-f]{20,64}", r"\1HASH"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\d+\.\d+\.\d+\.\d+(:\d+)?", "ADDRESS"),
    (r"\b(\d+[smhd])+\b", "AGE"),
    (r"\bv\d+\.\d+\.\d+\b", "VERSION"),
    (r"bosh-[\w-]*?control-plane", "NODE"),
    (r"(bosh-machines)-\w+", r"\1"),
    (r"\b(heavy|light)\b", "FORMAT"),  # light in every installation but the first: see cluster/stemcells.py
    (r" +", " "),
    (r" $", ""),
]


def form(text: str) -> list[str]:
    """Lines of a block without what differs from run to run."""
    for pattern, word in _VARYING:
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return text.splitlines()


def shown(name: str) -> str:
    """The block of that name. Raises KeyError."""
    found = {match[2]: match[3] for page in DOCS.glob("*.md") for match in PLACE.finditer(page.read_text())}
    return found[name]


def write(name: str, text: str) -> None:
    """Put a block into the page that has its place."""
    for page in DOCS.glob("*.md"):
        before = page.read_text()
        after = PLACE.sub(lambda m: m[1] + text.rstrip("\n") + "\n" + m[4] if m[2] == name else m[0], before)
        if after != before:
            page.write_text(after)
