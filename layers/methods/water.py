"""Crossing water: where the straight line says too little, the way over land takes its place, or the pair is marked.

A pair of points whose line has more than 100 m in all on no land is *over water*. Its way over land (layers/geography/land.py)
leaves the line as it is up to 1.3 times its length: bays, bends and nearby bridges do no harm. A longer way replaces the line.
Where there is no way at all the pair is *marked*: nobody knows how to get across, so it is not counted.

Only lines over water are looked at twice. How long a way is looked for depends on who asks: nobody needs to know whether a
clinic across the estuary is 40 or 50 km away while another one is 5 km away on the same bank.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from layers.crossings import Crossing, counting
from layers.geography.coordinates import to_metres
from layers.geography.land import CELL, Land
from layers.geography.nearest import nearest_of
from layers.methods.kept_ways import KeptWays

WATER_M = 100.0  # a line with more than this in all on no land is over water
BAY = 1.3  # a way of at most this many times the line leaves the line as it is
ROUNDING = 1e-6
PREFIX_M = 4_000.0
FIRST_LOOK = 8  # sites looked at where the nearest is across water; twice as many until one is not
PER_CELL_S = (
    1.2e-7  # seconds of a processor for each cell of land around the start of a way, as measured on the North East
)
FAR_M = 30_000.0  # how far is looked, at a guess, where nobody says how far
KEPT_REACHES = 24

_MAY: ContextVar[Callable[[float], bool] | None] = ContextVar("ways that may be looked for", default=None)


class TooManyWays(Exception):
    """Looking for the ways that nobody knows yet takes longer than whoever asks may. ``seconds`` of a processor, estimated."""

    def __init__(self, seconds: float):
        super().__init__(f"the ways over land take about {seconds:.1f} s")
        self.seconds = seconds


@contextlib.contextmanager
def ways_at_most(may: Callable[[float], bool] | None) -> Iterator[None]:
    """Within it, ways are looked for only while ``may(seconds)``; otherwise :class:`TooManyWays`. Those known are known.
    None changes nothing."""
    if may is None:
        yield
        return
    token = _MAY.set(may)
    try:
        yield
    finally:
        _MAY.reset(token)


@dataclass(frozen=True)
class Reach:
    """How each point reaches its nearest site. Arrays over points; metres are before any detour factor."""

    metres: np.ndarray  # inf where there is no site
    site: np.ndarray  # -1 where there is no site
    over: np.ndarray  # the line to that site is over water, replaced or not
    marked: np.ndarray  # there is no way over land to any site: metres is the line


class Water:
    """The water of a region. Knows its land, its crossings, and the ways that were looked for."""

    def __init__(self, outlines: np.ndarray, crossings: Sequence[Crossing] = ()):
        self.crossings = counting(crossings)
        east, north = to_metres([c.longitude for c in self.crossings], [c.latitude for c in self.crossings])
        self.land = Land(outlines, np.column_stack([east, north]))
        self._lock = threading.Lock()
        self.kept = KeptWays()
        self._names: dict[tuple[int, int], tuple[int, ...]] = {}
        self._reaches: OrderedDict[str, Reach] = OrderedDict()  # by what they depend on, as whoever asks says

    def reach(self, key: str) -> Reach | None:
        with self._lock:
            if key in self._reaches:
                self._reaches.move_to_end(key)
            return self._reaches.get(key)

    def keep_reach(self, key: str, reach: Reach) -> Reach:
        with self._lock:
            self._reaches[key] = reach
            while len(self._reaches) > KEPT_REACHES:
                self._reaches.popitem(last=False)
        return reach

    def keep_in(self, folder: Path, *, write: bool) -> None:
        """Read the ways that were kept in a folder; with ``write``, keep there those that took long to find."""
        self.kept.keep_in(folder, self.land.passable, write)

    # --- pairs ---

    def over(self, points: np.ndarray, sites: np.ndarray) -> np.ndarray:
        """Which lines from a point to the site in the same row are over water."""
        least, out = WATER_M + ROUNDING, np.zeros(len(points), dtype=bool)
        line = np.hypot(*(sites - points).T)
        left = np.arange(len(points))
        for part in (PREFIX_M, np.inf):  # most long lines over water are so from the start
            long = line[left] > 2 * part
            some = left[long] if np.isfinite(part) else left
            ends = sites[some]
            if np.isfinite(part):
                ends = points[some] + (ends - points[some]) * (part / line[some])[:, None]
            out[some] = self.land.water_on(points[some], ends) > least
            left = left[~out[left]]
        return out

    def metres(self, points: np.ndarray, sites: np.ndarray, line: np.ndarray, most: np.ndarray | float) -> np.ndarray:
        """Metres of pairs that are over water: the line, the way that replaces it, or inf where the pair is marked.

        ``line`` is the length of the straight line. A way longer than both ``most`` and 1.3 times the line may be given as
        inf too: the caller does not want it.
        """
        out = np.full(len(points), np.inf)
        if not len(points):
            return out
        a, b = self.land.cells_near(points), self.land.cells_near(sites)
        some = np.flatnonzero(self.land.connected(a, b))
        far = np.maximum(np.broadcast_to(most, len(points)), BAY * line)
        way = self._ways(b[some], a[some], far[some])
        out[some] = np.where(way <= BAY * line[some] + ROUNDING, line[some], way)
        return out

    def marked(self, points: np.ndarray, sites: np.ndarray) -> np.ndarray:
        """Which pairs over water have no way over land."""
        return ~self.land.connected(self.land.cells_near(points), self.land.cells_near(sites))

    def _ways(self, sites: np.ndarray, points: np.ndarray, most: np.ndarray) -> np.ndarray:
        """Metres of ways between cells; inf where longer than ``most``. What was found once is not looked for again."""
        numbers = sites * np.int64(self.land.passable.size) + points
        out = self.kept.find(numbers, most)
        rows = np.flatnonzero(np.isnan(out))
        if len(rows):
            began = time.perf_counter()
            turned = len(np.unique(points[rows])) < len(np.unique(sites[rows]))  # start where there are fewer
            sources, targets = (points, sites) if turned else (sites, points)
            rows = rows[np.argsort(sources[rows], kind="stable")]
            starts = np.flatnonzero(np.r_[True, np.diff(sources[rows]) != 0])
            self._ask(np.maximum.reduceat(np.where(np.isfinite(most[rows]), most[rows], FAR_M), starts))
            for part in np.split(rows, starts[1:]):
                out[part] = self._looked(int(sources[part[0]]), targets[part], most[part])
            self.kept.add(numbers[rows], out[rows], most[rows], time.perf_counter() - began)
        return np.where(out <= most + ROUNDING, out, np.inf)

    @staticmethod
    def _ask(reach: np.ndarray) -> None:
        """Whether ways may be looked for so far around so many starts."""
        may = _MAY.get()
        seconds = float(((2.0 * reach / CELL) ** 2).sum()) * PER_CELL_S
        if may is not None and not may(seconds):
            raise TooManyWays(seconds)

    def _looked(self, source: int, targets: np.ndarray, most: np.ndarray) -> np.ndarray:
        if np.isfinite(most).all():
            return self.land.ways(source, targets, most)
        reach = np.where(np.isfinite(most), most, 10_000.0)  # they are connected: look farther until all are found
        while not np.isfinite((way := self.land.ways(source, targets, reach))[~np.isfinite(most)]).all():
            reach = np.where(np.isfinite(most), most, reach * 2)
        return way

    # --- the nearest site ---

    def nearest(self, points: np.ndarray, sites: np.ndarray, most: np.ndarray | None = None) -> Reach:
        """The nearest site of each point, over land where the line is over water; among equally near ones the first.

        A marked pair is taken only where a point has no other; its metres are those of the line. Where the least cost is more
        than the point's ``most`` it may be given as inf, or as the line.
        """
        metres, site = nearest_of(points, sites)
        over = self.over(points, sites[site])
        marked = np.zeros(len(points), dtype=bool)
        most = np.full(len(points), np.inf) if most is None else most
        active = np.flatnonzero(over & (metres <= most))
        tree, look = cKDTree(sites), FIRST_LOOK
        while len(active):
            look = min(look, len(sites))
            far, found = tree.query(points[active], k=np.arange(1, look + 1))
            wet = self.over(np.repeat(points[active], look, axis=0), sites[found.ravel()]).reshape(found.shape)
            # sites not looked at yet are no nearer than the last
            last = far[:, -1] if look < len(sites) else np.full(len(active), np.inf)
            wanted = np.minimum(most[active], last)
            cost = self._least(points[active], sites, found, far, np.where(wet, np.inf, far), wanted)
            best = cost.min(axis=1)
            done = (best < last) | (last > most[active]) | (look == len(sites))
            for i, here, which, water in zip(active[done], cost[done], found[done], wet[done], strict=True):
                if np.isfinite(here).any():
                    tied = np.flatnonzero(here == here.min())
                    first = tied[np.argmin(which[tied])]
                    metres[i], site[i], over[i] = here[first], which[first], water[first]
                elif self.marked(np.repeat(points[i : i + 1], len(which), axis=0), sites[which]).all():
                    marked[i] = True  # the line to the nearest stands, and is not believed
                else:
                    metres[i] = np.inf
            active = active[~done]
            look *= 2
        return Reach(metres, site, over, marked)

    def _least(self, points, sites, found, line, dry, wanted) -> np.ndarray:
        """Cost of each point's sites (a row each, nearest line first), right wherever it is the row's least
        and not more than it is ``wanted``.

        ``dry`` is the cost of those not over water, inf for the others. These are tried in the order of their lines, as long as
        the line is no longer than the least cost so far; and all of them within a reach before any of them farther, so that
        nobody looks for a way of 100 km along one bank when one of 5 km leads to the next site.
        """
        cost = dry.copy()
        rows, ranks = np.nonzero(~np.isfinite(dry))
        open_ = np.zeros(dry.shape, dtype=bool)
        open_[rows, ranks] = ~self.marked(points[rows], sites[found[rows, ranks]])
        base = np.where(open_, line, np.inf).min(axis=1)
        factor = BAY
        while open_.any():
            least = np.minimum(cost.min(axis=1), wanted)
            for rank in range(dry.shape[1]):
                most = np.minimum(least, base * factor)
                i = np.flatnonzero(open_[:, rank] & (line[:, rank] <= most))
                if len(i):
                    cost[i, rank] = self.metres(points[i], sites[found[i, rank]], line[i, rank], most[i])
                    open_[i, rank] = ~np.isfinite(cost[i, rank])
                    least = np.minimum(least, cost[:, rank])
            open_[least <= base * factor] = False
            factor *= 2
        return cost

    def replaced(
        self,
        points: np.ndarray,
        sites: np.ndarray,
        rows: np.ndarray,
        cols: np.ndarray,
        line: np.ndarray,
        most: np.ndarray,
        over: np.ndarray | None = None,
    ) -> np.ndarray:
        """Metres of any pairs, by position: the line where it is on land; inf where marked or longer than ``most``.

        ``over``: which of them are over water, where that is known already.
        """
        out = np.asarray(line, dtype="float64").copy()
        wet = np.flatnonzero(self.over(points[rows], sites[cols]) if over is None else over)
        if len(wet):
            most = np.broadcast_to(most, len(rows))[wet]
            out[wet] = self.metres(points[rows[wet]], sites[cols[wet]], out[wet], most)
        return out

    # --- handing on ---

    def known_of(self, sites: np.ndarray) -> tuple[tuple[np.ndarray, ...], list[tuple[int, int, tuple[int, ...]]]]:
        """Everything that is known of the ways to some sites: pairs, metres and how far was looked; and the crossings on them."""
        cells = np.unique(self.land.cells_near(sites)).astype(np.int64)
        size = np.int64(self.land.passable.size)
        wanted = set(cells.tolist())
        with self._lock:
            named = [(site, cell, met) for (site, cell), met in self._names.items() if site in wanted]
        return self.kept.of(cells * size, (cells + 1) * size), named

    def learn(self, ways: Sequence[np.ndarray], named: Sequence[tuple[int, int, Sequence[int]]]) -> None:
        """What another process knows (:meth:`known_of`)."""
        if len(ways[0]):
            self.kept.add(*ways)
        with self._lock:
            self._names.update({(site, cell): tuple(met) for site, cell, met in named})

    # --- names ---

    def named(self, points: np.ndarray, sites: np.ndarray) -> list[tuple[str, ...]]:
        """Names of the crossings on the ways of pairs over water, in the order met from the point; () for none or no way."""
        a, b = self.land.cells_near(points), self.land.cells_near(sites)
        ok = self.land.connected(a, b)
        pairs = list(zip(b.tolist(), a.tolist(), strict=True))
        todo = sorted({pair for pair, possible in zip(pairs, ok, strict=True) if possible and pair not in self._names})
        by_site: dict[int, list[int]] = {}
        for site, point in todo:
            by_site.setdefault(site, []).append(point)
        for site, cells in by_site.items():
            way = self._ways(np.full(len(cells), site), np.array(cells), np.full(len(cells), np.inf))
            found = self.land.crossed(site, np.array(cells), way)
            with self._lock:
                self._names.update({(site, cell): numbers for cell, numbers in zip(cells, found, strict=True)})
        return [tuple(dict.fromkeys(self.crossings[k].name for k in self._names.get(pair, ()))) for pair in pairs]
