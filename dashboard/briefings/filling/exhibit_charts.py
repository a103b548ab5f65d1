"""The charts that a page of a briefing can show, and the picture of looking alone against looking together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import numpy as np

from dashboard.briefings.filling import showing
from dashboard.briefings.filling.asking import no_stop, pins, refused
from dashboard.briefings.filling.model import Figure
from dashboard.briefings.filling.showing import ExhibitRequest, Exhibits
from dashboard.drawing.charts import chart_svg, histogram_svg
from dashboard.drawing.palette import DUO
from dashboard.drawing.shown import ChartData, TableData
from dashboard.views import wording
from dashboard.views.choropleth import Choropleth, sentence
from dashboard.views.gap_words import a_site, how_words, nearest_words, summary_sentence
from dashboard.views.places import names
from dashboard.views.siting import compare
from dashboard.views.together import together_sentence
from dashboard.views.trend import Trend, area_trend, region_number, trend
from dashboard.views.wording import cost_words
from layers import Layer

TALLEST, ROW = 650, 74
"""Pixels at 720 wide: a chart of few bars fills the page that is presented, one of many is no higher than it."""

CHARTS = Exhibits()
exhibit = CHARTS.add


def _bars(
    ask: ExhibitRequest,
    data: ChartData,
    title: str,
    alt: str,
    table: TableData,
    about: dict[str, Any],
    caption: str = "",
    **more,
) -> Figure:
    high = min(TALLEST, 90 + ROW * len(data.categories))
    svg = chart_svg(data, title=title, description=alt, height=high, id_prefix=ask.id_prefix, **more)
    return Figure("chart", title, alt, caption, svg=svg, chart=data, table=table, **about)


def _one_series(names: Iterable[str], series: str, values: Iterable[float], unit: str, **more) -> ChartData:
    return ChartData("bar", tuple(names), (series,), (tuple(map(float, values)),), unit, colours=DUO[:1], **more)


@exhibit(
    "chart",
    "authorities",
    says="One indicator for every authority, worst first, with 95% intervals; “area: …” marks one of them.",
    takes="layer period area n",
)
def _chart_authorities(ask: ExhibitRequest) -> Figure:
    chart = showing.by_authority(ask)
    order = showing.worst_first(chart)
    most = min(ask.count(showing.MOST_BARS, 20), len(order))
    focus = _focus(ask, chart)
    places = order[:most].tolist()
    if focus is not None and focus not in places and focus in order:
        places = [*places[:-1], focus]
    data, title = _values_chart(ask, chart, places, focus), f"{showing.titled(chart.layer, chart.period)}: by authority"
    whole, what = region_number(ask.published, chart.layer, chart.period or chart.layer.period, ask.reader)
    # the middle one of small areas is nothing to hold authorities against; the rate of all of them together is
    compares = whole is not None and what.endswith("together")
    said = f"{ask.region.name} as a whole, {wording.short_unit(whole, chart.unit, chart.decimals)}" if compares else ""
    missing = int(chart.in_view.sum()) - len(order)
    table = showing.value_rows(ask, chart, places)
    notes = [
        showing.rest_words(most, len(order), f"{showing.end_word(chart)} authorities"),
        f"Without a figure: {missing:,}." if missing else "",
    ]
    alt = sentence(chart, ask.published)
    if focus is not None and focus in order:
        alt += (
            f" {data.categories[data.highlight]}: {chart.value_text(chart.frame['value'].to_numpy('float64')[focus])}."
        )
    return _bars(
        ask, data, title, f"{alt} {said}." if said else alt, replace(table, note=" ".join(filter(None, notes))),
        showing.about_chart(ask, chart, ask.region.name), reference=(whole, said) if compares else None,
    )  # fmt: skip


def _focus(ask: ExhibitRequest, chart: Choropleth) -> int | None:
    """Place of the area that the page is about: ``area:``, else the authority of the view's partner when it has just one."""
    code = ask.given("area")
    if code:
        level, place = ask.facts.area(code)
        if level != chart.level:
            what = f"“{code}” is a {showing.one_of_level(level)}, and the chart is of {wording.LEVEL_WORDS[chart.level][1]}"
            raise refused(what, f"name a {showing.one_of_level(chart.level)}", "briefing-value")
        return place
    partner = ask.region.partner(ask.partner) if ask.partner else None
    if chart.level == "lad" and partner is not None and len(partner.footprint) == 1:
        return ask.region.position("lad", partner.footprint[0])
    return None


def _values_chart(ask: ExhibitRequest, chart: Choropleth, places: Sequence[int], focus: int | None = None) -> ChartData:
    return ChartData(
        "bar",
        tuple(showing.area_names(ask, chart.level, places)),
        (chart.layer.title,),
        (showing.at_places(chart, places, "value"),),
        chart.unit,
        chart.decimals,
        showing.at_places(chart, places, "lower"),
        showing.at_places(chart, places, "upper"),
        list(places).index(focus) if focus is not None and focus in places else None,
        DUO[:1],
    )


@exhibit(
    "chart",
    "worst",
    says="The areas where one indicator is worst (highest, where neither end is worse), with 95% intervals.",
    takes="layer level period n area",
    example="chart / type: worst / layer: ID / level: ward / n: 10",
)
def _chart_worst(ask: ExhibitRequest) -> Figure:
    chart, places, title, note = showing.worst_areas(ask, showing.MOST_BARS)
    data = _values_chart(ask, chart, places, _focus(ask, chart))
    table = replace(showing.value_rows(ask, chart, places), note=note)
    return _bars(ask, data, title, showing.worst_alt(ask, chart, places, title), table, showing.about_chart(ask, chart))


@exhibit(
    "chart",
    "distribution",
    says="How the areas spread over the values of one indicator, with the middle one marked; “area: …” marks another.",
    takes="layer level period area",
    example="chart / type: distribution / layer: ID / level: lsoa",
)
def _chart_distribution(ask: ExhibitRequest) -> Figure:
    chart = ask.chart()
    counts, edges = chart.histogram
    if not counts:
        what = f"“{chart.layer.title}” has no figure for any {showing.one_of_level(chart.level)} of {ask.where}"
        raise refused(what, "choose another layer or level", "briefing-empty")
    value = chart.frame["value"].to_numpy("float64")
    known = value[chart.in_view & np.isfinite(value)]
    middle, focus = float(np.median(known)), _focus(ask, chart)
    mark = None
    if focus is not None and np.isfinite(value[focus]):
        mark = (float(value[focus]), str(ask.region.areas[chart.level]["name"].iat[focus]))
    say = lambda v: wording.short_unit(v, chart.unit, chart.decimals)  # noqa: E731
    places = max(chart.decimals, 1) if edges[-1] - edges[0] < len(counts) * 10**-chart.decimals else chart.decimals
    bins = tuple(f"{wording.number(a, places)} to {wording.number(b, places)}" for a, b in pairwise(edges))
    title = f"{showing.titled(chart.layer, chart.period)}: how {wording.LEVEL_WORDS[chart.level][1]} differ"
    low, high = np.percentile(known, [10, 90])
    alt = (
        f"{title}. {wording.count_of(len(known), chart.level)} from {say(float(known.min()))} to {say(float(known.max()))} "
        f"({chart.unit}). The middle one is at {say(middle)}; eight in ten lie between {say(float(low))} and {say(float(high))}."
    )
    alt += f" {mark[1]} is at {say(mark[0])}." if mark else ""
    what = wording.LEVEL_WORDS[chart.level][1]
    svg = histogram_svg(
        counts, edges, unit=chart.unit, decimals=chart.decimals, what=what,
        title=title, description=alt, middle=middle, mark=mark, id_prefix=ask.id_prefix,
    )  # fmt: skip
    loud = None
    if mark:
        loud = min(int(np.searchsorted(edges[1:-1], mark[0], side="right")), len(counts) - 1)
    data = _one_series(bins, wording.capital(what), counts, what, highlight=loud)
    rows = tuple((label, f"{count:,}") for label, count in zip(bins, counts, strict=True))
    table = TableData((showing.column_head(chart.unit), wording.capital(what)), rows, (False, True))
    return Figure("chart", title, alt, svg=svg, chart=data, table=table, **showing.about_chart(ask, chart))


@exhibit(
    "chart",
    "trend",
    says="One indicator from period to period, for the region or for “area: …” beside it, with breaks where figures do not compare.",
    takes="layer area",
    needs="“layer: …” with two or more periods",
)
def _chart_trend(ask: ExhibitRequest) -> Figure:
    layer = ask.layer()
    history = ask.published.store.history(layer.id, ask.reader)
    code, beside, name = ask.given("area"), None, ask.region.name
    if code:
        level, place = ask.facts.area(code)
        name = str(ask.region.areas[level]["name"].iat[place])
        found = area_trend(ask.published, layer, history, ask.reader, code)
        line, beside = found if found is not None else (None, None)
    else:
        line = trend(ask.published, layer, history, ask.reader)
    if line is None:
        many = len(layer.periods)
        what = f"“{layer.title}” has no line to draw{f' for {name}' if code else ''}"
        why = "it has one period" if many < 2 else "fewer than two of its periods have figures that make a line"
        raise refused(f"{what}: {why}", "choose a layer with two or more periods, or another chart", "briefing-empty")
    return _trend_figure(ask, layer, line, beside, name)


def _trend_figure(ask: ExhibitRequest, layer: Layer, line: Trend, beside: Trend | None, name: str) -> Figure:
    periods = [point.period for point in line.points]
    for period in periods:
        ask.seen(layer, period)
    values = [tuple(point.value for point in line.points)]
    series = [name]
    if beside is not None:
        of = {point.period: point.value for point in beside.points}
        values.append(tuple(of.get(period) for period in periods))
        series.append("The whole region")
    breaks = [
        (i, point.why or "a period without a figure lies between")
        for i, point in enumerate(line.points)
        if i and not point.joined
    ]
    decimals = wording.decimals_for([v for row in values for v in row if v is not None], layer.descriptor.decimals)
    data = ChartData(
        "line", tuple(periods), tuple(series), tuple(values), layer.descriptor.unit, decimals,
        highlight=0 if beside is not None else None, colours=DUO if beside is not None else DUO[:1],
    )  # fmt: skip
    title = f"{layer.title}: {periods[0]} to {periods[-1]}"
    alt = f"{layer.title}, {name}. {line.sentence}"
    if beside is not None:
        alt += f" {ask.region.name}: {beside.sentence}"
    rows = tuple(
        (period, *(wording.short_unit(row[i], layer.descriptor.unit, decimals) for row in values))
        for i, period in enumerate(periods)
    )
    svg = chart_svg(data, title=title, description=alt, breaks=breaks, id_prefix=ask.id_prefix)
    return Figure(
        "chart", title, alt, filters=f"{line.what}. {layer.title}: {layer.descriptor.unit}.", svg=svg, chart=data,
        table=TableData(("Period", *series), rows, (False, *(True for _ in series))),
        layers=pins(layer), link=f"/catalogue/{quote(layer.id)}",
    )  # fmt: skip


@exhibit(
    "chart",
    "gaps",
    says="Residents of underserved areas, by authority.",
    takes="need services level period n",
)
def chart_of_gaps(ask: ExhibitRequest) -> Figure:
    ask.view_needed("need", "services")
    gaps = ask.gaps()
    lads = names(ask.published, "lad")
    rows = sorted(
        gaps.summary["by_authority"], key=lambda row: (-row["underserved_residents"], lads.get(row["lad_code"], ""))
    )
    if not gaps.summary["underserved_areas"]:
        raise refused("no area of this view is underserved", "leave the chart out", "briefing-empty")
    shown = rows[: ask.count(showing.MOST_BARS, 20)]
    data = _one_series(
        (lads.get(row["lad_code"], row["lad_code"]) for row in shown),
        "Residents of underserved areas",
        (row["underserved_residents"] for row in shown),
        "residents of underserved areas",
        highlight=_partner_row(ask, [row["lad_code"] for row in shown]),
    )
    table = TableData(
        ("Authority", "Underserved areas", "Residents in them", "Share of its residents"),
        tuple(_gap_row(lads, row) for row in shown),
        (False, True, True, True),
        showing.rest_words(len(shown), len(rows), "authorities with most"),
    )
    title = "Residents of underserved areas, by authority"
    return _bars(ask, data, title, summary_sentence(gaps), table, showing.about_gaps(ask, gaps))


def _partner_row(ask: ExhibitRequest, codes: Sequence[str]) -> int | None:
    partner = ask.region.partner(ask.partner) if ask.partner else None
    if partner is None or len(partner.footprint) != 1 or len(codes) < 2 or partner.footprint[0] not in codes:
        return None
    return list(codes).index(partner.footprint[0])


def _gap_row(lads, row) -> tuple[str, ...]:
    people = row["underserved_residents"]
    share = 100 * people / row["residents"] if row["residents"] else float("nan")
    return (
        lads.get(row["lad_code"], row["lad_code"]), f"{row['underserved_areas']:,}", f"{people:,.0f}",
        wording.short_unit(share, "%", 1),
    )  # fmt: skip


@exhibit(
    "chart",
    "fifths",
    says="Mean distance to the nearest service for each fifth of need: whether those with most need have farthest to go.",
    takes="need services level period",
)
def _chart_fifths(ask: ExhibitRequest) -> Figure:
    ask.view_needed("need", "services")
    gaps = ask.gaps()
    (card,) = compare(gaps, ask.reader, {"now": ()})
    rows = [row for row in card.by_fifth if row.mean_before is not None]
    if not rows:
        raise refused("there is no service to measure to", "choose other services", "briefing-empty")
    metres = gaps.result.model.unit == "m"
    what = f"{'distance' if metres else 'time'} to the {nearest_words(gaps.services)}"
    data = _one_series(
        (row.name for row in rows),
        f"Mean {what}",
        (row.mean_before / 1000 if metres else row.mean_before for row in rows),
        f"{'km' if metres else 'minutes'}, mean {what}",
        decimals=1 if metres else 0,
    )
    say = lambda cost: cost_words(cost, gaps.result.model.unit)  # noqa: E731
    table = TableData(
        ("Fifth of need", "Residents", f"Mean {what}"),
        tuple((row.name, f"{row.residents:,.0f}", say(row.mean_before)) for row in rows),
        (False, True, True),
    )
    first, last = rows[0], rows[-1]
    alt = (
        f"Mean {what}{how_words(gaps)}: {say(first.mean_before)} where need is {_need_word(first.name)}, "
        f"{say(last.mean_before)} where it is {_need_word(last.name)}."
    )
    return _bars(ask, data, f"Mean {what}, by fifth of need", alt, table, showing.about_gaps(ask, gaps))


def _need_word(fifth: str) -> str:
    return {"Most need (last fifth)": "highest", "Least need (first fifth)": "lowest"}.get(
        fifth, f"in the {fifth[:1].lower()}{fifth[1:]}"
    )


@exhibit(
    "chart",
    "border",
    says="How far residents are from a service looking alone (only their own authority's) and looking together, by authority.",
    takes="services level n",
)
def _chart_border(ask: ExhibitRequest) -> Figure:
    together = ask.services_only()
    cards = [card for card in together.cards if card.mean_together_m is not None]
    if not cards:
        raise refused("there is no service to measure to", "choose other services", "briefing-empty")

    def extra(card) -> float | None:
        return None if card.mean_alone_m is None else max(card.mean_alone_m - card.mean_together_m, 0.0)

    cards.sort(key=lambda card: (-(extra(card) if extra(card) is not None else np.inf), card.name))
    shown = cards[: ask.count(showing.MOST_BARS, 20)]
    data = ChartData(
        "stacked",
        tuple(card.name for card in shown),
        ("To the nearest, whoever runs it", "Added when only one’s own authority’s count"),
        (
            tuple(card.mean_together_m / 1000 for card in shown),
            tuple(None if extra(card) is None else extra(card) / 1000 for card in shown),
        ),
        "km, mean distance of residents",
        1,
        highlight=_partner_row(ask, [card.lad_code for card in shown]),
        colours=DUO,
    )
    none = [card.name for card in shown if card.mean_alone_m is None]
    has, its = ("has", "its") if len(none) == 1 else ("have", "their")
    note = f"{wording.listing(none)} {has} none of {its} own." if none else ""
    table = TableData(
        ("Authority", "Looking together", "Looking alone", "Added by the border"),
        tuple(
            (
                card.name,
                cost_words(card.mean_together_m, "m"),
                cost_words(card.mean_alone_m, "m"),
                cost_words(extra(card), "m"),
            )
            for card in shown
        ),
        (False, True, True, True),
        " ".join(
            filter(None, (note, showing.rest_words(len(shown), len(cards), "authorities where the border adds most")))
        ),
    )
    top = next((card for card in shown if extra(card) is not None), None)
    alt = f"Mean distance to {a_site(together.services)} by authority, looking together and looking alone."
    if top is not None:
        added, near, far = (cost_words(each, "m") for each in (extra(top), top.mean_together_m, top.mean_alone_m))
        alt += f" The border adds most in {top.name}: {added}, from {near} to {far}."
    title = f"Distance to {a_site(together.services)}: together and alone"
    return _bars(ask, data, title, f"{alt} {note}".strip(), table, showing.about_together(ask, together), note)


@exhibit(
    "together",
    says="Residents whose nearest service stands in another authority, by authority: a chart and its table.",
    takes="services level n",
)
def _together(ask: ExhibitRequest) -> Figure:
    together = ask.services_only()
    table, shown = showing.together_table(ask, together)
    if not together.summary["services"]:
        raise refused(no_stop(together_sentence(together)), "choose other services", "briefing-empty")
    data = _one_series(
        (card.name for card in shown),
        "Residents nearer to another authority’s service",
        (card.residents_nearer_elsewhere for card in shown),
        "residents nearer to another authority’s service than to one of their own",
        highlight=_partner_row(ask, [card.lad_code for card in shown]),
    )
    title = f"Residents nearer to {a_site(together.services)} in another authority"
    return _bars(ask, data, title, together_sentence(together), table, showing.about_together(ask, together))
