"""Who is affected, in a briefing: the people of the underserved areas beside a baseline, as a table and as what can be said of it."""

from __future__ import annotations

from dashboard.briefings.filling import showing
from dashboard.briefings.filling.asking import Ask, Tokens, either, pins, refused
from dashboard.briefings.filling.findings import GAPS_EG, about_gaps
from dashboard.briefings.filling.model import Fact, Figure
from dashboard.briefings.filling.showing import ExhibitRequest, Exhibits
from dashboard.drawing.shown import TableData
from dashboard.views.affected import (
    CLUSTERED,
    NOT_CAUSE,
    Affected,
    affected_finding,
    affected_layers,
    affected_of,
    affected_sentence,
    difference_words,
    share_words,
)
from dashboard.views.gaps import Gaps
from layers import BASELINES, Layer

AFFECTED = Exhibits()
AFFECTED_TOKENS = Tokens()
MOST_MEASURES = 30


def _found(gaps: Gaps) -> tuple[Affected, tuple[Layer, ...]]:
    """The answer, and every layer that it rests on."""
    found = affected_of(gaps)
    if found is None:
        what = "nobody is underserved in this view, or this region has no figures of who lives where"
        raise refused(what, "leave the page out", "briefing-empty")
    used = {measure.layer for measure in found.measures}
    return found, (*gaps.layers, *(layer for layer in affected_layers(gaps.published) if layer.id in used))


def _said(ask: Ask, words) -> Fact:
    gaps = ask.gaps()
    found, layers = _found(gaps)
    text = words(found)
    if not text:
        raise ask.refused("nothing can be said of who is affected", "leave the sentence out")
    return Fact(text, **about_gaps(gaps, ask) | {"layers": pins(*layers), "detail": " ".join(found.notes)})


@AFFECTED_TOKENS.add(
    "affected.finding",
    "[view]",
    "What there is more of in the gaps, and how much: “households without a car: 32% …”",
    GAPS_EG,
)
def _finding(ask: Ask) -> Fact:
    return _said(ask, affected_finding)


@AFFECTED_TOKENS.add(
    "affected.sentence", "[view]", "Who lives in the gaps beside the whole region, a sentence or three", GAPS_EG
)
def _sentence(ask: Ask) -> Fact:
    return _said(ask, affected_sentence)


@AFFECTED.add(
    "affected",
    says="Who lives in the underserved areas: age, cars, health, homes, deprivation and ethnic group, against a baseline.",
    takes="need services level period area baseline n",
)
def _affected(ask: ExhibitRequest) -> Figure:
    ask.view_needed("need", "services")
    gaps = ask.gaps()
    found, layers = _found(gaps)
    who = ask.given("area")
    baseline = ask.given("baseline") or ("authority" if who else "region")
    if baseline not in BASELINES:
        raise refused(f"there is no baseline “{baseline}”", f"use {either(list(BASELINES))}", "briefing-value")
    if baseline == "authority" and not who:
        raise refused("the baseline “authority” needs an authority", "add a line “area: CODE”", "briefing-value")
    if who and who not in found.by_who:
        what = f"nobody is underserved in {found.name(who)} in this view" if who in ask.region.codes("lad") else ""
        todo = f"use {either([one for one in found.by_who if one])}, or leave it out"
        raise refused(what or f"there is no authority “{who}”", todo, "briefing-value")
    beside = {"region": found.name(""), "authority": found.name(who), "england": "England"}[baseline]
    rows = [row for row in found.by_who[who] if row.beside[baseline].value is not None]
    if not rows:
        raise refused(
            f"this region has no figures of {beside} to set beside", "choose another baseline", "briefing-value"
        )
    many = ask.count(MOST_MEASURES, MOST_MEASURES)
    apart = sorted(rows, key=lambda row: -abs(row.beside[baseline].difference or 0.0))[:many]
    shown = [row for row in rows if row in apart]  # in the order of the groups
    table = TableData(
        ("Who", "In the gaps", f"In {beside}", "Difference"),
        tuple(
            (
                found.measure(row).title,
                share_words(row.value),
                share_words(row.beside[baseline].value),
                difference_words(row, baseline),
            )
            for row in shown
        ),
        (False, True, True, False),
        " ".join(
            [showing.rest_words(len(shown), len(rows), "where the difference is greatest,"), NOT_CAUSE, CLUSTERED]
        ).strip(),
    )
    where = f" of {found.name(who)}" if who and baseline != "authority" else ""
    title = f"Who lives in the underserved areas{where}, beside {beside}"
    about = showing.about_gaps(ask, gaps) | {"layers": pins(*layers)}
    return Figure("table", title, affected_sentence(found, who, baseline), table=table, **about)
