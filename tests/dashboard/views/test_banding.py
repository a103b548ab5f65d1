import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.views.banding import MISSING, histogram, make_bands, national_bands

VALUES = st.lists(st.integers(-50, 50).map(lambda n: n / 2) | st.just(float("nan")), max_size=60)


def test_quantiles_of_ten_numbers_in_five_bands_hold_two_each():
    values = np.arange(1.0, 11.0)  # 1 .. 10
    bands = make_bands(values, "quantiles", 5)
    # numpy's quantiles of 1..10 at 20, 40, 60, 80%: 1 + 9 * share = 2.8, 4.6, 6.4, 8.2
    assert bands.upper == pytest.approx((2.8, 4.6, 6.4, 8.2, 10))
    assert np.bincount(bands.classify(values)).tolist() == [2, 2, 2, 2, 2]


def test_equal_steps_from_0_to_10_in_five_bands_are_2_wide():
    values = np.array([0.0, 1, 9, 10, 3, 5, 7])
    assert make_bands(values, "equal", 5).upper == pytest.approx((2, 4, 6, 8, 10))


def test_jenks_finds_the_three_heaps():
    values = np.array([1.0, 1.1, 1.2, 5.0, 5.1, 5.2, 9.0, 9.1, 9.2])
    assert make_bands(values, "jenks", 3).classify(values).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_jenks_is_quick_and_the_same_each_time_for_many_values():
    values = np.random.default_rng(1).gamma(2, 3, 5000)
    assert make_bands(values, "jenks", 5) == make_bands(values, "jenks", 5)


@given(VALUES, st.sampled_from(["quantiles", "equal", "jenks"]), st.integers(3, 7))
def test_laws_of_banding(values, scheme, k):
    values = np.array(values, dtype=float)
    known = values[np.isfinite(values)]
    bands = make_bands(values, scheme, k)
    codes = bands.classify(values)
    assert len(bands) <= k
    assert ((codes == MISSING) == ~np.isfinite(values)).all()
    for code, value in zip(codes, values, strict=True):
        if code != MISSING:
            assert bands.lower[code] <= value <= bands.upper[code]
    order = np.argsort(known, kind="stable")
    sorted_codes = bands.classify(known[order]).astype(int)
    assert (np.diff(sorted_codes) >= 0).all()  # a larger value is never in a lower band
    for value in np.unique(known):
        assert len(set(bands.classify(known[known == value]))) == 1  # equal values are never split


def test_forty_per_cent_zeros_are_one_band():
    values = np.array([0.0] * 40 + list(range(1, 61)))
    bands = make_bands(values, "quantiles", 5)
    codes = bands.classify(values)
    assert set(codes[:40]) == {0}
    assert len(bands) == 4  # the 20% and the 40% cut are both 0


def test_all_equal_is_one_band_and_nothing_is_none():
    assert len(make_bands(np.array([3.0, 3.0]), "quantiles", 5)) == 1
    assert len(make_bands(np.array([np.nan]), "quantiles", 5)) == 0


def test_national_bands_keep_the_country_s_cuts_and_stretch_to_the_region_s_ends():
    bands = national_bands((10.0, 20.0), np.array([12.0, 35.0]))
    assert bands.upper == (10.0, 20.0, 35.0)
    assert bands.lower == (10.0, 10.0, 20.0)
    assert bands.classify(np.array([5.0, 10.0, 10.1, 35.0])).tolist() == [0, 0, 1, 2]


def test_histogram_counts_every_value_once():
    counts, edges = histogram(np.array([0.0, 1, 2, 3, np.nan]), bins=3)
    assert counts.tolist() == [1, 1, 2]  # the last bin includes its upper edge
    assert edges.tolist() == [0, 1, 2, 3]
