"""The tables that a page of a briefing can show. Their cells are words: the same ones stand in every export."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from dashboard.briefings.filling import showing
from dashboard.briefings.filling.asking import pins, query_of, refused
from dashboard.briefings.filling.exhibit_charts import chart_of_gaps
from dashboard.briefings.filling.model import Figure
from dashboard.briefings.filling.showing import ExhibitRequest, Exhibits
from dashboard.drawing.shown import TableData
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.choropleth import sentence
from dashboard.views.gap_communities import CommunityCard
from dashboard.views.gap_words import access_formatter
from dashboard.views.gaps import Gaps
from dashboard.views.together import together_sentence
from dashboard.views.wording import cost_words, counted
from layers import Kind

TABLES = Exhibits()
exhibit = TABLES.add


@exhibit(
    "table",
    "worst",
    says="The areas where one indicator is worst, with value, interval and residents.",
    takes="layer level period n",
    example="table / type: worst / layer: ID / level: ward / n: 10",
)
def _table_worst(ask: ExhibitRequest) -> Figure:
    chart, places, title, note = showing.worst_areas(ask, showing.MOST_ROWS)
    table = replace(showing.value_rows(ask, chart, places), note=note)
    return Figure(
        "table", title, showing.worst_alt(ask, chart, places, title), table=table, **showing.about_chart(ask, chart)
    )


@exhibit(
    "table",
    "authorities",
    says="Every authority: one indicator with intervals, or, with a view of need and services and no layer, its gaps.",
    takes="layer period need services level n",
    needs="“layer: …”, or a view with need and services",
)
def _table_authorities(ask: ExhibitRequest) -> Figure:
    chosen = ask.selection
    if not ask.given("layer") and chosen is not None and chosen.needs and chosen.services:
        made = chart_of_gaps(ask)
        return replace(made, kind="table", title="Gaps by authority", svg="", chart=None)
    chart = showing.by_authority(ask)
    order = showing.worst_first(chart)
    places = order[: ask.count(showing.MOST_ROWS, 20)].tolist()
    title = f"{showing.titled(chart.layer, chart.period)}: by authority"
    note = showing.rest_words(len(places), len(order), f"{showing.end_word(chart)} authorities")
    table, about = (
        replace(showing.value_rows(ask, chart, places), note=note),
        showing.about_chart(ask, chart, ask.region.name),
    )
    return Figure("table", title, sentence(chart, ask.published), table=table, **about)


@exhibit(
    "table",
    "communities",
    says="The underserved communities with most residents: where, how many people, need, distance, how sure.",
    takes="need services level period n",
    example="table / type: communities / n: 10",
)
def _table_communities(ask: ExhibitRequest) -> Figure:
    ask.view_needed("need", "services")
    gaps = ask.gaps()
    return _communities(ask, gaps, showing.cards_of(ask, gaps), "Underserved communities")


@exhibit(
    "table",
    "shared",
    says="The underserved communities that lie in several authorities.",
    takes="need services level period n",
)
def _table_shared(ask: ExhibitRequest) -> Figure:
    ask.view_needed("need", "services")
    gaps = ask.gaps()
    return _communities(ask, gaps, tuple(card for card in gaps.cards if card.shared), "Shared communities")


def _communities(ask: ExhibitRequest, gaps: Gaps, cards: tuple[CommunityCard, ...], title: str) -> Figure:
    if not cards:
        kind = "shared community" if title.startswith("Shared") else "underserved community"
        raise refused(f"this view has no {kind}", "leave the table out", "briefing-empty")
    shown = cards[: ask.count(showing.MOST_ROWS)]
    sure = any(card.stability is not None for card in shown)
    heading, say = gaps.result.access.metric.column, access_formatter(gaps)
    rows = []
    for n, card in enumerate(shown, 1):
        people = f"{card.residents:,.0f}" if gaps.claims.counts else "–"
        row = [f"{n:,}", card.place, wording.capital(card.authorities_words), people]
        row += [wording.number(card.need) if card.need is not None else "–"]
        row += [say(card.access) if heading else card.access_words]
        row += [wording.capital(card.stability_word) or wording.sure_percent(card.stability or 0.0)] if sure else []
        rows.append(tuple(row))
    heads = (
        "",
        "Community",
        "Authorities",
        "Residents",
        "Need (of 100)",
        heading or "Access",
        *(("How sure",) if sure else ()),
    )
    numeric = (True, False, False, True, True, bool(heading), *((False,) if sure else ()))
    people, first = sum(card.residents for card in cards), cards[0]
    alt = (
        f"{counted(len(cards), title.lower().removesuffix('ies') + 'y', title.lower())} with {counted(people, 'resident')}. "
        f"The largest is {first.place} with {first.residents:,.0f}, {first.authorities_words}."
    )
    table = TableData(heads, tuple(rows), numeric, showing.rest_words(len(shown), len(cards), "with most residents"))
    return Figure("table", title, alt, table=table, **showing.about_gaps(ask, gaps))


@exhibit(
    "table",
    "services",
    says="How many services each authority has, residents for each of them, and how far people are from the nearest.",
    takes="services level layer n",
    needs="“layer: …” (a list of services), or a view with services",
)
def _table_services(ask: ExhibitRequest) -> Figure:
    if ask.given("layer"):
        layer = ask.layer(Kind.SERVICES)
        base = {
            name: value
            for name, value in (query_of(ask.view) if ask.view else {}).items()
            if name in ("partner", "level")
        }
        together = ask.facts.together(urlencode(base | {"services": layer.id}, safe=",="))
    else:
        together = ask.services_only()
    cards = sorted(
        together.cards, key=lambda card: (card.services / card.residents if card.residents else 0.0, card.name)
    )
    shown = cards[: ask.count(showing.MOST_ROWS, 20)]
    rows = tuple(
        (
            card.name, f"{card.services:,}", f"{card.residents:,.0f}",
            f"{card.residents / card.services:,.0f}" if card.services else "–",
            cost_words(card.mean_together_m, "m") if card.mean_together_m is not None else "–",
        )
        for card in shown
    )  # fmt: skip
    heads = ("Authority", "Services", "Residents", "Residents for each", "Mean distance to the nearest")
    total = sum(card.services for card in together.cards)
    people = sum(card.residents for card in together.cards)
    titles = wording.listing([layer.title for layer in together.services])
    alt = f"{titles}: {total:,} for {counted(people, 'resident')}"
    alt += f". Fewest for its residents: {cards[0].name}, with {cards[0].services:,}." if cards else "."
    note = showing.rest_words(len(shown), len(cards), "authorities with fewest for their residents")
    return Figure(
        "table", f"{titles}, by authority", alt, filters=showing.together_filters(together),
        table=TableData(heads, rows, (False, True, True, True, True), note), layers=pins(*together.services),
        link=Selection(need="none", services=tuple(layer.id for layer in together.services)).link(),
    )  # fmt: skip


@exhibit(
    "table",
    "together",
    says="Each authority looking alone and looking together: who is nearer to another authority's service.",
    takes="services level n",
)
def _table_together(ask: ExhibitRequest) -> Figure:
    together = ask.services_only()
    table, _ = showing.together_table(ask, together)
    title = "Alone and together, by authority"
    return Figure("table", title, together_sentence(together), table=table, **showing.about_together(ask, together))
