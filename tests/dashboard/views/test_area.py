"""Everything about one area of Tinyland, done on paper: distances, neighbours, ranks, positions."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from dashboard.selection import Selection
from dashboard.views.area import area_profile, other_level_codes, rank_text, reading
from dashboard.views.choropleth import choropleth
from layers import PUBLIC, Viewer


def profile(published, code, **selection):
    return area_profile(published, code, Selection(**selection), PUBLIC)


def lines(published, code, **selection):
    return {line.id: line for line in profile(published, code, **selection).indicators}


def test_who_and_where(tiny):
    area = profile(tiny, "T07")
    assert (area.name, area.level, area.lad_name, area.ward_name) == ("Square 07", "lsoa", "Eastshire", "South East")
    assert area.population == "700"
    ward = profile(tiny, "TW1")
    assert (ward.level, ward.name, ward.lad_name, ward.ward_name) == ("ward", "South West", "Westshire", "")
    assert ward.population == "1,400"  # 100 + 200 + 500 + 600
    assert profile(tiny, "TA").population == "6,000"
    assert profile(tiny, "nowhere") is None
    assert profile(tiny, "") is None


def test_the_nearest_clinic_and_its_distance(tiny):
    # clinics stand in the centres of T01 (west) and T04 (east); squares are 1 km
    (near,) = profile(tiny, "T05").services  # T05 is just north of T01
    assert (near.name, near.distance_m, near.distance) == ("West clinic", pytest.approx(1000), "1.0 km")
    assert near.standard == "within the standard of 1 km"
    assert not near.across_border
    (near,) = profile(tiny, "T12").services  # column 4, row 3: two squares north of T04
    assert (near.name, near.distance_m) == ("East clinic", pytest.approx(2000))
    assert near.standard == "beyond the standard of 1 km"
    (near,) = profile(tiny, "T11").services  # column 3, row 3: one west and two north of T04
    assert near.distance_m == pytest.approx(1000 * math.sqrt(1 + 4))
    (near,) = profile(tiny, "T01").services
    assert (near.distance_m, near.distance) == (pytest.approx(0), "0 m")


def test_a_service_across_the_border_is_nearest_where_it_is(tiny):
    # all squares of Westshire are nearer to the west clinic; its residents are so far from it on average
    (near,) = profile(tiny, "TA").services
    assert (near.name, near.across_border) == ("West clinic", False)
    squares = [i for i in range(16) if i % 4 < 2]
    mean = sum(100 * (i + 1) * 1000 * math.hypot(i % 4, i // 4) for i in squares) / sum(100 * (i + 1) for i in squares)
    assert near.distance_m == pytest.approx(mean) and near.averaged and near.standard == "beyond the standard of 1 km"
    assert not profile(tiny, "T03").services[0].averaged
    # T03 is one square from T04 in its own authority, and two from T01
    (near,) = profile(tiny, "T03").services
    assert (near.name, near.across_border) == ("East clinic", False)
    # only the west clinic's authority differs from that of the east: seen from the west list, T15 would cross
    everyone = [profile(tiny, code).services[0] for code in tiny.region.codes("lsoa")]
    by_hand = []
    for i in range(16):
        x, y = i % 4, i // 4
        west, east = math.hypot(x, y), math.hypot(3 - x, y)
        by_hand.append(1000 * min(west, east))
    assert [line.distance_m for line in everyone] == pytest.approx(by_hand)


def test_services_follow_the_theme_and_the_choice(tiny, demo):
    assert profile(tiny, "T05", services=("nonsense",)).services == ()
    code = demo.region.codes("lsoa")[10]
    theme = next(layer.themes[0] for layer in demo.store.layers(PUBLIC, kind="services"))
    chosen = {line.layer_id for line in profile(demo, code, theme=theme).services}
    assert chosen == {layer.id for layer in demo.store.layers(PUBLIC, kind="services", theme=theme)}


def test_neighbours_share_a_side_or_a_corner(tiny):
    assert [each.code for each in profile(tiny, "T01").neighbours] == ["T02", "T05", "T06"]
    inner = [each.code for each in profile(tiny, "T06").neighbours]
    assert inner == ["T01", "T02", "T03", "T05", "T07", "T09", "T10", "T11"]
    assert {each.code for each in profile(tiny, "TW1").neighbours} == {"TW2", "TW3", "TW4"}
    assert [each.code for each in profile(tiny, "TA").neighbours] == ["TB"]


def test_neighbours_say_their_figure_of_the_chosen_indicator(tiny):
    values = {each.code: each.value for each in profile(tiny, "T01", need="crowded").neighbours}
    assert values == {"T02": "–", "T05": "5% of households", "T06": "6% of households"}
    assert {each.value for each in profile(tiny, "T01").neighbours} == {""}


def test_ranks_and_positions(tiny):
    # 1, 3, 4 ... 16 %: T16 is the worst of 15, and all 14 others are better off
    worst = lines(tiny, "T16")["crowded"]
    assert (worst.value, worst.rank, worst.position) == ("16% of households", "1 of 15 (1 is the worst)", 100.0)
    assert lines(tiny, "T01")["crowded"].position == 0.0
    assert lines(tiny, "T01")["crowded"].rank == "15 of 15 (1 is the worst)"
    # T09: rank 8; the seven below it are better off, of fourteen others
    assert lines(tiny, "T09")["crowded"].position == 50.0
    # low is worse: T16 has rank 1 of the poverty ranks
    assert lines(tiny, "T16")["poverty-rank"].position == 100.0


def test_equal_values_stand_in_the_middle_of_their_like(tiny):
    # T02 to T15 all have 10 per 1,000 and T16 has 20: of T05's 14 others none is better off, 13 are equal: 13 / 2 / 14
    line = lines(tiny, "T05")["harm"]
    assert line.position == pytest.approx(100 * 6.5 / 14, abs=0.01)
    assert line.rank == "2 of 15, shared by 14 (1 is the worst)"


def test_what_is_withheld_or_missing_has_a_word_and_no_place(tiny):
    withheld, missing = lines(tiny, "T02")["crowded"], lines(tiny, "T01")["harm"]
    assert (withheld.value, withheld.status, withheld.rank, withheld.position) == ("–", "suppressed", "", None)
    assert (missing.value, missing.status, missing.position) == ("–", "missing", None)
    assert "no figure" not in withheld.sentence.lower()


def test_intervals_and_periods_are_said(tiny):
    line = lines(tiny, "T16")["harm"]
    assert line.period == "2025"
    assert line.interval.startswith("95% interval ")
    assert line.source == "Made up for the tests"


def test_levels_without_figures_are_left_out(tiny):
    assert set(lines(tiny, "TW1")) == {"harm"}  # a rank is never summed, and a withheld area spoils a sum
    assert set(lines(tiny, "T06", theme="housing")) == {"crowded", "poverty-rank"}


def test_the_panel_says_what_the_map_says(demo):
    level = "ward"
    for layer in demo.store.layers(PUBLIC, kind="indicator", theme="alcohol"):
        if level not in layer.levels:
            continue
        chart = choropleth(demo, Selection(need=layer.id, level=level), PUBLIC)
        for i in (0, 57, 101):
            line = lines(demo, demo.region.codes(level)[i], theme="alcohol")[layer.id]
            said = reading(demo, chart, i)
            assert (line.value, line.interval, line.rank) == (said.value, said.interval, said.rank)
            assert line.rank == rank_text(chart, i)
            assert line.sentence == said.status


def test_position_is_the_share_of_the_others_that_are_better_off(demo):
    """A second, dumber calculation: compare with every other area."""
    layer = next(layer for layer in demo.store.layers(PUBLIC, kind="indicator") if layer.id == "alcohol-admissions")
    value = demo.store.values(layer.id, "ward", PUBLIC).arrays["value"]
    sign = -1 if layer.descriptor.direction == "low-is-worse" else 1
    for i in (0, 33, 150):
        others = [v for j, v in enumerate(value) if j != i and np.isfinite(v)]
        better = sum(sign * v < sign * value[i] for v in others) + sum(v == value[i] for v in others) / 2
        line = lines(demo, demo.region.codes("ward")[i])[layer.id]
        assert line.position == pytest.approx(100 * better / len(others), abs=0.01)


def test_the_larger_areas_of_an_area(tiny):
    assert other_level_codes(tiny, "T07") == {"lsoa": "T07", "ward": "TW2", "lad": "TB"}
    assert other_level_codes(tiny, "TW2") == {"ward": "TW2", "lad": "TB"}
    assert other_level_codes(tiny, "TB") == {"lad": "TB"}
    assert other_level_codes(tiny, "nowhere") == {}


def test_a_lonely_area(lonely, bare):
    area = profile(lonely, "T01")
    (line,) = area.indicators
    assert (line.value, line.rank, line.position) == ("3.5 points", "1 of 1 (1 is the worst)", None)
    (near,) = area.services
    assert (near.lad_code, near.lad_name, near.across_border) == ("", "outside the region", True)
    assert area.neighbours == ()
    empty = profile(bare, "T06")
    assert (empty.indicators, empty.services) == ((), ())
    assert len(empty.neighbours) == 8


@pytest.mark.parametrize("level", ["lsoa", "ward", "lad"])
def test_a_profile_is_json_for_every_kind_of_region(region_of_any_kind, level):
    code = region_of_any_kind.region.codes(level)[0]
    document = profile(region_of_any_kind, code).as_document("notice")
    assert json.loads(json.dumps(document, allow_nan=False))["notice"] == "notice"


def test_what_a_viewer_may_not_see_is_not_in_the_profile(serve, tiny_pack):
    from tests.dashboard.api.test_api import package

    published = serve(tiny_pack)
    published.store.publish(package("secret", "owner"), by=Viewer("ada", "icb", "admin"))
    owner = Viewer("wes", "westshire", "analyst")
    assert "secret" in {line.id for line in area_profile(published, "T06", Selection(), owner).indicators}
    assert "secret" not in lines(published, "T06")
