"""How sure we are that an area is underserved: the share of seeded draws in which it is.

Each draw varies what nobody knows exactly: the weights, the need threshold, the distance standard, the detour of real roads,
and the counts behind the indicators (docs/methods/gaps.md). Ranking tens of thousands of areas five hundred times is the
whole cost, so: an indicator without counts is ranked once; an indicator with counts is sampled area by area, which lets
numpy keep the set-up of each distribution, and ranked by one integer sort; and the composite is never sorted, because
"need at or above T" only asks for the m-th smallest value.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from layers.methods.access import DETOURS, AccessModel
from layers.methods.metrics import Metric, metric_for
from layers.methods.need import Indicator, percentile
from layers.model import Fault, Measure, Refused

DRAWS = 500
SEED = 20260401  # any fixed number does; it is stored with every result
WEIGHT_RANGE = (0.5, 1.5)
THRESHOLD_RANGE = (75.0, 85.0)
LIMIT_RANGE = (0.75, 1.25)
MOST_DRAWS = 10_000
CHUNK = 50  # draws that share one random stream; part of the result, so not a setting
CURVE_FROM = 25.0  # variance of a count from which count_curve stands in for the exact generators
ROW_BLOCK = 40_000  # numbers ranked in one go, so that they stay in the processor's cache

WORDS = ((0.9, "firm"), (0.6, "likely"), (0.3, "borderline"), (0.0, "weak"))
"""From which share on a gap is called what."""


class Cancelled(Exception):
    """The caller asked to stop; nothing was returned."""


@dataclass(frozen=True)
class Stability:
    """Share of draws (0-1) in which each area is underserved, and what is needed to repeat them."""

    share: pd.Series
    draws: int
    seed: int
    varied: dict[str, object] = field(default_factory=dict)


def words(share: float) -> str:
    """Stability in words: firm (0.9 and more), likely (0.6), borderline (0.3), weak below."""
    if share is None or np.isnan(share):
        return ""
    return next(word for least, word in WORDS if share >= least)


def stability(
    indicators: Sequence[Indicator],
    weights: Mapping[str, float],
    model: AccessModel,
    metric: str,
    limit: float | None,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    cut: float | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    workers: int | None = None,
) -> Stability:
    """Stability of every area, on the indicators' index, for a need set and an access rule.

    ``limit`` None means that poor access is the worst fifth by cost, which no draw changes; where the metric has no cost
    the worst fifth is found again in each draw, unless a fixed ``cut`` is given. A supplied travel-time table has no detour to vary.
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
    detour = np.array(DETOURS)[rng.integers(0, len(DETOURS), size=draws)]
    if model.travel is not None:
        detour = np.ones(draws)
    ranked = [_Ranked.of(indicator) for indicator in indicators]
    row = metric_for(metric, limit)
    poor = _PoorDraws(model, row, limit, scale, detour, cut)
    bounds = list(range(0, draws, CHUNK))
    streams = np.random.SeedSequence(seed, spawn_key=(1,)).spawn(len(bounds))

    def chunk(number: int) -> np.ndarray:
        if cancel is not None and cancel():
            raise Cancelled
        part = slice(bounds[number], min(bounds[number] + CHUNK, draws))
        high = _high_need(ranked, w[part], threshold[part], np.random.default_rng(streams[number]))
        return np.count_nonzero(high & poor.of(part), axis=0)

    total = np.zeros(len(index), dtype=np.int64)
    workers = min(workers or min(os.cpu_count() or 1, 4), len(bounds))
    with ThreadPoolExecutor(max_workers=workers) as pool:
        pending = [pool.submit(chunk, number) for number in range(len(bounds))]
        try:
            for number, result in enumerate(pending):
                total += result.result()
                if progress is not None:
                    progress(min((number + 1) * CHUNK, draws), draws)
        except BaseException:
            for result in pending:
                result.cancel()
            raise
    share = pd.Series(total / draws, index=index, name="stability")
    return Stability(share, draws, int(seed), _varied(ranked, model, row, limit))


def _varied(ranked, model: AccessModel, metric: Metric, limit: float | None) -> dict[str, object]:
    """The range of what each draw varies; None where there is nothing to vary."""
    return {
        "weights": WEIGHT_RANGE if len(ranked) > 1 else None,
        "need_threshold": THRESHOLD_RANGE,
        "limit": None if limit is None else LIMIT_RANGE,
        "detour": DETOURS if model.travel is None else None,
        "sampling_error": [r.id for r in ranked if r.kind],
        "metric": metric.id,
    }


# --- need at or above the threshold ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Ranked:
    """An indicator ready for the draws. ``fixed`` holds percentiles (n,) where nothing varies."""

    id: str
    kind: str  # "binomial", "poisson" or "" for no sampling
    valid: np.ndarray  # (n,) bool
    fixed: np.ndarray  # (n,) float32 percentile of the published values
    base: np.ndarray  # (v,) oriented published values of the valid areas
    sampled: np.ndarray  # positions among the valid areas whose value is sampled
    trials: np.ndarray  # binomial n, or Poisson mean
    chance: np.ndarray  # binomial p
    factor: np.ndarray  # from a sampled count to an oriented value

    @classmethod
    def of(cls, indicator: Indicator) -> _Ranked:
        value = indicator.value * indicator.sign
        valid = value.notna().to_numpy()
        fixed = percentile(value).to_numpy("float32")
        frame = indicator.values if isinstance(indicator.values, pd.DataFrame) else None
        empty = np.empty(0)
        kind = {Measure.PERCENTAGE: "binomial", Measure.RATE: "poisson"}.get(indicator.measure, "")
        if not kind or frame is None or not {"numerator", "denominator"} <= set(frame.columns):
            return cls(indicator.id, "", valid, fixed, empty, empty.astype(int), empty, empty, empty)
        count = pd.to_numeric(frame["numerator"], errors="coerce").to_numpy("float64")[valid]
        size = pd.to_numeric(frame["denominator"], errors="coerce").to_numpy("float64")[valid]
        with np.errstate(invalid="ignore"):
            usable = np.isfinite(count) & np.isfinite(size) & (size > 0) & (count >= 0)
        sampled = np.flatnonzero(usable)
        if not len(sampled):
            return cls(indicator.id, "", valid, fixed, empty, empty.astype(int), empty, empty, empty)
        count, size = count[sampled], size[sampled]
        factor = indicator.per / size * indicator.sign
        if kind == "binomial":
            whole = np.maximum(np.rint(size), 1)
            trials, chance = whole.astype(np.int64), np.minimum(count / size, 1.0)
            factor = indicator.per / whole * indicator.sign
        else:
            trials, chance = count, empty
        return cls(indicator.id, kind, valid, fixed, value.to_numpy()[valid], sampled, trials, chance, factor)

    def percentiles(self, draws: int, rng: np.random.Generator) -> np.ndarray:
        """(draws, n) float32 percentiles of sampled values; NaN where the area has no value."""
        count = sample_counts(self.kind, self.trials, self.chance, draws, rng)
        count *= self.factor.astype(np.float32)
        if len(self.sampled) == len(self.base):
            values = count
        else:
            values = np.tile(self.base.astype(np.float32), (draws, 1))
            values[:, self.sampled] = count
        ranked = row_percentiles(values)
        if self.valid.all():
            return ranked
        out = np.full((draws, len(self.valid)), np.nan, dtype=np.float32)
        out[:, self.valid] = ranked
        return out


def count_curve(kind: str, trials: np.ndarray, chance: np.ndarray) -> tuple[np.ndarray, ...]:
    """Coefficients c0..c3 so that ``rint(c0 + c1 z + c2 z^2 + c3 z^3)`` of a standard normal z is (nearly) the count.

    Cornish and Fisher's expansion to the third order, with the variance of rounding (1/12) taken off. From a variance of
    ``CURVE_FROM`` on its distribution function is within 0.0003 of the exact one (a test computes it).
    """
    mean = trials * chance if kind == "binomial" else trials
    spread = mean * (1.0 - chance) if kind == "binomial" else mean
    lean = 1.0 - 2.0 * chance if kind == "binomial" else np.ones(len(trials))
    tails = 1.0 - 6.0 * chance * (1.0 - chance) if kind == "binomial" else np.ones(len(trials))
    deviation = np.sqrt(np.maximum(spread - 1.0 / 12.0, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        four, two = tails / deviation / 24.0, lean**2 / deviation / 36.0
    return mean - lean / 6.0, deviation - 3.0 * four + 5.0 * two, lean / 6.0, four - 2.0 * two


def sample_counts(
    kind: str, trials: np.ndarray, chance: np.ndarray, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """(draws, v) float32 counts: binomial(trials, chance), or Poisson with mean ``trials``.

    Small counts come from numpy's exact generators, areas first, because numpy sets a distribution up again whenever its
    parameters change. Large ones come from :func:`count_curve`, which is five times faster.
    """
    spread = trials * chance * (1.0 - chance) if kind == "binomial" else trials
    large = spread >= CURVE_FROM
    out = np.empty((draws, len(trials)), dtype=np.float32)
    small = np.flatnonzero(~large)
    if len(small):
        shape = (len(small), draws)
        if kind == "binomial":
            exact = rng.binomial(trials[small, None], chance[small, None], size=shape)
        else:
            exact = rng.poisson(trials[small, None], size=shape)
        out[:, small] = exact.T
    if large.any():
        c0, c1, c2, c3 = (
            c.astype(np.float32) for c in count_curve(kind, trials[large], chance[large] if len(chance) else chance)
        )
        z = rng.standard_normal((draws, len(c0)), dtype=np.float32)
        top = trials[large].astype(np.float32) if kind == "binomial" else np.float32(np.inf)
        for row in range(draws):  # a row at a time stays in the processor's cache
            x = z[row]
            x[:] = np.clip(np.rint(((c3 * x + c2) * x + c1) * x + c0), 0, top)
        out[:, large] = z
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


def _high_need(ranked: Sequence[_Ranked], w: np.ndarray, threshold: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(draws, n) bool: need at or above the threshold of the draw."""
    draws, n = len(threshold), len(ranked[0].valid)
    everywhere = all(r.valid.all() for r in ranked)
    total = np.zeros((draws, n), dtype=np.float32)
    known = None if everywhere else np.zeros((draws, n), dtype=np.float32)
    for k, part in enumerate(ranked):
        p = part.percentiles(draws, rng) if part.kind else part.fixed[None, :]
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

    def __init__(
        self, model: AccessModel, metric: Metric, limit, scale: np.ndarray, detour: np.ndarray, cut: float | None
    ):
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
