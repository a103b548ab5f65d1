"""Fisher-Jenks natural breaks of all values: bands whose values are as alike as can be (least sum of squares within them).

Exact for any number of values: the best beginning of a last band never moves left while its end moves right, so the search for it
is halved and halved again (Grønlund et al. 2017, *Fast exact k-means, k-medians and Bregman divergence clustering in 1D*).
"""

from __future__ import annotations

import numpy as np


def natural_breaks(values: np.ndarray, classes: int) -> np.ndarray:
    """Largest value of every band but the last, of sorted finite ``values``; equal values are never parted."""
    distinct, weight = np.unique(values, return_counts=True)
    if distinct.size <= classes:
        return distinct[:-1]
    centred = distinct - np.average(
        distinct, weights=weight
    )  # sums of squares of large numbers would lose their digits
    zero = np.zeros(1)
    n, s, q = (np.concatenate([zero, np.cumsum(weight * centred**power)]) for power in (0, 1, 2))

    def spread(start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Sum of squares about their mean of the distinct values ``start`` to ``end``, that included."""
        people, total = n[end + 1] - n[start], s[end + 1] - s[start]
        return np.maximum(q[end + 1] - q[start] - total * total / people, 0.0)

    size = distinct.size
    cost = spread(np.zeros(size, int), np.arange(size))  # of the first values, up to each, in one band
    starts = []
    for band in range(1, classes):
        cost, start = _one_band_more(cost, band, spread)
        starts.append(start)
    cuts, end = [], size - 1
    for start in reversed(starts):
        first = int(start[end])
        cuts.append(distinct[first - 1])
        end = first - 1
    return np.array(cuts[::-1])


def _one_band_more(before: np.ndarray, band: int, spread) -> tuple[np.ndarray, np.ndarray]:
    """Least cost up to each value with a band more than ``before``, and where that last band begins."""
    size = before.size
    cost, start = np.full(size, np.inf), np.zeros(size, int)
    # stretches of ends still to be found, each with the range in which its last band begins
    left, right, low, high = (np.array([x]) for x in (band, size - 1, band, size - 1))
    while left.size:
        middle = (left + right) // 2
        last = np.minimum(high, middle)
        many = last - low + 1
        offset = np.concatenate([[0], np.cumsum(many)[:-1]])
        own = np.repeat(np.arange(middle.size), many)
        begin = np.arange(many.sum()) - offset[own] + low[own]
        tried = before[begin - 1] + spread(begin, middle[own])
        least = np.minimum.reduceat(tried, offset)
        first = np.minimum.reduceat(np.where(tried == least[own], begin, size), offset)
        cost[middle], start[middle] = least, first
        stretches = ((left, middle - 1, low, first), (middle + 1, right, first, high))
        left, right, low, high = (np.concatenate(each) for each in zip(*stretches, strict=True))
        keep = left <= right
        left, right, low, high = left[keep], right[keep], low[keep], high[keep]
    return cost, start
