"""Gaps: where need is high and access poor, which communities that makes, and how sure it is.

:func:`find_gaps` takes a request (plain data, as it stands in a URL), the region's areas, and layers already read; it returns
everything that any view of the answer needs, with ``to_json``, as numbers and codes. The sentences are
``dashboard/views/gap_words.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from layers.methods import gap_request
from layers.methods.access import AccessModel
from layers.methods.access_means import Access, AccessMeans, at_level, members_of
from layers.methods.bivariate import Bivariate, bivariate
from layers.methods.communities import Community, communities
from layers.methods.gap_request import ByLevel, GapRequest, IndicatorLayer, Note, ServiceLayer
from layers.methods.json_values import json_rows, number_or_null, plain
from layers.methods.metrics import PoorAccess, poor_access
from layers.methods.need import Indicator, Need, fifth, need
from layers.methods.stability import NEAR_CERTAIN, Stability, stability, words_of
from layers.methods.together import BorderView, border_view_at, by_crossing
from layers.methods.underserved import near_misses, underserved
from layers.methods.wards import Vanishing, WardParts, gaps_that_vanish, ward_parts
from layers.methods.water import Water
from layers.model import LEVELS


@dataclass(frozen=True)
class GapResult:
    """Everything about the gaps of one request. Frames are on the areas' index, all areas of the region."""

    request: GapRequest
    parameters: dict[str, Any]
    areas: pd.DataFrame = field(repr=False)
    communities: tuple[Community, ...]
    summary: dict[str, Any]
    need: Need = field(repr=False)
    access: PoorAccess = field(repr=False)
    border: BorderView = field(repr=False)
    bivariate: Bivariate = field(repr=False)
    stability: Stability | None = field(repr=False)
    model: Access = field(repr=False)
    vanishing: Vanishing | None = field(default=None, repr=False)
    wards: WardParts | None = field(default=None, repr=False)
    listed: pd.Series = field(default=None, repr=False)  # areas in the footprint asked for
    notes: tuple[Note, ...] = ()

    @property
    def crossing_lists(self) -> tuple[str, ...]:
        """Ids of the lists that have a pair over water in the answer; none with a travel-time table, which knows the roads."""
        small = self.model.small
        if small.travel is not None:
            return ()
        by_pairs = self.access.metric.needs_limit and self.access.limit is not None
        found = small.lists_over_water(self.access.limit if by_pairs else None)
        return tuple(sorted(found | set(self.border.crossing_lists)))

    def to_json(self) -> dict[str, Any]:
        """The document of ``/api/v1/gaps: parameters, areas, communities, summary. Unknown numbers are null."""
        return {
            "parameters": self.parameters,
            "areas": json_rows(self.areas[self.listed]),
            "communities": [community_json(c) for c in self.communities],
            "summary": plain(self.summary),
        }


def find_gaps(
    request: GapRequest,
    areas: Mapping[str, pd.DataFrame],
    indicators: Mapping[str, IndicatorLayer],
    services: Mapping[str, ServiceLayer],
    *,
    demand: ByLevel = None,
    no_car_share: ByLevel = None,
    travel: pd.DataFrame | None = None,
    model: AccessModel | None = None,
    border: BorderView | None = None,
    percentiles: pd.DataFrame | None = None,
    wards: WardParts | None = None,
    compare_wards: bool = True,
    adjacency: csr_array | None = None,
    draws: Stability | None = None,
    water: Water | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> GapResult:
    """Need, access, gaps, communities, alone against together and stability for one request.

    ``areas`` maps each level to its frame; ``ward`` and ``lad`` give names, and at level ``lsoa`` the gaps that vanish on a
    ward map are found unless ``compare_wards`` is False. Access is measured for small areas whatever the level is, so
    ``demand`` (people), ``no_car_share`` (0-1) and ``travel`` are theirs: one Series, or a Series for each level. ``model``
    (of the small areas), ``border``, ``percentiles``, ``wards`` and ``adjacency`` may be handed in from an earlier result of
    the same services and level (``result.model.small``, ``result.border``, ``result.need.percentiles``, ``result.wards``):
    while a weight slider moves, only ranks and communities are new. ``draws`` of this very request are not drawn again;
    ``water`` finds the ways where a straight line crosses water. Raises :class:`Refused` with every fault of the request.
    """
    people, cars = (gap_request.of_small_areas(given) for given in (demand, no_car_share))
    gap_request.check_request(request, areas, indicators, services, people, cars, travel)
    frame = areas[request.level]
    parts = tuple(_indicator(indicators[name], areas, request) for name, _ in request.need)
    weights = dict(request.need)
    measured = need(parts, weights, percentiles)
    if model is None:
        model = gap_request.model_of(request, areas, services, people, cars, travel, water)
    small, model = model, at_level(model, areas, request.level)
    limit, notes = gap_request.limit_of(request, services, model)
    access = poor_access(model, request.metric, limit, frame.index)
    if access.metric.id != request.metric:
        notes.append(Note("metric-needs-limit", {"metric": request.metric}))
    if border is None:
        border = _border(request, areas, small, limit, water)
    gap = underserved(measured.score, access.poor, request.need_threshold)
    counted = gap & ~model.crossing  # across water without a way: listed apart, in no sum
    listed = frame["lad_code"].isin(request.footprint) if request.footprint else pd.Series(True, index=frame.index)
    sure = draws if request.robustness else None
    if request.robustness and draws is None:
        sure = stability(
            parts, weights, model, access.metric.id, limit, draws=request.robustness, seed=request.seed,
            people=pd.Series(np.where(model.crossing, 0.0, frame["population"]), frame["lad_code"].astype(str)),
            progress=progress, cancel=cancel,
        )  # fmt: skip
    share = None if sure is None else sure.share
    may = gap_request.words_may_be_said(services[name] for name in request.services)
    say = _say(sure, may)
    grid = bivariate(
        measured.score, access.values, access.high_is_worse, lambda cut: access.metric.decimals_of(cut, model.unit)
    )
    found = communities(
        counted, frame, need=measured, access=access.values, high_access_is_worse=access.high_is_worse, stability=share,
        words=say, border=border.areas, wards=areas.get("ward"), lads=areas.get("lad"), adjacency=adjacency,
    )  # fmt: skip
    table = _area_table(frame, measured, access, gap, share, say, grid, border, found, model)
    lost = None
    if wards is None and compare_wards:
        wards = ward_parts(request, areas, indicators, small)
    if wards is not None:
        lost = gaps_that_vanish(request, areas, services, wards, weights, counted, measured)
    shown = tuple(c for c in found if not request.footprint or set(c.lads) & set(request.footprint))
    notes += _notes(measured, model, frame, listed, border, people)
    return GapResult(
        request,
        _parameters(request, indicators, services, access, model, sure, grid),
        table,
        shown,
        _summary(request, table, listed, shown, border, lost, sure, may),
        measured,
        access,
        border,
        grid,
        sure,
        model,
        lost,
        wards,
        listed,
        tuple(notes),
    )


def _area_table(frame, measured: Need, access: PoorAccess, gap, share, say, grid, border, found, model) -> pd.DataFrame:
    """What was found out about each area, one row each."""
    member = np.full(len(frame), "", dtype=object)
    for community in found:
        member[list(community.positions)] = community.id
    return pd.DataFrame(
        {
            "code": frame["code"],
            "name": frame["name"],
            "lad_code": frame["lad_code"],
            "population": frame["population"],
            "need": measured.score,
            "access": access.values,
            "poor": access.poor,
            "share_beyond": _share_beyond(model, access.limit),
            "underserved": gap,
            "stability": np.nan if share is None else share,
            "stability_words": say(np.full(len(frame), np.nan) if share is None else share.to_numpy()),
            "near_miss": near_misses(measured.score, access, gap, share, model) & ~model.crossing,
            "near_certain": False if share is None else ~gap & ~model.crossing & (share >= NEAR_CERTAIN),
            "class": grid.classes,
            "fifth": fifth(measured.score),
            "community": member,
            "crossing": model.crossing,
            **{name: border.areas[name] for name in border.areas.columns if name != "crossing"},
        },
        index=frame.index,
    )


def _share_beyond(model: Access, limit: float | None) -> np.ndarray | float:
    """Share of residents beyond the standard, where areas are made of smaller ones and there is a standard."""
    return model.beyond(limit) if isinstance(model, AccessMeans) and limit is not None else np.nan


def _border(request: GapRequest, areas, small: AccessModel, limit, water) -> BorderView:
    """Alone against together is always in metres, over land where a line crosses water, whatever access is measured in."""
    metres = limit if small.unit == "m" else None
    return border_view_at(areas, request.level, small.sites, metres, detour=request.detour, water=water)


def _indicator(layer: IndicatorLayer, areas: Mapping[str, pd.DataFrame], request: GapRequest) -> Indicator:
    """An indicator at the level of the request; for draws, with the values that those of a larger level are made of."""
    level, native, parts = request.level, layer.descriptor.level, None
    if request.robustness and native in layer.values and LEVELS.index(native) < LEVELS.index(level):
        parts = (layer.values[native], members_of(areas, level, native))
    return Indicator.of(layer.descriptor, layer.values[level], parts)


def _say(sure: Stability | None, may: bool) -> Callable[[np.ndarray], np.ndarray]:
    """Shares in words, where there are draws and words may be said; else None for each."""
    if sure is None or not may:
        return lambda share: np.full(len(share), None, dtype=object)
    return lambda share: words_of(share, sure.draws)


def _notes(measured: Need, model: Access, frame: pd.DataFrame, listed, border: BorderView, demand) -> list[Note]:
    notes = []
    here, sites = frame[listed], model.sites
    unknown = measured.score[listed].isna()
    if unknown.all():
        notes.append(Note("need-unknown-everywhere"))
    elif unknown.any():
        people = float(here["population"][unknown].sum())
        notes.append(Note("need-unknown", {"areas": int(unknown.sum()), "of": len(here), "residents": people}))
    if not len(sites):
        notes.append(Note("no-service"))
    if sites.unplaced:
        notes.append(Note("services-unplaced", {"services": sites.unplaced}))
    if (apart := np.asarray(model.crossing) & np.asarray(listed)).any():
        people = float(frame["population"][apart].sum())
        notes.append(Note("across-water", {"areas": int(apart.sum()), "residents": people}))
    if isinstance(model, AccessMeans) and (part := int(model.left_out.sum())):
        notes.append(Note("residents-left-out", {"areas": part}))
    if demand is not None and (empty := int(pd.to_numeric(demand, errors="coerce").isna().sum())):
        notes.append(Note("demand-unknown", {"areas": empty}))
    if model.travel is not None:
        unreached = len(sites) - len(np.unique(model.travel.tocoo().coords[1]))
        if unreached:
            notes.append(Note("services-unreached", {"services": unreached, "of": len(sites)}))
    if len(frame) == 1:
        notes.append(Note("one-area"))
    none = border.authorities["lad_code"][border.authorities["services"] == 0].tolist()
    if len(sites) and none:
        notes.append(Note("authorities-without", {"lad_codes": none}))
    return notes


def _parameters(request, indicators, services, access, model, sure, grid) -> dict[str, Any]:
    return {
        "need": [
            {
                "id": name,
                "title": indicators[name].descriptor.title,
                "weight": weight,
                "direction": str(indicators[name].descriptor.direction),
                "period": indicators[name].period or indicators[name].descriptor.period,
                "version": indicators[name].version,
            }
            for name, weight in request.need
        ],
        "services": [
            {"id": name, "title": services[name].descriptor.title, "version": services[name].version, "sites": sites}
            for name in request.services
            for sites in [int((model.sites.layers == name).sum()) if model.sites.layers.any() else len(model.sites)]
        ],
        "level": request.level,
        "metric": access.metric.id,
        "metric_asked": request.metric,
        "max_m": access.limit if model.unit == "m" else request.max_m,
        "max_min": access.limit if model.unit == "min" else None,
        "unit": access.unit,
        "detour": request.detour,
        "walking_kmh": request.walking_kmh,
        "driving_kmh": request.driving_kmh if request.fair else None,
        **{name: getattr(request, name) for name in ("alone", "fair", "group", "travel", "partner")},
        "footprint": list(request.footprint),
        "need_threshold": request.need_threshold,
        "access_cut": number_or_null(access.cut),
        "bivariate": {
            "need": [number_or_null(c) for c in grid.need_cuts],
            "access": [number_or_null(c) for c in grid.access_cuts],
        },
        "robustness": 0 if sure is None else sure.draws,
        "seed": None if sure is None else sure.seed,
        "varied": None if sure is None else sure.varied,
    }


def _summary(
    request, table, listed, found, border: BorderView, lost: Vanishing | None, sure, may: bool
) -> dict[str, Any]:
    part = table[listed]
    apart = part["crossing"]
    gap = part["underserved"] & ~apart
    people = part["population"]
    shared = [c for c in found if c.shared]
    own, elsewhere = part["nearer_elsewhere"], part["residents_nearer_elsewhere"]
    summary: dict[str, Any] = {
        "areas": len(part),
        "residents": float(people.sum()),
        "areas_without_need": int(part["need"].isna().sum()),
        "residents_without_need": float(people[part["need"].isna()].sum()),
        "underserved_areas": int(gap.sum()),
        "underserved_residents": float(people[gap].sum()),
        "near_misses": int(part["near_miss"].sum()),
        "high_need_areas": int((part["need"] >= request.need_threshold).sum()),
        "poor_access_areas": int((part["poor"] & ~apart).sum()),
        "communities": len(found),
        "shared_communities": len(shared),
        "shared_residents": float(sum(c.population for c in shared)),
        "areas_nearer_elsewhere": int(own.sum()),
        "residents_nearer_elsewhere": float(elsewhere.sum()),
        "underserved_nearer_elsewhere": float(elsewhere[gap].sum()),
        "bivariate": [list(row) for row in _counts(part["class"][~apart])],
        "unknown": int((part["class"][~apart] < 0).sum()),
        "crossing": _apart(part),
        "crossings": by_crossing(border.flows(request.footprint)),
        "by_authority": _gap_by_authority(part, gap, border),
    }
    summary["underserved_residents_range"] = None
    if sure is not None:
        said = part["stability_words"][gap].value_counts()
        words = {word: int(said.get(word, 0)) for word in ("firm", "likely", "borderline", "weak")}
        lower, upper = sure.residents_range(request.footprint)
        summary |= {
            "stability": words if may else None,
            "underserved_residents_range": {"lower": lower, "upper": upper},
            "near_certain": part[part["near_certain"]][["code", "name"]].to_dict("records"),
        }
    if lost is not None:
        gone = lost.gone[listed]
        summary["vanish_at_ward"] = {
            "areas": int(gone.sum()),
            "residents": float(people[gone].sum()),
            "wards": sorted({str(code) for code in lost.wards}),
            "averaged": lost.averaged,
        }
    return summary


def _counts(classes: pd.Series) -> np.ndarray:
    known = classes[classes >= 0].to_numpy("int64")
    return np.bincount(known, minlength=9).reshape(3, 3).tolist()


def _apart(part: pd.DataFrame) -> dict[str, Any]:
    """The areas that are across water from every service without a way: in no other number of the summary."""
    apart = part[part["crossing"]]
    gap = apart["underserved"]
    return {
        "areas": len(apart),
        "residents": float(apart["population"].sum()),
        "underserved_areas": int(gap.sum()),
        "underserved_residents": float(apart["population"][gap].sum()),
        "codes": apart["code"].tolist(),
    }


def _gap_by_authority(part: pd.DataFrame, gap: pd.Series, border: BorderView) -> list[dict[str, Any]]:
    people = part["population"]
    table = pd.DataFrame(
        {
            "lad_code": part["lad_code"].astype(str),
            "areas": 1,
            "residents": people,
            "underserved_areas": gap.astype(int),
            "underserved_residents": people.where(gap, 0.0),
            "residents_nearer_elsewhere": part["residents_nearer_elsewhere"],
        }
    )
    total = table.groupby("lad_code", sort=True).sum()
    total.insert(4, "services", border.authorities.set_index("lad_code")["services"].reindex(total.index))
    return total.reset_index().to_dict("records")


def community_json(community: Community) -> dict[str, Any]:
    """A community as ``/api/v1/gaps`` gives it."""
    return {
        "id": community.id,
        "name": community.name,
        "place": community.place,
        "areas": list(community.areas),
        "lads": list(community.lads),
        "population": community.population,
        "shares": [asdict(share) for share in community.shares],
        "shared": community.shared,
        "need": number_or_null(community.need),
        "access": number_or_null(community.access),
        "access_worst": number_or_null(community.access_worst),
        "stability": number_or_null(community.stability),
        "stability_words": community.words,
        "drivers": [plain(dict(driver)) for driver in community.drivers],
        "border_penalty_m": number_or_null(community.border_penalty_m),
        "residents_nearer_elsewhere": number_or_null(community.residents_nearer_elsewhere),
        "centre": list(community.centre),
    }
