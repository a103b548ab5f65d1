"""One linear program of everything that is known, which is asked many things: how small and how large hidden cells can be.

A point at which all sums hold and a cell is small enough proves that the cell can be so small, and proves it for every other cell
that is small there. So :class:`Solver` looks for points that settle many cells at once, and asks about a cell by itself only
where that does not settle it. Hiding more figures leaves every such point valid.

Questions differ in what is asked for only, so the last answer is a point from which to walk on: the primal simplex does just that.
(The dual one, which HiGHS takes by itself, loses its way among thousands of variables that cost nothing: 80 times the steps.)
"""

from __future__ import annotations

import highspy
import numpy as np
from scipy.sparse import csr_array, eye_array, hstack

CLOSE = 1e-6
"""Bounds nearer to each other than this are the same number."""

FEW = 12
"""Cells so few are asked about one by one."""

MOST_LOOKS = 200

_MINIMISE, _MAXIMISE = highspy.ObjSense.kMinimize, highspy.ObjSense.kMaximize
_PRIMAL = 4  # HiGHS: kSimplexStrategyPrimal


class Solver:
    """``rows @ x = 0`` with ``low <= x <= high``. Rows that contradict the others (a figure was corrected between two
    publications) are left out: the fewest that have to be."""

    def __init__(self, rows: csr_array, low: np.ndarray, high: np.ndarray, *, part: bool = False):
        finite = high[np.isfinite(high)]
        self.top = 1000.0 + 20.0 * float(finite.max(initial=0.0))  # for what has no limit: so much is as good as any
        self.rows, self.low, self.high = rows, np.asarray(low, float), np.minimum(high, self.top)
        self.seen_low, self.seen_high = np.full(len(low), np.inf), np.full(len(low), -np.inf)
        self.noise = np.random.default_rng(0)
        self.model = _model(self.rows, self.low, self.high)
        self.asked = np.zeros(0, np.int32)  # variables that cost something
        if part:  # of a larger one, which knows what holds: where nothing does there are no bounds
            return
        if self._run([], [], _MINIMISE) is None:
            self.rows = rows[_holding(rows, self.low, self.high)]
            self.model = _model(self.rows, self.low, self.high)
            self._run([], [], _MINIMISE)
        self.model.setOptionValue("simplex_strategy", _PRIMAL)

    def relax(self, at: int) -> None:
        """A figure is shown no more. What was proved possible stays so."""
        self.low[at], self.high[at] = 0.0, self.top
        self.model.changeColBounds(int(at), 0.0, self.top)

    def _run(self, cells, cost, sense) -> float | None:
        """The least or largest of what some cells cost together; None where there is none."""
        model, cells = self.model, np.asarray(cells, np.int32)
        model.changeColsCost(len(self.asked), self.asked, np.zeros(len(self.asked)))
        model.changeColsCost(len(cells), cells, np.asarray(cost, float))
        self.asked = cells
        model.changeObjectiveSense(sense)
        model.run()
        if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        found = np.asarray(model.getSolution().col_value)
        np.minimum(self.seen_low, found, out=self.seen_low)
        np.maximum(self.seen_high, found, out=self.seen_high)
        return model.getInfo().objective_function_value

    def between(self, cells: np.ndarray, least: np.ndarray, most: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Low and high of each cell. They are exact unless the cell can be as small as ``least``, or as large as ``most``:
        then they are known to reach that far."""
        cells = np.asarray(cells, int)
        least, most = (np.broadcast_to(end, len(cells)) for end in (least, most))
        self.look(cells, least, most)
        low, high = self.seen_low[cells].copy(), self.seen_high[cells].copy()
        for number, at in enumerate(cells.tolist()):
            if self.seen_low[at] > least[number] + CLOSE:
                found = self._run([at], [1.0], _MINIMISE)
                low[number] = self.low[at] if found is None else found
            if self.seen_high[at] < most[number] - CLOSE:
                found = self._run([at], [1.0], _MAXIMISE)
                high[number] = self.high[at] if found is None else found
        low, high = np.minimum(low, self.seen_low[cells]), np.maximum(high, self.seen_high[cells])
        return low, np.where(high >= self.top - CLOSE, np.inf, high)

    def reaches(self, at, least, most):
        """Whether points were seen at which a cell is as small as ``least`` and as large as ``most`` (or cells are)."""
        return (self.seen_low[at] <= least + CLOSE) & (self.seen_high[at] >= most - CLOSE)

    def held(self, at: int, least: float, most: float, names: np.ndarray) -> tuple[float, float, list[int]]:
        """Low and high of one cell, and by name the variables whose limits keep it from ``least`` or from ``most``. An end that was
        seen to reach as far is not asked about again: it is only known to reach there."""
        ends, by = [], []
        for sense, seen, bound, short in (
            (_MINIMISE, self.seen_low[at], self.low[at], lambda x: x > least + CLOSE),
            (_MAXIMISE, self.seen_high[at], np.inf, lambda x: x < most - CLOSE),
        ):
            end = float(seen)
            if not np.isfinite(end) or short(end):
                end = self._run([at], [1.0], sense)
                if end is None:
                    end = bound
                elif short(end):
                    duals = np.asarray(self.model.getSolution().col_dual)
                    by += np.flatnonzero(np.abs(duals) > CLOSE).tolist()
            ends.append(end)
        low, high = ends
        return low, np.inf if high >= self.top - CLOSE else high, [int(names[j]) for j in dict.fromkeys(by) if j != at]

    def look(self, cells: np.ndarray, least: np.ndarray, most: np.ndarray) -> None:
        """Points that are far out for many cells at once, for as long as each settles a good part of those left."""
        before = np.inf
        for _ in range(MOST_LOOKS):
            lower = self.seen_low[cells] > least + CLOSE
            higher = self.seen_high[cells] < most - CLOSE
            left = int((lower | higher).sum())
            if left <= FEW or before - left < FEW:
                return
            before = left
            sign = np.where(lower, 1.0, 0.0) - np.where(higher, 1.0, 0.0)
            either = lower & higher
            sign[either] = self.noise.choice([-1.0, 1.0], int(either.sum()))
            if self._run(cells, sign * self.noise.uniform(0.5, 1.5, len(cells)), _MINIMISE) is None:
                return


def _model(rows: csr_array, low: np.ndarray, high: np.ndarray, cost: np.ndarray | None = None):
    matrix = rows.tocsc()
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = matrix.shape
    model.col_cost_ = np.zeros(matrix.shape[1]) if cost is None else cost
    model.col_lower_, model.col_upper_ = low, high
    model.row_lower_, model.row_upper_ = np.zeros(matrix.shape[0]), np.zeros(matrix.shape[0])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.passModel(model)
    return solver


def _holding(rows: csr_array, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Which rows can hold together: each may be off, at a price, and those that are do not count."""
    count, size = rows.shape
    both = hstack([rows, eye_array(count), -eye_array(count)]).tocsr()
    cost = np.r_[np.zeros(size), np.ones(2 * count)]
    model = _model(both, np.r_[low, np.zeros(2 * count)], np.r_[high, np.full(2 * count, np.inf)], cost)
    model.run()
    off = np.asarray(model.getSolution().col_value)[size:]
    return np.abs(off[:count] - off[count:]) <= CLOSE
