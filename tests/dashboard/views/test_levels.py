"""Every level and metric answers, or says why before it is chosen: struck out with the reason, refused by API and command."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest

from dashboard.app import create_app
from dashboard.components.ask import PickerContext, levels, struck
from dashboard.selection import Selection, weighted
from dashboard.views import gaps as view
from dashboard.views.levels import level_of_all, struck_levels
from dashboard.views.needs import weighted_need
from dashboard.views.offer import valid_selection
from layers import LEVELS, METRICS, PUBLIC

PAIRS = list(itertools.product(LEVELS, METRICS))


def behind(link):
    return Selection.from_query(dict(parse_qsl(urlsplit(link).query)))[0]


def test_what_cannot_be_had_by_ward_is_struck_out_by_name(tiny):
    asked = Selection(need="harm=2,poverty-rank", services=("clinics",), show="gap", area="T05")
    found = {each.level: each for each in struck_levels(tiny, asked, PUBLIC)}
    assert list(found) == ["ward", "lad"]
    assert found["ward"].lacking == ("Poverty rank",) and "A rank of LSOAs cannot be" in found["ward"].sentence
    assert found["ward"].link_words == "Leave it out and show the other by ward"
    left = behind(found["ward"].link)
    assert left == replace(asked, need="harm", level="ward", area="")  # the question stays, less what cannot be had
    assert not isinstance(view.gaps_or_reasons(tiny, left, PUBLIC), view.NoAnswer)


def test_where_nothing_would_be_left_there_is_no_way_on(tiny):
    found = struck_levels(tiny, Selection(need="poverty-rank"), PUBLIC)
    assert {each.link for each in found} == {""} and {each.link_words for each in found} == {""}
    assert (
        struck_levels(tiny, Selection(need="harm"), PUBLIC) == struck_levels(tiny, Selection(need="none"), PUBLIC) == ()
    )
    assert struck_levels(tiny, Selection(need="gone,harm"), PUBLIC) == ()


def test_the_control_strikes_the_same_levels_and_the_words_stand_below_it(tiny):
    asked = PickerContext(tiny, Selection(need="harm,poverty-rank,crowded"), PUBLIC)
    assert {each["value"]: each["disabled"] for each in levels(asked)} == {"lsoa": False, "ward": True, "lad": True}
    first = struck(asked.struck)[0]
    text = json.dumps(first.to_plotly_json(), default=lambda each: each.to_plotly_json())
    assert "Poverty rank" in text and "Crowded homes" in text and "Leave them out and show the other by ward" in text


def test_a_link_to_a_struck_level_settles_on_one_that_can_be_had_and_says_so(tiny):
    settled, said = valid_selection(tiny, Selection(need="harm,poverty-rank", level="ward"), PUBLIC)
    assert settled.level == "lsoa" and any(notice.startswith("Poverty rank has no figures by ward") for notice in said)
    assert level_of_all((), "lad") == "lad"


def test_api_and_command_refuse_it_with_the_name_and_the_reason(tiny):
    client = create_app(tiny, "a key for the tests only").server.test_client()
    answer = client.get("/api/v1/gaps?need=harm,poverty-rank&services=clinics&level=ward")
    assert (
        answer.status_code == 400 and "Poverty rank" in answer.text and "cannot be added up or averaged" in answer.text
    )


@pytest.mark.parametrize(("level", "metric"), PAIRS)
def test_all_nine_pairs_answer_on_the_demonstration(demo, level, metric):
    """For every ready-made set with every list that has a standard: an answer with figures, or the level is struck out."""
    answered = 0
    for preset in demo.region.presets:
        for services in demo.store.layers(PUBLIC, kind="services"):
            if services.descriptor.access_standard is None or "gaps" not in services.descriptor.fit_for:
                continue
            asked = Selection(
                need=weighted(preset.weights.items()), services=(services.id,), show="gap", level=level, metric=metric
            )
            for each in struck_levels(demo, asked, PUBLIC):
                if each.level == level:
                    assert isinstance(view.gaps_or_reasons(demo, asked, PUBLIC, quick=True), view.NoAnswer)
                    asked = behind(each.link)
            found = view.gaps_or_reasons(demo, asked, PUBLIC, quick=True)
            assert not isinstance(found, view.NoAnswer), (preset.id, services.id, found)
            rows = found.result.areas
            assert rows["need"].notna().mean() > 0.95 and rows["access"].notna().all()
            assert rows["share_beyond"].notna().all() == (level != "lsoa")
            assert not isinstance(weighted_need(demo, replace(asked, show="need"), PUBLIC), view.NoAnswer)
            answered += 1
    assert answered > 10


def test_the_demonstration_at_every_level_counts_the_same_people(demo):
    asked = Selection(need="violence", services=("pharmacies",), show="gap")
    found = {level: view.gaps_of(demo, replace(asked, level=level), PUBLIC, quick=True) for level in LEVELS}
    people = {level: each.summary["residents"] for level, each in found.items()}
    elsewhere = {level: each.summary["residents_nearer_elsewhere"] for level, each in found.items()}
    assert len(set(people.values())) == 1 and len({round(n, 3) for n in elsewhere.values()}) == 1
    small = found["lsoa"].result.areas
    beyond = small["population"][small["access"] > found["lsoa"].result.access.limit].sum()
    for level in ("ward", "lad"):
        rows = found[level].result.areas
        assert (rows["share_beyond"] * rows["population"]).sum() == pytest.approx(beyond)
        assert np.average(rows["access"], weights=rows["population"]) == pytest.approx(
            np.average(small["access"], weights=small["population"])
        )
