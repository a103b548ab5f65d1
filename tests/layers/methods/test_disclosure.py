"""Small numbers: what is hidden, what must go with it, and that a second pass finds nothing left to do."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.methods.disclosure import protect, rounded_count
from layers.model import Descriptor, Disclosure, Kind, Measure


def layer(measure=Measure.COUNT, threshold=8, base=0, people=True, per=1.0, zero=False):
    return Descriptor(
        id="x",
        title="X",
        kind=Kind.INDICATOR,
        themes=("health",),
        partner="icb",
        measure=measure,
        per=per,
        counts_people=people,
        disclosure=Disclosure(threshold, base, zero),
    )


def table(**columns):
    rows = len(next(iter(columns.values())))
    frame = pd.DataFrame({"area_code": [f"T{i + 1:02d}" for i in range(rows)], **columns})
    if "status" not in frame:
        frame["status"] = "ok"
    return frame


def test_threshold_8_and_base_5():
    # NHS England's rule: 0 stays, 1 to 7 are withheld, the rest go to the nearest 5.
    out = protect(table(value=list(range(19))), layer(base=5))
    assert out["status"].tolist() == ["ok"] + ["suppressed"] * 7 + ["ok"] * 11
    assert out["value"][0] == 0
    assert out["value"][1:8].isna().all()
    assert out["value"][8:].tolist() == [10] * 5 + [15] * 5 + [20]


def test_sums_are_rounded_once_not_twice():
    # Three areas of 8 show 10, 10, 10; a ward published as 24 shows 25, not 30.
    assert rounded_count(np.array([8.0, 24.0]), layer(base=5)).tolist() == [10, 25]


def test_a_rate_goes_with_its_count():
    frame = table(
        value=[243.1, 810.4],
        numerator=[3, 10],
        denominator=[1234, 1234],
        lower=[50.0, 400.0],
        upper=[700.0, 1500.0],
        flag=["three people", ""],
        period=["2024", "2024"],
    )
    out = protect(frame, layer(Measure.RATE, per=100_000))
    assert out.loc[0, ["value", "numerator", "denominator", "lower", "upper", "flag"]].isna().all()
    assert out.loc[0, ["area_code", "period", "status"]].tolist() == ["T01", "2024", "suppressed"]
    assert out.loc[1, ["value", "numerator", "denominator"]].tolist() == [810.4, 10, 1234]


def test_a_rate_times_its_denominator_is_a_count():
    # 243.1 per 100,000 of 1,234 people is 3.0 people; 648.3 is 8.0 and may stay.
    out = protect(table(value=[243.1, 648.3], denominator=[1234, 1234]), layer(Measure.RATE, per=100_000))
    assert out["status"].tolist() == ["suppressed", "ok"]
    assert np.isnan(out["denominator"][0])


def test_a_count_exactly_at_the_threshold_is_shown():
    """In every column that may hold a count, and with rounding and without; one less is withheld."""
    for base in (0, 5, 10):
        for measure, columns in (
            (Measure.COUNT, {"value": [7, 8]}),
            (Measure.COUNT, {"value": [80, 90], "numerator": [7, 8]}),
            (Measure.PERCENTAGE, {"numerator": [7, 8], "denominator": [50, 50]}),
            (Measure.RATE, {"numerator": [9, 9], "denominator": [7, 8]}),
            (Measure.MEAN, {"value": [3.0, 3.0], "denominator": [7, 8]}),
        ):
            out = protect(table(**columns), layer(measure, base=base, per=100))
            assert out["status"].tolist() == ["suppressed", "ok"], (measure, columns, base)


def test_a_published_rate_is_rounded_and_hides_no_count_at_the_threshold():
    # 243.1 per 100,000 of 1,234 people is 2.99985: three people. 2.5 might be three, 2.49 cannot.
    three = layer(Measure.RATE, threshold=3, per=100_000)
    assert protect(table(value=[243.1], denominator=[1234]), three)["status"].tolist() == ["ok"]
    edge = protect(
        table(value=[2.5, 2.49, 2.51], denominator=[100, 100, 100]), layer(Measure.RATE, threshold=3, per=100)
    )
    assert edge["status"].tolist() == ["ok", "suppressed", "ok"]
    # A percentage gives its count away in the same manner.
    share = protect(table(value=[2.5, 2.49], denominator=[100, 100]), layer(Measure.PERCENTAGE, threshold=3, per=100))
    assert share["status"].tolist() == ["ok", "suppressed"]
    # A value that is no rate, or whose layer is no count of people, implies nobody.
    score = protect(table(value=[2.0], denominator=[100]), layer(Measure.SCORE, threshold=3))
    assert score["status"].tolist() == ["ok"]


def test_few_people_at_risk_are_few_people():
    # None of 5, a mean of 5 people: the five are known as well as if they were counted.
    share = protect(table(numerator=[0, 0], denominator=[5, 50]), layer(Measure.PERCENTAGE, per=100))
    assert share["status"].tolist() == ["suppressed", "ok"]
    mean = protect(table(value=[31.0, 4.0], numerator=[155, 200], denominator=[5, 50]), layer(Measure.MEAN))
    assert mean["status"].tolist() == ["suppressed", "ok"]


def test_zero_is_hidden_only_where_it_is_sensitive():
    frame = table(numerator=[0, 9], denominator=[100, 100])
    assert protect(frame, layer(Measure.PERCENTAGE, per=100))["status"].tolist() == ["ok", "ok"]
    assert protect(frame, layer(Measure.PERCENTAGE, per=100, zero=True))["status"].tolist() == ["suppressed", "ok"]
    assert protect(table(value=[0, 3]), layer(threshold=0, zero=True))["status"].tolist() == ["suppressed", "ok"]
    # A rate of 0 says the same without its numerator.
    bare = protect(table(value=[0.0, 9.0], denominator=[100, 100]), layer(Measure.RATE, per=100, zero=True))
    assert bare["status"].tolist() == ["suppressed", "ok"]


def test_a_rate_of_nothing_is_no_small_number():
    # Without a numerator too: 0 of 100 is nobody, and shown where zero is not sensitive; 1 of 100 is somebody.
    out = protect(table(value=[0.0, 1.0], denominator=[100, 100]), layer(Measure.PERCENTAGE, per=100))
    assert out["status"].tolist() == ["ok", "suppressed"]


def test_rounding_to_1_is_no_rounding():
    frame = table(value=[9 / 43 * 100], numerator=[9], denominator=[43], lower=[11.0], upper=[35.0])
    pd.testing.assert_frame_equal(protect(frame, layer(Measure.PERCENTAGE, base=1, per=100)), frame)


def test_a_mean_of_nobody_is_rounded_to_nothing_else():
    out = protect(
        table(value=[np.nan, 4.0], numerator=[0.0, 48.0], denominator=[0.0, 12.0]), layer(Measure.MEAN, base=5)
    )
    assert out["numerator"].tolist() == [0, 40] and out["denominator"].tolist() == [0, 10]


@pytest.mark.parametrize("measure", [Measure.COUNT, Measure.RATE, Measure.PERCENTAGE, Measure.MEAN])
def test_nobody_at_risk_is_not_the_zero_that_is_sensitive(measure):
    """That nobody lives somewhere says nothing about anybody: only cases, of which there are none, can be sensitive."""
    frame = table(value=[np.nan, 20.0], numerator=[np.nan, 20.0], denominator=[0.0, 100.0])
    out = protect(frame, layer(measure, per=100, zero=True))
    assert out["status"].tolist() == ["ok", "ok"] and out["denominator"].tolist() == [0, 100]
    # Nor is a total of 0 in a mean a count of people.
    if measure is Measure.MEAN:
        out = protect(table(value=[0.0], numerator=[0.0], denominator=[50.0]), layer(measure, zero=True))
        assert out["status"].tolist() == ["ok"]


def test_rates_are_rebuilt_from_rounded_counts_and_limits_go():
    frame = table(value=[9 / 43 * 100], numerator=[9], denominator=[43], lower=[11.0], upper=[35.0])
    out = protect(frame, layer(Measure.PERCENTAGE, base=5, per=100))
    assert out[["numerator", "denominator"]].iloc[0].tolist() == [10, 45]
    assert out["value"][0] == pytest.approx(10 / 45 * 100)
    assert out[["lower", "upper"]].isna().all(axis=None)
    # From the rate alone: 9 / 43 is 9 people, shown as 10 of 45.
    bare = protect(table(value=[9 / 43 * 100], denominator=[43]), layer(Measure.PERCENTAGE, base=5, per=100))
    assert bare["value"][0] == pytest.approx(10 / 45 * 100)
    # Without a denominator the rate moves with its numerator, 20 per 1,000 * 10 / 9.
    alone = protect(table(value=[20.0], numerator=[9]), layer(Measure.RATE, base=5, per=1000))
    assert alone["value"][0] == pytest.approx(20 * 10 / 9)


def test_a_mean_keeps_its_value_when_its_people_are_rounded():
    out = protect(table(value=[4.0], numerator=[48.0], denominator=[12.0]), layer(Measure.MEAN, base=5))
    assert out.loc[0, ["value", "numerator", "denominator"]].tolist() == [4.0, 40.0, 10.0]


def test_rounding_makes_no_zero_and_nothing_below_the_threshold():
    # 7 of base 5 would be 5, which a second look would hide; 3 of base 10 would be a false 0.
    assert rounded_count(np.array([0, 7, 8, 13]), layer(threshold=7, base=5)).tolist() == [0, 10, 10, 15]
    assert rounded_count(np.array([0, 3, 14, 15]), layer(threshold=3, base=10)).tolist() == [0, 10, 10, 20]


def test_counts_of_places_are_left_alone():
    frame = table(value=[1, 2, 3])
    pd.testing.assert_frame_equal(protect(frame, layer(people=False, base=5)), frame)
    pd.testing.assert_frame_equal(protect(frame, layer(threshold=0)), frame)
    pd.testing.assert_frame_equal(protect(frame, layer(threshold=1)), frame)


def test_a_mark_beside_a_figure_hides_the_figure_in_any_layer():
    frame = table(value=[3.0, 9.0], status=["suppressed", "ok"])
    out = protect(frame, layer(people=False, threshold=0))
    assert np.isnan(out["value"][0]) and out["value"][1] == 9


def test_words_of_a_category_layer_survive():
    frame = table(value=["red", "blue"], denominator=[4, 40])
    out = protect(frame, layer(Measure.CATEGORY))
    assert out["status"].tolist() == ["suppressed", "ok"]
    assert out["value"].isna().tolist() == [True, False] and out["value"][1] == "blue"


def test_an_empty_table_stays_empty():
    empty = table(value=[1.0]).iloc[:0]
    assert protect(empty, layer(base=5)).empty


rows = st.lists(
    st.tuples(
        st.integers(0, 60), st.integers(0, 200), st.booleans(), st.sampled_from(["ok", "ok", "missing", "suppressed"])
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=150)
@given(
    rows,
    st.sampled_from([Measure.COUNT, Measure.RATE, Measure.PERCENTAGE, Measure.MEAN]),
    st.integers(0, 12),
    st.sampled_from([0, 3, 5, 10]),
    st.booleans(),
    st.sets(st.sampled_from(["value", "numerator", "denominator"]), min_size=1),
)
def test_nothing_small_is_left_and_twice_is_once(given_rows, measure, threshold, base, zero, columns):
    numerator = np.array([row[0] for row in given_rows], float)
    denominator = numerator + np.array([row[1] for row in given_rows], float)
    per = 100.0 if measure in (Measure.RATE, Measure.PERCENTAGE) else 1.0
    ratio = np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0) * per
    every = {
        "value": numerator if measure is Measure.COUNT else ratio,
        "numerator": numerator,
        "denominator": denominator,
    }
    frame = table(**{name: every[name] for name in sorted(columns)}, status=[row[3] for row in given_rows])
    frame.index = range(100, 100 + len(frame))
    before = frame.copy()
    descriptor = layer(measure, threshold, base, per=per, zero=zero)
    out = protect(frame, descriptor)
    pd.testing.assert_frame_equal(frame, before)  # the input is left as it is
    assert out.index.equals(frame.index) and list(out.columns) == list(frame.columns)
    pd.testing.assert_frame_equal(protect(out, descriptor), out)
    counts = [
        name
        for name in ("numerator", "denominator")
        if name in out and not (measure is Measure.MEAN and name[0] == "n")
    ]
    if measure is Measure.COUNT and "value" in out:
        counts.append("value")
    for name in counts:
        assert not ((out[name] > 0) & (out[name] < threshold)).any()
        if base > 1:
            assert (out[name].dropna() % base == 0).all()
    hidden = out["status"] == "suppressed"
    assert out.loc[hidden, sorted(columns)].isna().all(axis=None)
    assert (out.loc[~hidden, "status"] == frame.loc[~hidden, "status"]).all()
    if measure in (Measure.RATE, Measure.PERCENTAGE) and {"value", "denominator"} <= columns:
        implied = out["value"] * out["denominator"] / per
        assert not ((implied > 0.01) & (implied < threshold - 0.51)).any()
