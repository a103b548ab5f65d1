"""Every sentence that a region generates, each with where it stands; and the rules that hold of all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from dashboard.briefings.filling.build import build_briefing
from dashboard.briefings.filling.questions import questions
from dashboard.briefings.writing.starters import starter_text, starters
from dashboard.selection import Selection
from dashboard.views.area import area_profile
from dashboard.views.choropleth import choropleth, sentence
from dashboard.views.confidence import confidence_rows
from dashboard.views.gap_files import gaps_document
from dashboard.views.gap_map import SHOWS, painted
from dashboard.views.gaps import gaps_of
from dashboard.views.levels import lacking_at
from dashboard.views.wording import still_to_write
from layers import LEVELS, PUBLIC, Refused, read_briefing

METRICS = ("nearest", "coverage", "e2sfca")
NOT_SENTENCES = frozenset(
    {"id", "code", "lad_code", "link", "links", "layer", "licence", "members", "areas", "parameters", "name"}
)
Said = tuple[str, str]

RULES = {
    "a placeholder": re.compile(r"[{}]|\[\[|\]\]|\bNone\b(?! of|:| yet)|\bnan\b|\bNaN\b|\bTODO\b|\bundefined\b"),
    "a bare code": re.compile(r"\b[EW]0\d{7}\b"),
    "a unit twice": re.compile(r"% ?%|\b(per [\d,]+ \w+) \1\b|\b(km|m|minutes) \2\b"),
    "a plural of one": re.compile(
        r"(?<![\d,.–-])1 (?:sites|areas|wards|residents|services|communities|small areas|people\b(?! in)|minutes|authorities)\b"
    ),
    "a singular of many": re.compile(
        r"(?<![\d,.])(?:[2-9]|\d[\d,]*\d) (?:site|area|ward|resident|community|small area|minute)\b(?!-)"
    ),
    "a twentieth that is best for a harm": re.compile(r"\b(?:best|worst) twentieth\b"),
    "a licence that nobody names": re.compile(r"\blicen[cs]e (?:is )?not stated|\bnot stated: check", re.IGNORECASE),
    "a change that is none": re.compile(r"\bfrom ([\d,.]+ (?:k?m|minutes)) to \1(?![\w.])"),
    "nothing a place": re.compile(r"\bwould do most here\b"),
    "a sentence of nothing": re.compile(r"\(\)|,\s*[.,]|\s[.,;:](?:\s|$)|“”"),
}
"""What no sentence holds, by the name of the fault."""


def faults(text: str) -> list[str]:
    """The rules that a text breaks."""
    found = [name for name, pattern in RULES.items() if pattern.search(text)]
    return found + (["unwritten"] if still_to_write(text) else [])


def of_tree(where: str, tree: Any) -> Iterator[Said]:
    """Texts with a space in them, of a JSON document or a dataclass made plain."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name not in NOT_SENTENCES:
                yield from of_tree(f"{where}.{name}", value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from of_tree(where, value)
    elif isinstance(tree, str) and " " in tree:
        yield where, tree


def of_layers(published) -> Iterator[Said]:
    """Every indicator at every level: sentence, legend, limits; and what a ward says of itself."""
    for layer in published.store.layers(PUBLIC, kind="indicator"):
        for level in layer.levels:
            chart = choropleth(published, Selection(need=layer.id, level=level), PUBLIC)
            yield f"{layer.id} {level}", sentence(chart, published, counts_too=True)
            for row in chart.rows:
                yield f"{layer.id} {level} legend", f"{row.name}: {row.label}"


def direction_faults(published) -> list[str]:
    """Layers whose words about ends go against their direction."""
    out = []
    areas = {level: published.region.areas[level]["code"].iat[0] for level in LEVELS}
    for level, code in areas.items():
        profile = area_profile(published, code, Selection(level=level), PUBLIC)
        for line in profile.indicators:
            if line.rank and (("highest" in line.rank) != line.neutral or ("worst" in line.rank) == line.neutral):
                out.append(f"{line.id} {level}: {line.rank}")
    return out


def of_areas(published, level: str, every: int = 1) -> Iterator[Said]:
    """The pages of areas, every one or every so many."""
    for code in list(published.region.areas[level]["code"])[::every]:
        yield from of_tree(
            f"{level} {code}", area_profile(published, code, Selection(level=level), PUBLIC).as_document("")
        )


def of_gaps(published) -> Iterator[Said]:
    """Each theme's question at the nine pairs of level and metric: the whole document, legends, the strip of trust."""
    for question in questions(published, PUBLIC):
        for level in LEVELS:
            if lacking_at(question.needs, level):
                continue
            for metric in METRICS:
                where = f"gaps {question.theme.id} {level} {metric}"
                try:
                    gaps = gaps_of(
                        published,
                        replace(question.selection, show="gap", level=level, metric=metric),
                        PUBLIC,
                    )
                except Refused as error:
                    yield where, f"{error.title} {error}"
                    continue
                yield from of_tree(where, gaps_document(gaps))
                for show in SHOWS:
                    shown = painted(gaps, show)
                    yield f"{where} legend", shown.title
                    for row in shown.rows:
                        yield f"{where} legend", f"{row.name}: {row.label}"
                for row in confidence_rows(gaps):
                    yield f"{where} trust", f"{row.word}: {row.reason}"


def of_starters(published) -> Iterator[Said]:
    """Every starter filled in: headlines, paragraphs, notes, exhibits, what stands beside them."""
    for one in starters(published):
        made = build_briefing(
            published, read_briefing(starter_text(published, one.id)), briefing_id=one.id, made_on=date(2026, 11, 30)
        )
        for page in made.pages:
            where = f"{one.id} page {page.number}"
            yield where, "".join(run.text for run in page.headline)
            for name, fact in page.facts.items():
                yield from ((f"{where} {name}", text) for text in (fact.text, fact.detail))
            for kind, blocks in (("body", page.blocks), ("notes", page.notes)):
                for block in blocks:
                    yield from ((f"{where} {kind}", "".join(run.text for run in item)) for item in block.items)
            yield from of_figure(f"{where} exhibit", page.figure)
            yield from ((f"{where} trust", f"{row.word}: {row.reason}") for row in page.trust)
            yield from ((where, text) for text in (*page.limits, *page.cautions, page.unavailable))


def of_figure(where: str, figure) -> Iterator[Said]:
    """What an exhibit says: title, alternative text, caption, legend, and the words in its table."""
    if figure is None:
        return
    yield from (
        (where, text) for text in (figure.title, figure.alt, figure.caption, figure.filters, figure.legend_title)
    )
    yield from ((f"{where} legend", f"{row.label}: {row.count}") for row in figure.legend)
    if figure.table is not None:
        yield f"{where} table", figure.table.note
        for line in (figure.table.headers, *figure.table.rows):
            yield from ((f"{where} table", cell) for cell in line if " " in cell)


def wrong(said: Iterator[Said]) -> list[str]:
    """A line for every fault of what is said."""
    return sorted({f"{fault}: {text[:200]!r} ({where})" for where, text in said for fault in faults(text)})
