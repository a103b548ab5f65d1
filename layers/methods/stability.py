"""How sure we are that an area is underserved: the share of seeded draws in which it is.

Each draw varies what nobody knows exactly: the weights, the need threshold, the distance standard, the detour of real roads,
and the figures behind the indicators (:mod:`layers.methods.sampling`, docs/methods/gaps.md). Ranking tens of thousands of areas
five hundred times is the whole cost, so: an indicator whose figures do not vary is ranked once; the others are ranked by one
integer sort; and the composite is never sorted, because "need at or above T" only asks for the m-th smallest value.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from layers.methods.access_means import Access
from layers.methods.intervals import proportion_limits
from layers.methods.metrics import Metric, metric_for
from layers.methods.need import Indicator
from layers.methods.sampling import DrawnIndicator
from layers.model import Fault, Refused

DRAWS = 500
SEED = 20260401  # any fixed number does; it is stored with every result
WEIGHT_RANGE = (0.5, 1.5)
THRESHOLD_RANGE = (75.0, 85.0)
LIMIT_RANGE = (0.75, 1.25)
DETOUR_RANGE = (0.85, 1.15)  # around the chosen factor: it may be too long as well as too short
MOST_DRAWS = 10_000
CHUNK = 50  # draws that share one random stream; part of the result, so not a setting
ROW_BLOCK = 40_000  # numbers ranked in one go, so that they stay in the processor's cache

FIRM, LIKELY, BORDERLINE = 0.9, 0.6, 0.3
NEAR_CERTAIN = 0.9  # share from which an area that is not underserved is named all the same
RANGE = (5.0, 95.0)  # percentiles over the draws between which the headline is said to lie
_HAIR = 1e-12  # shares are quotients; 0.3 must be reached by three of ten


class Cancelled(Exception):
    """The caller asked to stop; nothing was returned."""


@dataclass(frozen=True)
class Stability:
    """Share of draws (0-1) in which each area is underserved, and what is needed to repeat them.

    ``residents`` is how many people, of those who count, are underserved: a row for each draw, a column for each authority.
    """

    share: pd.Series
    draws: int
    seed: int
    varied: dict[str, object] = field(default_factory=dict)
    residents: pd.DataFrame | None = field(default=None, repr=False)

    def residents_range(self, lads: Sequence[str] = ()) -> tuple[float, float]:
        """5th and 95th percentile (linear) over the draws of the residents underserved, in some authorities or in all."""
        table = self.residents[[code for code in lads if code in self.residents]] if lads else self.residents
        lower, upper = np.percentile(table.sum(axis=1).to_numpy(), RANGE)
        return float(lower), float(upper)


def words_of(share: np.ndarray, draws: int) -> np.ndarray:
    """Stability in words, an object array with None where the share is not known.

    Firm and likely by the lower end of the Wilson 95% interval of the share, so that no word hangs on the noise of a few draws;
    borderline by the share itself, from 0.3; weak below.
    """
    share = np.asarray(share, dtype="float64")
    known = np.isfinite(share)
    sure = np.where(known, share, 0.0)
    lower = proportion_limits(np.clip(sure, 0.0, 1.0) * draws, float(draws))[0]
    reached = (lower >= FIRM - _HAIR, lower >= LIKELY - _HAIR, sure >= BORDERLINE - _HAIR)
    said = np.select(reached, ("firm", "likely", "borderline"), "weak").astype(object)
    said[~known] = None
    return said


def words(share: float | None, draws: int) -> str | None:
    """As :func:`words_of`, of one share; None where it is not known."""
    return words_of(np.array([np.nan if share is None else share]), draws)[0]


def stability(
    indicators: Sequence[Indicator],
    weights: Mapping[str, float],
    model: Access,
    metric: str,
    limit: float | None,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    people: pd.Series | None = None,
    cut: float | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    workers: int | None = None,
) -> Stability:
    """Stability of every area, on the indicators' index, for a need set and an access rule.

    ``limit`` None means that poor access is the worst fifth by cost, which no draw changes; where the metric has no cost
    the worst fifth is found again in each draw, unless a fixed ``cut`` is given. A supplied travel-time table has no detour to vary.
    ``people`` (one number an area, indexed by authority) are counted in each draw where they are underserved: 0 where nobody is
    to be counted.
    The result depends on the seed and the number of draws, never on the number of threads. ``progress(done, total)`` is
    called from this thread; ``cancel()`` is asked between chunks and raises :class:`Cancelled`.
    """
    if not 1 <= int(draws) <= MOST_DRAWS:
        what = f"{draws} draws were asked for"
        raise Refused("Stability cannot be worked out.", [Fault(what, "robustness", f"use 1 to {MOST_DRAWS:,}")])
    draws, index = int(draws), indicators[0].value.index
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    w = np.array([float(weights[i.id]) for i in indicators])
    w = w / w.sum() * rng.uniform(*WEIGHT_RANGE, size=(draws, len(w)))
    threshold = rng.uniform(*THRESHOLD_RANGE, size=draws)
    scale = rng.uniform(*LIMIT_RANGE, size=draws)
    detour = rng.uniform(*DETOUR_RANGE, size=draws)
    if model.travel is not None:
        detour = np.ones(draws)
    ranked = [DrawnIndicator.of(indicator) for indicator in indicators]
    row = metric_for(metric, limit)
    poor = _PoorDraws(model, row, limit, scale, detour, cut)
    bounds = list(range(0, draws, CHUNK))
    streams = np.random.SeedSequence(seed, spawn_key=(1,)).spawn(len(bounds))

    lad, lads = pd.factorize(people.index, sort=True) if people is not None else (None, None)

    def chunk(number: int) -> tuple[np.ndarray, np.ndarray | None]:
        if cancel is not None and cancel():
            raise Cancelled
        part = slice(bounds[number], min(bounds[number] + CHUNK, draws))
        high = _high_need(ranked, w[part], threshold[part], np.random.default_rng(streams[number]))
        hit = high & poor.of(part)
        counted = None
        if people is not None:
            draw, area = np.nonzero(hit)  # few are: cheaper than a product with all of them
            cell = draw * len(lads) + lad[area]
            counted = np.bincount(cell, people.to_numpy()[area], len(hit) * len(lads)).reshape(len(hit), len(lads))
        return np.count_nonzero(hit, axis=0), counted

    total, residents = np.zeros(len(index), dtype=np.int64), []
    workers = min(workers or min(os.cpu_count() or 1, 4), len(bounds))
    with ThreadPoolExecutor(max_workers=workers) as pool:
        pending = [pool.submit(chunk, number) for number in range(len(bounds))]
        try:
            for number, result in enumerate(pending):
                hits, counted = result.result()
                total += hits
                residents.append(counted)
                if progress is not None:
                    progress(min((number + 1) * CHUNK, draws), draws)
        except BaseException:
            for result in pending:
                result.cancel()
            raise
    share = pd.Series(total / draws, index=index, name="stability")
    counted = None if people is None else pd.DataFrame(np.concatenate(residents), columns=list(lads))
    return Stability(share, draws, int(seed), _varied(ranked, model, row, limit), counted)


def _varied(ranked, model: Access, metric: Metric, limit: float | None) -> dict[str, object]:
    """The range of what each draw varies; None where there is nothing to vary."""
    return {
        "weights": WEIGHT_RANGE if len(ranked) > 1 else None,
        "need_threshold": THRESHOLD_RANGE,
        "limit": None if limit is None else LIMIT_RANGE,
        "detour": DETOUR_RANGE if model.travel is None else None,
        "sampling_error": [r.id for r in ranked if r.varies],
        "metric": metric.id,
    }


# --- need at or above the threshold ----------------------------------------------------------------------------------


def _percentiles(part: DrawnIndicator, draws: int, rng: np.random.Generator) -> np.ndarray:
    """(draws, n) float32 percentiles of drawn values; NaN where the area has no value."""
    ranked = row_percentiles(part.sample(draws, rng))
    if part.valid.all():
        return ranked
    out = np.full((draws, len(part.valid)), np.nan, dtype=np.float32)
    out[:, part.valid] = ranked
    return out


def row_percentiles(values: np.ndarray) -> np.ndarray:
    """Percentile (average rank - 0.5) / n * 100 within each row of a float32 matrix without NaN.

    The bits of a float, turned so that they sort as an integer, and the column share one 64-bit key: one sort gives values
    and order together, several times faster than argsort and a gather.
    """
    draws, n = values.shape
    out = np.empty((draws, n), dtype=np.float32)
    if not n:
        return out
    block = max(ROW_BLOCK // n, 1)
    column = np.arange(n, dtype=np.uint64)
    for start in range(0, draws, block):
        rows = values[start : start + block] + np.float32(0.0)  # -0.0 becomes 0.0, or zeros would not tie
        bits = rows.view(np.uint32)
        bits ^= np.where(bits >> 31, np.uint32(0xFFFFFFFF), np.uint32(0x80000000))
        key = (bits.astype(np.uint64) << np.uint64(32)) | column
        key.sort(axis=1)
        high = (key >> np.uint64(32)).astype(np.uint32)
        new = np.empty(high.shape, dtype=bool)
        new[:, 0] = True
        np.not_equal(high[:, 1:], high[:, :-1], out=new[:, 1:])
        first = np.flatnonzero(new.ravel())
        size = np.diff(first, append=new.size)
        average = ((first % n) + size * 0.5) * (100.0 / n)  # 0-based start + (size + 1) / 2 - 0.5
        place = (key & np.uint64(0xFFFFFFFF)).astype(np.int64)
        np.put_along_axis(
            out[start : start + block], place, np.repeat(average.astype(np.float32), size).reshape(high.shape), axis=1
        )
    return out


def _high_need(
    ranked: Sequence[DrawnIndicator], w: np.ndarray, threshold: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """(draws, n) bool: need at or above the threshold of the draw."""
    draws, n = len(threshold), len(ranked[0].valid)
    everywhere = all(r.valid.all() for r in ranked)
    total = np.zeros((draws, n), dtype=np.float32)
    known = None if everywhere else np.zeros((draws, n), dtype=np.float32)
    for k, part in enumerate(ranked):
        p = _percentiles(part, draws, rng) if part.varies else part.fixed[None, :]
        weight = w[:, k : k + 1].astype(np.float32)
        if everywhere:
            total += weight * p
        else:
            total += weight * np.where(part.valid, p, np.float32(0.0))
            known += weight * part.valid
    if everywhere:
        return at_least(total, threshold)
    enough = known >= 0.5 * w.sum(axis=1, keepdims=True) - 1e-6
    with np.errstate(invalid="ignore", divide="ignore"):
        return at_least(np.where(enough, total / known, np.nan), threshold)


def at_least(composite: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """(draws, n) bool: areas whose percentile among the row is at least the row's threshold. NaN is never.

    ``100 (r - 0.5) / n >= T`` means average rank ``r >= n T / 100 + 0.5 = r*``. With ``v`` the ``ceil(r*)``-th smallest
    value, all above ``v`` are in, all below are out, and the group equal to ``v`` is in if its average rank reaches r*.
    """
    out = np.zeros(composite.shape, dtype=bool)
    missing = np.isnan(composite)
    valid = composite.shape[1] - np.count_nonzero(missing, axis=1)
    for row in range(len(composite)):
        n, line = valid[row], composite[row]
        if not n:
            continue
        least = n * threshold[row] / 100.0 + 0.5
        m = int(np.ceil(least - 1e-9))
        if m > n:  # only one group of ties can still reach it: it cannot, its average is at most n
            continue
        v = np.partition(line, m - 1)[m - 1]  # NaN sorts last
        below = np.count_nonzero(line < v)
        upto = below + np.count_nonzero(line == v)
        out[row] = line >= v if (below + 1 + upto) / 2.0 >= least - 1e-9 else line > v
    return out


# --- poor access -----------------------------------------------------------------------------------------------------


class _PoorDraws:
    """Poor access in a slice of draws, (draws, n) bool."""

    def __init__(self, model: Access, metric: Metric, limit, scale: np.ndarray, detour: np.ndarray, cut: float | None):
        self.model, self.metric, self.cut = model, metric, cut
        self.fixed, self.cost = None, None
        if limit is None:
            self.fixed = metric.measure(model, None)[1]
            return
        # Cost times detour is beyond the limit exactly where cost is beyond the limit over detour.
        self.reach = limit * scale / detour
        if metric.cost is None:
            model.small.pairs(float(self.reach.max()))  # searched once; every smaller limit is a part of it
        else:
            self.cost = metric.cost_of(model)

    def of(self, part: slice) -> np.ndarray:
        if self.fixed is not None:
            return self.fixed[None, :]
        if self.cost is not None:
            return self.cost[None, :] > self.reach[part][:, None]
        return np.array([self.metric.measure(self.model, float(reach), self.cut)[1] for reach in self.reach[part]])
