"""Gaps end to end on the tiny region, whose answers can be done on paper; and once on the real North East."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from layers.methods.access import access_model
from layers.methods.bivariate import bivariate
from layers.methods.gap_request import GapRequest, IndicatorLayer, Note, ServiceLayer
from layers.methods.gaps import find_gaps
from layers.methods.metrics import poor_access
from layers.methods.siting import SitingRequest, find_sites
from layers.methods.together import find_together
from layers.methods.underserved import underserved
from layers.methods.wards import vanishing
from layers.model import AccessStandard, Descriptor, Direction, Kind, Measure, Refused
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


def clinics(standard=1_000.0, rows=(0, 1), **more):
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
    descriptor = Descriptor("clinics", "Clinics", Kind.SERVICES, ("alcohol",), "icb", access_standard=given)
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
    assert community.shared and community.population == 4_500 and community.name == "North East and North West"
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


# --- together and sites ----------------------------------------------------------------------------------------------


def test_together_by_hand():
    result = find_together(clinics(rows=(0,)), AREAS)
    assert result.summary["residents_nearer_elsewhere"] == 7_600 and result.summary["residents"] == 13_600
    assert result.summary["flows"] == [{"lad_code": "TB", "nearest_lad": "TA", "residents": 7_600.0}]
    document = result.to_json()
    json.dumps(document, allow_nan=False)
    assert {"alone_m", "together_m", "border_penalty_m"} <= set(document["areas"][0])
    assert document["authorities"][1]["name"] == "Eastshire"
    with pytest.raises(Refused):
        find_together({}, AREAS, level="oa", max_m=-1)


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
