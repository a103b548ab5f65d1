"""Alone and together: what changes when everybody's services count instead of only one's own authority's.

For one kind of service: who lives nearer to another authority's site, between which authorities people cross, and whose
areas look badly served only because a neighbour's services were left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np

from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.cautions import cautions_of
from dashboard.views.claims import Claims, claims_of, gated
from dashboard.views.crossing_words import AROUND, apart_sentence, by_crossings, crossings_sentence, line_words
from dashboard.views.gap_words import REASONS, a_site, one_of, with_sites
from dashboard.views.gaps import (
    Gaps,
    footprint_of,
    gaps_for,
    kept,
    read_layers,
    read_services,
)
from dashboard.views.measures import Measures
from dashboard.views.measuring import Access
from dashboard.views.wording import counted, standard_words
from layers import (
    Caution,
    Fault,
    GapRequest,
    Kind,
    Layer,
    Refused,
    TogetherResult,
    TooManyWays,
    Viewer,
    find_together,
    unfit_faults,
    ways_at_most,
)

OUTSIDE_WORDS = "an authority outside the region"


@dataclass(frozen=True)
class Flow:
    """Residents of one authority whose nearest service stands in another."""

    lad_code: str
    name: str
    nearest_lad: str
    nearest_name: str
    residents: float
    words: str


@dataclass(frozen=True)
class AuthorityCard:
    """One authority looking alone against together. ``misjudged`` is None without a distance standard."""

    lad_code: str
    name: str
    services: int
    residents: float
    residents_nearer_elsewhere: float
    share_nearer_elsewhere: float  # 0-1
    residents_misjudged: float | None
    mean_alone_m: float | None
    mean_together_m: float | None
    flows: tuple[Flow, ...]  # out of this authority, largest first
    sentence: str


@dataclass(frozen=True, eq=False)
class Together:
    """Alone against together for one choice of services. ``result.areas`` holds the areas listed, on the areas' index."""

    published: Published
    result: TogetherResult
    services: tuple[Layer, ...]
    needs: tuple[Layer, ...]
    level: str
    in_view: np.ndarray
    key: tuple

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (*self.needs, *self.services)

    @cached_property
    def claims(self) -> Claims:
        """What may be said of it."""
        return claims_of(self.layers)

    def cautions_on(self, on: date | None = None) -> tuple[Caution, ...]:
        """What to know before quoting it; it is always in straight lines."""
        return cautions_of(
            [(layer, layer.period) for layer in self.layers], straight=True, crossing=self.result.crossing_lists, on=on
        )

    @property
    def public(self) -> bool:
        return all(layer.descriptor.audience == "public" for layer in self.layers)

    @property
    def summary(self) -> dict[str, Any]:
        return self.result.summary

    @cached_property
    def flows(self) -> tuple[Flow, ...]:
        names = dict(self.published.region.areas["lad"][["code", "name"]].itertuples(index=False))
        found = []
        for flow in self.summary["flows"]:
            own, other = flow["lad_code"], flow["nearest_lad"]
            here, there = names.get(own, own), names.get(other, OUTSIDE_WORDS)
            people = f"{counted(flow['residents'], 'resident')} of {here} {_are(flow['residents'])}"
            by = by_crossings(flow["crossings"], flow["residents"])
            by = f", {by}" if by else ""
            words = self.claims.gate(f"{people} nearest to {a_site(self.services)} in {there}{by}.")
            found.append(Flow(own, here, other, there, flow["residents"], words))
        return tuple(found)

    @cached_property
    def cards(self) -> tuple[AuthorityCard, ...]:
        """Authorities, those with most residents nearer elsewhere first."""
        cards = [self._card(row) for row in self.result.authorities.to_dict("records")]
        return tuple(sorted(cards, key=lambda card: (-card.residents_nearer_elsewhere, card.name)))

    def _card(self, row: dict[str, Any]) -> AuthorityCard:
        misjudged = None
        if "residents_within_alone" in row:
            misjudged = float(row["residents_within_together"] - row["residents_within_alone"])
        residents, elsewhere = float(row["residents"]), float(row["residents_nearer_elsewhere"])
        flows = tuple(flow for flow in self.flows if flow.lad_code == row["lad_code"])
        return AuthorityCard(
            row["lad_code"],
            row["name"],
            int(row["services"]),
            residents,
            elsewhere,
            elsewhere / residents if residents > 0 else 0.0,
            misjudged,
            _number(row["mean_alone_m"]),
            _number(row["mean_together_m"]),
            flows,
            self._sentence(row["name"], int(row["services"]), residents, elsewhere, misjudged, flows),
        )

    def _sentence(self, *about) -> str:
        return self.claims.gate(self._whole_sentence(*about))

    def _whole_sentence(self, name, services, residents, elsewhere, misjudged, flows) -> str:
        thing = one_of(self.services)
        if not services:
            if not self.summary["services"]:
                return f"There is no {thing} at all."
            where = wording.listing([flow.nearest_name for flow in flows], 3)
            return (
                f"{name} has no {thing} of its own; all {counted(residents, 'resident')} rely on {where or 'others'}."
            )
        if elsewhere <= 0:
            return f"Everybody in {name} is nearest to one of its own."
        where = wording.listing([f"{flow.nearest_name} ({flow.residents:,.0f})" for flow in flows], 3)
        text = f"{elsewhere:,.0f} of {counted(residents, 'resident')} of {name} {_are(elsewhere)} nearer to one elsewhere: {where}."
        if misjudged:
            limit = standard_words(self.result.parameters["max_m"])
            text += f" Looking alone, {misjudged:,.0f} {_one(misjudged, 'seems', 'seem')} to have none "
            text += f"within {limit} and {_one(misjudged, 'does', 'do')} have one."
        return text


def _one(n: float, one: str, many: str) -> str:
    return one if round(n) == 1 else many


def _are(n: float) -> str:
    return _one(n, "is", "are")


def _areas_with(areas: int, level: str, residents: float) -> str:
    """ "3 small areas with 4,500 residents"."""
    return f"{wording.count_of(areas, level)} with {counted(residents, 'resident')}"


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def together_of(published: Published, selection: Selection, viewer: Viewer, *, may_wait: bool = False) -> Together:
    """Alone against together for a selection; raises NotFound and Refused like :func:`dashboard.views.gaps.gaps_of`.

    With a need chosen, ``summary`` also counts the areas that would be called underserved only when looking alone.
    """
    return together_for(
        published,
        selection.services,
        viewer,
        level=selection.level,
        max_m=selection.max_m,
        detour=selection.detour,
        partner=selection.partner,
        needs=selection.needs,
        period=selection.period,
        may_wait=may_wait,
    )


def together_for(
    published: Published,
    services: Sequence[str],
    viewer: Viewer,
    *,
    level: str = "lsoa",
    max_m: float | None = None,
    detour: float = 1.0,
    partner: str = "",
    needs: Sequence[tuple[str, float]] = (),
    period: str = "",
    may_wait: bool = False,
) -> Together:
    """Alone against together for some service layers, with need when it is given. ``may_wait`` as in
    :func:`dashboard.views.gaps.gaps_for`."""
    indicators, found = read_layers(published, viewer, [name for name, _ in needs], services)
    faults = [
        Fault(f"'{name}' is an indicator, not a list of services", "services", "choose services", rule="layer-kind")
        for name, layer in found.items()
        if layer.kind != Kind.SERVICES
    ]
    if not (np.isfinite(detour) and detour >= 1):
        what = f"the detour factor is {detour}: no way is shorter than a straight line"
        faults.append(Fault(what, "detour", "use 1 or more, usually 1.0, 1.2 or 1.4", rule="detour"))
    faults += [
        fault
        for layers, where in ((indicators, "need"), (found, "services"))
        for fault in unfit_faults({name: layer.descriptor for name, layer in layers.items()}, where)
    ]
    footprint = footprint_of(published, partner)
    if faults:
        raise Refused("Alone and together cannot be compared.", faults)
    score, need_key = None, ()
    if needs:
        gaps = _score(published, viewer, needs, services, level, max_m, detour, period, may_wait)
        score, need_key = gaps.result.need.score, gaps.key
    places = tuple((name, layer.version) for name, layer in found.items())
    key = ("together", places, level, max_m, detour, footprint, need_key)

    def make() -> TogetherResult:
        tables = {name: read_services(published, viewer, layer) for name, layer in found.items()}

        def find() -> TogetherResult:
            return find_together(
                tables,
                published.region.areas,
                level=level,
                max_m=max_m,
                detour=detour,
                footprint=footprint,
                score=score,
                water=published.region.water,
            )

        if not (may_wait and tables and level in published.region.areas):
            return find()
        request = GapRequest((), tuple(services), level=level, max_m=max_m, detour=detour)
        about = {"services": found, "read": tables, "more": Measures(), "key": ("together", places, detour)}
        access = Access(published, request, viewer, **about)
        access.model()
        try:
            with ways_at_most(access.may_look):
                return find()
        except TooManyWays as ways:
            access.from_a_worker(ways.seconds)
            return find()

    result = kept(published).get(key, make)
    frame = published.region.areas[level]
    in_view = frame["lad_code"].isin(footprint).to_numpy() if footprint else np.ones(len(frame), dtype=bool)
    return Together(published, result, tuple(found.values()), tuple(indicators.values()), level, in_view, key)


def _score(published, viewer, needs, services, level, max_m, detour, period, may_wait) -> Gaps:
    request = GapRequest(tuple(needs), tuple(services), level=level, max_m=max_m, detour=detour)
    return gaps_for(published, request, viewer, period=period, quick=True, may_wait=may_wait)


def put_together_into_words(together: Together, document: dict[str, Any]) -> None:
    """Add to the engine's document of alone against together what people read in it."""
    found = together_sentence(together)
    document["parameters"] = parameters_in_words(together)
    document["summary"] |= {"sentence": found, "summary_sentence": found, "caution": CAUTION}
    for row in (*document["areas"], *document["authorities"]):
        row["reason"] = REASONS[row["reason"]]


def parameters_in_words(together: Together) -> dict[str, Any]:
    """The engine's parameters with what people read in them; a document and a cell of its CSV say the same."""
    parameters = with_sites(together.result.parameters, together.services)
    return parameters | {"distance": line_words(parameters["detour"], around=bool(together.result.crossing_lists))}


CAUTION = f"These are straight lines ({AROUND}): roads are longer."


@gated
def together_sentence(together: Together) -> str:
    """What looking alone hides, in one paragraph."""
    s, thing = together.summary, one_of(together.services)
    if not s["services"]:
        return f"There is no {thing} at all."
    parts = [
        f"{s['residents_nearer_elsewhere']:,.0f} of {counted(s['residents'], 'resident')} "
        f"{_are(s['residents_nearer_elsewhere'])} nearer to {a_site(together.services)} in another authority than to one in their own."
    ]
    if by := crossings_sentence(s["crossings"]):
        parts.append(by)
    if apart := apart_sentence(s["crossing"]):
        parts.append(apart)
    if without := s["residents_without_own_service"]:
        parts.append(f"{without:,.0f} {_one(without, 'lives', 'live')} in an authority that has none.")
    if together.flows:
        parts.append(f"The largest flow: {together.flows[0].words}")
    if s.get("residents_misjudged"):
        limit = standard_words(together.result.parameters["max_m"])
        areas = _areas_with(s["areas_misjudged"], together.level, s["residents_misjudged"])
        seem = _one(s["areas_misjudged"], "seems", "seem")
        parts.append(
            f"Looking alone, {areas} {seem} to have none within {limit}, though there is one across the border."
        )
    if only := s.get("gaps_only_alone"):
        areas = _areas_with(only, together.level, s["residents_gaps_only_alone"])
        parts.append(f"{areas} would be called underserved, and {_are(only)} not.")
    return " ".join(parts)
