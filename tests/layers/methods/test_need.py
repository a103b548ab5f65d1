"""Need: percentile, composite, half-weight rule, contributions, and what cannot be need."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.methods.need import Indicator, compose, fifth, need, need_percentiles, percentile, read_presets
from layers.model import Direction, Measure, Refused

numbers = st.lists(st.one_of(st.none(), st.integers(-20, 20).map(float)), min_size=2, max_size=30)


def slow_percentile(values):
    """The formula with loops: average rank = values below + half the ties (itself included) + 0.5."""
    valid = [v for v in values if not np.isnan(v)]
    out = []
    for v in values:
        if np.isnan(v):
            out.append(np.nan)
            continue
        rank = sum(u < v for u in valid) + (sum(u == v for u in valid) + 1) / 2
        out.append(100 * (rank - 0.5) / len(valid))
    return out


def slow_need(columns, weights):
    """Composite and need in plain loops; columns are lists with NaN for missing, larger is worse."""
    percentiles = [slow_percentile(column) for column in columns]
    composite = []
    for i in range(len(columns[0])):
        known = [(w, p[i]) for w, p in zip(weights, percentiles, strict=True) if not np.isnan(p[i])]
        weight = sum(w for w, _ in known)
        composite.append(sum(w * p for w, p in known) / weight if weight and weight >= sum(weights) / 2 else np.nan)
    return slow_percentile([round(c, 9) for c in composite])


def test_percentile_takes_half_a_rank_off_and_shares_ties():
    got = percentile(pd.Series([3.0, 1.0, np.nan, 3.0, 9.0]))
    # Of four: 1 has rank 1 -> 12.5; the 3s share rank 2.5 -> 50; 9 has rank 4 -> 87.5.
    assert got.tolist()[:2] == [50.0, 12.5] and np.isnan(got[2]) and got[4] == 87.5


def test_one_area_alone_stands_at_50():
    assert need([Indicator("a", pd.Series([7.0]))]).score.tolist() == [50.0]


def test_threshold_80_is_hit_exactly():
    # Of 5 equal steps the ranks give 10, 30, 50, 70, 90; of 10 tied in pairs 10, 30, ... as well; 80 exactly:
    assert percentile(pd.Series([1, 2, 3, 4, 4])).tolist()[-1] == 80.0  # ranks 4 and 5 share 4.5 -> (4.5 - 0.5) / 5


def test_low_is_worse_is_turned():
    result = need([Indicator("a", pd.Series([1.0, 2.0]), direction=Direction.LOW_IS_WORSE)])
    assert result.score.tolist() == [75.0, 25.0]


def test_half_weight_rule():
    nan = np.nan
    a, b = pd.Series([1.0, 2.0, nan, nan]), pd.Series([1.0, nan, 2.0, nan])
    result = need([Indicator("a", a), Indicator("b", b)], {"a": 3, "b": 1})
    # Area 1 has 3 of 4 parts of the weight, area 2 has 1 of 4: less than half, so no need.
    assert result.score.notna().tolist() == [True, True, False, False]
    even = need([Indicator("a", a), Indicator("b", b)])
    assert even.score.notna().tolist() == [True, True, True, False]  # exactly half is enough


def test_contributions_add_up_and_explain():
    frame = pd.DataFrame({"value": [10.0, 20.0, 30.0], "status": ["ok", "ok", "suppressed"]})
    result = need(
        [Indicator("a", frame, "Harm"), Indicator("b", pd.Series([3.0, 2.0, 1.0]), "Crowding")], {"a": 2, "b": 1}
    )
    assert np.allclose(result.contributions.sum(axis=1)[:2], result.composite[:2])
    assert result.indicators[0].value.isna().tolist() == [False, False, True]
    said = result.explain(1)
    assert said["drivers"][0]["id"] == "a" and said["drivers"][0]["percentile"] == 75.0
    assert np.isnan(result.score[2])  # 1 of 3 parts
    assert result.explain(2)["need"] is None


def test_converted_cells_are_need_and_withheld_or_missing_ones_are_not():
    frame = pd.DataFrame(
        {"value": [1.0, 2.0, 3.0, 4.0, 9.0], "status": ["ok", "converted", "converted", "suppressed", "missing"]}
    )
    result = need([Indicator("a", frame)])
    # Three count, whatever stands in the other two cells: 100 * (1 - 0.5) / 3, and so on.
    assert result.score.tolist()[:3] == pytest.approx([100 / 6, 50, 500 / 6])
    assert result.score.isna().tolist() == [False, False, False, True, True]
    assert need([Indicator("a", frame.assign(status="converted"))]).score.notna().all()


def test_just_under_half_of_the_weight_is_not_enough():
    nan = np.nan
    parts = [Indicator("a", pd.Series([1.0, nan])), Indicator("b", pd.Series([nan, 1.0]))]
    assert need(parts, {"a": 50, "b": 50}).score.notna().tolist() == [True, True]
    assert need(parts, {"a": 51, "b": 49}).score.notna().tolist() == [True, False]
    # 0.3 is half of 0.1 + 0.2 + 0.3, though the computer's fractions say 0.4999999999999999.
    three = [*parts, Indicator("c", pd.Series([1.0, nan]))]
    assert need(three, {"a": 0.1, "b": 0.3, "c": 0.2}).score.notna().all()


def test_all_missing_is_a_defined_answer():
    result = need([Indicator("a", pd.Series([np.nan, np.nan]))])
    assert result.score.isna().all()
    assert result.explain(0)["need"] is None
    assert fifth(result.score).tolist() == [0, 0]


def test_index_is_kept_and_nothing_is_changed():
    values = pd.Series([5.0, 1.0, np.inf], index=["x", "y", "z"])
    before = values.copy()
    result = need([Indicator("a", values)])
    assert list(result.score.index) == ["x", "y", "z"] and np.isnan(result.score["z"])
    pd.testing.assert_series_equal(values, before)


def test_fifths():
    edges = [0.0, 0.1, 20.0, 20.1, 40.0, 40.1, 60.0, 60.1, 80.0, 80.1, 99.9, 100.0]
    assert fifth(pd.Series(edges)).tolist() == [1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5]


@pytest.mark.parametrize(
    ("indicator", "said"),
    [
        (Indicator("a", pd.Series([1.0]), direction=Direction.NEUTRAL), "no worse end"),
        (Indicator("a", pd.Series([1.0]), measure=Measure.RANK), "is a rank"),
        (Indicator("a", pd.Series([1.0]), measure=Measure.DECILE), "is a decile"),
        (Indicator("a", pd.Series([1.0]), measure=Measure.CATEGORY), "is a category"),
    ],
)
def test_what_cannot_be_need(indicator, said):
    with pytest.raises(Refused, match=said):
        need([indicator])


@pytest.mark.parametrize("weights", [{"a": 0, "b": 0}, {"a": -1, "b": 2}, {"a": float("nan")}, {"a": "much"}, {"c": 1}])
def test_bad_weights_are_refused(weights):
    with pytest.raises(Refused):
        need([Indicator("a", pd.Series([1.0, 2.0])), Indicator("b", pd.Series([1.0, 2.0]))], weights)


def test_every_fault_is_reported_at_once():
    with pytest.raises(Refused) as error:
        need(
            [Indicator("a", pd.Series([1.0]), direction=Direction.NEUTRAL), Indicator("b", pd.Series([1.0, 2.0]))],
            {"a": -1},
        )
    assert len(error.value.faults) == 3
    with pytest.raises(Refused):
        need([])
    with pytest.raises(Refused, match="twice"):
        need([Indicator("a", pd.Series([1.0])), Indicator("a", pd.Series([1.0]))])


@given(
    st.integers(1, 3).flatmap(lambda k: st.tuples(st.integers(2, 25), st.just(k))), st.randoms(use_true_random=False)
)
@settings(max_examples=60)
def test_need_against_plain_loops(shape, random):
    n, k = shape
    columns = [[random.choice([np.nan, *map(float, range(6))]) for _ in range(n)] for _ in range(k)]
    weights = [random.randint(0, 4) for _ in range(k)]
    weights[0] += 1
    got = need(
        [Indicator(str(i), pd.Series(c)) for i, c in enumerate(columns)], {str(i): w for i, w in enumerate(weights)}
    )
    assert np.allclose(got.score, slow_need(columns, weights), equal_nan=True)


@given(numbers, numbers, st.floats(0.01, 1000), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_laws(a, b, factor, random):
    n = min(len(a), len(b))
    frame = pd.DataFrame({"a": a[:n], "b": b[:n]}, dtype="float64")
    make = lambda f: [Indicator("a", f["a"]), Indicator("b", f["b"])]  # noqa: E731
    base = need(make(frame), {"a": 2, "b": 1}).score
    # Multiplying all weights changes nothing.
    pd.testing.assert_series_equal(need(make(frame), {"a": 2 * factor, "b": factor}).score, base)
    # Row order changes nothing.
    order = random.sample(range(n), n)
    mixed = need(make(frame.iloc[order]), {"a": 2, "b": 1}).score
    pd.testing.assert_series_equal(mixed.sort_index(), base)
    # An increasing transformation changes nothing.
    pd.testing.assert_series_equal(need(make(frame**3), {"a": 2, "b": 1}).score, base)
    # Need is within 0-100, mean 50.
    if base.notna().any():
        assert base.dropna().between(0, 100, inclusive="neither").all() and base.mean() == pytest.approx(50)


def test_forty_percent_equal_values_share_one_need():
    score = need([Indicator("a", pd.Series([0.0] * 4 + list(range(1, 7))))]).score
    assert score.tolist()[:4] == [20.0] * 4  # ranks 1-4 share 2.5 -> (2.5 - 0.5) / 10


def test_percentiles_can_be_kept_while_weights_move():
    parts = [Indicator("a", pd.Series([1.0, 2.0, 3.0])), Indicator("b", pd.Series([3.0, 1.0, 2.0]))]
    kept = need_percentiles(parts)
    for weights in ({"a": 1, "b": 3}, {"a": 5, "b": 1}):
        pd.testing.assert_series_equal(need(parts, weights, kept).score, need(parts, weights).score)
    assert compose(kept, {"a": 1, "b": 0})[0].tolist() == kept["a"].round(9).tolist()


def test_presets_are_data_and_need_reasons():
    good = {
        "preset": [
            {"id": "p", "name": "P", "theme": "alcohol", "indicator": [{"id": "a", "weight": 2, "why": "Because."}]}
        ]
    }
    (preset,) = read_presets(good)
    assert preset.weights == {"a": 2} and preset.reasons == {"a": "Because."}
    with pytest.raises(Refused) as error:
        read_presets({"preset": [{"id": "p", "indicator": [{"id": "a"}]}, {"id": "q", "name": "Q", "theme": "t"}]})
    assert len(error.value.faults) == 4  # name, theme, reason; no indicator
