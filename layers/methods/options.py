"""The options sandbox: services opened, closed, moved and resized by hand, measured against the services as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from layers.geography.points import authorities_of
from layers.methods.access import AccessModel, access_model, read_sites
from layers.methods.access_means import SMALL, AccessMeans, members_of, of_small
from layers.methods.gap_request import NEED_THRESHOLD
from layers.methods.metrics import DEFAULT, metric_for
from layers.methods.siting import fifths_of, mean_cost, who_gains
from layers.model import Fault, Refused

CHANGES = ("open", "close", "move", "capacity")


@dataclass(frozen=True)
class Change:
    """One step of an option. Coordinates are EPSG:27700 metres."""

    kind: str  # open | close | move | capacity
    service_id: str
    easting: float | None = None
    northing: float | None = None
    capacity: float | None = None
    name: str = ""
    lad_code: str = ""


def apply_options(services: pd.DataFrame, changes: Sequence[Change], areas: pd.DataFrame | None = None) -> pd.DataFrame:
    """The services after an option's changes, as a new frame; ``services`` stays as it is.

    With ``areas`` given, opened and moved sites learn which authority they stand in. Raises :class:`Refused` with every
    change that names an unknown or existing id, lacks coordinates, or sets a capacity below 0.
    """
    frame = services.copy()
    if "service_id" not in frame.columns:
        frame["service_id"] = [str(i) for i in frame.index]
    frame["service_id"] = frame["service_id"].astype(str)
    faults: list[Fault] = []
    for number, change in enumerate(changes, 1):
        where = f"change {number} ({change.kind} {change.service_id})"
        known = frame["service_id"] == change.service_id
        if change.kind not in CHANGES:
            faults.append(Fault(f"unknown change '{change.kind}'", where, f"use one of {', '.join(CHANGES)}"))
            continue
        if change.kind == "open" and known.any():
            what = "a site with this id exists"
            faults.append(Fault(what, where, "give the new site another id", rule="option-twice"))
            continue
        if change.kind != "open" and not known.any():
            what = "there is no such site"
            faults.append(Fault(what, where, "choose one of the layer's sites", rule="option-unknown"))
            continue
        place = (change.easting, change.northing)
        if change.kind in ("open", "move") and not all(v is not None and np.isfinite(v) for v in place):
            faults.append(Fault("easting and northing are needed", where, "say where", rule="option-place"))
            continue
        if change.capacity is not None and not (np.isfinite(change.capacity) and change.capacity >= 0):
            faults.append(Fault(f"capacity is {change.capacity}", where, "use 0 or more", rule="option-capacity"))
            continue
        if change.kind == "capacity" and change.capacity is None:
            faults.append(Fault("the new capacity is missing", where, "say how much", rule="option-capacity"))
            continue
        lad = change.lad_code
        if change.kind in ("open", "move") and not lad and areas is not None:
            lad = str(authorities_of(areas, np.array([place[0]]), np.array([place[1]]))[0])
        if change.kind == "close":
            frame = frame[~known]
        elif change.kind == "capacity":
            frame = _set(frame, known, capacity=float(change.capacity))
        elif change.kind == "move":
            frame = _set(frame, known, easting=float(place[0]), northing=float(place[1]), lad_code=lad)
        else:
            row = {"service_id": change.service_id, "name": change.name or "New site", "lad_code": lad}
            row |= {"easting": float(place[0]), "northing": float(place[1])}
            row |= {"capacity": 1.0 if change.capacity is None else float(change.capacity)}
            frame = pd.concat([frame, pd.DataFrame([row])], ignore_index=True)
    if faults:
        raise Refused("The option cannot be applied.", faults)
    return frame.reset_index(drop=True)


def _set(frame: pd.DataFrame, rows: pd.Series, **values) -> pd.DataFrame:
    frame = frame.copy()
    for name, value in values.items():
        if name not in frame.columns:
            frame[name] = np.nan if name == "capacity" else ""
        if isinstance(value, float):
            frame[name] = pd.to_numeric(frame[name], errors="coerce").astype("float64")
        frame.loc[rows, name] = value
    for name in {"longitude", "latitude"} & set(frame.columns) if "easting" in values else ():
        frame.loc[rows, name] = np.nan  # of the old place
    return frame


@dataclass(frozen=True)
class Outcome:
    """One option beside the services as they are."""

    name: str
    services: int
    residents_underserved: float
    residents_relieved: float  # underserved now, not with the option
    residents_newly_underserved: float
    residents_within: float | None
    mean_cost: float | None
    by_authority: pd.DataFrame = field(repr=False)
    by_fifth: pd.DataFrame = field(repr=False)
    areas: pd.DataFrame = field(repr=False)  # access_before, access_after, underserved_before, underserved_after
    overlap: tuple[dict, ...] = ()


def compare_options(
    areas: pd.DataFrame | Mapping[str, pd.DataFrame],
    services: pd.DataFrame,
    need: pd.Series,
    options: Mapping[str, Sequence[Change]],
    *,
    metric: str = DEFAULT,
    max_m: float | None = None,
    threshold: float = NEED_THRESHOLD,
    level: str = SMALL,
    **settings,
) -> dict[str, Outcome]:
    """Every named option measured against the services as they are; nothing is saved anywhere.

    ``areas`` are the small areas, or the areas of every level when ``need`` is of another ``level``: access is then the mean
    over each area's residents, and whoever comes within the standard is counted by small area.

    Where poor access is the worst fifth, the cut of today's services is kept for every option: otherwise there would be a
    worst fifth whatever was built. ``settings`` are those of :func:`layers.methods.access.access_model`.
    """
    row = metric_for(metric, max_m)
    frames = {SMALL: areas} if isinstance(areas, pd.DataFrame) else areas
    areas, members = frames[SMALL], members_of(frames, level)
    now = access_model(areas, read_sites(services), **settings)
    before = now if members is None else AccessMeans(now, members)
    values, poor, cut = row.measure(before, max_m)
    high = (need >= threshold).to_numpy(bool)
    residents, people = (frames[each]["population"].to_numpy("float64") for each in (SMALL, level))
    groups = fifths_of(areas, of_small(need, members))
    limit = cut if max_m is None else max_m
    out = {}
    for name, changes in options.items():
        frame = apply_options(services, changes, areas)
        then = access_model(areas, read_sites(frame), **settings)
        later = then if members is None else AccessMeans(then, members)
        after, poor_after, _ = row.measure(later, max_m, cut)
        under, under_after = high & poor & ~before.crossing, high & poor_after & ~later.crossing
        both = ~before.crossing & ~later.crossing  # what nobody can reach is neither a gap nor mended
        cost, cost_after = now.reached, then.reached
        out[name] = Outcome(
            name,
            len(then.sites),
            float(people[under_after].sum()),
            float(people[both & under & ~under_after].sum()),
            float(people[both & ~under & under_after].sum()),
            None if limit is None or not np.isfinite(limit) else float(residents[cost_after <= limit].sum()),
            mean_cost(cost_after, residents * np.isfinite(cost if np.isfinite(cost).any() else cost_after)),
            who_gains(areas["lad_code"], residents, cost, cost_after, max_m),
            who_gains(groups, residents, cost, cost_after, max_m),
            pd.DataFrame(
                {
                    "access_before": np.where(np.isfinite(values), values, np.nan),
                    "access_after": np.where(np.isfinite(after), after, np.nan),
                    "underserved_before": under,
                    "underserved_after": under_after,
                },
                index=frames[level].index,
            ),
            _overlaps(now, changes, residents, max_m),
        )
    return out


def _overlaps(
    now: AccessModel, changes: Sequence[Change], residents: np.ndarray, max_m: float | None
) -> tuple[dict, ...]:
    """For each opened or moved site: how far the nearest other existing site is, and who is within reach already."""
    out = []
    for change in changes:
        if change.kind not in ("open", "move"):
            continue
        others = now.sites.ids.astype(str) != change.service_id
        place = np.array([change.easting, change.northing], dtype="float64")
        entry = {
            "service_id": change.service_id,
            "nearest_existing_m": None,
            "residents_within": None,
            "already_within": None,
        }
        if others.any():
            entry["nearest_existing_m"] = now.nearest_site(place, others)
        if max_m is not None:
            reach = now.within(place, max_m)
            entry["residents_within"] = float(residents[reach].sum())
            before = now.cost_to(now.sites.xy[others], np.full(len(now.xy), float(max_m)))[0]
            entry["already_within"] = float(residents[reach & (before <= max_m)].sum())
        out.append(entry)
    return tuple(out)
