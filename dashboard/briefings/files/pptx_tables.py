"""Native tables of a slide: widths, heights and lines."""

from __future__ import annotations

from lxml import etree
from pptx.oxml.ns import qn

from dashboard.briefings.files import contents
from dashboard.briefings.files.pptx_shapes import LEADING, lines_of
from dashboard.drawing.shown import TableData
from dashboard.drawing.svg_text import width_of


def _least(table: TableData, rows: list[list[str]], size: float) -> list[float]:
    """Widths below which a word would be broken."""
    headers = contents.headers_of(table)
    return [
        max(
            max((width_of(word, size, bold=True) for word in header.split()), default=0.0),
            max((width_of(word, size) for row in rows for word in row[n].split()), default=0.0),
        )
        + 18
        for n, header in enumerate(headers)
    ]


def natural(table: TableData, rows: list[list[str]], size: float) -> list[float]:
    """Widths of columns whose words do not wrap."""
    headers = contents.headers_of(table)
    return [
        max(width_of(header, size, bold=True), max((width_of(row[n], size) for row in rows), default=0.0)) + 18
        for n, header in enumerate(headers)
    ]


def _widths(table: TableData, rows: list[list[str]], width: float, size: float) -> list[float]:
    """Widths that fill the place: numbers keep theirs, words share the rest and wrap where they must."""
    wanted = natural(table, rows, size)
    total = sum(wanted)
    if total <= width:
        spare = min(width - total, 90.0 * len(wanted))
        return [each + spare / len(wanted) for each in wanted]
    words = [n for n in range(len(wanted)) if not contents.is_number(table, n)] or list(range(len(wanted)))
    least = [wide if n in words else wanted[n] for n, wide in enumerate(_least(table, rows, size))]
    if sum(least) > width:
        return [each * width / sum(least) for each in least]
    share = sum(wanted[n] - least[n] for n in words) or 1.0
    spare = (width - sum(least)) / share
    return [each + (wanted[n] - each) * spare if n in words else each for n, each in enumerate(least)]


def laid(table: TableData, rows: list[list[str]], width: float, size: float) -> tuple[list[float], list[float]]:
    """Widths of the columns and heights of the rows, headers first."""
    widths = _widths(table, rows, width, size)

    def high(cells: list[str], bold: bool = False) -> float:
        tall = max(lines_of(cell, w - 14, size, bold) for cell, w in zip(cells, widths, strict=True))
        return tall * size * LEADING + size * 0.42

    return widths, [high(contents.headers_of(table), True), *(high(row) for row in rows)]


def borders(cell, below: str | None) -> None:
    properties = cell._tc.get_or_add_tcPr()
    for tag in ("a:lnL", "a:lnR", "a:lnT", "a:lnB"):
        line = etree.SubElement(properties, qn(tag))
        if tag == "a:lnB" and below:
            line.set("w", "9525")
            etree.SubElement(etree.SubElement(line, qn("a:solidFill")), qn("a:srgbClr")).set("val", below[1:].upper())
        else:
            line.set("w", "0")
            etree.SubElement(line, qn("a:noFill"))
    # the schema wants lines before the fill
    for fill in properties.findall(qn("a:solidFill")):
        properties.remove(fill)
        properties.append(fill)
