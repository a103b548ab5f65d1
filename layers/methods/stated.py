"""Thresholds as they can be said aloud: the shortest number at which the printed inequality is true of every area.

A cut is often a measured value with many digits (753.2 m). Rounded to a handy number (750 m) the rule would be true of areas that
it does not count. So a cut is rounded only as far as it still parts the same values, once, and every rule, sentence, legend, table
and document says that number.
"""

from __future__ import annotations

import math

import numpy as np

MOST_DECIMALS = 12


def stated(values: np.ndarray, cut: float, decimals: int = 0, *, at_cut: str = "above") -> float:
    """The number with the fewest decimals, ``decimals`` at least, that parts ``values`` as ``cut`` does.

    ``at_cut`` says where a value equal to the cut belongs: "above" (a rule "c or more", and "under c" for the rest) or "below"
    ("c or less", and "over c"). ``decimals`` may be negative: -1 is tens. Nulls part nothing. NaN stays NaN.
    """
    values = np.asarray(values, dtype="float64")
    values, cut = values[np.isfinite(values)], float(cut)
    if not math.isfinite(cut):
        return cut
    inside = values < cut if at_cut == "above" else values <= cut
    low = float(values[inside].max()) if inside.any() else -math.inf
    high = float(values[~inside].min()) if not inside.all() else math.inf

    def parts(number: float) -> bool:
        return low < number <= high if at_cut == "above" else low <= number < high

    for places in range(decimals, MOST_DECIMALS + 1):
        scale = 10.0**places
        tried = {round(cut, places)}
        if abs(cut) * scale < 2**52:
            tried |= {round(f(cut * scale) / scale, places) for f in (math.floor, math.ceil)}
        if good := [number for number in tried if parts(number)]:
            return float(min(good, key=lambda number: abs(number - cut)))
    return cut


def handy_decimals(cost: float) -> int:
    """To how many decimals a distance in metres is first tried to be rounded: tens below a kilometre, hundreds from there."""
    return -1 if abs(cost) < 995 else -2
