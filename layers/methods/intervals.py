"""95% limits around counts, rates and proportions, for whole columns at once.

Methods: OHID, *Public health technical guidance*; PHE, *Technical guide: confidence intervals* (2018). Counts and rates
use Byar's approximation from 10 events and the exact Poisson (chi-square) limits below 10; proportions use Wilson's score.

Every function takes arrays (or anything numpy reads as such) and returns two float arrays, lower and upper, of the same
shape. A missing number has missing limits. Limits describe chance alone: nothing about bias, recording or models.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np
from scipy.special import gammaincinv

FEWEST_FOR_BYAR = 10
"""From this many events Byar's approximation is as good as the exact limits; below, the exact ones are used."""

FEWEST_FOR_STANDARDISED = 10
"""No directly standardised rate on fewer events (Population Health Metrics 2018, doi 10.1186/s12963-018-0177-1)."""

Limits = tuple[np.ndarray, np.ndarray]


def count_limits(observed, confidence: float = 0.95) -> Limits:
    """Limits of a count of independent events: exact below 10, Byar from 10.

    Raises ValueError for a negative count, or a confidence outside 0.9 (included) to 1 (excluded).
    """
    observed = _numbers(observed)
    _check_confidence(confidence)
    _refuse(observed < 0, observed, "a count cannot be negative")
    lower, upper = byar(observed, confidence)
    few = observed < FEWEST_FOR_BYAR
    if few.any():
        lower, upper = lower.copy(), upper.copy()
        lower[few], upper[few] = exact(observed[few], confidence)
    return lower, upper


def rate_limits(numerator, denominator, per: float = 1.0, confidence: float = 0.95) -> Limits:
    """Limits of ``numerator / denominator * per``, the denominator (person-years, expected events) taken as exact.

    Of an indirectly standardised ratio too, with the expected events as denominator. Raises ValueError for a negative
    numerator, a denominator of zero or less, or a confidence outside 0.9 to 1.
    """
    numerator, denominator = np.broadcast_arrays(_numbers(numerator), _numbers(denominator))
    _refuse(denominator <= 0, denominator, "a denominator must be more than 0")
    lower, upper = count_limits(numerator, confidence)
    scale = per / denominator
    return lower * scale, upper * scale


def proportion_limits(numerator, denominator, per: float = 1.0, confidence: float = 0.95) -> Limits:
    """Wilson limits of the share ``numerator / denominator``, times ``per`` (100 for percentages).

    Raises ValueError for a negative numerator, a denominator of zero or less, a numerator larger than its denominator,
    or a confidence outside 0.9 to 1.
    """
    x, n = np.broadcast_arrays(_numbers(numerator), _numbers(denominator))
    z = _z(confidence)
    _refuse(x < 0, x, "a count cannot be negative")
    _refuse(n <= 0, n, "a denominator must be more than 0")
    _refuse(x > n, x, "a part cannot be larger than the whole")
    middle = 2 * x + z**2
    spread = z * np.sqrt(z**2 + 4 * x * (1 - x / n))
    scale = per / (2 * (n + z**2))
    # Rounding can leave the ends a hair outside 0 and 1 when nobody, or everybody, is counted.
    return np.clip((middle - spread) * scale, 0, per), np.clip((middle + spread) * scale, 0, per)


def difference_limits(x1, n1, x2, n2, per: float = 1.0, confidence: float = 0.95) -> Limits:
    """Newcombe's limits (his method 10) of the difference of two shares of different people, ``x1 / n1 - x2 / n2``, times ``per``.

    Wilson's limits of both, put together: ``d - sqrt((p1 - l1)^2 + (u2 - p2)^2)`` to ``d + sqrt((u1 - p1)^2 + (p2 - l2)^2)``. Raises
    ValueError like :func:`proportion_limits`.
    """
    x1, n1, x2, n2 = np.broadcast_arrays(*(_numbers(each) for each in (x1, n1, x2, n2)))
    (l1, u1), (l2, u2) = proportion_limits(x1, n1, 1.0, confidence), proportion_limits(x2, n2, 1.0, confidence)
    p1, p2 = x1 / n1, x2 / n2
    lower = (p1 - p2) - np.hypot(p1 - l1, u2 - p2)
    upper = (p1 - p2) + np.hypot(u1 - p1, p2 - l2)
    return lower * per, upper * per


def standardised_rate_limits(rate, variance, observed, confidence: float = 0.95) -> Limits:
    """Dobson's limits of a directly standardised rate: ``rate + sqrt(variance / observed) * (Byar - observed)``.

    ``rate`` and ``variance`` in the same unit (variance in its square), ``observed`` the events of all ages together.
    Missing below 10 events, where such a rate is not to be given at all.
    """
    rate, variance, observed = np.broadcast_arrays(_numbers(rate), _numbers(variance), _numbers(observed))
    _refuse(observed < 0, observed, "a count cannot be negative")
    enough = np.where(observed >= FEWEST_FOR_STANDARDISED, observed, np.nan)
    lower, upper = byar(enough, confidence)
    step = np.sqrt(variance / enough)
    return rate + step * (lower - enough), rate + step * (upper - enough)


def byar(observed, confidence: float = 0.95) -> Limits:
    """Byar's approximation. The lower limit is missing, never negative, where the approximation breaks down."""
    observed = _numbers(observed)
    z = _z(confidence)
    _refuse(observed < 0, observed, "a count cannot be negative")
    events = np.where(observed > 0, observed, np.nan)  # the lower limit of no events is 0 by any method
    root = 1 - 1 / (9 * events) - z / (3 * np.sqrt(events))
    lower = np.where(observed == 0, 0.0, np.where(root < 0, np.nan, events * root**3))
    more = observed + 1
    return lower, more * (1 - 1 / (9 * more) + z / (3 * np.sqrt(more))) ** 3


def exact(observed, confidence: float = 0.95) -> Limits:
    """Exact Poisson limits: ``chi2(a/2, 2 O)/2`` and ``chi2(1 - a/2, 2 O + 2)/2``."""
    observed = _numbers(observed)
    _check_confidence(confidence)
    _refuse(observed < 0, observed, "a count cannot be negative")
    table = _exact_table(confidence)
    lower, upper = np.full(observed.shape, np.nan), np.full(observed.shape, np.nan)
    # Almost every small count is one of ten whole numbers; inverting the gamma function 30,000 times takes seconds.
    whole = (observed < FEWEST_FOR_BYAR) & (observed == np.floor(observed))
    place = observed[whole].astype(int)
    lower[whole], upper[whole] = table[0][place], table[1][place]
    other = ~whole & ~np.isnan(observed)
    lower[other], upper[other] = _exact(observed[other], confidence)
    return lower, upper


@lru_cache(maxsize=32)
def _exact_table(confidence: float) -> Limits:
    return _exact(np.arange(FEWEST_FOR_BYAR, dtype=float), confidence)


def _exact(observed: np.ndarray, confidence: float) -> Limits:
    tail = (1 - confidence) / 2
    lower = np.where(observed > 0, gammaincinv(np.where(observed > 0, observed, 1), tail), 0.0)
    return lower, gammaincinv(observed + 1, 1 - tail)  # half a chi-square quantile is a gamma quantile


def _numbers(values) -> np.ndarray:
    return np.atleast_1d(np.asarray(values, dtype="float64"))


def _z(confidence: float) -> float:
    _check_confidence(confidence)
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _check_confidence(confidence: float) -> None:
    if not 0.9 <= confidence < 1:
        raise ValueError(f"confidence is {confidence}; give a number from 0.9 and below 1, 0.95 for 95% limits")


def _refuse(wrong: np.ndarray, values: np.ndarray, why: str) -> None:
    if wrong.any():
        first = ", ".join(f"{value:g}" for value in values[wrong][:5])
        raise ValueError(f"{why}: {int(wrong.sum())} of {values.size} are wrong, such as {first}")
