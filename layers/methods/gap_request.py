"""What is asked of :func:`layers.methods.gaps.find_gaps`: the request, the layers that it names, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from layers.methods.access import DRIVING_KMH, WALKING_KMH, AccessModel, access_model, minutes_for, read_sites
from layers.methods.access_means import SMALL, Access
from layers.methods.fitness import is_sample
from layers.methods.metrics import DEFAULT, METRICS, either
from layers.methods.stability import SEED
from layers.model import LEVELS, Descriptor, Fault, Kind, Refused

NEED_THRESHOLD = 80.0


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
    metric: str = DEFAULT
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


@dataclass(frozen=True)
class Note:
    """Something that the reader of a result should know: a code, and the numbers and names that belong to it."""

    code: str
    about: dict[str, object] = field(default_factory=dict)


ByLevel = pd.Series | Mapping[str, pd.Series] | None
"""A Series for the small areas, at which access is measured, or one for each level."""


def of_small_areas(given: ByLevel) -> pd.Series | None:
    return given.get(SMALL) if isinstance(given, Mapping) else given


def check_request(request: GapRequest, areas, indicators, services, demand, no_car_share, travel) -> None:
    faults: list[Fault] = []
    if request.level not in LEVELS or request.level not in areas:
        faults.append(Fault(f"unknown level '{request.level}'", "level", f"use {either(list(areas))}", rule="level"))
    if request.metric not in METRICS:
        faults.append(Fault(f"unknown metric '{request.metric}'", "metric", f"use {either(METRICS)}", rule="metric"))
    if not request.need:
        faults.append(Fault("no indicator was chosen", "need", "choose at least one", rule="need-empty"))
    names = [name for name, _ in request.need]
    for name in names:
        layer = indicators.get(name)
        if layer is None:
            faults.append(Fault(f"there is no indicator '{name}'", "need", "check the name", rule="layer-unknown"))
        elif layer.descriptor.kind != Kind.INDICATOR:
            faults.append(Fault(f"'{name}' is a list of services, not an indicator", "need", "choose an indicator"))
        elif fault := _unfit(name, layer.descriptor, "need"):
            faults.append(fault)
        elif request.level not in layer.values:
            what = f"'{layer.descriptor.title or name}' has no values by {request.level}"
            faults.append(Fault(what, "need", "choose another level or indicator", rule="need-level"))
    for name, weight in request.need:
        if not isinstance(weight, int | float) or not np.isfinite(weight) or weight < 0:
            what = f"the weight of '{name}' is {weight}"
            faults.append(Fault(what, "need", "use 0 or a positive number", rule="weight"))
    if len(set(names)) < len(names):
        faults.append(Fault("an indicator is named twice", "need", "name each once", rule="twice"))
    if not request.services:
        faults.append(Fault("no services were chosen", "services", "choose at least one layer", rule="services-empty"))
    for name in request.services:
        layer = services.get(name)
        if layer is None:
            what = f"there is no service layer '{name}'"
            faults.append(Fault(what, "services", "check the name", rule="layer-unknown"))
        elif layer.descriptor.kind != Kind.SERVICES:
            faults.append(Fault(f"'{name}' is an indicator, not a list of services", "services", "choose services"))
        elif fault := _unfit(name, layer.descriptor, "services"):
            faults.append(fault)
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
        what = f"'{request.group}' has no counts by small area, at which capacity is shared"
        faults.append(Fault(what, "group", "choose another demand group, or all residents", rule="group"))
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


def _unfit(name: str, descriptor: Descriptor, where: str) -> Fault | None:
    """The fault of a layer that must not be used to find gaps."""
    if "gaps" in descriptor.fit_for:
        return None
    return Fault(unfit_words(name, descriptor), where, "choose another that is fit for it", rule="unfit")


def unfit_faults(layers: Mapping[str, Descriptor], where: str) -> list[Fault]:
    """The faults of those layers that must not be used to find gaps."""
    return list(filter(None, (_unfit(name, descriptor, where) for name, descriptor in layers.items())))


def unfit_words(name: str, descriptor: Descriptor) -> str:
    """Why a layer cannot be chosen for the need or the services of a gap question."""
    fit = " and ".join(USES[use] for use in descriptor.fit_for)
    what = f"'{descriptor.title or name}' is not fit for finding gaps"
    return f"{what}: whoever supplies it says that it is fit for {fit or 'looking at'} only"


USES = {"gaps": "finding gaps", "counts": "counting people", "ranking": "putting areas in order"}


def model_of(request: GapRequest, areas, services, demand, no_car_share, travel, water=None) -> AccessModel:
    """Access of the small areas; :func:`layers.methods.access_means.at_level` says what that is at another level."""
    sites = read_sites([services[name].table for name in request.services], request.services)
    return access_model(
        areas[SMALL],
        sites,
        detour=request.detour,
        demand=demand,
        alone=request.alone,
        travel=travel,
        no_car_share=no_car_share if request.fair else None,
        walking_kmh=request.walking_kmh,
        driving_kmh=request.driving_kmh,
        water=water,
    )


def words_may_be_said(services: Iterable[ServiceLayer]) -> bool:
    """Whether an area may be called a firm gap. Of a sample, or a list of which nobody says how much it holds, it may not: the
    sites that it does not list cannot be drawn."""
    return not any(is_sample(layer.descriptor) for layer in services)


def limit_of(request: GapRequest, services, model: Access) -> tuple[float | None, list[Note]]:
    """The standard in the model's unit of cost, and notes on how it came about."""
    metres, notes = request.max_m, []
    if metres is None:
        standards = [services[name].descriptor.access_standard for name in request.services]
        known = {standard.max_m for standard in standards if standard is not None}
        if known:
            metres = float(min(known))
        if len(known) > 1:
            notes.append(Note("strictest-standard", {"max_m": metres}))
    if model.unit == "m":
        return metres, notes
    if request.max_min is not None:
        return float(request.max_min), notes
    if metres is None:
        return None, notes
    minutes = float(minutes_for(metres, request.walking_kmh))
    # what is walked in place of minutes matters more than which of several standards it was
    return minutes, [Note("metres-walked", {"max_m": metres, "minutes": minutes, "walking_kmh": request.walking_kmh})]
