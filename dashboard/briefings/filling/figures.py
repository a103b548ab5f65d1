"""Tokens about the figures of a layer: of one area, of the region, the ends and the middle, how many lie beyond a limit, and how
a figure changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import quote

import numpy as np

from dashboard.briefings.filling.asking import TOKENS, Ask, Tokens, counted, either, no_stop, pins
from dashboard.briefings.filling.model import Fact
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.area import rank_text
from dashboard.views.choropleth import Choropleth, LayerForViewer
from dashboard.views.trend import break_between, region_number, trend, versions_of_periods_before
from layers import Layer, Measure, periods_in_order

FIGURES = Tokens()
token = FIGURES.add


SAME = 0.05
"""Without confidence intervals, a difference of less than this share of the earlier figure counts as little change."""
MOST_EQUALS = 3
"""Areas with the very same value that are named together."""


# ---- one layer ----------------------------------------------------------------------------------------------------------


def _about_layer(what: str, words: Callable[[Layer], str]):
    def say(ask: Ask) -> Fact:
        layer = ask.layer(None)
        text = words(layer)
        if not text:
            todo = "leave it out, or ask the partner that supplies the layer to add it"
            raise ask.refused(f"“{layer.title}” has no {what}", todo)
        return Fact(text, period=layer.period, layers=pins(layer), link=f"/catalogue/{quote(layer.id)}")

    return say


def _credit(layer: Layer) -> str:
    return "; ".join(", ".join(part for part in (s.title, s.publisher) if part) for s in layer.descriptor.sources)


for _name, _says, _words in (
    ("title", "Title of a layer", lambda layer: layer.title),
    ("period", "Its newest period", lambda layer: layer.period),
    ("source", "Where it comes from", _credit),
    ("unit", "The words behind its numbers", lambda layer: layer.descriptor.unit),
    (
        "why",
        "Why it matters, a sentence or two",
        lambda layer: layer.descriptor.why_it_matters or layer.descriptor.description,
    ),
):
    _what = {"why": "reason why it matters"}.get(_name, _name)
    token(f"layer.{_name}", "[layer] [view]", _says, "layer=alcohol-admissions")(_about_layer(_what, _words))


# ---- the figure of one area ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Figure:
    chart: Choropleth
    i: int
    name: str
    code: str

    @property
    def row(self):
        return self.chart.frame.iloc[self.i]

    def fact(self, text: str, value: float | None = None, unit: str = "") -> Fact:
        status = str(self.row["status"])
        layer = self.chart.layer
        when = f", {self.chart.period}" if self.chart.period else ""
        said = self.chart.value_text(self.row["value"])
        return Fact(
            text,
            value,
            unit,
            self.chart.period,
            "converted" if status == "converted" else "ok",
            f"{layer.title}{when}, {self.name}: {said}. {wording.STATUS_SENTENCES[status]}",
            pins(layer),
            f"/areas/{quote(self.code)}",
        )


def _figure(ask: Ask) -> _Figure:
    """The figure of ``area=``, which must be there: what is withheld or missing is a fault that says so."""
    code = ask.must("area")
    level, i = ask.facts.area(code)
    layer = ask.layer()
    if level not in layer.levels:
        what = f"“{layer.title}” has no figures by {wording.LEVEL_WORDS[level][0]}"
        reason = layer.reasons.get(level, "")
        todo = f"name {either([f'a {wording.LEVEL_WORDS[each][0]}' for each in layer.levels])}" if layer.levels else ""
        raise ask.refused(what + (f" ({no_stop(reason)})" if reason else ""), todo or "choose another layer")
    chart = ask.chart(whole_region=True, level=level)
    found = _Figure(chart, i, str(ask.region.areas[level]["name"].iat[i]), code)
    if not np.isfinite(found.row["value"]):
        raise ask.refused(_no_figure(found), "choose another area, level or period")
    return found


def _no_figure(found: _Figure) -> str:
    why = wording.STATUS_SENTENCES.get(str(found.row["status"]), wording.STATUS_SENTENCES["missing"])
    when = f" in {found.chart.period}" if found.chart.period else ""
    return f"“{found.chart.layer.title}” has no figure for {found.name}{when}: {no_stop(why)}"


_VALUE = "[layer] area [period] [view]"
_AT = "layer=alcohol-admissions area=DA1"


@token("value", _VALUE, "The figure of an area, with its unit", _AT)
def _(ask: Ask) -> Fact:
    f = _figure(ask)
    return f.fact(f.chart.value_text(f.row["value"]), float(f.row["value"]), f.chart.unit)


@token("value.number", _VALUE, "The same without the unit", _AT)
def _(ask: Ask) -> Fact:
    f = _figure(ask)
    return f.fact(wording.number(f.row["value"], f.chart.decimals), float(f.row["value"]), f.chart.unit)


@token("value.unit", _VALUE, "The unit alone", _AT)
def _(ask: Ask) -> Fact:
    f = _figure(ask)
    return f.fact(f.chart.unit)


@token("value.period", _VALUE, "The period of the figure", _AT)
def _(ask: Ask) -> Fact:
    f = _figure(ask)
    if not f.chart.period:
        raise ask.refused(f"“{f.chart.layer.title}” has no period", "leave it out")
    return f.fact(f.chart.period)


@token("value.interval", _VALUE, "Its 95% confidence interval", _AT)
def _(ask: Ask) -> Fact:
    f = _figure(ask)
    text = wording.interval(f.row["lower"], f.row["upper"], f.chart.decimals)
    if not text:
        what = f"“{f.chart.layer.title}” gives no confidence interval for {f.name}"
        raise ask.refused(what, "leave it out")
    return f.fact(text)


@token("value.rank", _VALUE, "Its place among the areas of its level in the region", _AT)
def _(ask: Ask) -> Fact:
    f = _figure(ask)
    return f.fact(rank_text(f.chart, f.i), float(f.chart.rank[f.i]))


# ---- the region in one figure -------------------------------------------------------------------------------------------


def whole_figure(ask: Ask) -> tuple[Layer, str, float, str]:
    layer = ask.layer()
    if layer.descriptor.measure in (Measure.RANK, Measure.DECILE, Measure.CATEGORY):
        what = f"“{layer.title}” is a {wording.MEASURE_WORDS[layer.descriptor.measure].lower()}: the region has none"
        raise ask.refused(what, "use highest, middle or lowest")
    period = ask.period(layer) or layer.period
    value, kind = region_number(ask.published, layer, period, ask.reader)
    if value is None:
        raise ask.refused(f"“{layer.title}” has no figure for the region", "choose another period or layer")
    return layer, period, value, kind


def whole_fact(ask: Ask, words: Callable[[Layer, float, int, str], str], counts: bool = True) -> Fact:
    layer, period, value, kind = whole_figure(ask)
    places = wording.decimals_for(np.array([value]), layer.descriptor.decimals)
    when = f", {period}" if period else ""
    detail = f"{layer.title}{when}. {kind}: {wording.with_unit(value, layer.descriptor.unit, places)}."
    return Fact(
        words(layer, value, places, kind),
        value if counts else None,
        layer.descriptor.unit if counts else "",
        period,
        detail=detail,
        layers=pins(layer),
        link=f"/catalogue/{quote(layer.id)}",
    )


_WHOLE = "layer=alcohol-admissions"


@token("whole", "[layer] [period] [view]", "The region in one figure, with its unit", _WHOLE)
def _(ask: Ask) -> Fact:
    fact = whole_fact(ask, lambda layer, value, places, _: wording.with_unit(value, layer.descriptor.unit, places))
    layer = ask.layer()
    left_out = left_out_of(ask, layer, fact.period)
    if not left_out:
        return fact
    many = f"{left_out:,} areas have no figure" if left_out > 1 else "one area has no figure"
    return replace(fact, text=f"at least {fact.text}", detail=f"{fact.detail} It is not the whole: {many}.")


def left_out_of(ask: Ask, layer: Layer, period: str) -> int:
    """How many areas a total of counts leaves out; 0 for what is not a total."""
    level = next((level for level in layer.levels if (level, period) in layer.parts), None)
    if layer.descriptor.measure != Measure.COUNT or level is None:
        return 0
    values = LayerForViewer.by(ask.reader, layer).values(ask.published, level, period)
    return int((~np.isfinite(values.arrays["value"])).sum())


@token("whole.number", "[layer] [period] [view]", "The same without the unit", _WHOLE)
def _(ask: Ask) -> Fact:
    return whole_fact(ask, lambda _, value, places, __: wording.number(value, places))


@token(
    "whole.kind",
    "[layer] [period] [view]",
    "What that figure is: all areas together, a total, or the middle area",
    _WHOLE,
)
def _(ask: Ask) -> Fact:
    return whole_fact(ask, lambda _, __, ___, kind: kind[:1].lower() + kind[1:], counts=False)


# ---- ends and middle ----------------------------------------------------------------------------------------------------


def _ends(ask: Ask, end: str) -> tuple[Choropleth, np.ndarray, bool]:
    """The map; the places (area order) of its areas with a value from one end; whether the end is that of high values."""
    chart = ask.chart()
    direction = str(chart.layer.descriptor.direction)
    if end in ("worst", "best") and direction == "neutral":
        what = f"“{chart.layer.title}” does not say which end is worse"
        raise ask.refused(what, "use highest or lowest")
    high = end == "highest" or ((end == "worst") == (direction == "high-is-worse") and end not in ("highest", "lowest"))
    value = np.where(chart.in_view, chart.frame["value"].to_numpy("float64"), np.nan)
    order = np.argsort(-value if high else value, kind="stable")
    known = order[np.isfinite(value[order])]
    if not len(known):
        reason = no_stop(chart.reason or "there are no figures for these areas")
        raise ask.refused(f"“{chart.layer.title}” has nothing to show here: {reason}", "choose another layer or level")
    return chart, known, high


def _nth(ask: Ask, end: str) -> tuple[Choropleth, list[int]]:
    """The n-th area from an end; without ``n=`` the first and all that equal it."""
    chart, order, _ = _ends(ask, end)
    n = ask.rank()
    if n > len(order):
        what = f"there are only {wording.count_of(len(order), chart.level)} with a figure, and n is {n:,}"
        raise ask.refused(what, "use a smaller n")
    if ask.given("n"):
        return chart, [int(order[n - 1])]
    value = chart.frame["value"].to_numpy("float64")[order]
    return chart, [int(i) for i in order[: int((value == value[0]).sum())]]


def _end_fact(ask: Ask, end: str, value_too: bool) -> Fact:
    chart, found = _nth(ask, end)
    areas = ask.region.areas[chart.level]
    first = _Figure(chart, found[0], str(areas["name"].iat[found[0]]), str(areas["code"].iat[found[0]]))
    if value_too:
        fact = first.fact(chart.value_text(first.row["value"]), float(first.row["value"]), chart.unit)
    else:
        fact = first.fact(wording.listing([str(areas["name"].iat[i]) for i in found], MOST_EQUALS))
    among = f" Among {wording.count_of(int(np.isfinite(chart.rank).sum()), chart.level)} of {ask.where} with a figure."
    equal = f" {len(found):,} have this same figure." if len(found) > 1 else ""
    return replace(fact, detail=fact.detail + among + equal)


for _end, _words in (
    ("highest", "with the highest figure"),
    ("lowest", "with the lowest figure"),
    ("worst", "at the worse end, where the layer says which that is"),
    ("best", "at the better end"),
):
    _args, _eg = "[layer] [level] [n] [period] [view]", "layer=alcohol-admissions level=lad"
    token(_end, _args, f"Name of the area {_words}; n=2 for the second", _eg)(
        partial(_end_fact, end=_end, value_too=False)
    )
    token(f"{_end}.value", _args, "Its figure, with the unit", _eg)(partial(_end_fact, end=_end, value_too=True))


@token(
    "middle",
    "[layer] [level] [period] [view]",
    "The figure of the middle area: half of the areas have more",
    "layer=alcohol-admissions level=lsoa",
)
def _(ask: Ask) -> Fact:
    chart, order, _ = _ends(ask, "highest")
    value = float(np.median(chart.frame["value"].to_numpy("float64")[order]))
    when = f", {chart.period}" if chart.period else ""
    detail = f"{chart.layer.title}{when}: the middle one of {wording.count_of(len(order), chart.level)} of {ask.where}."
    return Fact(
        chart.value_text(value), value, chart.unit, chart.period, "ok", detail, pins(chart.layer), _map(ask, chart)
    )


def _map(ask: Ask, chart: Choropleth) -> str:
    newest = chart.period == chart.layer.period
    selection = Selection(need=chart.layer.id, level=chart.level, partner=ask.partner)
    return selection.link(period="" if newest else chart.period)


def _counted(ask: Ask) -> tuple[Choropleth, np.ndarray, str]:
    """The map, which areas (bool, area order) lie beyond the limit, and that in words."""
    sides = [name for name in ("above", "below") if ask.given(name)]
    if len(sides) != 1:
        what = "the count needs above= or below=, one of the two"
        raise ask.refused(what, f"write it like {TOKENS['count'].example}")
    chart, order, _ = _ends(ask, "highest")
    limit = ask.number(sides[0], -1e12, 1e12)
    value = np.full(len(chart.frame), np.nan)
    value[order] = chart.frame["value"].to_numpy("float64")[order]
    with np.errstate(invalid="ignore"):
        chosen = value > limit if sides[0] == "above" else value < limit
    hidden = int((chart.in_view & ~np.isfinite(value)).sum())
    said = wording.with_unit(limit, chart.unit, wording.decimals_for(np.array([limit])))
    detail = f"{wording.count_of(len(order), chart.level).capitalize()} of {ask.where} have a figure; counted: {sides[0]} {said}."
    return chart, chosen, detail + (f" {hidden:,} without a figure are not counted." if hidden else "")


_COUNT = "[layer] [level] above|below [period] [view]"
_COUNT_EG = "layer=alcohol-admissions level=ward above=10"


@token("count", _COUNT, "How many areas have a figure above (or below) a limit", _COUNT_EG)
def _(ask: Ask) -> Fact:
    chart, chosen, detail = _counted(ask)
    return counted(
        int(chosen.sum()),
        wording.LEVEL_WORDS[chart.level][1],
        period=chart.period,
        detail=detail,
        layers=pins(chart.layer),
        link=_map(ask, chart),
    )


@token("count.residents", _COUNT, "How many residents those areas have", _COUNT_EG)
def _(ask: Ask) -> Fact:
    chart, chosen, detail = _counted(ask)
    people = float(ask.region.areas[chart.level]["population"].to_numpy("float64")[chosen].sum())
    detail = f"All residents of these areas, not only those the figure is about. {detail}"
    return counted(
        people, "residents", period=chart.period, detail=detail, layers=pins(chart.layer), link=_map(ask, chart)
    )


# ---- change -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _At:
    """A figure of one period. ``lower`` and ``upper`` are NaN where no interval is given."""

    period: str
    value: float
    lower: float
    upper: float
    converted: bool = False


@token(
    "change",
    "[layer] [area] [from] [to] [view]",
    "How a figure changed since the period before, in words that follow a rule; without area= the whole region’s",
    "layer=alcohol-admissions area=DA1",
)
def _(ask: Ask) -> Fact:
    layer = ask.layer()
    history = ask.published.store.history(layer.id, ask.reader)
    of_period = versions_of_periods_before(ask.published, layer, history, ask.reader)
    if not of_period:
        what = f"“{layer.title}” is a {wording.MEASURE_WORDS[layer.descriptor.measure].lower()}, which does not rise or fall"
        raise ask.refused(what, "use value for each period")
    periods = periods_in_order(of_period)
    if len(periods) < 2:
        what = f"“{layer.title}” has one period only, so it cannot be said how it changed"
        raise ask.refused(what, "use value, or wait for the next figures")
    first, last = _between(ask, layer, periods)
    why = break_between(of_period[first], of_period[last])
    if why:
        what = f"the figures of “{layer.title}” for {first} and {last} do not compare: {why}"
        raise ask.refused(what, "use from= and to= with periods that do")
    code = ask.given("area")
    if code:
        level, i = ask.facts.area(code)
        place, link = str(ask.region.areas[level]["name"].iat[i]), f"/areas/{quote(code)}"
        a, b = (_at_area(ask, of_period[period], level, i, period) for period in (first, last))
    else:
        place, link = ask.region.name, f"/catalogue/{quote(layer.id)}"
        if any(left_out_of(ask, of_period[period], period) for period in (first, last)):
            what = f"some areas have no figure of “{layer.title}”, so the totals of {first} and {last} do not compare"
            raise ask.refused(what, "name an area")
        a, b = _of_region(ask, layer, history, first, last)
    places = wording.decimals_for(np.array([a.value, b.value]), layer.descriptor.decimals)
    text, rule = change_words(a, b, layer.descriptor.unit, places)
    detail = f"{layer.title}, {place}. {rule}"
    status = "converted" if a.converted or b.converted else "ok"
    return Fact(text, b.value - a.value, layer.descriptor.unit, last, status, detail, pins(layer), link)


def _between(ask: Ask, layer: Layer, periods: Sequence[str]) -> tuple[str, str]:
    for name in ("from", "to"):
        if ask.given(name) and ask.given(name) not in periods:
            what = f"“{layer.title}” has no figures for {ask.given(name)}"
            raise ask.refused(what, f"use one of {wording.listing(periods, 12)}", "period")
    last = ask.given("to") or periods[-1]
    before = [period for period in periods if periods.index(period) < periods.index(last)]
    if not before:
        what = f"there is no period before {last}"
        raise ask.refused(what, f"use to= with one of {wording.listing(periods[1:], 12)}")
    first = ask.given("from") or before[-1]
    if first not in before:
        raise ask.refused(f"{first} does not come before {last}", "write the earlier period after from=", "period")
    return first, last


def _at_area(ask: Ask, layer: Layer, level: str, i: int, period: str) -> _At:
    values = LayerForViewer.by(ask.reader, layer).values(ask.published, level, period)
    row = values.frame.iloc[i]
    if not np.isfinite(row["value"]):
        status = str(row["status"])
        why = values.reason or wording.STATUS_SENTENCES.get(status, wording.STATUS_SENTENCES["missing"])
        name = ask.region.areas[level]["name"].iat[i]
        what = f"“{layer.title}” has no figure for {name} in {period}: {no_stop(why)}"
        raise ask.refused(what, "choose other periods or another area")
    numbers = (float(row[name]) for name in ("value", "lower", "upper"))
    return _At(period, *numbers, row["status"] == "converted")


def _of_region(ask: Ask, layer: Layer, history, first: str, last: str) -> tuple[_At, _At]:
    line = trend(ask.published, layer, history, ask.reader)
    points = {point.period: point for point in line.points} if line is not None else {}
    if not {first, last} <= set(points):
        what = f"“{layer.title}” has no figure of the whole region for {first} and {last}"
        raise ask.refused(what, "name an area, or other periods")
    nan = float("nan")
    a, b = (_At(each, points[each].value, nan, nan) for each in (first, last))
    return a, b


def change_words(a: _At, b: _At, unit: str, places: int) -> tuple[str, str]:
    """What happened from one figure to the next, and the rule by which that is said."""
    before, after = wording.short_unit(a.value, unit, places), wording.short_unit(b.value, unit, places)
    with_unit = after if unit.startswith("%") else wording.with_unit(b.value, unit, places)
    pair = f"from {before} ({a.period}) to {with_unit} ({b.period})"
    both = f"{before} ({a.period}) and {with_unit} ({b.period})"
    if before == after:
        return f"is unchanged at {with_unit} ({a.period} and {b.period})", "The two figures are the same as shown."
    if np.isfinite([a.lower, a.upper, b.lower, b.upper]).all():
        rule = "Said to change where the 95% intervals of the two figures do not overlap"
        said = (f"{wording.number(each.lower, places)} to {wording.number(each.upper, places)}" for each in (a, b))
        rule = f"{rule}: {' and '.join(said)}."
        little = a.lower <= b.upper and b.lower <= a.upper
        unclear = f"has not clearly changed: {both}"
    else:
        rule = (
            f"There are no intervals; a difference of under {SAME:.0%} of the earlier figure counts as little change."
        )
        little = abs(b.value - a.value) < SAME * abs(a.value)
        unclear = f"has changed little: {both}"
    if little:
        return unclear, rule
    return f"has {'risen' if b.value > a.value else 'fallen'} {pair}", rule
