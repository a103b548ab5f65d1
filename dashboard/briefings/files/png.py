"""One exhibit as a file of its own: an SVG that says everything which its page would say, and the same as PNG.

A picture travels without its page, so title, legend, what it is filtered by, sources, date and the demonstration notice are drawn
into it. PNG is made by the typst package, offline, from the very same SVG.
"""

from __future__ import annotations

import re
from datetime import date
from hashlib import sha256

from dashboard.briefings.files import contents
from dashboard.briefings.files.typst import compile_png
from dashboard.briefings.filling.model import Figure
from dashboard.drawing.palette import INK, RULE
from dashboard.drawing.shown import TableData
from dashboard.drawing.svg_text import clean, text_block, width_of, wrap
from dashboard.drawing.swatch import swatch_at

WIDTH = 720
EDGE = 20.0
TITLE, TEXT, SMALL, TINY = 24.0, 17.0, 16.0, 13.5
GREY = "#4a4a46"
NOTICE = "#5c3d00", "#fff3d6"
MOST_PIXELS = 6000
"""Pixels of the longer side of a PNG: a wall, and no more memory than a server has."""


def exhibit_svg(figure: Figure, *, made_on: date | None = None) -> bytes:
    """The exhibit as a standalone SVG document. ``made_on`` is the day of its numbers; today when it is not said."""
    return _document(figure, made_on or date.today())[0].encode("utf-8")


def exhibit_png(figure: Figure, width_px: int = 1600, *, made_on: date | None = None) -> bytes:
    """The exhibit as PNG, ``width_px`` wide (100 to 6000; less where it would be higher than that)."""
    svg, height = _document(figure, made_on or date.today())
    width = min(max(int(width_px), 100), MOST_PIXELS, int(MOST_PIXELS * WIDTH / height))
    template = f'#set page(width: auto, height: auto, margin: 0pt)\n#image("exhibit.svg", width: {WIDTH}pt, alt: "")'
    return compile_png(template, images={"exhibit.svg": svg.encode("utf-8")}, ppi=72 * width / WIDTH)


def _document(figure: Figure, made_on: date) -> tuple[str, float]:
    inner = WIDTH - 2 * EDGE
    out, y = [], EDGE
    if figure.notice:
        lines = wrap(figure.notice, inner - 20, SMALL)
        tall = len(lines) * SMALL * 1.3 + 14
        out.append(f'<rect x="{EDGE}" y="{y:.1f}" width="{inner}" height="{tall:.1f}" rx="3" fill="{NOTICE[1]}"/>')
        out.append(text_block(lines, EDGE + 10, y + SMALL + 6, SMALL, bold=False, fill=NOTICE[0]))
        y += tall + 12
    lines = wrap(figure.title, inner, TITLE, bold=True, lines=4)
    out.append(text_block(lines, EDGE, y + TITLE, TITLE, leading=1.2, bold=True))
    y += len(lines) * TITLE * 1.2 + 12
    if figure.svg:
        picture, tall = _placed(figure.svg, EDGE, y, inner)
        out.append(picture)
        y += tall + 8
        legend, y = _legend(figure, y)
        out.append(legend)
    elif figure.table is not None:
        table, y = _table(figure.table, y)
        out.append(table)
    if figure.caption:
        lines = wrap(figure.caption, inner, TEXT)
        out.append(text_block(lines, EDGE, y + 10 + TEXT, TEXT))
        y += 10 + len(lines) * TEXT * 1.3
    for text in _small_print(figure, made_on):
        lines = wrap(text, inner, TINY)
        out.append(text_block(lines, EDGE, y + 10 + TINY, TINY, fill=GREY))
        y += 5 + len(lines) * TINY * 1.3
    height = y + EDGE
    prefix = f"f{sha256(repr((figure.title, figure.alt, figure.svg)).encode('utf-8', 'replace')).hexdigest()[:10]}-"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" role="img" '
        f'aria-labelledby="{prefix}title {prefix}description"><title id="{prefix}title">{clean(figure.title)}</title>'
        f'<desc id="{prefix}description">{clean(figure.alt)}</desc><rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>'
    )
    return f"{head}{''.join(out)}</svg>", height


def _placed(svg: str, x: float, y: float, width: float) -> tuple[str, float]:
    """A picture inside another, and how high it becomes."""
    found = re.match(r'<svg [^>]*viewBox="0 0 ([\d.]+) ([\d.]+)" width="[\d.]+" height="[\d.]+"', svg)
    if found is None:
        raise ValueError("a figure's picture must begin with its viewBox, width and height")
    wide, tall = float(found[1]), float(found[2])
    height = tall * width / wide
    place = f'x="{x:g}" y="{y:.1f}" viewBox="0 0 {wide:g} {tall:g}" width="{width:g}" height="{height:.1f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {place}{svg[found.end() :]}', height


def _legend(figure: Figure, y: float) -> tuple[str, float]:
    """Rows in two columns where they are short enough; their counts stand behind them."""
    if not figure.legend:
        return "", y
    inner = WIDTH - 2 * EDGE
    out, column = [], inner / 2 - 8
    if figure.legend_title:
        lines = wrap(figure.legend_title, inner, SMALL, bold=True)
        out.append(text_block(lines, EDGE, y + 8 + SMALL, SMALL, bold=True))
        y += 8 + len(lines) * SMALL * 1.3
    words = [row.label + (f" – {row.count}" if row.count else "") for row in figure.legend]
    columns = 2 if len(words) > 3 and all(width_of(text, SMALL) <= column - 32 for text in words) else 1
    room = (column if columns == 2 else inner) - 32
    blocks = [wrap(text, room, SMALL) for text in words]
    per = -(-len(blocks) // columns)
    lowest = y
    for c in range(columns):
        at = y + 6
        for row, lines in list(zip(figure.legend, blocks, strict=True))[c * per : (c + 1) * per]:
            x = EDGE + c * (column + 16)
            out.append(swatch_at(row, x, at))
            out.append(text_block(lines, x + 32, at + SMALL, SMALL))
            at += len(lines) * SMALL * 1.3 + 4
        lowest = max(lowest, at)
    return "".join(out), lowest


def _table(table: TableData, y: float) -> tuple[str, float]:
    """Columns as wide as they need in proportion, cells in as many lines as they take."""
    inner = WIDTH - 2 * EDGE
    numeric = (*table.numeric, *(False for _ in table.headers))[: len(table.headers)]
    columns = list(zip(table.headers, *table.rows, strict=True))
    least = [
        max(width_of(word, SMALL, bold=True) for text in column for word in (text or " ").split() or [" "]) + 12
        for column in columns
    ]
    wish = [max(width_of(text, SMALL, bold=n == 0) for n, text in enumerate(column)) + 14 for column in columns]
    spare, more = inner - sum(least), [max(b - a, 0) for a, b in zip(least, wish, strict=True)]
    if spare < 0:  # a word too many: all shrink, and the longest words are cut
        wide = [inner * a / sum(least) for a in least]
    else:
        share = min(spare / sum(more), 1.0) if sum(more) else 0.0
        wide = [a + share * b for a, b in zip(least, more, strict=True)]
        wide[numeric.index(False) if False in numeric else -1] += inner - sum(wide)
    out = []
    for n, row in enumerate([table.headers, *table.rows]):
        cells = [wrap(text, w - 12, SMALL, bold=n == 0) for text, w in zip(row, wide, strict=True)]
        tall = max(map(len, cells)) * SMALL * 1.25 + 10
        if n and n % 2 == 0:
            out.append(f'<rect x="{EDGE}" y="{y:.1f}" width="{inner}" height="{tall:.1f}" fill="#f4f4f1"/>')
        x = EDGE
        for lines, w, right in zip(cells, wide, numeric, strict=True):
            at, anchor = (x + w - 6, "end") if right else (x + 6, "start")
            out.append(text_block(lines, at, y + 4 + SMALL, SMALL, leading=1.25, anchor=anchor, bold=n == 0))
            x += w
        y += tall
        out.append(
            f'<path d="M{EDGE} {y:.1f}h{inner}" stroke="{INK if not n else RULE}" stroke-width="{1.5 if not n else 1}"/>'
        )
    if table.note:
        lines = wrap(table.note, inner, SMALL)
        out.append(text_block(lines, EDGE, y + 8 + SMALL, SMALL, fill=GREY))
        y += 8 + len(lines) * SMALL * 1.3
    return "".join(out), y


def _small_print(figure: Figure, made_on: date) -> list[str]:
    """What it is filtered by, where it is from, and when it was made."""
    out = [figure.filters] if figure.filters else []
    for source in figure.sources:
        parts = (
            source.publisher,
            source.period,
            f"version {source.version} of {contents.day(source.published_on)}",
            source.licence,
        )
        text = f"Source: {source.title} – {', '.join(part for part in parts if part)}."
        out.append(f"{text} {source.attribution}".strip())
    return [*out, *figure.credits, f"Made with Common Ground on {contents.day(made_on)}."]
