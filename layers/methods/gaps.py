"""Gaps: where need is high and access poor, which communities that makes, and the calls that screen, command and API share.

:func:`find_gaps`, :func:`find_together` and :func:`find_sites` take a request (plain data, as it stands in a URL), the
region's areas, and layers already read; they return everything that any view of the answer needs, with ``to_json``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from layers.methods.access import (
    DRIVING_KMH,
    METRICS,
    NO_OWN_SERVICE,
    NO_SERVICE,
    PER_PEOPLE,
    WALKING_KMH,
    AccessModel,
    BorderView,
    access_model,
    border_view,
    metres_in,
    minutes_for,
    read_sites,
    worst_fifth,
)
from layers.methods.communities import Community, communities
from layers.methods.need import DECIMALS, Indicator, Need, compose, fifth, need, need_percentiles, percentile
from layers.methods.siting import OBJECTIVES, SitingPlan, plan_sites
from layers.methods.stability import SEED, Stability, stability, words
from layers.model import LEVELS, Descriptor, Fault, Kind, Refused

NEED_THRESHOLD = 80.0
NEAR_NEED = 75.0  # near-misses without stability draws: within the range that the draws vary
NEAR_LIMIT = 0.75
NEAR_SHARE = 0.3  # near-misses with draws: underserved in this share of them or more

CORNER = 8
"""Bivariate class of highest need with poorest access: 3 * need third + access third, each 0 (best) to 2 (worst)."""


# --- requests --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GapRequest:
    """What was asked for; everything in it can stand in a URL.

    ``robustness`` is the number of stability draws, 0 for none. ``footprint`` (LAD codes) limits what is *listed*; need is
    always compared within the whole region. ``max_m`` is metres; with a travel-time table or the fair standard
    ``max_min`` is minutes, and ``max_m`` is turned into minutes at walking speed when only that is known. ``group`` names the
    layer that counts who shares the supply in e2sfca ("" means all residents), ``travel`` the travel-time table; what
    they hold is handed to :func:`find_gaps`.
    """

    need: tuple[tuple[str, float], ...]
    services: tuple[str, ...]
    level: str = "lsoa"
    metric: str = "nearest"
    max_m: float | None = None
    max_min: float | None = None
    detour: float = 1.0
    walking_kmh: float = WALKING_KMH
    driving_kmh: float = DRIVING_KMH
    alone: bool = False
    fair: bool = False
    footprint: tuple[str, ...] = ()
    partner: str = ""
    robustness: int = 0
    seed: int = SEED
    need_threshold: float = NEED_THRESHOLD
    group: str = ""
    travel: str = ""


@dataclass(frozen=True)
class IndicatorLayer:
    """An indicator and its values by level (columns ``layers.fields.VALUES``, area order)."""

    descriptor: Descriptor
    values: Mapping[str, pd.DataFrame] = field(repr=False)
    period: str = ""
    version: int | None = None


@dataclass(frozen=True)
class ServiceLayer:
    """A service layer and its sites, those in the buffer around the region included."""

    descriptor: Descriptor
    table: pd.DataFrame = field(repr=False)
    version: int | None = None


# --- poor access and underserved -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PoorAccess:
    """Access of every area, whether it is poor, and the rule in words and as data."""

    values: pd.Series  # in the metric's unit; NaN for nearest where there is no service
    poor: pd.Series
    metric: str
    unit: str
    limit: float | None  # the standard, in the model's unit of cost
    cut: float | None  # of the worst fifth, where that is the rule
    rule: str
    high_is_worse: bool


def poor_access(model: AccessModel, metric: str, limit: float | None, index: pd.Index | None = None) -> PoorAccess:
    """Poor: nearest beyond the limit, coverage 0, e2sfca in the worst fifth; without a limit the worst fifth by nearest.

    With no service at all every area is poor: beyond any limit, covered by none, and all equal in the worst fifth.
    """
    if metric not in METRICS:
        raise Refused(
            "Access cannot be measured.", [Fault(f"unknown metric '{metric}'", "metric", f"use {_or(METRICS)}")]
        )
    index = pd.RangeIndex(len(model.xy)) if index is None else index
    cost = model.nearest[0]
    own = " of the area's own authority" if model.alone else ""
    said = _distance(limit, model.unit) if limit is not None else ""
    cut = None
    if limit is None:
        metric = "nearest"
        poor, cut = worst_fifth(cost, True)
        cut = cut if np.isfinite(cut) else None
        rule = f"among the fifth of areas farthest from the nearest service{own}"
        if cut is not None:
            rule += f" ({_distance(cut, model.unit)} or more)"
        values, unit, high = cost, _long(model.unit), True
    elif metric == "nearest":
        poor, values, unit, high = cost > limit, cost, _long(model.unit), True
        rule = f"more than {said} from the nearest service{own}"
    elif metric == "coverage":
        poor, values, unit, high = cost > limit, model.coverage(limit), "services", False
        rule = f"no service{own} within {said}"
    else:
        values = model.e2sfca(limit)
        poor, cut = worst_fifth(values, False)
        unit, high = f"per {PER_PEOPLE:,.0f} people", False
        rule = f"in the fifth of areas with least capacity{own} for its people within {said}"
        rule += f" ({cut:.3g} per 1,000 people or less)" if np.isfinite(cut) else ""
    if not len(model.sites):
        rule += "; there is no service at all, so access is poor everywhere"
    known = np.where(np.isfinite(values), values, np.nan)
    return PoorAccess(
        pd.Series(known, index=index, name="access"),
        pd.Series(poor, index=index, name="poor"),
        metric,
        unit,
        limit,
        cut,
        rule,
        high,
    )


def underserved(score: pd.Series, poor: pd.Series, threshold: float = NEED_THRESHOLD) -> pd.Series:
    """Need at or above the threshold *and* poor access. An area whose need is not known is not called underserved."""
    return ((score >= threshold) & poor.astype(bool)).rename("underserved")


def near_misses(
    score: pd.Series,
    access: PoorAccess,
    gap: pd.Series,
    share: pd.Series | None = None,
    model: AccessModel | None = None,
) -> pd.Series:
    """Areas that are not underserved but nearly: borderline or more in the draws.

    Without draws: need at or above 75 and access poor by a standard a quarter stricter (relative rules: as they are).
    """
    if share is not None:
        return (~gap & (share >= NEAR_SHARE)).rename("near_miss")
    close = access.poor
    if access.limit is not None and access.metric != "e2sfca" and model is not None:
        close = pd.Series(model.nearest[0] > NEAR_LIMIT * access.limit, index=gap.index)
    return (~gap & (score >= NEAR_NEED) & close).rename("near_miss")


# --- bivariate -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bivariate:
    """3x3 classes: ``3 * need third + access third``, 0 best to 2 worst each; -1 where either is unknown."""

    classes: pd.Series
    need_cuts: tuple[float, float]  # the least need of the middle and of the worst third
    access_cuts: tuple[float, float]  # access at which the middle and the worst third begin, in its own unit
    counts: tuple[tuple[int, ...], ...]  # [need third][access third]
    unknown: int


def bivariate(score: pd.Series, access: pd.Series, high_access_is_worse: bool = True) -> Bivariate:
    """Thirds of need against thirds of access, cut over all valid areas of each; equal values are never split.

    Ties go to the worse third (as everywhere in this project), so a cut may leave a class empty but never hides a gap.
    """
    sign = 1.0 if high_access_is_worse else -1.0
    need_third, need_cuts = _thirds(score.to_numpy("float64"))
    access_third, access_cuts = _thirds(sign * access.to_numpy("float64"))
    known = (need_third >= 0) & (access_third >= 0)
    classes = np.where(known, 3 * need_third + access_third, -1)
    counts = np.bincount(classes[known], minlength=9).reshape(3, 3)
    return Bivariate(
        pd.Series(classes, index=score.index, name="class", dtype="int8"),
        need_cuts,
        (sign * access_cuts[0], sign * access_cuts[1]),
        tuple(tuple(int(n) for n in row) for row in counts),
        int((~known).sum()),
    )


def _thirds(badness: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Third of each value, 0 best to 2 worst, -1 unknown; the worst third holds at least a third of the valid ones."""
    valid = np.sort(badness[~np.isnan(badness)])[::-1]
    n = len(valid)
    if not n:
        return np.full(len(badness), -1), (float("nan"), float("nan"))
    worst, middle = float(valid[int(np.ceil(n / 3)) - 1]), float(valid[int(np.ceil(2 * n / 3)) - 1])
    third = (badness >= middle).astype(int) + (badness >= worst)
    return np.where(np.isnan(badness), -1, third), (middle, worst)


# --- wards against small areas ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WardParts:
    """What the comparison with wards needs and no weight changes: kept, a moving slider need not make it again.

    ``percentiles`` is None where an indicator has no figures by ward; the need of a ward is then the average of its small
    areas', each counting by its residents.
    """

    model: AccessModel
    percentiles: pd.DataFrame | None


@dataclass(frozen=True)
class Vanishing:
    """Underserved small areas that no ward map would show."""

    gone: pd.Series  # per small area: underserved, and its ward is not
    areas: int
    residents: float
    wards: tuple[str, ...]  # wards that hold such areas without being underserved themselves
    averaged: bool = False  # ward need is an average of small areas, not made of figures by ward


def vanishing(gap: pd.Series, areas: pd.DataFrame, ward_gap: pd.Series, wards: pd.DataFrame) -> Vanishing:
    """Which gaps vanish when small areas are averaged to wards: the price of the larger map."""
    shown = set(wards["code"][ward_gap.to_numpy(bool)])
    gone = gap & ~areas["ward_code"].isin(shown)
    return Vanishing(
        gone.rename("vanishes"),
        int(gone.sum()),
        float(areas["population"][gone].sum()),
        tuple(sorted(areas["ward_code"][gone].astype(str).unique())),
    )


# --- find_gaps -------------------------------------------------------------------------------------------------------


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
    model: AccessModel = field(repr=False)
    vanishing: Vanishing | None = field(default=None, repr=False)
    wards: WardParts | None = field(default=None, repr=False)
    listed: pd.Series = field(default=None, repr=False)  # areas in the footprint asked for
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The document of ``/api/v1/gaps``: parameters, areas, communities, summary. Unknown numbers are null."""
        return gaps_json(self)


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
    progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> GapResult:
    """Need, access, gaps, communities, alone against together and stability for one request.

    ``areas`` maps each level to its frame; ``ward`` and ``lad`` give names, and at level ``lsoa`` the gaps that vanish on a
    ward map are found unless ``compare_wards`` is False. ``demand`` (people) and ``no_car_share`` (0-1) are one
    Series for the level of the request, or a Series for each level. ``model``, ``border``, ``percentiles``, ``wards`` and
    ``adjacency`` may be handed in from an earlier result of the same services and level (``result.model``,
    ``result.border``, ``result.need.percentiles``, ``result.wards``): while a weight slider moves, only ranks and
    communities are new. Raises :class:`Refused` with every fault of the request.
    """
    people, cars = _at(demand, request.level, request.level), _at(no_car_share, request.level, request.level)
    _check_request(request, areas, indicators, services, people, cars, travel)
    frame = areas[request.level]
    parts = tuple(Indicator.of(indicators[i].descriptor, indicators[i].values[request.level]) for i, _ in request.need)
    weights = dict(request.need)
    measured = need(parts, weights, percentiles)
    if model is None:
        model = _model(request, frame, services, people, cars, travel)
    limit, limit_note = _limit(request, services, model)
    access = poor_access(model, request.metric, limit, frame.index)
    notes = [limit_note] if limit_note else []
    if access.metric != request.metric:
        notes.append(
            f"Without a distance standard {request.metric} has no meaning: the nearest service is used instead."
        )
    if border is None:
        border = _border(request, frame, model, limit)
    gap = underserved(measured.score, access.poor, request.need_threshold)
    sure = None
    if request.robustness:
        sure = stability(
            parts,
            weights,
            model,
            access.metric,
            limit,
            draws=request.robustness,
            seed=request.seed,
            progress=progress,
            cancel=cancel,
        )
    share = None if sure is None else sure.share
    grid = bivariate(measured.score, access.values, access.high_is_worse)
    listed = frame["lad_code"].isin(request.footprint) if request.footprint else pd.Series(True, index=frame.index)
    found = communities(
        gap,
        frame,
        need=measured,
        access=access.values,
        high_access_is_worse=access.high_is_worse,
        stability=share,
        border=border.areas,
        wards=areas.get("ward"),
        lads=areas.get("lad"),
        adjacency=adjacency,
    )
    member = np.full(len(frame), "", dtype=object)
    for community in found:
        member[list(community.positions)] = community.id
    table = pd.DataFrame(
        {
            "code": frame["code"],
            "name": frame["name"],
            "lad_code": frame["lad_code"],
            "population": frame["population"],
            "need": measured.score,
            "access": access.values,
            "poor": access.poor,
            "underserved": gap,
            "stability": np.nan if share is None else share,
            "stability_words": "" if share is None else _words(share, gap),
            "near_miss": near_misses(measured.score, access, gap, share, model),
            "class": grid.classes,
            "fifth": fifth(measured.score),
            "community": member,
            **{name: border.areas[name] for name in border.areas.columns},
        },
        index=frame.index,
    )
    lost = None
    if wards is None and compare_wards:
        wards = _ward_parts(request, areas, indicators, services, demand, no_car_share, travel)
    if wards is not None:
        lost = _vanishing(request, areas, services, wards, weights, gap, measured)
    shown = tuple(c for c in found if not request.footprint or set(c.lads) & set(request.footprint))
    notes += _notes(measured, model, frame, border, people, areas.get("lad"))
    result = GapResult(
        request,
        _parameters(request, indicators, services, access, model, sure, grid),
        table,
        shown,
        _summary(request, table, listed, shown, access, border, lost),
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
    result.summary["sentence"] = _sentence(result)
    result.summary["notes"] = list(notes)
    return result


ByLevel = pd.Series | Mapping[str, pd.Series] | None
"""A Series for the level of the request, or one for each level."""


def _at(given: ByLevel, level: str, own: str) -> pd.Series | None:
    """The Series of a level; a bare Series is of the request's ``own`` level."""
    if isinstance(given, Mapping):
        return given.get(level)
    return given if level == own else None


def _check_request(request: GapRequest, areas, indicators, services, demand, no_car_share, travel) -> None:
    faults: list[Fault] = []
    if request.level not in LEVELS or request.level not in areas:
        faults.append(Fault(f"unknown level '{request.level}'", "level", f"use {_or(list(areas))}", rule="level"))
    if request.metric not in METRICS:
        faults.append(Fault(f"unknown metric '{request.metric}'", "metric", f"use {_or(METRICS)}", rule="metric"))
    if not request.need:
        faults.append(Fault("no indicator was chosen", "need", "choose at least one", rule="need-empty"))
    names = [name for name, _ in request.need]
    for name in names:
        layer = indicators.get(name)
        if layer is None:
            faults.append(Fault(f"there is no indicator '{name}'", "need", "check the name", rule="layer-unknown"))
        elif layer.descriptor.kind != Kind.INDICATOR:
            faults.append(Fault(f"'{name}' is a list of services, not an indicator", "need", "choose an indicator"))
        elif request.level not in layer.values:
            what = f"'{layer.descriptor.title or name}' has no values by {request.level}"
            faults.append(Fault(what, "need", "choose another level or indicator", rule="need-level"))
    for name, weight in request.need:
        if not isinstance(weight, int | float) or not np.isfinite(weight) or weight < 0:
            faults.append(
                Fault(f"the weight of '{name}' is {weight}", "need", "use 0 or a positive number", rule="weight")
            )
    if len(set(names)) < len(names):
        faults.append(Fault("an indicator is named twice", "need", "name each once", rule="twice"))
    if not request.services:
        faults.append(Fault("no services were chosen", "services", "choose at least one layer", rule="services-empty"))
    for name in request.services:
        layer = services.get(name)
        if layer is None:
            faults.append(
                Fault(f"there is no service layer '{name}'", "services", "check the name", rule="layer-unknown")
            )
        elif layer.descriptor.kind != Kind.SERVICES:
            faults.append(Fault(f"'{name}' is an indicator, not a list of services", "services", "choose services"))
    for name in ("max_m", "max_min"):
        value = getattr(request, name)
        if value is not None and not (isinstance(value, int | float) and np.isfinite(value) and value > 0):
            faults.append(Fault(f"{name} is {value}", name, "use a number above 0", rule="max-m"))
    if request.robustness < 0:
        faults.append(Fault(f"{request.robustness} draws", "robustness", "use 0 (none) or more", rule="robustness"))
    if not 0 < request.need_threshold < 100:
        what = f"the need threshold is {request.need_threshold}"
        faults.append(Fault(what, "need_threshold", "use a number between 0 and 100", rule="threshold"))
    if request.fair and no_car_share is None:
        what = "the fair standard needs the share of households without a car"
        faults.append(Fault(what, "fair", "publish such a layer, or use distance", rule="fair"))
    if request.fair and (travel is not None or request.travel):
        what = "a travel-time table already says how long it takes"
        faults.append(Fault(what, "fair", "choose the table or the fair standard", rule="fair-travel"))
    if request.group and demand is None:
        what = f"'{request.group}' has no counts by {request.level}"
        faults.append(Fault(what, "group", "choose another level or demand group", rule="group"))
    if demand is not None and not (pd.to_numeric(demand, errors="coerce") > 0).any():
        what = "the demand group counts nobody in any area"
        faults.append(Fault(what, "group", "choose another demand group, or all residents", rule="group-empty"))
    if request.travel and travel is None:
        what = f"there is no travel-time table '{request.travel}'"
        faults.append(Fault(what, "travel", "check the name", rule="travel-unknown"))
    if request.level in areas and request.footprint:
        strange = sorted(set(request.footprint) - set(areas[request.level]["lad_code"]))
        if len(strange) == len(set(request.footprint)):
            what = "none of the authorities asked for is in the region: " + ", ".join(strange)
            faults.append(Fault(what, "partner", "choose a partner of this region", rule="footprint"))
    if faults:
        raise Refused("The gaps cannot be worked out from this request.", faults)


def _model(request: GapRequest, frame, services, demand, no_car_share, travel) -> AccessModel:
    sites = read_sites([services[name].table for name in request.services], request.services)
    return access_model(
        frame,
        sites,
        detour=request.detour,
        demand=demand,
        alone=request.alone,
        travel=travel,
        no_car_share=no_car_share if request.fair else None,
        walking_kmh=request.walking_kmh,
        driving_kmh=request.driving_kmh,
    )


def _limit(request: GapRequest, services, model: AccessModel) -> tuple[float | None, str]:
    """The standard in the model's unit of cost, and how it came about."""
    metres, note = request.max_m, ""
    if metres is None:
        standards = {
            name: services[name].descriptor.access_standard.max_m
            for name in request.services
            if services[name].descriptor.access_standard is not None
        }
        if standards:
            metres = float(min(standards.values()))
            if len(set(standards.values())) > 1:
                note = f"The services have different standards; the strictest, {metres:,.0f} m, is used."
    if model.unit == "m":
        return metres, note
    if request.max_min is not None:
        return float(request.max_min), note
    if metres is None:
        return None, note
    minutes = minutes_for(metres, request.walking_kmh)
    return float(
        minutes
    ), f"{metres:,.0f} m is taken as {minutes:.0f} minutes, at {request.walking_kmh:g} km/h on foot."


def _border(request: GapRequest, frame, model: AccessModel, limit) -> BorderView:
    """Alone against together is always in straight-line metres, whatever access is measured in."""
    metres = limit if model.unit == "m" else None
    return border_view(frame, model.sites, metres, detour=request.detour)


def _ward_parts(request, areas, indicators, services, demand, no_car_share, travel) -> WardParts | None:
    """What is needed to ask the same at ward level; None where that cannot be done with what was handed in."""
    wards = areas.get("ward")
    people, cars = _at(demand, "ward", request.level), _at(no_car_share, "ward", request.level)
    lacking = travel is not None or (demand is not None and people is None) or (request.fair and cars is None)
    if request.level != "lsoa" or wards is None or lacking:
        return None
    model, names = _model(request, wards, services, people, cars, None), [name for name, _ in request.need]
    if not all("ward" in indicators[i].values for i in names):
        return WardParts(model, None)
    parts = [Indicator.of(indicators[i].descriptor, indicators[i].values["ward"]) for i in names]
    return WardParts(model, need_percentiles(parts))


def _vanishing(request, areas, services, wards: WardParts, weights, gap, measured: Need) -> Vanishing:
    """The same request at ward level, against the gaps of the small areas."""
    frame = areas["ward"]
    limit, _ = _limit(request, services, wards.model)
    access = poor_access(wards.model, request.metric, limit, frame.index)
    if wards.percentiles is None:
        composite = _ward_average(measured.composite, areas["lsoa"], frame)
    else:
        composite, _ = compose(wards.percentiles, weights)
    ward_gap = underserved(percentile(composite.round(DECIMALS)), access.poor, request.need_threshold)
    return replace(vanishing(gap, areas["lsoa"], ward_gap, frame), averaged=wards.percentiles is None)


def _ward_average(composite: pd.Series, areas: pd.DataFrame, wards: pd.DataFrame) -> pd.Series:
    """Mean of the small areas' composite by ward, weighted by residents; NaN where no area has one."""
    people = areas["population"].where(composite.notna(), 0.0)
    total = (composite.fillna(0.0) * people).groupby(areas["ward_code"]).sum()
    weight = people.groupby(areas["ward_code"]).sum()
    mean = total / weight.where(weight > 0)
    return pd.Series(mean.reindex(wards["code"]).to_numpy("float64"), index=wards.index)


def _words(share: pd.Series, gap: pd.Series) -> np.ndarray:
    """A word for underserved areas and near-misses; none for areas that are clearly not gaps."""
    said = np.array([words(value) for value in share.to_numpy()], dtype=object)
    return np.where(gap.to_numpy() | (share.to_numpy() >= NEAR_SHARE), said, "")


def _notes(
    measured: Need, model: AccessModel, frame: pd.DataFrame, border: BorderView, demand, lads: pd.DataFrame | None
) -> list[str]:
    notes = []
    unknown = int(measured.score.isna().sum())
    if unknown == len(frame):
        notes.append("Need is not known for any area: no indicator has values here.")
    elif unknown:
        people = float(frame["population"][measured.score.isna()].sum())
        notes.append(f"Need is not known for {unknown:,} of {len(frame):,} areas ({people:,.0f} residents).")
    if not len(model.sites):
        notes.append(NO_SERVICE)
    if model.sites.unplaced:
        notes.append(f"{model.sites.unplaced:,} services have no place and are left out.")
    if demand is not None and (unknown := int(pd.to_numeric(demand, errors="coerce").isna().sum())):
        notes.append(f"The demand group has no figure for {unknown:,} areas; nobody is counted there.")
    if model.travel is not None:
        unreached = len(model.sites) - len(np.unique(model.travel.tocoo().coords[1]))
        if unreached:
            notes.append(f"{unreached:,} of {len(model.sites):,} services are in no journey of the travel-time table.")
    if len(frame) == 1:
        notes.append("There is one area only, so need is 50 by definition: it has nothing to compare with.")
    if len(model.sites):
        none = border.authorities["lad_code"][border.authorities["services"] == 0].tolist()
        if none:
            names = {} if lads is None else dict(zip(lads["code"], lads["name"], strict=True))
            said = ", ".join(str(names.get(code, code)) for code in none[:5])
            said += f" and {len(none) - 5} more" if len(none) > 5 else ""
            notes.append(f"Authorities without a service of their own: {said}.")
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
        "metric": access.metric,
        "metric_asked": request.metric,
        "max_m": access.limit if model.unit == "m" else request.max_m,
        "max_min": access.limit if model.unit == "min" else None,
        "unit": access.unit,
        "detour": request.detour,
        "walking_kmh": request.walking_kmh,
        "driving_kmh": request.driving_kmh if request.fair else None,
        "distance": _how(request, model),
        "alone": request.alone,
        "fair": request.fair,
        "group": request.group,
        "travel": request.travel,
        "partner": request.partner,
        "footprint": list(request.footprint),
        "need_threshold": request.need_threshold,
        "access_cut": _null(access.cut),
        "rule": f"Underserved: need {request.need_threshold:g} or more (of 100), and {access.rule}.",
        "bivariate": {"need": [_null(c) for c in grid.need_cuts], "access": [_null(c) for c in grid.access_cuts]},
        "robustness": 0 if sure is None else sure.draws,
        "seed": None if sure is None else sure.seed,
        "varied": None if sure is None else sure.varied,
    }


def _how(request: GapRequest, model: AccessModel) -> str:
    if model.travel is not None:
        return "minutes of a supplied travel-time table"
    line = "straight line" if request.detour == 1 else f"straight line times {request.detour:g}"
    if model.unit == "min":
        return (
            f"{line}, driven at {request.driving_kmh:g} km/h by households with a car and walked at "
            f"{request.walking_kmh:g} km/h by those without"
        )
    return line


def _summary(
    request, table, listed, found, access: PoorAccess, border: BorderView, lost: Vanishing | None
) -> dict[str, Any]:
    part = table[listed]
    gap = part["underserved"]
    people = part["population"]
    shared = [c for c in found if c.shared]
    own = part["nearer_elsewhere"]
    summary = {
        "areas": len(part),
        "residents": float(people.sum()),
        "areas_without_need": int(part["need"].isna().sum()),
        "underserved_areas": int(gap.sum()),
        "underserved_residents": float(people[gap].sum()),
        "near_misses": int(part["near_miss"].sum()),
        "high_need_areas": int((part["need"] >= request.need_threshold).sum()),
        "poor_access_areas": int(part["poor"].sum()),
        "communities": len(found),
        "shared_communities": len(shared),
        "shared_residents": float(sum(c.population for c in shared)),
        "areas_nearer_elsewhere": int(own.sum()),
        "residents_nearer_elsewhere": float(people[own].sum()),
        "underserved_nearer_elsewhere": float(people[own & gap].sum()),
        "bivariate": [list(row) for row in _counts(part["class"])],
        "unknown": int((part["class"] < 0).sum()),
        "by_authority": _gap_by_authority(part, border),
        "rule": access.rule,
    }
    if request.robustness:
        said = part["stability_words"][gap].value_counts()
        summary["stability"] = {word: int(said.get(word, 0)) for word in ("firm", "likely", "borderline", "weak")}
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


def _gap_by_authority(part: pd.DataFrame, border: BorderView) -> list[dict[str, Any]]:
    people, gap = part["population"], part["underserved"]
    table = pd.DataFrame(
        {
            "lad_code": part["lad_code"].astype(str),
            "areas": 1,
            "residents": people,
            "underserved_areas": gap.astype(int),
            "underserved_residents": people.where(gap, 0.0),
            "residents_nearer_elsewhere": people.where(part["nearer_elsewhere"], 0.0),
        }
    )
    total = table.groupby("lad_code", sort=True).sum()
    total.insert(4, "services", border.authorities.set_index("lad_code")["services"].reindex(total.index))
    return total.reset_index().to_dict("records")


def _sentence(result: GapResult) -> str:
    s = result.summary
    if not s["underserved_areas"]:
        if s["areas_without_need"] == s["areas"]:
            return "Need is not known for any of these areas, so no gap can be named."
        return f"No area is underserved: none has need of {result.request.need_threshold:g} or more and is {result.access.rule}."
    text = (
        f"{s['underserved_areas']:,} areas with {s['underserved_residents']:,.0f} residents are underserved, "
        f"in {s['communities']:,} {'community' if s['communities'] == 1 else 'communities'}"
    )
    if s["shared_communities"]:
        text += f", {s['shared_communities']:,} of them shared between authorities"
    text += "."
    if "stability" in s:
        firm = s["stability"]["firm"] + s["stability"]["likely"]
        text += f" {firm:,} of these areas are firm or likely."
    return text


def gaps_json(result: GapResult) -> dict[str, Any]:
    part = result.areas[result.listed]
    columns = {name: _json_column(part[name]) for name in part.columns}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return {
        "parameters": result.parameters,
        "areas": rows,
        "communities": [community_json(c) for c in result.communities],
        "summary": _plain(result.summary),
    }


def community_json(community: Community) -> dict[str, Any]:
    """A community as ``/api/v1/gaps`` gives it."""
    return {
        "id": community.id,
        "name": community.name,
        "areas": list(community.areas),
        "lads": list(community.lads),
        "population": community.population,
        "shares": [asdict(share) for share in community.shares],
        "shared": community.shared,
        "need": _null(community.need),
        "access": _null(community.access),
        "access_worst": _null(community.access_worst),
        "stability": _null(community.stability),
        "stability_words": community.words,
        "drivers": [_plain(dict(driver)) for driver in community.drivers],
        "border_penalty_m": _null(community.border_penalty_m),
        "residents_nearer_elsewhere": _null(community.residents_nearer_elsewhere),
        "centre": list(community.centre),
    }


# --- find_together ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TogetherResult:
    """Alone against together for every area, and totals per authority."""

    parameters: dict[str, Any]
    areas: pd.DataFrame = field(repr=False)
    authorities: pd.DataFrame = field(repr=False)
    summary: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The document of ``/api/v1/together``."""
        rows = {name: _json_column(self.areas[name]) for name in self.areas.columns}
        return {
            "parameters": self.parameters,
            "areas": [dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True)],
            "authorities": [_plain(row) for row in self.authorities.to_dict("records")],
            "summary": _plain(self.summary),
        }


def find_together(
    services: Mapping[str, ServiceLayer],
    areas: Mapping[str, pd.DataFrame],
    *,
    level: str = "lsoa",
    max_m: float | None = None,
    detour: float = 1.0,
    footprint: Sequence[str] = (),
    score: pd.Series | None = None,
) -> TogetherResult:
    """What changes when everybody's services count instead of only one's own authority's.

    With ``score`` (need) the summary also says how many areas would be called underserved when looking alone, and are not
    when looking together: the areas misjudged.
    """
    faults = []
    if level not in areas:
        faults.append(Fault(f"unknown level '{level}'", "level", f"use {_or(list(areas))}", rule="level"))
    if not services:
        faults.append(Fault("no services were chosen", "services", "choose at least one layer", rule="services-empty"))
    if max_m is not None and not (np.isfinite(max_m) and max_m > 0):
        faults.append(Fault(f"max_m is {max_m}", "max_m", "use a number above 0", rule="max-m"))
    if faults:
        raise Refused("Alone and together cannot be compared.", faults)
    frame = areas[level]
    sites = read_sites([layer.table for layer in services.values()], list(services))
    standards = [layer.descriptor.access_standard for layer in services.values()]
    if max_m is None and any(standards):
        max_m = float(min(standard.max_m for standard in standards if standard is not None))
    view = border_view(frame, sites, max_m, detour=detour)
    listed = frame["lad_code"].isin(footprint) if footprint else pd.Series(True, index=frame.index)
    names = dict(zip(areas["lad"]["code"], areas["lad"]["name"], strict=True)) if "lad" in areas else {}
    table = pd.concat([frame[["code", "name", "lad_code", "population"]], view.areas], axis=1)
    table["nearest_lad_name"] = [names.get(code, code) for code in table["nearest_lad"]]
    authorities = view.authorities.assign(name=[names.get(code, code) for code in view.authorities["lad_code"]])
    if footprint:
        authorities = authorities[authorities["lad_code"].isin(footprint)].reset_index(drop=True)
    people = frame["population"]
    own = view.areas["nearer_elsewhere"] & listed
    summary: dict[str, Any] = {
        "residents": float(people[listed].sum()),
        "areas_nearer_elsewhere": int(own.sum()),
        "residents_nearer_elsewhere": float(people[own].sum()),
        "residents_without_own_service": float(people[listed & (view.areas["reason"] == NO_OWN_SERVICE)].sum()),
        "services": len(sites),
        "flows": _flows(table[own]),
    }
    if max_m is not None:
        alone = ~(view.areas["alone_m"] <= max_m)
        together = ~(view.areas["together_m"] <= max_m)
        judged = alone & ~together & listed
        summary["areas_misjudged"] = int(judged.sum())
        summary["residents_misjudged"] = float(people[judged].sum())
        if score is not None:
            high = judged & (score >= NEED_THRESHOLD)
            summary["gaps_only_alone"] = int(high.sum())
            summary["residents_gaps_only_alone"] = float(people[high].sum())
    said = f"{summary['residents_nearer_elsewhere']:,.0f} of {summary['residents']:,.0f} residents"
    summary["sentence"] = (
        f"{said} are nearer to another authority's service than to one of their own." if len(sites) else NO_SERVICE
    )
    parameters = {
        "services": [{"id": name, "title": layer.descriptor.title} for name, layer in services.items()],
        "level": level,
        "max_m": max_m,
        "detour": detour,
        "footprint": list(footprint),
        "distance": "straight line" if detour == 1 else f"straight line times {detour:g}",
    }
    return TogetherResult(parameters, table[listed], authorities, summary)


def _flows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Residents by their own authority and that of their nearest service, largest first."""
    if table.empty:
        return []
    total = (
        table.groupby(["lad_code", "nearest_lad"], sort=True)["population"]
        .sum()
        .sort_values(ascending=False, kind="stable")
    )
    return [{"lad_code": a, "nearest_lad": b, "residents": float(n)} for (a, b), n in total.items()]


# --- find_sites ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SitingRequest:
    """A gap request, and what to plan for it. ``demand`` is "underserved" or "all"."""

    gaps: GapRequest
    new: int = 1
    objective: str = "mclp"
    demand: str = "underserved"
    exclude: tuple[str, ...] = ()
    compare_alone: bool = True
    exact: bool = True
    time_limit: float = 20.0


PLAN_FIELDS = (
    "objective",
    "new",
    "max_m",
    "unit",
    "value",
    "bound",
    "gap",
    "proven",
    "method",
    "greedy_value",
    "demand",
    "demand_within_before",
    "demand_within_after",
    "mean_before",
    "mean_after",
)
"""What a plan's JSON says about it, as named in :class:`~layers.methods.siting.SitingPlan`."""


@dataclass(frozen=True)
class SitingResult:
    request: SitingRequest
    parameters: dict[str, Any]
    plan: SitingPlan
    gaps: GapResult = field(repr=False)
    sentence: str = ""

    def to_json(self) -> dict[str, Any]:
        """The document of ``commonground site --json``."""
        plan = self.plan
        return {
            "parameters": self.parameters,
            "sites": [asdict(site) for site in plan.sites],
            "result": _plain({name: getattr(plan, name) for name in PLAN_FIELDS}),
            "by_authority": [_plain(row) for row in plan.by_authority.to_dict("records")],
            "by_fifth": [_plain(row) for row in plan.by_fifth.to_dict("records")],
            "uncoverable": list(plan.uncoverable),
            "alone": None if plan.alone is None else _plain(asdict(plan.alone)),
            "notes": list(plan.notes),
            "sentence": self.sentence,
        }


def find_sites(
    request: SitingRequest,
    areas: Mapping[str, pd.DataFrame],
    indicators: Mapping[str, IndicatorLayer],
    services: Mapping[str, ServiceLayer],
    *,
    candidates: pd.DataFrame | None = None,
    gaps: GapResult | None = None,
    no_car_share: pd.Series | None = None,
    progress: Callable[[str, float, float], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> SitingResult:
    """Where the next sites help most for the gaps of a request. ``gaps`` may be handed in when known.

    Sites are planned in straight-line cost, whatever the request's metric: a site that does not exist is in no travel table.
    """
    faults = []
    if request.demand not in ("underserved", "all"):
        faults.append(Fault(f"unknown demand '{request.demand}'", "demand", "use underserved or all"))
    if request.objective not in OBJECTIVES:
        faults.append(Fault(f"unknown objective '{request.objective}'", "objective", f"use {_or(OBJECTIVES)}"))
    if faults:
        raise Refused("Sites cannot be suggested.", faults)
    if gaps is None:
        gaps = find_gaps(request.gaps, areas, indicators, services, no_car_share=no_car_share)
    frame = areas[request.gaps.level]
    people = frame["population"].astype("float64")
    demand = people.where(gaps.areas["underserved"], 0.0) if request.demand == "underserved" else people
    if request.gaps.footprint:
        demand = demand.where(frame["lad_code"].isin(request.gaps.footprint), 0.0)
    limit = gaps.access.limit
    if gaps.model.travel is not None and limit is not None:
        limit = request.gaps.max_m or metres_in(limit, request.gaps.walking_kmh)
    if limit is None and request.objective != "p-median":
        what = f"{request.objective} needs a distance within which people are served, and the services have no standard"
        raise Refused("Sites cannot be suggested.", [Fault(what, "max_m", "give max_m, or use p-median", rule="max-m")])
    plan = plan_sites(
        frame,
        pd.concat([services[name].table for name in request.gaps.services], ignore_index=True),
        demand,
        objective=request.objective,
        new=request.new,
        max_m=limit,
        need=gaps.need.score,
        candidates=candidates,
        exclude=request.exclude,
        compare_alone=request.compare_alone,
        exact=request.exact,
        time_limit=request.time_limit,
        progress=progress,
        cancel=cancel,
        detour=request.gaps.detour,
        no_car_share=no_car_share if request.gaps.fair else None,
        walking_kmh=request.gaps.walking_kmh,
        driving_kmh=request.gaps.driving_kmh,
    )
    parameters = {
        **gaps.parameters,
        "new": request.new,
        "objective": request.objective,
        "demand": request.demand,
        "exclude": list(request.exclude),
        "candidates": "a supplied list" if candidates is not None else "the areas' points",
    }
    return SitingResult(request, parameters, plan, gaps, _plan_sentence(request, plan))


def _plan_sentence(request: SitingRequest, plan: SitingPlan) -> str:
    if plan.demand <= 0:
        return (
            "Nobody is planned for: no area is underserved."
            if request.demand == "underserved"
            else "Nobody lives here."
        )
    who = "residents of underserved areas" if request.demand == "underserved" else "residents"
    count = f"{plan.new} new site{'s' if plan.new != 1 else ''}"
    if plan.objective == "mclp":
        text = f"{count} would bring {plan.value:,.0f} of {plan.demand:,.0f} {who} within {_distance(plan.max_m, plan.unit)}."
    elif plan.objective == "lscp":
        text = f"{count} would bring everyone who can be brought within {_distance(plan.max_m, plan.unit)}."
    elif plan.mean_before is None:
        text = f"{count} would leave {who} {_distance(plan.mean_after, plan.unit)} from the nearest on average."
    else:
        before, after = _distance(plan.mean_before, plan.unit), _distance(plan.mean_after, plan.unit)
        text = f"{count} would cut the mean way of {who} from {before} to {after}."
    if plan.proven:
        text += " No other choice does better."
    else:
        text += f" That is at most {plan.gap:.1%} short of the best possible."
    if plan.alone is not None and plan.objective == "mclp" and plan.alone.saving >= 0.5:
        text += f" Planned by each authority for itself, the same number would bring {plan.alone.saving:,.0f} fewer."
    if plan.alone is not None and plan.objective == "lscp" and plan.alone.sites_saved:
        text += f" Planned by each authority for itself, {plan.alone.sites_saved} more would be needed."
    return text


# --- plain values ----------------------------------------------------------------------------------------------------


def _distance(cost: float, unit: str) -> str:
    if unit == "min":
        return f"{cost:.1f}".removesuffix(".0") + " minutes" if cost < 30 else f"{cost:.0f} minutes"
    return f"{cost:,.0f} m" if cost < 1000 else f"{cost / 1000:.1f} km".replace(".0 km", " km")


def _long(unit: str) -> str:
    return {"m": "metres", "min": "minutes"}[unit]


def _or(words: Sequence[str]) -> str:
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _null(number: float | None) -> float | None:
    return None if number is None or not np.isfinite(number) else float(number)


def _json_column(column: pd.Series) -> list:
    if column.dtype == bool:
        return column.tolist()
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy("float64")
        return [
            value if known else None for value, known in zip(values.tolist(), np.isfinite(values).tolist(), strict=True)
        ]
    if pd.api.types.is_integer_dtype(column):
        return column.astype("int64").tolist()
    return [str(value) for value in column]


def _plain(value: Any) -> Any:
    """Numbers, lists and dicts that json can write; NaN and infinity become null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return _null(float(value))
    return value
