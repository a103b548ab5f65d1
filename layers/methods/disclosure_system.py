"""What arithmetic gives back of hidden cells: bounds on the unknowns of a system of sums, by rank and by linear programming.

Every figure is a variable that is at least 0. What is shown is known to lie between two numbers (rounding leaves a gap), what
is hidden is not known at all, and each row of the system says that some variables add up to others. The attacker is everybody
who can read the figures: :func:`bounds` is what they can work out. No layer, area or rounding rule is known here.

Sums along a tree (areas, wards, authorities) need no solver: taking each row's rest off its limits until nothing moves gives
the exact bounds. Where rows form a ring (types by areas, two groupings of the same areas) HiGHS looks at each knot of hidden
cells; a shown figure that lies in two knots counts in each of them by itself, within its rounding.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import highspy
import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

CAREFUL_ROUNDS = 6
"""Rounds in which each failing cell takes one companion; after them it takes all near ones, so that there is an end."""

LARGE_KNOT = 600
"""Variables in a knot of hidden cells from which on no companion in it is tried for being shown again: that would take minutes."""

CLOSE = 1e-6
"""Bounds nearer to each other than this are the same number."""


@dataclass(eq=False)
class System:
    """``rows @ x = 0`` with ``low <= x <= high``. ``shown`` says which variables stand in some publication.

    ``plain`` marks rows (a count, the rest, and the whole of them) that are used to narrow and not handed to the solver:
    where a row of the table is hidden all three are unknown, so it ties nothing to anything.
    """

    rows: csr_array
    low: np.ndarray
    high: np.ndarray
    shown: np.ndarray
    plain: np.ndarray | None = None

    @property
    def size(self) -> int:
        return len(self.low)


def exactly_known(rows: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Which hidden columns of a matrix of sums have one solution only: those that no vector of its null space touches.

    ``rows`` is dense, (equations, variables); ``hidden`` a mask over the variables. Right sides do not matter.
    """
    part = np.asarray(rows, float)[:, hidden]
    known = np.zeros(len(hidden), bool)
    if part.size == 0:
        return known
    _, sizes, directions = np.linalg.svd(part, full_matrices=True)
    rank = int((sizes > 1e-9 * max(sizes.max(initial=0.0), 1.0)).sum())
    known[np.flatnonzero(hidden)] = (np.abs(directions[rank:]) < 1e-9).all(axis=0)
    return known


def narrowed(system: System, most: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Low and high of every variable after taking the rest of each row off it until nothing moves, and the rows that cannot
    hold (a figure was corrected between two publications): those are left out. Exact where the rows form a tree."""
    entries = system.rows.tocoo()
    row, column, factor = entries.row, entries.col, entries.data
    broken = np.zeros(system.rows.shape[0], bool)
    for _ in range(8):
        low, high = system.low.astype(float).copy(), system.high.astype(float).copy()
        use = ~broken[row]
        r, c, f = row[use], column[use], factor[use]
        crossed = _narrow(r, c, f, low, high, len(broken), most)
        if not crossed.any():
            break
        broken[r[crossed[c]]] = True
    return low, high, broken


def _narrow(r, c, f, low, high, rows: int, most: int) -> np.ndarray:
    """Moves ``low`` and ``high`` in place; which variables were left with no room."""
    positive = f > 0
    for _ in range(most):
        at_low, at_high = np.where(positive, f * low[c], f * high[c]), np.where(positive, f * high[c], f * low[c])
        rests = []
        for part in (at_low, at_high):
            endless = ~np.isfinite(part)
            finite = np.where(endless, 0.0, part)
            total = np.bincount(r, finite, rows)
            others = np.bincount(r, endless.astype(float), rows)[r] - endless
            rests.append((total[r] - finite, others > 0))
        (rest_low, open_low), (rest_high, open_high) = rests
        # f x = -rest: from the largest rest comes the least f x.
        least, largest = np.where(open_high, -np.inf, -rest_high) / f, np.where(open_low, np.inf, -rest_low) / f
        least, largest = np.where(positive, least, largest), np.where(positive, largest, least)
        least[np.isnan(least)], largest[np.isnan(largest)] = -np.inf, np.inf
        new_low, new_high = low.copy(), high.copy()
        np.maximum.at(new_low, c, least)
        np.minimum.at(new_high, c, largest)
        crossed = new_low > new_high + CLOSE * (1 + np.abs(new_low))
        if crossed.any():
            return crossed
        with np.errstate(invalid="ignore"):
            moved = (new_low > low + 1e-9) | (new_high < high - 1e-9)
        low[:], high[:] = np.minimum(new_low, new_high), np.maximum(new_low, new_high)
        if not moved.any():
            break
    return np.zeros(len(low), bool)


def bounds(
    system: System,
    hidden: np.ndarray,
    least: np.ndarray | None = None,
    most: np.ndarray | None = None,
    *,
    solved: dict[bytes, list[tuple[float, float]]] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """What can be inferred of every variable: low and high, exact for ``hidden`` (positions).

    With ``least`` and ``most`` (of each hidden one) the solver stops at a cell as soon as it has seen that the cell can be
    as small as ``least`` and as large as ``most``: the bounds of such a cell are then only known to contain both.
    """
    low, high, broken = narrowed(system)
    hidden = np.asarray(hidden, int)
    if not len(hidden):
        return low, high
    entries = system.rows.tocoo()
    left_out = broken if system.plain is None else broken | system.plain
    use = ~left_out[entries.row]
    row, column, factor = entries.row[use], entries.col[use], entries.data[use]
    count = len(broken)
    free = ~system.shown
    loose = free[column]
    link = coo_array(
        (np.ones(int(loose.sum())), (row[loose], count + column[loose])), (count + system.size, count + system.size)
    )
    _, knot = connected_components(link, directed=False)
    wanted_low = np.zeros(len(hidden)) if least is None else np.asarray(least, float)
    wanted_high = np.full(len(hidden), np.inf) if most is None else np.asarray(most, float)
    # Narrowing only ever leaves too much room: what fails already needs no solver to say so, unless bounds are asked for.
    passing = (low[hidden] <= wanted_low + CLOSE) & (high[hidden] >= wanted_high - CLOSE)
    asked = hidden[passing] if least is not None else hidden
    order = np.argsort(knot[row], kind="stable")
    row, column, factor = row[order], column[order], factor[order]
    starts = np.searchsorted(knot[row], np.arange(knot.max() + 2)) if len(row) else np.zeros(knot.max() + 2, int)
    rings = _rings(knot[row], row, column, system.size, knot.max() + 1)
    need_low, need_high = np.zeros(system.size), np.full(system.size, np.inf)
    need_low[hidden], need_high[hidden] = wanted_low, wanted_high
    by_knot: dict[int, list[int]] = {}
    for at in asked[rings[knot[count + asked]]]:  # elsewhere rows form trees: narrowing was exact
        by_knot.setdefault(int(knot[count + at]), []).append(int(at))
    for one, cells in by_knot.items():
        part = slice(starts[one], starts[one + 1])
        r, c, f = row[part], column[part], factor[part]
        variables = np.unique(c)
        needs = None if least is None else [(need_low[at], need_high[at]) for at in cells]
        key = b"".join(part.tobytes() for part in (r, c, low[variables], high[variables], np.array(cells)))
        found = None if solved is None else solved.get(key)
        if found is None:
            found = _solve(r, c, f, variables, low, high, cells, needs)
            if solved is not None:
                solved[key] = found
        for at, (small, large) in zip(cells, found, strict=True):
            low[at], high[at] = max(low[at], small), min(high[at], large)
    return low, high


def _rings(knot, row, column, size: int, count: int) -> np.ndarray:
    """Which knots hold a ring of rows: more entries than a tree of their rows and variables has."""
    entries = np.bincount(knot, minlength=count)
    rows = np.bincount(knot[np.unique(row, return_index=True)[1]], minlength=count)
    pairs = np.unique(knot.astype(np.int64) * size + column)
    variables = np.bincount(pairs // size, minlength=count)
    return entries > rows + variables - 1 + (entries == 0)


def _solve(r, c, f, variables, low, high, cells, needs) -> list[tuple[float, float]]:
    """Least and largest of each cell in one knot, by HiGHS."""
    at_row, at_column = np.unique(r, return_inverse=True)[1], np.searchsorted(variables, c)
    matrix = coo_array((f, (at_row, at_column)), (at_row.max() + 1, len(variables))).tocsc()
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(variables), matrix.shape[0]
    model.col_cost_ = np.zeros(len(variables))
    model.col_lower_, model.col_upper_ = low[variables], high[variables]
    model.row_lower_, model.row_upper_ = np.zeros(matrix.shape[0]), np.zeros(matrix.shape[0])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
    model.a_matrix_.value_ = matrix.data
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.passModel(model)
    mine = np.searchsorted(variables, cells)
    seen_low, seen_high = np.full(len(cells), np.inf), np.full(len(cells), -np.inf)

    def run(cost: np.ndarray, sense) -> float | None:
        solver.changeColsCost(len(variables), np.arange(len(variables), dtype=np.int32), cost)
        solver.changeObjectiveSense(sense)
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kOptimal:
            found = np.asarray(solver.getSolution().col_value)[mine]
            np.minimum(seen_low, found, out=seen_low)
            np.maximum(seen_high, found, out=seen_high)
            return solver.getInfo().objective_function_value
        if status in (highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible):
            return np.inf
        return None

    minimise, maximise = highspy.ObjSense.kMinimize, highspy.ObjSense.kMaximize
    if needs is not None:  # two looks at all cells together often settle most of them
        together = np.zeros(len(variables))
        together[mine] = 1.0
        run(together, minimise)
        run(np.where(high[variables] < np.inf, together, 0.0), maximise)
    out = []
    for number, position in enumerate(mine):
        cost = np.zeros(len(variables))
        cost[position] = 1.0
        small, large = low[variables[position]], high[variables[position]]
        if needs is None or seen_low[number] > needs[number][0] + CLOSE:
            found = run(cost, minimise)
            small = small if found is None or not np.isfinite(found) else found
        if needs is None or seen_high[number] < needs[number][1] - CLOSE:
            found = run(cost, maximise)
            large = large if found is None else found
        out.append((small, large))
    return out


# -- hiding more -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Protected:
    """``companions`` (positions) were hidden as well; ``failing`` are cells that nothing that may be hidden protects."""

    companions: np.ndarray
    failing: np.ndarray


def protects(low: np.ndarray, high: np.ndarray, smallest: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """Whether bounds hide a small number: they contain ``smallest`` (1, or 0 where that is sensitive) to threshold - 1, or say
    that the number is not small at all."""
    contains = (low <= smallest + CLOSE) & (high >= threshold - 1 - CLOSE)
    large = low > threshold - 1 + CLOSE
    none = high < smallest - CLOSE
    return contains | large | none


def protect_cells(
    system: System,
    hidden: np.ndarray,
    smallest: np.ndarray,
    threshold: np.ndarray,
    *,
    cost: np.ndarray,
    together: np.ndarray | None = None,
    prune: bool = True,
) -> Protected:
    """Hide further shown variables until every hidden one is protected.

    ``cost[j]`` is what hiding variable j loses (its size); infinite where it may not be hidden. ``together[j]`` numbers the
    row of a table that j stands in: what stands in one row is hidden at once. ``smallest`` and ``threshold`` are of every
    variable. Each round takes, for every failing cell, the cheapest companion in one of its rows; afterwards each companion
    that is not needed any more is shown again.
    """
    entries = system.rows.tocsr()
    columns = entries.tocsc()
    together = np.arange(system.size) if together is None else together
    members: dict[int, list[int]] = {}
    for at in np.flatnonzero(np.isfinite(cost)):
        members.setdefault(int(together[at]), []).append(int(at))
    first_low, first_high = system.low.copy(), system.high.copy()
    work = System(system.rows, system.low.copy(), system.high.copy(), system.shown.copy(), system.plain)
    hidden = np.asarray(hidden, int)
    taken: list[int] = []
    solved: dict[bytes, list[tuple[float, float]]] = {}

    def watched() -> np.ndarray:
        return np.array([*hidden, *(at for group in taken for at in members[group])], int)

    def failing() -> np.ndarray:
        cells = watched()
        low, high = bounds(work, cells, smallest[cells], threshold[cells] - 1, solved=solved)
        return cells[~protects(low[cells], high[cells], smallest[cells], threshold[cells])]

    def hide(group: int) -> None:
        for at in members[group]:
            work.low[at], work.high[at], work.shown[at] = 0.0, np.inf, False

    def show(group: int) -> None:
        for at in members[group]:
            work.low[at], work.high[at], work.shown[at] = first_low[at], first_high[at], True

    given_up: set[int] = set()
    for turn in itertools.count():
        weak = [at for at in failing() if at not in given_up]
        if not weak:
            break
        progress = False
        chosen: set[int] = set()
        for at in weak:
            near = _near(at, entries, columns, work.shown)
            near = [j for j in near if np.isfinite(cost[j]) and work.shown[j]]
            if not near:
                given_up.add(int(at))
                continue
            near.sort(key=lambda j: (cost[j], j))
            if turn < CAREFUL_ROUNDS and int(together[near[0]]) in chosen:
                continue  # hidden for another cell in this very round: that may do
            progress = True
            for j in near[:1] if turn < CAREFUL_ROUNDS else near:
                if (group := int(together[j])) not in chosen:
                    hide(group)
                    chosen.add(group)
                    taken.append(group)
        if not progress:
            break
    stuck = failing()
    if prune and taken:
        before = list(taken)
        for group in _not_needed(work, members, taken, watched(), stuck, first_low, first_high, smallest, threshold):
            show(group)
            taken.remove(group)
        if len(after := failing()) and set(after.tolist()) - set(stuck.tolist()):
            for group in set(before) - set(taken):  # what was shown again was needed further away
                hide(group)
            taken[:] = before
    positions = np.array(sorted({at for group in taken for at in members[group]}), int)
    return Protected(positions, stuck)


def _not_needed(work, members, taken, watched, stuck, first_low, first_high, smallest, threshold) -> list[int]:
    """Groups that can be shown again, the largest figures first, each looked at within its own knot of hidden cells."""
    low, high, broken = narrowed(work)
    shown = work.shown.copy()
    entries = work.rows.tocsr()
    touching = entries.tocsc()
    known = np.zeros(work.size, bool)
    known[stuck] = True
    watch = np.zeros(work.size, bool)
    watch[watched] = True
    out = []
    for group in sorted(taken, key=lambda g: -sum(first_low[j] for j in members[g])):
        cells = members[group]
        rows, reached = _knot_of(cells, entries, touching, shown, broken)
        if len(reached) > LARGE_KNOT:
            continue
        rows, reached = np.array(sorted(rows), int), np.array(sorted(reached), int)
        part_low, part_high, part_shown = low[reached].copy(), high[reached].copy(), shown[reached].copy()
        mine = np.searchsorted(reached, cells)
        part_low[mine], part_high[mine], part_shown[mine] = first_low[cells], first_high[cells], True
        plain = None if work.plain is None else work.plain[rows]
        part = System(entries[rows][:, reached].tocsr(), part_low, part_high, part_shown, plain)
        test = np.flatnonzero(watch[reached] & ~known[reached] & ~part_shown)
        a, b = bounds(part, test, smallest[reached[test]], threshold[reached[test]] - 1)
        if protects(a[test], b[test], smallest[reached[test]], threshold[reached[test]]).all():
            out.append(group)
            low[cells], high[cells], shown[cells], watch[cells] = first_low[cells], first_high[cells], True, False
    return out


def _knot_of(cells, rows, columns, shown, broken) -> tuple[set[int], set[int]]:
    """The rows that hang together with some cells through what is not shown, and every variable in them."""
    seen_rows: set[int] = set()
    reached, front = set(map(int, cells)), list(map(int, cells))
    while front:
        one = front.pop()
        for row in columns.indices[columns.indptr[one] : columns.indptr[one + 1]].tolist():
            if row in seen_rows or broken[row]:
                continue
            seen_rows.add(row)
            for j in rows.indices[rows.indptr[row] : rows.indptr[row + 1]].tolist():
                if j not in reached:
                    reached.add(j)
                    if not shown[j]:
                        front.append(j)
    return seen_rows, reached


def _near(at: int, rows: csr_array, columns, shown: np.ndarray) -> list[int]:
    """Shown variables that share a row with a cell, or with what is unknown and shares a row with it, nearest first."""
    reached, front, seen_rows = {at}, [at], set()
    for _ in range(6):
        found: list[int] = []
        unknown: list[int] = []
        for one in front:
            for row in columns.indices[columns.indptr[one] : columns.indptr[one + 1]]:
                if row in seen_rows:
                    continue
                seen_rows.add(int(row))
                for j in rows.indices[rows.indptr[row] : rows.indptr[row + 1]]:
                    if j in reached:
                        continue
                    reached.add(int(j))
                    (found if shown[j] else unknown).append(int(j))
        if found:
            return found
        front = unknown
    return []
