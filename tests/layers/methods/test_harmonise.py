"""Harmonising on paper, against a second slower calculation, and over the whole of England where the data is at hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.fields import VALUES
from layers.methods.harmonise import LEAST_SHARE, harmonise
from layers.methods.intervals import proportion_limits, rate_limits
from layers.model import Descriptor, Kind, Measure, Package, Refused
from layers.region import Region, load_region
from tests.tiny import write_tiny_pack

CODES = [f"T{i:02d}" for i in range(1, 17)]
NUMBER = np.arange(1, 17, dtype=float)

# An older vintage of the tiny region. The shares come from the people of the parts, as a region pack has them.
#   T01 to T06, T08, T14 to T16 unchanged; S1 split into T09 and T10 (900 and 700 of 1,600 people, both Westshire);
#   M1 (1,000 people) and M2 (500) merged into T11; X1 cut by the border: 3/4 to T13 (west), 1/4 to T12 (east), with all
#   of X2; T07 has no older area at all.
OLDER = pd.DataFrame(
    [(code, "U", code, 1.0) for code in CODES if code not in ("T07", "T09", "T10", "T11", "T12", "T13")]
    + [("S1", "S", "T09", 900 / 1600), ("S1", "S", "T10", 700 / 1600)]
    + [("M1", "M", "T11", 1.0), ("M2", "M", "T11", 1.0)]
    + [("X1", "X", "T13", 0.75), ("X1", "X", "T12", 0.25), ("X2", "X", "T12", 1.0)],
    columns=["code_2011", "change", "code_2021", "weight"],
)
OLDER_PEOPLE = pd.DataFrame({"code": ["M1", "M2"], "population": [1000.0, 500.0]})


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Region:
    return load_region(write_tiny_pack(tmp_path_factory.mktemp("tiny") / "pack"))


@pytest.fixture
def older(tiny) -> Region:
    return replace(tiny, lookups={"lsoa_2011_2021": OLDER, "lsoa_2011": OLDER_PEOPLE})


def layer(measure=Measure.COUNT, level="lsoa", vintage=2021, per=1.0, period="2025", title="X", **more):
    return Descriptor(
        "x",
        title,
        Kind.INDICATOR,
        ("health",),
        "icb",
        measure=measure,
        level=level,
        vintage=vintage,
        per=per,
        period=period,
        **more,
    )


def table(codes=CODES, status="ok", **columns):
    return pd.DataFrame({"area_code": codes, **columns, "status": status})


def run(region, frame, *args, **kw):
    return harmonise(Package(layer(*args, **kw), frame), region)


def at(result, level, code, period="2025"):
    frame = result.values[(level, period)]
    return frame[frame["area_code"] == code].iloc[0]


# Level by level -------------------------------------------------------------------------------------------------------


def test_counts_are_summed(tiny):
    out = run(tiny, table(value=NUMBER))
    assert out.values[("lsoa", "2025")]["status"].tolist() == ["ok"] * 16
    # TW1 is T01, T02, T05, T06: 1 + 2 + 5 + 6 = 14. TA is 1+2+5+6+9+10+13+14 = 60, TB 136 - 60 = 76.
    assert out.values[("ward", "2025")]["value"].tolist() == [14, 22, 46, 54]
    assert out.values[("lad", "2025")]["value"].tolist() == [60, 76]
    assert set(out.values[("ward", "2025")]["status"]) == {"converted"}
    assert out.reasons == {}
    assert "Sum of LSOA values." in out.notes["ward"]
    assert out.report.copied == 16 and out.report.sentences() == []


def test_every_level_has_every_area_in_area_order(tiny):
    out = run(tiny, table(value=NUMBER).iloc[::-1])
    assert list(out.values) == [("lsoa", "2025"), ("ward", "2025"), ("lad", "2025")]
    for (level, _), frame in out.values.items():
        assert tuple(frame.columns) == VALUES
        assert frame["area_code"].tolist() == tiny.areas[level]["code"].tolist()
        assert frame.index.equals(tiny.areas[level].index)
        assert (frame[["value", "numerator", "denominator", "lower", "upper"]].dtypes == "float64").all()


def test_rates_are_rebuilt_never_averaged(tiny):
    # Numerator i, denominator 100 i, but 32 in T16. T01 is missing.
    frame = table(numerator=np.where(NUMBER == 16, 32, NUMBER), denominator=100 * NUMBER)
    frame.loc[0, ["numerator", "denominator"]] = np.nan
    out = run(tiny, frame, Measure.RATE, per=1000)
    assert at(out, "lsoa", "T01")["status"] == "missing"
    assert at(out, "lsoa", "T16")["value"] == 20
    # TW1 without T01: 13 of 1,300 = 10 per 1,000. Its parts hold 1,300 of 1,400 residents, 93%.
    assert at(out, "ward", "TW1")[["value", "numerator", "denominator"]].tolist() == [10, 13, 1300]
    # TW4: 11 + 12 + 15 + 32 = 70 of 5,400 = 12.963, while the mean of its rates would be 12.5.
    assert at(out, "ward", "TW4")["value"] == pytest.approx(70 / 5.4)
    assert out.report.partial == 2  # TW1 and TA
    lower, upper = rate_limits(70, 5400, 1000)
    assert at(out, "ward", "TW4")[["lower", "upper"]].tolist() == [lower[0], upper[0]]


def test_percentages_get_wilson_limits_at_every_level(tiny):
    out = run(tiny, table(numerator=NUMBER, denominator=100.0), Measure.PERCENTAGE, per=100)
    for level, code, x, n in (("lsoa", "T05", 5, 100), ("ward", "TW1", 14, 400), ("lad", "TB", 76, 800)):
        lower, upper = proportion_limits(x, n, 100)
        assert at(out, level, code)[["value", "lower", "upper"]].tolist() == [x / n * 100, lower[0], upper[0]]


def test_published_limits_are_kept_and_never_averaged(tiny):
    frame = table(numerator=NUMBER, denominator=100.0, lower=NUMBER - 0.5, upper=NUMBER + 0.5)
    out = run(tiny, frame, Measure.PERCENTAGE, per=100)
    assert at(out, "lsoa", "T05")[["lower", "upper"]].tolist() == [4.5, 5.5]
    assert at(out, "ward", "TW1")["lower"] == proportion_limits(14, 400, 100)[0][0]
    bare = run(tiny, table(value=NUMBER, lower=NUMBER - 0.5, upper=NUMBER + 0.5), Measure.SCORE)
    assert at(bare, "lsoa", "T05")[["lower", "upper"]].tolist() == [4.5, 5.5]
    assert bare.values[("ward", "2025")][["lower", "upper"]].isna().all(axis=None)


BARE = [Measure.RATE, Measure.PERCENTAGE, Measure.MEAN]


@pytest.mark.parametrize("measure", [*BARE, Measure.SCORE])
def test_bare_values_become_population_weighted_means_where_the_layer_says_so(tiny, measure):
    said = {} if measure is Measure.SCORE else {"weighted_by": "residents"}
    out = run(tiny, table(value=NUMBER), measure, **said)
    # TW1: (1*100 + 2*200 + 5*500 + 6*600) / 1,400 = 6,600 / 1,400 = 4.714, not (1+2+5+6)/4 = 3.5.
    assert at(out, "ward", "TW1")["value"] == pytest.approx(6600 / 1400)
    assert at(out, "ward", "TW1")["status"] == "converted"
    assert "Population-weighted mean of LSOA values." in out.notes["ward"]
    assert out.values[("ward", "2025")][["lower", "upper"]].isna().all(axis=None)


@pytest.mark.parametrize("weighted_by", ["", "none", "households"])
@pytest.mark.parametrize("measure", BARE)
def test_without_counts_and_without_a_word_on_weights_nothing_is_averaged(tiny, measure, weighted_by):
    out = run(tiny, table(value=NUMBER), measure, weighted_by=weighted_by)
    for level in ("ward", "lad"):
        assert out.values[(level, "2025")]["value"].isna().all() and "without the counts" in out.reasons[level]
    assert ("households" in out.reasons["ward"]) == (weighted_by == "households")
    assert "lsoa" not in out.reasons  # where it was published it is shown


@pytest.mark.parametrize(
    "said",
    [
        {"title": "Median house price"}, {"unit": "pounds (median)"}, {"unit": "standardised mortality ratio (England = 100)"},
        {"title": "Standardized admission ratio"}, {"unit": "SMR"}, {"extra": {"commonground": {"never_averaged": True}}},
    ],
    ids=str,
)  # fmt: skip
def test_medians_and_standardised_ratios_are_never_averaged_whatever_else_is_said(tiny, said):
    for measure in (Measure.MEAN, Measure.RATE, Measure.SCORE):
        out = run(tiny, table(value=NUMBER), measure, weighted_by="residents", **said)
        assert "cannot be averaged" in out.reasons["ward"] and out.values[("lad", "2025")]["value"].isna().all()


# One estimator a map -----------------------------------------------------------------------------------------------------


def blanks(*codes):
    """Percentages of i in 100 in square i, all published; the counts are blank for some squares."""
    count = np.where(np.isin(CODES, codes), np.nan, NUMBER)
    return table(value=NUMBER, numerator=count, denominator=np.where(np.isnan(count), np.nan, 100.0))


@pytest.mark.parametrize("weighted_by", ["", "residents"])
def test_an_authority_with_one_blank_count_is_rebuilt_from_the_rest(tiny, weighted_by):
    # Without T01 (100 of TW1's 1,400 residents): TW1 is (2 + 5 + 6) / 300, TA (2+5+6+9+10+13+14) / 700. As a mean TW1 would be
    # 4.71 beside wards that are rebuilt: another kind of number on the same map.
    out = run(tiny, blanks("T01"), Measure.PERCENTAGE, per=100, weighted_by=weighted_by)
    assert at(out, "ward", "TW1")["value"] == pytest.approx(13 / 3)
    assert at(out, "lad", "TA")["value"] == pytest.approx(59 / 7) and at(out, "lad", "TB")["value"] == pytest.approx(
        76 / 8
    )
    assert at(out, "ward", "TW1")[["numerator", "denominator"]].tolist() == [13, 300]
    (note,) = [note for note in out.notes["ward"] if "ebuilt" in note]
    assert note.startswith("Rebuilt from the summed") and "The figure of 1 LSOA is left out" in note
    assert out.report.partial == 2  # one ward and one authority leave it out


def test_where_the_rest_cannot_stand_for_an_area_all_are_averaged(tiny):
    # Without T06, 600 of TW1's 1,400 residents, its other parts hold 57%, and the layer may be averaged: so all wards are. Of
    # the authority they hold 600 of 6,000 less, 90%, so authorities are rebuilt: one estimator for each map.
    out = run(tiny, blanks("T06"), Measure.PERCENTAGE, per=100, weighted_by="residents")
    people = {"TW1": 1_400, "TW2": 2_200, "TW3": 4_600, "TW4": 5_400}
    squares = {"TW1": (1, 2, 5, 6), "TW2": (3, 4, 7, 8), "TW3": (9, 10, 13, 14), "TW4": (11, 12, 15, 16)}
    for ward, mine in squares.items():
        assert at(out, "ward", ward)["value"] == pytest.approx(100 * sum(i * i for i in mine) / people[ward])
    assert out.values[("ward", "2025")][["numerator", "denominator"]].isna().all(axis=None)
    assert any(note.startswith("Population-weighted mean") and "none is rebuilt" in note for note in out.notes["ward"])
    assert at(out, "lad", "TA")["value"] == pytest.approx((60 - 6) / 7)
    assert any(note.startswith("Rebuilt") for note in out.notes["lad"])


def test_where_nothing_may_be_averaged_the_area_that_cannot_be_rebuilt_has_none(tiny):
    out = run(tiny, blanks("T06"), Measure.PERCENTAGE, per=100)
    assert np.isnan(at(out, "ward", "TW1")["value"]) and at(out, "ward", "TW2")["value"] == pytest.approx(22 / 4)
    assert "57%" in out.area_reasons[("ward", "2025")]["TW1"]


def test_a_bare_rate_is_weighted_by_its_own_denominator_where_it_has_one(tiny):
    # 10% of 1,000 children and 30% of 500: 250 of 1,500 = 16.667%, whatever the number of residents.
    frame = table(["T01", "T02", "T05", "T06"], value=[10.0, 30, 0, 0], denominator=[1000.0, 500, 0, 0])
    frame.loc[2:, "value"] = np.nan
    frame.loc[2:, "numerator"] = 0.0
    out = run(tiny, frame, Measure.PERCENTAGE, per=100)
    ward = at(out, "ward", "TW1")
    assert ward["value"] == pytest.approx(50 / 3)
    # The counts were worked out, not counted: they are neither shown nor used for limits.
    assert ward[["numerator", "lower", "upper"]].isna().all()
    assert ward["denominator"] == 1500


def test_a_mean_is_rebuilt_from_its_total_and_number(tiny):
    # TW1: 1 + 2 + 5 + 6 = 14 points over 4 people = 3.5.
    out = run(tiny, table(numerator=NUMBER, denominator=1.0), Measure.MEAN)
    assert at(out, "ward", "TW1")["value"] == 3.5
    assert at(out, "lsoa", "T05")[["lower", "upper"]].isna().all()


@pytest.mark.parametrize("measure", [Measure.RANK, Measure.DECILE, Measure.CATEGORY])
def test_ranks_are_never_averaged(tiny, measure):
    out = run(tiny, table(value=NUMBER), measure)
    assert at(out, "lsoa", "T05")[["value", "status"]].tolist() == [5, "ok"]
    for level in ("ward", "lad"):
        assert set(out.values[(level, "2025")]["status"]) == {"missing"}
        assert out.values[(level, "2025")]["value"].isna().all()
        assert str(measure) in out.reasons[level] and "averaged" in out.reasons[level]


def test_categories_may_be_words(tiny):
    out = run(tiny, table(value=["town"] * 15 + [None]), Measure.CATEGORY)
    assert out.values[("lsoa", "2025")]["value"].tolist()[:2] == ["town", "town"]
    assert at(out, "lsoa", "T16")["status"] == "missing"


def test_a_suppressed_area_keeps_the_layer_at_its_level(tiny):
    frame = table(numerator=NUMBER, denominator=100.0)
    frame.loc[1, "status"] = "suppressed"  # and the number is still there: it must not come through
    out = run(tiny, frame, Measure.PERCENTAGE, per=100)
    hidden = at(out, "lsoa", "T02")
    assert hidden["status"] == "suppressed"
    assert hidden[["value", "numerator", "denominator", "lower", "upper"]].isna().all()
    assert at(out, "lsoa", "T03")["value"] == 3
    for level in ("ward", "lad"):
        others = out.values[(level, "2025")]
        assert set(others["status"]) == {"suppressed"}
        assert others[["value", "numerator", "denominator", "lower", "upper"]].isna().all(axis=None)
        assert "withheld" in out.reasons[level] and "LSOAs only" in out.reasons[level]
    # Nor may the totals of the report give it away: they add up what is visible, 60 - 2.
    totals = out.report.totals.set_index(["lad_code", "quantity"])
    assert totals.loc[("TA", "numerator"), "before"] == 58


def test_suppression_in_one_period_leaves_the_others(tiny):
    frame = pd.concat([table(value=NUMBER, period="2023"), table(value=NUMBER, period="2024")], ignore_index=True)
    frame.loc[1, "status"] = "suppressed"
    out = run(tiny, frame)
    assert set(out.values[("lad", "2023")]["status"]) == {"suppressed"}
    assert out.values[("lad", "2024")]["value"].tolist() == [60, 76]
    assert out.reasons["lad"].startswith("2023: ")
    assert out.periods == ("2023", "2024")


def test_a_sum_with_a_hole_is_no_sum(tiny):
    frame = table(value=NUMBER)
    frame.loc[0, "status"] = "missing"
    out = run(tiny, frame)
    assert at(out, "ward", "TW1")["status"] == "missing"
    assert at(out, "lad", "TA")["status"] == "missing"
    assert at(out, "lad", "TB")["value"] == 76
    assert out.area_reasons[("ward", "2025")]["TW1"].startswith("1 of its 4 LSOAs")


def test_rates_need_four_fifths_of_the_residents(tiny):
    assert LEAST_SHARE == 0.8
    frame = table(value=NUMBER)
    frame.loc[frame["area_code"].isin(["T06", "T04"]), "value"] = np.nan
    out = run(tiny, frame, Measure.SCORE)
    # TW1 without T06: 800 of 1,400 = 57%. TW2 (T03, T04, T07, T08: 2,200) without T04: 1,800 = 82%.
    assert at(out, "ward", "TW1")["status"] == "missing"
    assert "57%" in out.area_reasons[("ward", "2025")]["TW1"]
    # (3*300 + 7*700 + 8*800) / 1,800
    assert at(out, "ward", "TW2")["value"] == pytest.approx(12200 / 1800)


def test_four_fifths_of_the_residents_exactly_are_enough(tiny):
    # TW4: T11, T12, T15 and T16 with 1,100 + 1,200 + 1,500 + 1,600 = 5,400. Changed to 200, 200, 400 and 200: 1,000.
    people = tiny.areas["lsoa"]["population"].copy()
    people[[10, 11, 14, 15]] = [200.0, 200.0, 400.0, 200.0]
    region = replace(tiny, areas=tiny.areas | {"lsoa": tiny.areas["lsoa"].assign(population=people)})
    frame = table(value=NUMBER)
    frame.loc[10, "value"] = np.nan  # 800 of 1,000 are left
    ward = at(run(region, frame, Measure.SCORE), "ward", "TW4")
    assert ward["value"] == pytest.approx((12 * 200 + 15 * 400 + 16 * 200) / 800)
    people[10] = 201.0
    region = replace(tiny, areas=tiny.areas | {"lsoa": tiny.areas["lsoa"].assign(population=people)})
    assert at(run(region, frame, Measure.SCORE), "ward", "TW4")["status"] == "missing"
    # A count is a wrong sum with any hole at all.
    assert at(run(region, frame), "ward", "TW4")["status"] == "missing"


@pytest.mark.parametrize("status", ["converted", "suppressed", "missing"])
def test_of_the_statuses_only_converted_counts_beside_ok(tiny, status):
    frame = table(value=NUMBER)
    frame.loc[frame["area_code"] == "T16", "status"] = status
    out = run(tiny, frame)
    cell = at(out, "lsoa", "T16")
    assert cell["status"] == status and (cell["value"] == 16) == (status == "converted")
    ward = at(out, "ward", "TW4")
    assert ward["status"] == status and (ward["value"] == 54) == (status == "converted")


def test_all_of_them_have_limits_and_more_than_all_have_none(tiny):
    frame = table(numerator=np.where(NUMBER == 16, 101.0, 100.0), denominator=100.0)
    out = run(tiny, frame, Measure.PERCENTAGE, per=100)
    lower, upper = proportion_limits(100, 100, 100)
    assert at(out, "lsoa", "T15")[["value", "lower", "upper"]].tolist() == [100, lower[0], upper[0]]
    assert at(out, "lsoa", "T16")["value"] == 101 and at(out, "lsoa", "T16")[["lower", "upper"]].isna().all()


def test_nobody_at_risk_is_no_rate_but_does_not_spoil_the_sum(tiny):
    frame = table(numerator=NUMBER, denominator=100.0)
    frame.loc[0, ["numerator", "denominator"]] = 0
    out = run(tiny, frame, Measure.PERCENTAGE, per=100)
    assert at(out, "lsoa", "T01")[["numerator", "status"]].tolist() == [0, "missing"]
    assert at(out, "ward", "TW1")["value"] == pytest.approx(13 / 3)
    assert out.report.partial == 0


def test_limits_without_a_value_are_not_kept(tiny):
    frame = table(numerator=0.0, denominator=0.0, lower=1.0, upper=2.0)
    out = run(tiny, frame, Measure.PERCENTAGE, per=100)
    lsoa = out.values[("lsoa", "2025")]
    assert set(lsoa["status"]) == {"missing"}
    assert lsoa[["value", "lower", "upper"]].isna().all(axis=None)


def test_a_number_that_only_looks_like_words(tiny):
    # Columns of strings that are all numbers are the reader's business, but nothing is lost when they come.
    out = run(tiny, table(value=NUMBER.astype(object)))
    assert out.values[("lad", "2025")]["value"].tolist() == [60, 76]


def test_a_true_zero_is_ok(tiny):
    out = run(tiny, table(numerator=0.0, denominator=100.0), Measure.RATE, per=1000)
    assert set(out.values[("lsoa", "2025")]["status"]) == {"ok"}
    assert (out.values[("lad", "2025")]["value"] == 0).all()


def test_published_for_wards(tiny):
    wards = ["TW1", "TW2", "TW3", "TW4"]
    out = run(tiny, table(wards, value=[1.0, 2, 3, 4]), level="ward", vintage=2024)
    assert out.values[("ward", "2025")]["status"].tolist() == ["ok"] * 4
    assert out.values[("lad", "2025")]["value"].tolist() == [4, 6]
    assert set(out.values[("lsoa", "2025")]["status"]) == {"missing"}
    assert "wards only" in out.reasons["lsoa"]
    score = run(tiny, table(wards, value=[1.0, 2, 3, 4]), Measure.SCORE, level="ward", vintage=2024)
    # TA: (1 * 1,400 + 3 * 4,600) / 6,000
    assert at(score, "lad", "TA")["value"] == pytest.approx(15200 / 6000)
    assert "Population-weighted mean of ward values." in score.notes["lad"]


def test_published_for_authorities(tiny):
    out = run(tiny, table(["TA", "TB"], value=[1.0, 2]), level="lad", vintage=2024)
    assert out.values[("lad", "2025")]["value"].tolist() == [1, 2]
    assert set(out.reasons) == {"lsoa", "ward"}


def test_wards_of_another_year_match_by_code_only(tiny):
    out = run(tiny, table(["TW1", "OLD"], value=[1.0, 2]), level="ward", vintage=2022)
    assert at(out, "ward", "TW1")["status"] == "ok"
    assert at(out, "ward", "TW2")["status"] == "missing"
    assert out.notes["ward"][0].startswith("Published for 2022 wards: 3 of the region's 4 wards of 2024")
    assert out.report.unknown == ("OLD",)


def test_a_ward_without_any_lsoa_is_missing_not_zero(tiny):
    empty = tiny.areas["ward"].iloc[[0]].assign(code="TW9", name="No small areas")
    region = replace(tiny, areas=tiny.areas | {"ward": pd.concat([tiny.areas["ward"], empty], ignore_index=True)})
    for measure in (Measure.COUNT, Measure.SCORE):
        ward = at(run(region, table(value=NUMBER), measure), "ward", "TW9")
        assert ward["status"] == "missing" and np.isnan(ward["value"])


# An older vintage -----------------------------------------------------------------------------------------------------


def old_table(**by_code):
    """Old areas with the value 100 each, and those named with their own."""
    codes = sorted(set(OLDER["code_2011"]))
    return table(codes, value=[float(by_code.get(code, 100)) for code in codes])


def test_split_320_of_1600(older):
    codes = sorted(set(OLDER["code_2011"]))
    frame = table(codes, numerator=10.0, denominator=100.0)
    frame.loc[frame["area_code"] == "S1", ["numerator", "denominator"]] = [320, 1600]
    out = run(older, frame, Measure.PERCENTAGE, per=100, vintage=2011)
    # 320 of 1,600 split 900/700: 180 of 900 and 140 of 700, both 20%.
    assert at(out, "lsoa", "T09")[["value", "numerator", "denominator"]].tolist() == pytest.approx([20, 180, 900])
    assert at(out, "lsoa", "T10")[["value", "numerator", "denominator"]].tolist() == pytest.approx([20, 140, 700])
    assert at(out, "lsoa", "T09")["status"] == "converted"
    assert at(out, "lsoa", "T09")[["lower", "upper"]].isna().all()  # divided by weights: chance is not all of the error
    assert at(out, "lsoa", "T01")[["value", "status"]].tolist() == [10, "ok"]
    counts = run(older, old_table(S1=320), vintage=2011)
    assert at(counts, "lsoa", "T09")["value"] == pytest.approx(180)
    assert at(counts, "lsoa", "T10")["value"] == pytest.approx(140)


def test_merge_10_percent_of_1000_with_30_percent_of_500(older):
    codes = sorted(set(OLDER["code_2011"]))
    frame = table(codes, numerator=10.0, denominator=100.0)
    frame.loc[frame["area_code"] == "M1", ["numerator", "denominator"]] = [100, 1000]
    frame.loc[frame["area_code"] == "M2", ["numerator", "denominator"]] = [150, 500]
    out = run(older, frame, Measure.PERCENTAGE, per=100, vintage=2011)
    merged = at(out, "lsoa", "T11")
    assert merged["value"] == pytest.approx(16.667, abs=5e-4)  # 250 of 1,500, not 20
    assert merged["status"] == "converted"
    lower, upper = proportion_limits(250, 1500, 100)  # a merger is exact, so chance is all of the error
    assert merged[["lower", "upper"]].tolist() == [lower[0], upper[0]]
    # With the rates alone, the residents of 2011 (1,000 and 500) give the same here, and it says how.
    bare = run(older, old_table(M1=10, M2=30), Measure.PERCENTAGE, per=100, vintage=2011)
    assert at(bare, "lsoa", "T11")["value"] == pytest.approx(50 / 3)
    assert any("population-weighted mean" in note for note in bare.notes["lsoa"])


def test_bare_rates_and_scores(older, tiny):
    out = run(older, old_table(S1=7, M1=10, M2=40), Measure.SCORE, vintage=2011)
    assert at(out, "lsoa", "T09")[["value", "status"]].tolist() == [7, "converted"]
    assert at(out, "lsoa", "T10")["value"] == 7
    assert at(out, "lsoa", "T11")["value"] == pytest.approx(20)  # (10 * 1,000 + 40 * 500) / 1,500
    why = out.area_reasons[("lsoa", "2025")]
    for code in ("T12", "T13"):
        assert at(out, "lsoa", code)["status"] == "missing"
        assert "irregularly" in why[code]
    # A pack without the older areas' populations cannot weight a merger, and does not guess.
    region = replace(tiny, lookups={"lsoa_2011_2021": OLDER})
    out = run(region, old_table(), Measure.SCORE, vintage=2011)
    assert at(out, "lsoa", "T11")["status"] == "missing"
    assert "population" in out.area_reasons[("lsoa", "2025")]["T11"]


def test_a_bare_rate_with_denominators_crosses_even_an_irregular_change(older):
    frame = old_table(X1=10, X2=30).assign(denominator=100.0)
    out = run(older, frame, Measure.PERCENTAGE, per=100, vintage=2011)
    # T12 has a quarter of X1 (2.5 of 25) and all of X2 (30 of 100): 32.5 of 125 = 26%.
    assert at(out, "lsoa", "T12")["value"] == pytest.approx(26)
    assert at(out, "lsoa", "T13")["value"] == pytest.approx(10)
    assert np.isnan(at(out, "lsoa", "T12")["numerator"])


def test_irregular_areas_share_out_their_counts(older):
    out = run(older, old_table(X1=40, X2=7), vintage=2011)
    assert at(out, "lsoa", "T13")["value"] == pytest.approx(30)
    assert at(out, "lsoa", "T12")["value"] == pytest.approx(17)
    totals = out.report.totals.set_index("lad_code")
    # X1 is counted with Westshire, where most of its people live; a quarter of its 40 then stands in Eastshire.
    assert totals.loc["TA", "before"] - totals.loc["TA", "after"] == pytest.approx(10)
    assert totals["before"].sum() == pytest.approx(totals["after"].sum())
    assert (out.report.copied, out.report.split, out.report.merged, out.report.complex) == (10, 2, 1, 2)
    assert "2 were split" in out.report.sentences()[0]


def test_irregular_areas_have_no_limits(older):
    """Their counts were divided by weights, so chance is not all of the error; an unchanged and a merged area keep theirs."""
    codes = sorted(set(OLDER["code_2011"]))
    frame = table(codes, numerator=10.0, denominator=100.0)
    for measure, limits in ((Measure.PERCENTAGE, proportion_limits), (Measure.RATE, rate_limits)):
        out = run(older, frame, measure, per=100, vintage=2011)
        for code in ("T12", "T13", "T09", "T10"):  # irregular and split
            cell = at(out, "lsoa", code)
            assert cell["value"] == pytest.approx(10) and cell["status"] == "converted"
            assert cell[["lower", "upper"]].isna().all(), code
        for code, x, n in (("T01", 10, 100), ("T11", 20, 200)):
            lower, upper = limits(x, n, 100)
            assert at(out, "lsoa", code)[["lower", "upper"]].tolist() == [lower[0], upper[0]]
    # Published limits belong to the areas that they were published for: an unchanged one keeps them, no other has any.
    given = run(older, frame.assign(lower=8.0, upper=13.0), Measure.PERCENTAGE, per=100, vintage=2011)
    assert at(given, "lsoa", "T01")[["lower", "upper"]].tolist() == [8, 13]
    for code in ("T12", "T13", "T09", "T10"):
        assert at(given, "lsoa", code)[["lower", "upper"]].isna().all(), code
    assert at(given, "lsoa", "T11")["lower"] == proportion_limits(20, 200, 100)[0][0]


def with_lookup(tiny, *rows):
    """The tiny region with a lookup of these rows; all areas that they do not name are unchanged."""
    named = {row[2] for row in rows}
    rows = [(code, "U", code, 1.0) for code in CODES if code not in named] + list(rows)
    lookup = pd.DataFrame(rows, columns=OLDER.columns)
    people = pd.DataFrame({"code": sorted(set(lookup["code_2011"])), "population": 100.0})
    return replace(tiny, lookups={"lsoa_2011_2021": lookup, "lsoa_2011": people}), people["code"]


@pytest.mark.parametrize(
    "rows",
    [
        # Two split areas meet in T10; a split one and an unchanged one; two unchanged ones; two of which one is a merger.
        [("S1", "S", "T09", 0.5), ("S1", "S", "T10", 0.5), ("S2", "S", "T10", 0.5), ("S2", "S", "T11", 0.5)],
        [("S1", "S", "T09", 0.5), ("S1", "S", "T10", 0.5), ("S2", "U", "T10", 1.0)],
        [("S1", "U", "T10", 1.0), ("S2", "U", "T10", 1.0)],
        [("S1", "X", "T10", 0.5), ("S1", "X", "T09", 0.5), ("S2", "M", "T10", 1.0)],
    ],
    ids=["split and split", "split and unchanged", "unchanged twice", "irregular and merged"],
)
def test_an_area_with_two_sources_is_irregular_whatever_the_lookup_calls_it(tiny, rows):
    region, codes = with_lookup(tiny, *rows)
    values = [{"S1": 10.0, "S2": 30.0}.get(code, 20.0) for code in codes]
    # A score cannot be shared out: to copy that of one of the two would be to guess.
    score = run(region, table(codes, value=values), Measure.SCORE, vintage=2011)
    cell = at(score, "lsoa", "T10")
    assert cell["status"] == "missing" and np.isnan(cell["value"])
    assert "changed irregularly" in score.area_reasons[("lsoa", "2025")]["T10"]
    irregular = {"T10"} | {row[2] for row in rows if row[1] == "X"}
    split = {row[2] for row in rows if row[1] == "S"} - irregular
    assert (score.report.complex, score.report.split, score.report.merged) == (len(irregular), len(split), 0)
    for measure in (Measure.RANK, Measure.DECILE, Measure.CATEGORY):
        assert at(run(region, table(codes, value=values), measure, vintage=2011), "lsoa", "T10")["status"] == "missing"
    # With counts it is rebuilt from its parts, without limits.
    frame = table(codes, numerator=values, denominator=100.0)
    cell = at(run(region, frame, Measure.PERCENTAGE, per=100, vintage=2011), "lsoa", "T10")
    shares = {row[0]: 1.0 if row[1] in "UM" else row[3] for row in rows if row[2] == "T10"}
    x, n = 10 * shares["S1"] + 30 * shares["S2"], 100 * (shares["S1"] + shares["S2"])
    assert cell[["value", "numerator", "denominator"]].tolist() == pytest.approx([100 * x / n, x, n])
    assert cell["status"] == "converted" and cell[["lower", "upper"]].isna().all()


def test_an_area_merged_from_a_single_source_is_no_irregular_change(tiny):
    region, codes = with_lookup(tiny, ("M1", "M", "T10", 1.0))
    out = run(region, table(codes, value=[7.0 if code == "M1" else 1.0 for code in codes]), Measure.SCORE, vintage=2011)
    assert at(out, "lsoa", "T10")[["value", "status"]].tolist() == [7, "converted"]
    assert (out.report.complex, out.report.merged) == (0, 1)


def test_a_suppressed_part_hides_an_area_though_another_part_is_missing(older):
    frame = old_table()
    frame.loc[frame["area_code"] == "M1", "status"] = "suppressed"
    out = run(older, frame[frame["area_code"] != "M2"], vintage=2011)
    assert at(out, "lsoa", "T11")["status"] == "suppressed"


@pytest.mark.parametrize("measure", [Measure.RANK, Measure.DECILE])
def test_old_ranks_stay_with_unchanged_outlines_only(older, measure):
    out = run(older, old_table(T01=3), measure, vintage=2011)
    assert at(out, "lsoa", "T01")[["value", "status"]].tolist() == [3, "converted"]
    for code in ("T09", "T10", "T11", "T12", "T13"):
        assert at(out, "lsoa", code)["status"] == "missing"
        assert f"a {measure} cannot be converted" in out.area_reasons[("lsoa", "2025")][code]
    assert "compares them with the 2011 areas" in out.notes["lsoa"][0]
    assert set(out.values[("lad", "2025")]["status"]) == {"missing"}


def test_old_categories_go_to_the_parts_but_not_to_a_merger(older):
    out = run(older, old_table(S1=4), Measure.CATEGORY, vintage=2011)
    assert at(out, "lsoa", "T09")[["value", "status"]].tolist() == [4, "converted"]
    assert at(out, "lsoa", "T11")["status"] == "missing"


def test_suppressed_older_areas_hide_every_part(older):
    for hidden, codes in (("S1", ["T09", "T10"]), ("M2", ["T11"]), ("X1", ["T12", "T13"]), ("T01", ["T01"])):
        frame = old_table()
        frame.loc[frame["area_code"] == hidden, "status"] = "suppressed"
        out = run(older, frame, vintage=2011)
        lsoa = out.values[("lsoa", "2025")].set_index("area_code")
        assert lsoa.index[lsoa["status"] == "suppressed"].tolist() == codes
        assert lsoa.loc[codes, "value"].isna().all()
        assert set(out.values[("lad", "2025")]["status"]) == {"suppressed"}


def test_a_merger_with_a_missing_part_is_missing(older):
    frame = old_table()
    out = run(older, frame[frame["area_code"] != "M2"], vintage=2011)
    assert at(out, "lsoa", "T11")["status"] == "missing"
    assert "has no value" in out.area_reasons[("lsoa", "2025")]["T11"]
    assert out.report.absent == ("M2",)
    assert at(out, "lsoa", "T07")["status"] == "missing"  # in no older area


def test_the_codes_of_the_right_vintage(older, tiny):
    # S1 is an area of this region in 2011: in a table that says 2021 it is a mistake, not an area elsewhere.
    frame = table([*CODES, "S1", "E01000001"], value=np.arange(18.0))
    out = run(older, frame)
    assert out.report.unknown == ("S1",)
    assert out.report.outside == 1
    # Without a lookup nothing is guessed, although every code would "match".
    out = run(tiny, table(value=NUMBER), vintage=2011)
    assert all(set(frame["status"]) == {"missing"} for frame in out.values.values())
    assert all("no lookup" in out.reasons[level] for level in ("lsoa", "ward", "lad"))
    assert len(out.values[("lsoa", "2025")]) == 16 and out.report.unknown == ()


def test_official_codes_of_the_region_in_another_vintage(older):
    lookup = OLDER.assign(code_2011=OLDER["code_2011"].replace({"S1": "E01033468"}))
    region = replace(older, lookups={"lsoa_2011_2021": lookup})
    out = run(region, table([*CODES, "E01033468", "E01000001"], value=np.arange(18.0)))
    assert out.report.unknown == ("E01033468",)
    assert out.report.outside == 1


# Refusals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (table(["T01", "T01"], value=[1.0, 2.0]), "T01 in 2025"),
        (table(["T01"], value=["many"]), "not numbers: many"),
        (table(["T01", "T02"], value=[np.inf, 1.0]), "1 cells of value are not numbers: inf"),
        (table(["T01"], value=[1.0], status="guessed"), "unknown status: guessed"),
        (pd.DataFrame({"code": ["T01"]}), "no column area_code"),
    ],
)
def test_bad_tables_are_refused_in_words(tiny, frame, words):
    with pytest.raises(Refused, match=words):
        run(tiny, frame)


def test_bad_layers_are_refused(tiny):
    with pytest.raises(Refused, match="measure is missing"):
        harmonise(Package(replace(layer(), measure=None), table(value=NUMBER)), tiny)
    with pytest.raises(Refused, match="only indicators"):
        harmonise(Package(replace(layer(), kind=Kind.SERVICES), table(value=NUMBER)), tiny)
    with pytest.raises(Refused, match="give one of lsoa"):
        run(tiny, table(value=NUMBER), level="msoa")


@pytest.mark.parametrize(
    ("lookup", "words"),
    [
        (OLDER.drop(columns="weight"), "columns are missing: weight"),
        (OLDER.assign(change="?"), "unknown kinds of change"),
        (pd.concat([OLDER, OLDER.tail(1)]), "more than once: X2"),
        (OLDER.assign(weight=-0.5), "not shares"),
        (OLDER.assign(weight=[*OLDER["weight"][:-2], 0.5, 1.0]), "more than 1: X1"),
    ],
)
def test_unsound_lookups_are_refused(tiny, lookup, words):
    region = replace(tiny, lookups={"lsoa_2011_2021": lookup})
    with pytest.raises(Refused, match=words):
        run(region, old_table(), vintage=2011)


def test_an_empty_table_gives_reasons(tiny):
    out = run(tiny, table(value=NUMBER).iloc[:0])
    assert all(set(frame["status"]) == {"missing"} for frame in out.values.values())
    assert "no values" in out.reasons["lsoa"]


def test_recomputed_values_are_counted(tiny):
    # An age-standardised rate with crude counts beside it: 5 of 100 is 5%, the publisher says 9.
    out = run(tiny, table(value=9.0, numerator=5.0, denominator=100.0), Measure.PERCENTAGE, per=100)
    assert out.report.recomputed == 16
    assert "age-standardised" in out.report.sentences()[0]


def test_the_input_is_left_as_it_is(older):
    frame = old_table()
    frame.loc[0, "status"] = "suppressed"
    before = frame.copy()
    run(older, frame, vintage=2011)
    pd.testing.assert_frame_equal(frame, before)


# Laws, and a second calculation ---------------------------------------------------------------------------------------


@st.composite
def vintages(draw):
    """A random older vintage of the sixteen areas: a lookup in which every change is of a kind that ONS uses."""
    codes, rows, at = list(draw(st.permutations(CODES))), [], 0
    while codes:
        kind = draw(st.sampled_from("UUSMX"))
        at += 1
        if kind == "S" and len(codes) > 1:
            parts = [codes.pop() for _ in range(draw(st.integers(2, min(4, len(codes)))))]
            shares = np.array([draw(st.integers(1, 20)) for _ in parts], float)
            rows += [(f"S{at}", "S", part, share) for part, share in zip(parts, shares / shares.sum(), strict=True)]
        elif kind == "M":
            code = codes.pop()
            rows += [(f"M{at}{letter}", "M", code, 1.0) for letter in "abc"[: draw(st.integers(2, 3))]]
        elif kind == "X" and len(codes) > 1:
            one, two = codes.pop(), codes.pop()
            share = draw(st.integers(1, 9)) / 10
            rows += [(f"X{at}a", "X", one, share), (f"X{at}a", "X", two, 1 - share), (f"X{at}b", "X", two, 1.0)]
        else:
            code = codes.pop()
            rows.append((code, "U", code, 1.0))
    return pd.DataFrame(rows, columns=["code_2011", "change", "code_2021", "weight"])


def small_region(tiny, lookup):
    old = sorted(set(lookup["code_2011"]))
    people = pd.DataFrame({"code": old, "population": [100.0 + 37 * at for at in range(len(old))]})
    return replace(tiny, lookups={"lsoa_2011_2021": lookup, "lsoa_2011": people}), old


@settings(max_examples=60)
@given(vintages(), st.data())
def test_counts_against_a_dumber_calculation(tiny, lookup, data):
    region, old = small_region(tiny, lookup)
    counts = {code: float(data.draw(st.integers(0, 500))) for code in old}
    gone = set(data.draw(st.lists(st.sampled_from(old), max_size=2)))
    frame = table(old, value=[counts[code] for code in old])
    frame.loc[frame["area_code"].isin(gone), "status"] = "missing"
    order = data.draw(st.permutations(range(len(old))))
    out = run(region, frame.iloc[list(order)], vintage=2011)
    # One area at a time, with dicts.
    new = {}
    for code in CODES:
        rows = lookup[lookup["code_2021"] == code]
        sources = list(zip(rows["code_2011"], rows["weight"], strict=True))
        new[code] = None if gone & {source for source, _ in sources} else sum(counts[s] * w for s, w in sources)
    for level, column in (("lsoa", "code"), ("ward", "ward_code"), ("lad", "lad_code")):
        areas = tiny.areas["lsoa"]
        for row in out.values[(level, "2025")].itertuples():
            parts = [new[code] for code in areas.loc[areas[column] == row.area_code, "code"]]
            if None in parts:
                assert row.status == "missing" and np.isnan(row.value)
            else:
                assert row.value == pytest.approx(sum(parts), abs=1e-9)
    if not gone:  # conservation, to 1e-9 of the total
        assert out.values[("lad", "2025")]["value"].sum() == pytest.approx(sum(counts.values()), rel=1e-9, abs=1e-9)
    # There and back: what was not merged returns as it was; a merger cannot be taken apart again.
    lsoa = out.values[("lsoa", "2025")].set_index("area_code")["value"]
    for code in old:
        rows = lookup[lookup["code_2011"] == code]
        parts = lsoa.loc[rows["code_2021"]]
        if code not in gone and set(rows["change"]) <= {"U"}:
            assert parts.sum() == counts[code]
        elif code not in gone and set(rows["change"]) <= {"S"}:
            assert parts.sum() == pytest.approx(counts[code], rel=1e-12)
    pd.testing.assert_frame_equal(
        lsoa.to_frame(),
        run(region, frame, vintage=2011).values[("lsoa", "2025")].set_index("area_code")[["value"]],
        check_exact=True,
    )


@settings(max_examples=60)
@given(vintages(), st.data())
def test_rates_and_scores_against_a_dumber_calculation(tiny, lookup, data):
    region, old = small_region(tiny, lookup)
    people = dict(zip(*(region.lookups["lsoa_2011"][name] for name in ("code", "population")), strict=True))
    x = {code: float(data.draw(st.integers(0, 50))) for code in old}
    n = {code: x[code] + data.draw(st.integers(1, 100)) for code in old}
    rates = run(
        region,
        table(old, numerator=list(x.values()), denominator=list(n.values())),
        Measure.PERCENTAGE,
        per=100,
        vintage=2011,
    )
    share = {code: 100 * x[code] / n[code] for code in old}
    bare = run(region, table(old, value=list(share.values())), Measure.SCORE, vintage=2011)
    residents = tiny.areas["lsoa"].set_index("code")["population"]
    top, bottom, score = {}, {}, {}
    for code in CODES:
        rows = lookup[lookup["code_2021"] == code]
        sources = list(zip(rows["code_2011"], rows["weight"], strict=True))
        top[code] = sum(x[s] * w for s, w in sources)
        bottom[code] = sum(n[s] * w for s, w in sources)
        if "X" in set(rows["change"]):
            score[code] = None
        else:
            score[code] = sum(share[s] * people[s] for s, _ in sources) / sum(people[s] for s, _ in sources)
        low, high = min(share[s] for s, _ in sources), max(share[s] for s, _ in sources)
        for out in (rates, bare):  # a converted value lies among the values that it was made from
            value = at(out, "lsoa", code)["value"]
            assert np.isnan(value) or low - 1e-9 <= value <= high + 1e-9
    areas = tiny.areas["lsoa"]
    for level, column in (("lsoa", "code"), ("ward", "ward_code"), ("lad", "lad_code")):
        for rate, mean in zip(
            rates.values[(level, "2025")].itertuples(), bare.values[(level, "2025")].itertuples(), strict=True
        ):
            parts = areas.loc[areas[column] == rate.area_code, "code"]
            assert rate.value == pytest.approx(100 * sum(top[c] for c in parts) / sum(bottom[c] for c in parts))
            assert np.isnan(rate.lower) or rate.lower <= rate.value <= rate.upper
            have = [code for code in parts if score[code] is not None]
            if not have or residents[have].sum() < LEAST_SHARE * residents[parts].sum():
                assert mean.status == "missing" and np.isnan(mean.value)
            else:
                expected = sum(score[c] * residents[c] for c in have) / sum(residents[c] for c in have)
                assert mean.value == pytest.approx(expected)
            assert np.isnan(mean.lower)


@settings(max_examples=40)
@given(st.data(), st.sampled_from(list(Measure)))
def test_hidden_numbers_never_come_through(tiny, data, measure):
    """Whatever is in a suppressed row's cells, no output depends on it."""
    hidden = data.draw(st.sets(st.sampled_from(range(16)), min_size=1, max_size=5))
    status = ["suppressed" if at in hidden else "ok" for at in range(16)]
    secret = np.where([at in hidden for at in range(16)], data.draw(st.integers(1, 9)), NUMBER).astype(float)
    plain = table(value=NUMBER, numerator=NUMBER, denominator=100.0, status=status)
    other = table(value=secret, numerator=secret, denominator=100.0, status=status)
    one, two = run(tiny, plain, measure, per=100), run(tiny, other, measure, per=100)
    for key in one.values:
        pd.testing.assert_frame_equal(one.values[key], two.values[key], check_exact=True)
    pd.testing.assert_frame_equal(one.report.totals, two.report.totals, check_exact=True)
    assert one.report.recomputed == two.report.recomputed


# The real thing -------------------------------------------------------------------------------------------------------

DATA = Path(__file__).parents[3] / "../shared/data"


@pytest.fixture(scope="module")
def england() -> Region:
    if not DATA.is_dir():
        pytest.skip("the real open data is not at ../shared/data")
    wards = pd.read_csv(DATA / "lookups/LSOA21_WD24_LAD24_EW_LU.csv.gz")
    wards = wards[wards["LSOA21CD"].str.startswith("E")]
    people = pd.read_parquet(DATA / "indicators/population_lsoa21.parquet")
    wards = wards.merge(people, left_on="LSOA21CD", right_on="lsoa21_code", validate="one_to_one").sort_values(
        "LSOA21CD"
    )
    lsoa = pd.DataFrame(
        {
            "code": wards["LSOA21CD"],
            "ward_code": wards["WD24CD"],
            "lad_code": wards["LAD24CD"],
            "population": wards["population"].astype(float),
        }
    ).reset_index(drop=True)
    ward = lsoa.groupby("ward_code", as_index=False).agg({"lad_code": "first", "population": "sum"})
    lad = lsoa.groupby("lad_code", as_index=False).agg({"population": "sum"})
    change = pd.read_csv(DATA / "lookups/LSOA11_LSOA21_LAD22_EW_LU.csv.gz")
    change = change.merge(lsoa[["code", "population"]], left_on="LSOA21CD", right_on="code")
    share = change["population"] / change.groupby("LSOA11CD")["population"].transform("sum")
    lookup = pd.DataFrame(
        {
            "code_2011": change["LSOA11CD"],
            "change": change["CHGIND"],
            "code_2021": change["LSOA21CD"],
            "weight": share.where(change["CHGIND"].isin(["S", "X"]), 1.0),
        }
    )
    before = pd.read_parquet(DATA / "indicators/MidYear2020_population_LSOA11.parquet")
    older = pd.DataFrame({"code": before["LSOA11CD"], "population": before["All ages"].astype(float)})
    return Region(
        id="england",
        name="England",
        path=DATA,
        areas={"lsoa": lsoa, "ward": ward.assign(code=ward["ward_code"]), "lad": lad.assign(code=lad["lad_code"])},
        vintages={"lsoa": 2021, "ward": 2024, "lad": 2024},
        lookups={"lsoa_2011_2021": lookup, "lsoa_2011": older},
    )


@pytest.mark.real
def test_england_is_conserved_from_2011_areas_to_authorities(england):
    before = pd.read_parquet(DATA / "indicators/MidYear2020_population_LSOA11.parquet")
    out = run(england, table(before["LSOA11CD"], value=before["All ages"].astype(float)), vintage=2011)
    report = out.report
    # Counts of the official lookup, England: docs/methods.md, A1.
    assert (report.copied, report.split, report.merged, report.complex) == (31_810, 1_842, 97, 6)
    assert report.unknown == report.absent == () and report.outside == 0
    total = before["All ages"].sum()
    for level in ("lsoa", "ward", "lad"):
        assert out.values[(level, "2025")]["value"].sum() == pytest.approx(total, rel=1e-9)
    # Per authority too, but for those whose border runs through an irregular area.
    lookup = england.lookups["lsoa_2011_2021"]
    border = set(
        england.areas["lsoa"].set_index("code").loc[lookup.loc[lookup["change"] == "X", "code_2021"], "lad_code"]
    )
    totals = report.totals.set_index("lad_code")
    off = (totals["before"] - totals["after"]).abs()
    assert off.drop(list(border)).max() == pytest.approx(0, abs=1e-6)
    assert len(totals) == 296
    # Middlesbrough's E01033468 was split in two, Hartlepool's E01011973 and E01011976 are one now.
    old = before.set_index("LSOA11CD")["All ages"]
    lsoa = out.values[("lsoa", "2025")].set_index("area_code")
    assert lsoa.loc[["E01035189", "E01035190"], "value"].sum() == pytest.approx(old["E01033468"])
    assert lsoa.loc["E01035188", "value"] == old["E01011973"] + old["E01011976"]
    assert lsoa.loc[["E01035188", "E01035189"], "status"].tolist() == ["converted", "converted"]


@pytest.mark.real
def test_the_irregular_pairs_are_the_six_on_authority_borders(england):
    lookup = england.lookups["lsoa_2011_2021"]
    pairs = lookup[lookup["change"] == "X"]
    assert sorted(zip(pairs["code_2011"], pairs["code_2021"], strict=True)) == [
        ("E01008187", "E01035624"),
        ("E01008187", "E01035637"),
        ("E01023508", "E01035582"),
        ("E01023508", "E01035609"),
        ("E01023679", "E01035581"),
        ("E01023768", "E01035582"),
        ("E01023964", "E01035581"),
        ("E01023964", "E01035608"),
        ("E01027506", "E01035637"),
    ]
    old = sorted(set(pairs["code_2011"]))
    out = run(england, table(old, value=100.0), vintage=2011)
    lsoa = out.values[("lsoa", "2025")]
    assert lsoa.loc[lsoa["value"] > 0, "area_code"].tolist() == sorted(set(pairs["code_2021"]))
    assert lsoa["value"].sum() == pytest.approx(600)  # six older areas of 100
    scores = run(england, table(old, value=100.0), Measure.SCORE, vintage=2011)
    assert scores.values[("lsoa", "2025")]["value"].isna().all()


@pytest.mark.real
def test_ranks_of_2019_stay_where_nothing_changed(england):
    ranks = pd.read_parquet(DATA / "indicators/IoD2019_scores_ranks_deciles_LSOA11.parquet")
    frame = table(ranks.iloc[:, 0], value=ranks.iloc[:, 1].astype(float))
    out = run(england, frame, Measure.RANK, vintage=2011)
    lsoa = out.values[("lsoa", "2025")]
    assert lsoa["status"].value_counts().to_dict() == {"converted": 31_810, "missing": 33_755 - 31_810}
    assert lsoa["value"].max() <= 32_844  # ranks among the older areas, as the note says
    assert out.values[("lad", "2025")]["value"].isna().all()


@pytest.mark.real
def test_deprived_tenth_of_each_authority_is_as_mhclg_published_it(england):
    iod = pd.read_parquet(DATA / "indicators/IoD2025_scores_ranks_deciles_LSOA21.parquet")
    worst = (iod.iloc[:, 3] == 1).astype(float)
    frame = table(iod.iloc[:, 0], numerator=worst, denominator=1.0)
    out = run(england, frame, Measure.PERCENTAGE, per=100)
    lad = out.values[("lad", "2025")].set_index("area_code")
    # MHCLG, English indices of deprivation 2025, proportion of LSOAs in the most deprived 10%, 4 decimals.
    published = {"E06000001": 0.4211, "E06000002": 0.5000, "E08000025": 0.4279, "E08000003": 0.4068}
    for code, share in published.items():
        assert lad.loc[code, "value"] / 100 == pytest.approx(share, abs=1e-4)
    # All 296, and every ward, against the plain share of LSOAs.
    areas = england.areas["lsoa"].assign(
        worst=worst.to_numpy()[pd.Index(iod.iloc[:, 0]).get_indexer(england.codes("lsoa"))]
    )
    for level in ("ward", "lad"):
        plain = areas.groupby(f"{level}_code")["worst"].mean()
        ours = out.values[(level, "2025")].set_index("area_code")["value"] / 100
        assert (ours - plain).abs().max() < 1e-12
    assert len(lad) == 296
    wards = out.values[("ward", "2025")].assign(lad=england.areas["ward"]["lad_code"])
    assert (wards.groupby("lad")["numerator"].sum() == lad["numerator"]).all()


@pytest.mark.real
def test_average_scores_come_near_mhclg_only_when_weighted_by_people(england):
    iod = pd.read_parquet(DATA / "indicators/IoD2025_scores_ranks_deciles_LSOA21.parquet")
    out = run(england, table(iod.iloc[:, 0], value=iod.iloc[:, 1]), Measure.SCORE)
    lad = out.values[("lad", "2025")].set_index("area_code")["value"]
    # MHCLG's averages use its own populations, ours the region's: near, not equal.
    published = {"E06000001": 37.580, "E06000002": 40.037, "E08000025": 38.115, "E08000003": 38.677}
    areas = england.areas["lsoa"].set_index("code").assign(score=iod.set_index(iod.columns[0]).iloc[:, 0])
    unweighted = areas.groupby("lad_code")["score"].mean()
    codes = list(published)
    weighted_off = (lad[codes] - pd.Series(published)).abs()
    assert weighted_off.max() < 0.35
    # The negative control: forgetting the people moves an authority's average by two points and more.
    assert (lad - unweighted).abs().max() > 1.5
    assert (unweighted[codes] - pd.Series(published)).abs().mean() > weighted_off.mean()


def test_a_standardised_ratio_is_never_averaged(tiny_region):
    """A6: a ward's ratio needs the ward's own expected number; the mean of its parts is something else."""
    codes = list(tiny_region.codes("lsoa"))
    package = Package(
        Descriptor(
            id="ratio",
            title="Standardised ratio",
            kind=Kind.INDICATOR,
            themes=("health",),
            partner="icb",
            measure=Measure.MEAN,
            period="2025",
            extra={"commonground": {"never_averaged": True}},
        ),
        pd.DataFrame({"area_code": codes, "value": [100.0] * len(codes), "status": "ok"}),
    )
    made = harmonise(package, tiny_region)
    assert (made.values[("lsoa", "2025")]["value"] == 100).all()
    assert made.values[("ward", "2025")]["value"].isna().all()
    assert "cannot be averaged" in made.reasons["ward"]
