"""Wards against small areas: which gaps a map of wards would hide."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from layers.methods.access import AccessModel
from layers.methods.access_means import SMALL, AccessMeans, at_level
from layers.methods.gap_request import limit_of
from layers.methods.metrics import poor_access
from layers.methods.need import DECIMALS, Indicator, Need, compose, need_percentiles, percentile
from layers.methods.underserved import underserved


@dataclass(frozen=True)
class WardParts:
    """What the comparison with wards needs and no weight changes: kept, a moving slider need not make it again.

    ``percentiles`` is None where an indicator has no figures by ward; the need of a ward is then the average of its small
    areas', each counting by its residents.
    """

    model: AccessMeans
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


def ward_parts(request, areas, indicators, model: AccessModel) -> WardParts | None:
    """What is needed to ask the same at ward level, from the model of the small areas; None at any other level than theirs."""
    if request.level != SMALL or areas.get("ward") is None or "ward_code" not in areas[SMALL].columns:
        return None
    access, names = at_level(model, areas, "ward"), [name for name, _ in request.need]
    if not all("ward" in indicators[i].values for i in names):
        return WardParts(access, None)
    parts = [Indicator.of(indicators[i].descriptor, indicators[i].values["ward"]) for i in names]
    return WardParts(access, need_percentiles(parts))


def gaps_that_vanish(request, areas, services, wards: WardParts, weights, gap, measured: Need) -> Vanishing:
    """The same request at ward level, against the gaps of the small areas."""
    frame = areas["ward"]
    limit, _ = limit_of(request, services, wards.model)
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
