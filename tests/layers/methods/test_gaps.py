"""Gaps end to end on the tiny region, whose answers can be done on paper; and once on the real North East."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from layers.methods.access import access_model
from layers.methods.bivariate import bivariate
from layers.methods.gap_request import GapRequest, IndicatorLayer, Note, ServiceLayer
from layers.methods.gaps import find_gaps
from layers.methods.metrics import poor_access
from layers.methods.options import Change, compare_options
from layers.methods.siting import SitingRequest, find_sites
from layers.methods.together import find_together
from layers.methods.underserved import near_misses, underserved
from layers.methods.wards import vanishing
from layers.model import AccessStandard, Completeness, Descriptor, Direction, Kind, Measure, Refused
from tests.tiny import SOUTH, WEST, tiny_areas

REAL = Path(__file__).parents[3] / "../shared/data"
AREAS = tiny_areas()


def indicator(
    values, name="crowded", measure=Measure.PERCENTAGE, direction=Direction.HIGH_IS_WORSE, levels=("lsoa",), per=100
):
    frame = values if isinstance(values, pd.DataFrame) else pd.DataFrame({"value": np.asarray(values, dtype="float64")})
    frame = frame.assign(status=np.where(frame["value"].notna(), "ok", "missing"))
    descriptor = Descriptor(
        name, name.title(), Kind.INDICATOR, ("alcohol",), "icb", measure=measure, direction=direction, per=per
    )
    return {name: IndicatorLayer(descriptor, dict.fromkeys(levels, frame), "2025", 1)}


def crowded(holes=(1,)):
    """i % of 100 households in area i; T02 is withheld."""
    value = np.arange(1.0, 17.0)
    value[list(holes)] = np.nan
    return indicator(pd.DataFrame({"value": value, "numerator": value, "denominator": 100.0}))


def clinics(standard=1_000.0, rows=(0, 1), completeness=Completeness.REGISTER, **more):
    table = pd.DataFrame(
        {
            "service_id": ["C1", "C2"],
            "name": ["West clinic", "East clinic"],
            "easting": [WEST + 500.0, WEST + 3_500.0],
            "northing": [SOUTH + 500.0, SOUTH + 500.0],
            "lad_code": ["TA", "TB"],
        }
    ).iloc[list(rows)]
    given = None if standard is None else AccessStandard("nearest", standard)
    said = {"access_standard": given, "completeness": completeness}
    descriptor = Descriptor("clinics", "Clinics", Kind.SERVICES, ("alcohol",), "icb", **said)
    return {"clinics": ServiceLayer(descriptor, table.assign(**more), 1)}


def ask(indicators=None, services=None, areas=None, **more):
    indicators = crowded() if indicators is None else indicators
    request = GapRequest(tuple((name, 1.0) for name in indicators), ("clinics",), **more)
    return find_gaps(request, areas or AREAS, indicators, clinics() if services is None else services)


def test_the_tiny_region_by_hand():
    result = ask()
    # 15 valid values: T14, T15 and T16 have need 100 (13 - 0.5) / 15 = 83.3, 90 and 96.7. All are beyond 1,000 m.
    assert result.areas["code"][result.areas["underserved"]].tolist() == ["T14", "T15", "T16"]
    assert result.areas["need"].iloc[15] == pytest.approx(100 * 14.5 / 15)
    (community,) = result.communities
    assert community.shared and community.population == 4_500 and community.place == "North East"
    assert result.summary["underserved_residents"] == 4_500 and result.summary["shared_communities"] == 1
    assert result.notes == (Note("need-unknown", {"areas": 1, "of": 16, "residents": 200.0}),)
    assert result.summary["areas_without_need"] == 1
    assert result.areas["community"].iloc[13] == "T14"


def test_json_is_plain_and_complete():
    document = ask(robustness=50).to_json()
    json.dumps(document, allow_nan=False)
    assert set(document) == {"parameters", "areas", "communities", "summary"}
    row = document["areas"][15]
    for name in ("code", "name", "lad_code", "population", "need", "access", "underserved", "stability"):
        assert name in row
    assert row["underserved"] is True and 0 <= row["stability"] <= 1
    assert document["areas"][1]["need"] is None  # withheld is not zero
    for name in ("id", "name", "areas", "lads", "population", "shares", "shared", "stability"):
        assert name in document["communities"][0]
    assert document["parameters"]["seed"] is not None and document["parameters"]["robustness"] == 50


def test_each_metric():
    near, count, flow = (ask(metric=metric) for metric in ("nearest", "coverage", "e2sfca"))
    assert near.areas["underserved"].tolist() == count.areas["underserved"].tolist()
    assert count.areas["access"].tolist()[:6] == [1, 1, 1, 1, 1, 0]
    # e2sfca within 1,000 m: the kernel is 0 at the edge, so 14 of 16 areas have none: all tied in the worst fifth.
    assert flow.areas["poor"].sum() == 14 and flow.access.cut == 0
    assert [each.access.limit for each in (near, count, flow)] == [1_000] * 3


def test_without_a_standard_poor_is_the_worst_fifth_by_nearest():
    result = ask(services=clinics(None), metric="coverage")
    # ceil(16 / 5) = 4 farthest: T14, T15 at 3,162 m and T13, T16 at 3,000 m.
    assert result.areas["code"][result.areas["poor"]].tolist() == ["T13", "T14", "T15", "T16"]
    assert result.parameters["metric"] == "nearest" and result.parameters["metric_asked"] == "coverage"
    assert result.access.limit is None and result.access.cut == 3_000
    assert result.notes[0] == Note("metric-needs-limit", {"metric": "coverage"})


def test_caller_beats_the_standard_and_detour_counts():
    assert ask(max_m=5_000.0).summary["underserved_areas"] == 0
    assert ask(max_m=3_100.0).summary["underserved_areas"] == 2  # T14 and T15; T16 is 3,000 m away
    assert ask(max_m=3_100.0, detour=1.2).summary["underserved_areas"] == 3


def test_no_service_at_all():
    result = ask(services=clinics(rows=()))
    assert result.areas["poor"].all() and result.areas["access"].isna().all()
    assert result.summary["underserved_areas"] == 3 and Note("no-service") in result.notes
    assert result.areas["reason"].iloc[0] == "no-service"
    assert Note("no-service") not in ask().notes
    json.dumps(result.to_json(), allow_nan=False)
    for metric in ("coverage", "e2sfca"):
        assert ask(services=clinics(rows=()), metric=metric).areas["poor"].all()
    assert ask(services=clinics(None, rows=())).areas["poor"].all()


def test_authority_without_services():
    result = ask(services=clinics(rows=(0,)))
    assert result.areas["border_penalty_m"].isna().sum() == 8
    assert Note("authorities-without", {"lad_codes": ["TB"]}) in result.notes
    alone = ask(services=clinics(rows=(0,)), alone=True)
    assert alone.areas["poor"][AREAS["lsoa"]["lad_code"] == "TB"].all()


def test_all_missing():
    result = ask(indicator([np.nan] * 16))
    assert result.summary["underserved_areas"] == 0 and result.communities == ()
    assert Note("need-unknown-everywhere") in result.notes
    assert result.summary["unknown"] == 16
    json.dumps(result.to_json(), allow_nan=False)


def test_a_region_of_one_area():
    one = {level: frame.iloc[[0]].reset_index(drop=True) for level, frame in AREAS.items()}
    result = ask(indicator([5.0]), areas=one, robustness=50)
    assert result.areas["need"].tolist() == [50.0] and result.summary["underserved_areas"] == 0
    assert Note("one-area") in result.notes


def test_forty_percent_equal_values():
    values = [0.0] * 7 + list(range(1, 10))
    result = ask(indicator(values))
    assert result.areas["need"].iloc[:7].nunique() == 1
    high = ask(indicator([1.0] * 9 + [7.0] * 7))
    # The seven highest share rank 13: 100 * 12.5 / 16 = 78.1: below 80, so nobody is called underserved.
    assert high.areas["need"].iloc[15] == pytest.approx(78.125) and high.summary["underserved_areas"] == 0


def test_footprint_lists_one_partner_and_compares_with_all():
    whole, part = ask(), ask(footprint=("TA",))
    assert len(part.to_json()["areas"]) == 8
    assert part.areas["need"].equals(whole.areas["need"])
    assert part.summary["underserved_areas"] == 1 and len(part.communities) == 1  # T14, and the community it shares


def test_near_misses():
    without = ask()
    # Need 75 or more: r >= 11.75 + 0.5, so T13 (76.7) is the only one beside the three.
    assert without.areas["code"][without.areas["near_miss"]].tolist() == ["T13"]
    drawn = ask(robustness=200)
    assert not (drawn.areas["near_miss"] & drawn.areas["underserved"]).any()
    assert (drawn.areas["stability"][drawn.areas["near_miss"]] >= 0.3).all()
    assert drawn.areas["stability_words"][15] in ("firm", "likely")


@pytest.mark.parametrize("completeness", [Completeness.SAMPLE, Completeness.UNKNOWN])
def test_a_list_that_may_lack_sites_gets_shares_and_no_words(completeness):
    """The sites that it does not list cannot be drawn."""
    known, drawn = ask(robustness=50), ask(robustness=50, services=clinics(completeness=completeness))
    assert (drawn.areas["stability"] == known.areas["stability"]).all()
    assert drawn.areas["stability_words"].isna().all() and drawn.summary["stability"] is None
    document = drawn.to_json()
    assert {area["stability_words"] for area in document["areas"]} == {None}
    assert {one["stability_words"] for one in document["communities"]} == {None}
    assert known.summary["stability"] and known.to_json()["communities"][0]["stability_words"]


def test_a_layer_that_is_not_fit_for_gaps_is_refused_with_what_it_is_fit_for():
    services = clinics()
    ((name, layer),) = services.items()
    unfit = {name: replace(layer, descriptor=replace(layer.descriptor, fit_for=("counts", "ranking")))}
    needs = {id: replace(one, descriptor=replace(one.descriptor, fit_for=())) for id, one in crowded().items()}
    with pytest.raises(Refused) as refused:
        ask(needs, unfit)
    assert [(fault.rule, fault.where) for fault in refused.value.faults] == [("unfit", "need"), ("unfit", "services")]
    assert (
        "is not fit for finding gaps" in refused.value.faults[0].what
        and "looking at only" in refused.value.faults[0].what
    )
    assert "'Clinics'" in refused.value.faults[1].what
    assert "fit for counting people and putting areas in order only" in refused.value.faults[1].what


def on_a_line(*metres):
    """Areas so many metres east of the only service, and that service."""
    frame = pd.DataFrame(
        {
            "code": [f"A{i:02d}" for i in range(len(metres))],
            "name": "",
            "ward_code": "",
            "lad_code": "L",
            "population": 100.0,
            "centroid_x": np.asarray(metres, dtype="float64"),
            "centroid_y": 0.0,
        }
    )
    return frame, pd.DataFrame({"service_id": ["S"], "easting": [0.0], "northing": [0.0], "lad_code": ["L"]})


@pytest.mark.parametrize("detour", [1.0, 1.2])
@pytest.mark.parametrize("metric", ["nearest", "coverage"])
def test_poor_begins_beyond_the_standard_and_nearly_poor_beyond_three_quarters_of_it(metric, detour):
    frame, site = on_a_line(749, 750, 751, 999, 1_000, 1_001)
    model = access_model(frame, site, detour=detour)
    access = poor_access(model, metric, 1_000 * detour)
    assert access.poor.tolist() == [False] * 5 + [True]
    score = pd.Series([90.0] * 6)
    gap = underserved(score, access.poor)
    assert gap.tolist() == access.poor.tolist()
    # 750 m exactly is not beyond three quarters of 1,000 m; what is a gap is no near-miss.
    assert near_misses(score, access, gap, None, model).tolist() == [False, False, True, True, True, False]
    # With another standard the three quarters move: 750 m is beyond 749.25.
    access = poor_access(model, metric, 999 * detour)
    gap = underserved(score, access.poor)
    assert near_misses(score, access, gap, None, model).tolist() == [False, True, True, True, False, False]


def test_exactly_at_the_standard_is_not_poor_though_the_computers_fractions_waver():
    # 31 * 1.2 comes out as 37.199999999999996, and that divided by 1.2 below 31.
    frame, site = on_a_line(31.0, 31.000001)
    for metric in ("nearest", "coverage"):
        access = poor_access(access_model(frame, site, detour=1.2), metric, 31 * 1.2)
        assert access.poor.tolist() == [False, True]


def test_nearly_high_need_is_75_and_more():
    frame, site = on_a_line(*[5_000] * 5)
    model = access_model(frame, site)
    access = poor_access(model, "nearest", 1_000.0)
    score = pd.Series([74.99, 75.0, 79.99, 80.0, np.nan])
    gap = underserved(score, access.poor)
    assert gap.tolist() == [False, False, False, True, False]
    assert near_misses(score, access, gap, None, model).tolist() == [False, True, True, False, False]


@pytest.mark.parametrize(("metric", "limit"), [("nearest", None), ("e2sfca", 1_000.0)])
def test_a_relative_rule_has_no_three_quarters(metric, limit):
    frame, site = on_a_line(100, 800, 900, 950, 2_000)
    access = poor_access(access_model(frame, site), metric, limit)
    assert access.poor.tolist() == [False] * 4 + [True]  # a fifth of five areas
    score, gap = pd.Series([76.0] * 5), pd.Series([False] * 5)
    assert near_misses(score, access, gap, None, access_model(frame, site)).tolist() == access.poor.tolist()


def test_a_near_miss_is_underserved_in_30_percent_of_the_draws_at_least():
    frame, site = on_a_line(*[500] * 5)
    access = poor_access(access_model(frame, site), "nearest", 1_000.0)
    share, gap = pd.Series([0.29, 0.3, 0.31, 0.99, np.nan]), pd.Series([False, False, False, True, False])
    assert near_misses(pd.Series([90.0] * 5), access, gap, share).tolist() == [False, True, True, False, False]


def test_exactly_three_of_ten_draws_are_a_near_miss_and_have_a_word():
    """30 of 400 areas share the highest need, 96.25, in every draw; with distance the draws in which they are poor rise."""
    frame, site = on_a_line(*np.linspace(500, 1_300, 30), *[0] * 370)
    value = pd.DataFrame({"value": [9.0] * 30 + [1.0] * 370, "status": "ok"})
    layers = indicator(value, measure=Measure.SCORE)
    layer = {"clinics": ServiceLayer(clinics()["clinics"].descriptor, site, 1)}
    request = GapRequest((("crowded", 1.0),), ("clinics",), max_m=1_000.0, robustness=10)
    apart = csr_array((400, 400))
    table = find_gaps(request, {"lsoa": frame}, layers, layer, adjacency=apart).areas
    for share, near, word in ((0.2, False, "weak"), (0.3, True, "borderline")):
        some = table[(table["stability"] == share) & ~table["underserved"]]
        assert len(some) and set(some["near_miss"]) == {near} and set(some["stability_words"]) == {word}, share


def test_another_need_threshold():
    # T15 has need 90 exactly, T16 96.7.
    for threshold, expected in ((90.0, ["T15", "T16"]), (90.01, ["T16"]), (96.7, [])):
        result = ask(need_threshold=threshold)
        assert result.areas["code"][result.areas["underserved"]].tolist() == expected
        assert result.summary["high_need_areas"] == len(expected)
        assert result.parameters["need_threshold"] == threshold


def test_converted_figures_make_gaps_too():
    # The values of the first test, none of them published for just that area.
    layer = crowded()
    frame = layer["crowded"].values["lsoa"]
    layer["crowded"].values["lsoa"] = frame.assign(status=frame["status"].replace("ok", "converted"))
    result = ask(layer, robustness=20)
    pd.testing.assert_frame_equal(result.areas, ask(robustness=20).areas)
    assert result.areas["code"][result.areas["underserved"]].tolist() == ["T14", "T15", "T16"]


def by_bus(minutes):
    """Minutes from each area of the tiny region to C1; C2 is on no journey."""
    return pd.DataFrame({"origin": AREAS["lsoa"]["code"], "destination": "C1", "minutes": minutes})


def by_table(minutes, **more):
    request = GapRequest((("crowded", 1.0),), ("clinics",), travel="bus", **more)
    score = indicator(np.arange(16.0), measure=Measure.SCORE)  # without counts: no chance in the need of the draws
    return find_gaps(request, AREAS, score, clinics(), travel=by_bus(minutes))


def test_a_travel_table_is_measured_in_minutes_and_nothing_is_lengthened():
    # T14 to T16 have need 84.4, 90.6 and 96.9; 20 minutes are within 20 minutes.
    minutes = [5.0] * 13 + [20.0, 20.1, 30.0]
    for detour in (1.0, 1.4):
        result = by_table(minutes, max_min=20.0, detour=detour)
        assert result.areas["code"][result.areas["underserved"]].tolist() == ["T15", "T16"]
        assert result.areas["access"].tolist() == minutes and result.parameters["unit"] == "minutes"
        assert result.parameters["max_min"] == 20
    # The layer's 1,000 m are 12.5 minutes on foot at 4.8 km/h, 15 at 4 km/h; max_m goes before it, max_min before both.
    for more, limit in (
        ({}, 12.5),
        ({"walking_kmh": 4.0}, 15.0),
        ({"max_m": 800.0}, 10.0),
        ({"max_m": 800.0, "max_min": 7.0}, 7.0),
    ):
        assert by_table(minutes, **more).access.limit == pytest.approx(limit)


def test_no_draw_varies_a_detour_that_a_travel_table_does_not_have():
    # Less than 20 * 0.75 minutes are never poor, more than 20 * 1.25 always. 14.9 * 1.2 would be poor in many draws.
    minutes = [5.0] * 14 + [14.9, 25.1]
    result = by_table(minutes, max_min=20.0, robustness=200)
    assert result.areas["stability"].iloc[14] == 0 and result.areas["stability"].iloc[15] == 1
    assert result.parameters["varied"]["detour"] is None
    assert result.parameters["varied"]["limit"] == (0.75, 1.25)  # the standard is still only a standard
    between = by_table([5.0] * 15 + [20.0], max_min=20.0, robustness=200).areas["stability"].iloc[15]
    assert 0.3 < between < 0.7
    # In metres the detour is varied, both ways: 1,000 m are within 1,000 m, and beyond it in half of the draws.
    assert ask(robustness=20).parameters["varied"]["detour"] == (0.85, 1.15)


def test_a_travel_table_says_nothing_of_metres():
    result = by_table([5.0] * 16, max_min=20.0)
    assert "residents_within_alone" not in result.border.authorities  # 20 minutes are not 20 metres
    assert Note("services-unreached", {"services": 1, "of": 2}) in result.notes
    # Sites are planned in metres: 20 minutes on foot at 4.8 km/h are 1,600, and max_m goes before them.
    for more, metres in (({"max_min": 20.0}, 1_600), ({"max_m": 900.0}, 900), ({"max_m": 900.0, "max_min": 20.0}, 900)):
        gaps = by_table([30.0] * 16, **more)
        plan = find_sites(SitingRequest(gaps.request), AREAS, crowded(), clinics(), gaps=gaps).plan
        assert plan.max_m == pytest.approx(metres) and plan.unit == "m"


def test_the_fair_standard_from_end_to_end():
    # 1,000 m are 12.5 minutes on foot. T16 is 3,000 m away: 37.5 minutes on foot, 3.75 by car at 48 km/h.
    def fair(share, **more):
        request = GapRequest((("crowded", 1.0),), ("clinics",), fair=True, driving_kmh=48.0, **more)
        return find_gaps(request, AREAS, crowded(), clinics(), no_car_share=pd.Series(share))

    with_car, on_foot = fair([0.0] * 16), fair([1.0] * 16)
    assert with_car.areas["access"].iloc[15] == pytest.approx(3.75)
    assert on_foot.areas["access"].iloc[15] == pytest.approx(37.5)
    assert with_car.access.limit == on_foot.access.limit == pytest.approx(12.5)
    assert with_car.summary["underserved_areas"] == 0 and on_foot.summary["underserved_areas"] == 3
    # An unknown share is the mean of the others, 0.2: 0.2 * 37.5 + 0.8 * 3.75 = 10.5, within 12.5.
    some = fair([0.2] * 15 + [np.nan])
    assert some.areas["access"].iloc[15] == pytest.approx(10.5) and not some.areas["poor"].iloc[15]
    assert some.parameters["driving_kmh"] == 48 and ask().parameters["driving_kmh"] is None
    # Wards are made of their small areas, so no shares by ward are needed: all three gaps lie in a ward that is none itself.
    assert on_foot.vanishing is not None
    # T14 and T15 lie 3,162 m away, 39.5 minutes; T16 its 37.5.
    assert fair([1.0] * 16, max_min=39.0).summary["underserved_areas"] == 2
    assert fair([1.0] * 16, max_min=40.0).summary["underserved_areas"] == 0
    assert fair([1.0] * 16, max_min=37.5).areas["poor"].tolist() == [False] * 13 + [True, True, False]


def test_of_several_standards_the_strictest_is_used():
    both = clinics(1_000.0) | {"near": clinics(800.0)["clinics"], "none": clinics(None)["clinics"]}
    request = GapRequest((("crowded", 1.0),), tuple(both))
    result = find_gaps(request, AREAS, crowded(), both)
    assert result.access.limit == 800 and result.notes[0] == Note("strictest-standard", {"max_m": 800.0})
    same = find_gaps(replace(request, services=("clinics", "none")), AREAS, crowded(), both)
    assert same.access.limit == 1_000 and not any(note.code == "strictest-standard" for note in same.notes)


def grouped(people, **more):
    request = GapRequest((("crowded", 1.0),), ("clinics",), metric="e2sfca", max_m=1_500.0, group="children", **more)
    return find_gaps(request, AREAS, crowded(), clinics(), demand=people)


def test_a_demand_group_shares_the_supply():
    everyone = AREAS["lsoa"]["population"]
    all_of_them = ask(metric="e2sfca", max_m=1_500.0).areas["access"]
    assert np.allclose(grouped(everyone / 4).areas["access"], 4 * all_of_them)
    assert grouped({"lsoa": everyone}).areas.equals(grouped(everyone).areas)
    some = grouped(everyone.where(everyone > 100))
    assert Note("demand-unknown", {"areas": 1}) in some.notes
    assert not any(note.code == "demand-unknown" for note in grouped(everyone).notes)
    with pytest.raises(Refused, match="counts nobody"):
        grouped(everyone * 0)
    with pytest.raises(Refused, match="'children' has no counts by small area"):
        grouped(None)


def test_wards_are_compared_when_asked_and_only_with_small_areas():
    layer = indicator(np.arange(16.0))
    layer["crowded"].values["ward"] = pd.DataFrame({"value": [1.0, 2.0, 3.0, 4.0], "status": "ok"})
    request = GapRequest((("crowded", 1.0),), ("clinics",))
    assert find_gaps(request, AREAS, layer, clinics()).vanishing.averaged is False
    assert find_gaps(request, AREAS, layer, clinics(), compare_wards=False).vanishing is None
    at_ward = find_gaps(GapRequest((("crowded", 1.0),), ("clinics",), level="ward"), AREAS, layer, clinics())
    assert at_ward.vanishing is None and len(at_ward.areas) == 4


def test_fair_and_a_travel_table_exclude_each_other():
    cars = pd.Series([0.5] * 16)
    request = GapRequest((("crowded", 1.0),), ("clinics",), travel="bus", fair=True)
    with pytest.raises(Refused, match="choose the table or the fair standard"):
        find_gaps(request, AREAS, crowded(), clinics(), travel=by_bus([5.0] * 16), no_car_share=cars)
    with pytest.raises(Refused, match="no travel-time table 'bus'"):
        find_gaps(request, AREAS, crowded(), clinics(), no_car_share=cars)


def test_kept_parts_give_the_same_answer():
    both = crowded() | indicator(np.arange(16.0)[::-1], "harm", Measure.SCORE)
    first = ask(both)
    request = GapRequest((("crowded", 3.0), ("harm", 1.0)), ("clinics",))
    fresh = find_gaps(request, AREAS, both, clinics())
    kept = find_gaps(
        request, AREAS, both, clinics(), model=first.model, border=first.border, percentiles=first.need.percentiles
    )
    pd.testing.assert_frame_equal(fresh.areas, kept.areas)
    doubled = find_gaps(GapRequest((("crowded", 6.0), ("harm", 2.0)), ("clinics",)), AREAS, both, clinics())
    pd.testing.assert_frame_equal(fresh.areas, doubled.areas)


def test_row_order_and_names_change_nothing():
    order = np.random.default_rng(3).permutation(16)
    areas = {**AREAS, "lsoa": AREAS["lsoa"].iloc[order].reset_index(drop=True)}
    frame = crowded()["crowded"].values["lsoa"].iloc[order].reset_index(drop=True)
    mixed = ask(indicator(frame), areas=areas).areas.set_index("code")
    plain = ask().areas.set_index("code")
    pd.testing.assert_frame_equal(mixed.sort_index().drop(columns="class"), plain.sort_index().drop(columns="class"))


def test_moving_the_border_changes_nothing_in_together():
    moved = {**AREAS, "lsoa": AREAS["lsoa"].assign(lad_code=["TA", "TB"] * 8)}
    one, two = ask().areas, ask(areas=moved).areas
    for name in ("need", "access", "underserved", "together_m"):
        pd.testing.assert_series_equal(one[name], two[name])


def test_vanishing_at_ward():
    wards = pd.DataFrame({"code": ["TW1", "TW2", "TW3", "TW4"]})
    gap = pd.Series([i in (14, 15, 16) for i in range(1, 17)])
    lost = vanishing(gap, AREAS["lsoa"], pd.Series([False, False, False, True]), wards)
    assert lost.areas == 1 and lost.residents == 1_400 and lost.wards == ("TW3",)  # T14's ward is not underserved
    layer = indicator(pd.DataFrame({"value": np.arange(16.0)}))
    layer["crowded"].values["ward"] = pd.DataFrame({"value": [1.0, 2.0, 3.0, 4.0], "status": "ok"})
    result = ask(layer)
    assert set(result.summary["vanish_at_ward"]) == {"areas", "residents", "wards", "averaged"}


# --- bivariate -------------------------------------------------------------------------------------------------------


def test_bivariate_thirds_and_nine_counts():
    need, access = pd.Series(np.arange(9.0)), pd.Series(np.arange(9.0))
    grid = bivariate(need, access)
    assert grid.counts == ((3, 0, 0), (0, 3, 0), (0, 0, 3)) and grid.need_cuts == (3.0, 6.0)
    assert bivariate(need, access, high_access_is_worse=False).counts == ((0, 0, 3), (0, 3, 0), (3, 0, 0))


def test_bivariate_never_splits_equal_values_nor_hides_the_corner():
    # 40% have no access at all: all of them are in the worst third.
    access = pd.Series([0.0] * 4 + [1, 2, 3, 4, 5, 6])
    grid = bivariate(pd.Series(np.arange(10.0)), access, high_access_is_worse=False)
    assert (grid.classes.iloc[:4] % 3 == 2).all() and (grid.classes.iloc[4:] % 3 < 2).all()
    rng = np.random.default_rng(0)
    need, access = pd.Series(rng.integers(0, 6, 200) * 1.0), pd.Series(rng.integers(0, 4, 200) * 1.0)
    need[:5] = np.nan
    grid = bivariate(need, access)
    table = pd.DataFrame({"need": need, "third": grid.classes // 3})[5:]
    assert (table.groupby("need")["third"].nunique() == 1).all()
    assert grid.unknown == 5 and sum(map(sum, grid.counts)) == 195 and (grid.classes[:5] == -1).all()


def test_bivariate_all_missing():
    grid = bivariate(pd.Series([np.nan, np.nan]), pd.Series([1.0, 2.0]))
    assert grid.unknown == 2 and grid.counts == ((0, 0, 0),) * 3


def test_underserved_needs_both():
    score, poor = pd.Series([80.0, 79.99, 90.0, np.nan]), pd.Series([True, True, False, True])
    assert underserved(score, poor).tolist() == [True, False, False, False]


def test_unknown_metric():
    model = access_model(AREAS["lsoa"], clinics()["clinics"].table)
    with pytest.raises(Refused, match="nearest, coverage or e2sfca"):
        poor_access(model, "gravity", 5.0)


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (GapRequest((), ("clinics",)), "no indicator was chosen"),
        (GapRequest((("gone", 1.0),), ("clinics",)), "no indicator 'gone'"),
        (GapRequest((("crowded", 1.0),), ()), "no services were chosen"),
        (GapRequest((("crowded", 1.0),), ("gone",)), "no service layer 'gone'"),
        (GapRequest((("crowded", 0.0),), ("clinics",)), "all weights are 0"),
        (GapRequest((("crowded", -1.0),), ("clinics",)), "weight of 'crowded' is -1"),
        (GapRequest((("crowded", 1.0), ("crowded", 1.0)), ("clinics",)), "named twice"),
        (GapRequest((("crowded", 1.0),), ("clinics",), max_m=0), "max_m is 0"),
        (GapRequest((("crowded", 1.0),), ("clinics",), level="oa"), "unknown level 'oa'"),
        (GapRequest((("crowded", 1.0),), ("clinics",), level="ward"), "no values by ward"),
        (GapRequest((("crowded", 1.0),), ("clinics",), metric="gravity"), "unknown metric"),
        (GapRequest((("crowded", 1.0),), ("clinics",), robustness=-1), "-1 draws"),
        (GapRequest((("crowded", 1.0),), ("clinics",), robustness=20_000), "20000 draws"),
        (GapRequest((("crowded", 1.0),), ("clinics",), fair=True), "without a car"),
        (GapRequest((("crowded", 1.0),), ("clinics",), footprint=("ZZ",)), "none of the authorities"),
        (GapRequest((("crowded", 1.0),), ("clinics",), detour=0.5), "no way is shorter"),
    ],
)
def test_bad_requests(request_, said):
    with pytest.raises(Refused, match=said):
        find_gaps(request_, AREAS, crowded(), clinics())


def test_rank_and_neutral_are_refused():
    with pytest.raises(Refused, match="is a rank"):
        ask(indicator(np.arange(16.0), measure=Measure.RANK))
    with pytest.raises(Refused, match="no worse end"):
        ask(indicator(np.arange(16.0), direction=Direction.NEUTRAL))


# --- wards and authorities -------------------------------------------------------------------------------------------


def at(level, standard=1_000.0, values=None, services=None, **more):
    """The tiny region asked by ward or authority; need as given, 1, 2, ... where not."""
    values = np.arange(1.0, 1 + len(AREAS[level])) if values is None else values
    layer = indicator(np.arange(16.0))
    layer["crowded"].values[level] = pd.DataFrame({"value": values, "status": "ok"})
    request = GapRequest((("crowded", 1.0),), ("clinics",), level=level, **more)
    return find_gaps(request, AREAS, layer, clinics(standard) if services is None else services)


NEAREST = [
    np.hypot(min(x, 3 - x), y) * 1_000.0 for y in range(4) for x in range(4)
]  # clinics in the centres of T01 and T04


NEAREST_WEST = [np.hypot(x, y) * 1_000.0 for y in range(4) for x in range(4)]  # the clinic of T01 alone


def weighted(values, members):
    """Mean of some squares, T01 having 100 residents, T02 200 and so on."""
    people = [100.0 * i for i in members]
    return sum(p * values[i - 1] for p, i in zip(people, members, strict=True)) / sum(people)


WARDS = {"TW1": (1, 2, 5, 6), "TW2": (3, 4, 7, 8), "TW3": (9, 10, 13, 14), "TW4": (11, 12, 15, 16)}
LADS = {"TA": WARDS["TW1"] + WARDS["TW3"], "TB": WARDS["TW2"] + WARDS["TW4"]}


@pytest.mark.parametrize(("level", "members"), [("ward", WARDS), ("lad", LADS)])
def test_a_ward_has_the_mean_of_its_residents_and_never_a_point_of_its_own(level, members):
    found = at(level, detour=1.2)
    assert found.areas["access"].tolist() == pytest.approx([1.2 * weighted(NEAREST, m) for m in members.values()])
    # TW1: T01 at 0 m, T02 and T05 at 1,000 m, T06 at 1,414 m: (200 + 500 + 600 * 1.4142) / 1,400 of 1,000 m.
    if level == "ward":
        assert found.areas["access"].iloc[0] == pytest.approx(1.2 * 1_106.09, abs=0.01)
    # What nobody measured from cannot matter: points of wards in the sea change nothing.
    adrift = AREAS | {level: AREAS[level].assign(centroid_x=0.0, centroid_y=0.0)}
    layer = indicator(np.arange(16.0))
    layer["crowded"].values[level] = pd.DataFrame({"value": np.arange(1.0, 1 + len(members)), "status": "ok"})
    again = find_gaps(found.request, adrift, layer, clinics())
    pd.testing.assert_frame_equal(again.areas, found.areas)


def test_a_ward_is_poorly_served_by_its_mean_and_by_coverage_when_more_than_half_have_none():
    # Within 1,000 m of a clinic are T01 to T05 and T08. TW1 has 1,400 residents, 600 of them (T06) beyond: 0.43 is not more
    # than half, though its mean of 1,106 m is beyond the standard. TW2 has 2,200: T03, T04, T08 within, T07 beyond: 0.32.
    near, count = at("ward"), at("ward", metric="coverage")
    assert near.areas["poor"].tolist() == [True, False, True, True]
    assert near.areas["access"].iloc[1] == pytest.approx((300 * 1_000 + 800 * 1_000 + 700 * 1_414.21) / 2_200, abs=0.01)
    assert count.areas["poor"].tolist() == [False, False, True, True]
    assert count.areas["access"].tolist() == pytest.approx([8 / 14, 15 / 22, 0, 0])
    for found in (near, count):
        assert found.areas["share_beyond"].tolist() == pytest.approx([6 / 14, 7 / 22, 1, 1])
    # Half of the residents exactly is not more than half: 1,000 of 2,000.
    half = AREAS | {"lsoa": AREAS["lsoa"].assign(population=[*[1_000.0] * 16])}
    layer = indicator(np.arange(16.0))
    layer["crowded"].values["ward"] = pd.DataFrame({"value": [1.0, 2, 3, 4], "status": "ok"})
    for far, poor in ((999.0, True), (1_000.0, False)):  # T01 alone, or T01, T02 and T05 within
        request = GapRequest((("crowded", 1.0),), ("clinics",), level="ward", metric="coverage", max_m=far)
        assert find_gaps(request, half, layer, clinics()).areas["poor"].iloc[0] == poor
    two = half["lsoa"]["population"].where(~half["lsoa"]["code"].isin(["T02"]), 3_000.0)  # T01 and T02: 4,000 of 6,000
    moved = clinics(rows=(0,))
    request = GapRequest((("crowded", 1.0),), ("clinics",), level="ward", metric="coverage", max_m=500.0)
    found = find_gaps(request, half | {"lsoa": half["lsoa"].assign(population=two)}, layer, moved)
    assert found.areas["share_beyond"].iloc[0] == pytest.approx(5 / 6) and found.areas["poor"].iloc[0]
    three = half["lsoa"]["population"].where(
        half["lsoa"]["code"] != "T01", 3_000.0
    )  # T01 has as many as the other three
    found = find_gaps(request, half | {"lsoa": half["lsoa"].assign(population=three)}, layer, moved)
    assert found.areas["share_beyond"].iloc[0] == 0.5 and not found.areas["poor"].iloc[0]


def test_capacity_of_a_ward_is_the_mean_of_its_small_areas():
    small = at("lsoa", values=np.arange(16.0), metric="e2sfca", max_m=1_500.0).areas["access"]
    found = at("ward", metric="e2sfca", max_m=1_500.0)
    assert found.areas["access"].tolist() == pytest.approx([weighted(small, m) for m in WARDS.values()])
    # All capacity is given out, whatever the level: residents times access adds up to two clinics.
    assert (found.areas["access"] * found.areas["population"]).sum() / 1_000 == pytest.approx(2.0)
    # ceil(4 / 5) = 1 ward; TW3 and TW4 have nothing at all and are equal, so both are in it.
    assert found.areas["poor"].tolist() == [False, False, True, True] and found.access.cut == 0


def test_without_a_standard_wards_have_no_share_beyond_and_small_areas_never_do():
    assert at("ward", standard=None).areas["share_beyond"].isna().all()
    assert at("lsoa", values=np.arange(16.0)).areas["share_beyond"].isna().all()
    nobody = at("ward", services=clinics(rows=()))
    assert (
        nobody.areas["share_beyond"].eq(1).all() and nobody.areas["poor"].all() and nobody.areas["access"].isna().all()
    )


def test_a_table_of_minutes_leads_from_small_areas_to_every_level():
    layer = indicator(np.arange(16.0))
    layer["crowded"].values["ward"] = pd.DataFrame({"value": [1.0, 2, 3, 4], "status": "ok"})
    minutes = np.arange(16.0)
    request = GapRequest((("crowded", 1.0),), ("clinics",), level="ward", max_min=10.0, travel="bus")
    found = find_gaps(request, AREAS, layer, clinics(), travel=by_bus(minutes))
    assert found.areas["access"].tolist() == pytest.approx([weighted(minutes, m) for m in WARDS.values()])
    # A planner that finds no way from T16 (1,600 of TW4's 5,400 residents): the mean is of the others, and says so.
    lost = by_bus(minutes)
    lost = lost.assign(minutes=lost["minutes"].where(lost["origin"] != "T16"))
    found = find_gaps(request, AREAS, layer, clinics(), travel=lost)
    assert found.areas["access"].iloc[3] == pytest.approx((1_100 * 10 + 1_200 * 11 + 1_500 * 14) / 3_800)
    assert Note("residents-left-out", {"areas": 1}) in found.notes
    # From more than half of the residents no way: the ward has no figure, and its access is poor.
    none = lost.assign(minutes=lost["minutes"].where(~lost["origin"].isin(["T15", "T16"])))
    found = find_gaps(request, AREAS, layer, clinics(), travel=none)
    assert np.isnan(found.areas["access"].iloc[3]) and found.areas["poor"].iloc[3]


def test_alone_and_together_of_a_ward_is_that_of_its_small_areas():
    services = clinics(rows=(0,))  # one clinic, in T01 and so of TA: TB has none of its own
    found = at("ward", services=services).areas
    assert found["together_m"].iloc[0] == pytest.approx(weighted(NEAREST_WEST, WARDS["TW1"]))
    assert found["alone_m"].iloc[0] == found["together_m"].iloc[0] and found["border_penalty_m"].iloc[0] == 0
    assert np.isnan(found["alone_m"].iloc[1]) and found["reason"].iloc[1] == "no-own-service"
    assert found["nearest_service"].tolist() == ["West clinic"] * 4
    # Clinics in T02 and T04. T03 (TB) lies between them and means its own; T01 and T05, T06 are nearer to the west.
    table = services["clinics"].table
    both = pd.concat(
        [table.assign(easting=WEST + 1_500.0), table.assign(service_id="C9", easting=WEST + 9_500.0, lad_code="TB")]
    )
    moved = {"clinics": replace(services["clinics"], table=both)}
    small, wards = (at(level, values=v, services=moved) for level, v in (("lsoa", np.arange(16.0)), ("ward", None)))
    by_ward = small.areas["residents_nearer_elsewhere"].groupby(AREAS["lsoa"]["ward_code"]).sum()
    assert wards.areas["residents_nearer_elsewhere"].tolist() == by_ward.tolist()
    assert wards.summary["residents_nearer_elsewhere"] == small.summary["residents_nearer_elsewhere"] == 7_600
    assert [row["residents_nearer_elsewhere"] for row in wards.summary["by_authority"]] == [0, 7_600]
    assert wards.areas["nearer_elsewhere"].tolist() == [False, True, False, True]
    penalty = wards.areas["alone_m"] - wards.areas["together_m"]
    assert np.allclose(wards.areas["border_penalty_m"], penalty)
    both = {level: find_together(moved, AREAS, level=level, max_m=1_000.0).summary for level in AREAS}
    assert (
        both["ward"]["flows"]
        == both["lsoa"]["flows"]
        == [{"lad_code": "TB", "nearest_lad": "TA", "residents": 7_600.0, "crossings": []}]
    )


def test_sites_for_wards_are_planned_for_their_small_areas():
    gaps = at("ward")
    assert gaps.areas["underserved"].tolist() == [False, False, False, True]  # need 87.5, and 3 km away
    plan = find_sites(SitingRequest(gaps.request), AREAS, {}, clinics(), gaps=gaps).plan
    assert plan.demand == 1_100 + 1_200 + 1_500 + 1_600
    # A site in the square of T16, T15 or T12 reaches itself and its two neighbours of the ward: 16 + 15 + 12 are most.
    assert [site.code for site in plan.sites] == ["T16"] and plan.value == 4_300
    everyone = find_sites(SitingRequest(gaps.request, demand="all"), AREAS, {}, clinics(), gaps=gaps).plan
    assert everyone.demand == 13_600


def test_options_at_ward_level_are_judged_by_the_mean():
    # TW4 has 5,400 residents and need 87.5. A site in T16: 0, 1,000 (T12, T15) and 1,414 m (T11): a mean of 788 m.
    need = pd.Series([12.5, 37.5, 62.5, 87.5])
    change = Change("open", "n", WEST + 3_500.0, SOUTH + 3_500.0, lad_code="TB")
    table = clinics()["clinics"].table
    found = compare_options(AREAS, table, need, {"a": [change]}, max_m=1_000.0, level="ward")["a"]
    assert found.residents_relieved == 5_400 and found.residents_underserved == 0
    assert found.areas["access_after"].iloc[3] == pytest.approx(
        (1_200 * 1_000 + 1_500 * 1_000 + 1_100 * 1_414.21) / 5_400, abs=0.01
    )
    assert found.residents_within == 2_300 + 4_300  # by small area: T01 to T05 and T08; T12, T15, T16


# --- together and sites ----------------------------------------------------------------------------------------------


def test_together_by_hand():
    result = find_together(clinics(rows=(0,)), AREAS)
    assert result.summary["residents_nearer_elsewhere"] == 7_600 and result.summary["residents"] == 13_600
    assert result.summary["flows"] == [{"lad_code": "TB", "nearest_lad": "TA", "residents": 7_600.0, "crossings": []}]
    document = result.to_json()
    json.dumps(document, allow_nan=False)
    assert {"alone_m", "together_m", "border_penalty_m"} <= set(document["areas"][0])
    assert document["authorities"][1]["name"] == "Eastshire"
    with pytest.raises(Refused):
        find_together({}, AREAS, level="oa", max_m=-1)


@pytest.mark.parametrize(("max_m", "misjudged"), [(999.9, 0), (1_000.0, 1), (3_162.27, 1), (3_162.28, 0)])
def test_misjudged_is_what_is_within_together_and_beyond_alone(max_m, misjudged):
    # T02 is 1,000 m from the clinic in T03 and 3,162.2777 m from its own, in T13.
    moved = clinics(easting=[WEST + 500.0, WEST + 2_500.0], northing=[SOUTH + 3_500.0, SOUTH + 500.0])
    part = {
        level: frame.iloc[[1, 2]].reset_index(drop=True) if level == "lsoa" else frame for level, frame in AREAS.items()
    }
    result = find_together(moved, part, max_m=max_m, score=pd.Series([80.0, 80.0]))
    assert result.summary["areas_misjudged"] == misjudged and result.summary["gaps_only_alone"] == misjudged
    below = find_together(moved, part, max_m=max_m, score=pd.Series([79.9, 79.9]))
    assert below.summary["areas_misjudged"] == misjudged and below.summary["gaps_only_alone"] == 0
    assert result.parameters["max_m"] == max_m  # not the layer's own 1,000


def test_together_lists_one_partner_only():
    # C1 stands in TA, so all of TB (7,600) and nobody of TA (6,000) is nearer to another authority's service.
    west, east = (find_together(clinics(rows=(0,)), AREAS, footprint=(lad,)) for lad in ("TA", "TB"))
    assert (west.summary["residents"], west.summary["residents_nearer_elsewhere"]) == (6_000, 0)
    assert (east.summary["residents"], east.summary["residents_nearer_elsewhere"]) == (7_600, 7_600)
    assert west.summary["residents_without_own_service"] == 0 and east.summary["residents_without_own_service"] == 7_600
    assert west.authorities["lad_code"].tolist() == ["TA"] and len(west.areas) == 8 and west.summary["flows"] == []


def test_sites_for_all_residents_and_for_one_partner():
    request = GapRequest((("crowded", 1.0),), ("clinics",))
    everyone = find_sites(SitingRequest(request, demand="all"), AREAS, crowded(), clinics())
    # Within 1,000 m of T15: T11 (1,100), T14, T15, T16; of T14: T10, T13, T14, T15; of T12: T08 is served, T11, T12, T16.
    assert [site.code for site in everyone.plan.sites] == ["T15"] and everyone.plan.value == 5_600
    # All but T01 to T05 and T08: 13,600 - 100 - 200 - 300 - 400 - 500 - 800 are beyond 1,000 m.
    assert everyone.plan.demand == 13_600 and everyone.plan.demand_within_before == 2_300
    assert (everyone.plan.value, everyone.plan.demand) == (5_600, 13_600)
    west = find_sites(SitingRequest(replace(request, footprint=("TA",))), AREAS, crowded(), clinics())
    assert west.plan.demand == 1_400 and west.plan.value == 1_400  # T14
    nobody = find_sites(SitingRequest(replace(request, max_m=5_000.0)), AREAS, crowded(), clinics())
    assert nobody.plan.demand == 0 and Note("no-demand") in nobody.plan.notes


def test_together_takes_the_strictest_standard_and_refuses_what_is_none():
    assert find_together(clinics(800.0), AREAS).parameters["max_m"] == 800
    assert find_together(clinics(None), AREAS).parameters["max_m"] is None
    assert "areas_misjudged" not in find_together(clinics(None), AREAS).summary
    for bad in (0, -1, np.nan, np.inf):
        with pytest.raises(Refused, match="max_m"):
            find_together(clinics(), AREAS, max_m=bad)
    assert find_together(clinics(), AREAS, detour=1.2).parameters["detour"] == 1.2


def test_misjudged_when_looking_alone():
    # C2 stands in T03 now: T02 (TA, 200 people) is 1,000 m from it, and far from its own clinic in the north of TA.
    moved = clinics(easting=[WEST + 500.0, WEST + 2_500.0], northing=[SOUTH + 3_500.0, SOUTH + 500.0])
    result = find_together(moved, AREAS, score=pd.Series([90.0] * 16))
    assert result.summary["areas_misjudged"] == 1 and result.summary["residents_misjudged"] == 200
    assert result.summary["gaps_only_alone"] == 1


def test_sites_for_the_tiny_gaps():
    request = SitingRequest(GapRequest((("crowded", 1.0),), ("clinics",)), new=1)
    result = find_sites(request, AREAS, crowded(), clinics())
    # T15 reaches T14 (1,400), itself (1,500) and T16 (1,600), all within 1,000 m.
    assert [site.code for site in result.plan.sites] == ["T15"] and result.plan.value == 4_500
    assert (result.plan.value, result.plan.demand, result.plan.max_m) == (4_500, 4_500, 1_000)
    json.dumps(result.to_json(), allow_nan=False)
    # Alone, TB gets T15 or T16 with 3,100 of its own; the site at T15 or T16 decides whether T14 gains too.
    assert result.plan.alone.counted == 3_100
    everyone = find_sites(
        SitingRequest(request.gaps, new=1, demand="all", objective="p-median"), AREAS, crowded(), clinics()
    )
    assert everyone.plan.proven and everyone.plan.mean_after < everyone.plan.mean_before
    with pytest.raises(Refused, match="unknown demand"):
        find_sites(SitingRequest(request.gaps, demand="some"), AREAS, crowded(), clinics())
    with pytest.raises(Refused, match="give max_m"):
        find_sites(request, AREAS, crowded(), clinics(None))


# --- the real North East ---------------------------------------------------------------------------------------------

NORTH_EAST = ("E08000021", "E08000037", "E08000022", "E08000023", "E08000024", "E06000057", "E06000047")


@pytest.mark.real
def test_real_north_east_crosses_borders():
    gpd = pytest.importorskip("geopandas")
    if not REAL.exists():
        pytest.skip("the real open data is not at ../shared/data")
    people = pd.read_parquet(REAL / "indicators/population_lsoa21.parquet")
    people = people[people["lad_code"].isin(NORTH_EAST)]
    shapes = gpd.read_parquet(REAL / "boundaries/LSOA_2021_EW.parquet")
    frame = (
        shapes.merge(people, left_on="LSOA21CD", right_on="lsoa21_code").sort_values("LSOA21CD").reset_index(drop=True)
    )
    point = frame.to_crs("EPSG:27700").representative_point()
    frame = frame.assign(
        code=frame["LSOA21CD"], name=frame["LSOA21NM"], ward_code="", centroid_x=point.x, centroid_y=point.y
    )
    assert len(frame) == 1_257
    sites = pd.read_csv(REAL / "services/specialist_services.csv").rename(columns={"org_code": "service_id"})
    sites = sites[sites["category"] == "drug_alcohol"].assign(lad_code=lambda f: f["lad_code"].fillna(""))
    services = {"da": ServiceLayer(Descriptor("da", "Drug and alcohol", Kind.SERVICES, (), "x"), sites)}
    result = find_together(services, {"lsoa": frame}, max_m=5_000)
    assert 300_000 < result.summary["residents_nearer_elsewhere"] < 700_000
    assert (result.areas["border_penalty_m"].dropna() >= 0).all() and result.areas["border_penalty_m"].notna().all()
