"""Hooks of mkdocs: the same pages serve in the repository and as a site that stands alone.

- A link that leaves docs/ (`../charts/…/values.yaml`) leads to a copy of that file below `sources/`; one to a folder
  becomes text.
- SECURITY.md, which has its place at the top of the repository, is the page security.md.
- A picture of docs/pictures becomes part of the page, so that its colours are those of the page, light and dark.

A link to what does not exist stays as it is, and the strict build fails at it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SECURITY = "SECURITY.md"
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(\.\./([^)#\s]+)(#[^)\s]*)?\)")
PICTURE = re.compile(r"^!\[([^\]]*)\]\((pictures/[^)\s]+\.svg)\)$", re.MULTILINE)


def sources() -> set[str]:
    """Files outside docs/ to which the pages link, as paths from the top of the repository."""
    found = {path for page in HERE.glob("*.md") for _, path, _ in LINK.findall(page.read_text())}
    return {path for path in found if (ROOT / path).is_file()} - {SECURITY}


def place(path: str) -> str:
    """Where the copy of a source is: as text, which browsers show."""
    return f"sources/{path}.txt"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    security = (ROOT / SECURITY).read_text().replace("](docs/", "](")
    files.append(File.generated(config, "security.md", content=security))
    for path in sorted(sources()):
        files.append(File.generated(config, place(path), content=(ROOT / path).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return PICTURE.sub(_inlined, LINK.sub(_within, markdown))


def _within(link: re.Match[str]) -> str:
    text, path, anchor = link[1], link[2], link[3] or ""
    if path == SECURITY:
        return f"[{text}](security.md{anchor})"
    if (ROOT / path).is_dir():
        return text
    return f"[{text}]({place(path)})" if (ROOT / path).is_file() else link[0]


def _inlined(picture: re.Match[str]) -> str:
    path = HERE / picture[2]
    return f"<figure>\n{path.read_text().strip()}\n</figure>" if path.is_file() else picture[0]
