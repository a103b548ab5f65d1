"""Limits against the published worked values, a second slower calculation, and the laws they must obey."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, norm, poisson

from layers.methods.intervals import byar, count_limits, exact, proportion_limits, rate_limits, standardised_rate_limits


def pair(limits):
    return [float(limit[0]) for limit in limits]


# Published test values of PHEindicatormethods, as listed in docs/methods.md, A7.
@pytest.mark.parametrize(
    ("observed", "confidence", "lower", "upper"),
    [
        (65, 0.95, 50.163188, 82.849139),
        (65, 0.998, 42.880261, 94.000291),
        (1045, 0.95, 982.593202, 1110.331213),
        (1045, 0.998, 947.940704, 1148.806161),
        (10, 0.95, 4.787450, 18.391459),
        (10, 0.998, 2.916318, 24.193725),
    ],
)
def test_byar(observed, confidence, lower, upper):
    assert pair(byar(observed, confidence)) == pytest.approx([lower, upper], abs=1e-6)
    assert pair(count_limits(observed, confidence)) == pytest.approx([lower, upper], abs=1e-6)


@pytest.mark.parametrize(
    ("observed", "confidence", "lower", "upper"),
    [
        (1, 0.95, 25.317808, 5571.643391),
        (1, 0.998, 1.000500, 9233.413476),
        (5, 0.95, 1623.486390, 11668.332079),
        (5, 0.998, 739.371732, 16454.745204),
    ],
)
def test_exact_rate_of_100_people_per_100_000(observed, confidence, lower, upper):
    assert pair(rate_limits(observed, 100, per=100_000, confidence=confidence)) == pytest.approx(
        [lower, upper], abs=1e-4
    )


def test_exact_limits_of_nothing():
    assert pair(count_limits(0)) == pytest.approx([0, 3.688879], abs=1e-6)


@pytest.mark.parametrize(
    ("x", "n", "confidence", "lower", "upper"),
    [
        (65, 100, 0.95, 0.552544, 0.736358),
        (65, 100, 0.998, 0.495495, 0.778354),
        (1045, 5000, 0.95, 0.197955, 0.220491),
        (1045, 5000, 0.998, 0.191794, 0.227316),
        (0, 10, 0.95, 0, 0.277533),
        (10, 10, 0.95, 0.722467, 1),
    ],
)
def test_wilson(x, n, confidence, lower, upper):
    assert pair(proportion_limits(x, n, confidence=confidence)) == pytest.approx([lower, upper], abs=1e-6)
    assert pair(proportion_limits(x, n, per=100, confidence=confidence)) == pytest.approx(
        [100 * lower, 100 * upper], abs=1e-4
    )


@pytest.mark.parametrize(("confidence", "lower", "upper"), [(0.95, 6026.575, 7875.729), (0.998, 5560.738, 8461.047)])
def test_crude_rate(confidence, lower, upper):
    # 222 / 3,215 * 100,000 = 6,905.132
    assert pair(rate_limits(222, 3215, 100_000, confidence)) == pytest.approx([lower, upper], abs=1e-3)


@pytest.mark.parametrize(("confidence", "lower", "upper"), [(0.95, 0.492338, 2.043921), (0.998, 0.293393, 2.710590)])
def test_indirectly_standardised_ratio(confidence, lower, upper):
    # 9 observed / 835.883561 expected * 100 = 1.076705
    assert pair(rate_limits(9, 835.883561, 100, confidence)) == pytest.approx([lower, upper], abs=1e-6)


@pytest.mark.parametrize(("confidence", "lower", "upper"), [(0.95, 877.456, 1367.088), (0.998, 763.642, 1530.033)])
def test_directly_standardised_rate(confidence, lower, upper):
    # The source publishes O = 91, the rate and both pairs of limits. The variance follows from the 95% lower limit
    # (rate - lower = sqrt(variance / O) * (O - Byar)); the three other limits then have nothing left to choose.
    low_95 = pair(byar(91))[0]
    variance = 91 * ((1103.212 - 877.456) / (91 - low_95)) ** 2
    assert pair(standardised_rate_limits(1103.212, variance, 91, confidence)) == pytest.approx([lower, upper], abs=5e-3)


def test_no_standardised_limits_below_ten_events():
    lower, upper = standardised_rate_limits([100.0, 100.0], [25.0, 25.0], [9, 10])
    assert np.isnan(lower[0]) and np.isnan(upper[0])
    assert lower[1] < 100 < upper[1]


def test_byar_is_null_where_it_would_be_negative():
    # 1 - 1/9 - 3.0902/3 = -0.141 at 99.8%: the cube is negative, and a count is not.
    lower, upper = byar(1, 0.998)
    assert np.isnan(lower[0])
    assert upper[0] > 1
    assert byar(0)[0][0] == 0


def test_missing_stays_missing_beside_its_neighbours():
    lower, upper = rate_limits([np.nan, 5, 20], [100, 100, np.nan])
    assert np.isnan(lower).tolist() == [True, False, True]
    assert np.isnan(upper).tolist() == [True, False, True]
    lower, _ = proportion_limits([np.nan, 5], [100, 100])
    assert np.isnan(lower).tolist() == [True, False]


def test_inputs_are_not_changed():
    observed = np.array([0.0, 3.0, 12.0])
    before = observed.copy()
    count_limits(observed)
    assert (observed == before).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: count_limits([3, -1]), "negative"),
        (lambda: byar(-1), "negative"),
        (lambda: exact(-1), "negative"),
        (lambda: rate_limits(3, 0), "more than 0"),
        (lambda: rate_limits(3, -5), "more than 0"),
        (lambda: rate_limits(-3, 5), "negative"),
        (lambda: proportion_limits(3, 0), "more than 0"),
        (lambda: proportion_limits(-3, 5), "negative"),
        (lambda: proportion_limits(6, 5), "larger than the whole"),
        (lambda: standardised_rate_limits(1, 1, -1), "negative"),
        (lambda: count_limits(3, 0.89), "0.95"),
        (lambda: count_limits(3, 1.0), "0.95"),
        (lambda: count_limits(3, 95), "0.95"),
        (lambda: proportion_limits(3, 5, confidence=0.5), "0.95"),
    ],
)
def test_nonsense_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.998])
def test_exact_limits_against_scipy_and_their_meaning(confidence):
    tail = (1 - confidence) / 2
    for observed in [0, 1, 2, 5, 9, 0.5, 3.25, 14]:  # fractions come from split areas
        lower, upper = pair(exact(observed, confidence))
        assert upper == pytest.approx(chi2.ppf(1 - tail, 2 * observed + 2) / 2, rel=1e-9)
        if observed:
            assert lower == pytest.approx(chi2.ppf(tail, 2 * observed) / 2, rel=1e-9)
        if observed == int(observed):  # at the limits, a result this extreme has the probability of the tail
            assert poisson.cdf(observed, upper) == pytest.approx(tail, rel=1e-6)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 5000)), min_size=1, max_size=30),
    st.sampled_from([0.9, 0.95, 0.998]),
)
def test_laws(pairs, confidence):
    x = np.array([a for a, _ in pairs], dtype=float)
    n = x + np.array([b for _, b in pairs]) + 1
    for lower, upper, middle, top in (
        (*count_limits(x, confidence), x, np.inf),
        (*rate_limits(x, n, 1000, confidence), x / n * 1000, np.inf),
        (*proportion_limits(x, n, 100, confidence), x / n * 100, 100),
    ):
        assert (lower <= middle + 1e-9).all() and (middle <= upper + 1e-9).all()
        assert (lower >= 0).all() and (upper <= top).all()
    narrow, wide = proportion_limits(x, n, 100, 0.9), proportion_limits(x, n, 100, 0.998)
    assert (wide[0] <= narrow[0] + 1e-12).all() and (narrow[1] <= wide[1] + 1e-12).all()
    # A second, dumber Wilson: one area at a time, from the textbook's centre and half-width.
    z = norm.ppf((1 + confidence) / 2)
    for at, (a, b) in enumerate(zip(x, n, strict=True)):
        p = a / b
        centre = (p + z * z / (2 * b)) / (1 + z * z / b)
        half = z / (1 + z * z / b) * (p * (1 - p) / b + z * z / (4 * b * b)) ** 0.5
        got = proportion_limits(x, n, 1, confidence)
        assert got[0][at] == pytest.approx(centre - half, abs=1e-12)
        assert got[1][at] == pytest.approx(centre + half, abs=1e-12)
