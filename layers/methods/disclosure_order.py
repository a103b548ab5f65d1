"""Ranks, tenths, classes and scores that were made from counts of which some are withheld: they say in which order those stand.

Nobody has to declare it. Where what is shown of a count (or of its rate) rises, or falls, with the places of another layer in
nearly every pair of areas that can be told apart, the places were made from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from layers.methods.disclosure_series import Nest, Series

PAIRS = 60
"""Pairs of areas that have to be told apart before an order says anything."""

STRAY = 0.004
"""Share of pairs that may stand the other way round: corrections, and ties that were broken."""

STEPS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377)


@dataclass(frozen=True)
class Told:
    """The hidden ``cells`` of ``counts`` of which ``order`` shows the order."""

    counts: Series
    order: Series
    cells: np.ndarray


def told_by_order(series: Sequence[Series], nest: Nest) -> Iterable[Told]:
    orders = [one for one in series if one.what == "order" and one.shown.any()]
    if not orders:
        return
    whole = {(one.layer, one.version, one.period): one for one in series if one.what == "denominator"}
    for counts in series:
        if not counts.guarded or counts.what not in ("count", "numerator") or not counts.hidden.any():
            continue
        base = whole.get((counts.layer, counts.version, counts.period))
        people = nest.residents if base is None else np.where(base.shown, (base.low + base.high) / 2, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            forms = [(counts.low, counts.high), (counts.low / people, counts.high / people)]
        for order in orders:
            cells = [_told(order, low, high, counts.hidden, nest) for low, high in forms]
            if len(found := np.unique(np.concatenate(cells))):
                yield Told(counts, order, found.astype(int))


def _told(order: Series, low: np.ndarray, high: np.ndarray, hidden: np.ndarray, nest: Nest) -> np.ndarray:
    out = [np.zeros(0, int)]
    for level in range(3):
        here = nest.at_level == level
        cells = np.flatnonzero(here & hidden & order.shown)
        # Of areas that share one place it says nothing about them among themselves.
        if len(cells) < 2 or len(np.unique(order.low[cells])) < 2:
            continue
        known = np.flatnonzero(here & order.shown & np.isfinite(low))
        if made_from(order.low[known], low[known], high[known]):
            out.append(cells)
    return np.concatenate(out)


def made_from(place: np.ndarray, low: np.ndarray, high: np.ndarray) -> bool:
    """Whether places were made from counts of which ranges are known: whether the two rise together, or one as the other falls."""
    by_place = np.argsort(place, kind="stable")
    place, low, high = place[by_place], low[by_place], high[by_place]
    rising = falling = 0
    for step in STEPS:
        if step >= len(place):
            break
        apart = place[step:] > place[:-step]
        rising += int((apart & (low[step:] > high[:-step])).sum())
        falling += int((apart & (high[step:] < low[:-step])).sum())
    most, least = max(rising, falling), min(rising, falling)
    return most >= PAIRS and least <= STRAY * (most + least)
