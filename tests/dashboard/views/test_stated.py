"""One rule, one number: what is printed of a threshold is true of every area that it counts, and of no other."""

from __future__ import annotations

import re
import warnings
from itertools import pairwise

import mapclassify
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.banding import make_bands
from dashboard.views.choropleth import band_labels
from dashboard.views.gap_map import painted
from dashboard.views.gap_words import access_formatter, poor_words
from dashboard.views.gaps import gaps_of
from dashboard.views.natural_breaks import natural_breaks
from layers import PUBLIC, stated
from layers.methods.bivariate import bivariate

MEASURED = st.lists(st.floats(0, 9_000).map(lambda x: round(x, 3)) | st.integers(0, 20), min_size=1, max_size=40)


def read(text: str) -> float:
    """The first number of a text, in the unit in which it was measured."""
    number = float(re.search(r"[−\d][\d,.]*", text)[0].replace(",", "").replace("−", "-").rstrip("."))
    return number * 1000 if re.search(r"\d km\b", text) else number


@given(MEASURED, st.data(), st.integers(-2, 2), st.sampled_from(["above", "below"]))
def test_what_is_stated_parts_the_values_as_the_cut_does(values, data, decimals, at_cut):
    values = np.array(values, float)
    cut = data.draw(st.sampled_from(values.tolist()))
    said = stated(values, cut, decimals, at_cut=at_cut)
    assert (
        ((values >= said) == (values >= cut)).all() if at_cut == "above" else ((values > said) == (values > cut)).all()
    )
    printed = float(wording.exactly(said, max(decimals, 0)).replace(",", ""))
    assert printed == pytest.approx(said, rel=1e-11)


def test_a_cut_is_rounded_only_as_far_as_it_stays_true():
    assert stated(np.array([600, 753.2, 900.0]), 753.2, -1) == 750  # nobody lies between 750 and 753.2
    assert stated(np.array([600, 751.0, 753.2, 900.0]), 753.2, -1) == 753
    assert stated(np.array([0.105, 0.108, 0.112]), 0.108, 2, at_cut="below") == 0.11
    assert stated(np.array([0.105, 0.108, 0.1095]), 0.108, 2, at_cut="below") == 0.108
    assert np.isnan(stated(np.array([1.0]), np.nan))


@given(MEASURED, st.sampled_from(["quantiles", "equal", "jenks"]), st.integers(3, 7), st.integers(0, 2))
def test_the_printed_limits_of_a_legend_hold_for_every_value_of_their_band(values, scheme, classes, decimals):
    values = np.array(values, float)
    bands = make_bands(values, scheme, classes)
    labels, codes = band_labels(bands, values, decimals), bands.classify(values)
    for i, label in enumerate(labels):
        own = values[codes == i]
        if " to " not in label:
            assert all(wording.number(value, decimals) == label for value in own)
            continue
        low, high = (read(part) for part in label.split(" to "))
        inside = (values > low if label.startswith("over") else values >= low) & (values <= high)
        assert inside.tolist() == (codes == i).tolist(), (label, own)


@given(st.lists(st.integers(0, 500).map(lambda n: n / 7), min_size=3, max_size=40), st.booleans())
def test_thirds_are_those_of_the_printed_cuts(values, high_is_worse):
    score = pd.Series(values)
    found = bivariate(score, score, high_is_worse)
    third = found.classes // 3
    middle, worst = (read(wording.exactly(cut)) for cut in found.need_cuts)
    assert third.tolist() == [(value >= middle) + (value >= worst) for value in values]
    middle, worst = (read(wording.exactly(cut)) for cut in found.access_cuts)
    bad = [(v >= middle) + (v >= worst) if high_is_worse else (v <= middle) + (v <= worst) for v in values]
    assert (found.classes % 3).tolist() == bad


@given(st.floats(0, 9_000), st.floats(1, 9_000).map(round))
def test_a_number_beside_its_limit_lies_on_the_same_side_in_print(value, limit):
    shown = read(wording.beside(value, limit))
    assert (shown < limit, shown > limit) == (value < limit, value > limit)
    shown = read(wording.cost_beside(value, limit, "m"))
    assert (shown < limit, shown > limit) == (value < limit, value > limit)


def test_beside_a_standard_of_1600_m_1604_m_is_not_1_6_km():
    assert wording.cost_beside(1604, 1600, "m") == "1,604 m"
    assert wording.cost_beside(1660, 1600, "m") == "1.7 km"
    assert wording.cost_beside(1600, 1600, "m") == "1.6 km"
    assert wording.beside(79.6, 80) == "79.6" and wording.beside(83.2, 80) == "83"


@given(st.lists(st.integers(0, 60), min_size=2, max_size=30), st.integers(2, 5))
def test_natural_breaks_are_as_good_as_those_of_mapclassify(values, classes):
    values = np.sort(np.array(values, float))
    if np.unique(values).size <= classes:
        assert natural_breaks(values, classes).tolist() == np.unique(values)[:-1].tolist()
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = np.asarray(mapclassify.FisherJenks(values, k=classes).bins)[:-1]

    def spread(cuts):
        codes = np.searchsorted(cuts, values, side="left")
        return sum(((values[codes == k] - values[codes == k].mean()) ** 2).sum() for k in np.unique(codes))

    assert spread(natural_breaks(values, classes)) <= spread(theirs) + 1e-6


def test_natural_breaks_see_every_value():
    """A heap of three among 5,000 is a band of its own: a sample of the values would have missed it."""
    values = np.sort(np.concatenate([np.linspace(0, 1, 5000), [900.0, 901.0, 902.0]]))
    assert natural_breaks(values, 2).tolist() == [1.0]


@pytest.mark.parametrize("level", ["lsoa", "ward", "lad"])
@pytest.mark.parametrize("metric", ["nearest", "coverage", "e2sfca"])
def test_rule_legend_and_document_state_one_threshold(demo, level, metric):
    """Everything that prints a limit of the demonstration's answers, counted again from the exact values of the API."""
    layer = next(one.id for one in demo.store.layers(PUBLIC, kind="services") if one.descriptor.access_standard)
    need = next(one.id for one in demo.store.layers(PUBLIC, kind="indicator") if level in one.levels)
    gaps = gaps_of(demo, Selection(need=need, services=(layer,), show="gap", level=level, metric=metric), PUBLIC)
    table, access = gaps.result.areas, gaps.result.access
    values, need_of = table["access"].to_numpy(float), table["need"].to_numpy(float)
    if access.cut is not None and access.cut > 0:
        assert (values >= access.cut if access.high_is_worse else values <= access.cut).tolist() == access.poor.tolist()
        assert gaps.result.parameters["access_cut"] == access.cut
        assert wording.exactly(access.cut, 2 if access.metric.decimals else 0) in poor_words(gaps)
    for show, exact in (("need", need_of), ("access", values)):
        shown = painted(gaps, show)
        for row in (row for row in shown.rows if " to " in row.label and row.code < 200):
            low, high = row.label.split(" to ")
            top = read(high)
            if low == "up":
                assert int((exact <= top).sum()) == row.count
                continue
            bottom = read(low)
            inside = ((exact > bottom) if low.startswith("over") else (exact >= bottom)) & (exact <= top)
            assert int(inside.sum()) == row.count, row.label
    thirds = painted(gaps, "gap").cells
    middle, worst = gaps.result.bivariate.need_cuts
    for n, (least, most) in enumerate(pairwise([-1.0, middle, worst, 101.0])):
        assert sum(row.count for row in thirds[n]) == int(
            ((need_of >= least) & (need_of < most) & np.isfinite(values) & ~table["crossing"].to_numpy(bool)).sum()
        )
    say = access_formatter(gaps)
    if access.limit is not None and access.metric.in_cost:
        for value, poor in zip(values, access.poor, strict=True):
            assert (read(say(value)) > access.limit) == bool(poor)
