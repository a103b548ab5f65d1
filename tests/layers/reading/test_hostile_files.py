"""Files that are broken or mean harm: cases 1 to 39, each with the tests that hold it, and those that stand nowhere else.

The cases are those of the project's methods, section D6 (files 1-19, data 20-39). Most have their test beside the module
that answers them; :data:`CASES` says where, and a test here looks that it is still so. Only Linux has the limits of the
child process, so its tests are skipped elsewhere.
"""

from __future__ import annotations

import importlib
import io
import json
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layers.model import PUBLIC, SYSTEM, Fault, Kind, Refused, Viewer
from layers.reading import files as reading
from layers.reading.files import LIMITS, MIB, Limits, read_upload
from layers.reading.validate import inspect_upload
from layers.region import load_region
from layers.store.layers import Submission
from layers.store.store import open_store
from tests.layers.reading.test_files import geopackage, put, refusal, zipped
from tests.layers.store_fixtures import ADMIN, WEST_ANALYST, indicator
from tests.tiny import SOUTH, WEST, write_tiny_pack

READING, VALIDATE, VINTAGE, PACKAGE = (
    f"tests.layers.reading.test_{name}" for name in ("files", "validate", "vintage", "package")
)
HERE, WIZARD = __name__, "tests.dashboard.publishing.test_wizard"

CASES: dict[int, tuple[str, tuple[tuple[str, str], ...]]] = {
    # number: (what it is, (module, test) ...)
    1: ("a GDAL virtual file called .gpkg", ((READING, "test_1_2_a_virtual_file_is_refused_under_any_name"),)),
    2: ("a GDAL virtual file called .geojson", ((READING, "test_1_2_a_virtual_file_is_refused_under_any_name"),)),
    3: ("a GDAL pipeline as JSON", ((READING, "test_3_a_gdal_pipeline_is_refused"),)),
    4: ("a virtual file in a zip", ((READING, "test_4_a_virtual_file_in_a_zip_is_refused"),)),
    5: ("addresses of other machines", ((READING, "test_5_addresses_in_a_descriptor_are_not_followed"),)),
    6: ("names that are commands, paths, endless or reversed", (
        (READING, "test_6_names_are_for_showing_only"),
        (READING, "test_6_a_name_of_300_letters_is_cut_but_keeps_its_ending"),
        (WIZARD, "test_names_and_headers_from_a_file_are_text_and_nothing_else"),
    )),
    7: ("a zip of a thousand to one", ((READING, "test_7_a_bomb_is_stopped_while_it_unpacks"),)),
    8: ("a zip of 100,000 entries", ((READING, "test_8_many_entries_are_refused_before_they_are_listed"),)),
    9: ("names and links that lead out of a zip", (
        (READING, "test_9_names_that_lead_out_are_refused"), (READING, "test_9_a_link_in_a_zip_is_refused"),
    )),
    10: ("an archive in an archive", ((READING, "test_10_an_archive_in_an_archive_is_refused_whatever_its_name"),)),
    11: ("sizes that lie", ((READING, "test_11_a_lying_size_is_caught"),)),
    12: ("a GeoPackage whose view never ends", ((READING, "test_12_a_view_is_refused_before_it_runs"),)),
    13: ("a GeoPackage with a trigger", ((READING, "test_13_a_trigger_is_refused"),)),
    14: ("half a GeoPackage, half an upload", (
        (READING, "test_14_half_a_geopackage_and_one_that_is_none"),
        (WIZARD, "test_a_form_without_a_file_or_cut_off_is_refused"),
    )),
    15: ("a picture that is a page, a drawing with a script", (
        (READING, "test_15_19_what_is_something_else_is_named_and_refused"),
    )),
    16: ("entities in a workbook", ((READING, "test_16_entities_in_a_workbook_are_refused"),)),
    17: ("JSON that nests without end", ((READING, "test_17_json_without_end_is_refused"),)),
    18: ("one line without end", ((READING, "test_18_one_line_without_end_is_refused"),)),
    19: ("a pickle, somebody's Parquet", ((READING, "test_15_19_what_is_something_else_is_named_and_refused"),)),
    20: ("metres that are called degrees", ((VALIDATE, "test_20_21_whole_columns_that_are_something_else"),)),
    21: ("latitude and longitude exchanged", (
        (VALIDATE, "test_20_21_whole_columns_that_are_something_else"),
        (VALIDATE, "test_39_single_impossible_points_are_kept_out"),
    )),
    22: ("no coordinate system", ((HERE, "test_22_coordinates_without_a_system"),)),
    23: ("a CSV of coordinates without a system", ((HERE, "test_23_a_csv_says_no_system_so_its_numbers_are_looked_at"),)),
    24: ("a bow-tie", ((VALIDATE, "test_24_25_geometries_that_are_none"),)),
    25: ("empty, missing, 3D and mixed geometry, the date line", (
        (VALIDATE, "test_24_25_geometries_that_are_none"), (HERE, "test_25_the_date_line_and_points_of_no_place"),
    )),
    26: ("an area twice", ((VALIDATE, "test_26_duplicates"),)),
    27: ("two years of boundaries in one file", ((VINTAGE, "test_mixed_years_are_refused_with_both_lists"),)),
    28: ("codes with spaces, in small letters, with what nobody sees", (
        (VINTAGE, "test_28_untidy_codes_are_mended_and_counted"), (READING, "test_36_28_encodings"),
    )),
    29: ("codes of elsewhere", (
        (VINTAGE, "test_29_codes_of_nowhere_here"),
        (VINTAGE, "test_what_is_elsewhere_larger_blank_or_unknown_is_kept_out_and_counted"),
    )),
    30: ("what a spreadsheet does to codes", ((VINTAGE, "test_30_what_a_spreadsheet_does_to_codes"),)),
    31: ("NaN and Infinity in JSON", ((READING, "test_31_numbers_that_json_has_not"),)),
    32: ("marks that mean different things", (
        (VALIDATE, "test_32_33_34_one_odd_cell"), (VALIDATE, "test_marks_become_statuses_and_can_be_overruled"),
        (PACKAGE, "test_marks_are_never_zero_and_never_numbers"),
    )),
    33: ("decimal commas, thousands, per cent signs", (
        (VALIDATE, "test_32_33_34_one_odd_cell"), (PACKAGE, "test_numbers_as_people_write_them"),
    )),
    34: ("rates that cannot be", (
        (VALIDATE, "test_32_33_34_one_odd_cell"), (VALIDATE, "test_34_parts_and_wholes"),
    )),
    35: ("headers that were cut to the same ten letters", (
        (READING, "test_35_headers_that_stand_twice_or_are_empty"),
    )),
    36: ("Windows-1252 and UTF-16", ((READING, "test_36_28_encodings"),)),
    37: ("200,000 points, 200 MB of outlines", (
        (HERE, "test_37_two_hundred_thousand_points_are_read_within_bounds"),
        (HERE, "test_37_outlines_too_large_are_refused_before_they_are_objects"),
    )),
    38: ("two layers with one id, and a race for it", (
        (HERE, "test_38_one_of_two_who_publish_at_once_wins_and_the_other_is_told"),
        (HERE, "test_38_two_layers_of_one_file_cannot_have_one_id"),
        ("tests.layers.store.test_refresh", "test_an_id_that_somebody_took_before_is_theirs"),
    )),
    39: ("the point 0, 0, the sea, dead postcodes, one identifier twice, many services in one building", (
        (VALIDATE, "test_39_single_impossible_points_are_kept_out"), (VALIDATE, "test_39_identifiers"),
        (VALIDATE, "test_postcodes_place_services_and_say_how_well"), (HERE, "test_39_a_service_in_the_sea"),
        (HERE, "test_39_many_services_in_one_building_are_right"),
    )),
}  # fmt: skip


def test_every_case_has_its_test():
    assert sorted(CASES) == list(range(1, 40))
    for number, (_, tests) in CASES.items():
        assert tests, number
        for module, name in tests:
            found = dir(importlib.import_module(module))
            assert name in found, f"case {number}: {module} has no {name}"


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    return load_region(write_tiny_pack(tmp_path_factory.mktemp("tiny") / "pack"))


SITES = {"name": "sites", "title": "Sites", "themes": ["alcohol"], "partner": "icb", "kind": "services"}


def look(region, folder: Path, text: str, name: str = "up.csv", **said):
    return inspect_upload(put(folder, name, text), region, hints={**SITES, **said})


def collection(*points, **more) -> str:
    features = [
        {"type": "Feature", "properties": {"id": f"S{i}", "name": f"Site {i}"}, "geometry": point}
        for i, point in enumerate(points)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features, **more})


def point(*coordinates) -> dict:
    return {"type": "Point", "coordinates": list(coordinates)}


def rules(report, severity="error") -> list[str]:
    return [fault.rule for fault in report.faults if fault.severity == severity]


# ---------------------------------------------------------------- 22, 23, 25: where is this?


@pytest.mark.parametrize("srs", [0, -1, 99999, 3857])
def test_22_coordinates_without_a_system(tmp_path, srs):
    """-1 and 0 are GeoPackage's own words for "undefined". Nothing is assumed: a person saves it in a known one."""
    said = refusal(read_upload, geopackage(tmp_path / "a.gpkg", srs=srs))
    assert "EPSG:4326 or EPSG:27700" in said


def test_22_geojson_is_in_degrees_unless_it_says_otherwise(region, tmp_path):
    """The standard knows no other system, so a file without one is read as degrees; metres in it are told, not placed."""
    metres = look(region, tmp_path, collection(point(WEST + 500, SOUTH + 500)), "a.geojson")
    assert rules(metres) == ["metres-not-degrees"] and metres.package is None
    said = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}
    right = look(region, tmp_path, collection(point(WEST + 500, SOUTH + 500), crs=said), "a.geojson")
    assert right.ok and list(right.package.table["lad_code"]) == ["TA"]
    for odd in ({"type": "name", "properties": {"name": "EPSG:3857"}}, {"type": "name"}, "local", 7):
        assert rules(look(region, tmp_path, collection(point(1, 2), crs=odd), "a.geojson")) == ["crs"], odd


def test_23_a_csv_says_no_system_so_its_numbers_are_looked_at(region, tmp_path):
    def xy(*rows):
        return look(
            region, tmp_path, "id,name,x,y\n" + "".join(f"{i},Site {i},{x},{y}\n" for i, (x, y) in enumerate(rows))
        )

    grid = xy((WEST + 500, SOUTH + 500), (WEST + 3_500, SOUTH + 500))
    assert grid.ok and list(grid.package.table["lad_code"]) == ["TA", "TB"]
    degrees = xy((-1.68, 54.93), (-1.65, 54.93))  # X and Y are of either system, as their numbers say
    assert degrees.ok and list(degrees.package.table["longitude"]) == [-1.68, -1.65]
    assert rules(xy((-187_000, 7_350_000), (-187_100, 7_350_100))) == ["impossible-coordinates"]  # Web Mercator
    pixels = xy((400, 300), (410, 310))
    assert pixels.package is None and rules(pixels) == ["no-rows"]


def test_25_the_date_line_and_points_of_no_place(region, tmp_path):
    far = collection(point(180.0, 54.9), point(-180.0, 54.9), point(-1.68, 54.93), point(-1.68, 54.93, 80.0))
    report = look(region, tmp_path, far, "a.geojson")
    assert list(report.package.table["service_id"]) == ["S2", "S3"] and set(report.rejected["id"]) == {"S0", "S1"}
    nowhere = look(region, tmp_path, collection(point(), point("a", "b"), None), "a.geojson")
    assert nowhere.package is None and nowhere.errors


# ---------------------------------------------------------------- 37: large files


def many_points(count: int) -> str:
    rows = (
        f'{{"type":"Feature","properties":{{"id":"S{i}","name":"Site {i}"}},'
        f'"geometry":{{"type":"Point","coordinates":[{-1.68 + i % 100 * 1e-4:.5f},{54.93 + i % 77 * 1e-4:.5f}]}}}}'
        for i in range(count)
    )
    return '{"type":"FeatureCollection","features":[' + ",".join(rows) + "]}"


MEASURE = """
import resource, sys
from layers.reading.files import read_upload
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    rows = len(read_upload(sys.argv[1]).sheet.text)
except Exception as error:
    rows = str(error)
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, sep="|")
"""


def read_apart(file: Path) -> tuple[str, int]:
    """Rows (or the refusal) and MiB that reading a file takes, in a process of its own."""
    pytest.importorskip("resource", reason="only Unix counts the memory of a process")
    root = Path(reading.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(file)], capture_output=True, text=True, cwd=root, check=True
    )
    rows, mebibytes = done.stdout.rsplit("|", 1)
    return rows, int(mebibytes)


def test_37_two_hundred_thousand_points_are_read_within_bounds(tmp_path):
    rows, mebibytes = read_apart(put(tmp_path, "many.geojson", many_points(200_000)))
    assert rows == "200000" and mebibytes < 500
    header = "id,name,longitude,latitude\n"
    lines = "".join(f"S{i},Site {i},-1.68,54.93\n" for i in range(200_000))
    rows, mebibytes = read_apart(put(tmp_path, "many.csv", header + lines))
    assert rows == "200000" and mebibytes < 300


def outlines(mebibytes: int) -> bytes:
    ring = ",".join(f"[{-1.6 + i * 1e-7:.7f},{54.9 + i * 1e-7:.7f}]" for i in range(20_000))
    one = '{"type":"Feature","properties":{},"geometry":{"type":"Polygon","coordinates":[[' + ring + ",[-1.6,54.9]]]}}"
    times = mebibytes * MIB // len(one) + 1
    return b'{"type":"FeatureCollection","features":[' + b",".join([one.encode()] * times) + b"]}"


def test_37_outlines_too_large_are_refused_before_they_are_objects(tmp_path):
    """200 MB are stopped by size alone; what is under the cap of an upload, or unpacks to more, by the cap for GeoJSON."""
    huge = tmp_path / "huge.geojson"
    with huge.open("wb") as file:
        file.truncate(200 * MIB)
    assert "at most 100" in refusal(read_upload, huge)
    body = outlines(LIMITS.json // MIB + 4)
    for file in (put(tmp_path, "large.geojson", body), zipped(tmp_path, {"large.geojson": body})):
        said, mebibytes = read_apart(file)
        assert "of GeoJSON; at most 48" in said and mebibytes < 250, (said, mebibytes)


def test_37_the_collector_is_on_again_whatever_happens(tmp_path):
    import gc

    assert gc.isenabled()
    read_upload(put(tmp_path, "a.geojson", many_points(3)))
    refusal(read_upload, put(tmp_path, "b.geojson", '{"type": "FeatureCollection", "features": [1]}'))
    refusal(read_upload, put(tmp_path, "c.csv", "a,b\n" * 5), limits=Limits(cells=3))
    assert gc.isenabled()


# ---------------------------------------------------------------- 38: one id for two


@pytest.fixture
def twice(region, tmp_path):
    """Two stores on one database, as two workers have them."""
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    stores = [open_store(url, region, fill=False) for _ in range(2)]
    yield stores
    for store in stores:
        store.close()


def race(*calls) -> list:
    """What each call gives or raises, all of them started at one moment."""
    start, out = threading.Barrier(len(calls)), [None] * len(calls)

    def run(at, call):
        start.wait()
        try:
            out[at] = call()
        except Exception as error:
            out[at] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out


@pytest.mark.parametrize("turn", range(5))
def test_38_one_of_two_who_publish_at_once_wins_and_the_other_is_told(twice, turn):
    """Both began when there was no such layer. One of them makes it; nothing of the other's is left but an audit line."""
    one, two = twice
    out = race(
        lambda: one.publish(indicator(first=1), by=WEST_ANALYST, expecting=0),
        lambda: two.publish(indicator(first=101), by=WEST_ANALYST, expecting=0),
    )
    lost = [error for error in out if isinstance(error, Refused)]
    assert len(lost) == 1 and [fault.rule for fault in lost[0].faults] == ["overtaken"]
    won = 1.0 if out[1] is lost[0] else 101.0
    for store in (one, two):
        store.reload()
        assert store.layer("noise", PUBLIC).version == 1
        assert store.values("noise", "lsoa", PUBLIC).frame["value"].iloc[0] == won
    actions = sorted(line.action for line in one.audit(SYSTEM))
    assert actions == ["publish", "publish-refused"]


def test_38_two_who_do_not_say_what_they_expect_make_two_versions(twice):
    one, two = twice
    out = race(
        lambda: one.publish(indicator(first=1), by=WEST_ANALYST), lambda: two.publish(indicator(first=2), by=ADMIN)
    )
    assert sorted(done.version for done in out) == [1, 2]
    assert [version.version for version in one.history("noise", ADMIN)] == [2, 1]


def test_38_two_partners_cannot_both_have_an_id(twice):
    one, two = twice
    east = Viewer("eli", "eastshire", "analyst")
    out = race(
        lambda: one.publish(indicator(), by=WEST_ANALYST), lambda: two.publish(indicator(partner="eastshire"), by=east)
    )
    assert sum(isinstance(error, PermissionError) for error in out) == 1
    winner = next(done for done in out if not isinstance(done, Exception))
    assert winner.version == 1 and len(one.history("noise", ADMIN)) == 1


def test_38_two_layers_of_one_file_cannot_have_one_id(twice):
    store = twice[0]
    with pytest.raises(Refused, match="two of the layers have the id 'noise'"):
        store.publish_all([Submission(indicator()), Submission(indicator(first=2))], by=WEST_ANALYST)
    assert store.layers(ADMIN) == ()


def test_38_all_faults_of_several_layers_are_told_and_none_is_published(twice):
    store = twice[0]
    odd = [Submission(indicator(name, themes=("weather",))) for name in ("one", "two")]
    with pytest.raises(Refused) as refused:
        store.publish_all([Submission(indicator()), *odd], by=WEST_ANALYST)
    assert [fault.where.split()[0] for fault in refused.value.faults] == ["one", "two"]
    assert store.layers(ADMIN) == () and [line.action for line in store.audit(SYSTEM)] == ["publish-refused"]


# ---------------------------------------------------------------- 39: odd services


def test_39_a_service_in_the_sea(tmp_path):
    """Land is drawn around the region: what stands on neither is in the water. The square of Tinyland ends at 424,000 east."""
    import dataclasses

    import geopandas as gpd
    from shapely.geometry import box

    region = load_region(write_tiny_pack(tmp_path / "pack"))
    land = gpd.GeoDataFrame(
        {"code": ["L"], "name": ["Land"]}, geometry=[box(WEST - 5_000, SOUTH - 5_000, WEST, SOUTH + 9_000)], crs=27700
    ).to_crs(4326)
    region = dataclasses.replace(region, context=land)
    rows = [("dry", WEST + 500, SOUTH + 500), ("beside", WEST - 900, SOUTH + 500), ("wet", WEST + 1_500, SOUTH + 5_200)]
    text = "id,name,easting,northing\n" + "".join(f"{i},{i},{x},{y}\n" for i, x, y in rows)
    report = look(region, tmp_path, text)
    assert report.ok and [fault.what for fault in report.warnings if fault.rule == "in-the-sea"] == [
        "wet: wet stands in the sea"
    ]


def test_39_many_services_in_one_building_are_right(region, tmp_path):
    rows = "".join(f"S{i},Service {i},{WEST + 500},{SOUTH + 500}\n" for i in range(5))
    report = look(region, tmp_path, "id,name,easting,northing\n" + rows)
    assert report.ok and len(report.package.table) == 5 and report.faults == ()


# ---------------------------------------------------------------- the child process


def big_workbook(file: Path, rows: int) -> Path:
    """A workbook of ``rows`` times ten cells, written as text: openpyxl would take longer than the test may."""
    sheet = "".join(
        f'<row r="{row}">' + "".join(f'<c r="{letter}{row}" t="n"><v>1</v></c>' for letter in "ABCDEFGHIJ") + "</row>"
        for row in range(1, rows + 1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.'
        'sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-'
        'officedocument.spreadsheetml.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="data" sheetId="1" r:id="r1"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limits of the child process are Linux's")


@linux
def test_the_child_may_not_use_more_processor_time_than_it_has(tmp_path):
    """400,000 cells take seconds; one second is given. The wall clock, at ninety, has no part in it."""
    file = big_workbook(tmp_path / "big.xlsx", 40_000)
    assert "more time or memory" in refusal(read_upload, file, limits=Limits(cpu_s=1))


@linux
def test_the_child_may_not_write_more_than_it_may(tmp_path):
    file = geopackage(tmp_path / "a.gpkg", [(f"C{i}" * 50, 420_500.0, 560_500.0) for i in range(2_000)])
    options = {"sheet": "", "rows": 10_000, "columns": 100, "cells": 100_000, "cpu_s": 20, "memory": 2_048 * MIB}
    child = Path(reading.__file__).with_name("reader_process.py")
    out = tmp_path / "out.arrow"
    command = [sys.executable, "-I", str(child), "gpkg", str(file), str(out)]
    done = subprocess.run([*command, json.dumps(options | {"file_size": 4_096})], capture_output=True, text=True)
    assert '"refused"' in done.stdout or done.returncode != 0
    assert out.stat().st_size <= 4_096
    done = subprocess.run([*command, json.dumps(options | {"file_size": 64 * MIB})], capture_output=True, text=True)
    assert json.loads(done.stdout)["header"][:2] == ["fid", "service_id"], done.stderr


@linux
def test_a_query_that_never_ends_is_stopped_inside_sqlite(tmp_path):
    """Were a view ever to get past the door, SQLite's own step counter ends it: here the steps that are given are none."""
    file = geopackage(tmp_path / "a.gpkg", [(f"C{i}", 420_500.0, 560_500.0) for i in range(60_000)])
    options = {"sheet": "", "rows": 100_000, "columns": 100, "cells": 10_000_000, "cpu_s": 20, "memory": 2_048 * MIB}
    child = Path(reading.__file__).with_name("reader_process.py")
    command = [sys.executable, "-I", str(child), "gpkg", str(file), str(tmp_path / "out.arrow")]
    given = json.dumps(options | {"file_size": 64 * MIB, "ticks": 0})
    done = subprocess.run([*command, given], capture_output=True, text=True)
    assert "refused" in json.loads(done.stdout)


# ---------------------------------------------------------------- whatever comes


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400), st.sampled_from(["csv", "xlsx", "geojson", "gpkg", "zip", "json", "exe", ""]))
def test_any_bytes_under_any_name_give_a_report(region, tmp_path, raw, ending):
    """:func:`inspect_upload` never raises for what is in a file, and never says that it can be published without reading it."""
    report = inspect_upload(put(tmp_path, f"a.{ending}", raw), region, hints={"kind": "indicator"})
    assert not report.ok and report.errors and all(isinstance(fault, Fault) for fault in report.faults)
    assert report.kind in (None, Kind.INDICATOR, Kind.SERVICES)
    json.dumps(report.to_json())
    io.BytesIO(report.rejected_csv())
