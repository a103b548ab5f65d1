"""Which published quantities are one and the same, add up, or overlap in time: found by arithmetic, whatever anybody declared.

Two columns that agree in nearly every area, far more often than they would if the areas were shuffled, are the same quantity
(two versions, two layers, a denominator and the residents). Columns of which some add up to another in that manner are a total
and its parts. Periods that overlap are cut into the stretches that they share.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import lsq_linear

from layers.methods.disclosure_series import Nest, Series
from layers.methods.one_thread import one_thread
from layers.periods import months_of

AGREE = 0.93
"""Share of areas that have to agree. Corrections and areas that were hidden for another one's sake are the rest."""

EVIDENCE = 14.0
"""How sure it has to be that agreement is no chance: the log of the odds against it, areas taken as independent."""

MOST_PARTS = 40

MOST_BALANCES = 12
"""Times that equal sums are looked for among the same candidates."""


@dataclass(frozen=True)
class Sum:
    """``total`` with ``others`` = ``parts`` added up, as positions of groups. Mostly there are no others."""

    total: int
    parts: tuple[int, ...]
    others: tuple[int, ...] = ()


@dataclass(eq=False)
class Evidence:
    """What can be compared of many quantities: a range in every cell, larger areas added up where they are not shown."""

    low: np.ndarray  # (quantities, cells)
    high: np.ndarray
    nest: Nest

    @classmethod
    def of(cls, groups: Sequence[Sequence[Series]], nest: Nest) -> Evidence:
        low = np.full((len(groups), nest.count), np.nan)
        high = low.copy()
        for at, members in enumerate(groups):
            for one in members:
                take = one.shown & ~np.isfinite(low[at])
                low[at, take], high[at, take] = one.low[take], one.high[take]
            for one in members:
                take = one.hidden & ~np.isfinite(low[at])
                low[at, take], high[at, take] = 0.0, 2.0 * one.threshold
            _add_up(low[at], high[at], nest)
        return cls(low, high, nest)

    @functools.cached_property
    def middle(self) -> np.ndarray:
        return (self.low + self.high) / 2


def _add_up(low: np.ndarray, high: np.ndarray, nest: Nest) -> None:
    small, wards, _ = nest.sizes
    for parent, children in (
        (nest.ward, slice(0, small)),
        (nest.lad, slice(0, small)),
        (nest.lad, slice(small, small + wards)),
    ):
        place = parent[children]
        use = place >= 0
        totals = np.bincount(place[use], low[children][use], nest.count)  # a missing part makes the sum missing
        tops = np.bincount(place[use], high[children][use], nest.count)
        there = np.bincount(place[use], minlength=nest.count) > 0
        fill = there & ~np.isfinite(low) & np.isfinite(totals)
        low[fill], high[fill] = totals[fill], tops[fill]


def _narrow_enough(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Where a range says enough to be compared: what is hidden, or sums over what is, would agree with anything."""
    with np.errstate(invalid="ignore"):
        return high - low <= np.maximum(10.0 + 1e-6, 0.2 * (low + high))


def agreement(low_a, high_a, low_b, high_b, nest: Nest) -> tuple[float, float]:
    """Share of the comparable cells in which two columns of ranges meet, and the evidence that this is no chance."""
    both = np.isfinite(low_a) & np.isfinite(low_b)
    telling = both & (np.maximum(high_a, high_b) > 0) & _narrow_enough(low_a, high_a) & _narrow_enough(low_b, high_b)
    count = int(telling.sum())
    if count < 4:
        return 0.0, 0.0
    meets = (low_a <= high_b + 1e-6) & (low_b <= high_a + 1e-6)
    share = float(meets[telling].mean())
    for level in range(3):  # things that only rise and fall together agree about small areas and not about large ones
        here = telling & (nest.at_level == level)
        if here.sum() >= 5:
            share = min(share, float(meets[here].mean()))
    if share < AGREE:
        return share, 0.0
    chance, tried = 0.0, 0
    for step in (1, 3, 7):
        index = np.arange(nest.count)
        first = 0
        for size in nest.sizes:
            index[first : first + size] = first + (np.arange(size) + step) % max(size, 1)
            first += size
        other = (
            telling
            & np.isfinite(low_b[index])
            & (np.maximum(high_a, high_b[index]) > 0)
            & (index != np.arange(nest.count))
        )
        if other.any():
            chance += float(((low_a <= high_b[index] + 1e-6) & (low_b[index] <= high_a + 1e-6))[other].sum())
            tried += int(other.sum())
    likely = (chance + 0.5) / (tried + 1.0)
    return share, count * share * -np.log(min(likely, 1.0))


def same_quantities(series: Sequence[Series], nest: Nest) -> list[list[int]]:
    """Positions of the series that are one quantity, group by group. Versions of one layer and period always are."""
    leader = list(range(len(series)))

    def root(at: int) -> int:
        while leader[at] != at:
            leader[at] = at = leader[leader[at]]
        return at

    known: dict[tuple, int] = {}
    for at, one in enumerate(series):
        key = (one.layer, one.period, one.what)
        if key in known:
            leader[root(at)] = root(known[key])
        known.setdefault(key, at)
    evidence = Evidence.of([[one] for one in series], nest)
    pick = _sample(nest)
    low, high = evidence.low[:, pick], evidence.high[:, pick]
    for a in range(len(series)):
        meets = (low[a] <= high[a + 1 :] + 1e-6) & (low[a + 1 :] <= high[a] + 1e-6)
        both = np.isfinite(low[a]) & np.isfinite(low[a + 1 :])
        with np.errstate(invalid="ignore", divide="ignore"):
            share = (meets & both).sum(axis=1) / both.sum(axis=1)
        for b in np.flatnonzero(share >= AGREE - 0.1) + a + 1:
            if root(a) == root(int(b)) or _apart(series[a], series[b]):
                continue
            _, sure = agreement(evidence.low[a], evidence.high[a], evidence.low[b], evidence.high[b], nest)
            if sure >= EVIDENCE:
                leader[root(int(b))] = root(a)
    groups: dict[int, list[int]] = {}
    for at in range(len(series)):
        groups.setdefault(root(at), []).append(at)
    return list(groups.values())


def _apart(a: Series, b: Series) -> bool:
    """Two quantities or periods of one publication are never one and the same, however alike (denominators may be)."""
    if (a.layer, a.version) != (b.layer, b.version):
        return False
    return not (a.what == b.what == "denominator")


def _sample(nest: Nest) -> np.ndarray:
    """Cells to compare first: all authorities, some wards, some small areas."""
    small, wards, lads = nest.sizes
    parts = [np.arange(small + wards, small + wards + lads)]
    parts += [small + np.linspace(0, wards - 1, min(wards, 60)).astype(int)] if wards else []
    parts += [np.linspace(0, small - 1, min(small, 90)).astype(int)] if small else []
    return np.unique(np.concatenate(parts))


@one_thread()
def sums(groups: Sequence[Sequence[Series]], nest: Nest, relevant: np.ndarray) -> list[Sum]:
    """Totals and their parts among groups. Only those in which a group of ``relevant`` (mask) takes part."""
    if not relevant.any() or len(groups) < 3:
        return []
    evidence = Evidence.of(groups, nest)
    found: dict[tuple[int, frozenset[int]], Sum] = {}

    def keep(total: int, parts: Sequence[int]) -> bool:
        parts = tuple(sorted(parts))
        if len(parts) < 2 or not (relevant[total] or relevant[list(parts)].any()):
            return False
        low, high = evidence.low[list(parts)].sum(axis=0), evidence.high[list(parts)].sum(axis=0)
        _, sure = agreement(evidence.low[total], evidence.high[total], low, high, nest)
        if sure >= EVIDENCE:
            found[total, frozenset(parts)] = Sum(total, parts)
        return sure >= EVIDENCE

    pick = _sample(nest)
    low, high = evidence.low[:, pick], evidence.high[:, pick]
    for total in range(len(groups)):
        able = _able(low, high, total)
        if len(able) < 2:
            continue
        used: set[int] = set()
        for a, b in _pairs(low, high, total, able, relevant):
            if keep(total, (a, b)):
                used |= {a, b}
        for candidates in _families(groups, total, [at for at in able if at not in used]):
            while len(candidates) >= 3 and (relevant[total] or relevant[candidates].any()):
                if keep(total, candidates):  # all of a family
                    break
                parts = _parts(evidence, total, candidates)
                if len(parts) < 3 or not keep(total, parts):
                    break
                candidates = [at for at in candidates if at not in parts]
    return [*found.values(), *_equal_sums(evidence, groups, relevant, list(found.values()))]


def _equal_sums(evidence: Evidence, groups, relevant: np.ndarray, known: Sequence[Sum]) -> list[Sum]:
    """Sums that are equal although nobody has published what both come to (men + women = employed + not employed), in which a
    group of ``relevant`` takes part. Of totals that are known only the parts are looked at, so that each has one form."""
    found: dict[frozenset[frozenset[int]], Sum] = {}
    for one in np.flatnonzero(relevant).tolist():
        told = {other.total for other in known} | {other.parts[0] for other in known if other.total == one}
        able = [at for at in _comparable(evidence, one) if at not in told]
        for candidates in _families(groups, one, able, across=False):
            for left, right in _balances(evidence, one, candidates):
                name = frozenset((frozenset(left), frozenset(right)))
                found.setdefault(name, Sum(one, tuple(right), tuple(at for at in left if at != one)))
    return list(found.values())


def _comparable(evidence: Evidence, one: int) -> list[int]:
    """Groups that have a figure in nearly as many cells."""
    there = np.isfinite(evidence.low)
    good = (there & there[one]).sum(axis=1) >= 0.8 * there[one].sum()
    good[one] = False
    return np.flatnonzero(good).tolist()


def _balances(evidence: Evidence, one: int, candidates: list[int]) -> Iterable[tuple[list[int], list[int]]]:
    """Pairs of sides that are equal, the first with ``one`` in it, by least squares with weights from -1 to 1. Where several sums
    are equal the weights are a mixture of them: without one of the mixed, and of those found, the next comes out."""
    for _ in range(MOST_BALANCES):
        if len(candidates) < 3:
            return
        weights, equations, candidates = _weights(evidence, one, candidates, -1.0)
        off = equations[:, :-1] @ weights - equations[:, -1]
        if not len(weights) or (np.abs(off) <= 1.0).mean() < AGREE:  # more than rounding leaves over
            return
        left = [one, *(at for at, weight in zip(candidates, weights, strict=True) if weight < -0.5)]
        right = [at for at, weight in zip(candidates, weights, strict=True) if weight > 0.5]
        sure = 0.0
        if len(left) > 1 and len(right) > 1:
            low, high = ([end[side].sum(axis=0) for side in (left, right)] for end in (evidence.low, evidence.high))
            _, sure = agreement(low[0], high[0], low[1], high[1], evidence.nest)
        if sure >= EVIDENCE:
            yield left, right
            without = right[0]
        else:
            mixed = [(abs(w), at) for at, w in zip(candidates, weights, strict=True) if 0.1 < abs(w) < 0.9]
            if not mixed:
                return
            without = min(mixed)[1]
        candidates = [at for at in candidates if at != without]


def _able(low: np.ndarray, high: np.ndarray, total: int) -> list[int]:
    """Groups that could be part of a total: nowhere larger than it, and comparable in places where it is not 0."""
    both = np.isfinite(low) & np.isfinite(low[total])
    fits = (low <= high[total] + 1e-6) & both
    with np.errstate(invalid="ignore", divide="ignore"):
        good = (both.sum(axis=1) >= 4) & (fits.sum(axis=1) >= 0.95 * both.sum(axis=1))
    good &= np.nansum(np.where(both, high, 0), axis=1) > 0
    good[total] = False
    return np.flatnonzero(good).tolist()


def _pairs(low, high, total: int, able: list[int], relevant: np.ndarray) -> list[tuple[int, int]]:
    """Pairs that add up to the total in the sample."""
    index = np.array(able)
    out = []
    for number, a in enumerate(able[:-1]):
        rest = index[number + 1 :]
        if not (relevant[total] or relevant[a]):
            rest = rest[relevant[rest]]
        if not len(rest):
            continue
        least, most = low[a] + low[rest], high[a] + high[rest]
        both = np.isfinite(least) & np.isfinite(low[total])
        meets = (least <= high[total] + 1e-6) & (low[total] <= most + 1e-6) & both
        enough = (meets.sum(axis=1) >= (AGREE - 0.08) * both.sum(axis=1)) & (both.sum(axis=1) >= 4)
        out += [(a, int(b)) for b in rest[enough]]
    return out


def _families(groups, total: int, able: list[int], *, across: bool = True) -> list[list[int]]:
    """Candidates for the parts of a total: one layer's, one partner's of the same period, of the same period, and ``across``
    periods one partner's and all."""
    layers, partners, periods = (
        {getattr(one, name) for one in groups[total]} for name in ("layer", "partner", "period")
    )

    def those(*tests) -> list[int]:
        return [at for at in able if any(all(test(one) for test in tests) for one in groups[at])][: MOST_PARTS * 3]

    same_period = lambda one: one.period in periods  # noqa: E731
    options = [
        those(lambda one: one.layer in layers),
        those(lambda one: one.partner in partners, same_period),
        those(same_period),
    ]
    if across:
        options += [those(lambda one: one.partner in partners), those()]
    unique: dict[frozenset[int], list[int]] = {}
    for one in options:
        if len(one) >= 3:
            unique.setdefault(frozenset(one), one)
    return list(unique.values())


def _weights(evidence: Evidence, total: int, candidates: list[int], least: float):
    """What of each candidate makes up a total best, from ``least`` to 1, by least squares; the equations (cells, candidates + 1),
    their last column the total; and the candidates that could be asked. Areas count the less, the less is known of them: of most
    small areas little, of wards and authorities nearly everything."""
    low, high = evidence.low, evidence.high
    rows = np.isfinite(low[total]) & np.isfinite(low[candidates]).all(axis=0)
    if rows.sum() < max(6, min(len(candidates), 12)):
        thin = np.isfinite(low[candidates]).sum(axis=1)
        candidates = [at for at, n in zip(candidates, thin, strict=True) if n >= 0.8 * thin.max()]
        rows = np.isfinite(low[total]) & np.isfinite(low[candidates]).all(axis=0)
        if rows.sum() < 6 or len(candidates) < 3:
            return np.zeros(0), np.zeros((0, 1)), []
    widths = (high[candidates][:, rows] - low[candidates][:, rows]) ** 2
    wide = (high[total, rows] - low[total, rows]) ** 2 + widths.sum(axis=0)
    weigh = 1.0 / np.sqrt(1.0 + wide)
    equations = (evidence.middle[[*candidates, total]][:, rows] * weigh).T
    left, right = equations[:, :-1], equations[:, -1]
    try:
        turned, short = np.linalg.qr(left)  # the same least squares with as many rows as there are candidates
        return lsq_linear(short, turned.T @ right, (least, 1.0), method="bvls").x, equations, candidates
    except (RuntimeError, ValueError, np.linalg.LinAlgError):
        return np.zeros(0), np.zeros((0, 1)), []


def _parts(evidence: Evidence, total: int, candidates: list[int]) -> list[int]:
    """The candidates that make up a total best: those of which the weight is near 1."""
    weights, equations, candidates = _weights(evidence, total, candidates, 0.0)
    left, right = equations[:, :-1], equations[:, -1]
    chosen = weights > 0.5
    # Those between are decided by which of the two leaves less over.
    for at in np.argsort(np.abs(weights - 0.5)):
        other = chosen.copy()
        other[at] = ~other[at]
        here, there = (np.abs(left[:, one].sum(axis=1) - right).sum() for one in (chosen, other))
        if there < here:
            chosen = other
    return [at for at, taken in zip(candidates, chosen, strict=True) if taken]


def overlaps(series: Sequence[Series], group_of: Sequence[int]) -> tuple[list[tuple[int, tuple[int, ...]]], int]:
    """Periods of one layer and quantity that overlap, as sums: (group, the stretches of time that it is made of).

    A stretch is the group of a period that covers just it, where there is one; else it has a number from 0, written as -1 - n,
    and nothing is known of it but that it is a count. How many of those there are comes second.
    """
    out: list[tuple[int, tuple[int, ...]]] = []
    extra = 0

    def key(pair):
        return pair[1].layer, pair[1].what

    for _, pairs in itertools.groupby(sorted(enumerate(series), key=key), key=key):
        spans: dict[int, tuple[int, int]] = {}
        for at, one in pairs:
            if one.what != "denominator" and (span := months_of(one.period)) is not None:
                spans[int(group_of[at])] = span
        order = sorted(spans.values())
        if all(first[1] <= second[0] for first, second in itertools.pairwise(order)):
            continue
        cuts = sorted({cut for span in spans.values() for cut in span})
        names: dict[tuple[int, int], int] = {}
        for piece in itertools.pairwise(cuts):
            own = next((group for group, span in spans.items() if span == piece), None)
            if own is None:
                extra += 1
            names[piece] = own if own is not None else -extra
        for group, (start, end) in spans.items():
            parts = tuple(name for (a, b), name in names.items() if a >= start and b <= end)
            if parts != (group,):
                out.append((group, parts))
    return out, extra
