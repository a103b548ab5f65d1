"""Alone and together: the nearest service over everybody's against the nearest of one's own authority."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from layers.methods.access import Sites, access_model, read_sites
from layers.methods.access_means import SMALL, Members, members_of
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
class Flow:
    """Residents of one authority who are nearer to a service in another. One way may lead over several crossings."""

    lad_code: str
    nearest_lad: str
    residents: float
    crossings: list[dict[str, Any]]  # name and residents, most first


@dataclass(frozen=True)
class BorderView:
    """Nearest over everybody's services against one's own authority's. Frames are on the areas' index.

    ``areas``: alone_m, together_m, border_penalty_m, reason, nearest_service_id, nearest_service, nearest_lad,
    nearer_elsewhere, residents_nearer_elsewhere, crossing (no service can be reached over land) and crossings (names, on the way
    to the nearest). ``authorities``: one row each, see :func:`border_view`. ``across``: who is nearer elsewhere, largest first.
    """

    areas: pd.DataFrame
    authorities: pd.DataFrame
    across: tuple[Flow, ...] = field(repr=False)
    crossing_lists: tuple[str, ...] = ()  # ids of the lists that have a pair over water in it

    def flows(self, footprint: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Residents by their own authority and that of their nearest service, largest first, and by crossing on the way."""
        return [asdict(flow) for flow in self.across if not footprint or flow.lad_code in footprint]


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
    elsewhere = served & ((alone > together) | no_way) & ~crossing
    lists = together_model.lists_over_water() | alone_model.lists_over_water()
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
            "residents_nearer_elsewhere": np.where(elsewhere, areas["population"].to_numpy("float64"), 0.0),
            "crossing": crossing,
            "crossings": crossed,
        },
        index=areas.index,
    )
    return BorderView(frame, _by_authority(areas, frame, sites, max_m), _across(areas, frame), tuple(sorted(lists)))


def _across(areas: pd.DataFrame, frame: pd.DataFrame) -> tuple[Flow, ...]:
    table = frame[["nearest_lad", "residents_nearer_elsewhere", "crossings"]].assign(lad_code=areas["lad_code"])
    table = table[frame["nearer_elsewhere"]]
    total = table.groupby(["lad_code", "nearest_lad"], sort=True)["residents_nearer_elsewhere"].sum()
    over: dict[tuple[str, str], list[tuple]] = {}  # few ways lead over water
    for own, other, names, residents in table[["lad_code", "nearest_lad", "crossings", "residents_nearer_elsewhere"]][
        table["crossings"].map(bool).astype(bool)
    ].itertuples(index=False):
        over.setdefault((own, other), []).append((names, residents))
    flows = [
        Flow(
            str(own),
            str(other),
            float(residents),
            _by_crossing(*zip(*over.get((own, other), [((), 0.0)]), strict=True)),
        )
        for (own, other), residents in total.items()
    ]
    return tuple(sorted(flows, key=lambda flow: -flow.residents))


def _by_crossing(names: Iterable[Sequence[str]], residents: Iterable[float]) -> list[dict[str, Any]]:
    """Residents by crossing on their way, most first."""
    total: dict[str, float] = {}
    for way, people in zip(names, residents, strict=True):
        for name in way:
            total[str(name)] = total.get(str(name), 0.0) + float(people)
    return [{"name": name, "residents": n} for name, n in sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))]


def by_crossing(flows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Residents of several flows by crossing on their way, most first."""
    rows = [row for flow in flows for row in flow["crossings"]]
    return _by_crossing([(row["name"],) for row in rows], [row["residents"] for row in rows])


def border_view_at(
    areas: Mapping[str, pd.DataFrame],
    level: str,
    services: pd.DataFrame | Sites,
    max_m: float | None = None,
    **settings,
) -> BorderView:
    """:func:`border_view` of the small areas, as the areas of any level have it.

    Metres are means over residents, those left out who live in ``crossing`` small areas, unless more than half of a larger area's
    do; then it is ``crossing`` itself. The service named is the nearest of most residents; a larger area is nearer elsewhere
    when more than half of them are, and their number is that of the small areas, as are the totals per authority.
    """
    small = border_view(areas[SMALL], services, max_m, **settings)
    members = members_of(areas, level)
    if members is None:
        return small
    part = small.areas
    marked = part["crossing"].to_numpy(bool)
    crossing = members.share_of(marked) > 0.5
    counted = ~marked | crossing[np.maximum(members.place, 0)]
    metres = (members.mean_of(part[name], counted) for name in ("alone_m", "together_m", "border_penalty_m"))
    alone, together, penalty = metres
    elsewhere = part["nearer_elsewhere"].to_numpy(bool)
    frame = pd.DataFrame(
        {
            "alone_m": alone,
            "together_m": together,
            "border_penalty_m": penalty,
            "reason": np.where(np.isfinite(penalty), "", members.commonest_of(part["reason"])),
            **_nearest_of_most(part, members),
            "nearer_elsewhere": members.share_of(elsewhere, counted) > 0.5,
            "residents_nearer_elsewhere": members.total_of(part["residents_nearer_elsewhere"]),
            "crossing": crossing,
            "crossings": _crossings_of(part, members),
        },
        index=areas[level].index,
    )
    lads = areas[level]["lad_code"]

    def count(mask: np.ndarray) -> np.ndarray:
        return lads[mask].value_counts().reindex(small.authorities["lad_code"]).fillna(0).astype(int).to_numpy()

    authorities = small.authorities.assign(
        areas=count(np.ones(members.size, bool)), areas_nearer_elsewhere=count(frame["nearer_elsewhere"].to_numpy())
    )
    return BorderView(frame, authorities, small.across, small.crossing_lists)


def _crossings_of(small: pd.DataFrame, members: Members) -> np.ndarray:
    """The crossings on the ways of each larger area's residents, those of most of them first."""
    out = np.empty(members.size, dtype=object)
    out[:] = [()] * members.size
    over = small.assign(place=members.place, people=members.people)[small["crossings"].map(len).to_numpy() > 0]
    for place, part in over[over["place"] >= 0].groupby("place"):
        out[place] = tuple(row["name"] for row in _by_crossing(part["crossings"], part["people"]))
    return out


def _nearest_of_most(small: pd.DataFrame, members: Members) -> dict[str, np.ndarray]:
    """The service that is nearest for most residents of each larger area: its id, name and authority."""
    names = ["nearest_service_id", "nearest_service", "nearest_lad"]
    # two lists may use one id, so a service is known by all three
    number, services = pd.factorize(pd.MultiIndex.from_frame(small[names]), sort=True)
    found = members.commonest_of(number)
    return {
        name: np.array(["" if at == "" else services[at][k] for at in found], dtype=object)
        for k, name in enumerate(names)
    }


def _by_authority(areas: pd.DataFrame, frame: pd.DataFrame, sites: Sites, max_m: float | None) -> pd.DataFrame:
    """Totals per authority: own services, residents, residents nearer elsewhere, mean metres alone and together."""
    people = areas["population"].to_numpy("float64")
    reached = ~frame["crossing"].to_numpy()
    both = frame["border_penalty_m"].notna().to_numpy() & reached
    served = frame["together_m"].notna().to_numpy() & reached
    elsewhere = frame["nearer_elsewhere"].to_numpy()
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
    crossing_lists: tuple[str, ...] = ()  # ids of the lists that have a pair over water in the answer

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
    view = border_view_at(areas, level, sites, max_m, detour=detour, water=water)
    listed = frame["lad_code"].isin(footprint) if footprint else pd.Series(True, index=frame.index)
    names = dict(zip(areas["lad"]["code"], areas["lad"]["name"], strict=True)) if "lad" in areas else {}
    table = pd.concat([frame[["code", "name", "lad_code", "population"]], view.areas], axis=1)
    table["nearest_lad_name"] = [names.get(code, code) for code in table["nearest_lad"]]
    authorities = view.authorities.assign(name=[names.get(code, code) for code in view.authorities["lad_code"]])
    if footprint:
        authorities = authorities[authorities["lad_code"].isin(footprint)].reset_index(drop=True)
    people, elsewhere = frame["population"], view.areas["residents_nearer_elsewhere"]
    apart = view.areas["crossing"]
    summary: dict[str, Any] = {
        "residents": float(people[listed].sum()),
        "areas_nearer_elsewhere": int((view.areas["nearer_elsewhere"] & listed).sum()),
        "residents_nearer_elsewhere": float(elsewhere[listed].sum()),
        "residents_without_own_service": float(people[listed & (view.areas["reason"] == NO_OWN_SERVICE)].sum()),
        "services": len(sites),
        "crossing": {"areas": int((apart & listed).sum()), "residents": float(people[apart & listed].sum())},
        "crossings": by_crossing(view.flows(footprint)),
        "flows": view.flows(footprint),
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
    return TogetherResult(parameters, table[listed], authorities, summary, view.crossing_lists)
