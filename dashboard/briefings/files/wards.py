"""Sheets of wards and other areas as files: one sheet of A4 each as PDF (PDF/UA-1), and one self-contained HTML page each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.briefings.files import contents
from dashboard.briefings.files.formats import FORMATS, export_briefing
from dashboard.briefings.files.typst import FALLBACK, FAMILY, compile_pdf, template
from dashboard.briefings.files.ward_fit import COLUMNS, MOST_SIDES, SIZE, WORDS, trimmed
from dashboard.briefings.sources import FoundBriefing
from dashboard.briefings.ward.ward_briefing import briefing_of, neighbour_words
from dashboard.briefings.ward.ward_model import WardPage
from dashboard.briefings.ward.ward_rows import MOST_GAPS
from dashboard.drawing.palette import PRINT, hex_of, ramp
from dashboard.html import ASSETS, environment
from dashboard.views import wording

COLOURS = PRINT | {"worst": ramp("need", 5)[4]}

_PAGE = re.compile(rb"/Type\s*/Page(?![s\w])")


def ward_pages_pdf(pages: Iterable[WardPage], progress: Callable[[int], None] | None = None) -> bytes:
    """One PDF with a sheet of paper for each area, in the order given: two sides, so that each begins on a side of its own when it
    is printed on both. ``progress(done)`` hears of each page that was read.

    It takes about 4 MB of memory a page. Raises ValueError without a page.
    """
    sheets: list[_Sheet] = []
    first: WardPage | None = None
    for page in pages:
        first = first or page
        sheets.append(_sheet(page))
        if progress:
            progress(len(sheets))
    if first is None:
        raise ValueError("there is no area to make a sheet of")
    made = _compiled(sheets, first)
    if _pages_in(made) > MOST_SIDES * len(sheets):  # somebody has more to say than fits: find out who
        for sheet in sheets:
            while _pages_in(_compiled([sheet], first)) > MOST_SIDES and trimmed(sheet.data):
                pass
        made = _compiled(sheets, first)
    return made


@dataclass(frozen=True)
class _Sheet:
    data: dict[str, Any]
    images: dict[str, bytes]


def _sheet(page: WardPage) -> _Sheet:
    data, images = _page(page), {f"{page.code}.svg": contents.text(page.svg).encode("utf-8")}
    return _Sheet(data, images | page.brand.files)


def _compiled(sheets: Sequence[_Sheet], first: WardPage) -> bytes:
    alone = len(sheets) == 1
    data = {
        "title": contents.text(first.title if alone else f"{wording.capital(first.kind)}s: {first.region_name}"),
        "author": contents.text(first.partner_name if alone else first.region_name) or "Common Ground",
        "description": f"What the data of {contents.text(first.region_name)} say about {'an area' if alone else 'each area'}",
        "keywords": [contents.text(first.region_name), *first.kind.split(" ")[:1]],
        "fonts": [FAMILY, FALLBACK],
        "colours": COLOURS,
        "words": WORDS,
        "columns": COLUMNS,
        "size": SIZE,
        "pages": [sheet.data for sheet in sheets],
    }
    images = {name: picture for sheet in sheets for name, picture in sheet.images.items()}
    return compile_pdf(template("ward.typ"), data, images, made_on=first.made_on)


def _pages_in(made: bytes) -> int:
    return len(_PAGE.findall(made))


def _page(page: WardPage) -> dict[str, Any]:
    text = contents.text
    return {
        "name": _cut(page.name, 70),
        "subtitle": _cut(subtitle(page), 110),
        "made": f"{wording.capital(page.kind)}, {contents.day(page.made_on)}",
        "brand": _cut(page.brand.name, 60),
        "region": _cut(page.region_name, 60) if page.region_name != page.brand.name else "",
        "logo": next(iter(page.brand.files), ""),
        "headline": _cut(page.headline, 240),
        "say": [_cut(each, 320) for each in page.say[:3]],
        "others": page.others if page.of > 1 else "",
        "notice": _cut(page.notice, 240),
        "summary": [_cut(each, 240) for each in page.summary[:6]],
        "neighbours": [_cut(each, 300) for each in neighbour_words(page)[:4]],
        "image": f"{page.code}.svg",
        "tall": COLUMNS["map"] * page.map_height / page.map_width,
        "alt": text(page.alt),
        "legend": [{"label": text(r.label), "count": text(r.count), "colour": hex_of(r.colour)} for r in page.legend],
        "key": _cut(page.key, 200),
        "needs": [
            {
                "title": _cut(r.measure_words, 100),
                "unit": _cut(r.unit, 60)
                if not r.unit.startswith("%") or len(r.measure_words) + len(r.unit) < 62
                else "",
                "value": text(r.figure),
                "middle": text(r.middle),
                "rank": text(r.rank),
                "place": r.place,
                "words": text(r.words),
                "bad": r.place is not None and r.place >= 80,
            }
            for r in page.needs
        ],
        "services": [
            {
                "number": str(r.number),
                "across": r.across_border,
                "kind": _cut(r.kind, 60),
                "name": _cut(r.name, 70),
                "place": _cut(r.place, 50) if r.across_border else "",
                "distance": r.distance,
                "verdict": r.verdict,
                "mark": r.mark,
                "sample": _cut(r.sample, 50),
            }
            for r in page.services
        ],
        "gaps": [
            {
                "theme": _cut(r.theme, 50),
                "question": _cut(r.question, 110),
                "words": r.words,
                "communities": _cut(r.communities, 110),
                "sure": r.sure,
            }
            for r in page.gaps[:MOST_GAPS]
        ],
        "no_gap": _cut(" ".join(each for each in (page.no_gap, page.close) if each), 420),
        "actions": [_cut(each, 160) for each in page.actions[:6]],
        "contacts": [
            {"who": _cut(r.who, 110), "phone": _cut(r.phone, 40).replace(" ", "\u00a0"), "email": _cut(r.email, 80)}
            for r in page.contacts[:4]
        ],
        "limits": [_cut(each, 260) for each in page.limits[:5]],
        "credits": _cut(" ".join(page.credits), 1600),
    }


def _cut(words: str, most: int) -> str:
    """What somebody wrote, no longer than one side of paper can bear."""
    words = contents.text(words)
    return words if len(words) <= most else words[: most - 1].rstrip(" ,;:") + "…"


def subtitle(page: WardPage) -> str:
    """ "Ward of Gateshead, 8,312 residents in 5 small areas"."""
    small = f" in {page.small_areas:,} small area{'' if page.small_areas == 1 else 's'}" if page.level != "lsoa" else ""
    kind = wording.capital(wording.LEVEL_WORDS[page.level][0])
    whose = f" of {page.authority}" if page.level != "lad" and page.authority else ""
    return f"{kind}{whose}, {page.residents} residents{small if page.small_areas else ''}"


# ---- HTML ---------------------------------------------------------------------------------------------------------------

CSS = ASSETS / "briefing-ward.css"


def ward_page_html(page: WardPage) -> str:
    """One page as one HTML file that needs nothing else: no script, no request. What is one side of paper is the PDF."""
    css = CSS.read_text("utf-8")
    return environment().get_template("briefings/ward_file.html").render(css=css, **ward_page_values(page))


def ward_page_values(page: WardPage) -> dict[str, Any]:
    """What the templates ``briefings/ward.html`` and ``ward_file.html`` want, beside what every page of the site has."""
    return {
        "ward": page,
        "brand": page.brand,
        "words": WORDS,
        "subtitle": subtitle(page),
        "day": contents.day(page.made_on),
        "neighbours": neighbour_words(page),
        "formats": FORMATS.values(),
    }


def index_html(entries: Iterable[tuple[str, str, str]], region: str, notice: str) -> str:
    """Contents of a folder of ward pages, from (authority, name of the ward, name of its file)."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for authority, name, file in entries:
        groups.setdefault(authority, []).append((name, file))
    sorted_groups = [(authority, sorted(groups[authority])) for authority in sorted(groups)]
    template = environment().get_template("briefings/ward_index.html")
    return template.render(groups=sorted_groups, region=region, notice=notice)


def export_ward(page: WardPage, format: str, *, address: str = "") -> bytes:
    """A ward's page as a file: its own sheet as PDF or HTML, and page by page for PowerPoint and Word."""
    if format == "pdf":
        return ward_pages_pdf([page])
    if format == "html":
        return ward_page_html(page).encode("utf-8")
    return export_briefing(briefing_of(page), format, address=address)


def export_found(found: FoundBriefing, format: str, *, address: str = "") -> bytes:
    """What somebody asked for as a file: the sheet of a ward, the pages of any other briefing."""
    if found.ward is not None:
        return export_ward(found.ward, format, address=address)
    return export_briefing(found.briefing, format, address=address)
