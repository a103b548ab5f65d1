"""Alone and together: the nearest service over everybody's against the nearest of one's own authority."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from layers.methods.access import Sites, access_model, read_sites
from layers.methods.gap_request import NEED_THRESHOLD, ServiceLayer
from layers.methods.json_values import json_rows, plain
from layers.methods.metrics import either
from layers.methods.water import Water
from layers.model import Fault, Refused

NO_SERVICE = "no-service"  # at all
NO_OWN_SERVICE = "no-own-service"  # the authority has none
NO_OWN_WAY = "no-own-way"  # every one of the authority's own is across water, and no way leads there
NO_AUTHORITY = "no-authority"  # the area lies in none that is known


@dataclass(frozen=True)
class BorderView:
    """Nearest over everybody's services against one's own authority's. Frames are on the areas' index.

    ``areas``: alone_m, together_m, border_penalty_m, reason, nearest_service_id, nearest_service, nearest_lad,
    nearer_elsewhere, crossing (no service can be reached over land) and crossings (names, on the way).
    """

    areas: pd.DataFrame
    authorities: pd.DataFrame  # one row per authority, see :func:`border_view`


def border_view(
    areas: pd.DataFrame, services: pd.DataFrame | Sites, max_m: float | None = None, **settings
) -> BorderView:
    """``together_m``, ``alone_m`` and ``border_penalty_m`` of every area, and totals per authority.

    The penalty is never negative, and NaN with a ``reason`` where the authority has no service of its own. An area is
    *nearer elsewhere* when its nearest service stands outside its authority and is strictly nearer than its own. Where two
    are equally near, its own is meant. Where all its own are across water without a way and another can be reached, there is
    no penalty, with the reason; where none can be reached at all the area is ``crossing``, judged by straight lines, and in
    no total.
    """
    sites = services if isinstance(services, Sites) else read_sites(services)
    settings.pop("alone", None)
    together_model = access_model(areas, sites, **settings)
    alone_model = access_model(areas, sites, alone=True, **settings)
    together, site = together_model.nearest
    alone, own_site = alone_model.nearest
    crossing = together_model.crossing
    no_way = alone_model.crossing & ~crossing  # then the line to one's own is no reason to prefer it
    together = np.where(no_way, together, np.minimum(together, alone))
    own_first = (own_site >= 0) & (alone <= together) & ~no_way
    site = np.where(own_first, own_site, site)
    lad = together_model.lad
    served = np.isfinite(together)
    has_own = np.isfinite(alone)
    lacking = np.where(lad == "", NO_AUTHORITY, NO_OWN_SERVICE)
    reason = np.where(~served, NO_SERVICE, np.where(~has_own, lacking, np.where(no_way, NO_OWN_WAY, "")))
    with np.errstate(invalid="ignore"):
        penalty = np.where(has_own & ~no_way, np.maximum(alone - together, 0.0), np.nan)
    near = lambda texts: np.where(site >= 0, texts[site], "") if len(sites) else np.full(len(areas), "", object)  # noqa: E731
    elsewhere = served & ((alone > together) | no_way)
    crossed = np.empty(len(areas), dtype=object)
    crossed[:] = together_model.crossed(np.arange(len(areas)), site)
    frame = pd.DataFrame(
        {
            "alone_m": np.where(has_own, alone, np.nan),
            "together_m": np.where(served, together, np.nan),
            "border_penalty_m": penalty,
            "reason": reason.astype(object),
            "nearest_service_id": near(sites.ids),
            "nearest_service": near(sites.names),
            "nearest_lad": near(sites.lad),
            "nearer_elsewhere": elsewhere,
            "crossing": crossing,
            "crossings": crossed,
        },
        index=areas.index,
    )
    return BorderView(frame, _by_authority(areas, frame, sites, max_m))


def _by_authority(areas: pd.DataFrame, frame: pd.DataFrame, sites: Sites, max_m: float | None) -> pd.DataFrame:
    """Totals per authority: own services, residents, residents nearer elsewhere, mean metres alone and together."""
    people = areas["population"].to_numpy("float64")
    reached = ~frame["crossing"].to_numpy()
    both = frame["border_penalty_m"].notna().to_numpy() & reached
    served = frame["together_m"].notna().to_numpy() & reached
    elsewhere = frame["nearer_elsewhere"].to_numpy() & reached
    table = pd.DataFrame(
        {
            "lad_code": areas["lad_code"].to_numpy(object),
            "areas": 1,
            "residents": people,
            "areas_nearer_elsewhere": elsewhere.astype(int),
            "residents_nearer_elsewhere": np.where(elsewhere, people, 0.0),
            "_both": np.where(both, people, 0.0),
            "_alone": np.where(both, frame["alone_m"].to_numpy() * people, 0.0),
            "_served": np.where(served, people, 0.0),
            "_together": np.where(served, frame["together_m"].to_numpy() * people, 0.0),
            "_penalty": np.where(both, frame["border_penalty_m"].to_numpy() * people, 0.0),
        }
    )
    if max_m is not None:
        table["residents_within_alone"] = np.where(both & (frame["alone_m"].to_numpy() <= max_m), people, 0.0)
        table["residents_within_together"] = np.where(served & (frame["together_m"].to_numpy() <= max_m), people, 0.0)
    total = table.groupby("lad_code", sort=True).sum()
    divide = lambda top, under: total[top] / total[under].where(total[under] > 0)  # noqa: E731
    total["mean_alone_m"] = divide("_alone", "_both")
    total["mean_together_m"] = divide("_together", "_served")
    total["mean_penalty_m"] = divide("_penalty", "_both")
    total.insert(0, "services", pd.Series(sites.lad).value_counts().reindex(total.index).fillna(0).astype(int))
    total["reason"] = np.where(total["services"] > 0, "", NO_SERVICE if not len(sites) else NO_OWN_SERVICE)
    return total.drop(columns=[name for name in total.columns if name.startswith("_")]).reset_index()


# --- find_together -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TogetherResult:
    """Alone against together for every area, and totals per authority."""

    parameters: dict[str, Any]
    areas: pd.DataFrame = field(repr=False)
    authorities: pd.DataFrame = field(repr=False)
    summary: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The document of ``/api/v1/together``."""
        return {
            "parameters": self.parameters,
            "areas": json_rows(self.areas),
            "authorities": [plain(row) for row in self.authorities.to_dict("records")],
            "summary": plain(self.summary),
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
    water: Water | None = None,
) -> TogetherResult:
    """What changes when everybody's services count instead of only one's own authority's.

    With ``score`` (need) the summary also says how many areas would be called underserved when looking alone, and are not
    when looking together: the areas misjudged. ``water`` finds the ways where a straight line crosses water.
    """
    faults = []
    if level not in areas:
        faults.append(Fault(f"unknown level '{level}'", "level", f"use {either(list(areas))}", rule="level"))
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
    view = border_view(frame, sites, max_m, detour=detour, water=water)
    listed = frame["lad_code"].isin(footprint) if footprint else pd.Series(True, index=frame.index)
    names = dict(zip(areas["lad"]["code"], areas["lad"]["name"], strict=True)) if "lad" in areas else {}
    table = pd.concat([frame[["code", "name", "lad_code", "population"]], view.areas], axis=1)
    table["nearest_lad_name"] = [names.get(code, code) for code in table["nearest_lad"]]
    authorities = view.authorities.assign(name=[names.get(code, code) for code in view.authorities["lad_code"]])
    if footprint:
        authorities = authorities[authorities["lad_code"].isin(footprint)].reset_index(drop=True)
    people = frame["population"]
    apart = view.areas["crossing"]
    own = view.areas["nearer_elsewhere"] & listed & ~apart
    summary: dict[str, Any] = {
        "residents": float(people[listed].sum()),
        "areas_nearer_elsewhere": int(own.sum()),
        "residents_nearer_elsewhere": float(people[own].sum()),
        "residents_without_own_service": float(people[listed & (view.areas["reason"] == NO_OWN_SERVICE)].sum()),
        "services": len(sites),
        "crossing": {"areas": int((apart & listed).sum()), "residents": float(people[apart & listed].sum())},
        "crossings": residents_by_crossing(table[own]),
        "flows": _flows(table[own]),
    }
    if max_m is not None:
        alone = ~(view.areas["alone_m"] <= max_m) | (view.areas["reason"] == NO_OWN_WAY)
        together = ~(view.areas["together_m"] <= max_m)
        judged = alone & ~together & listed & ~apart
        summary["areas_misjudged"] = int(judged.sum())
        summary["residents_misjudged"] = float(people[judged].sum())
        if score is not None:
            high = judged & (score >= NEED_THRESHOLD)
            summary["gaps_only_alone"] = int(high.sum())
            summary["residents_gaps_only_alone"] = float(people[high].sum())
    parameters = {
        "services": [{"id": name, "title": layer.descriptor.title} for name, layer in services.items()],
        "level": level,
        "max_m": max_m,
        "detour": detour,
        "footprint": list(footprint),
    }
    return TogetherResult(parameters, table[listed], authorities, summary)


def _flows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Residents by their own authority and that of their nearest service, largest first, and by the crossings on the way."""
    flows = []
    for (own, other), part in table.groupby(["lad_code", "nearest_lad"], sort=True):
        residents = float(part["population"].sum())
        crossings = residents_by_crossing(part)
        flows.append({"lad_code": own, "nearest_lad": other, "residents": residents, "crossings": crossings})
    return sorted(flows, key=lambda flow: -flow["residents"])


def residents_by_crossing(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Residents whose way to the nearest service leads over each crossing, most first; one way may lead over several."""
    ways = table[["crossings", "population"]].explode("crossings").dropna(subset="crossings")
    total = ways.groupby("crossings", sort=True)["population"].sum().sort_values(ascending=False, kind="stable")
    return [{"name": name, "residents": float(residents)} for name, residents in total.items()]
