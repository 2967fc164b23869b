"""Draws SVG pictures: boxes with arrows, and what happens between several parties in time.

Lines and words have the colour of the text around them (`currentColor`); a picture by itself follows the reader's
system, light or dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

STYLE = """<style>
.picture { color: #24292f; font: 13px sans-serif; }
@media (prefers-color-scheme: dark) { .picture { color: #d0d7de; } }
.picture text { fill: currentColor; }
.picture text.b { font-weight: bold; }
.picture text.m { text-anchor: middle; }
.picture text.s { font-size: 11.5px; opacity: .8; }
.picture rect { fill: currentColor; fill-opacity: .05; stroke: currentColor; stroke-opacity: .6; }
.picture rect.a { fill: #4078c0; fill-opacity: .16; stroke: #4078c0; stroke-opacity: 1; }
.picture rect.g { fill: none; stroke-dasharray: 4 3; }
.picture path { fill: none; stroke: currentColor; stroke-opacity: .75; }
.picture path.d { stroke-dasharray: 4 3; }
.picture path.l { stroke-dasharray: 2 4; stroke-opacity: .45; }
.picture path.h { fill: currentColor; stroke: none; }
</style>"""


@dataclass(frozen=True)
class Box:
    """A rectangle; the first line of its text is bold. Style a: the one that matters, g: a group."""

    x: int
    y: int
    width: int
    height: int
    text: str = ""
    style: str = ""


@dataclass(frozen=True)
class Arrow:
    """From point to point, by way of points between, with words at (x, y)."""

    points: tuple[tuple[int, int], ...]
    text: str = ""
    at: tuple[int, int] = (0, 0)
    dashed: bool = False


@dataclass(frozen=True)
class Step:
    """One party tells another something, or (the same one twice) does something itself."""

    source: int
    target: int
    text: str
    answer: bool = False


def svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    space = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
    head = f'<svg class="picture" {space} role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title>", STYLE, *parts, "</svg>\n"])


def words(x: int, y: int, text: str, style: str = "") -> str:
    return f'<text x="{x}" y="{y}" class="{style}">{escape(text)}</text>'


def line(points: Sequence[tuple[int, int]], *, dashed: bool = False) -> str:
    """With an arrow's head at its end."""
    way = " L".join(f"{x} {y}" for x, y in points)
    drawn = f'<path class="{"d" if dashed else ""}" d="M{way}"/>'
    (ax, ay), (x, y) = points[-2:]
    dx, dy = (x > ax) - (x < ax), (y > ay) - (y < ay)
    head = f"M{x} {y} L{x - 8 * dx + 4 * dy} {y - 8 * dy + 4 * dx} L{x - 8 * dx - 4 * dy} {y - 8 * dy - 4 * dx} Z"
    return f'{drawn}<path class="h" d="{head}"/>'


def box(each: Box) -> str:
    drawn = f'<rect class="{each.style}" x="{each.x}" y="{each.y}" width="{each.width}" height="{each.height}" rx="5"/>'
    lines = each.text.split("\n") if each.text else []
    middle = each.x + each.width // 2
    top = each.y + 18 if each.style == "g" else each.y + each.height // 2 - 8 * len(lines) + 12
    return drawn + "".join(
        words(middle, top + 16 * number, text, "b m" if number == 0 else "s m") for number, text in enumerate(lines)
    )


def diagram(title: str, width: int, height: int, boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """Boxes at their places, and arrows between them."""
    parts = [box(each) for each in boxes]
    for arrow in arrows:
        parts.append(line(arrow.points, dashed=arrow.dashed))
        parts += [words(arrow.at[0], arrow.at[1] + 15 * n, t, "s") for n, t in enumerate(arrow.text.split("\n")) if t]
    return svg(width, height, title, parts)


def sequence(title: str, parties: Sequence[str], steps: Sequence[Step], apart: int = 196) -> str:
    """Parties side by side, time running down."""
    width, left = apart * len(parties), apart // 2
    y, parts = 76, []
    for step in steps:
        lines = step.text.split("\n")
        a, b = left + apart * step.source, left + apart * step.target
        if a == b:
            parts.append(box(Box(a - 94, y - 14, 188, 14 + 15 * len(lines), "", "a")))
            parts += [words(a, y + 3 + 15 * n, text, "s m") for n, text in enumerate(lines)]
            y += 24 + 15 * len(lines)
            continue
        parts += [words((a + b) // 2, y + 15 * n, text, "s m") for n, text in enumerate(lines)]
        y += 15 * len(lines) - 8
        parts.append(line([(a, y), (b, y)], dashed=step.answer))
        y += 26
    lives = [f'<path class="l" d="M{left + apart * n} 46 V{y}"/>' for n in range(len(parties))]
    heads = [box(Box(left + apart * n - 80, 6, 160, 40, name)) for n, name in enumerate(parties)]
    return svg(width, y + 6, title, [*lives, *heads, *parts])
