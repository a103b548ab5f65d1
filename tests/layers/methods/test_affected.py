"""Who is affected: shares by hand, and every number again by a second, dumb calculation over areas one by one."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.methods.affected import AffectedMeasure, affected
from layers.methods.intervals import difference_limits


def measure(part, whole, **more) -> AffectedMeasure:
    return AffectedMeasure("m", "M", "G", "m", "people", "2021", np.array(part, float), np.array(whole, float), **more)


def one(rows, who=""):
    return next(row for row in rows if row.who == who)


LADS = np.array(["A", "A", "B", "B"], dtype=object)


def test_shares_are_of_summed_parts_and_a_difference_is_against_the_rest():
    # underserved: the first and third: 30 of 100 and 10 of 100 = 20%; the rest 10 of 200 = 5%; all 50 of 400 = 12.5%
    rows = affected([measure([30, 5, 10, 5], [100, 100, 100, 100])], np.array([1, 0, 1, 0], bool), LADS)
    region = one(rows)
    assert (region.value, region.part, region.whole, region.areas) == (20.0, 40.0, 200.0, 2)
    beside = region.beside["region"]
    assert (beside.value, beside.difference, beside.verdict) == (12.5, 7.5, "higher")
    assert beside.difference == pytest.approx(0.5 * (20.0 - 5.0))  # half of everybody is underserved
    mine = one(rows, "A")  # 30 of 100 beside A's 35 of 200, or beside the region's 12.5%
    assert (mine.value, mine.beside["authority"].value, mine.beside["region"].value) == (30.0, 17.5, 12.5)


def test_no_difference_where_the_limits_hold_nought():
    (row,) = affected([measure([11, 10], [100, 100])], np.array([1, 0], bool), np.array(["A", ""], object))[:1]
    assert row.beside["region"].verdict == "no difference"
    (row,) = affected([measure([1100, 1000], [5000, 5000])], np.array([1, 0], bool), np.array(["A", ""], object))[:1]
    assert row.beside["region"].verdict == "higher"


def test_englands_figure_is_taken_as_exact_and_missing_where_there_is_none():
    rows = affected([measure([40, 5], [100, 100], england=23.5)], np.array([1, 0], bool), LADS[:2])
    beside = one(rows).beside["england"]
    assert beside.difference == pytest.approx(16.5) and beside.verdict == "higher"
    assert beside.lower == pytest.approx(one(rows).lower - 23.5)
    (row,) = affected([measure([40, 5], [100, 100])], np.array([1, 0], bool), LADS[:2])[:1]
    assert row.beside["england"].verdict == "" and row.beside["england"].difference is None


def test_areas_without_a_figure_are_left_out_and_counted():
    rows = affected([measure([30, np.nan, 5, 5], [100, 100, 100, 100])], np.array([1, 1, 0, 0], bool), LADS)
    assert (one(rows).value, one(rows).areas, one(rows).areas_without) == (30.0, 2, 1)
    nothing = affected([measure([np.nan] * 4, [np.nan] * 4)], np.array([1, 0, 0, 0], bool), LADS)
    assert one(nothing).value is None and one(nothing).beside["region"].verdict == ""


def test_where_everybody_is_underserved_nothing_can_differ():
    rows = affected([measure([30, 10], [100, 100])], np.array([1, 1], bool), LADS[:2])
    assert (one(rows).beside["region"].difference, one(rows).beside["region"].verdict) == (0.0, "no difference")


def test_nobody_underserved_has_no_rows_but_the_regions():
    rows = affected([measure([30, 10], [100, 100])], np.array([0, 0], bool), LADS[:2])
    assert [row.who for row in rows] == [""] and rows[0].value is None and rows[0].areas == 0


def test_a_tenth_belongs_to_an_area_so_its_limits_count_areas():
    people = measure([900, 0, 0, 0], [900, 1_000, 1_000, 1_000])
    areas = measure([900, 0, 0, 0], [900, 1_000, 1_000, 1_000], by_area=True)
    mask = np.array([1, 1, 0, 0], bool)
    narrow, wide = one(affected([people], mask, LADS)), one(affected([areas], mask, LADS))
    assert narrow.value == wide.value == pytest.approx(100 * 900 / 1_900)
    assert wide.upper - wide.lower > 10 * (narrow.upper - narrow.lower)


def test_newcombes_own_example():
    # Newcombe, Statistics in Medicine 1998, table II (a), method 10: 56/70 against 48/80
    low, high = difference_limits([56], [70], [48], [80])
    assert (round(float(low[0]), 4), round(float(high[0]), 4)) == (0.0524, 0.3339)


# ---- again, area by area, with nothing of the module -----------------------------------------------------------------------


def wilson(p: float, n: float) -> tuple[float, float]:
    z = 1.959963984540054
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)


def again(part, whole, underserved, lads, who, baseline):
    sums = {"group": [0.0, 0.0], "all": [0.0, 0.0], "rest": [0.0, 0.0]}
    for x, n, gap, lad in zip(part, whole, underserved, lads, strict=True):
        if x is None:
            continue
        mine = gap and (who == "" or lad == who)
        inside = baseline == "region" or who == "" or lad == who
        for name, take in (("group", mine), ("all", inside), ("rest", inside and not mine)):
            if take:
                sums[name][0] += x
                sums[name][1] += n
    if not sums["group"][1]:
        return None
    p = sums["group"][0] / sums["group"][1]
    whole_p = sums["all"][0] / sums["all"][1]
    if not sums["rest"][1]:
        return p, wilson(p, sums["group"][1]), whole_p, 0.0, 0.0
    q = sums["rest"][0] / sums["rest"][1]
    (l1, u1), (l2, u2) = wilson(p, sums["group"][1]), wilson(q, sums["rest"][1])
    outside = sums["rest"][1] / sums["all"][1]
    low = (p - q) - math.sqrt((p - l1) ** 2 + (u2 - q) ** 2)
    high = (p - q) + math.sqrt((u1 - p) ** 2 + (q - l2) ** 2)
    return p, (l1, u1), whole_p, outside * low, outside * high


AREA = st.tuples(
    st.integers(1, 900).flatmap(lambda n: st.tuples(st.one_of(st.none(), st.integers(0, n)), st.just(n))),
    st.booleans(),
    st.sampled_from("AB"),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(AREA, min_size=1, max_size=9))
def test_every_number_again_area_by_area(areas):
    part, whole = [x for (x, _), _, _ in areas], [n for (_, n), _, _ in areas]
    gap, lads = [g for _, g, _ in areas], [lad for _, _, lad in areas]
    made = measure([np.nan if x is None else x for x in part], whole)
    for row in affected([made], np.array(gap, bool), np.array(lads, dtype=object)):
        for baseline in ("region", "authority"):
            dumb = again(part, whole, gap, lads, row.who, baseline)
            if dumb is None:
                assert row.value is None and row.beside[baseline].verdict == ""
                continue
            p, limits, other, low, high = dumb
            beside = row.beside[baseline]
            assert row.value == pytest.approx(100 * p) and beside.value == pytest.approx(100 * other)
            assert (row.lower, row.upper) == pytest.approx([100 * each for each in limits], abs=1e-9)
            assert (beside.lower, beside.upper) == pytest.approx((100 * low, 100 * high), abs=1e-9)
            assert beside.difference == pytest.approx(100 * (p - other), abs=1e-9)
            assert beside.lower - 1e-9 <= beside.difference <= beside.upper + 1e-9
