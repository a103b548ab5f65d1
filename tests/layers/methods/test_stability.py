"""Stability: the draws of docs/methods/gaps.md, reproduced, and checked against a slow second calculation."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.stats import binom, norm, poisson, rankdata

from layers.methods.access import access_model, kernel
from layers.methods.need import Indicator
from layers.methods.sampling import count_curve, sample_counts
from layers.methods.stability import Cancelled, at_least, row_percentiles, stability, words, words_of
from layers.model import Direction, Measure, Refused


def setting(n=60, seed=0, gaps=False, m=5):
    rng = np.random.default_rng(seed)
    areas = pd.DataFrame(
        {
            "code": [f"A{i}" for i in range(n)],
            "centroid_x": rng.uniform(0, 10_000, n),
            "centroid_y": rng.uniform(0, 10_000, n),
            "population": rng.integers(500, 2_000, n) * 1.0,
            "lad_code": "L",
        }
    )
    sites = pd.DataFrame({"easting": rng.uniform(0, 10_000, m), "northing": rng.uniform(0, 10_000, m)})
    size = rng.integers(300, 900, n) * 1.0
    count = np.floor(size * rng.beta(2, 8, n))
    frame = pd.DataFrame({"value": 100 * count / size, "numerator": count, "denominator": size})
    score = pd.Series(rng.normal(size=n))
    if gaps:
        frame.loc[[0, 3]] = np.nan
        score[[3, 5]] = np.nan
    parts = (
        Indicator("share", frame, measure=Measure.PERCENTAGE, per=100),
        Indicator("score", score, measure=Measure.SCORE),
    )
    return parts, access_model(areas, sites)


def run(parts, model, metric="nearest", limit=2_500.0, **more):
    return stability(parts, {p.id: 1.0 for p in parts}, model, metric, limit, **{"draws": 120, "seed": 3} | more)


def test_same_seed_same_answer_whatever_the_threads():
    parts, model = setting()
    one, two, other = run(parts, model, workers=1), run(parts, model, workers=3), run(parts, model, seed=4)
    pd.testing.assert_series_equal(one.share, two.share)
    assert not one.share.equals(other.share)
    assert (one.seed, one.draws) == (3, 120) and one.share.between(0, 1).all()


def test_against_a_slow_second_calculation():
    """The same draws of weights, threshold, limit and detour, with scipy ranks and plain comparisons."""
    parts, model = setting(gaps=True)
    parts = tuple(Indicator(p.id, p.value) for p in parts)  # no counts: nothing is sampled
    got = run(parts, model, draws=100, seed=9)
    rng = np.random.default_rng(np.random.SeedSequence(9, spawn_key=(0,)))
    weights = 0.5 * rng.uniform(0.5, 1.5, (100, 2))
    threshold, scale = rng.uniform(75, 85, 100), rng.uniform(0.75, 1.25, 100)
    detour = rng.uniform(0.85, 1.15, 100)
    values = np.column_stack([p.value for p in parts])
    p = np.full(values.shape, np.nan)
    for k in range(2):
        known = ~np.isnan(values[:, k])
        p[known, k] = 100 * (rankdata(values[known, k]) - 0.5) / known.sum()
    hits = np.zeros(len(values))
    for d in range(100):
        w = np.where(np.isnan(p), 0, weights[d])
        known = w.sum(axis=1) >= weights[d].sum() / 2
        composite = np.nansum(weights[d] * p, axis=1)[known] / w.sum(axis=1)[known]
        need = np.full(len(values), -1.0)
        need[known] = 100 * (rankdata(np.round(composite, 4)) - 0.5) / known.sum()
        hits += (need >= threshold[d]) & (model.nearest[0] * detour[d] > 2_500 * scale[d])
    assert np.allclose(got.share, hits / 100)


@pytest.mark.parametrize("metric", ["nearest", "coverage", "e2sfca"])
def test_minutes_of_a_table_are_varied_by_the_limit_only(metric):
    """The slow second calculation again, by a travel-time table: no detour in any draw, the limit in all of them."""
    parts, model = setting(n=30)
    parts = (Indicator("score", parts[1].value),)
    minutes = np.random.default_rng(2).uniform(5, 40, (30, 5))
    model = replace(model, travel=csr_array(minutes), unit="min")
    got = run(parts, model, metric, 20.0, draws=100, seed=9)
    rng = np.random.default_rng(np.random.SeedSequence(9, spawn_key=(0,)))
    rng.uniform(0.5, 1.5, (100, 1))
    threshold, scale = rng.uniform(75, 85, 100), rng.uniform(0.75, 1.25, 100)
    need = 100 * (rankdata(parts[0].value) - 0.5) / 30
    hits = np.zeros(30)
    for d in range(100):
        poor = minutes.min(axis=1) > 20 * scale[d]
        if metric == "e2sfca":
            weight = kernel(minutes, 20 * scale[d])
            reached = (weight * model.demand[:, None]).sum(axis=0)
            flow = (weight * np.divide(1.0, reached, out=np.zeros(5), where=reached > 0)).sum(axis=1)
            poor = flow <= np.sort(flow)[5] + 1e-12  # the fifth of 30 areas with least, ties included
        hits += (need >= threshold[d]) & poor
    assert np.allclose(got.share, hits / 100) and got.share.max() > 0
    assert got.varied["detour"] is None
    assert got.varied["limit"] == (0.75, 1.25) and got.varied["need_threshold"] == (75.0, 85.0)
    # The same minutes with five times the detour are the same minutes.
    far = replace(model, multiplier=5 * model.multiplier)
    pd.testing.assert_series_equal(run(parts, far, metric, 20.0, draws=100, seed=9).share, got.share)


def test_what_was_varied_is_told():
    parts, model = setting()
    told = run(parts, model).varied
    assert told["detour"] == (0.85, 1.15) and told["weights"] == (0.5, 1.5)
    assert told["sampling_error"] == ["share"] and told["metric"] == "nearest"
    assert run(parts[:1], model).varied["weights"] is None


def test_a_fixed_cut_of_e2sfca_is_met_by_its_equal():
    # Nobody shares the only site within reach: all have 0, which is the cut.
    alone = (Indicator("a", pd.Series([0.0] * 9 + [9.0])),)
    none = access_model(
        pd.DataFrame({"centroid_x": [0.0] * 10, "centroid_y": 0.0, "population": 0.0, "lad_code": "L", "code": "A"}),
        pd.DataFrame({"easting": [1.0], "northing": [0.0]}),
    )
    assert run(alone, none, "e2sfca", 1_000.0, cut=0.0).share[9] == 1
    assert run(alone, none, "e2sfca", 1_000.0, cut=-0.1).share[9] == 0


@pytest.mark.parametrize("status", ["converted", "suppressed", "missing"])
def test_only_converted_figures_are_drawn_beside_published_ones(status):
    parts, model = setting()
    frame = parts[0].values.assign(status=["ok"] * 30 + [status] * 30)
    share = run((Indicator("share", frame, measure=Measure.PERCENTAGE, per=100),), model, limit=1.0).share
    assert (share[30:] > 0).any() == (status == "converted")


def test_nothing_to_vary_means_certain_at_the_ends():
    # One indicator without counts, need 5 to 95 in steps of 10: 85 and 95 against U(75, 85): always; below 75: never.
    parts = (Indicator("a", pd.Series(range(10))),)
    areas = pd.DataFrame(
        {"code": list("abcdefghij"), "centroid_x": 0.0, "centroid_y": 0.0, "population": 1.0, "lad_code": "L"}
    )
    none = access_model(areas, pd.DataFrame({"easting": [], "northing": []}))
    share = run(parts, none).share
    assert share[9] == 1.0 and share[8] == 1.0 and (share[:7] == 0).all()
    assert 0.0 <= share[7] < 0.1  # need 75 meets a threshold of 75 almost never


def test_distance_bands():
    # Far beyond 1.25 times the limit is always poor; within 0.75 / 1.15 never.
    parts = (Indicator("a", pd.Series([3.0, 3.0, 3.0])),)
    areas = pd.DataFrame(
        {
            "code": list("abc"),
            "centroid_x": [100.0, 1_000.0, 9_000.0],
            "centroid_y": 0.0,
            "population": 1.0,
            "lad_code": "L",
        }
    )
    model = access_model(areas, pd.DataFrame({"easting": [0.0], "northing": [0.0]}))
    high = (Indicator("a", pd.Series([0.0] * 3)),)
    assert run(high, model, limit=1_000).share.tolist() == [0, 0, 0]  # all equal: need 50
    ten = pd.concat([areas] * 10, ignore_index=True).assign(code=[f"x{i}" for i in range(30)])
    values = pd.Series([0.0] * 27 + [9.0] * 3)  # need 95 for the last three
    share = run(
        (Indicator("a", values),), access_model(ten, pd.DataFrame({"easting": [0.0], "northing": [0.0]})), limit=1_000
    ).share
    assert share[27] == 0 and share[29] == 1 and 0.3 < share[28] < 1
    assert len(parts) == 1 and model.unit == "m"


def test_e2sfca_and_worst_fifth_run():
    parts, model = setting()
    flow = run(parts, model, "e2sfca", 3_000.0)
    fixed = run(parts, model, "nearest", None)
    assert flow.share.max() > 0 and fixed.varied["limit"] is None
    # With the worst fifth by nearest, only those areas can ever be underserved.
    far = model.nearest[0] >= np.sort(model.nearest[0])[::-1][12 - 1]
    assert (fixed.share[~far] == 0).all()
    assert run(parts, model, "coverage").share.equals(run(parts, model).share)


def test_missing_need_is_never_underserved():
    parts, model = setting(gaps=True)
    assert run(parts, model).share[3] == 0
    empty = (Indicator("a", pd.Series([np.nan] * 60)),)
    assert (run(empty, model).share == 0).all()


def test_direction_is_respected():
    parts, model = setting()
    turned = tuple(Indicator(p.id, -p.value, direction=Direction.LOW_IS_WORSE) for p in parts)
    plain = tuple(Indicator(p.id, p.value) for p in parts)
    pd.testing.assert_series_equal(run(turned, model).share, run(plain, model).share)


def test_progress_and_cancel():
    parts, model = setting()
    heard = []
    run(parts, model, progress=lambda done, total: heard.append((done, total)))
    assert heard == [(50, 120), (100, 120), (120, 120)]
    with pytest.raises(Cancelled):
        run(parts, model, cancel=lambda: True)


@pytest.mark.parametrize("draws", [0, -1, 10_001])
def test_bad_number_of_draws(draws):
    parts, model = setting()
    with pytest.raises(Refused, match="draws"):
        run(parts, model, draws=draws)


def lower(share, n):
    """Lower end of Wilson's 95% interval from the textbook: (p + z^2/2n - z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)."""
    z = 1.959963984540054
    return (share + z * z / 2 / n - z * ((share * (1 - share) + z * z / 4 / n) / n) ** 0.5) / (1 + z * z / n)


@pytest.mark.parametrize("draws", [1, 2, 5, 10, 50, 100, 500, 10_000])
def test_a_word_never_hangs_on_the_noise_of_the_draws(draws):
    shares = np.arange(draws + 1) / draws
    for share, word in zip(shares, words_of(shares, draws), strict=True):
        low = lower(share, draws)
        expected = "firm" if low >= 0.9 else "likely" if low >= 0.6 else "borderline" if share >= 0.3 else "weak"
        assert word == expected == words(share, draws)


def test_words_by_hand():
    # Of 500 draws 463 (92.6%) have a lower end of 0.8998, 464 (92.8%) one of 0.9019; likely begins between 321 and 322.
    assert [words(k / 500, 500) for k in (500, 464, 463, 322, 321, 150, 149, 0)] == [
        "firm", "firm", "likely", "likely", "borderline", "borderline", "weak", "weak",
    ]  # fmt: skip
    # One draw proves nothing: its lower end is 1 / (1 + 3.84) = 0.21. Ten of ten: 0.72. 35 of 35: 0.901; 34 of 34: 0.899.
    assert [words(1.0, n) for n in (1, 10, 34, 35)] == ["borderline", "likely", "likely", "firm"]
    assert words(np.nan, 500) is None and words(None, 500) is None
    assert words(0.1 + 0.2, 10) == words(3 / 10, 10) == "borderline"


# --- the fast parts --------------------------------------------------------------------------------------------------


@given(st.integers(1, 40), st.integers(0, 1_000), st.integers(1, 12))
@settings(max_examples=60)
def test_row_percentiles_are_average_ranks(n, seed, spread):
    values = np.random.default_rng(seed).integers(-spread, spread + 1, (7, n)).astype(np.float32)
    values[values == 0] *= np.float32(-1)  # some zeros are negative zeros
    expected = 100 * (rankdata(values, axis=1) - 0.5) / n
    assert np.allclose(row_percentiles(values), expected, atol=1e-4)


@given(st.integers(1, 40), st.integers(0, 1_000), st.floats(70, 90), st.booleans())
@settings(max_examples=80)
def test_at_least_agrees_with_ranking(n, seed, threshold, holes):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, max(n // 2, 2), (3, n)).astype(np.float32)
    if holes:
        values[rng.random((3, n)) < 0.3] = np.nan
    got = at_least(values, np.full(3, threshold))
    for row, line in zip(got, values, strict=True):
        known = ~np.isnan(line)
        need = np.full(n, -1.0)
        if known.any():
            need[known] = 100 * (rankdata(line[known]) - 0.5) / known.sum()
        assert row.tolist() == (need >= threshold).tolist()


def test_at_least_is_met_exactly():
    # Ranks 4 and 5 share 4.5: 100 * (4.5 - 0.5) / 5 = 80. Of ten in order the ninth stands at 85.
    assert at_least(np.array([[1, 2, 3, 4, 4]], np.float32), np.array([80.0])).tolist() == [[False] * 3 + [True] * 2]
    assert not at_least(np.array([[1, 2, 3, 4, 4]], np.float32), np.array([80.001])).any()
    ten = np.arange(10, dtype=np.float32)[None, :]
    assert at_least(ten, np.array([85.0])).sum() == 2 and at_least(ten, np.array([85.001])).sum() == 1


@pytest.mark.parametrize(
    ("kind", "trials", "chance"),
    [
        ("binomial", 100, 0.5),
        ("binomial", 300, 0.1),
        ("binomial", 5_000, 0.00505),
        ("binomial", 600, 0.95),
        ("poisson", 25, 1),
        ("poisson", 4_000, 1),
    ],
)
def test_the_curve_is_the_distribution(kind, trials, chance):
    c0, c1, c2, c3 = (c[0] for c in count_curve(kind, np.array([float(trials)]), np.array([chance], dtype="float64")))
    exact = binom(trials, chance) if kind == "binomial" else poisson(trials)
    z = np.linspace(-6, 6, 200_001)
    curve = c0 + c1 * z + c2 * z**2 + c3 * z**3
    assert (np.diff(curve) > 0).all()
    k = np.arange(exact.ppf(1e-5), exact.ppf(1 - 1e-5))
    assert np.abs(norm.cdf(np.interp(k + 0.5, curve, z)) - exact.cdf(k)).max() < 3e-4


def test_counts_have_the_right_mean_and_spread():
    trials, chance = np.array([10, 400, 50]), np.array([0.3, 0.25, 0.98])
    got = sample_counts("binomial", trials, chance, 20_000, np.random.default_rng(1))
    assert np.allclose(got.mean(axis=0), trials * chance, atol=0.3)
    assert np.allclose(got.var(axis=0), trials * chance * (1 - chance), rtol=0.05)
    assert (got == np.rint(got)).all() and (got >= 0).all() and (got <= trials).all()
    got = sample_counts("poisson", np.array([0.0, 4.0, 90.0]), np.empty(0), 20_000, np.random.default_rng(1))
    assert np.allclose(got.mean(axis=0), [0.5, 4, 90], atol=0.3)  # none counted is not none for certain


def test_sampling_error_widens_with_small_numbers():
    """The same shares of 40 people and of 40,000: the small areas are less sure."""
    shares = np.linspace(0.05, 0.5, 40)
    model = setting(40)[1]

    def unsure(size):
        frame = pd.DataFrame({"value": 100 * shares, "numerator": np.rint(shares * size), "denominator": float(size)})
        share = run((Indicator("a", frame, measure=Measure.PERCENTAGE, per=100),), model, limit=1.0, draws=400).share
        return ((share > 0.02) & (share < 0.98)).sum()

    assert unsure(40) > 2 * unsure(40_000)
