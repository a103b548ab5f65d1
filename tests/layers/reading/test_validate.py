"""Reports on uploads: what is guessed, what stops a file, what only informs, and what is kept out with its reason."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.geography.coordinates import to_degrees
from layers.model import Descriptor, Kind, Measure
from layers.reading.checks import check_values, compare_with_before
from layers.reading.package import read_package, write_package
from layers.reading.validate import inspect_upload
from layers.region import load_region
from tests.tiny import SOUTH, WEST, write_tiny_pack

SAID = {"name": "x", "title": "X", "theme": "health", "partner": "icb", "measure": "rate", "period": "2025"}
SITES = {"kind": "services", "name": "x", "title": "X", "theme": "health", "partner": "icb"}
CODES = [f"T{i:02d}" for i in range(1, 17)]


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    return load_region(write_tiny_pack(tmp_path_factory.mktemp("tiny") / "pack"))


@pytest.fixture
def look(tmp_path, region):
    def inspect(text, name="up.csv", said=SAID, **more):
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return inspect_upload(file, region, hints={**said, **more})

    return inspect


def table(values, header="area_code,value", codes=CODES) -> str:
    return header + "\n" + "\n".join(f"{code},{value}" for code, value in zip(codes, values, strict=False)) + "\n"


def rules(report, severity="error") -> list[str]:
    return [fault.rule for fault in report.faults if fault.severity == severity]


# ---------------------------------------------------------------- from bare file to package


def test_a_bare_csv_becomes_a_package(look, tmp_path):
    report = look(table(range(16), "LSOA code,Rate per 1000"))
    assert report.ok and rules(report) == [] and report.counts["areas"] == 16
    assert {guess.role: guess.header for guess in report.guesses} == {
        "area_code": "LSOA code",
        "value": "Rate per 1000",
    }
    assert all(guess.reason for guess in report.guesses)
    again = read_package(write_package(report.package, tmp_path / "out"))
    pd.testing.assert_frame_equal(again.table, report.package.table)
    assert again.descriptor == report.package.descriptor
    assert list(report.coverage["share"]) == [1.0, 1.0] and len(report.sha256) == 64


def test_what_is_still_missing_is_said_without_hiding_the_table(look):
    report = look(table(range(16)), said={})
    assert not report.ok and report.package is None
    assert {fault.column for fault in report.errors} == {
        "name",
        "title",
        "commonground.theme",
        "commonground.partner",
        "commonground.measure",
    }
    assert report.counts["areas"] == 16 and len(report.sample) == 16


def test_hints_win_over_the_file_and_a_wrong_one_is_told(look):
    text = "code,a,b\n" + "\n".join(f"{code},{i},{2 * i}" for i, code in enumerate(CODES))
    assert look(text, columns={"value": "b"}).package.table["value"].tolist() == [2.0 * i for i in range(16)]
    report = look(text, columns={"value": "c"})
    assert "column-missing" in rules(report) and not report.ok
    assert (
        look(text, columns={"numerator": "a", "denominator": "b", "value": ""}, measure="percentage").package
        is not None
    )


def test_a_package_in_a_zip_needs_no_hints(look, tmp_path, region):
    folder = Path(region.path) / "layers/harm"
    file = tmp_path / "harm.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for one in folder.iterdir():
            archive.write(one, one.name)
    report = inspect_upload(file, region)
    assert report.ok and report.package.descriptor.id == "harm"
    pd.testing.assert_frame_equal(report.package.table, read_package(folder).table)


def test_the_report_is_json_and_a_sentence(look):
    report = look(table(["x", *range(15)]) + "T99,3\n")
    text = json.dumps(report.to_json(), allow_nan=False)
    assert "T99" in text and report.sentence.startswith("16 rows can be published, 1 rows are kept out")


def test_a_refused_file_is_a_report_too(look):
    report = look(b"PAR1xxxx")
    assert not report.ok and report.errors and report.kind is None and report.to_json()["ok"] is False


# ---------------------------------------------------------------- rows that are kept out


def test_rejected_rows_come_back_with_their_reason(look, tmp_path):
    report = look(table(range(16)) + "E01000001,5\n,7\n=cmd(),1\n")
    assert report.ok and report.counts["kept out"] == 3
    assert report.rejected[["row", "reason"]].to_numpy().tolist() == [
        [18, "a code outside the region"],
        [19, "no area code"],
        [20, "an unknown code"],
    ]
    (tmp_path / "r.csv").write_bytes(report.rejected_csv())
    assert pd.read_csv(tmp_path / "r.csv")["area_code"].tolist()[-1] == "'=cmd()"


def test_26_duplicates(look):
    same = look(table(range(16)) + "T01,0\n")
    assert same.ok and rules(same, "warning") == ["repeated-row"] and len(same.package.table) == 16
    clash = look(table(range(16)) + "T01,5\n")
    (fault,) = clash.errors
    assert fault.rule == "duplicate-area" and fault.row == 18 and "rows 2, 18" in fault.what
    periods = look(
        "area_code,period,value\n" + "".join(f"{c},{p},1.5\n{c},{p + 2},{p}\n" for c in CODES for p in (2020, 2021))
    )
    assert periods.ok and periods.counts["periods"] == 4


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("cell", "measure", "rule", "severity"),
    [
        ("lots", "rate", "not-a-number", "error"),
        ("-5", "rate", "negative", "error"),
        ("-5", "count", "negative", "error"),
        ("-5", "score", None, "error"),
        ("104.2", "percentage", "above-100", "error"),
        ("104.2", "rate", None, "error"),
        ("2.5", "rank", "rank", "error"),
        ("0", "rank", "rank", "error"),
        ("11", "decile", "decile", "error"),
        ("2.5", "count", "not-whole", "warning"),
        ("12%", "percentage", "percent-sign", "warning"),
        ("12%", "rate", "percent-of-what", "warning"),
        ("1,234", "rate", "thousands-comma", "warning"),
        ("1,5", "rate", "decimal-comma", "warning"),
        ("x", "rate", "mark", "warning"),
        ("-", "rate", "mark", "warning"),
        ("<5", "rate", "mark", "warning"),
        ("#DIV/0!", "rate", "mark", "warning"),
        ("-1", "score", "sentinel", "warning"),
    ],
)
def test_32_33_34_one_odd_cell(look, cell, measure, rule, severity):
    values = [1 + i % 9 for i in range(16)]
    values[4] = f'"{cell}"'
    report = look(table(values), measure=measure)
    hits = [fault for fault in report.faults if fault.rule == rule]
    if rule is None:
        assert report.ok
    else:
        assert hits and hits[0].severity == severity and hits[0].column == "value"
        assert hits[0].row in (6, None) and report.ok == (severity == "warning")


def test_marks_become_statuses_and_can_be_overruled(look):
    values = ["*", "c", "x", ":", "-", "N/A", "", "0", *range(8)]
    table_ = look(table(values)).package.table
    assert list(table_["status"][:8]) == ["suppressed"] * 3 + ["missing"] * 4 + ["ok"]
    over = look(table(values), marks={"x": "missing", "-": "suppressed"}).package
    assert list(over.table["status"][:8]) == [
        "suppressed",
        "suppressed",
        "missing",
        "missing",
        "suppressed",
        "missing",
        "missing",
        "ok",
    ]
    assert over.descriptor.extra["commonground"]["marks"] == {"x": "missing", "-": "suppressed"}


def three(rows) -> str:
    return "area_code,value,numerator,denominator\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n"


def test_a_column_that_is_no_percentage_is_one_finding(look):
    report = look(table([1000 + i for i in range(16)]), measure="percentage")
    assert rules(report) == ["above-100"] and report.errors[0].row == 2
    assert "16 of 16 values are above 100" in report.errors[0].what and "another column" in report.errors[0].todo
    slips = look(table([10.0] * 14 + [101, 250]), measure="percentage")
    assert rules(slips) == ["above-100"] * 2 and [fault.row for fault in slips.errors] == [16, 17]


@pytest.mark.parametrize(
    ("header", "rows", "found"),
    [
        (
            "code,Aged 65 and over,All residents",
            ["5,100", "7,90", "8,80", "9,120"] * 4,
            {"numerator": 1, "denominator": 2},
        ),
        (
            "code,Total households,Without a car",
            ["100,5", "90,7", "80,9", "70,1"] * 4,
            {"numerator": 2, "denominator": 1},
        ),
        ("code,Homes with damp,All homes", ["5,100", "7,90", "8,80", "9,120"] * 4, {"numerator": 1, "denominator": 2}),
        ("code,Men,Women", ["5,100", "7,90", "9,80", "9,70"] * 4, {"value": 1}),  # neither is a whole
        ("code,Score,All residents", ["5.5,100", "7.1,90", "9.3,80", "2.2,70"] * 4, {"value": 1}),
    ],
)
def test_a_part_and_its_whole_are_recognised(look, header, rows, found):
    lines = [f"{code},{row}" for code, row in zip(CODES, rows, strict=True)]
    said = {key: value for key, value in SAID.items() if key != "columns"}
    report = look(header + "\n" + "\n".join(lines), said=said)
    names = header.split(",")
    guessed = {guess.role: guess.header for guess in report.guesses if guess.role != "area_code"}
    assert guessed == {role: names[at] for role, at in found.items()}


def test_34_parts_and_wholes(look):
    good = [(code, "", i, 100) for i, code in enumerate(CODES)]
    assert look(three(good), measure="percentage").ok
    over = [*good[:-1], ("T16", "", 120, 100)]
    assert rules(look(three(over), measure="percentage")) == ["part-above-whole"]
    assert rules(look(three(over)), "warning") == ["part-above-whole"]
    assert rules(look(three([*good[:-1], ("T16", "", 3, 0)]))) == ["zero-denominator"]
    quiet = look(three([*good[:-1], ("T16", "", 0, 0)]))
    assert (
        quiet.ok
        and rules(quiet, "warning") == ["zero-denominator"]
        and quiet.package.table["status"].iloc[-1] == "missing"
    )


def test_values_that_disagree_with_their_parts(look):
    agree = [(code, i, i, 100) for i, code in enumerate(CODES)]  # i of 100 is i %
    assert look(three(agree), measure="percentage").faults == ()
    one = look(three([*agree[:-1], ("T16", 40, 15, 100)]), measure="percentage")
    assert one.ok and rules(one, "warning") == ["value-disagrees"] and one.warnings[0].row == 17
    factor = look(three([(code, 10 * i, i, 100) for i, code in enumerate(CODES)]), measure="rate", per=100)
    assert rules(factor) == ["value-disagrees"] and factor.errors[0].todo == "set per to 1000"
    rounded = [(code, round(100 * i / 37), i, 37) for i, code in enumerate(CODES)]  # whole per cents of 37
    assert look(three(rounded), measure="percentage").faults == ()


def test_limits_and_shares(look):
    text = "area_code,value,lower,upper\n" + "\n".join(f"{code},5,{4 + i % 2 * 2},{6}" for i, code in enumerate(CODES))
    assert set(rules(look(text + "\n"), "warning")) == {"limits"}
    assert rules(look("area_code,value,lower,upper\nT01,5,6,4\nT02,5,4,6\n")) == ["limits"]
    shares = look(table([i / 40 for i in range(16)]), measure="percentage")
    assert not shares.ok and [question.key for question in shares.open_questions] == ["percent"]
    written = look(table([i / 40 for i in range(16)]), measure="percentage", percent="percent")
    assert written.ok and rules(written, "warning") == ["shares-not-percent"]
    meant = look(table([i / 40 for i in range(16)]), measure="percentage", percent="share")
    assert meant.ok and meant.package.table["value"].max() == 37.5


def test_people_in_small_numbers_without_a_rule(look):
    text = "area_code,numerator,denominator\n" + "\n".join(f"{code},{i},100" for i, code in enumerate(CODES))
    assert "small-numbers" in rules(look(text + "\n", counts_people=True), "warning")
    assert "small-numbers" not in rules(look(text + "\n", counts_people=True, disclosure={"threshold": 8}), "warning")


def test_no_period_is_asked_for(look):
    assert rules(look(table(range(16)), period=""), "warning") == ["period"]


def test_a_far_move_since_the_version_before(look, region, tmp_path):
    before = look(table([10 + i % 3 for i in range(16)])).package
    file = tmp_path / "next.csv"
    file.write_text(table([10 + (i + 1) % 3 for i in range(15)] + [900]).replace("T01,11\n", ""))
    report = inspect_upload(file, region, hints=SAID, previous=before)
    assert report.ok and set(rules(report, "warning")) == {"far-from-before", "areas-gone", "coverage"}
    (far,) = [fault for fault in report.faults if fault.rule == "far-from-before"]
    assert far.row == 16 and "T16" in far.what


def wide_region(tmp_path, rows=8, columns=8):
    """Squares of a kilometre like Tinyland's, more of them: a value is judged by the squares that touch it, eight at most."""
    import dataclasses

    import geopandas as gpd
    from shapely.geometry import box

    tiny = load_region(write_tiny_pack(tmp_path / "wide"))
    cells = [(i, j) for j in range(rows) for i in range(columns)]
    shapes = [box(WEST + i * 1000, SOUTH + j * 1000, WEST + (i + 1) * 1000, SOUTH + (j + 1) * 1000) for i, j in cells]
    frame = gpd.GeoDataFrame(
        {"code": [f"Q{k:02d}" for k in range(len(cells))], "name": "", "ward_code": "TW1", "lad_code": "TA",
         "population": 100.0, "centroid_x": 0.0, "centroid_y": 0.0, "note": ""}, geometry=shapes, crs=27700,
    ).to_crs(4326)  # fmt: skip
    return dataclasses.replace(tiny, areas={**tiny.areas, "lsoa": frame})


def test_far_from_the_areas_that_touch_it(tmp_path):
    """Q27 is in column 3 of row 3: its eight neighbours are 18 19 20, 26 28, 34 35 36. All points are the same here, so only
    the outlines can say so."""
    region = wide_region(tmp_path)
    codes = list(region.codes("lsoa"))
    values = [10 + (k % 5) * 0.1 for k in range(64)]
    values[27] = 90.0
    file = tmp_path / "a.csv"
    file.write_text(table(values, codes=codes))
    report = inspect_upload(file, region, hints=SAID)
    told = [fault for fault in report.warnings if fault.rule == "far-from-neighbours"]
    assert [fault.row for fault in told] == [29]  # the header is row 1, Q00 row 2
    around = sorted(values[k] for k in (18, 19, 20, 26, 28, 34, 35, 36))
    assert told[0].what == f"Q27 has 90, the areas that touch it about {(around[3] + around[4]) / 2:g}"


def test_middles_of_neighbours_by_hand():
    """A line a - b - c - d, and e alone: a has 2, b the middle of 1 and 3, c that of 2 alone (d has no value), d 3, e nothing."""
    import numpy as np
    from scipy.sparse import csr_array

    from layers.reading.checks import _middle_around

    touch = np.zeros((5, 5), bool)
    for i, j in ((0, 1), (1, 2), (2, 3)):
        touch[i, j] = touch[j, i] = True
    middle, known = _middle_around(np.array([1.0, 2.0, 3.0, np.nan, 5.0]), csr_array(touch))
    assert np.array_equal(middle, [2.0, 2.0, 2.0, 3.0, np.nan], equal_nan=True) and list(known) == [1, 2, 1, 1, 0]


def test_coverage_names_the_authorities_with_holes(look):
    half = look(table(range(16), codes=[code for code in CODES if (int(code[1:]) - 1) % 4 < 2]))
    assert list(half.coverage["covered"]) == [8, 0] and "Eastshire" in str(half.warnings)
    hidden = look(table(["*", *range(15)]))
    assert hidden.coverage.loc[0, ["with_value", "suppressed"]].tolist() == [7, 1]


@settings(max_examples=80)
@given(
    st.lists(
        st.tuples(st.none() | st.floats(-200, 200), st.none() | st.floats(-5, 300), st.none() | st.floats(-5, 300)),
        min_size=1,
        max_size=16,
    ),
    st.sampled_from([None, *Measure]),
)
def test_checks_name_rows_that_exist_and_change_nothing(rows, measure):
    frame = pd.DataFrame(rows, columns=["value", "numerator", "denominator"]).astype(float)
    frame.insert(0, "area_code", CODES[: len(rows)])
    frame["status"] = "ok"
    frame.index = range(2, len(rows) + 2)
    before = frame.copy(deep=True)
    faults = check_values(frame, Descriptor("a", "A", Kind.INDICATOR, ("t",), "p", measure=measure), {})
    pd.testing.assert_frame_equal(frame, before)
    assert all(fault.row is None or fault.row in frame.index for fault in faults)
    if measure == Measure.PERCENTAGE:  # the slow way
        above = [row for row in frame.index if frame.loc[row, "value"] > 100]
        assert [fault.row for fault in faults if fault.rule == "above-100" and fault.row] == above


def test_comparison_with_nothing_in_common_says_nothing():
    frame = pd.DataFrame({"area_code": ["a"], "value": [1.0]})
    assert compare_with_before(frame, pd.DataFrame({"area_code": ["a"], "numerator": [1.0]}), "", {}) == []


# ---------------------------------------------------------------- services


def sites(rows, header="service_id,name,longitude,latitude") -> str:
    return header + "\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n"


def degrees(x, y) -> tuple[float, float]:
    longitude, latitude = to_degrees([WEST + x], [SOUTH + y])
    return float(longitude[0]), float(latitude[0])


GOOD = [("A", "West", *degrees(500, 500)), ("B", "East", *degrees(3_500, 500)), ("C", "North", *degrees(500, 3_500))]


def test_services_get_their_authority(look):
    report = look(sites(GOOD), said=SITES)
    assert report.ok and report.faults == () and list(report.package.table["lad_code"]) == ["TA", "TB", "TA"]
    assert list(report.coverage["services"]) == [2, 1]


def test_the_kind_is_guessed_from_the_columns(look):
    said = {key: value for key, value in SITES.items() if key != "kind"}
    assert look(sites(GOOD), said=said).kind == Kind.SERVICES
    assert look(table(range(16))).kind == Kind.INDICATOR


def test_20_21_whole_columns_that_are_something_else(look):
    swapped = look(sites([(i, n, y, x) for i, n, x, y in GOOD]), said=SITES)
    assert rules(swapped) == ["swapped"] and "exchange" in swapped.errors[0].todo
    metres = look(sites([("A", "a", WEST, SOUTH), ("B", "b", WEST + 1, SOUTH)]), said=SITES)
    assert rules(metres) == ["metres-not-degrees"] and "easting" in metres.errors[0].todo
    both = look(sites([(i, n, x, y) for i, n, x, y in GOOD], "service_id,name,easting,northing"), said=SITES)
    assert rules(both) == ["degrees-not-metres"]
    mercator = look(sites([("A", "a", -180_000, 7_350_000)]), said=SITES)
    assert rules(mercator) == ["metres-not-degrees"] and "3857" in mercator.errors[0].what


def test_39_single_impossible_points_are_kept_out(look):
    rows = [
        *GOOD,
        ("D", "Null island", 0, 0),
        ("E", "Swapped", GOOD[0][3], GOOD[0][2]),
        ("F", "Paris", 2.35, 48.86),
        ("G", "Half", -1.6, ""),
    ]
    report = look(sites(rows), said=SITES)
    assert report.ok and len(report.package.table) == 3 and list(report.rejected["service_id"]) == ["D", "E", "F", "G"]
    assert [fault.row for fault in report.warnings if fault.rule in ("impossible-coordinates", "swapped")] == [5, 6, 7]


def test_sites_beyond_the_buffer_are_kept_out(look):
    near, far = degrees(-1_900, 500), degrees(-2_100, 500)  # the buffer of the tiny region is 2,000 m
    report = look(sites([*GOOD, ("N", "Near", *near), ("F", "Far", *far)]), said=SITES)
    assert list(report.package.table["service_id"]) == ["A", "B", "C", "N"] and list(report.rejected["service_id"]) == [
        "F"
    ]
    assert report.package.table["lad_code"].iloc[-1] == ""


def test_39_identifiers(look):
    same = look(sites([*GOOD, GOOD[0]]), said=SITES)
    assert same.ok and rules(same, "warning") == ["repeated-row"]
    clash = look(sites([*GOOD, ("A", "Another", *degrees(600, 600))]), said=SITES)
    assert rules(clash) == ["duplicate-service"] and clash.errors[0].row == 5
    one_building = look(sites([*GOOD, ("A2", "Another", *GOOD[0][2:])]), said=SITES)
    assert one_building.ok and one_building.faults == ()


def test_postcodes_place_services_and_say_how_well(look, region, tmp_path, monkeypatch):
    from layers.reading import site_checks

    monkeypatch.setattr(site_checks, "near_region", lambda table, _: pd.Series(True, index=table.index))
    rows = [
        ("A", "Unit", "NE1 4ST"),
        ("B", "Gone", "ne14zz"),
        ("C", "Wrong", "hello"),
        ("D", "None", ""),
        ("E", "Nowhere", "ZZ9 9ZZ"),
    ]
    report = look(sites(rows, "id,name,Post code"), said=SITES)
    assert report.ok and list(report.package.table["location_from"]) == ["postcode", "postcode sector"]
    assert list(report.package.table["postcode"]) == ["NE1 4ST", "NE1 4ZZ"]
    assert set(rules(report, "warning")) == {"postcode-unknown", "not-a-postcode", "no-place"}
    assert list(report.rejected["id"]) == ["C", "D", "E"]
    assert report.counts["by postcode"] == 1 and report.counts["by postcode sector"] == 1


def test_a_postcode_far_from_its_point_is_told(look):
    report = look(
        sites([("A", "x", *GOOD[0][2:], "SW1A 1AA")], "service_id,name,longitude,latitude,postcode"), said=SITES
    )
    assert report.ok and rules(report, "warning") == ["postcode-far"]


def test_web_addresses_and_texts(look):
    header = "service_id,name,longitude,latitude,url"
    urls = ["javascript:alert(1)", "www.example.org/a", "https://example.org"]
    report = look(sites([(*row, url) for row, url in zip(GOOD, urls, strict=True)], header), said=SITES)
    assert list(report.package.table["url"]) == ["", "https://www.example.org/a", "https://example.org"]
    assert rules(report, "warning") == ["url"]
    long = look(sites([("A", "x" * 3_000, *GOOD[0][2:])]), said=SITES)
    assert rules(long) == ["too-long"]


def test_geojson_and_geopackage_services(look, tmp_path, region):
    features = [
        {"type": "Feature", "properties": {"id": i, "title": n}, "geometry": {"type": "Point", "coordinates": [x, y]}}
        for i, n, x, y in GOOD
    ]
    report = look(json.dumps({"type": "FeatureCollection", "features": features}), name="a.geojson", said=SITES)
    assert report.ok and list(report.package.table["name"]) == ["West", "East", "North"]

    from tests.layers.reading.test_files import geopackage

    file = geopackage(tmp_path / "a.gpkg", [("C1", WEST + 500, SOUTH + 500), ("C2", WEST + 3_500, SOUTH + 500)])
    report = inspect_upload(file, region, hints=SITES)
    assert report.ok and list(report.package.table["lad_code"]) == ["TA", "TB"]


def test_24_25_geometries_that_are_none(look):
    bow_tie = {
        "type": "Polygon",
        "coordinates": [[[-1.68, 54.93], [-1.67, 54.94], [-1.67, 54.93], [-1.68, 54.94], [-1.68, 54.93]]],
    }
    shapes = [
        bow_tie,
        None,
        {"type": "Point", "coordinates": [GOOD[0][2], GOOD[0][3], 12.0]},
        {"type": "GeometryCollection", "geometries": []},
    ]
    features = [
        {"type": "Feature", "properties": {"id": i, "name": i}, "geometry": shape} for i, shape in enumerate(shapes)
    ]
    report = look(json.dumps({"type": "FeatureCollection", "features": features}), name="a.geojson", said=SITES)
    assert "2" in list(report.package.table["service_id"]) and set(report.rejected["id"]) >= {"1", "3"}
    assert not shapely.geometry.shape(bow_tie).is_valid


# ---------------------------------------------------------------- at size


def test_33755_rows_are_looked_at_as_columns(tmp_path, region):
    """The promise is 2 s; what is checked is that no part of the work is done row by row in Python's own loops of checks."""
    rng = np.random.default_rng(1)
    codes = [f"E0{1000000 + i}" for i in range(33_755 - 16)] + CODES
    text = "code,value\n" + "\n".join(
        f"{code},{value:.2f}" for code, value in zip(codes, rng.random(33_755) * 50, strict=True)
    )
    file = tmp_path / "big.csv"
    file.write_text(text)
    started = time.perf_counter()
    report = inspect_upload(file, region, hints=SAID)
    print(f"33,755 rows in {time.perf_counter() - started:.2f} s")
    assert report.ok and report.counts["outside"] == 33_739 and report.counts["areas"] == 16
    many = text.replace(",", ",x")
    file.write_text(many)
    report = inspect_upload(file, region, hints=SAID)
    assert len(report.faults) < 100  # told one by one up to a point, then counted
