"""What arithmetic gives back of hidden cells: bounds on the unknowns of a system of sums, by rank and by linear programming.

Every figure is a variable that is at least 0. What is shown is known to lie between two numbers (rounding leaves a gap), what
is hidden is not known at all, and each row of the system says that some variables add up to others. The attacker is everybody
who can read the figures: :func:`bounds` is what they can work out. No layer, area or rounding rule is known here.

Sums along a tree (areas, wards, authorities) need no solver: taking each row's rest off its limits until nothing moves gives
the exact bounds. Where rows form a ring (types by areas, two groupings of the same areas, periods that overlap) HiGHS takes all
that hangs together at once (:mod:`layers.methods.disclosure_solver`), shown figures within their rounding included.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from layers.methods.disclosure_solver import CLOSE, Solver

CAREFUL_ROUNDS = 25
"""Rounds in which each failing cell takes one companion; after them it takes all near ones, so that there is an end."""

LARGE_KNOT = 600
"""Variables in a knot of hidden cells from which on no companion in it is tried for being shown again: that would take minutes."""


AT_A_TIME = 250
"""Weak cells that are helped in one round: what helps some often helps others."""

SMALL = 300
"""Variables of a system in which every companion is tried for being shown again against all of it."""

NEARBY = (25, 250)
"""So many variables around a cell are looked at before everything is."""


@dataclass(eq=False)
class System:
    """``rows @ x = 0`` with ``low <= x <= high``. ``shown`` says which variables stand in some publication."""

    rows: csr_array
    low: np.ndarray
    high: np.ndarray
    shown: np.ndarray

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
) -> tuple[np.ndarray, np.ndarray]:
    """What can be inferred of every variable: low and high, exact for ``hidden`` (positions).

    With ``least`` and ``most`` (of each hidden one) the solver stops at a cell as soon as it has seen that the cell can be
    as small as ``least`` and as large as ``most``: the bounds of such a cell are then only known to contain both.
    """
    return Attacker(system).bounds(hidden, least, most, why=False)


class Attacker:
    """Works bounds out, and keeps what it has proved while more is hidden in its system."""

    def __init__(self, system: System):
        self.system = system
        self.unsure: set[int] = set()
        self.held: dict[int, list[int]] = {}  # of a cell with too little room: the figures that hold it there
        self._knots: dict[int, _Knot] = {}  # by row

    def bounds(
        self, hidden, least=None, most=None, *, enough: int = 10**9, why: bool = True
    ) -> tuple[np.ndarray, np.ndarray]:
        """See :func:`bounds`. When ``enough`` cells with too little room were found, the rest is left for another time
        (``unsure``). ``why``: find what holds each of them (``held``) as near to it as may be."""
        self.held, self.unsure = {}, set()
        low, high, broken = narrowed(self.system)
        hidden = np.asarray(hidden, int)
        if not len(hidden):
            return low, high
        knot_of_row, knot_of = in_rings(self.system.rows, broken, high - low > CLOSE)
        in_ring = knot_of[hidden] >= 0
        knots = self._prepare(knot_of_row, np.unique(knot_of[hidden[in_ring]]), low, high)
        if least is None:
            for name, knot in knots.items():
                cells = hidden[knot_of[hidden] == name]
                small, large = knot.solver.between(knot.place(cells), -np.inf, np.inf)
                low[cells], high[cells] = np.maximum(low[cells], small), np.minimum(high[cells], large)
            return low, high
        least, most = np.asarray(least, float), np.asarray(most, float)
        # Narrowing only ever leaves too much room: what passes it in a tree passes.
        open_ = (low[hidden] > least + CLOSE) | (high[hidden] < most - CLOSE)
        # That no small number lies there is certain already, and all that anybody asks of such a cell.
        small = (low[hidden] <= most + CLOSE) & (high[hidden] >= least - CLOSE)
        for name, knot in knots.items():
            ask = (knot_of[hidden] == name) & small
            place = knot.place(hidden[ask])
            knot.solver.look(place, least[ask], most[ask])
            open_[ask] = ~knot.solver.reaches(place, least[ask], most[ask])
        open_ &= small
        wide = high - low > CLOSE
        weak = 0
        if not why:  # elsewhere narrowing was exact
            open_ &= in_ring
        for number in np.flatnonzero(open_).tolist():
            at = int(hidden[number])
            if weak >= enough:
                self.unsure.add(at)
                continue
            held: list[int] = []
            small, large = low[at], high[at]
            if in_ring[number]:
                knot = knots[int(knot_of[at])]
                place = int(knot.place(at))
                if knot.solver.reaches(place, least[number], most[number]):  # seen while another cell was asked about
                    continue
                small, large, held = knot.solver.held(place, least[number], most[number], knot.names)
            if why and (held or not in_ring[number]):  # what holds it there is found nearest by
                for room in NEARBY:
                    near_small, near_large, near = self._nearby(at, wide, broken, least[number], most[number], room)
                    small, large = max(small, near_small), min(large, near_large)
                    if near:
                        held = near
                        break
            low[at], high[at] = max(low[at], small), min(high[at], large)
            if held:
                self.held[at] = held
                # what is held where no small number lies needs nothing: counted, such cells would hide the weak behind them
                weak += not (low[at] > most[number] + CLOSE or high[at] < least[number] - CLOSE)
        return low, high

    def _nearby(self, at: int, wide, broken, least: float, most: float, room: int) -> tuple[float, float, list[int]]:
        """Bounds of a cell from the rows around it alone, which leave it too much room if anything; and, where they are too
        narrow, the figures that hold it there."""
        rows, variables = self._around(at, wide, broken, room)
        if not len(rows):
            return self.system.low[at], self.system.high[at], []
        low, high = self.system.low[variables], self.system.high[variables]
        part = Solver(self.rows[rows][:, variables].tocsr(), low, high, part=True)
        return part.held(int(np.searchsorted(variables, at)), least, most, variables)

    @functools.cached_property
    def rows(self) -> csr_array:
        return self.system.rows.tocsr()

    @functools.cached_property
    def _columns(self):
        return self.rows.tocsc()

    def _around(self, at: int, open_: np.ndarray, broken: np.ndarray, room: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and variables near a cell, some ``room`` of them."""
        rows, reached = _hanging_together([at], self.rows, self._columns, open_, broken, room)
        return np.array(sorted(rows), int), np.array(sorted(reached), int)

    def _prepare(self, knot_of_row: np.ndarray, wanted: np.ndarray, low, high) -> dict[int, _Knot]:
        """A solver for each of the wanted knots: the one that there is, or a new one."""
        out, known = {}, high - low <= CLOSE
        for name in wanted.tolist():
            rows = np.flatnonzero(knot_of_row == name)
            knot = self._knots.get(int(rows[0]))
            if knot is None or not knot.still_holds(rows, known, low):
                knot = _Knot(self, rows, known, low)
                self._knots.update(dict.fromkeys(rows.tolist(), knot))
            out[name] = knot
        return out

    def _through(self, at: int) -> set[_Knot]:
        """The knots that a variable takes part in: more than one where it is known."""
        columns = self._columns
        near = columns.indices[columns.indptr[at] : columns.indptr[at + 1]]
        return {self._knots[row] for row in near.tolist() if row in self._knots}

    def _forget(self, knot: _Knot) -> None:
        for row in knot.rows.tolist():
            if self._knots.get(row) is knot:
                del self._knots[row]

    def hide(self, cells: Iterable[int]) -> None:
        for at in cells:
            self.system.low[at], self.system.high[at], self.system.shown[at] = 0.0, np.inf, False
            for knot in self._through(at):
                place = int(knot.place(at))
                if knot.known[place]:
                    self._forget(knot)  # whether it is known still is for narrowing to say
                else:
                    knot.solver.relax(place)

    def show(self, cells: Sequence[int], low: np.ndarray, high: np.ndarray) -> None:
        cells = list(cells)
        self.system.low[cells], self.system.high[cells], self.system.shown[cells] = low[cells], high[cells], True
        for at in cells:
            for knot in self._through(at):
                self._forget(knot)  # what was possible may be so no more


class _Knot:
    """Rows that hang together in a ring, and their solver. What is known exactly (from rows that are in no ring) is put in as a
    number, so that what lies beyond it is another knot."""

    def __init__(self, attacker: Attacker, rows: np.ndarray, known: np.ndarray, value: np.ndarray):
        part, system = attacker.rows[rows], attacker.system
        self.rows, self.names = rows, np.unique(part.indices)
        self.known = known[self.names]
        self.value = np.where(self.known, value[self.names], 0.0)
        least = np.where(self.known, self.value, system.low[self.names])
        most = np.where(self.known, self.value, system.high[self.names])
        self.solver = Solver(part[:, self.names].tocsr(), least, np.maximum(least, most))

    def place(self, cells) -> np.ndarray:
        return np.searchsorted(self.names, cells)

    def still_holds(self, rows: np.ndarray, known: np.ndarray, value: np.ndarray) -> bool:
        same = np.isin(rows, self.rows).all() and np.array_equal(known[self.names], self.known)
        return bool(same and np.abs(value[self.names] - self.value)[self.known].max(initial=0.0) <= CLOSE)


def in_rings(rows: csr_array, broken: np.ndarray, open_: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which rows, and which variables, hang together in a ring: through variables that are not known exactly there is more than
    one way from one to the other. Each knot of them has a number, and the rest is -1: there rows form trees, and narrowing was
    exact."""
    entries = rows.tocoo()
    use = ~broken[entries.row] & open_[entries.col] & (entries.data != 0)
    row, column = entries.row[use], entries.col[use]
    count, size = rows.shape
    link = coo_array((np.ones(len(row)), (row, count + column)), (count + size, count + size))
    _, knot = connected_components(link, directed=False)
    knots = knot.max(initial=-1) + 1
    ways = np.bincount(knot[row], minlength=knots)
    nodes = np.bincount(knot[np.unique(row)], minlength=knots) + np.bincount(
        knot[count + np.unique(column)], minlength=knots
    )
    ring = ways > nodes - 1
    ring &= ways > 0
    knot = np.where(ring[knot], knot, -1)  # what stands alone is in no ring
    return knot[:count], knot[count:]


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
    stop: bool = False,
) -> Protected:
    """Hide further shown variables until every hidden one is protected.

    ``cost[j]`` is what hiding variable j loses (its size); infinite where it may not be hidden. ``together[j]`` numbers the
    row of a table that j stands in: what stands in one row is hidden at once. ``smallest`` and ``threshold`` are of every
    variable. Each round takes, for every failing cell, the cheapest companion in one of its rows; afterwards each companion
    that is not needed any more is shown again. ``stop``: end as soon as there is a cell that nothing protects.
    """
    entries = system.rows.tocsr()
    columns = entries.tocsc()
    together = np.arange(system.size) if together is None else together
    members: dict[int, list[int]] = {}
    for at in np.flatnonzero(np.isfinite(cost)):
        members.setdefault(int(together[at]), []).append(int(at))
    first_low, first_high = system.low.copy(), system.high.copy()
    work = System(system.rows, system.low.copy(), system.high.copy(), system.shown.copy())
    attacker = Attacker(work)
    hidden = np.asarray(hidden, int)
    taken: list[int] = []

    def watched() -> np.ndarray:
        return np.array([*hidden, *(at for group in taken for at in members[group])], int)

    plainly_large: set[int] = set()  # protected by that, and no longer when more is hidden

    def failing(cells: np.ndarray, enough: int = AT_A_TIME) -> np.ndarray:
        cells = np.unique(np.r_[cells, np.array(sorted(plainly_large), int)])
        low, high = attacker.bounds(cells, smallest[cells], threshold[cells] - 1, enough=enough)
        low, high = low[cells], high[cells]
        good = protects(low, high, smallest[cells], threshold[cells])
        contains = (low <= smallest[cells] + CLOSE) & (high >= threshold[cells] - 1 - CLOSE)
        plainly_large.difference_update(cells.tolist())
        plainly_large.update(cells[good & ~contains].tolist())
        return cells[~good]

    shown_before = work.shown.copy()

    def helpers(at: int) -> list[int]:
        """Figures that may be hidden and would give a cell more room, the cheapest first."""
        near = attacker.held.get(at) or _near(at, entries, columns, work.shown)
        for known in [j for j in near if not work.shown[j]]:  # withheld, and known from what stands around it
            near = [*near, *_near(known, entries, columns, work.shown)]
        return sorted((j for j in near if np.isfinite(cost[j]) and shown_before[j]), key=lambda j: (cost[j], j))

    given_up: set[int] = set()

    def cover(weak: np.ndarray) -> None:
        nonlocal shown_before
        # Hiding more gives everything more room: each round looks at what was weak in the last one and at what is new.
        for turn in itertools.count():
            weak = [int(at) for at in weak if int(at) not in given_up]
            chosen: set[int] = set()
            later = set(attacker.unsure)
            shown_before = work.shown.copy()
            for at in weak:
                if at in later:
                    continue
                near = helpers(at)
                if not near:
                    given_up.add(at)
                    continue
                if not work.shown[near].all() and (turn < CAREFUL_ROUNDS or not work.shown[near].any()):
                    continue  # hidden for another cell in this very round: that may do
                for j in near[:1] if turn < CAREFUL_ROUNDS else near:
                    if (group := int(together[j])) not in chosen:
                        attacker.hide(members[group])
                        chosen.add(group)
                        taken.append(group)
            if (stop and given_up) or not (chosen or later):
                return
            weak = failing(np.array([*weak, *later, *(at for group in chosen for at in members[group])], int))

    cover(failing(watched()))
    if stop and given_up:
        return Protected(
            np.array(sorted({at for group in taken for at in members[group]}), int), np.array(sorted(given_up))
        )
    stuck = failing(watched(), enough=system.size) if taken or given_up else np.zeros(0, int)
    if prune and taken:
        given_up.update(stuck.tolist())
        if system.size <= SMALL:
            before: list[int] = []
            while before != taken:  # one that was needed may not be when another is shown
                before = list(taken)
                for group in sorted(taken, key=lambda g: -sum(first_low[j] for j in members[g])):
                    attacker.show(members[group], first_low, first_high)
                    taken.remove(group)
                    if set(failing(watched()).tolist()) - given_up:
                        attacker.hide(members[group])
                        taken.append(group)
                    else:
                        before = []
                if before:
                    break
        else:
            for group in _not_needed(
                work, members, taken, watched(), stuck, first_low, first_high, smallest, threshold
            ):
                attacker.show(members[group], first_low, first_high)
                taken.remove(group)
            cover(failing(watched()))  # what was shown again may have been needed further away
        stuck = failing(watched())
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
        rows, reached = _hanging_together(cells, entries, touching, ~shown, broken)
        if len(reached) > LARGE_KNOT:
            continue
        rows, reached = np.array(sorted(rows), int), np.array(sorted(reached), int)
        part_low, part_high, part_shown = low[reached].copy(), high[reached].copy(), shown[reached].copy()
        mine = np.searchsorted(reached, cells)
        part_low[mine], part_high[mine], part_shown[mine] = first_low[cells], first_high[cells], True
        part = System(entries[rows][:, reached].tocsr(), part_low, part_high, part_shown)
        test = np.flatnonzero(watch[reached] & ~known[reached] & ~part_shown)
        a, b = bounds(part, test, smallest[reached[test]], threshold[reached[test]] - 1)
        if protects(a[test], b[test], smallest[reached[test]], threshold[reached[test]]).all():
            out.append(group)
            low[cells], high[cells], shown[cells], watch[cells] = first_low[cells], first_high[cells], True, False
    return out


def _hanging_together(cells, rows, columns, through, broken, room: float = np.inf) -> tuple[set[int], set[int]]:
    """The rows that hang together with some cells through variables of the mask ``through``, and every variable in them; step by
    step outwards, until there are ``room`` variables."""
    seen_rows: set[int] = set()
    front = [int(at) for at in cells]
    reached = set(front)
    while front and len(reached) < room:
        following: list[int] = []
        for one in front:
            for row in columns.indices[columns.indptr[one] : columns.indptr[one + 1]].tolist():
                if row in seen_rows or broken[row]:
                    continue
                seen_rows.add(row)
                for j in rows.indices[rows.indptr[row] : rows.indptr[row + 1]].tolist():
                    if j not in reached:
                        reached.add(j)
                        if through[j]:
                            following.append(j)
        front = following
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
