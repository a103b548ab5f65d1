"""What every page of every file says besides its headline and its figure, in the same words: sources, limits, dates, file names.

The formats differ in how they set these, never in what they say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dashboard.brand import PRODUCT
from dashboard.briefings.filling.model import Briefing, BriefingPage, Figure, SourceLine
from dashboard.briefings.filling.say import credit_of
from dashboard.drawing.shown import ChartData, LegendRow, TableData
from dashboard.views import wording
from layers import BriefingBlock, BriefingRun, safe_link

LIMITS = "What this does not tell you"
FIGURES = "The same in figures"
SOURCES = "Sources and licences"
SHOWN = "What is shown"
KEY = "Key"
UNAVAILABLE = "This page cannot be shown"

# XML 1.0 holds none of these, escaped or not; line ends stay
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")
_BOX = re.compile(r'<svg\b[^>]*?\bviewBox="\s*[-\d.eE]+[\s,]+[-\d.eE]+[\s,]+([\d.eE]+)[\s,]+([\d.eE]+)\s*"')


@dataclass(frozen=True)
class Words:
    """Some words in one style. ``href`` is a whole address that may be followed, or ""."""

    text: str
    bold: bool = False
    italic: bool = False
    href: str = ""


# ---- texts --------------------------------------------------------------------------------------------------------------


def text(value: object) -> str:
    """What somebody wrote, without characters that XML cannot hold."""
    return _CONTROLS.sub("", str(value))


def runs(given: Iterable[BriefingRun], address: str) -> list[Words]:
    """Runs as words; neighbours of one style are one."""
    out: list[Words] = []
    for run in given:
        words = Words(text(run.text), run.bold, run.italic, href(run.link, address))
        if not words.text:
            continue
        if out and (out[-1].bold, out[-1].italic, out[-1].href) == (words.bold, words.italic, words.href):
            words = Words(out.pop().text + words.text, words.bold, words.italic, words.href)
        out.append(words)
    return out


def plain(given: Iterable[BriefingRun]) -> str:
    return text("".join(run.text for run in given)).strip()


def lines_of(blocks: Sequence[BriefingBlock]) -> list[str]:
    """Blocks as lines, for notes: a list's items begin with a dash or their number."""
    out = []
    for block in blocks:
        for number, item in enumerate(block.items, 1):
            mark = {"bullets": "– ", "numbers": f"{number}. "}.get(block.kind, "")
            out.append(mark + plain(item))
    return out


def href(link: str, address: str) -> str:
    """A whole address, or "" where there is none to follow: a file has no site of its own, so a path needs ``address``."""
    link = text(link).strip()
    if not link or not safe_link(link):
        return ""
    if link.startswith("/"):
        base = address.rstrip("/")
        return f"{base}{link}" if base and safe_link(base) else ""
    return "" if link.startswith("#") else link


def day(value: date | str) -> str:
    return text(wording.day(value))


# ---- the briefing -------------------------------------------------------------------------------------------------------


def made_line(briefing: Briefing) -> str:
    """When the numbers were worked out, and which state of the briefing this is."""
    made = f"Numbers worked out on {day(briefing.made_on)}."
    if not briefing.version:
        return f"{made} From the newest data on that day."
    since = f", published {day(briefing.published_on)}" if briefing.published_on else ""
    return f"{made} Version {briefing.version} of this briefing{since}."


def about_lines(briefing: Briefing) -> list[str]:
    """For the title page: who, when, and what is newer."""
    out = [f"{text(briefing.region_name)} · {text(briefing.partner_name)}", made_line(briefing)]
    brand = briefing.brand
    if brand.name not in (PRODUCT, briefing.region_name, briefing.partner_name):
        out.insert(0, text(brand.name))
    if brand.contact:
        out.append(text(brand.contact_words))
    if briefing.document.author:
        out.append(f"Written by {text(briefing.document.author)}.")
    if briefing.document.review_on:
        out.append(f"To be reviewed by {day(briefing.document.review_on)}.")
    if briefing.stale:
        newer = wording.listing(
            [f"{each.title} (version {each.newest}, {day(each.published_on)})" for each in briefing.stale]
        )
        out.append(text(f"Newer data has been published since: {newer}."))
    return out


def footer_line(briefing: Briefing) -> str:
    """For the foot of each page: title, partner and date."""
    version = f", version {briefing.version}" if briefing.version else ""
    whose = f"{text(briefing.brand.name)} · " if briefing.brand.name not in (PRODUCT, briefing.partner_name) else ""
    return f"{whose}{text(briefing.title)}{version} · {text(briefing.partner_name)} · {day(briefing.made_on)}"


# ---- a page -------------------------------------------------------------------------------------------------------------


def headline(page: BriefingPage) -> str:
    return text(page.headline_text).strip() or (UNAVAILABLE if page.unavailable else f"Page {page.number}")


def source_lines(sources: Sequence[SourceLine]) -> list[str]:
    """A line for each source, with version, date and licence; those that differ in nothing but their title share one."""
    found: dict[str, list[str]] = {}
    for source in sources:
        found.setdefault(_published(source), []).append(text(source.title))
    return [_sentences("; ".join(dict.fromkeys(titles)), rest) for rest, titles in found.items()]


def _published(source: SourceLine) -> str:
    """Period, publisher, version, date and licence."""
    period = text(source.period) if text(source.period) not in text(source.title) else ""
    version = f"Version {source.version}" if source.version else ""
    published = f"{'published' if version else 'Published'} {day(source.published_on)}" if source.published_on else ""
    state = ", ".join(part for part in (version, published) if part)
    return _sentences(f", {period}" if period else "", text(source.publisher), state, text(source.licence))


def _sentences(first: str, *rest: str) -> str:
    """Parts with a stop behind each; the first two are one where the second goes on with a comma."""
    parts = [part.rstrip(".") for part in (first, *rest) if part]
    words = ". ".join(parts).replace(". , ", ", ", 1)
    return words if words.endswith(".") or not words else f"{words}."


def attributions(of: BriefingPage | Briefing) -> str:
    """What the licences of its data and of its maps' outlines ask to be said: each sentence once, in that order."""
    sentences: list[str] = []
    for asked in (*(source.attribution for source in of.sources), *of.credits):
        sentences += re.split(r"(?<=[.!?])\s+(?=[A-Z©(])", text(asked).strip())
    return " ".join(dict.fromkeys(each if each[-1:] in ".!?" else f"{each}." for each in sentences if each))


def limits_on(briefing: Briefing, page: BriefingPage) -> list[str]:
    """What the data of a page does not tell; where an earlier page has said all of it, which one."""
    before = next((one for one in briefing.pages if one.limits == page.limits and one.limits), page)
    if before.number < page.number:
        return [f"The same as on page {before.number}: {headline(before)}."]
    return [text(each) for each in page.limits]


def credit_line(page: BriefingPage) -> str:
    """Whose figures a page shows; titles, versions and licences stand once, at the end."""
    credit = text(credit_of(page))
    return f"Sources: {credit}. Each with its licence and version at the end." if credit else ""


def fact_lines(page: BriefingPage) -> list[str]:
    """Where the numbers in the words come from; numbers with the same answer share a line."""
    found: dict[str, list[str]] = {}
    for fact in page.facts.values():
        if fact.text and fact.detail:
            found.setdefault(text(fact.detail), []).append(text(fact.text))
    return [f"{'; '.join(dict.fromkeys(texts))}: {detail}" for detail, texts in found.items()]


def page_words(page: BriefingPage, address: str) -> dict[str, Any]:
    """What a template says of a page, but for its figure."""
    return {
        "headline": headline(page),
        "blocks": [
            {"kind": block.kind, "lines": [runs(item, address) for item in block.items]} for block in page.blocks
        ],
        "limits": [text(each) for each in page.limits],
        "sources": source_lines(page.sources),
        "attribution": attributions(page),
        "unavailable": text(page.unavailable),
    }


def table_of(figure: Figure) -> TableData | None:
    """What a figure shows, as a table. A chart without a table of its own gives its numbers."""
    return figure.table if figure.table is not None else chart_table(figure.chart) if figure.chart else None


def chart_table(chart: ChartData) -> TableData:
    """Categories down, series across, with the interval where there is one. The unit stands in the headers."""
    unit = f" ({chart.unit.strip()})" if chart.unit.strip() else ""
    headers = ["", *(f"{name or 'Value'}{unit}" for name in chart.series)]
    interval = bool(chart.lower and chart.upper)
    if interval:
        headers.append("95% interval")
    rows = []
    for n, category in enumerate(chart.categories):
        row = [category, *(wording.number(series[n], chart.decimals) for series in chart.values)]
        if interval:
            low, high = chart.lower[n], chart.upper[n]
            known = low is not None and high is not None
            row.append(
                f"{wording.number(low, chart.decimals)} to {wording.number(high, chart.decimals)}" if known else "–"
            )
        rows.append(tuple(row))
    return TableData(tuple(headers), tuple(rows), (False, *(True for _ in headers[1:])))


def is_number(table: TableData, column: int) -> bool:
    return column < len(table.numeric) and bool(table.numeric[column])


def headers_of(table: TableData) -> list[str]:
    """Headers as texts; a heading cell is never empty, since a screen reader would say nothing."""
    return [
        text(header).strip() or ("No." if is_number(table, n) else "Name" if n == 0 else f"Column {n + 1}")
        for n, header in enumerate(table.headers)
    ]


def rows_of(table: TableData) -> list[list[str]]:
    """Rows as texts, each as long as the headers."""
    width = len(table.headers)
    return [[text(cell) for cell in (*row, *[""] * width)][:width] for row in table.rows]


def table_words(table: TableData | None) -> dict[str, Any] | None:
    """A table as a template takes it: headers, rows, which columns are numbers, and its note; None where there is nothing."""
    if table is None or not table.headers:
        return None
    headers = headers_of(table)
    return {
        "headers": headers,
        "rows": rows_of(table),
        "numeric": [is_number(table, n) for n in range(len(headers))],
        "note": text(table.note),
    }


def figure_words(figure: Figure, swatch: Callable[[LegendRow], Any]) -> dict[str, Any]:
    """What a template says of a figure; ``swatch`` makes what stands before a row of its key."""
    return {
        "alt": alt_of(figure),
        "title": text(figure.title),
        "filters": text(figure.filters),
        "caption": text(figure.caption),
        "legend_title": text(figure.legend_title),
        "legend": [
            {"label": text(row.label), "count": text(row.count), "swatch": swatch(row)} for row in figure.legend
        ],
    }


def alt_of(figure: Figure) -> str:
    """Never empty: a picture without a description is one that some readers do not get."""
    return (
        text(figure.alt).strip()
        or text(figure.title).strip()
        or {"map": "Map", "chart": "Chart"}.get(figure.kind, "Table")
    )


def size_of(svg: str) -> tuple[float, float]:
    """Width and height of an SVG's own units; 3 by 2 hundred where it does not say."""
    found = _BOX.search(svg)
    width, height = (float(found[1]), float(found[2])) if found else (0.0, 0.0)
    return (width, height) if width > 0 and height > 0 else (300.0, 200.0)
