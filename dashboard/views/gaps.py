"""Gaps for the screen, the API and the command line: one calculation, and everything that is said about it.

:func:`gaps_of` (from a Selection) and :func:`gaps_for` (from a request) answer with :class:`Gaps`. What does not change while
a weight slider moves - percentiles, access, what is nearest, which areas touch - is kept by layer and version, so a move costs
only ranks and communities. Every call asks the store for the layers first, as the viewer: what is kept is only ever numbers
of layers that this very call was allowed to read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import pandas as pd

from dashboard.jobs import Busy, Job, Waiting, why_busy
from dashboard.memory import Memory, memory_of
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import draws, wording
from dashboard.views.gap_answer import GapAnswer
from dashboard.views.gap_communities import CommunityCard, NearAcrossBorder, across_of, cards_of
from dashboard.views.measures import measures_of
from dashboard.views.measuring import Access, is_measuring
from dashboard.views.reach import check_reach
from layers import (
    LEVELS,
    Fault,
    GapRequest,
    GapResult,
    IndicatorLayer,
    Kind,
    Layer,
    NotFound,
    Refused,
    ServiceLayer,
    Stability,
    TooManyWays,
    Viewer,
    find_adjacency,
    find_gaps,
    need_percentiles,
    ways_at_most,
)

DRAWS = 500
ONE_MOMENT = "One moment, please"
SHOWS = "The answer shows when it is there; if it does not, load the page again."
TOO_DEAR = "So many services at once would make others wait too long. Choose fewer of them."
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
class Gaps(GapAnswer):
    """The answer to one request, with its communities in words."""

    waiting: Job | None = None  # what works out how sure it is, where that is not known yet
    crowded: str = ""  # why nothing does

    @cached_property
    def cards(self) -> tuple[CommunityCard, ...]:
        """The communities in words, those with most residents first."""
        return cards_of(self)

    @cached_property
    def across(self) -> dict[str, tuple[NearAcrossBorder, ...]]:
        """For each community that has any: the underserved communities of other authorities close to it, nearest first."""
        return kept(self.published).get(("across", self.key), lambda: across_of(self, self.cards))


def across_sentence(gaps: Gaps, community: str) -> str:
    """ "Close to an underserved community in another authority: 1.2 km from Washington North (Sunderland)."; "" for none."""
    found = gaps.across.get(community, ())
    if not found:
        return ""
    many = "an underserved community" if len(found) == 1 else "underserved communities"
    return f"Close to {many} in another authority: {wording.listing([each.words for each in found], 3)}."


def gaps_of(
    published: Published,
    selection: Selection,
    viewer: Viewer,
    *,
    robustness: int = DRAWS,
    quick: bool = False,
    may_wait: bool = False,
) -> Gaps:
    """Need against access for a selection. ``quick`` leaves out the draws and the comparison with wards: for a moving slider.

    Raises NotFound for a layer that the viewer may not see or that does not exist, and Refused with every reason why the
    rest cannot be worked out. :func:`gaps_or_reasons` turns both into sentences. Where so many draws take too long, it has fewer.
    """
    request = request_of(published, selection, robustness=0 if quick else robustness)
    more = {"period": selection.period, "may_wait": may_wait}
    try:
        return gaps_for(published, request, viewer, quick=quick, **more)
    except draws.TooDear as dear:  # nobody chose so many
        found = gaps_for(published, replace(request, robustness=dear.draws), viewer, **more)
        return found if dear.draws else replace(found, crowded=TOO_DEAR)


@dataclass(frozen=True)
class NoAnswer:
    """Why there is no answer, for people."""

    title: str
    reasons: tuple[str, ...]
    waiting: Job | None = None  # what works out everything; then there will be an answer


def gaps_or_reasons(
    published: Published, selection: Selection, viewer: Viewer, *, robustness: int = DRAWS, quick: bool = False
) -> Gaps | NoAnswer:
    """For a screen: the answer, or the reasons in sentences. Never raises for what a person chose.

    Where the draws take long it is the answer without them, with the job that makes them (``Gaps.waiting``), or why none
    does (``Gaps.crowded``). Where already measuring takes long, it is no answer yet (``NoAnswer.waiting``).
    """

    def bare() -> Gaps:
        return gaps_of(published, selection, viewer, robustness=0, may_wait=True)

    def ask() -> Gaps:
        try:
            return gaps_of(published, selection, viewer, robustness=robustness, quick=quick, may_wait=True)
        except Waiting as waiting:
            if is_measuring(waiting):
                raise
            return replace(bare(), waiting=waiting.job)
        except Busy as busy:
            return replace(bare(), crowded=why_busy(busy))

    return answer_or_reasons(ask)


def answer_or_reasons(ask: Callable[[], Any]) -> Any:
    """What ``ask()`` answers, or a :class:`NoAnswer` when it refuses or a layer is not there."""
    try:
        return ask()
    except NotFound as missing:
        return NoAnswer("A layer of this view is not here (any more).", (str(missing),))
    except Refused as refused:
        return NoAnswer(refused.title, tuple(_reason(fault) for fault in refused.faults))
    except Waiting as waiting:
        return NoAnswer(ONE_MOMENT, (str(waiting), SHOWS), waiting.job)
    except Busy as busy:
        return NoAnswer(ONE_MOMENT, (why_busy(busy),))


def gaps_for(
    published: Published,
    request: GapRequest,
    viewer: Viewer,
    *,
    period: str = "",
    travel: pd.DataFrame | None = None,
    quick: bool = False,
    progress: Callable[[int, int], None] | None = None,
    may_wait: bool = False,
) -> Gaps:
    """Need against access for a request; raises like :func:`gaps_of`.

    ``period`` is used for every indicator that has it; the others are read at their newest. ``travel`` is a travel-time
    table (origin, destination, minutes) in place of distance, when it is not the stored one that ``request.travel`` names.
    ``may_wait``: whoever asks can be told to wait (:class:`dashboard.jobs.Waiting`) while a worker measures access.
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
        how = (places, detour, request.alone, more.key, request.walking_kmh, request.driving_kmh)
        access_key, ward_key = ("model", *how), ("wards", data, level, *how)
        border_key = ("border", places, level, detour, request.max_m, bool(more.key))
        told = not own_table
        if told and more.travel is None:
            check_reach(request, published.region, [layer.table for layer in sites.values()])
        sure, model, access = None, parts.find(access_key) if told else None, None

        def find(model: Any) -> GapResult:
            return find_gaps(
                request,
                published.region.areas,
                read,
                sites,
                demand=more.demand,
                no_car_share=more.no_car_share,
                travel=travel,
                wards=parts.find(ward_key) if told and not quick else None,
                compare_wards=not quick,
                model=model,
                border=parts.find(border_key) if told else None,
                percentiles=_percentiles(parts, data, level),
                adjacency=adjacency_of(published, level) if level in LEVELS else None,
                draws=sure,
                water=published.region.water,
                progress=progress,
            )

        try:
            if may_wait and told and travel is None and not request.travel:
                about = {"services": services, "read": sites, "more": more, "indicators": read}
                access = Access(published, request, viewer, key=access_key, kept=model, **about)
            if request.robustness and told and not quick:
                depends_on = (data, places, table_key)
                asked = {"period": period, "depends_on": depends_on}
                used = (*indicators.values(), *services.values(), *more.layers)
                sure = _drawn_elsewhere(published, request, viewer, asked, read, sites, access and (access, used))
            if access is not None:
                model = access.model()
            try:
                with ways_at_most(access and access.may_look):
                    result = find(model)
            except TooManyWays as ways:
                if access is None:
                    raise
                result = find(access.from_a_worker(ways.seconds))
        except draws.TooDear:
            raise
        except Refused as refused:
            raise _with_reasons(refused, request, indicators) from None
        for part in data:
            parts.keep(("percentile", part, level), result.need.percentiles[part[0]])
        if told:
            parts.keep(access_key, result.model.small)
            parts.keep(border_key, result.border)
            if result.wards is not None:
                parts.keep(ward_key, result.wards)
            answers.keep(key, result)
    found = Gaps(published, result, tuple(indicators.values()), tuple(services.values()), key, more)
    return found if found.claims.ranks else replace(found, result=_unordered(result))


def _unordered(result: GapResult) -> GapResult:
    """An answer that rests on something that puts nothing in order: its communities by name."""
    return replace(result, communities=tuple(sorted(result.communities, key=lambda one: (one.name, one.id))))


def _drawn_elsewhere(
    published: Published,
    request: GapRequest,
    viewer: Viewer,
    more,
    read,
    sites,
    told: tuple[Access, Sequence[Layer]] | None,
) -> Stability | None:
    """The draws of a question that is too much for one request; None where they are to be worked out here.

    What is wrong with the question is told at once; what the draws rest on is kept, for the answer with them. ``told``: the
    access of a question that has been looked at already, with its layers.
    """
    sampled = sum(_is_drawn(layer, request.level) for layer in read.values())
    count = sum(len(layer.table) for layer in sites.values())
    price = draws.check_price(request, len(published.region.areas["lsoa"]), sampled, count)
    if draws.is_affordable(price):
        return draws.known(published, request, more["depends_on"]) if price > draws.WORTH_LOOKING_S else None
    access, layers = told or (None, ())
    beside = access.beside_draws() if access is not None else {}

    def versions() -> dict[str, int]:
        used = layers
        if not beside:
            used = gaps_for(published, replace(request, robustness=0), viewer, period=more["period"]).layers
        return {layer.id: layer.version for layer in used}

    return draws.asked_of_a_worker(published, request, viewer, versions, price=price, **more, **beside)


def _is_drawn(layer: IndicatorLayer, level: str) -> bool:
    """Whether the figures of an indicator vary in the draws: they come with counts, or their source states an error."""
    frame = layer.values.get(level)
    return frame is not None and bool(layer.descriptor.error_sd or frame["numerator"].notna().any())


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
    text = wording.capital(fault.what)
    text = text if text.endswith(".") else text + "."
    if not fault.todo:
        return text
    todo = wording.capital(fault.todo)
    return f"{text} {todo}" if todo.endswith(".") else f"{text} {todo}."
