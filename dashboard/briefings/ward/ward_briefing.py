"""A ward's page as tables and as pages of a briefing, for the formats that know nothing but pages."""

from __future__ import annotations

from typing import Any

from dashboard.briefings.filling.model import Briefing, BriefingPage, Figure
from dashboard.briefings.ward.ward_model import NO_ACTIONS, WardPage
from dashboard.drawing.shown import TableData
from dashboard.views import wording
from layers import Audience, BriefingBlock, BriefingRun, Document


def _text(words: str, *, bold: bool = False) -> tuple[BriefingRun, ...]:
    return (BriefingRun(words, bold=bold),)


def _paragraphs(*words: str) -> tuple[BriefingBlock, ...]:
    return tuple(BriefingBlock("paragraph", (_text(each),)) for each in words if each)


def _table(title: str, alt: str, headers, rows, numeric, page: WardPage, note: str = "") -> Figure:
    table = TableData(tuple(headers), tuple(tuple(row) for row in rows), tuple(numeric), note)
    return Figure("table", title, alt, table=table, layers=page.pins, link=page.link)


def tables_of(page: WardPage) -> dict[str, tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]]:
    """Headers and rows of the page's tables: need, services, gaps. What every form of the page prints."""
    return {
        "need": (
            ("Theme", "Measure", "Here", "Rank, 1 is worst", "In words"),
            tuple((r.theme, r.measure_words, r.value, r.rank, r.words) for r in page.needs),
        ),
        "services": (
            ("Nearest", "Where", "Distance", "Standard", "Residents beyond it"),
            tuple(
                (
                    f"{r.number}. {r.kind}",
                    f"{r.name}, {r.place}{' (across the border)' if r.across_border else ''}",
                    r.distance,
                    r.standard,
                    r.beyond_words,
                )
                for r in page.services
            ),
        ),
        "gaps": (
            ("Theme", "In a gap", "Part of", "How sure"),
            tuple((r.theme, r.words, r.communities, r.sure) for r in page.gaps),
        ),
    }


SAY, RING = "Three sentences to say aloud", "Whom to ring"


def about_words(page: WardPage) -> str:
    """ "is a ward of Gateshead", "is a local authority"."""
    one = wording.LEVEL_WORDS[page.level][0]
    return f"is a {one}" if page.level == "lad" or not page.authority else f"is a {one} of {page.authority}"


def contact_words(page: WardPage) -> tuple[str, ...]:
    """ "Public health, Gateshead Council: 01632 960 001, health@example.org" """
    return tuple(
        f"{row.who}: {', '.join(filter(None, (row.phone, row.email)))}" if row.phone or row.email else row.who
        for row in page.contacts
    )


def neighbour_words(page: WardPage) -> tuple[str, ...]:
    """ "In Gateshead: Chopwell and Ryton." and one sentence for each authority across a border."""
    return tuple(
        f"{'Across the border in' if group.across_border else 'In'} {group.authority or 'another authority'}: "
        f"{wording.listing(group.names, 12)}."
        for group in page.neighbours
    )


def briefing_of(page: WardPage) -> Briefing:
    """The same as pages, for the formats that know nothing but pages."""
    tables = tables_of(page)
    pages: list[dict[str, Any]] = []
    rows = tuple((wording.capital(row.label), row.count) for row in page.legend)
    shown = TableData(("Small areas", "How many"), rows or (("None", ""),), (False, False))
    map_figure = Figure(
        "map", f"{page.name} and its neighbours", page.alt, filters=f"Small areas of {page.name}", svg=page.svg,
        legend=page.legend, legend_title="Small areas", table=shown, layers=page.pins, sources=page.sources, link=page.link,
    )  # fmt: skip
    place = f"{page.name} {about_words(page)} with {page.residents} residents."
    pages.append(
        {
            "headline": page.name if page.name == page.authority else f"{page.name}, {page.authority}",
            "blocks": _paragraphs(place, *page.summary),
            "figure": map_figure,
        }
    )
    if page.say:
        aloud = BriefingBlock("quote", tuple(_text(f"“{each}”") for each in page.say))
        pages.append({"headline": SAY, "blocks": (aloud,)})
    if page.needs:
        figure = _table(
            "Need", f"{len(page.needs)} measures of need.", *tables["need"], (False, False, True, True, False), page
        )
        pages.append(
            {"headline": f"How the {wording.LEVEL_WORDS[page.level][0]} stands", "blocks": (), "figure": figure}
        )
    if page.services:
        figure = _table(
            "Nearest services", f"The nearest of {len(page.services)} kinds of service.", *tables["services"],
            (False, False, True, True, True), page,
        )  # fmt: skip
        pages.append({"headline": "What is nearest", "blocks": (), "figure": figure})
    if page.gaps or page.no_gap:
        figure = None
        if page.gaps:
            figure = _table("Gaps", f"{len(page.gaps)} gaps.", *tables["gaps"], (False, False, False, False), page)
        pages.append(
            {
                "headline": "Where need is high and help is far",
                "blocks": _paragraphs(page.no_gap, page.close),
                "figure": figure,
            }
        )
    pages.append(
        {
            "headline": "Neighbours",
            "blocks": _paragraphs(*neighbour_words(page))
            or _paragraphs(f"No {wording.LEVEL_WORDS[page.level][0]} touches it."),
        }
    )
    pages.append({"headline": "Actions agreed", "blocks": _paragraphs(*(page.actions or (NO_ACTIONS,)))})
    if page.contacts:
        pages.append({"headline": RING, "blocks": _paragraphs(*contact_words(page))})
    bullets = (BriefingBlock("bullets", tuple(_text(each) for each in page.limits)),) if page.limits else ()
    pages.append({"headline": "What this does not tell you", "blocks": bullets})
    document = Document(page.title, page.partner_id, (), Audience.PUBLIC, f"{page.authority}, {page.region_name}")
    return Briefing(
        id=page.id,
        document=document,
        region_name=page.region_name,
        partner_name=page.partner_name,
        notice=page.notice,
        made_on=page.made_on,
        pages=tuple(
            BriefingPage(
                number=n,
                headline=_text(each["headline"]),
                blocks=each["blocks"],
                figure=each.get("figure"),
                sources=page.sources if each.get("figure") else (),
                limits=page.limits if n == 1 else (),
            )
            for n, each in enumerate(pages, 1)
        ),
        pins=dict(page.pins),
        link=f"/briefings/{page.id}",
        brand=page.brand,
    )
