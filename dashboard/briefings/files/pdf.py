"""A briefing as PDF: A4 landscape, a page each, tagged (PDF/UA-1), with what its maps and charts show as tables at the end."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from dashboard.briefings.files import contents
from dashboard.briefings.files.typst import FALLBACK, FAMILY, compile_pdf, template
from dashboard.briefings.filling.model import Briefing, BriefingPage, Figure
from dashboard.drawing.palette import PRINT
from dashboard.drawing.shown import LegendRow
from dashboard.drawing.swatch import swatch_svg

APPENDIX = "The figures behind the maps and charts"


def pdf_of(briefing: Briefing, *, address: str = "") -> bytes:
    """The file. ``address`` is that of the site, so that links to its pages can be followed."""
    images: dict[str, bytes] = {}
    pages = [_page(briefing, page, images, address) for page in briefing.pages]
    images |= briefing.brand.files
    data = {
        "title": contents.text(briefing.title),
        "subtitle": contents.text(briefing.subtitle),
        "author": contents.text(briefing.partner_name),
        "description": contents.text(briefing.subtitle) or f"A briefing for {contents.text(briefing.region_name)}",
        "keywords": [contents.text(briefing.region_name), "briefing"],
        "logo": next(iter(briefing.brand.files), ""),
        "logo_alt": contents.text(briefing.brand.alt or briefing.brand.name),
        "about": contents.about_lines(briefing),
        "made": contents.made_line(briefing),
        "footer": contents.footer_line(briefing),
        "notice": contents.text(briefing.notice),
        "pages": pages,
        "appendix": [part for page in briefing.pages for part in _behind(page)],
        "sources": contents.source_lines(briefing.sources),
        "attribution": contents.attributions(briefing),
        "fonts": [FAMILY, FALLBACK],
        "colours": PRINT,
        "words": {"limits": contents.LIMITS, "sources": contents.SOURCES, "key": contents.KEY, "appendix": APPENDIX},
    }
    return compile_pdf(template("briefing.typ"), data, images, made_on=briefing.made_on)


def _page(briefing: Briefing, page: BriefingPage, images: dict[str, bytes], address: str) -> dict[str, Any]:
    words = contents.page_words(page, address)
    words |= {"limits": contents.limits_on(briefing, page), "credit": contents.credit_line(page)}
    for block in words["blocks"]:
        block["lines"] = [_runs(line) for line in block["lines"]]
    figure = None if page.figure is None else _figure(page.figure, f"figure-{page.number}.svg", images)
    return words | {"number": page.number, "figure": figure}


def _runs(words: list[contents.Words]) -> list[dict[str, Any]]:
    return [{"t": each.text, "b": each.bold, "i": each.italic, "u": each.href} for each in words]


def _figure(figure: Figure, name: str, images: dict[str, bytes]) -> dict[str, Any]:
    width, height = contents.size_of(figure.svg)
    if figure.svg:
        images[name] = contents.text(figure.svg).encode("utf-8")
    return contents.figure_words(figure, lambda row: _swatch(row, images)) | {
        "image": name if figure.svg else None,
        "ratio": width / height,
        "table": contents.table_words(contents.table_of(figure)) if not figure.svg else None,
    }


def _swatch(row: LegendRow, images: dict[str, bytes]) -> str:
    """The file of what stands before a row of a key; equal ones are one file."""
    svg = swatch_svg(row).encode("utf-8")
    name = f"swatch-{sha256(svg).hexdigest()[:12]}.svg"
    images[name] = svg
    return name


def _behind(page: BriefingPage) -> list[dict[str, Any]]:
    """For the end: what a picture shows as a table, and where the numbers in the words come from."""
    figure = page.figure
    table = contents.table_words(contents.table_of(figure)) if figure is not None and figure.svg else None
    facts = contents.fact_lines(page)
    if table is None and not facts:
        return []
    title = f"Page {page.number}: {contents.text(figure.title) if table and figure else contents.headline(page)}"
    return [
        {"title": title, "filters": contents.text(figure.filters) if figure else "", "table": table, "facts": facts}
    ]
