"""Guard and attacker: what everything published together gives away, and what a new layer has to hide so that it does not.

:func:`attack` is the auditor. It puts every quantity that is shown into one system of sums (areas in wards in authorities, totals
and parts, versions, overlapping periods, denominators and their complements) and says which hidden cells can be worked out or
bounded so closely that a small number is given away. :func:`protect_new` runs it on what a new layer changes, and hides more
of the *new* layer until nothing is given away; what is public already is never changed. docs/methods/disclosure.md says the rules.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from layers.methods.disclosure_links import overlaps, same_quantities, sums
from layers.methods.disclosure_order import told_by_order
from layers.methods.disclosure_series import Nest, Series, residents_series
from layers.methods.disclosure_system import CLOSE, System, bounds, protect_cells, protects
from layers.model import LEVELS

LAST = 1e9
"""What hiding a zero costs: more than any count."""


MOST_TRIES = 6
"""How often other companions are looked for when one that was hidden to help is told itself."""


@dataclass(frozen=True)
class Leak:
    """A cell of which too much can be inferred: that it lies between ``low`` and ``high``. ``kind``: ``recovered`` (exactly),
    ``bounded`` (inside what has to stay possible), ``ordered`` (its place among the others is shown) or ``shown`` (a small
    number stands there for all to see). ``through``
    names the other layers that it takes."""

    layer: str
    version: int
    period: str
    what: str
    level: str
    area: str
    low: float
    high: float
    kind: str
    through: tuple[str, ...] = ()


@dataclass(eq=False)
class World:
    """Series, the groups that are one quantity, and the system that they make together."""

    series: list[Series]
    nest: Nest
    groups: list[list[int]] = field(default_factory=list)
    system: System | None = None
    index: np.ndarray | None = None  # (groups, cells) -> variable, -1 for none
    watched: np.ndarray | None = None  # variables that have to stay protected
    threshold: np.ndarray | None = None
    smallest: np.ndarray | None = None
    linked: list[frozenset[int]] = field(default_factory=list)  # groups that stand in one sum


# -- one system --------------------------------------------------------------------------------------------------------


def build(series: Sequence[Series], nest: Nest) -> World:
    """Everything that is known of some series, as one system. Groups that no hidden cell hangs on are left out."""
    world = World([*(one for one in series if one.what != "order"), residents_series(nest)], nest)
    world.groups = same_quantities(world.series, nest)
    group_of = np.empty(len(world.series), int)
    for number, members in enumerate(world.groups):
        group_of[members] = number
    of = [[world.series[at] for at in members] for members in world.groups]
    relevant = np.array([any(one.guarded and one.hidden.any() for one in members) for members in of])
    pairs = _complements(world, group_of)
    for inner, whole in pairs:
        relevant[inner] |= _few_left(of[inner], of[whole]).any()
    adds = sums(of, nest, relevant)
    stretches, extra = overlaps(world.series, group_of)
    count = len(world.groups)
    rows: list[tuple[list[int], list[float]]] = [
        ([one.total, *one.others, *one.parts], [-1.0] * (1 + len(one.others)) + [1.0] * len(one.parts)) for one in adds
    ]
    for group, parts in stretches:
        named = [part if part >= 0 else count - 1 - part for part in parts]
        rows.append(([group, *named], [-1.0] + [1.0] * len(parts)))
    others = {}
    for inner, whole in pairs:
        others[count + extra] = inner
        rows.append(([whole, inner, count + extra], [-1.0, 1.0, 1.0]))
        extra += 1
    world.linked = [frozenset(groups) for groups, _ in rows]
    _assemble(world, of, rows, extra, others, relevant)
    return world


def _complements(world: World, group_of: np.ndarray) -> list[tuple[int, int]]:
    """(counted, counted among) of every layer in which nobody is counted twice: the rest is a count of people too."""
    place = {(one.layer, one.version, one.period, one.what): at for at, one in enumerate(world.series)}
    out = []
    for (layer, version, period, what), at in place.items():
        whole = place.get((layer, version, period, "denominator"))
        if what != "numerator" or whole is None or not world.series[at].guarded or group_of[at] == group_of[whole]:
            continue
        a, b = world.series[at], world.series[whole]
        both = a.shown & b.shown
        if (a.low[both] <= b.high[both] + CLOSE).all():
            out.append((int(group_of[at]), int(group_of[whole])))
    return sorted(set(out))


def _reached(world: World, of, links, total: int) -> np.ndarray:
    """The groups that a new layer has to do with: through sums, and not beyond what is known exactly anyway."""
    reached, passing = np.zeros(total, bool), np.ones(total, bool)
    for number, members in enumerate(of):
        reached[number] = any(one.mine for one in members)
        passing[number] = any(one.mine or one.guarded or one.hidden.any() for one in members)
    before = -1
    while before != (before := int(reached.sum())):
        for groups, _ in links:
            if (reached[groups] & passing[groups]).any():
                reached[groups] = True
    return reached


def _few_left(inner: Sequence[Series], whole: Sequence[Series]) -> np.ndarray:
    """Cells in which all but a few are counted, and it shows: both figures are known so closely that the rest is small."""
    low, high = (
        [np.fmax.reduce([one.low for one in some]) for some in (inner, whole)],
        [np.fmin.reduce([one.high for one in some]) for some in (inner, whole)],
    )
    threshold = max(one.threshold for one in inner if one.guarded)
    with np.errstate(invalid="ignore"):
        return (low[1] - high[0] > CLOSE) & (high[1] - low[0] < threshold - 1 + CLOSE)


def _assemble(world: World, of, links, extra: int, others: dict[int, int], relevant: np.ndarray) -> None:
    nest = world.nest
    total = len(of) + extra
    wanted = np.zeros(total, bool)
    wanted[: len(of)] = relevant
    for _ in range(total):  # what hangs on what is hidden, through any number of sums
        before = wanted.sum()
        for groups, _ in links:
            if wanted[groups].any():
                wanted[groups] = True
        if wanted.sum() == before:
            break
    if any(one.mine for one in world.series):
        wanted &= _reached(world, of, links, total)
    low = np.zeros((total, nest.count))
    high = np.full((total, nest.count), np.inf)
    shown = np.zeros((total, nest.count), bool)
    present = np.zeros((total, nest.count), bool)
    threshold, smallest = np.zeros((total, nest.count)), np.ones((total, nest.count))
    watch = np.zeros((total, nest.count), bool)
    patchy = np.zeros(total, bool)
    for number, members in enumerate(of):
        if not wanted[number]:
            continue
        patchy[number] = len({(one.layer, one.version) for one in members}) > 1 or any(one.scaled for one in members)
        for one in members:
            here = one.shown
            clash = here & shown[number] & ((one.low > high[number] + CLOSE) | (one.high < low[number] - CLOSE))
            new = here & ~clash
            low[number, new] = np.maximum(low[number, new], one.low[new])
            high[number, new] = np.minimum(high[number, new], one.high[new])
            # Two publications that contradict each other (a correction): either may be right.
            low[number, clash] = np.minimum(low[number, clash], one.low[clash])
            high[number, clash] = np.maximum(high[number, clash], one.high[clash])
            shown[number] |= here
            present[number] |= here | one.hidden
            if one.guarded:
                watch[number] |= one.hidden
                threshold[number] = np.maximum(threshold[number], one.threshold)
                smallest[number] = np.minimum(smallest[number], one.smallest)
    for number in range(len(of), total):
        if not wanted[number]:
            continue
        partners = [groups for groups, _ in links if number in groups]
        present[number] = np.any([present[g] for groups in partners for g in groups if g < len(of)], axis=0)
        patchy[number] = True
        if (inner := others.get(number)) is not None:
            whole = next(group for group in partners[0] if group not in (inner, number))
            few = _few_left(of[inner], of[whole])
            watch[number], smallest[number] = watch[inner] | few, 1.0
            threshold[number] = np.where(few, max(one.threshold for one in of[inner]), threshold[inner])
    _fill_parents(present, wanted, nest)
    world.index = np.full((total, nest.count), -1)
    use = present & wanted[:, None]
    world.index[use] = np.arange(int(use.sum()))
    rows, columns, factors, number = [], [], [], 0
    for group in np.flatnonzero(wanted[: len(of)]):
        for block in _tree(world.index[group], present[group], patchy[group], nest):
            number = _put(rows, columns, factors, number, *block)
    for groups, signs in links:
        if wanted[groups].all():
            at = world.index[groups]
            cells = np.flatnonzero((at >= 0).all(axis=0))
            for variables, sign in zip(at[:, cells], signs, strict=True):
                rows.append(number + np.arange(len(cells)))
                columns.append(variables)
                factors.append(np.full(len(cells), sign))
            number += len(cells)
    size = int(use.sum())
    empty = np.zeros(0)
    matrix = coo_array(
        (
            np.concatenate([empty, *factors]),
            (np.concatenate([empty.astype(int), *rows]), np.concatenate([empty.astype(int), *columns])),
        ),
        (max(number, 1), size),
    )
    # Complements of a figure that is shown, where its whole is shown too, are no more than their difference: not watched.
    rows_of = matrix.tocsr()
    rows_of.eliminate_zeros()
    world.system = System(rows_of, low[use], high[use], shown[use])
    world.watched = np.flatnonzero(watch[use])
    world.threshold, world.smallest = np.maximum(threshold[use], 2), smallest[use]


def _fill_parents(present: np.ndarray, wanted: np.ndarray, nest: Nest) -> None:
    """Wards and authorities of which parts are known exist too, shown or not: they carry what is known further up."""
    small, wards, _ = nest.sizes
    for group in np.flatnonzero(wanted):
        here = present[group]
        if here[:small].any():
            up = nest.ward[:small][here[:small]]
            here[up[up >= 0]] = True
        if here[small : small + wards].any():
            up = nest.lad[small : small + wards][here[small : small + wards]]
            here[up[up >= 0]] = True


def _tree(index: np.ndarray, present: np.ndarray, patchy: bool, nest: Nest):
    """Rows "parts less the whole" for wards and authorities of one quantity: (row, column, factor) with rows from 0.

    A part that nobody has a figure for is not in the whole (that is how figures are added up here), unless the whole comes
    from elsewhere: then there is no such row."""
    small, wards, _ = nest.sizes
    steps = [(nest.ward, 0, small), (nest.lad, small, small + wards)]
    if not present[small : small + wards].any():
        steps = [(nest.lad, 0, small)]
    for parent, first, last in steps:
        children = np.arange(first, last)
        up = parent[first:last]
        here = present[first:last] & (up >= 0)
        if not here.any():
            continue
        good = np.zeros(nest.count, bool)
        good[up[here]] = True
        good &= present
        if patchy:
            lacking = up[(up >= 0) & ~present[first:last]]
            good[lacking] = False
        take = here & good[np.maximum(up, 0)]
        parents = np.unique(up[take])
        place = np.searchsorted(parents, up[take])
        yield (
            np.concatenate([place, np.arange(len(parents))]),
            np.concatenate([index[children[take]], index[parents]]),
            np.concatenate([np.ones(int(take.sum())), -np.ones(len(parents))]),
            len(parents),
        )


def _put(rows, columns, factors, number: int, row, column, factor, size: int) -> int:
    rows.append(row + number)
    columns.append(column)
    factors.append(factor)
    return number + size


# -- the attacker ------------------------------------------------------------------------------------------------------


def attack(series: Sequence[Series], nest: Nest, looked_at: dict[bytes, np.ndarray] | None = None) -> list[Leak]:
    """Every cell of which too much can be inferred from these publications together. ``looked_at`` is kept from one attack to the
    next: what hangs together in just the same way is not worked out again."""
    out = [*_plain_to_see(series, nest), *_ordered(series, nest)]
    if any(one.guarded and (one.hidden.any() or one.what == "numerator") for one in series):
        world = build(series, nest)
        out += leaks(world, failing(world, {} if looked_at is None else looked_at))
    return out


def _plain_to_see(series: Iterable[Series], nest: Nest) -> Iterable[Leak]:
    for one in series:
        if not one.guarded or one.what == "order":
            continue
        small = one.shown & (one.low >= one.smallest - CLOSE) & (one.high <= one.threshold - 1 + CLOSE)
        if one.smallest == 1:
            small &= one.high >= 1
        yield from (
            Leak(one.layer, one.version, one.period, one.what, LEVELS[nest.at_level[at]], str(nest.codes[at]),
                 float(one.low[at]), float(one.high[at]), "shown")
            for at in np.flatnonzero(small)
        )  # fmt: skip


def _ordered(series: Sequence[Series], nest: Nest) -> Iterable[Leak]:
    """Hidden cells of which a rank, a class or a score shows the order."""
    for told in told_by_order(series, nest):
        one = told.counts
        for at in told.cells:
            level, area = LEVELS[nest.at_level[at]], str(nest.codes[at])
            yield Leak(one.layer, one.version, one.period, one.what, level, area, float(one.smallest),
                       float(one.threshold - 1), "ordered", (told.order.layer,))  # fmt: skip


def newly_told(new: Sequence[Series], old: Sequence[Series], nest: Nest) -> tuple[Leak, ...]:
    """What follows as soon as ``new`` (series that are ``mine``) is shown beside ``old``, and did not follow before."""
    found = attack([*old, *new], nest)
    if not found:
        return ()
    before = {_cell_of(one) for one in attack(old, nest)}
    return tuple(one for one in found if _cell_of(one) not in before)


def but_large(found: Sequence[Leak], everything: Sequence[Series], nest: Nest) -> list[Leak]:
    """Without the cells of which everything published together shows that they hold no small number. Somebody who sees less
    of it may think that they could, and would be wrong."""
    if not any(np.isinf(one.high) or one.high > one.low for one in found):
        return list(found)
    world = build(everything, nest)
    group_of = {}
    for number, members in enumerate(world.groups):
        for at in members:
            one = world.series[at]
            group_of[one.layer, one.version, one.period, one.what] = number, one.threshold
    cell_of = {
        (LEVELS[level], code): at for at, (level, code) in enumerate(zip(nest.at_level, nest.codes, strict=True))
    }
    wanted = {}
    for leak in found:
        number, threshold = group_of.get((leak.layer, leak.version, leak.period, leak.what), (-1, 0))
        variable = world.index[number, cell_of[leak.level, leak.area]] if number >= 0 else -1
        if leak.kind != "shown" and variable >= 0 and leak.high > threshold - 1 + CLOSE:
            wanted[leak] = int(variable), threshold
    if not wanted:
        return list(found)
    cells = np.unique([variable for variable, _ in wanted.values()])
    low, _ = bounds(world.system, cells)
    return [one for one in found if one not in wanted or low[wanted[one][0]] <= wanted[one][1] - 1 + CLOSE]


def _cell_of(leak: Leak) -> tuple[str, int, str, str, str, str]:
    return leak.layer, leak.version, leak.period, leak.what, leak.level, leak.area


def failing(world: World, looked_at: dict[bytes, np.ndarray]) -> np.ndarray:
    """Watched variables that are not protected. What hangs together through sums is looked at by itself, and once."""
    system, watched = world.system, np.zeros(world.system.size, bool)
    watched[world.watched] = True
    out = [np.zeros(0, int)]
    for variables in _apart(world):
        rows = np.unique(system.rows[:, variables].tocoo().row)
        limits = (system.low[variables], system.high[variables], system.shown[variables])
        part = System(system.rows[rows][:, variables].tocsr(), *limits)
        part.rows.sort_indices()
        cells = np.flatnonzero(watched[variables])
        smallest, threshold = world.smallest[variables[cells]], world.threshold[variables[cells]]
        told = (part.rows.indptr, part.rows.indices, part.rows.data, part.low, part.high, cells, smallest, threshold)
        name = hashlib.sha256(b"".join(one.tobytes() for one in told)).digest()
        if name not in looked_at:
            low, high = bounds(part, cells, smallest, threshold - 1)
            looked_at[name] = cells[~protects(low[cells], high[cells], smallest, threshold)]
        out.append(variables[looked_at[name]])
    return np.sort(np.concatenate(out))


def _apart(world: World) -> Iterable[np.ndarray]:
    """The variables of the system in bundles that share no sum."""
    count = len(world.index)
    pairs = [(first, other) for first, *others in map(sorted, world.linked) for other in others]
    first, other = np.array(pairs, int).reshape(-1, 2).T
    _, bundle = connected_components(coo_array((np.ones(len(pairs)), (first, other)), (count, count)), directed=False)
    for number in np.unique(bundle[(world.index >= 0).any(axis=1)]):
        index = world.index[bundle == number]
        yield np.sort(index[index >= 0])


def leaks(world: World, cells: np.ndarray) -> list[Leak]:
    """What can be inferred of variables, and through which publications, once for each layer that hides them."""
    if not len(cells):
        return []
    low, high = bounds(world.system, cells)
    where = {
        int(v): (int(g), int(c))
        for g, c in zip(*np.nonzero(world.index >= 0), strict=True)
        for v in [world.index[g, c]]
    }
    out = []
    for at in cells:
        group, cell = where[int(at)]
        kind = "recovered" if high[at] - low[at] < CLOSE else "bounded"
        near = _near_groups(world, group)
        members = [world.series[s] for s in world.groups[group]] if group < len(world.groups) else []
        told = [one for one in members if one.guarded and one.hidden[cell]]
        told = told or [one for one in members if one.guarded and one.mine]  # hidden to help another
        if not told:  # a complement: of the layers that hide what it is the complement of
            told = [
                world.series[s]
                for g in near
                if g < len(world.groups)
                for s in world.groups[g]
                if world.series[s].guarded
                and world.series[s].what == "numerator"
                and (world.series[s].hidden[cell] or world.series[s].shown[cell])
            ]
        names = {one.layer for g in near if g < len(world.groups) for one in (world.series[s] for s in world.groups[g])}
        level, area = LEVELS[world.nest.at_level[cell]], str(world.nest.codes[cell])
        out += [
            Leak(one.layer, one.version, one.period, one.what, level, area, float(low[at]), float(high[at]), kind,
                 tuple(sorted(names - {one.layer, "residents"})))
            for one in told
        ]  # fmt: skip
    return out


def _near_groups(world: World, group: int) -> set[int]:
    near = {group}
    for groups in world.linked:
        if group in groups:
            near |= groups
    return near


# -- the guard ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Guarded:
    """``also``: (period, cell) pairs of the new layer that are hidden as well. ``leaks``: what it cannot be published with."""

    also: frozenset[tuple[str, int]]
    leaks: tuple[Leak, ...] = ()


def protect_new(
    new: Sequence[Series], old: Sequence[Series], nest: Nest, *, fixed: frozenset[str] = frozenset()
) -> Guarded:
    """What of a new layer has to be hidden beside what is small, so that nothing small follows from all of it together.

    ``new`` are the layer's series (``mine``), of which the periods ``fixed`` stay as they are; ``old`` those of everything
    published. What leaks from the old ones without the
    new one is not held against it.
    """
    if not any(one.guarded and (one.hidden.any() or one.what == "numerator") for one in (*new, *old)):
        return Guarded(frozenset())
    by_order = frozenset(
        (told.order.period, int(at))
        for told in told_by_order([*old, *new], nest)
        if told.order.mine and told.order.guarded
        for at in told.cells
    )
    if told := list(_ordered([*old, *(s for s in new if not (s.what == "order" and s.guarded))], nest)):
        before = {(_cell_of(one), one.through) for one in _ordered(old, nest)}
        if told := tuple(one for one in told if (_cell_of(one), one.through) not in before):
            return Guarded(frozenset(), told)
    world = build([*old, *new], nest)
    system, index = world.system, world.index
    if not len(world.watched) or not any(one.mine for g in _in_system(world) for one in g):
        return Guarded(by_order)
    cost = np.full(system.size, np.inf)
    row = np.arange(system.size) + 10 * nest.count * (1 + len(new))
    periods = list(dict.fromkeys(one.period for one in new))
    for number, members in enumerate(world.groups):
        mine = [world.series[at] for at in members if world.series[at].mine and world.series[at].guarded]
        theirs = [world.series[at] for at in members if not world.series[at].mine]
        if len(mine) != 1 or mine[0].what == "denominator" or mine[0].period in fixed:
            continue
        one = mine[0]
        elsewhere = np.any([other.shown for other in theirs], axis=0) if theirs else np.zeros(nest.count, bool)
        may = one.shown & ~elsewhere & (index[number] >= 0)
        # A zero says something only where nothing else does: it is hidden last.
        cost[index[number, may]] = np.where(one.high[may] > 0, one.low[may], LAST)
        row[index[number, may]] = periods.index(one.period) * nest.count + np.flatnonzero(may)
    # Every smallest number that has to stay possible, of cells of the old layers and of the new one alike.
    watched, before = world.watched, None
    for turn in itertools.count():
        done = protect_cells(system, watched, world.smallest, world.threshold, cost=cost, together=row, stop=True)
        if not len(done.failing):
            break
        companions = np.setdiff1d(done.failing, watched)
        if len(companions) and turn < MOST_TRIES:  # hidden to help, and told itself: something else has to help
            cost[np.isin(row, row[companions])] = np.inf
            continue
        after = System(system.rows, system.low.copy(), system.high.copy(), system.shown.copy())
        after.shown[done.companions], after.low[done.companions], after.high[done.companions] = False, 0.0, np.inf
        before = {_cell_of(one) for one in attack(old, nest)} if before is None else before
        left = [one for one in leaks(replace(world, system=after), done.failing) if _cell_of(one) not in before]
        if left:
            return Guarded(frozenset(), tuple(left))
        watched = np.setdiff1d(watched, done.failing)  # told by the older layers alone
    also = {(periods[int(row[at]) // nest.count], int(row[at]) % nest.count) for at in done.companions}
    return Guarded(by_order | also)


def _in_system(world: World) -> Iterable[list[Series]]:
    return (
        [world.series[at] for at in members] for g, members in enumerate(world.groups) if (world.index[g] >= 0).any()
    )
