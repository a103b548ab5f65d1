"""Gaps for the screen, the API and the command line: one calculation, and everything that is said about it.

:func:`gaps_of` (from a Selection) and :func:`gaps_for` (from a request) answer with :class:`Gaps`. What does not change while
a weight slider moves - percentiles, access, what is nearest, which areas touch - is kept by layer and version, so a move costs
only ranks and communities. Every call asks the store for the layers first, as the viewer: what is kept is only ever numbers
of layers that this very call was allowed to read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely

from dashboard.memory import Memory, memory_of
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.banding import MISSING, OUTSIDE, make_bands
from dashboard.views.choropleth import BandRow, band_label
from dashboard.views.measures import Measures, measures_of
from layers import (
    LEVELS,
    Community,
    Fault,
    GapRequest,
    GapResult,
    IndicatorLayer,
    Kind,
    Layer,
    NotFound,
    Refused,
    ServiceLayer,
    Viewer,
    find_adjacency,
    find_gaps,
    need_percentiles,
    to_degrees,
    to_metres,
)

SHOWS = ("need", "access", "gap")
DRAWS = 500
CORNER = 8
"""Bivariate class of highest need with poorest access."""

_PARTS, _ANSWERS = 96, 64
_AREAS = 400_000
"""Bound on the areas of all kept answers: about 250 bytes each. Twelve answers for England, sixty-four for a partnership."""


# ---- what is kept between calls -------------------------------------------------------------------------------------


def kept(published: Published) -> Memory:
    """Whole answers, by everything that they depend on, versions too: what is pinned shares them with what is not."""
    most = min(max(_AREAS // len(published.region.areas["lsoa"]), 12), _ANSWERS)
    return memory_of(published.live, "answers", most)


def _kept_parts(published: Published) -> Memory:
    """Percentiles, access, what is nearest, which areas touch: what many answers share."""
    return memory_of(published.live, "parts", _PARTS)


# ---- the question ---------------------------------------------------------------------------------------------------


def request_of(published: Published, selection: Selection, *, robustness: int = DRAWS) -> GapRequest:
    """The request that a selection stands for: what both know by the same name means the same. Raises Refused for a partner
    that is not in the region."""
    same = {each.name: getattr(selection, each.name) for each in fields(GapRequest) if hasattr(selection, each.name)}
    footprint = footprint_of(published, selection.partner)
    return GapRequest(**same | {"need": selection.needs, "footprint": footprint, "robustness": robustness})


def check_period(published: Published, viewer: Viewer, needs: Sequence[tuple[str, float]], period: str) -> None:
    """Refuse a period that none of the indicators has: a typing mistake must not answer with another year."""
    if not period:
        return
    known = [p for name, _ in needs for p in published.store.layer(name, viewer).periods]
    if period not in known:
        named = wording.listing(list(dict.fromkeys(known)), 12) or "none of these indicators has a period"
        fault = Fault(f"no indicator has the period '{period}'", "period", f"use one of {named}", rule="period")
        raise Refused("There are no figures for this period.", [fault])


def footprint_of(published: Published, partner_id: str) -> tuple[str, ...]:
    """Codes of the authorities that a partner serves, () for "". Raises Refused for an unknown partner."""
    if not partner_id:
        return ()
    partner = published.region.partner(partner_id)
    if partner is None:
        known = ", ".join(p.id for p in published.region.partners)
        fault = Fault(f"there is no partner '{partner_id}'", "partner", f"use one of {known}", rule="partner")
        raise Refused("The partner is not known in this region.", [fault])
    return partner.footprint


def read_layers(
    published: Published, viewer: Viewer, needs: Sequence[str], services: Sequence[str]
) -> tuple[dict[str, Layer], dict[str, Layer]]:
    """The layers of a request as this viewer may see them. Raises NotFound, alike for missing and hidden ones."""
    store = published.store
    return {i: store.layer(i, viewer) for i in needs}, {i: store.layer(i, viewer) for i in services}


# ---- the answer -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Gaps:
    """The answer to one request. Frames of ``result`` are in area order of ``level``, all areas of the region."""

    published: Published
    result: GapResult
    needs: tuple[Layer, ...]
    services: tuple[Layer, ...]
    key: tuple  # what the numbers depend on; the same key, the same numbers
    measures: Measures = field(default_factory=Measures)

    @property
    def request(self) -> GapRequest:
        return self.result.request

    @property
    def level(self) -> str:
        return self.request.level

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Everything that the numbers rest on, each layer once."""
        return tuple({layer.id: layer for layer in (*self.needs, *self.services, *self.measures.layers)}.values())

    @property
    def public(self) -> bool:
        """Whether everybody may see every layer in it; if not, nobody else's cache may keep the answer."""
        return all(layer.descriptor.audience == "public" for layer in self.layers)

    @property
    def in_view(self) -> np.ndarray:
        """bool per area: inside the chosen partner's footprint."""
        return self.result.listed.to_numpy(bool)

    @property
    def summary(self) -> dict[str, Any]:
        return self.result.summary

    @cached_property
    def across(self) -> dict[str, tuple[Facing, ...]]:
        """For each community that has any: the underserved communities of other authorities close to it, nearest first."""
        return kept(self.published).get(("across", self.key), lambda: _across(self))

    @cached_property
    def cards(self) -> tuple[CommunityCard, ...]:
        """The communities in words, those with most residents first."""
        return _cards(self)


def gaps_of(
    published: Published, selection: Selection, viewer: Viewer, *, robustness: int = DRAWS, quick: bool = False
) -> Gaps:
    """Need against access for a selection. ``quick`` leaves out the draws and the comparison with wards: for a moving slider.

    Raises NotFound for a layer that the viewer may not see or that does not exist, and Refused with every reason why the
    rest cannot be worked out. :func:`gaps_or_reasons` turns both into sentences.
    """
    request = request_of(published, selection, robustness=0 if quick else robustness)
    return gaps_for(published, request, viewer, period=selection.period, quick=quick)


@dataclass(frozen=True)
class Sorry:
    """Why there is no answer, for people."""

    title: str
    reasons: tuple[str, ...]


def gaps_or_reasons(
    published: Published, selection: Selection, viewer: Viewer, *, robustness: int = DRAWS, quick: bool = False
) -> Gaps | Sorry:
    """For a screen: the answer, or the reasons in sentences. Never raises for what a person chose."""
    return answer_or_sorry(lambda: gaps_of(published, selection, viewer, robustness=robustness, quick=quick))


def answer_or_sorry(ask: Callable[[], Any]) -> Any:
    """What ``ask()`` answers, or a :class:`Sorry` when it refuses or a layer is not there."""
    try:
        return ask()
    except NotFound as missing:
        return Sorry("A layer of this view is not here (any more).", (str(missing),))
    except Refused as refused:
        return Sorry(refused.title, tuple(_reason(fault) for fault in refused.faults))


def gaps_for(
    published: Published,
    request: GapRequest,
    viewer: Viewer,
    *,
    period: str = "",
    travel: pd.DataFrame | None = None,
    quick: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Gaps:
    """Need against access for a request; raises like :func:`gaps_of`.

    ``period`` is used for every indicator that has it; the others are read at their newest. ``travel`` is a travel-time
    table (origin, destination, minutes) in place of distance, when it is not the stored one that ``request.travel`` names.
    """
    parts, answers = _kept_parts(published), kept(published)
    indicators, services = read_layers(published, viewer, [name for name, _ in request.need], request.services)
    more = measures_of(published, request, viewer)
    own_table = travel is not None  # of the caller: nothing of it is kept
    travel = more.travel if travel is None else travel
    periods = {name: period_for(layer, period) for name, layer in indicators.items()}
    levels = (request.level,) if quick else LEVELS
    read = {name: read_indicator(published, viewer, layer, periods[name], levels) for name, layer in indicators.items()}
    sites = {
        name: read_services(published, viewer, layer) for name, layer in services.items() if layer.kind == Kind.SERVICES
    }
    sites |= {name: _wrong_kind(layer) for name, layer in services.items() if layer.kind != Kind.SERVICES}

    data = tuple((name, layer.version, periods[name]) for name, layer in indicators.items())
    places = tuple((name, layer.version) for name, layer in services.items())
    table_key = ("own table", int(pd.util.hash_pandas_object(travel).sum())) if own_table else more.key
    key = ("gaps", request, data, places, table_key, quick)
    result = None if own_table else answers.find(key)
    if result is None:
        level, detour = request.level, request.detour
        how = (places, level, detour, request.alone, more.key, request.walking_kmh, request.driving_kmh)
        access_key, ward_key = ("model", *how), ("wards", data, *how)
        border_key = ("border", places, level, detour, request.max_m, bool(more.key))
        told = not own_table
        try:
            result = find_gaps(
                request,
                published.region.areas,
                read,
                sites,
                demand=more.demand,
                no_car_share=more.no_car_share,
                travel=travel,
                wards=parts.find(ward_key) if told and not quick else None,
                compare_wards=not quick,
                model=parts.find(access_key) if told else None,
                border=parts.find(border_key) if told else None,
                percentiles=_percentiles(parts, data, level),
                adjacency=adjacency_of(published, level) if level in LEVELS else None,
                progress=progress,
            )
        except Refused as refused:
            raise _with_reasons(refused, request, indicators) from None
        for part in data:
            parts.keep(("percentile", part, level), result.need.percentiles[part[0]])
        if told:
            parts.keep(access_key, result.model)
            parts.keep(border_key, result.border)
            if result.wards is not None:
                parts.keep(ward_key, result.wards)
            answers.keep(key, result)
    return Gaps(published, result, tuple(indicators.values()), tuple(services.values()), key, more)


def period_for(layer: Layer, period: str) -> str:
    """The period at which an indicator is read: the one asked for where it has it, else its newest."""
    return period if period in layer.periods else layer.period


def adjacency_of(published: Published, level: str):
    """Which areas of a level touch (sparse, bool); found once."""
    return _kept_parts(published).get(
        ("adjacency", level), lambda: find_adjacency(published.region.areas[level]["geometry"])
    )


def read_indicator(published: Published, viewer: Viewer, layer: Layer, period: str, levels) -> IndicatorLayer:
    """An indicator with its values at those of the levels that have any for this period; a list of services has none.

    A level at which every figure is withheld (to protect those of another level) is as good as none.
    """
    if layer.kind != Kind.INDICATOR:
        return IndicatorLayer(layer.descriptor, {}, "", layer.version)
    store = published.store
    values = {
        level: store.values(layer.id, level, viewer, period=period, version=layer.version).frame
        for level in levels
        if (level, period) in layer.parts
    }
    values = {level: frame for level, frame in values.items() if frame["value"].notna().any()}
    return IndicatorLayer(layer.descriptor, values, period, layer.version)


def read_services(published: Published, viewer: Viewer, layer: Layer) -> ServiceLayer:
    return ServiceLayer(
        layer.descriptor, published.store.services(layer.id, viewer, version=layer.version), layer.version
    )


def _wrong_kind(layer: Layer) -> ServiceLayer:
    """The engine says that it is not a list of services, together with everything else that is wrong."""
    return ServiceLayer(layer.descriptor, pd.DataFrame({"easting": [], "northing": []}), layer.version)


def percentiles_of(published: Published, data: Sequence[tuple], level: str, indicators) -> pd.DataFrame:
    """Percentiles of some indicators (id, version, period), kept for whatever set they are part of next.

    Raises Refused, like the engine, for what cannot be need; then nothing is kept.
    """
    parts = _kept_parts(published)
    found = _percentiles(parts, data, level)
    if found is None:
        found = need_percentiles(indicators)
        for part in data:
            parts.keep(("percentile", part, level), found[part[0]])
    return found


def _percentiles(parts: Memory, data: Sequence[tuple], level: str) -> pd.DataFrame | None:
    found = {part[0]: parts.find(("percentile", part, level)) for part in data}
    if not found or any(series is None for series in found.values()):
        return None
    return pd.DataFrame(found)


def _with_reasons(refused: Refused, request: GapRequest, indicators: dict[str, Layer]) -> Refused:
    """Where a level has no values, the layer knows why; put that in place of the engine's general advice."""
    why = {
        f"'{layer.title or name}' has no values by {request.level}": layer.reasons.get(request.level, "")
        for name, layer in indicators.items()
    }
    faults = [
        replace(fault, todo=why[fault.what]) if fault.rule == "need-level" and why.get(fault.what) else fault
        for fault in refused.faults
    ]
    return Refused(refused.title, faults)


def _reason(fault: Fault) -> str:
    text = fault.what[:1].upper() + fault.what[1:]
    text = text if text.endswith(".") else text + "."
    if not fault.todo:
        return text
    todo = fault.todo[:1].upper() + fault.todo[1:]
    return f"{text} {todo}" if todo.endswith(".") else f"{text} {todo}."


# ---- the map --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Painted:
    """What the painter and the legend need. ``classes`` is uint8 in area order; special codes are those of banding."""

    show: str
    classes: np.ndarray
    colours: int  # how many classes the palette must have: the bands, or 9
    rows: tuple[BandRow, ...]
    title: str  # of the legend: "Need, 0 to 100"
    basis: str  # what the bands are cut over, in words
    cells: tuple[tuple[BandRow, ...], ...] = ()  # of the 3x3 legend: [need third][access third], worst last


def painted(gaps: Gaps, show: str, *, scheme: str = "quantiles", classes: int = 5) -> Painted:
    """The classes of every area and the legend for ``show``: "need", "access" or "gap"."""
    if show == "gap":
        return _painted_gap(gaps)
    if show not in SHOWS:
        fault = Fault(f"there is nothing called '{show}' to show", "show", f"use one of {', '.join(SHOWS)}")
        raise Refused("The map cannot be drawn.", [fault])
    table = gaps.result.areas
    column = "need" if show == "need" else "access"
    value = table[column].to_numpy("float64")
    cut = make_bands(value, scheme, classes)
    code = cut.classify(value)
    code[~gaps.in_view] = OUTSIDE
    people = table["population"].to_numpy("float64")
    label = (lambda low, high, first: band_label(low, high, 0, first=first)) if show == "need" else _access_label(gaps)
    rows = [
        _row(f"Band {i + 1} of {len(cut)}", label(low, high, i == 0), code == i, people, i)
        for i, (low, high) in enumerate(zip(cut.lower, cut.upper, strict=True))
    ]
    if (code == MISSING).any():
        rows.append(_row("No figure", _unknown_label(gaps, show), code == MISSING, people, MISSING))
    code.setflags(write=False)
    title = f"Need, 0 to 100: {need_name(gaps)}" if show == "need" else access_title(gaps)
    return Painted(show, code, len(cut), tuple(rows), title, f"bands within {gaps.published.region.name}")


def classes(gaps: Gaps, show: str, **settings) -> np.ndarray:
    """uint8 classes for the painter; see :func:`painted`."""
    return painted(gaps, show, **settings).classes


def _painted_gap(gaps: Gaps) -> Painted:
    table, grid = gaps.result.areas, gaps.result.bivariate
    code = table["class"].to_numpy("int64")
    code = np.where(code < 0, MISSING, code).astype("uint8")
    code[~gaps.in_view] = OUTSIDE
    people = table["population"].to_numpy("float64")
    needs, text = _third_labels(grid.need_cuts, wording.number, True), access_formatter(gaps)
    if gaps.result.access.metric == "coverage":
        access = _count_labels(grid.access_cuts, text)
    else:
        access = _third_labels(grid.access_cuts, text, gaps.result.access.high_is_worse)
    cells = tuple(
        tuple(
            _row(
                f"{NEED_THIRDS[n]}, {ACCESS_THIRDS[a]}",
                f"need {needs[n]}; {access_noun(gaps, access[a])}",
                code == 3 * n + a,
                people,
                3 * n + a,
            )
            for a in range(3)
        )
        for n in range(3)
    )
    rows = [cells[n][a] for n in (2, 1, 0) for a in (2, 1, 0)]
    if (code == MISSING).any():
        rows.append(_row("No figure", _unknown_label(gaps, "gap"), code == MISSING, people, MISSING))
    code.setflags(write=False)
    basis = f"thirds of need and of access within {gaps.published.region.name}"
    return Painted("gap", code, 9, tuple(rows), "Need against access", basis, cells)


NEED_THIRDS = ("Low need", "Middling need", "High need")
ACCESS_THIRDS = ("good access", "middling access", "poor access")


def _third_labels(cuts: Sequence[float], say: Callable[[float], str], high_is_worse: bool) -> tuple[str, str, str]:
    """Thirds from best to worst in words: values at a cut belong to the worse third. "none" for a third without any value."""
    middle, worst = cuts
    if high_is_worse:
        between = f"{say(middle)} to under {say(worst)}" if middle != worst else "none"
        return f"under {say(middle)}", between, f"{say(worst)} or more"
    between = (
        "none" if middle == worst else f"over {say(worst)} to {say(middle)}" if worst > 0 else f"up to {say(middle)}"
    )
    return f"over {say(middle)}", between, f"{say(worst)} or less" if worst > 0 else say(0.0)


def _count_labels(cuts: Sequence[float], say: Callable[[float], str]) -> tuple[str, str, str]:
    """Thirds of a number of services, which are whole: "2 services or more", "1 service", "no service"."""
    middle, worst = int(cuts[0]), int(cuts[1])
    between = "none" if middle == worst else say(middle) if middle == worst + 1 else f"{worst + 1:,} to {say(middle)}"
    return f"{say(middle + 1)} or more", between, say(0) if worst <= 0 else f"{say(worst)} or fewer"


def _row(name: str, label: str, chosen: np.ndarray, people: np.ndarray, code: int) -> BandRow:
    return BandRow(name, label, int(chosen.sum()), float(people[chosen].sum()), code)


def _unknown_label(gaps: Gaps, show: str) -> str:
    if show == "access":
        return "no service to measure to"
    return "need is not known" if show == "need" else "need or access is not known"


@dataclass(frozen=True)
class Emphasis:
    """What stands out on the map: outlines and names. ``near`` are the near-misses."""

    indices: tuple[int, ...]
    near: tuple[int, ...]
    labels: tuple[tuple[str, float, float, int], ...]  # name, longitude, latitude, rank (1 has most residents)


LONG_NAME = 28
"""A community's name on the map; beyond that only its first half is written."""


def short_name(name: str, most: int = LONG_NAME) -> str:
    """A community's name for the map: a long pair of wards loses its second half, a long ward its last words."""
    if len(name) <= most:
        return name
    first = name.split(" and ")[0]
    if len(first) <= most:
        return f"{first} …"
    return f"{first[: most - 1].rsplit(' ', 1)[0].rstrip(', &')} …"


def emphasis(gaps: Gaps, most: int = 12) -> Emphasis:
    """Underserved areas in view, and short names for the largest ``most`` communities."""
    table = gaps.result.areas
    chosen = np.flatnonzero(table["underserved"].to_numpy(bool) & gaps.in_view)
    near = np.flatnonzero(table["near_miss"].to_numpy(bool) & gaps.in_view)
    labels = tuple((short_name(card.name), card.longitude, card.latitude, card.rank) for card in gaps.cards[:most])
    return Emphasis(tuple(chosen.tolist()), tuple(near.tolist()), labels)


# ---- words ----------------------------------------------------------------------------------------------------------


def rule_sentence(gaps: Gaps) -> str:
    """What "underserved" means in this view, with its thresholds."""
    request = gaps.request
    threshold = request.need_threshold
    fifth = "in the worst fifth of the region" if threshold == 80 else "high in the region"
    return f"Underserved here means: need {fifth} ({threshold:g} or more of 100) and {_poor_words(gaps)}" + (
        ", counting only services in the area's own authority." if request.alone else "."
    )


def _poor_words(gaps: Gaps) -> str:
    access, nearest = gaps.result.access, nearest_words(gaps.services)
    how = how_words(gaps)
    if not len(gaps.result.model.sites):
        return f"poor access, which is everywhere: there is no {one_of(gaps.services)} at all"
    text = access_formatter(gaps)
    if access.limit is None:
        cut = f" ({text(access.cut)} or more{how})" if access.cut is not None else ""
        return f"a place among the fifth of areas farthest from the {nearest}{cut}"
    limit = cost_words(access.limit, gaps.result.model.unit)
    if access.metric == "nearest":
        return f"the {nearest} more than {limit} away{how}"
    if access.metric == "coverage":
        return f"no {one_of(gaps.services)} within {limit}{how}"
    if access.cut is None or not access.cut > 0:
        who = f" for people in “{gaps.measures.group.title}”" if gaps.measures.group else ""
        return f"no capacity{who} within {limit}{how}, which is the lowest fifth of the region"
    who = f"people in “{gaps.measures.group.title}”" if gaps.measures.group else "its people"
    return f"capacity for {who} in the lowest fifth of the region ({text(access.cut)} or less within {limit}{how})"


def how_words(gaps: Gaps) -> str:
    """How distance is measured, to follow a distance: " in a straight line"."""
    request, model = gaps.request, gaps.result.model
    if model.travel is not None:
        return f" by “{gaps.measures.table.title}”" if gaps.measures.table else " by the travel times supplied"
    if model.unit == "min":
        return (
            f" (driven at {request.driving_kmh:g} km/h where households have a car, walked at "
            f"{request.walking_kmh:g} km/h where not)"
        )
    return (
        " in a straight line" if request.detour == 1 else f" (a straight line times {request.detour:g} for real roads)"
    )


def summary_sentence(gaps: Gaps) -> str:
    """What was found: areas, residents, communities, how many are shared, how sure. One paragraph."""
    s, level = gaps.summary, gaps.level
    where = f" in {gaps.published.region.partner(gaps.request.partner).name}" if gaps.request.partner else ""
    if not s["underserved_areas"]:
        if s["areas_without_need"] == s["areas"]:
            return "Need is not known for any of these areas, so no gap can be named."
        many = wording.count_of(s["poor_access_areas"], level)
        return (
            f"No {wording.LEVEL_WORDS[level][0]}{where} is underserved by this rule. {s['high_need_areas']:,} have high need "
            f"and {many} poor access, but none has both."
        )
    one = s["underserved_areas"] == 1
    parts = [
        f"{wording.count_of(s['underserved_areas'], level)}{where} with {s['underserved_residents']:,.0f} residents "
        f"{'is' if one else 'are'} underserved."
    ]
    named = f"{s['communities']:,} {'community' if s['communities'] == 1 else 'communities'}"
    shared = s["shared_communities"]
    joined = f"{'It is one community' if one else f'They form {named}'}"
    parts.append(joined + (f", {_of_them(shared, s['communities'])} shared between authorities." if shared else "."))
    if gaps.cards:
        first = gaps.cards[0]
        parts.append(f"The largest is {first.name}, with {first.residents:,.0f} residents.")
    if "stability" in s:
        sure = s["stability"]["firm"] + s["stability"]["likely"]
        parts.append(
            f"{sure:,} of the {s['underserved_areas']:,} areas are firm or likely gaps when the choices behind the numbers vary."
        )
    if s.get("near_misses"):
        parts.append(f"{s['near_misses']:,} more come close.")
    return " ".join(parts)


def _of_them(n: int, total: int) -> str:
    if n == total:
        return "all of them" if total > 1 else "and it is"
    return f"{n:,} of them"


def vanishing_sentence(gaps: Gaps) -> str:
    """Which gaps a ward map would hide; "" where that was not worked out."""
    lost = gaps.summary.get("vanish_at_ward")
    if lost is None:
        return ""
    if not gaps.summary["underserved_areas"]:
        return ""
    if not lost["areas"]:
        return "Every one of these gaps also shows on a map of wards."
    one = lost["areas"] == 1
    return (
        f"{lost['areas']:,} of these small areas, with {lost['residents']:,.0f} residents, {'vanishes' if one else 'vanish'} on "
        f"a map of wards: {'its' if one else 'their'} ward as a whole is not underserved."
    )


def need_name(gaps: Gaps) -> str:
    """The need set in words: "Early death", "Early death (twice the weight) and Loneliness"."""
    weights = [weight for _, weight in gaps.request.need]
    if len(set(weights)) <= 1:
        return wording.listing([layer.title for layer in gaps.needs])
    total = sum(weights)
    named = [
        f"{layer.title} ({100 * weight / total:.0f}%)"
        for layer, weight in zip(gaps.needs, weights, strict=True)
        if weight > 0
    ]
    return wording.listing(named)


def access_title(gaps: Gaps) -> str:
    """Heading of an access legend: "Distance to the nearest drug and alcohol service, km in a straight line"."""
    access, how = gaps.result.access, how_words(gaps)
    if access.metric == "nearest":
        what = "Minutes" if gaps.result.model.unit == "min" else "Distance"
        return f"{what} to the {nearest_words(gaps.services)}{how}"
    limit = cost_words(access.limit, gaps.result.model.unit)
    if access.metric == "coverage":
        return f"Services within {limit}{how}"
    who = f" in “{gaps.measures.group.title}”" if gaps.measures.group else ""
    return f"Capacity per 1,000 people{who} within {limit}{how}"


def access_noun(gaps: Gaps, label: str) -> str:
    """An access label that says what it is: "nearest 6.2 km or more", "no capacity"."""
    metric = gaps.result.access.metric
    if metric == "nearest":
        return f"nearest {label}"
    if metric == "coverage":
        return label
    return "no capacity" if label == "none" else f"capacity {label}"


def access_formatter(gaps: Gaps) -> Callable[[float | None], str]:
    """Access in words with its unit: "6.2 km", "3 services", "0.42 per 1,000 people"."""
    access = gaps.result.access
    if access.metric == "nearest":
        return lambda value: _known(value, lambda v: cost_words(v, gaps.result.model.unit))
    if access.metric == "coverage":
        return lambda value: _known(value, _services_words)
    values = access.values.to_numpy("float64")
    decimals = max(wording.decimals_for(values[values > 0]), 2)
    return lambda value: _known(value, lambda v: f"{wording.number(v, decimals)} per 1,000 people" if v > 0 else "none")


def _services_words(count: float) -> str:
    return "no service" if round(count) == 0 else f"{count:,.0f} service{'' if round(count) == 1 else 's'}"


def _known(value: float | None, say: Callable[[float], str]) -> str:
    return "–" if value is None or not np.isfinite(value) else say(float(value))


def _access_label(gaps: Gaps) -> Callable[[float, float, bool], str]:
    text, metric = access_formatter(gaps), gaps.result.access.metric

    def label(low: float, high: float, first: bool) -> str:
        if metric == "coverage":
            least = int(low) if first else int(low) + 1
            return text(high) if least == int(high) else f"{least:,} to {text(high)}"
        if text(low) == text(high):
            return text(high)
        begins = text(low).removesuffix(" per 1,000 people")
        if begins == "none":
            return f"up to {text(high)}"
        return f"{begins} to {text(high)}" if first else f"over {begins} to {text(high)}"

    return label


def cost_words(cost: float | None, unit: str) -> str:
    """Metres or minutes for people: "850 m", "5 km", "6.2 km", "24 minutes"."""
    if cost is None or not np.isfinite(cost):
        return "–"
    if unit == "min":
        said = f"{cost:.1f}".removesuffix(".0") if cost < 30 else f"{cost:.0f}"
        return f"{said} minute{'' if said == '1' else 's'}"
    return wording.distance(cost).replace(".0 km", " km")


def nearest_words(services: Sequence[Layer]) -> str:
    """ "nearest drug and alcohol service", "nearest of the food banks and community pantries"."""
    if len(services) != 1:
        return f"nearest of {wording.listing([f'“{layer.title}”' for layer in services])}" if services else "nearest"
    words = _lower(services[0].title).split(" ")
    plural = [_plural(word) for word in words]
    if not plural[-1]:
        return f"nearest site of “{services[0].title}”"
    if any(plural[:-1]) and "and" in words:
        return f"nearest of the {' '.join(words)}"
    return f"nearest {' '.join([*words[:-1], _singular(words[-1])])}"


def one_of(services: Sequence[Layer]) -> str:
    """ "drug and alcohol service"; "service of these lists" for several."""
    if len(services) != 1:
        return "service of these lists"
    words = _lower(services[0].title).split(" ")
    plural = [_plural(word) for word in words]
    if plural[-1] and not (any(plural[:-1]) and "and" in words):
        return " ".join([*words[:-1], _singular(words[-1])])
    return f"site of “{services[0].title}”"


def a_site(services: Sequence[Layer]) -> str:
    """ "an alcohol and drug service", "a pharmacy"."""
    thing = one_of(services)
    return f"{'an' if thing[:1].lower() in 'aeio' else 'a'} {thing}"


def _lower(title: str) -> str:
    """A title within a sentence: "GP practices" stays as it is."""
    head = title.split(" ")[0]
    return title if head[1:] != head[1:].lower() else title[:1].lower() + title[1:]


def _plural(word: str) -> bool:
    return len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))


def _singular(word: str) -> str:
    return f"{word[:-3]}y" if word.endswith("ies") else word[:-1]


# ---- communities ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShareWords:
    lad_code: str
    name: str
    areas: int
    residents: float
    share: float  # 0-1
    words: str  # "62% of residents in Gateshead"


@dataclass(frozen=True)
class CommunityCard:
    """An underserved community, ready to be read out."""

    id: str
    rank: int
    name: str
    authorities: tuple[ShareWords, ...]
    authorities_words: str  # "all in Gateshead"; "62% in Gateshead and 38% in County Durham"
    residents: float
    areas: int
    need: float | None
    need_words: str  # "need 91 of 100"
    access: float | None
    access_words: str  # "6.2 km to the nearest on average"
    stability: float | None
    stability_word: str  # firm, likely, borderline, weak; "" without draws
    stability_words: str  # "Firm: underserved in 94% of 500 draws."
    drivers: str
    border: str
    shared: bool
    indices: tuple[int, ...]  # in area order
    codes: tuple[str, ...]
    longitude: float
    latitude: float


ACROSS_M = 2_000.0
"""Two underserved communities of different authorities this close may share a site, though no area of one touches the other."""


@dataclass(frozen=True)
class Facing:
    """An underserved community on the other side of a border. ``metres`` between the outlines of the two nearest areas."""

    id: str
    name: str
    authorities: str
    metres: float
    words: str  # "1.2 km from Washington North (Sunderland)"


def _across(gaps: Gaps) -> dict[str, tuple[Facing, ...]]:
    """Pairs of underserved areas of different authorities and communities within :data:`ACROSS_M`, by community."""
    table = gaps.result.areas
    member = table["community"].to_numpy(object)
    chosen = np.flatnonzero(table["underserved"].to_numpy(bool) & (member != ""))
    if len(chosen) < 2:
        return {}
    outlines = gaps.published.region.areas[gaps.level].geometry.to_numpy()[chosen]
    metres = shapely.transform(outlines, lambda xy: np.column_stack(to_metres(*xy.T)))
    lad, group = table["lad_code"].to_numpy(object)[chosen], member[chosen]
    i, j = shapely.STRtree(metres).query(metres, predicate="dwithin", distance=ACROSS_M)
    keep = (lad[i] != lad[j]) & (group[i] != group[j])
    i, j = i[keep], j[keep]
    nearest: dict[tuple[str, str], float] = {}
    for a, b, far in zip(group[i], group[j], shapely.distance(metres[i], metres[j]), strict=True):
        nearest[a, b] = min(nearest.get((a, b), np.inf), float(far))
    cards = {card.id: card for card in gaps.cards}
    out: dict[str, list[Facing]] = {}
    for (own, other), far in sorted(nearest.items(), key=lambda item: (item[1], item[0])):
        if own in cards and other in cards:
            card = cards[other]
            where = wording.listing([share.name for share in card.authorities])
            words = f"{cost_words(far, 'm')} from {card.name} ({where})"
            out.setdefault(own, []).append(Facing(other, card.name, where, far, words))
    return {name: tuple(found) for name, found in out.items()}


def across_sentence(gaps: Gaps, community: str) -> str:
    """ "Close to an underserved community in another authority: 1.2 km from Washington North (Sunderland)."; "" for none."""
    found = gaps.across.get(community, ())
    if not found:
        return ""
    many = "an underserved community" if len(found) == 1 else "underserved communities"
    return f"Close to {many} in another authority: {wording.listing([each.words for each in found], 3)}."


def _cards(gaps: Gaps) -> tuple[CommunityCard, ...]:
    found = gaps.result.communities
    longitude, latitude = to_degrees([c.centre[0] for c in found], [c.centre[1] for c in found])
    text = access_formatter(gaps)
    return tuple(
        _card(gaps, community, rank, text, float(longitude[rank - 1]), float(latitude[rank - 1]))
        for rank, community in enumerate(found, 1)
    )


def _card(gaps: Gaps, c: Community, rank: int, text, longitude: float, latitude: float) -> CommunityCard:
    shares = tuple(
        ShareWords(
            s.lad_code, s.lad_name, s.areas, s.population, s.share, f"{percent(s.share)} of residents in {s.lad_name}"
        )
        for s in c.shares
    )
    spread = [f"{percent(s.share)} in {s.name}" for s in shares]
    where = f"all in {shares[0].name}" if len(shares) == 1 else wording.listing(spread)
    return CommunityCard(
        c.id,
        rank,
        c.name,
        shares,
        where,
        c.population,
        len(c.areas),
        c.need,
        f"need {wording.number(c.need)} of 100" if c.need is not None else "need not known",
        c.access,
        _access_words(gaps, c.access, text),
        c.stability,
        c.words,
        stability_words(gaps, c.stability, c.words),
        drivers_sentence(c.drivers),
        border_sentence(gaps, c),
        c.shared,
        c.positions,
        c.areas,
        longitude,
        latitude,
    )


def _access_words(gaps: Gaps, value: float | None, text) -> str:
    if value is None:
        return "no service to measure to"
    metric = gaps.result.access.metric
    if metric == "nearest":
        return f"{text(value)} to the nearest on average"
    limit = cost_words(gaps.result.access.limit, gaps.result.model.unit)
    if metric == "coverage":
        return f"{wording.number(value, 0 if value == round(value) else 1)} services within {limit}"
    return f"{text(value)} within {limit}"


def stability_words(gaps: Gaps, share: float | None, word: str) -> str:
    """ "Firm: underserved in 94% of 500 draws."; "" without draws."""
    if share is None or gaps.result.stability is None:
        return ""
    return f"{word.capitalize()}: underserved in {sure_percent(share)} of {gaps.result.stability.draws:,} draws."


def sure_percent(share: float) -> str:
    """Rounded down, so that 59.9% is never called 60% and "borderline" in one breath."""
    return f"{int(100 * share + 1e-9)}%"


def drivers_sentence(drivers: Sequence[dict]) -> str:
    """What drives a community's need, largest first."""
    known = [d for d in drivers if d.get("percentile") is not None]
    if not known:
        return ""
    said = [f"{d['title']} (worse than in {_within(d['percentile'])}% of areas)" for d in known[:3]]
    if len(drivers) == 1:
        return f"Need is measured by {said[0]}."
    return f"Need comes most from {wording.listing(said)}."


def border_sentence(gaps: Gaps, c: Community) -> str:
    """What the border costs this community."""
    if not len(gaps.result.model.sites):
        return "There is no such service anywhere."
    elsewhere = c.residents_nearer_elsewhere or 0.0
    if elsewhere <= 0:
        return "Everybody here is nearest to a service in their own authority."
    crossing = (
        "For all of its residents" if elsewhere >= c.population else f"For {elsewhere:,.0f} of its residents"
    ) + " the nearest service stands in another authority."
    if c.border_penalty_m is None:
        return f"{crossing} Its own authority has none."
    return f"{crossing} Keeping to their own would add {cost_words(c.border_penalty_m, 'm')} to the mean distance of the community."


def percent(share: float) -> str:
    """Never 0% for some, never 100% for not quite all."""
    percent = 100 * share
    if 0 < percent < 1:
        return "under 1%"
    if 99 < percent < 100:
        return "over 99%"
    return f"{percent:.0f}%"


def _within(percentile: float) -> str:
    return f"{min(max(round(percentile), 1), 99)}"


# ---- areas ----------------------------------------------------------------------------------------------------------


def gap_rows(gaps: Gaps, which: str = "underserved") -> pd.DataFrame:
    """Areas in view as a table for people, worst need first; its index is the place in area order.

    ``which``: "underserved", "near" (near-misses), "vanish" (hidden by a ward map) or "all". Columns: ``code, name, ward,
    lad_code, authority, residents, need, access, access_words, underserved, near_miss, stability, stability_word,
    community, community_name, nearest_service, nearest_authority, alone_m, together_m, border_penalty_m``.
    """
    table, region = gaps.result.areas, gaps.published.region
    chosen = gaps.in_view
    if which == "underserved":
        chosen = chosen & table["underserved"].to_numpy(bool)
    elif which == "near":
        chosen = chosen & table["near_miss"].to_numpy(bool)
    elif which == "vanish":
        lost = gaps.result.vanishing
        chosen = chosen & (lost.gone.to_numpy(bool) if lost is not None else False)
    part = table[chosen]
    lads = region.areas["lad"].set_index("code")["name"]
    wards = region.areas["ward"].set_index("code")["name"]
    names = {card.id: card.name for card in gaps.cards}
    text = access_formatter(gaps)
    rows = pd.DataFrame(
        {
            "code": part["code"],
            "name": part["name"],
            "ward": region.areas[gaps.level]["ward_code"].map(wards).fillna("")[chosen],
            "lad_code": part["lad_code"],
            "authority": part["lad_code"].map(lads).fillna(""),
            "residents": part["population"],
            "need": part["need"],
            "access": part["access"],
            "access_words": [text(value) for value in part["access"]],
            "underserved": part["underserved"],
            "near_miss": part["near_miss"],
            "stability": part["stability"],
            "stability_word": part["stability_words"],
            "community": part["community"],
            "community_name": part["community"].map(names).fillna(""),
            "nearest_service": part["nearest_service"],
            "nearest_authority": part["nearest_lad"].map(lads).fillna("outside the region"),
            "alone_m": part["alone_m"],
            "together_m": part["together_m"],
            "border_penalty_m": part["border_penalty_m"],
        }
    )
    return rows.iloc[np.argsort(-rows["need"].fillna(-1).to_numpy(), kind="stable")]


def _halves(gaps: Gaps, row: pd.Series) -> str:
    """The rule applied to one area: "Need is high (91 of 100; 80 or more counts), and access is poor: ..."."""
    least, need = gaps.request.need_threshold, row["need"]
    access = "access is poor" if row["poor"] else "access is not poor"
    rule = _poor_words(gaps)
    if not np.isfinite(need):
        return f"Its need is not known, so it is not called underserved; {access} (poor means: {rule})."
    high = need >= least
    joined = "and" if high == bool(row["poor"]) else "but"
    size = "high" if high else "not high enough"
    return f"Its need is {size} ({wording.number(need)} of 100; {least:g} or more counts), {joined} {access} (poor means: {rule})."


@dataclass(frozen=True)
class AreaReading:
    """One area of the gap view, explained. ``contributions``: title, points, percentile, weight, value, unit; largest first."""

    code: str
    name: str
    authority: str
    residents: float
    verdict: str  # "Underserved", "Close to underserved" or "Not underserved by this rule"
    reason: str  # which half of the rule is met, and which is not
    need: float | None
    need_sentence: str
    access_sentence: str
    border_sentence: str
    stability_sentence: str
    contributions: tuple[dict, ...]
    community: str


def area_reading(gaps: Gaps, index: int) -> AreaReading:
    """Why an area is, or is not, underserved; ``index`` is its place in area order."""
    row = gaps.result.areas.iloc[index]
    why = gaps.result.need.explain(gaps.result.areas.index[index])
    lads = gaps.published.region.areas["lad"].set_index("code")["name"]
    verdict = "Underserved" if row["underserved"] else "Close to underserved" if row["near_miss"] else None
    text = access_formatter(gaps)(row["access"])
    name = str(row["nearest_service"])
    where = lads.get(row["nearest_lad"], "outside the region")
    access = "There is no such service to measure to."
    if np.isfinite(row["together_m"]):
        access = f"The nearest service is {name or 'one'} ({where}), {cost_words(row['together_m'], 'm')} away."
        if gaps.result.access.metric != "nearest" or gaps.result.model.unit == "min":
            access += f" {access_title(gaps)}: {text}."
    border = str(row["reason"])
    if row["nearer_elsewhere"] and np.isfinite(row["alone_m"]):
        border = (
            f"The nearest in its own authority is {cost_words(row['alone_m'], 'm')} away, "
            f"{cost_words(row['border_penalty_m'], 'm')} farther."
        )
    share, sure = row["stability"], ""
    if gaps.result.stability is not None:
        draws = gaps.result.stability.draws
        sure = f"Underserved in {sure_percent(float(share))} of {draws:,} draws."
        sure = f"{str(row['stability_words']).capitalize()}. {sure}" if row["stability_words"] else sure
    return AreaReading(
        str(row["code"]),
        str(row["name"]),
        str(lads.get(row["lad_code"], "")),
        float(row["population"]),
        verdict or "Not underserved by this rule",
        _halves(gaps, row),
        why["need"],
        why["sentence"],
        access,
        border,
        sure,
        tuple(why["drivers"]),
        str(row["community"]),
    )
