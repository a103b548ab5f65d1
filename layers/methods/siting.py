"""Where the next sites help most: mclp, p-median and lscp, planned jointly and by each authority inside its border.

All three start from what a new site would change for each area. For mclp a site within the standard brings in all residents
of an area that no existing site reaches; for p-median it saves residents times metres; both are "choose N columns of a
gain matrix so that the sum of row maxima is largest", so one solver serves both (:mod:`layers.methods.solver`). lscp is set
cover. Sites are planned in straight-line cost whatever the metric: a site that does not exist is in no travel table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csc_array, csr_array
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from layers.geography.points import authorities_of
from layers.methods.access import AccessModel, access_model, check_limit, metres_in
from layers.methods.access_means import SMALL, members_of, of_small
from layers.methods.gap_request import GapRequest, IndicatorLayer, Note, ServiceLayer
from layers.methods.gaps import GapResult, find_gaps
from layers.methods.json_values import plain
from layers.methods.metrics import either
from layers.methods.need import fifth
from layers.methods.solver import TIE, TIME_LIMIT_S, Cancel, Choice, Progress, best_columns, fewest_columns, worth
from layers.methods.water import Water
from layers.model import Fault, Refused
from layers.texts import first_few

OBJECTIVES = ("mclp", "p-median", "lscp")
MOST_GAINS = 30_000_000  # stored pairs of area and candidate
ROWS_COUNTED = 100  # areas on which a plan's price is estimated


# --- plans -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Site:
    """A proposed site, at a candidate's point."""

    code: str
    name: str
    lad_code: str
    easting: float
    northing: float
    residents_gained: float  # demand newly within max_m, or (p-median) demand for whom it is now the nearest
    gained_by_lad: dict[str, float]
    nearest_existing_m: float | None
    residents_within: float | None  # all residents within max_m of it
    already_within: float | None  # of those, within max_m of an existing site
    serves: tuple[str, ...] = ()  # the places with most of its gained residents, at most two


@dataclass(frozen=True)
class Alone:
    """The same number of sites planned by the authorities, each inside its border and for its own residents."""

    sites: tuple[str, ...]
    split: dict[str, int]  # sites per authority
    counted: float  # what the authorities count for themselves
    value: float  # what the sites are worth to everybody, spill-over included
    saving: float  # what planning together adds
    sites_needed_together: int | None  # fewest joint sites that match ``value``
    sites_saved: int | None
    proven: bool


@dataclass(frozen=True)
class SitingPlan:
    """A plan for new sites, how good it is, how good any plan could be, and who gains."""

    objective: str
    new: int
    max_m: float | None
    unit: str
    sites: tuple[Site, ...]
    value: float
    bound: float
    gap: float
    proven: bool
    method: str
    greedy_value: float
    demand: float  # residents planned for
    demand_within_before: float | None
    demand_within_after: float | None
    mean_before: float | None  # mean cost over demand, None without existing services
    mean_after: float | None
    by_authority: pd.DataFrame = field(repr=False)
    by_fifth: pd.DataFrame = field(repr=False)
    uncoverable: tuple[str, ...] = ()  # areas with demand that no candidate can bring within max_m
    alone: Alone | None = None
    notes: tuple[Note, ...] = ()


def plan_sites(
    areas: pd.DataFrame,
    services: pd.DataFrame,
    demand: pd.Series,
    *,
    objective: str = "mclp",
    new: int = 1,
    max_m: float | None = None,
    need: pd.Series | None = None,
    candidates: pd.DataFrame | None = None,
    exclude: Sequence[str] = (),
    compare_alone: bool = True,
    exact: bool = True,
    time_limit: float = TIME_LIMIT_S,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    **settings,
) -> SitingPlan:
    """Where ``new`` sites help most, beside the existing services.

    ``demand`` is the people planned for, per area (residents of underserved areas, or of all). ``candidates`` defaults to
    the areas' points; a list needs ``code, easting, northing`` and may have ``name, lad_code, ward_code``. ``exclude`` names
    candidates, wards or authorities where nothing may be built. ``max_m`` is in the model's unit of cost; ``settings``
    (detour, fair standard) are those of :func:`layers.methods.access.access_model`. ``exact=False`` returns the greedy answer at
    once; ``progress(stage, value, bound)`` hears of better ones.
    Raises :class:`Refused` with every fault, and :class:`~layers.methods.stability.Cancelled` when ``cancel()`` says so.
    """
    model = access_model(areas, services, **settings)
    places = _candidates(areas, candidates, exclude, objective, new, max_m)
    people = np.nan_to_num(pd.to_numeric(demand, errors="coerce").to_numpy("float64"))
    residents = areas["population"].to_numpy("float64")
    before = model.reached
    notes = [] if people.sum() > 0 else [Note("no-demand")]
    if not len(model.sites):
        notes.append(Note("no-existing-service"))
    deadline = time.monotonic() + time_limit
    left = lambda: max(deadline - time.monotonic(), 0.05)  # noqa: E731
    uncoverable: tuple[str, ...] = ()
    if objective == "lscp":
        cover, rows, uncoverable = _cover(areas, model, people, before, places, max_m)
        if len(uncoverable) and not len(rows):
            what = (
                f"no candidate is within {max_m:g} {model.unit} of {len(uncoverable)} areas: {first_few(uncoverable)}"
            )
            fault = Fault(what, "siting", "add candidates", rule="lscp")
            raise Refused("Nobody can be brought within the standard.", [fault])
        found = (
            fewest_columns(cover, time_limit=left(), progress=progress, cancel=cancel, exact=exact)
            if len(rows)
            else Choice((), 0, 0, 0, "greedy")
        )
        if uncoverable:
            lost = float(people[areas["code"].isin(uncoverable).to_numpy()].sum())
            notes.append(Note("uncoverable", {"areas": len(uncoverable), "residents": lost}))
        gap = (found.value - found.bound) / found.value if found.value else 0.0
        proven = found.value <= found.bound
        alone = None
        if compare_alone:
            alone = _alone_cover(cover, areas["lad_code"].to_numpy(object)[rows], places, found, exact, left, cancel)
    else:
        gain = _gains(objective, model, people, before, places, max_m)
        if people.sum() > 0 and not gain.nnz:
            notes.append(Note("nobody-nearer"))
        found = best_columns(gain, new, time_limit=left(), progress=progress, cancel=cancel, exact=exact)
        gap, proven, alone = found.gap, found.proven, None
        if compare_alone and gain.nnz:
            alone = _alone(gain, areas["lad_code"].to_numpy(object), places, new, found, exact, left, cancel)
            if alone.value > found.value:  # an unproven joint answer must not look worse than separate ones
                columns = tuple(np.flatnonzero(np.isin(places["code"].to_numpy(object), list(alone.sites))).tolist())
                found = replace(found, columns=columns, value=alone.value, bound=max(found.bound, alone.value))
                gap, proven, alone = found.gap, found.proven, replace(alone, saving=0.0)
    chosen = list(found.columns)
    after = np.minimum(before, model.cost_to(places[["x", "y"]].to_numpy("float64")[chosen], before)[0])
    known = np.isfinite(before if np.isfinite(before).any() else after)
    return SitingPlan(
        objective=objective,
        new=len(chosen),
        max_m=max_m,
        unit=model.unit,
        sites=_sites(areas, model, people, residents, before, places.iloc[chosen], max_m),
        value=float(found.value),
        bound=float(found.bound),
        gap=float(gap),
        proven=bool(proven),
        method=found.method,
        greedy_value=float(found.first_value),
        demand=float(people.sum()),
        demand_within_before=None if max_m is None else float(people[before <= max_m].sum()),
        demand_within_after=None if max_m is None else float(people[after <= max_m].sum()),
        mean_before=mean_cost(before, people * known),
        mean_after=mean_cost(after, people * known),
        by_authority=who_gains(areas["lad_code"], residents, before, after, max_m),
        by_fifth=who_gains(fifths_of(areas, need), residents, before, after, max_m),
        uncoverable=uncoverable,
        alone=alone if compare_alone else None,
        notes=tuple(notes),
    )


def who_gains(
    groups: pd.Series, residents: np.ndarray, before: np.ndarray, after: np.ndarray, max_m: float | None
) -> pd.DataFrame:
    """Per group: residents, newly within and no longer within ``max_m``, nearer and farther than before, mean cost.

    Before and after are the cost to the nearest service; inf where there is none.
    """
    limit = np.inf if max_m is None else max_m
    known = np.isfinite(before) & np.isfinite(after)
    with np.errstate(invalid="ignore"):
        table = pd.DataFrame(
            {
                "group": groups.to_numpy(),
                "residents": residents,
                "newly_within": np.where((before > limit) & (after <= limit), residents, 0.0),
                "no_longer_within": np.where((before <= limit) & (after > limit), residents, 0.0),
                "nearer": np.where(after < before, residents, 0.0),
                "farther": np.where(after > before, residents, 0.0),
                "_people": np.where(known, residents, 0.0),
                "_before": np.where(known, before, 0.0) * residents,
                "_after": np.where(known, after, 0.0) * residents,
            }
        )
    total = table.groupby("group", sort=True).sum()
    people = total["_people"].where(total["_people"] > 0)
    total["mean_before"], total["mean_after"] = total["_before"] / people, total["_after"] / people
    if max_m is None:
        total[["newly_within", "no_longer_within"]] = np.nan
    return total.drop(columns=["_people", "_before", "_after"]).reset_index()


def fifths_of(areas: pd.DataFrame, need: pd.Series | None) -> pd.Series:
    return pd.Series(0, index=areas.index) if need is None else fifth(need)


def mean_cost(cost: np.ndarray, people: np.ndarray) -> float | None:
    counted = people > 0
    if not counted.any() or not np.isfinite(cost[counted]).all():
        return None
    return float(np.average(cost[counted], weights=people[counted]))


def _candidates(areas, candidates, exclude, objective, new, max_m) -> pd.DataFrame:
    """Candidates by code, checked: ``code, name, lad_code, ward_code, x, y``."""
    faults: list[Fault] = []
    if objective not in OBJECTIVES:
        faults.append(Fault(f"unknown objective '{objective}'", "objective", f"use one of {', '.join(OBJECTIVES)}"))
    elif objective != "p-median" and max_m is None:
        faults.append(Fault(f"{objective} needs a distance within which people are served", "max_m", "give max_m"))
    if max_m is not None:
        try:
            check_limit(max_m)
        except Refused as refused:
            faults += refused.faults
    if candidates is None:
        frame = areas.rename(columns={"centroid_x": "x", "centroid_y": "y"})
    else:
        frame = candidates.rename(columns={"easting": "x", "northing": "y", "centroid_x": "x", "centroid_y": "y"})
        if gone := [name for name in ("code", "x", "y") if name not in frame.columns]:
            said = {"x": "easting", "y": "northing"}
            what = f"columns are missing: {', '.join(said.get(name, name) for name in gone)}"
            raise Refused("These candidates cannot be used.", [*faults, Fault(what, "candidates", "add them")])
        if not np.isfinite(frame[["x", "y"]].to_numpy("float64")).all():
            faults.append(Fault("some candidates have no coordinates", "candidates", "give easting and northing"))
        if frame["code"].duplicated().any():
            twice = frame["code"][frame["code"].duplicated()].tolist()
            faults.append(Fault(f"codes stand twice: {first_few(twice)}", "candidates", "give each its own code"))
    frame = frame.assign(**{name: "" for name in ("name", "lad_code", "ward_code") if name not in frame.columns})
    frame = pd.DataFrame(frame[["code", "name", "lad_code", "ward_code", "x", "y"]])
    if candidates is not None and (frame["lad_code"] == "").any():
        where = authorities_of(areas, frame["x"].to_numpy("float64"), frame["y"].to_numpy("float64"))
        frame["lad_code"] = np.where(frame["lad_code"] == "", where, frame["lad_code"])
    gone = frame[["code", "lad_code", "ward_code"]].isin(set(exclude)).any(axis=1)
    known = set(frame["code"]) | set(frame["lad_code"]) | set(frame["ward_code"])
    if strange := sorted(set(exclude) - known):
        what = f"exclusions name unknown places: {first_few(strange)}"
        faults.append(Fault(what, "exclude", "use area or authority codes"))
    frame = frame[~gone].sort_values("code", kind="stable").reset_index(drop=True)
    if objective != "lscp":
        if int(new) < 1:
            faults.append(Fault(f"{new} new sites were asked for", "new", "ask for 1 or more", rule="new"))
        elif int(new) > len(frame):
            what = f"{new} new sites were asked for, and there are {len(frame)} candidates"
            faults.append(Fault(what, "new", "ask for fewer, or exclude less", rule="new"))
    if faults:
        raise Refused("Sites cannot be suggested.", faults)
    return frame


def _close_pairs(model: AccessModel, rows: np.ndarray, places: pd.DataFrame, limit: np.ndarray, strict: bool):
    """Row, candidate and cost of pairs with cost <= (or <) the row's limit, found in blocks of rows.

    Rows of like limit share a block: one remote area with a far limit must not make the search wide for everybody.
    """
    xy = places[["x", "y"]].to_numpy("float64")
    block = max(min(4_000_000 // max(len(xy), 1), -(-len(rows) // 8)), 1)
    rows = rows[np.argsort(limit[rows] / model.multiplier[rows], kind="stable")]
    parts, count = [], 0
    tree = cKDTree(xy)
    for start in range(0, len(rows), block):
        part = rows[start : start + block]
        radius = float((limit[part] / model.multiplier[part]).max())
        if np.isfinite(radius) and _few(model.xy[part], tree, radius):
            found = cKDTree(model.xy[part]).sparse_distance_matrix(tree, radius * (1 + 1e-12), output_type="ndarray")
            i, j, line = found["i"], found["j"], found["v"]
        else:
            grid = cdist(model.xy[part], xy)
            i, j = np.nonzero(grid * model.multiplier[part][:, None] <= limit[part][:, None])
            line = grid[i, j]
        cost = model.costs_of(part[i], xy, j, line, limit[part][i])
        keep = cost < limit[part][i] if strict else cost <= limit[part][i]
        parts.append((part[i[keep]], j[keep], cost[keep]))
        count += int(keep.sum())
        if count > MOST_GAINS:
            what = f"more than {MOST_GAINS:,} pairs of area and candidate matter"
            fault = Fault(what, "siting", "plan for underserved areas only")
            raise Refused("This is too much to plan at once.", [fault])
    return (
        (np.concatenate([p[k] for p in parts]) for k in range(3)) if parts else (np.empty(0, int),) * 2 + (np.empty(0),)
    )


def _few(xy: np.ndarray, tree: cKDTree, radius: float) -> bool:
    """Whether a tree pays: it does when it leaves nearly all pairs out, else a plain table of all distances is quicker."""
    whole = len(xy) * tree.n
    return whole > 50_000 and cKDTree(xy).count_neighbors(tree, radius) < 0.1 * whole


def _gains(objective, model: AccessModel, people, before, places, max_m) -> csc_array:
    """What each candidate would add for each area: people brought in, or people times metres saved."""
    shape = (len(people), len(places))
    if objective == "mclp":
        rows = np.flatnonzero((people > 0) & (before > max_m))
        i, j, _ = _close_pairs(model, rows, places, np.full(len(people), float(max_m)), strict=False)
        return _sorted(csc_array((people[i], (i, j)), shape=shape))
    rows = np.flatnonzero(people > 0)
    base = before
    if not np.isfinite(
        before
    ).all():  # nothing exists: count from the farthest candidate, which no choice can be worse than
        xy = places[["x", "y"]].to_numpy("float64")
        far = np.array([np.hypot(*(xy - model.xy[i]).T).max() for i in rows]) * model.multiplier[rows]
        base = before.copy()
        base[rows] = np.where(np.isfinite(before[rows]), before[rows], far)
    i, j, cost = _close_pairs(model, rows, places, base, strict=True)
    return _sorted(csc_array((people[i] * (base[i] - cost), (i, j)), shape=shape))


def _sorted(matrix: csc_array) -> csc_array:
    """In row order within each column, so that sums do not depend on how the pairs were found."""
    matrix.sort_indices()
    return matrix


def _cover(areas, model, people, before, places, max_m) -> tuple[csr_array, np.ndarray, tuple[str, ...]]:
    rows = np.flatnonzero((people > 0) & (before > max_m))
    i, j, _ = _close_pairs(model, rows, places, np.full(len(people), float(max_m)), strict=False)
    cover = csr_array((np.ones(len(i), dtype=np.int64), (i, j)), shape=(len(people), len(places)))
    reachable = np.diff(cover.indptr) > 0
    lost = tuple(areas["code"].astype(str).iloc[rows[~reachable[rows]]])
    rows = rows[reachable[rows]]
    return csr_array(cover[rows]), rows, lost


def _sites(areas, model, people, residents, before, chosen: pd.DataFrame, max_m) -> tuple[Site, ...]:
    """What each site of a plan brings. An area in reach of two new sites is counted with the nearer one."""
    if not len(chosen):
        return ()
    xy = chosen[["x", "y"]].to_numpy("float64")
    cost, nearest = model.cost_to(xy, before if max_m is None else np.full(len(before), float(max_m)))
    better = (before > max_m) & (cost <= max_m) if max_m is not None else cost < before
    lads, lad = np.unique(areas["lad_code"].to_numpy(str), return_inverse=True)
    gained = np.bincount(nearest[better] * len(lads) + lad[better], people[better], len(xy) * len(lads))
    gained = gained.reshape(len(xy), len(lads))
    out = []
    for k, place in enumerate(chosen.to_dict("records")):
        reach = model.within(xy[k], max_m) if max_m is not None else None
        out.append(
            Site(
                str(place["code"]),
                str(place["name"]),
                str(place["lad_code"]),
                float(place["x"]),
                float(place["y"]),
                float(people[better & (nearest == k)].sum()),
                {str(code): float(n) for code, n in zip(lads, gained[k], strict=True) if n > 0},
                model.nearest_site(xy[k]),
                None if reach is None else float(residents[reach].sum()),
                None if reach is None else float(residents[reach & (before <= max_m)].sum()),
                _serves(areas, np.where(better & (nearest == k), people, 0.0)),
            )
        )
    return tuple(sorted(out, key=lambda site: (-site.residents_gained, site.code)))


def _serves(areas: pd.DataFrame, gained: np.ndarray) -> tuple[str, ...]:
    """Everyday names of the (at most two) places with most of the residents gained, most first."""
    if "place" not in areas.columns or not (gained > 0).any():
        return ()
    people = pd.Series(gained).groupby(areas["place"].to_numpy(object)).sum()
    people = people[people > 0].reset_index(name="n").sort_values(["n", "index"], ascending=[False, True])
    return tuple(people["index"].head(2))


# --- alone -----------------------------------------------------------------------------------------------------------


def _alone(gain, area_lad, places, new, joint: Choice, exact, left, cancel) -> Alone:
    """Each authority plans for its own residents inside its border; the N sites are split among them as well as can be.

    Everybody's existing services count for both, so only the planning differs: the saving is the least that acting
    together is worth.
    """
    place_lad = places["lad_code"].to_numpy(object)
    lads = sorted({str(lad) for lad in area_lad} & {str(lad) for lad in place_lad})
    tables: dict[str, list[tuple[float, tuple[int, ...]]]] = {}
    proven = exact
    for lad in lads:
        rows, cols = np.flatnonzero(area_lad == lad), np.flatnonzero(place_lad == lad)
        part = csc_array(gain[rows][:, cols])
        table: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
        for k in range(1, min(new, len(cols)) + 1):
            share = min(left(), 2.0)
            found = best_columns(part, k, time_limit=share, cancel=cancel, exact=exact and share > 0.05)
            proven = proven and found.proven
            table.append((found.value, tuple(int(cols[j]) for j in found.columns)))
            if found.value <= table[-2][0]:
                break
        tables[lad] = table
    best = {0: (0.0, ())}  # sites used -> (value, ((lad, k), ...))
    for lad, table in tables.items():
        after: dict[int, tuple[float, tuple]] = {}
        for used, (value, split) in best.items():
            for k, (more, _) in enumerate(table[: new - used + 1]):
                if used + k not in after or value + more > after[used + k][0]:
                    after[used + k] = (value + more, (*split, (lad, k)) if k else split)
        best = after
    counted, split = max(best.values(), key=lambda entry: entry[0])
    columns = [j for lad, k in split for j in tables[lad][k][1]]
    value = worth(gain, columns)
    needed = _sites_needed(gain, value, joint, exact, left, cancel) if value > 0 else None
    return Alone(
        tuple(str(code) for code in places["code"].iloc[sorted(columns)]),
        dict(split),
        counted,
        value,
        max(joint.value - value, 0.0),
        needed,
        None if needed is None else len(columns) - needed,
        bool(proven and joint.proven),
    )


def _sites_needed(gain, value, joint: Choice, exact, left, cancel) -> int:
    """Fewest joint sites known to be worth at least ``value``."""
    target = value * (1 - TIE)
    needed = len(joint.columns)
    for k in range(needed - 1, 0, -1):
        found = best_columns(gain, k, time_limit=min(left(), 3.0), cancel=cancel, exact=exact)
        if found.value < target:
            break
        needed = k
    return needed


def _alone_cover(cover, area_lad, places, joint: Choice, exact, left, cancel) -> Alone | None:
    """Fewest sites when each authority covers its own residents from inside its border."""
    if not cover.shape[0]:
        return None
    place_lad = places["lad_code"].to_numpy(object)
    split, columns, proven = {}, [], exact
    for lad in sorted({str(lad) for lad in area_lad}):
        cols = np.flatnonzero(place_lad == lad)
        part = csr_array(cover[np.flatnonzero(area_lad == lad)][:, cols])
        part = csr_array(part[np.diff(part.indptr) > 0])
        if part.shape[0]:
            found = fewest_columns(part, time_limit=min(left(), 3.0), cancel=cancel, exact=exact)
            split[lad] = len(found.columns)
            proven = proven and found.value <= found.bound
            columns += [int(cols[j]) for j in found.columns]
    return Alone(
        tuple(str(code) for code in places["code"].iloc[sorted(columns)]),
        split,
        float(len(columns)),
        float(len(columns)),
        float(max(len(columns) - len(joint.columns), 0)),
        len(joint.columns),
        len(columns) - len(joint.columns),
        bool(proven and joint.value <= joint.bound),
    )


# --- find_sites ---------------------------------------------------------------------------------------------------------


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
"""What a plan's JSON says about it, as named in :class:`SitingPlan`."""


@dataclass(frozen=True)
class SitingResult:
    request: SitingRequest
    parameters: dict[str, Any]
    plan: SitingPlan
    gaps: GapResult = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """The document of ``commonground site --json``."""
        plan = self.plan
        return {
            "parameters": self.parameters,
            "sites": [asdict(site) for site in plan.sites],
            "result": plain({name: getattr(plan, name) for name in PLAN_FIELDS}),
            "by_authority": [plain(row) for row in plan.by_authority.to_dict("records")],
            "by_fifth": [plain(row) for row in plan.by_fifth.to_dict("records")],
            "uncoverable": list(plan.uncoverable),
            "alone": None if plan.alone is None else plain(asdict(plan.alone)),
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
    water: Water | None = None,
    progress: Callable[[str, float, float], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> SitingResult:
    """Where the next sites help most for the gaps of a request. ``gaps`` may be handed in when known.

    Sites are planned in straight-line cost, whatever the request's metric: a site that does not exist is in no travel table.
    Demand and candidates are small areas at every level: of wards and authorities, those that are part of an underserved one.
    """
    faults = []
    if request.demand not in ("underserved", "all"):
        faults.append(Fault(f"unknown demand '{request.demand}'", "demand", "use underserved or all"))
    if request.objective not in OBJECTIVES:
        faults.append(Fault(f"unknown objective '{request.objective}'", "objective", f"use {either(OBJECTIVES)}"))
    if faults:
        raise Refused("Sites cannot be suggested.", faults)
    if gaps is None:
        gaps = find_gaps(request.gaps, areas, indicators, services, no_car_share=no_car_share, water=water)
    frame, members = areas[SMALL], members_of(areas, request.gaps.level)
    demand, limit = _planned_for(request, areas, gaps)
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
        need=of_small(gaps.need.score, members),
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
        water=water,
    )
    parameters = {
        **gaps.parameters,
        "new": request.new,
        "objective": request.objective,
        "demand": request.demand,
        "exclude": list(request.exclude),
        "candidates": "a supplied list" if candidates is not None else "the areas' points",
    }
    return SitingResult(request, parameters, plan, gaps)


def _planned_for(
    request: SitingRequest, areas: Mapping[str, pd.DataFrame], gaps: GapResult
) -> tuple[pd.Series, float | None]:
    """The people planned for, per small area, and the distance within which they are served."""
    frame, members = areas[SMALL], members_of(areas, request.gaps.level)
    people = frame["population"].astype("float64")
    demand = people
    if request.demand == "underserved":
        counted = gaps.areas["underserved"] & ~gaps.areas["crossing"]
        # within a ward that is counted, what nobody can reach is not
        demand = people.where(of_small(counted, members) & ~gaps.model.small.crossing, 0.0)
    if request.gaps.footprint:
        demand = demand.where(frame["lad_code"].isin(request.gaps.footprint), 0.0)
    limit = gaps.access.limit
    if gaps.model.travel is not None and limit is not None:
        limit = request.gaps.max_m or metres_in(limit, request.gaps.walking_kmh)
    return demand, limit


def pairs_weighed(request: SitingRequest, areas: Mapping[str, pd.DataFrame], gaps: GapResult) -> float:
    """About how many pairs of area and candidate (the areas' points) a plan weighs: what it costs goes by them.

    Counted for a few areas with demand and taken for all. With a travel-time table every pair counts: how far people go in a
    straight line is not known before.
    """
    demand, limit = _planned_for(request, areas, gaps)
    small = gaps.model.small
    before = small.reached if gaps.model.travel is None else np.full(small.size, np.inf)
    reach = before
    rows = np.flatnonzero(demand.to_numpy("float64") > 0)
    if request.objective != "p-median" and limit is not None:
        rows, reach = rows[before[rows] > limit], np.full(small.size, limit)
    if not len(rows):
        return 0.0
    some = rows[:: -(-len(rows) // ROWS_COUNTED)]
    near = cdist(small.xy[some], small.xy) <= (reach[some] / small.multiplier[some])[:, None]
    return float(near.sum()) * len(rows) / len(some)
