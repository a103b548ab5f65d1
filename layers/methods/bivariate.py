"""Need against access in thirds: the nine classes of the gap map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from layers.methods.stated import stated


@dataclass(frozen=True)
class Bivariate:
    """3x3 classes: ``3 * need third + access third``, 0 best to 2 worst each; -1 where either is unknown."""

    classes: pd.Series
    need_cuts: tuple[float, float]  # the least need of the middle and of the worst third
    access_cuts: tuple[float, float]  # access at which the middle and the worst third begin, in its own unit
    counts: tuple[tuple[int, ...], ...]  # [need third][access third]
    unknown: int


def bivariate(
    score: pd.Series,
    access: pd.Series,
    high_access_is_worse: bool = True,
    decimals: Callable[[float], int] = lambda cut: 0,
) -> Bivariate:
    """Thirds of need against thirds of access, cut over all valid areas of each; equal values are never split.

    Ties go to the worse third (as everywhere in this project), so a cut may leave a class empty but never hides a gap. Cuts are the numbers
    that legends state (:func:`~layers.methods.stated.stated`); ``decimals`` gives those with which a cut of access is tried first.
    """
    sign = 1.0 if high_access_is_worse else -1.0
    need_third, need_cuts = _thirds(score.to_numpy("float64"))
    access_third, access_cuts = _thirds(sign * access.to_numpy("float64"))
    known = (need_third >= 0) & (access_third >= 0)
    classes = np.where(known, 3 * need_third + access_third, -1)
    counts = np.bincount(classes[known], minlength=9).reshape(3, 3)
    side = "above" if high_access_is_worse else "below"
    middle, worst = (
        stated(access.to_numpy("float64"), sign * cut, decimals(sign * cut), at_cut=side) for cut in access_cuts
    )
    return Bivariate(
        pd.Series(classes, index=score.index, name="class", dtype="int8"),
        (stated(score.to_numpy("float64"), need_cuts[0]), stated(score.to_numpy("float64"), need_cuts[1])),
        (middle, worst),
        tuple(tuple(int(n) for n in row) for row in counts),
        int((~known).sum()),
    )


def _thirds(badness: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Third of each value, 0 best to 2 worst, -1 unknown; the worst third holds at least a third of the valid ones."""
    valid = np.sort(badness[~np.isnan(badness)])[::-1]
    n = len(valid)
    if not n:
        return np.full(len(badness), -1), (float("nan"), float("nan"))
    worst, middle = float(valid[int(np.ceil(n / 3)) - 1]), float(valid[int(np.ceil(2 * n / 3)) - 1])
    third = (badness >= middle).astype(int) + (badness >= worst)
    return np.where(np.isnan(badness), -1, third), (middle, worst)
