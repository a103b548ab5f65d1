"""Clusters: local Moran and Getis-Ord Gi*, with analytic p and false-discovery control.

An optional overlay: where areas with high need lie among others with high need, more than chance would put them. Neighbours
are areas that touch, across authority borders too. An area without neighbours is "no neighbours", which is not the same as
"not significant".

p comes from the normal approximation under conditional permutation (Sokal, Oden and Thomson 1998; Getis and Ord 1992), not
from random permutations: with 999 of them the smallest possible p is 0.001, and no area of a thousand could ever pass the
false-discovery rule. p is two-sided.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, diags_array
from scipy.special import ndtr

ALPHA = 0.05

MORAN_CLASSES = ("high-high", "low-low", "high-low", "low-high")
NOT_SIGNIFICANT, NO_NEIGHBOURS, NO_VALUE = "not significant", "no neighbours", "no value"


def benjamini_hochberg(p: np.ndarray, alpha: float = ALPHA) -> tuple[np.ndarray, float]:
    """Which p pass at a false-discovery rate of ``alpha``, and the largest p that does (0 when none). NaN never passes.

    The largest k with ``p_(k) <= k alpha / m`` decides, m being the number of p that are known.
    """
    p = np.asarray(p, dtype="float64")
    known = np.sort(p[~np.isnan(p)])
    below = np.flatnonzero(known <= np.arange(1, len(known) + 1) * alpha / max(len(known), 1))
    cut = float(known[below[-1]]) if len(below) else 0.0
    return (p <= cut) & bool(len(below)), cut


def local_moran(values: pd.Series, neighbours: csr_array, alpha: float = ALPHA) -> pd.DataFrame:
    """Local Moran of every area: ``statistic, z, p, significant, cluster`` on the index of ``values``.

    ``I_i = z_i / m2 * sum_j w_ij z_j`` with row-standardised neighbours. ``cluster`` is one of :data:`MORAN_CLASSES` where p
    passes the false-discovery rule, else "not significant", "no neighbours" or "no value". When all values are equal
    nothing is a cluster.
    """
    known, x, w = _prepare(values, neighbours)
    out = _empty(values)
    n = len(x)
    z = x - x.mean() if n else x
    m2 = float(z @ z) / n if n else 0.0
    weight, squares = _sums(w)
    standard = np.divide(1.0, weight, out=np.zeros(n), where=weight > 0)
    lag = (w @ z) * standard
    squares = squares * standard**2
    whole = (weight > 0).astype("float64")  # a row sums to 1, or to 0 without neighbours
    statistic = p = score = np.full(n, np.nan)
    if n > 2 and m2 > 0:
        statistic = z / m2 * lag
        mean = -(z**2) * whole / ((n - 1) * m2)
        spread = (z / m2) ** 2 * n / (n - 2) * (squares - whole**2 / (n - 1)) * (m2 - z**2 / (n - 1))
        score = np.divide(statistic - mean, np.sqrt(np.maximum(spread, 0.0)), out=np.zeros(n), where=spread > 1e-15)
        score = np.where(weight > 0, score, np.nan)
        p = 2.0 * ndtr(-np.abs(score))
    passed, _ = benjamini_hochberg(p, alpha)
    quadrant = np.select(
        [(z > 0) & (lag > 0), (z < 0) & (lag < 0), (z > 0) & (lag < 0), (z < 0) & (lag > 0)],
        MORAN_CLASSES,
        NOT_SIGNIFICANT,
    )
    cluster = np.where(weight <= 0, NO_NEIGHBOURS, np.where(passed, quadrant, NOT_SIGNIFICANT))
    return _fill(out, known, statistic, score, p, passed, cluster)


def getis_ord(values: pd.Series, neighbours: csr_array, alpha: float = ALPHA, star: bool = True) -> pd.DataFrame:
    """Gi* (``star``: the area itself counts) or Gi of every area: ``statistic, z, p, significant, cluster``.

    ``cluster`` is "hot spot" or "cold spot" where p passes the false-discovery rule. The spread is that of Ord and Getis
    (1995), for weights of any size: dividing a row of weights by a number changes nothing. For Gi the mean and the spread
    leave the area itself out.
    """
    known, x, w = _prepare(values, neighbours)
    out = _empty(values)
    n = len(x)
    bare, _ = _sums(w)
    alone = bare <= 0
    if star:
        w = csr_array(w + diags_array(np.ones(n))) if n else w
    weight, squares = _sums(w)
    lag = w @ x if n else x
    total, square = x.sum(), float(x @ x)
    if star:
        count, mean, variance = (
            n,
            np.full(n, total / max(n, 1)),
            np.full(n, square / max(n, 1)) - (total / max(n, 1)) ** 2,
        )
    else:
        count = n - 1
        mean = (total - x) / max(count, 1)
        variance = (square - x * x) / max(count, 1) - mean**2
    score = statistic = p = np.full(n, np.nan)
    if count > 1:
        spread = np.maximum(variance, 0.0) * (count * squares - weight**2) / (count - 1)
        usable = (spread > 1e-12 * max(square / n, 1e-300)) & ~alone
        score = np.divide(lag - mean * weight, np.sqrt(spread), out=np.full(n, np.nan), where=usable)
        whole = total if star else total - x
        statistic = np.divide(lag, whole, out=np.full(n, np.nan), where=np.asarray(whole) != 0)
        p = 2.0 * ndtr(-np.abs(score))
    passed, _ = benjamini_hochberg(p, alpha)
    kind = np.where(score > 0, "hot spot", "cold spot")
    cluster = np.where(alone, NO_NEIGHBOURS, np.where(passed, kind, NOT_SIGNIFICANT))
    return _fill(out, known, statistic, score, p, passed, cluster)


def _prepare(values: pd.Series, neighbours: csr_array) -> tuple[np.ndarray, np.ndarray, csr_array]:
    """Known areas, their values, and the weights among them: an area without a value is nobody's neighbour."""
    numbers = values.to_numpy("float64")
    known = np.flatnonzero(np.isfinite(numbers))
    w = csr_array(neighbours).astype("float64")[known][:, known]
    return known, numbers[known], csr_array(w)


def _sums(w: csr_array) -> tuple[np.ndarray, np.ndarray]:
    if not w.shape[0]:
        return np.empty(0), np.empty(0)
    return np.asarray(w.sum(axis=1)).ravel(), np.asarray(w.power(2).sum(axis=1)).ravel()


def _empty(values: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {"statistic": np.nan, "z": np.nan, "p": np.nan, "significant": False, "cluster": NO_VALUE}, index=values.index
    )


def _fill(out: pd.DataFrame, known: np.ndarray, statistic, score, p, passed, cluster) -> pd.DataFrame:
    arrays = {"statistic": statistic, "z": score, "p": p, "significant": passed, "cluster": cluster}
    columns = {}
    for name, values in arrays.items():
        column = out[name].to_numpy(object if name == "cluster" else None).copy()
        column[known] = values
        columns[name] = column
    return pd.DataFrame(columns, index=out.index)
