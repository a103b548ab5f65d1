"""Access: how well an area is reached by a service. Nearest, coverage and the two-step floating catchment (e2sfca).

Distances are straight lines in EPSG:27700 from the area's point (the middle of its postcodes: docs/methods/gaps.md), or the way over
land where a line crosses water (layers/methods/water.py), times a declared detour factor; or the
minutes of a supplied travel-time table; or, by the fair standard, minutes by car for households with one and on foot for
the others. Every service of the frame counts, whichever authority it stands in, unless ``alone`` is asked for.

An :class:`AccessModel` holds points, sites and the pairs already searched for, so that a slider, an option or five hundred
stability draws do not search again. It is immutable to the caller; what it keeps inside are only caches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from layers.geography.nearest import nearest_of
from layers.methods.water import Reach, Water
from layers.model import Fault, Refused
from layers.texts import first_few

WALKING_KMH = 4.8  # 80 metres a minute; 1.6 km is then the 20-minute walk of Todd and others (2014)
DRIVING_KMH = 35.0  # door to door in towns and country together; a declared assumption, not a measurement
DETOURS = (1.0, 1.2, 1.4)
PER_PEOPLE = 1_000.0  # e2sfca is reported per 1,000 people
WORST_SHARE = 0.2
MOST_PAIRS = 40_000_000  # about 1 GB while pairs are built


# --- plain conversions -----------------------------------------------------------------------------------------------


def metres_in(minutes: float, kmh: float = WALKING_KMH) -> float:
    """Metres covered in some minutes at a speed: ``metres_in(20) == 1600``."""
    return minutes * kmh * 1000.0 / 60.0


def minutes_for(metres, kmh: float = WALKING_KMH):
    """Minutes needed for some metres at a speed; numbers, arrays and Series alike."""
    return metres * 60.0 / (kmh * 1000.0)


def kernel(cost: np.ndarray, limit: float) -> np.ndarray:
    """Weight of a trip: 1 at the door, falling like a bell, exactly 0 at ``limit`` and beyond.

    ``(exp(-(d/d0)^2 / 2) - exp(-1/2)) / (1 - exp(-1/2))`` (Dai 2010): 0.9218, 0.7014, 0.3769 at a quarter, half and three
    quarters of the way.
    """
    floor = np.exp(-0.5)
    share = np.asarray(cost, dtype="float64") / limit
    return np.where(share < 1.0, (np.exp(-0.5 * share * share) - floor) / (1.0 - floor), 0.0)


def floating_catchment(
    rows: np.ndarray,
    cols: np.ndarray,
    weight: np.ndarray,
    supply: np.ndarray,
    demand: np.ndarray,
    choice: np.ndarray | None = None,
) -> np.ndarray:
    """Supply per person of demand, by the two-step floating catchment over weighted pairs (area ``rows``, site ``cols``).

    Step one shares each site's supply among the demand that reaches it; step two adds up the shares an area can reach.
    ``sum(demand * access)`` is the supply that any demand can reach. With ``choice`` (share of an area's trips to each
    site) it is the three-step form. A site that no demand reaches gives nothing to anyone.
    """
    chosen = weight if choice is None else weight * choice
    reached = np.bincount(cols, chosen * demand[rows], len(supply))
    ratio = np.divide(supply, reached, out=np.zeros(len(supply)), where=reached > 0)
    return np.bincount(rows, chosen * ratio[cols], len(demand))


def worst_fifth(values: np.ndarray, high_is_worse: bool, share: float = WORST_SHARE) -> tuple[np.ndarray, float]:
    """Mask and cut of the worst fifth, ties included; NaN is never in it. The cut is NaN when nothing is valid.

    The cut is the value of the worst ``ceil(n / 5)``-th of the n valid areas, so at least a fifth is in, and areas with the
    same value are never separated: with 40% of areas at 0, all of them are in the worst fifth.
    """
    values = np.asarray(values, dtype="float64")
    if high_is_worse:
        mask, cut = worst_fifth(-values, False, share)
        return mask, -cut
    valid = values[~np.isnan(values)]
    if not len(valid):
        return np.zeros(len(values), dtype=bool), float("nan")
    k = max(int(np.ceil(share * len(valid) - 1e-9)), 1)
    cut = float(np.partition(valid, k - 1)[k - 1])
    return values <= cut, cut


# --- sites -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sites:
    """Service sites as arrays, ordered by id so that ties never depend on the order of a file."""

    ids: np.ndarray
    names: np.ndarray
    xy: np.ndarray  # (m, 2) easting, northing, EPSG:27700
    capacity: np.ndarray
    lad: np.ndarray  # code of the authority each stands in, "" outside the known ones
    layers: np.ndarray  # id of the layer each came from
    unplaced: int = 0  # rows left out because they have no coordinates

    def __len__(self) -> int:
        return len(self.ids)


def read_sites(services: pd.DataFrame | Sequence[pd.DataFrame], layers: Sequence[str] = ()) -> Sites:
    """Sites of one or several service frames (``layers.fields.SERVICE``). Capacity is 1 where not given.

    Rows without coordinates are left out and counted. Raises :class:`Refused` for missing columns and negative capacity.
    """
    frames = [services] if isinstance(services, pd.DataFrame) else list(services)
    faults, parts = [], []
    for number, frame in enumerate(frames):
        layer = layers[number] if number < len(layers) else ""
        where = f"services {layer}".strip()
        if gone := [name for name in ("easting", "northing") if name not in frame.columns]:
            what = f"columns are missing: {', '.join(gone)}"
            faults.append(Fault(what, where, "give every site a place", rule="columns"))
            continue
        n = len(frame)
        capacity = _numbers(frame, "capacity", 1.0)
        if (capacity < 0).any():
            bad = frame.index[(capacity < 0)][0]
            what = f"capacity is negative ({capacity[capacity < 0][0]:g}, {(capacity < 0).sum()} rows, first {bad})"
            faults.append(Fault(what, where, "use 0 or more, or leave it empty", column="capacity", rule="capacity"))
        ids = (
            _texts(frame, "service_id")
            if "service_id" in frame
            else np.array([str(i) for i in frame.index], dtype=object)
        )
        parts.append(
            pd.DataFrame(
                {
                    "id": ids,
                    "name": _texts(frame, "name"),
                    "x": _numbers(frame, "easting"),
                    "y": _numbers(frame, "northing"),
                    "capacity": capacity,
                    "lad": _texts(frame, "lad_code"),
                    "layer": np.full(n, layer, dtype=object),
                }
            )
        )
    if faults:
        raise Refused("These services cannot be used.", faults)
    columns = ["id", "name", "x", "y", "capacity", "lad", "layer"]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    placed = np.isfinite(table["x"].to_numpy("float64")) & np.isfinite(table["y"].to_numpy("float64"))
    unplaced = int((~placed).sum())
    table = table[placed].sort_values(["id", "layer", "x", "y"], kind="stable")
    return Sites(
        table["id"].to_numpy(object),
        table["name"].to_numpy(object),
        table[["x", "y"]].to_numpy("float64"),
        table["capacity"].to_numpy("float64"),
        table["lad"].to_numpy(object),
        table["layer"].to_numpy(object),
        unplaced,
    )


def _numbers(frame: pd.DataFrame, column: str, empty: float = np.nan) -> np.ndarray:
    if column not in frame.columns:
        return np.full(len(frame), empty)
    numbers = pd.to_numeric(frame[column], errors="coerce").to_numpy("float64")
    return np.where(np.isnan(numbers), empty, numbers)


def _texts(frame: pd.DataFrame, column: str) -> np.ndarray:
    if column not in frame.columns:
        return np.full(len(frame), "", dtype=object)
    return frame[column].astype(object).where(frame[column].notna(), "").astype(str).to_numpy(object)


# --- travel-time tables ----------------------------------------------------------------------------------------------

TRAVEL_COLUMNS = {"from_id": "origin", "to_id": "destination", "travel_time": "minutes", "travel_time_p50": "minutes"}
"""Headers as r5py writes them, and what they are here."""


def read_travel(table: pd.DataFrame, codes: Sequence[str], service_ids: Sequence[str]) -> csr_array:
    """A travel-time table as a sparse matrix (areas x sites) of minutes; what is not stored cannot be reached.

    ``table`` has the columns ``origin`` (area code), ``destination`` (service id) and ``minutes``, as a journey planner
    writes it; r5py's ``from_id``, ``to_id`` and ``travel_time`` are understood too. Empty minutes mean that the planner found
    no way. Raises :class:`Refused` for unknown or missing origins, unknown destinations, pairs that stand twice, and minutes
    that are negative or not numbers.
    """
    where = "travel times"
    faults: list[Fault] = []
    table = table.rename(columns={old: new for old, new in TRAVEL_COLUMNS.items() if new not in table.columns})
    if gone := [name for name in ("origin", "destination", "minutes") if name not in table.columns]:
        fault = Fault(f"columns are missing: {', '.join(gone)}", where, "name them origin, destination, minutes")
        raise Refused("The travel-time table cannot be used.", [fault])
    origin = pd.Index(codes).get_indexer(pd.Index(table["origin"].astype(str)))
    ids = pd.Index(service_ids)
    twice = ids[ids.duplicated()].unique()
    if len(twice):
        what = f"{len(twice)} service ids stand for several sites: {first_few(twice)}"
        faults.append(Fault(what, "services", "give each site its own id", rule="travel-service-twice"))
        raise Refused("The travel-time table cannot be used.", faults)
    destination = ids.get_indexer(pd.Index(table["destination"].astype(str)))
    minutes = pd.to_numeric(table["minutes"], errors="coerce").to_numpy("float64")
    if (origin < 0).any():
        strange = pd.unique(table["origin"][origin < 0])
        what = f"{len(strange)} origins are not areas of this level: {first_few(strange)}"
        faults.append(Fault(what, where, "check level and vintage", column="origin", rule="travel-origin-unknown"))
    missing = np.setdiff1d(np.arange(len(codes)), origin)
    if len(missing):
        what = f"{len(missing)} areas have no row: {first_few([codes[i] for i in missing])}"
        todo = "add a row for each; leave minutes empty where there is no way"
        faults.append(Fault(what, where, todo, column="origin", rule="travel-origin-missing"))
    if (destination < 0).any():
        strange = pd.unique(table["destination"][destination < 0])
        what = f"{len(strange)} destinations are not services of this layer: {first_few(strange)}"
        todo = "use the layer's service ids"
        faults.append(Fault(what, where, todo, column="destination", rule="travel-destination"))
    text = table["minutes"].notna().to_numpy() & ~np.isfinite(minutes)
    if text.any() or (minutes < 0).any():
        bad = int(np.flatnonzero(text | (minutes < 0))[0])
        what = f"{int((text | (minutes < 0)).sum())} minutes are negative or not numbers: {table['minutes'].iloc[bad]}"
        faults.append(
            Fault(what, where, "use minutes from 0", row=bad + 2, column="minutes", rule="travel-minutes"),
        )
    pair = pd.MultiIndex.from_arrays([origin, destination])
    if pair.duplicated().any():
        bad = int(np.flatnonzero(pair.duplicated())[0])
        what = f"{int(pair.duplicated().sum())} pairs stand more than once"
        faults.append(Fault(what, where, "keep one row for each pair", row=bad + 2, rule="travel-twice"))
    if faults:
        raise Refused("The travel-time table cannot be used.", faults)
    keep = np.isfinite(minutes)
    matrix = csr_array((minutes[keep], (origin[keep], destination[keep])), shape=(len(codes), len(ids)))
    matrix.sort_indices()
    return matrix


# --- the model -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pairs:
    """Area and site pairs within ``limit``, nearest pair first, so that a smaller limit is a prefix."""

    rows: np.ndarray
    cols: np.ndarray
    cost: np.ndarray
    limit: float
    over: np.ndarray  # the straight line is over water

    def within(self, limit: float) -> Pairs:
        end = int(np.searchsorted(self.cost, limit, side="right"))
        return Pairs(self.rows[:end], self.cols[:end], self.cost[:end], limit, self.over[:end])


@dataclass(frozen=True)
class AccessModel:
    """Areas and sites ready to be measured. Cost is metres (``unit == "m"``) or minutes (``"min"``).

    ``multiplier`` turns metres of each area into cost; with ``travel`` the table is the cost. ``water`` says where metres are
    those of the way over land; None, and always with ``travel``: they are straight lines everywhere.
    """

    xy: np.ndarray  # (n, 2)
    lad: np.ndarray  # (n,)
    demand: np.ndarray  # (n,)
    sites: Sites
    multiplier: np.ndarray  # (n,)
    unit: str = "m"
    alone: bool = False
    travel: csr_array | None = None
    water: Water | None = None
    _cache: dict = field(default_factory=dict, repr=False, compare=False)

    @property
    def size(self) -> int:
        """Number of areas."""
        return len(self.xy)

    @property
    def small(self) -> AccessModel:
        """Itself: the areas at which access is measured. Those that they make up are :mod:`layers.methods.access_means`."""
        return self

    def learn(self, name: str, limit: float, known) -> None:
        """What another process has measured: ``coverage`` or ``e2sfca`` within a limit, or the ``lists`` with a pair over water."""
        self._cache[name, limit] = known

    def knows(self, name: str, limit: float) -> bool:
        """Whether ``coverage`` or ``e2sfca`` within a limit takes no search any more."""
        kept = self._cache.get("pairs")
        return (name, limit) in self._cache or (kept is not None and kept.limit >= limit)

    @property
    def knows_nearest(self) -> bool:
        return self.water is not None and self.water.reach(self.reach_key) is not None

    def mean_of(self, values: np.ndarray) -> np.ndarray:
        """What was measured at an area's point is its residents' mean."""
        return values

    half_of = mean_of

    @cached_property
    def nearest(self) -> tuple[np.ndarray, np.ndarray]:
        """Cost to the nearest site (inf where there is none) and its position in ``sites`` (-1).

        Where every site is across water without a way (:attr:`crossing`) it is that of the straight line, which nobody can
        go: the area is judged by it and listed apart.
        """
        if self.travel is not None:
            return self._nearest_by_table()
        reach = self._reach
        return np.where(np.isfinite(reach.metres), reach.metres * self.multiplier, np.inf), reach.site

    @property
    def crossing(self) -> np.ndarray:
        """Areas that no site can be reached from over land, though there are sites."""
        return np.zeros(len(self.xy), dtype=bool) if self.travel is not None else self._reach.marked

    @property
    def over_water(self) -> np.ndarray:
        """Areas whose line to the site of :attr:`nearest` is over water, whether a way has replaced it or not."""
        return np.zeros(len(self.xy), dtype=bool) if self.travel is not None else self._reach.over

    @cached_property
    def reached(self) -> np.ndarray:
        """Cost to the nearest site over land: :attr:`nearest`, and inf for areas that are :attr:`crossing`."""
        return np.where(self.crossing, np.inf, self.nearest[0])

    @property
    def reach_key(self) -> str:
        """What the nearest site of each area depends on: its points, the sites, and with ``alone`` whose they are."""
        parts = [self.xy.tobytes(), self.sites.xy.tobytes()]
        if self.alone:
            parts += ["\n".join(map(str, codes)).encode() for codes in (self.lad, self.sites.lad)]
        return hashlib.sha256(b"\0\0".join(parts)).hexdigest()

    @cached_property
    def _reach(self) -> Reach:
        if self.water is None:
            return self._find_reach()
        key = self.reach_key
        return self.water.reach(key) or self.water.keep_reach(key, self._find_reach())

    def _find_reach(self) -> Reach:
        n = len(self.xy)
        found = Reach(
            np.full(n, np.inf), np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        )
        groups = [(np.arange(n), np.arange(len(self.sites)))]
        if self.alone:
            groups = _by_lad(self.lad, self.sites.lad)
        for areas, sites in groups:
            if not (len(areas) and len(sites)):
                continue
            if self.water is None:
                found.metres[areas], site = nearest_of(self.xy[areas], self.sites.xy[sites])
            else:
                part = self.water.nearest(self.xy[areas], self.sites.xy[sites])
                found.metres[areas], site = part.metres, part.site
                found.over[areas], found.marked[areas] = part.over, part.marked
            found.site[areas] = sites[site]
        return found

    def lists_over_water(self, limit: float | None = None) -> set[str]:
        """Ids of the lists that have a pair over water: to the nearest site, or with a ``limit`` among all pairs within it."""
        if self.travel is not None or self.water is None or not len(self.sites):
            return set()
        if (known := self._cache.get(("lists", limit))) is not None:
            return set(known)
        pairs = None if limit is None else self.pairs(limit)
        sites = self.nearest[1][self.over_water] if pairs is None else pairs.cols[pairs.over]
        return set(self.sites.layers[sites])

    def crossed(self, areas: np.ndarray, sites: np.ndarray) -> list[tuple[str, ...]]:
        """Names of the crossings on the way of each area to a site (positions; -1 for none); () where the line is on land."""
        out: list[tuple[str, ...]] = [()] * len(areas)
        if self.water is None or not len(self.sites):
            return out
        over = np.flatnonzero((sites >= 0) & self.water.over(self.xy[areas], self.sites.xy[sites]))
        for k, names in zip(over, self.water.named(self.xy[areas[over]], self.sites.xy[sites[over]]), strict=True):
            out[k] = names
        return out

    def cost_to(self, places: np.ndarray, most: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cost from each area to the nearest of some places ((k, 2) metres) and its position.

        For sites that do not exist yet: never by the travel-time table. inf where no way over land leads to any; it may be inf
        too where the cost is more than ``most``.
        """
        if not len(places):
            return np.full(len(self.xy), np.inf), np.full(len(self.xy), -1, dtype=np.int64)
        if self.water is None:
            metres, which = nearest_of(self.xy, places)
            return metres * self.multiplier, which
        found = self.water.nearest(self.xy, places, most / self.multiplier)
        return np.where(found.marked, np.inf, found.metres * self.multiplier), found.site

    def within(self, place: np.ndarray, most: float) -> np.ndarray:
        """Areas from which one place costs at most ``most``."""
        line = np.hypot(*(self.xy - place).T)
        reach = line * self.multiplier <= most
        rows = np.flatnonzero(reach)
        reach[rows] = self.costs_of(rows, place[None, :], np.zeros_like(rows), line[rows], most) <= most
        return reach

    def nearest_site(self, place: np.ndarray, among: np.ndarray | None = None) -> float | None:
        """Metres from a place to the nearest site (of those ``among``); None where there is none, or no way to any."""
        sites = self.sites.xy if among is None else self.sites.xy[among]
        if not len(sites):
            return None
        if self.water is None:
            return float(np.hypot(*(sites - place).T).min())
        found = self.water.nearest(place[None, :], sites)
        return None if found.marked[0] else float(found.metres[0])

    def costs_of(self, rows: np.ndarray, places: np.ndarray, cols: np.ndarray, line: np.ndarray, most, over=None):
        """Cost of pairs of area and place, by position, whose straight line is ``line`` metres.

        inf where there is no way over land; it may be inf too where the cost is more than ``most``.
        """
        times = self.multiplier[rows]
        if self.water is None:
            return line * times
        return times * self.water.replaced(self.xy, places, rows, cols, line, most / times, over)

    def _nearest_by_table(self) -> tuple[np.ndarray, np.ndarray]:
        rows, cols, minutes = self._table
        cost, site = np.full(len(self.xy), np.inf), np.full(len(self.xy), -1, dtype=np.int64)
        order = np.lexsort((cols, minutes, rows))
        first = order[np.unique(rows[order], return_index=True)[1]] if len(order) else order
        cost[rows[first]], site[rows[first]] = minutes[first], cols[first]
        return cost, site

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        coo = self.travel.tocoo()
        rows, cols, minutes = coo.coords[0], coo.coords[1], coo.data
        if self.alone:
            own = self.lad[rows] == self.sites.lad[cols]
            rows, cols, minutes = rows[own], cols[own], minutes[own]
        return rows, cols, minutes

    def pairs(self, limit: float) -> Pairs:
        """Every pair of area and site with cost <= limit, sorted by cost. The largest search so far is kept."""
        kept = self._cache.get("pairs")
        if kept is None or kept.limit < limit:
            kept = self._search(limit)
            self._cache["pairs"] = kept
        return kept if kept.limit == limit else kept.within(limit)

    def _search(self, limit: float) -> Pairs:
        over = None
        if self.travel is not None:
            rows, cols, cost = self._table
        elif not len(self.sites) or not len(self.xy):
            rows = cols = np.empty(0, dtype=np.int64)
            cost = np.empty(0)
        else:
            radius = limit / self.multiplier.min() * (1 + 1e-12)  # the rounding of one division must lose no pair
            areas, sites = cKDTree(self.xy), cKDTree(self.sites.xy)
            expected = areas.count_neighbors(sites, radius)
            if expected > MOST_PAIRS:
                what = f"{expected:,} pairs of area and site lie within the limit of {limit:g} {self.unit}"
                raise Refused("This is too much to count at once.", [Fault(what, "max_m", "use a smaller limit")])
            found = areas.sparse_distance_matrix(sites, radius, output_type="ndarray")
            rows, cols = found["i"].astype(np.int64), found["j"].astype(np.int64)
            line = found["v"]
            if self.alone:
                own = self.lad[rows] == self.sites.lad[cols]
                rows, cols, line = rows[own], cols[own], line[own]
            cost = line * self.multiplier[rows]
            if self.water is not None:
                near = cost <= limit
                rows, cols, line = rows[near], cols[near], line[near]
                over = self.water.over(self.xy[rows], self.sites.xy[cols])
                cost = self.costs_of(rows, self.sites.xy, cols, line, limit, over)
        over = np.zeros(len(rows), dtype=bool) if over is None else over
        keep = cost <= limit
        rows, cols, cost = rows[keep], cols[keep], cost[keep]
        order = np.lexsort((cols, rows, cost)) if len(cost) < 200_000 else np.argsort(cost, kind="stable")
        return Pairs(rows[order], cols[order], cost[order], limit, over[keep][order])

    def coverage(self, limit: float) -> np.ndarray:
        """Number of sites within the limit of each area; one across water without a way counts 0."""
        if (known := self._cache.get(("coverage", limit))) is not None:
            return known
        return np.bincount(self.pairs(limit).rows, minlength=len(self.xy)).astype("float64")

    def e2sfca(self, limit: float, per: float = PER_PEOPLE) -> np.ndarray:
        """Supply per ``per`` people of demand, weighted by :func:`kernel`; 0 where no site is in reach."""
        if (known := self._cache.get(("e2sfca", limit))) is not None and per == PER_PEOPLE:
            return known
        pairs = self.pairs(limit)
        weight = kernel(pairs.cost, limit)
        return per * floating_catchment(pairs.rows, pairs.cols, weight, self.sites.capacity, self.demand)


def _by_lad(areas: np.ndarray, sites: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Positions of the areas and of the sites of each authority that has both."""
    lads = pd.Index(sites[sites != ""]).unique()
    area_lad, site_lad = lads.get_indexer(pd.Index(areas)), lads.get_indexer(pd.Index(sites))
    parts = []
    for numbers in (area_lad, site_lad):
        order = np.argsort(numbers, kind="stable")
        parts.append(np.split(order, np.searchsorted(numbers[order], np.arange(len(lads))))[1:])
    return [(a, s) for a, s in zip(*parts, strict=True) if len(a)]


def access_model(
    areas: pd.DataFrame,
    services: pd.DataFrame | Sequence[pd.DataFrame] | Sites,
    *,
    detour: float = 1.0,
    demand: pd.Series | None = None,
    alone: bool = False,
    travel: pd.DataFrame | csr_array | None = None,
    no_car_share: pd.Series | None = None,
    walking_kmh: float = WALKING_KMH,
    driving_kmh: float = DRIVING_KMH,
    water: Water | None = None,
) -> AccessModel:
    """Make areas and services ready for measuring.

    ``demand`` (default: residents) is who shares the supply in e2sfca; missing demand counts as nobody. ``no_car_share``
    (0-1 per area) asks for the fair standard: ``share * walking minutes + (1 - share) * driving minutes``, areas without
    a known share being taken at the region's mean. ``travel`` is a table for :func:`read_travel`, or its result. ``water``
    (:attr:`layers.region.Region.water`) finds the ways where a straight line crosses water.
    Raises :class:`Refused` for a detour below 1, speeds or demand below 0, and points that are missing.
    """
    faults: list[Fault] = []
    sites = services if isinstance(services, Sites) else read_sites(services)
    xy = areas[["centroid_x", "centroid_y"]].to_numpy("float64")
    if not np.isfinite(xy).all():
        bad = areas["code"][~np.isfinite(xy).all(axis=1)].tolist()
        what = f"{len(bad)} areas have no point: {first_few(bad)}"
        faults.append(Fault(what, "areas", "build the region pack again"))
    if not (np.isfinite(detour) and detour >= 1.0):
        what = f"the detour factor is {detour}: no way is shorter than a straight line"
        faults.append(Fault(what, "detour", "use 1 or more, usually 1.0, 1.2 or 1.4", rule="detour"))
    for name, speed in (("walking_kmh", walking_kmh), ("driving_kmh", driving_kmh)):
        if not (np.isfinite(speed) and speed > 0):
            faults.append(Fault(f"the speed is {speed}", name, "use km/h above 0", rule="speed"))
    people = areas["population"] if demand is None else pd.to_numeric(demand, errors="coerce")
    people = people.to_numpy("float64")
    if len(people) != len(areas):
        faults.append(Fault(f"{len(people)} values for {len(areas)} areas", "demand", "read it at the same level"))
    elif (people < 0).any():
        faults.append(Fault(f"{int((people < 0).sum())} areas have demand below 0", "demand", "use counts of people"))
    share = None if no_car_share is None else pd.to_numeric(no_car_share, errors="coerce").to_numpy("float64")
    if share is not None and (len(share) != len(areas) or ((share < 0) | (share > 1)).any()):
        what = "shares must be one number from 0 to 1 for each area"
        faults.append(Fault(what, "no_car_share", "divide percent by 100"))
    if share is not None and travel is not None:
        what = "a travel-time table already says how long it takes"
        faults.append(Fault(what, "no_car_share", "choose one of the two"))
    if faults:
        raise Refused("Access cannot be measured.", faults)
    multiplier, unit = np.full(len(areas), float(detour)), "m"
    if share is not None:
        mean = float(np.nanmean(share)) if np.isfinite(share).any() else 1.0
        share = np.where(np.isfinite(share), share, mean)
        multiplier = detour * (share * minutes_for(1.0, walking_kmh) + (1 - share) * minutes_for(1.0, driving_kmh))
        unit = "min"
    if travel is not None:
        unit = "min"
        if isinstance(travel, pd.DataFrame):
            travel = read_travel(travel, areas["code"].astype(str).tolist(), [str(i) for i in sites.ids])
    return AccessModel(
        xy,
        areas["lad_code"].astype(object).to_numpy(object),
        np.nan_to_num(people, nan=0.0),
        sites,
        multiplier,
        unit,
        alone,
        travel,
        None if travel is not None else water,
    )


# --- one call, one Series --------------------------------------------------------------------------------------------


def nearest(areas: pd.DataFrame, services: pd.DataFrame | Sites, **settings) -> pd.Series:
    """Cost to the nearest service, metres unless a table or the fair standard gives minutes; NaN where there is none.

    ``settings`` are those of :func:`access_model`.
    """
    cost = access_model(areas, services, **settings).nearest[0]
    return pd.Series(np.where(np.isfinite(cost), cost, np.nan), index=areas.index, name="nearest")


def coverage(areas: pd.DataFrame, services: pd.DataFrame | Sites, max_m: float, **settings) -> pd.Series:
    """Number of services within ``max_m`` (in the model's unit of cost). No service at all is 0, a true zero."""
    model = access_model(areas, services, **settings)
    return pd.Series(model.coverage(check_limit(max_m)), index=areas.index, name="coverage")


def e2sfca(areas: pd.DataFrame, services: pd.DataFrame | Sites, max_m: float, **settings) -> pd.Series:
    """Capacity per 1,000 people by the enhanced two-step floating catchment; 0 where nothing is in reach."""
    model = access_model(areas, services, **settings)
    return pd.Series(model.e2sfca(check_limit(max_m)), index=areas.index, name="e2sfca")


def check_limit(max_m: float, name: str = "max_m") -> float:
    """``max_m`` as a float; raises :class:`Refused` unless it is a positive number."""
    try:
        number = float(max_m)
    except (TypeError, ValueError):
        number = float("nan")
    if not (np.isfinite(number) and number > 0):
        fault = Fault(f"{name} is {max_m}", name, "use a number above 0", rule="max-m")
        raise Refused("This limit cannot be used.", [fault])
    return number
