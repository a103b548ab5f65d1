"""Where the next sites help most: mclp, p-median and lscp, planned jointly and by each authority inside its border.

All three start from what a new site would change for each area. For mclp a site within the standard brings in all residents
of an area that no existing site reaches; for p-median it saves residents times metres; both are "choose N columns of a
gain matrix so that the sum of row maxima is largest", so one solver serves both:

1. greedy, milliseconds, handed out at once; 2. swaps of one site for another; 3. Lagrangian bounds, which usually rule out
nearly every candidate and often prove the answer; 4. HiGHS on the few candidates left, with what it proved by the time limit.

lscp is set cover: dominated areas and candidates are taken out first, then HiGHS. Answers with the same value can differ in
their sites between solvers: compare values, not sets.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import geopandas as gpd
import highspy
import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csc_array, csr_array
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from layers.methods.access import AccessModel, access_model, check_limit, read_sites, worst_fifth
from layers.methods.need import fifth
from layers.methods.stability import Cancelled
from layers.model import Fault, Refused

OBJECTIVES = ("mclp", "p-median", "lscp")
TIME_LIMIT_S = 20.0
MOST_GAINS = 30_000_000  # stored pairs of area and candidate
LAGRANGE_STEPS = 300
LAGRANGE_WORK = 200_000_000  # pairs looked at before the bounds give way to HiGHS
TIE = 1e-9  # relative: values closer than this are the same

Progress = Callable[[str, float, float], None]
Cancel = Callable[[], bool]


# --- choosing N columns ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """Columns chosen, what they are worth, and a proven limit on what any choice could be worth."""

    columns: tuple[int, ...]
    value: float
    bound: float
    first_value: float  # of the greedy answer
    method: str  # greedy, swaps, bounds or highs: what the answer rests on

    @property
    def gap(self) -> float:
        """Proven distance to the best possible, as a share of it (0 is proven optimal)."""
        return max(self.bound - self.value, 0.0) / self.bound if self.bound > 0 else 0.0

    @property
    def proven(self) -> bool:
        return self.gap <= TIE


def greedy(gain: csc_array, n: int) -> tuple[list[int], list[float]]:
    """Columns taken one by one, each the best addition (lowest number among equals), and the value after each.

    Gains only fall as sites are added, so an old gain is an upper bound: only the top of a heap is worked out again.
    """
    best = np.zeros(gain.shape[0])
    heap = [(-float(total), j) for j, total in enumerate(np.asarray(gain.sum(axis=0)).ravel())]
    heapq.heapify(heap)
    chosen: list[int] = []
    values: list[float] = []
    value = 0.0
    fresh: dict[int, int] = {}
    while heap and len(chosen) < n:
        negative, j = heap[0]
        if fresh.get(j) == len(chosen):
            heapq.heappop(heap)
            rows, g = _column(gain, j)
            best[rows] = np.maximum(best[rows], g)
            chosen.append(j)
            value += -negative
            values.append(value)
            continue
        rows, g = _column(gain, j)
        fresh[j] = len(chosen)
        heapq.heapreplace(heap, (-float(np.maximum(g - best[rows], 0.0).sum()), j))
    return chosen, values


def _column(gain: csc_array, j: int) -> tuple[np.ndarray, np.ndarray]:
    part = slice(gain.indptr[j], gain.indptr[j + 1])
    return gain.indices[part], gain.data[part]


def worth(gain: csc_array, columns: Sequence[int]) -> float:
    """Sum over rows of the largest gain among the chosen columns."""
    best = np.zeros(gain.shape[0])
    for j in columns:
        rows, g = _column(gain, j)
        best[rows] = np.maximum(best[rows], g)
    return float(best.sum())


def swaps(gain: csc_array, start: Sequence[int], most: int = 200, cancel: Cancel | None = None) -> list[int]:
    """Exchange one chosen column for another while that improves the value (Teitz and Bart, all exchanges at once)."""
    chosen = list(start)
    m, n = gain.shape
    cols = np.repeat(np.arange(n), np.diff(gain.indptr))
    for _ in range(most if chosen and gain.nnz else 0):
        if cancel is not None and cancel():
            raise Cancelled
        first, second, who = np.zeros(m), np.zeros(m), np.full(m, -1)
        for place, j in enumerate(chosen):
            rows, g = _column(gain, j)
            better = g > first[rows]
            r = rows[better]
            second[r], first[r], who[r] = first[r], g[better], place
            r = rows[~better]
            second[r] = np.maximum(second[r], g[~better])
        rows, g = gain.indices, gain.data
        add = np.bincount(cols, np.maximum(g - first[rows], 0.0), n)
        lose = np.bincount(who[who >= 0], (first - second)[who >= 0], len(chosen))
        known = who[rows] >= 0
        back = np.maximum(np.minimum(g, first[rows]) - second[rows], 0.0)
        keep = np.bincount(cols[known] * len(chosen) + who[rows[known]], back[known], n * len(chosen))
        change = add[:, None] - lose[None, :] + keep.reshape(n, len(chosen))
        change[chosen] = -np.inf
        j, place = np.unravel_index(int(np.argmax(change)), change.shape)
        if change[j, place] <= TIE * max(first.sum(), 1.0):
            break
        chosen[place] = int(j)
    return chosen


@dataclass
class _Bounds:
    """State of the Lagrangian search: best columns, value, bound, and which columns may still matter."""

    columns: list[int]
    value: float
    bound: float
    out: np.ndarray  # columns that cannot be in a better answer
    inside: np.ndarray  # columns that every better answer has


def _lagrange(gain: csc_array, n: int, start: list[int], whole: bool, stop: Callable[[], bool]) -> _Bounds:
    """Upper bounds by pricing rows: a row is paid once, whatever number of its columns is open.

    ``L(price) = sum(price) + sum of the n largest column profits``, profits being ``sum(max(gain - price, 0))``, is never
    below the best value. A column that would pull L below the best known value can be left out for good.
    """
    m, k = gain.shape
    rows, g = gain.indices, gain.data
    cols = np.repeat(np.arange(k), np.diff(gain.indptr))
    state = _Bounds(start, worth(gain, start), float("inf"), np.zeros(k, dtype=bool), np.zeros(k, dtype=bool))
    best = np.zeros(m)
    np.maximum.at(best, rows, g)
    price = 0.5 * best
    step, since = 1.5, 0
    rounds = int(min(LAGRANGE_STEPS, max(LAGRANGE_WORK // max(len(g), 1), 30)))
    for _ in range(rounds):
        if stop():
            break
        over = g - price[rows]
        profit = np.bincount(cols, np.maximum(over, 0.0), k)
        order = np.argpartition(-profit, min(n, k - 1))
        chosen = order[:n]
        bound = float(price.sum() + profit[chosen].sum())
        if bound < state.bound - TIE * abs(bound):
            state.bound, since = bound, 0
        else:
            since += 1
        if since >= 12:
            step, since = step / 2, 0
        value = worth(gain, chosen)
        if value > state.value * (1 + TIE):
            improved = swaps(gain, [int(j) for j in chosen], 20)
            state.columns, state.value = improved, worth(gain, improved)
        least_in = profit[chosen].min()
        most_out = profit[order[n:]].max() if n < k else -np.inf
        target = _target(state.value, whole)
        is_in = np.zeros(k, dtype=bool)
        is_in[chosen] = True
        state.out |= ~is_in & (bound - least_in + profit < target)
        state.inside |= is_in & (bound - profit + most_out < target)
        if state.bound < target or step < 1e-3:
            break
        slack = 1.0 - np.bincount(rows[is_in[cols] & (over > 0)], minlength=m)
        slack[(price <= 0) & (slack > 0)] = 0.0
        size = float(slack @ slack)
        if size == 0:
            state.bound = min(state.bound, bound)
            break
        price = np.maximum(price - step * max(bound - state.value, TIE) / size * slack, 0.0)
    return state


def _target(value: float, whole: bool) -> float:
    """The least that an answer better than ``value`` is worth; whole numbers of people cannot be beaten by half a person."""
    return value + (1.0 - 1e-6 if whole else TIE * max(value, 1.0))


def best_columns(
    gain: csc_array,
    n: int,
    *,
    time_limit: float = TIME_LIMIT_S,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    exact: bool = True,
) -> Choice:
    """The ``n`` columns of a sparse gain matrix (rows x columns, gains above 0) with the largest sum of row maxima.

    ``exact=False`` stops after greedy. ``progress(stage, value, bound)`` hears of every better answer.
    """
    gain = csc_array(gain)
    gain.sum_duplicates()
    n = min(n, gain.shape[1])
    everything = np.zeros(gain.shape[0])
    np.maximum.at(everything, gain.indices, gain.data)
    most = float(everything.sum())
    if n <= 0 or not gain.nnz:
        return Choice(tuple(range(max(n, 0))), 0.0, 0.0, 0.0, "greedy")
    chosen, values = greedy(gain, n)
    first = values[-1]
    tell = progress or (lambda *_: None)
    totals = np.sort(np.asarray(gain.sum(axis=0)).ravel())[::-1][:n].sum()
    bound = min(most, float(totals), first / (1 - (1 - 1 / n) ** n))  # the last by Nemhauser, Wolsey and Fisher (1978)
    tell("greedy", first, bound)
    if not exact or bound <= first * (1 + TIE):
        return _choice(gain, chosen, bound, first, "greedy")
    start = time.monotonic()
    stopped = cancel or (lambda: False)

    def stop() -> bool:
        if stopped():
            raise Cancelled
        return time.monotonic() - start > time_limit

    chosen = swaps(gain, chosen, cancel=cancel)
    whole = bool((gain.data == np.rint(gain.data)).all())
    tell("swaps", worth(gain, chosen), bound)
    state = _lagrange(gain, n, chosen, whole, stop)
    bound = min(bound, state.bound)
    tell("bounds", state.value, bound)
    if bound < _target(state.value, whole):
        return _choice(gain, state.columns, state.value, first, "bounds")
    left = time_limit - (time.monotonic() - start)
    if left <= 0:
        return _choice(gain, state.columns, bound, first, "swaps")
    columns, value, proven = _highs_columns(gain, n, state, left, tell, stopped)
    if value > state.value:
        state.columns, state.value = columns, value
    # What was left out is worth no more than the value known then; so the rest's bound is a bound for all.
    return _choice(gain, state.columns, min(bound, max(proven, state.value)), first, "highs")


def _choice(gain: csc_array, columns: Sequence[int], bound: float, first: float, method: str) -> Choice:
    value = worth(gain, columns)
    return Choice(tuple(sorted(int(j) for j in columns)), value, max(float(bound), value), first, method)


def _highs_columns(
    gain: csc_array, n: int, state: _Bounds, time_limit: float, tell, stopped
) -> tuple[list[int], float, float]:
    """HiGHS on the columns that still matter: columns, value and proven bound.

    ``u[i,k]`` says that row i has an open column worth at least its k-th level; it needs ``u[i,k-1]`` or a column of just
    that level. With one level per row this is the usual mclp model.
    """
    inside = np.flatnonzero(state.inside)
    free = np.flatnonzero(~state.out & ~state.inside)
    base = np.zeros(gain.shape[0])
    for j in inside:
        rows, g = _column(gain, int(j))
        base[rows] = np.maximum(base[rows], g)
    part = gain[:, free].tocoo()
    rows, cols = part.coords
    extra = part.data - base[rows]
    keep = extra > 0
    rows, cols, extra = rows[keep], cols[keep], extra[keep]
    need = n - len(inside)
    order = np.lexsort((cols, -extra, rows))
    rows, cols, extra = rows[order], cols[order], extra[order]
    new_row = np.r_[True, rows[1:] != rows[:-1]] if len(rows) else np.empty(0, dtype=bool)
    new = new_row | np.r_[True, extra[1:] != extra[:-1]] if len(rows) else new_row
    level = np.cumsum(new) - 1
    head = np.flatnonzero(new)
    weight = extra[head] - np.where(np.r_[new_row[head][1:], True], 0.0, np.r_[extra[head][1:], 0.0])
    starts_row = new_row[head]
    level, weight, starts_row, pairs = _merge_equal_rows(level, cols, weight, starts_row)
    count = len(weight)
    level, cols = pairs
    chain = np.flatnonzero(~starts_row)
    # Rows 0..count-1: u_k - u_(k-1) - sum(y of the level) <= 0; last row: sum(y) = need.
    r = np.concatenate([np.arange(count), chain, level, np.full(len(free), count)])
    c = np.concatenate([len(free) + np.arange(count), len(free) + chain - 1, cols, np.arange(len(free))])
    v = np.concatenate([np.ones(count), -np.ones(len(chain)), -np.ones(len(level)), np.ones(len(free))])
    matrix = csc_array(coo_array((v, (r, c)), shape=(count + 1, len(free) + count)))
    lower = np.r_[np.full(count, -highspy.kHighsInf), float(need)]
    upper = np.r_[np.zeros(count), float(need)]
    cost = np.r_[np.zeros(len(free)), weight]
    place = {int(j): i for i, j in enumerate(free)}
    first = np.zeros(len(free))
    first[[place[j] for j in state.columns if j in place]] = 1
    warm = first if first.sum() == need else None
    offset = float(base.sum())
    report = lambda value, bound: tell("highs", value + offset, bound + offset)  # noqa: E731
    y, bound = _solve(matrix, lower, upper, cost, len(free), True, time_limit, warm, report, stopped)
    if y is None:
        return state.columns, state.value, bound + offset
    columns = [int(j) for j in inside] + [int(free[j]) for j in np.flatnonzero(y > 0.5)]
    return columns, worth(gain, columns), bound + offset


def _merge_equal_rows(level, cols, weight, starts_row):
    """Rows with one level and the same columns become one row with the sum of their weights (mclp has many)."""
    single = starts_row & np.r_[starts_row[1:], True]
    if not single.any():
        return level, weight, starts_row, (level, cols)
    # A random number for each column, added up, names a set of columns; two sums make a clash all but impossible.
    token = np.random.default_rng(7).integers(1, 2**62, size=(2, int(cols.max()) + 1 if len(cols) else 1))
    names = [np.zeros(len(weight), dtype=np.int64) for _ in range(2)]
    for name, tokens in zip(names, token, strict=True):
        np.add.at(name, level, tokens[cols])
    key = np.column_stack([*names, np.where(single, 0, np.arange(1, len(weight) + 1))])
    _, keep, inverse = np.unique(key, axis=0, return_index=True, return_inverse=True)
    inverse = inverse.ravel()
    total = np.bincount(inverse, weight)
    order = np.argsort(keep)  # levels of one row stay side by side
    number = np.empty(len(keep), dtype=np.int64)
    number[order] = np.arange(len(keep))
    kept = np.zeros(len(weight), dtype=bool)
    kept[keep] = True
    pairs = kept[level]
    return level, total[order], starts_row[keep[order]], (number[inverse[level[pairs]]], cols[pairs])


def _solve(
    matrix, lower, upper, cost, binaries, maximise, time_limit, warm, report, stopped
) -> tuple[np.ndarray | None, float]:
    """Hand a sparse model to HiGHS: the first ``binaries`` columns are 0 or 1, the rest lie between. Values and bound."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("time_limit", float(max(time_limit, 0.05)))
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", 1e-6)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = matrix.shape[1], matrix.shape[0]
    model.col_cost_ = cost
    model.col_lower_, model.col_upper_ = np.zeros(len(cost)), np.ones(len(cost))
    model.row_lower_, model.row_upper_ = lower, upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = matrix.indptr
    model.a_matrix_.index_ = matrix.indices
    model.a_matrix_.value_ = matrix.data
    kinds = [highspy.HighsVarType.kInteger] * binaries + [highspy.HighsVarType.kContinuous] * (len(cost) - binaries)
    model.integrality_ = kinds
    model.sense_ = highspy.ObjSense.kMaximize if maximise else highspy.ObjSense.kMinimize
    solver.passModel(model)
    if warm is not None:
        solver.setSolution(len(warm), np.arange(len(warm), dtype=np.int32), np.asarray(warm, dtype="float64"))
    cancelled = False

    def interrupt(event) -> None:
        nonlocal cancelled
        if stopped():
            cancelled = True
            event.interrupt()

    solver.cbMipInterrupt += interrupt
    solver.cbSimplexInterrupt += interrupt
    if report is not None:
        solver.cbMipImprovingSolution += lambda event: report(
            event.data_out.objective_function_value, event.data_out.mip_dual_bound
        )
    solver.run()
    if cancelled:
        raise Cancelled
    info = solver.getInfo()
    found = info.primal_solution_status == highspy.kSolutionStatusFeasible
    bound = info.mip_dual_bound if solver.getModelStatus() != highspy.HighsModelStatus.kInfeasible else -np.inf
    values = np.array(solver.getSolution().col_value)[:binaries] if found else None
    return values, float(bound)


# --- covering everybody ----------------------------------------------------------------------------------------------


def fewest_columns(
    cover: csr_array,
    *,
    time_limit: float = TIME_LIMIT_S,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    exact: bool = True,
) -> Choice:
    """Fewest columns such that every row of a boolean matrix has one. ``value`` and ``bound`` are numbers of columns.

    Every row must have a column. The bound is from below, so ``gap`` is not used: ``value == bound`` is proven.
    """
    cover = csr_array(cover).astype(np.int64)
    tell = progress or (lambda *_: None)
    rows, cols, forced = _reduce_cover(cover)
    part = csc_array(cover[rows][:, cols])
    first = [*forced, *(int(cols[j]) for j in _greedy_cover(part))]
    tell("greedy", len(first), len(forced))
    if not exact or not len(rows):
        bound = len(first) if not len(rows) else len(forced) + 1
        return Choice(tuple(sorted(first)), len(first), bound, len(first), "greedy")
    warm = np.zeros(len(cols))
    warm[np.isin(cols, first)] = 1
    report = lambda value, bound: tell("highs", value + len(forced), bound + len(forced))  # noqa: E731
    y, bound = _solve(
        part.astype("float64"),
        np.ones(len(rows)),
        np.full(len(rows), highspy.kHighsInf),
        np.ones(len(cols)),
        len(cols),
        False,
        time_limit,
        warm,
        report,
        cancel or (lambda: False),
    )
    best = [*forced, *(int(cols[j]) for j in np.flatnonzero(y > 0.5))] if y is not None else first
    if len(best) > len(first):
        best = first
    least = len(forced) + (int(np.ceil(bound - 1e-6)) if np.isfinite(bound) else 1)
    return Choice(tuple(sorted(best)), len(best), min(least, len(best)), len(first), "highs")


def _reduce_cover(cover: csr_array, rounds: int = 6) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Rows and columns that matter, and columns that must be taken.

    A row whose columns include all those of another is covered for free; a column whose rows lie within another's is never
    needed; the only column of a row must be taken.
    """
    rows, cols = np.arange(cover.shape[0]), np.arange(cover.shape[1])
    forced: list[int] = []
    for _ in range(rounds):
        part = csr_array(cover[rows][:, cols])
        keep_cols = ~_contained(csr_array(part.T))
        keep_rows = ~_contains(csr_array(part[:, keep_cols]))
        cols, rows = cols[keep_cols], rows[keep_rows]
        part = csr_array(cover[rows][:, cols])
        only = np.flatnonzero(np.diff(part.indptr) == 1)
        taken = np.unique(part.indices[part.indptr[only]])
        forced += [int(cols[j]) for j in taken]
        covered = np.asarray(part[:, taken].sum(axis=1)).ravel() > 0 if len(taken) else np.zeros(len(rows), dtype=bool)
        free = np.ones(len(cols), dtype=bool)
        free[taken] = False
        changed = not keep_cols.all() or not keep_rows.all() or bool(len(taken))
        rows, cols = rows[~covered], cols[free]
        if not changed or not len(rows):
            break
    return rows, cols, forced


def _contained(sets: csr_array) -> np.ndarray:
    """Sets that lie within another set; of equal sets all but the first. Empty sets too."""
    size = np.diff(sets.indptr)
    common = coo_array(sets @ sets.T)
    i, j = common.coords
    inside = (i != j) & (common.data == size[i]) & ((size[j] > size[i]) | (j < i))
    out = size == 0
    out[i[inside]] = True
    return out


def _contains(sets: csr_array) -> np.ndarray:
    """Sets that include another set whole; of equal sets all but the first."""
    size = np.diff(sets.indptr)
    common = coo_array(sets @ sets.T)
    i, j = common.coords
    over = (i != j) & (common.data == size[j]) & ((size[i] > size[j]) | (j < i))
    out = np.zeros(len(size), dtype=bool)
    out[i[over]] = True
    return out


def _greedy_cover(part: csc_array) -> list[int]:
    open_rows = np.ones(part.shape[0], dtype=bool)
    chosen: list[int] = []
    count = np.diff(part.indptr).astype(np.int64)
    by_row = csr_array(part)
    while open_rows.any():
        j = int(np.argmax(count))
        rows, _ = _column(part, j)
        fresh = rows[open_rows[rows]]
        open_rows[fresh] = False
        for i in fresh:
            count[by_row.indices[by_row.indptr[i] : by_row.indptr[i + 1]]] -= 1
        chosen.append(j)
    return chosen


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
    notes: tuple[str, ...] = ()


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
    before = model.nearest[0]
    notes = [] if people.sum() > 0 else ["Nobody is planned for: there is no demand."]
    if not len(model.sites):
        notes.append("There is no existing service.")
    deadline = time.monotonic() + time_limit
    left = lambda: max(deadline - time.monotonic(), 0.05)  # noqa: E731
    uncoverable: tuple[str, ...] = ()
    if objective == "lscp":
        cover, rows, uncoverable = _cover(areas, model, people, before, places, max_m)
        if len(uncoverable) and not len(rows):
            what = f"no candidate is within {max_m:g} {model.unit} of {len(uncoverable)} areas: {_some(uncoverable)}"
            raise Refused(
                "Nobody can be brought within the standard.", [Fault(what, "siting", "add candidates", rule="lscp")]
            )
        found = (
            fewest_columns(cover, time_limit=left(), progress=progress, cancel=cancel, exact=exact)
            if len(rows)
            else Choice((), 0, 0, 0, "greedy")
        )
        if uncoverable:
            lost = float(people[areas["code"].isin(uncoverable).to_numpy()].sum())
            notes.append(f"{len(uncoverable)} areas with {lost:,.0f} residents cannot be brought within the standard.")
        gap = (found.value - found.bound) / found.value if found.value else 0.0
        proven = found.value <= found.bound
        alone = None
        if compare_alone:
            alone = _alone_cover(cover, areas["lad_code"].to_numpy(object)[rows], places, found, exact, left, cancel)
    else:
        gain = _gains(objective, model, people, before, places, max_m)
        if people.sum() > 0 and not gain.nnz:
            notes.append("No candidate brings anyone planned for nearer than the existing services do.")
        found = best_columns(gain, new, time_limit=left(), progress=progress, cancel=cancel, exact=exact)
        gap, proven, alone = found.gap, found.proven, None
        if compare_alone and gain.nnz:
            alone = _alone(gain, areas["lad_code"].to_numpy(object), places, new, found, exact, left, cancel)
            if alone.value > found.value:  # an unproven joint answer must not look worse than separate ones
                columns = tuple(np.flatnonzero(np.isin(places["code"].to_numpy(object), list(alone.sites))).tolist())
                found = replace(found, columns=columns, value=alone.value, bound=max(found.bound, alone.value))
                gap, proven, alone = found.gap, found.proven, replace(alone, saving=0.0)
    chosen = list(found.columns)
    after = np.minimum(before, _cost_to(model, places.iloc[chosen]))
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
        mean_before=_mean_cost(before, people),
        mean_after=_mean_cost(after, people),
        by_authority=who_gains(areas["lad_code"], residents, before, after, max_m),
        by_fifth=who_gains(_fifths(areas, need), residents, before, after, max_m),
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


def _fifths(areas: pd.DataFrame, need: pd.Series | None) -> pd.Series:
    return pd.Series(0, index=areas.index) if need is None else fifth(need)


def _mean_cost(cost: np.ndarray, people: np.ndarray) -> float | None:
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
            faults.append(Fault(f"codes stand twice: {_some(twice)}", "candidates", "give each its own code"))
    frame = frame.assign(**{name: "" for name in ("name", "lad_code", "ward_code") if name not in frame.columns})
    frame = pd.DataFrame(frame[["code", "name", "lad_code", "ward_code", "x", "y"]])
    if candidates is not None and (frame["lad_code"] == "").any():
        where = authorities_of(areas, frame["x"].to_numpy("float64"), frame["y"].to_numpy("float64"))
        frame["lad_code"] = np.where(frame["lad_code"] == "", where, frame["lad_code"])
    gone = frame[["code", "lad_code", "ward_code"]].isin(set(exclude)).any(axis=1)
    known = set(frame["code"]) | set(frame["lad_code"]) | set(frame["ward_code"])
    if strange := sorted(set(exclude) - known):
        faults.append(
            Fault(f"exclusions name unknown places: {_some(strange)}", "exclude", "use area or authority codes")
        )
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


def _cost_to(model: AccessModel, places: pd.DataFrame) -> np.ndarray:
    if not len(places):
        return np.full(len(model.xy), np.inf)
    return cKDTree(places[["x", "y"]].to_numpy("float64")).query(model.xy)[0] * model.multiplier


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
            i, j, cost = found["i"], found["j"], found["v"] * model.multiplier[part][found["i"]]
        else:
            grid = cdist(model.xy[part], xy) * model.multiplier[part][:, None]
            i, j = np.nonzero(grid <= limit[part][:, None])
            cost = grid[i, j]
        keep = cost < limit[part][i] if strict else cost <= limit[part][i]
        parts.append((part[i[keep]], j[keep], cost[keep]))
        count += int(keep.sum())
        if count > MOST_GAINS:
            what = f"more than {MOST_GAINS:,} pairs of area and candidate matter"
            raise Refused(
                "This is too much to plan at once.", [Fault(what, "siting", "plan for underserved areas only")]
            )
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
    cost, nearest = cKDTree(xy).query(model.xy)
    cost = cost * model.multiplier
    better = (before > max_m) & (cost <= max_m) if max_m is not None else cost < before
    lads, lad = np.unique(areas["lad_code"].to_numpy(str), return_inverse=True)
    gained = np.bincount(nearest[better] * len(lads) + lad[better], people[better], len(xy) * len(lads))
    gained = gained.reshape(len(xy), len(lads))
    out = []
    for k, place in enumerate(chosen.to_dict("records")):
        reach = np.hypot(*(model.xy - xy[k]).T) * model.multiplier <= max_m if max_m is not None else None
        far = np.hypot(*(model.sites.xy - xy[k]).T).min() if len(model.sites) else None
        out.append(
            Site(
                str(place["code"]),
                str(place["name"]),
                str(place["lad_code"]),
                float(place["x"]),
                float(place["y"]),
                float(people[better & (nearest == k)].sum()),
                {str(code): float(n) for code, n in zip(lads, gained[k], strict=True) if n > 0},
                None if far is None else float(far),
                None if reach is None else float(residents[reach].sum()),
                None if reach is None else float(residents[reach & (before <= max_m)].sum()),
            )
        )
    return tuple(sorted(out, key=lambda site: (-site.residents_gained, site.code)))


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


def _some(things: Sequence, most: int = 5) -> str:
    things = [str(thing) for thing in things]
    return ", ".join(things[:most]) + (f" and {len(things) - most} more" if len(things) > most else "")


# --- options sandbox -------------------------------------------------------------------------------------------------

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


def authorities_of(areas: pd.DataFrame, easting: np.ndarray, northing: np.ndarray) -> np.ndarray:
    """Authority that each point (EPSG:27700) stands in, "" outside all areas."""
    out = np.full(len(easting), "", dtype=object)
    if not len(easting) or "geometry" not in areas.columns:
        return out
    points = gpd.GeoSeries.from_xy(easting, northing, crs="EPSG:27700").to_crs("EPSG:4326")
    shapes = gpd.GeoSeries(areas["geometry"], crs=getattr(areas, "crs", None) or "EPSG:4326")
    found = shapes.sindex.query(points, predicate="intersects")
    out[found[0][::-1]] = areas["lad_code"].to_numpy(object)[found[1][::-1]]
    return out


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
            faults.append(
                Fault("a site with this id exists", where, "give the new site another id", rule="option-twice")
            )
            continue
        if change.kind != "open" and not known.any():
            faults.append(
                Fault("there is no such site", where, "choose one of the layer's sites", rule="option-unknown")
            )
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
    areas: pd.DataFrame,
    services: pd.DataFrame,
    need: pd.Series,
    options: Mapping[str, Sequence[Change]],
    *,
    metric: str = "nearest",
    max_m: float | None = None,
    threshold: float = 80.0,
    **settings,
) -> dict[str, Outcome]:
    """Every named option measured against the services as they are; nothing is saved anywhere.

    Where poor access is the worst fifth, the cut of today's services is kept for every option: otherwise there would be a
    worst fifth whatever was built. ``settings`` are those of :func:`layers.methods.access.access_model`.
    """
    if max_m is None:
        metric = "nearest"
    now = access_model(areas, read_sites(services), **settings)
    values, poor, cut = _measure(now, metric, max_m, None)
    high = (need >= threshold).to_numpy(bool)
    residents = areas["population"].to_numpy("float64")
    groups = _fifths(areas, need)
    limit = cut if max_m is None else max_m
    out = {}
    for name, changes in options.items():
        frame = apply_options(services, changes, areas)
        then = access_model(areas, read_sites(frame), **settings)
        after, poor_after, _ = _measure(then, metric, max_m, cut)
        under, under_after = high & poor, high & poor_after
        cost, cost_after = now.nearest[0], then.nearest[0]
        out[name] = Outcome(
            name,
            len(then.sites),
            float(residents[under_after].sum()),
            float(residents[under & ~under_after].sum()),
            float(residents[~under & under_after].sum()),
            None if limit is None or not np.isfinite(limit) else float(residents[cost_after <= limit].sum()),
            _mean_cost(cost_after, residents),
            who_gains(areas["lad_code"], residents, cost, cost_after, max_m),
            who_gains(groups, residents, cost, cost_after, max_m),
            pd.DataFrame(
                {
                    "access_before": np.where(np.isfinite(values), values, np.nan),
                    "access_after": np.where(np.isfinite(after), after, np.nan),
                    "underserved_before": under,
                    "underserved_after": under_after,
                },
                index=areas.index,
            ),
            _overlaps(now, changes, residents, max_m),
        )
    return out


def _measure(model: AccessModel, metric: str, max_m: float | None, cut: float | None):
    """Values, poor and cut of one set of services; a given cut is kept."""
    if metric == "e2sfca" and max_m is not None:
        values = model.e2sfca(max_m)
        poor, found = worst_fifth(values, False)
        return (values, poor, found) if cut is None else (values, values <= cut, cut)
    cost = model.nearest[0]
    if max_m is None:
        poor, found = worst_fifth(cost, True)
        return (cost, poor, found) if cut is None else (cost, cost >= cut, cut)
    values = model.coverage(max_m) if metric == "coverage" else cost
    return values, cost > max_m, None


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
            entry["nearest_existing_m"] = float(np.hypot(*(now.sites.xy[others] - place).T).min())
        if max_m is not None:
            reach = np.hypot(*(now.xy - place).T) * now.multiplier <= max_m
            entry["residents_within"] = float(residents[reach].sum())
            before = cKDTree(now.sites.xy[others]).query(now.xy)[0] * now.multiplier if others.any() else np.inf
            entry["already_within"] = float(residents[reach & (before <= max_m)].sum())
        out.append(entry)
    return tuple(out)
