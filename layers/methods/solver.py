"""Choosing columns of a sparse matrix: N that are worth most, or the fewest that cover every row.

For the N best: 1. greedy, milliseconds, handed out at once; 2. swaps of one column for another; 3. Lagrangian bounds, which
usually rule out nearly every column and often prove the answer; 4. HiGHS on the few columns left, with what it proved by the
time limit. The fewest is set cover: dominated rows and columns are taken out first, then HiGHS. Answers with the same value can
differ in their columns between solvers: compare values, not sets.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array

from layers.methods.stability import Cancelled

TIME_LIMIT_S = 20.0
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
