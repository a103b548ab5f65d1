"""Need from a weighted set: its period is honoured, its parts are kept, its words say which figures were used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dash import html

from dashboard.components.ask import NEWEST, ask
from dashboard.selection import Selection
from dashboard.views import gaps as view
from dashboard.views import needs, offer
from layers import PUBLIC

SET = Selection(need="alcohol-admissions=2,violence")
OLD = replace(SET, period="2019/20")


@pytest.fixture(scope="module")
def now(demo):
    return needs.weighted_need(demo, SET, PUBLIC)


def test_a_period_is_used_for_every_indicator_that_has_it(demo, now):
    then = needs.weighted_need(demo, OLD, PUBLIC)
    assert now.periods == {"alcohol-admissions": "2024/25", "violence": "2024 Q4"}
    assert then.periods == {"alcohol-admissions": "2019/20", "violence": "2024 Q4"}
    assert not np.allclose(now.score, then.score, equal_nan=True)
    old = demo.store.values("alcohol-admissions", "lsoa", PUBLIC, period="2019/20").frame["value"]
    assert then.need.percentiles["alcohol-admissions"].rank().equals(old.rank())
    assert then.need.percentiles["violence"].equals(now.need.percentiles["violence"])
    assert "2019/20 (67%)" in needs.weights_sentence(then) and "2024 Q4 (33%)" in needs.weights_sentence(then)


def test_the_gap_view_uses_the_same_period(demo):
    asked = replace(OLD, services=("alcohol-drug-services",), show="gap")
    found = view.gaps_of(demo, asked, PUBLIC, quick=True)
    assert np.allclose(found.result.need.score, needs.weighted_need(demo, OLD, PUBLIC).score, equal_nan=True)
    assert [part["period"] for part in found.result.parameters["need"]] == ["2019/20", "2024 Q4"]


def test_what_was_worked_out_is_kept_and_the_weights_are_not(demo, now):
    again = needs.weighted_need(demo, replace(SET, scheme="equal"), PUBLIC)
    assert again.need is now.need
    other = needs.weighted_need(demo, replace(SET, need="alcohol-admissions,violence=3"), PUBLIC)
    assert other.need is not now.need
    # the percentiles are those of the gap view too, so a slider never ranks an indicator again
    assert other.need.percentiles["violence"].equals(now.need.percentiles["violence"])


@pytest.mark.parametrize(
    ("wanted", "period", "notices"),
    [("2019/20", "2019/20", 0), ("2024 Q1", "2024 Q1", 0), ("2024/25", "", 0), ("1066", "", 1)],
)
def test_links_keep_a_period_that_some_indicator_has(demo, wanted, period, notices):
    settled, said = offer.valid_selection(demo, replace(SET, period=wanted), PUBLIC)
    assert (settled.period, len(said)) == (period, notices)


def test_the_picker_offers_the_periods_of_all_and_the_newest_of_each(demo):
    def find(component, wanted):
        if getattr(component, "id", None) == wanted:
            return component
        children = getattr(component, "children", None)
        parts = children if isinstance(children, list | tuple) else [children]
        return next((hit for part in parts if part is not None and (hit := find(part, wanted)) is not None), None)

    picker = find(html.Div(ask(demo, SET, PUBLIC)), "period")
    values = [each["value"] for each in picker.data]
    assert picker.value == NEWEST and values[-1] == NEWEST
    assert {"2019/20", "2024 Q1"} <= set(values) and len(values) == 6 + 4 + 1
    assert find(html.Div(ask(demo, OLD, PUBLIC)), "period").value == "2019/20"


def test_a_level_without_figures_says_why(demo, tiny):
    sorry = needs.weighted_need(tiny, Selection(need="harm,crowded", level="ward"), PUBLIC)
    assert isinstance(sorry, view.NoAnswer) and "Crowded homes" in sorry.reasons[0]
