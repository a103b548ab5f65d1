"""Hostile and broken files: each is refused in words, reads nothing else, and costs little. Numbers are those of docs/methods D6."""

from __future__ import annotations

import csv
import io
import json
import pickle
import sqlite3
import struct
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.model import Refused
from layers.reading import files as reading
from layers.reading.files import Limits, read_json, read_table, read_upload, read_zip, safe_name

SECRET = "the-secret-of-another-file"


@pytest.fixture
def secret(tmp_path) -> Path:
    file = tmp_path / "secret.csv"
    file.write_text(f"area_code,value\n{SECRET},1\n")
    return file


def refusal(call, *args, **more) -> str:
    with pytest.raises(Refused) as refused:
        call(*args, **more)
    text = str(refused.value)
    assert SECRET not in text and refused.value.faults
    return text


def put(folder: Path, name: str, content: bytes | str) -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def zipped(folder: Path, members: dict[str, bytes | str], name: str = "up.zip", method=zipfile.ZIP_DEFLATED) -> Path:
    file = folder / name
    with zipfile.ZipFile(file, "w", method) as archive:
        for inner, content in members.items():
            archive.writestr(inner, content)
    return file


def geopackage(file: Path, rows=(("C1", 420500.0, 560500.0),), srs: int = 27700, extra: str = "", shape=None) -> Path:
    """A small GeoPackage made with sqlite3 alone."""
    db = sqlite3.connect(file)
    db.executescript(
        f"""
        PRAGMA application_id = {0x47504B47};
        CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT,
            organization_coordsys_id INTEGER, definition TEXT, description TEXT);
        CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT, identifier TEXT, srs_id INTEGER);
        CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT, srs_id INTEGER);
        CREATE TABLE sites (fid INTEGER PRIMARY KEY, geom BLOB, service_id TEXT, name TEXT);
        INSERT INTO gpkg_spatial_ref_sys VALUES ('x', {srs}, 'EPSG', {srs}, '', '');
        INSERT INTO gpkg_contents VALUES ('sites', 'features', 'sites', {srs});
        INSERT INTO gpkg_geometry_columns VALUES ('sites', 'geom', 'POINT', {srs});
        {extra}
        """
    )
    for number, (name, x, y) in enumerate(rows, 1):
        head = b"GP\0\x01" + struct.pack("<i", srs)
        blob = head + shapely.to_wkb(shape if shape is not None else shapely.Point(x, y))
        db.execute("INSERT INTO sites VALUES (?, ?, ?, ?)", (number, blob, name, f"Site {name}"))
    db.commit()
    db.close()
    return file


# ---------------------------------------------------------------- 1-6: files that reach for others


VRT = "<OGRVRTDataSource><OGRVRTLayer name='secret'><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"


@pytest.mark.parametrize(
    "name", ["upload.gpkg", "upload.geojson", "upload.json", "upload.csv", "upload.vrt", "upload.xlsx"]
)
def test_1_2_a_virtual_file_is_refused_under_any_name(tmp_path, secret, name):
    assert "XML" in refusal(read_upload, put(tmp_path, name, VRT.format(secret)))


def test_3_a_gdal_pipeline_is_refused(tmp_path, secret):
    document = {
        "type": "gdal_streamed_alg",
        "command_line": f"gdal vector pipeline ! read {secret} ! write --of=stream x",
    }
    assert "FeatureCollection" in refusal(read_upload, put(tmp_path, "a.geojson", json.dumps(document)))


def test_4_a_virtual_file_in_a_zip_is_refused(tmp_path, secret):
    assert "XML" in refusal(read_upload, zipped(tmp_path, {"a/b.gpkg": VRT.format(secret)}))


@pytest.mark.parametrize("url", ["/vsicurl/http://169.254.169.254/x", "http://127.0.0.1/x.csv", "/vsizip/x.zip/y.shp"])
def test_5_addresses_in_a_descriptor_are_not_followed(tmp_path, url):
    document = {"name": "a", "resources": [{"path": url}]}
    said = refusal(read_upload, zipped(tmp_path, {"datapackage.json": json.dumps(document), "data.csv": "a,b\n1,2\n"}))
    assert "resources[0].path" in said


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../x.csv", "x.csv"),
        ("..\\..\\x.csv", "x.csv"),
        ("PG:host=db.csv", "PGhost=db.csv"),
        ("CSV:/etc/passwd", "passwd"),
        ("a\0b.csv", "ab.csv"),
        ("gnp\u202evsc.csv", "gnpvsc.csv"),
        ("", "upload"),
        ("...", "upload"),
        ("<b>x</b>.csv", "b.csv"),
    ],
)
def test_6_names_are_for_showing_only(given_name, kept):
    assert safe_name(given_name) == kept


def test_6_a_name_of_300_letters_is_cut_but_keeps_its_ending(tmp_path):
    assert len(safe_name("x" * 300 + ".csv")) <= 100 and safe_name("x" * 300 + ".csv").endswith(".csv")
    upload = read_upload(put(tmp_path, "a.csv", "a,b\n1,2\n"), filename="PG:host=x/../" + "y" * 300 + ".csv")
    assert len(upload.sheet.name) <= 100


def test_a_link_is_not_followed(tmp_path, secret):
    link = tmp_path / "link.csv"
    link.symlink_to(secret)
    refusal(read_upload, link)
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "data.csv").symlink_to(secret)
    assert "no table" in refusal(read_upload, folder)


# ---------------------------------------------------------------- 7-11: zips


def test_7_a_bomb_is_stopped_while_it_unpacks(tmp_path):
    bomb = zipped(tmp_path, {"data.csv": b"0" * (30 << 20)})
    assert bomb.stat().st_size < 40_000  # about 1,000 to 1
    assert "unpacks to more than" in refusal(read_upload, bomb, limits=Limits(unpacked=5 << 20))


def test_8_many_entries_are_refused_before_they_are_listed(tmp_path):
    file = zipped(tmp_path, {f"{number}.csv": "" for number in range(2_000)})
    assert "files" in refusal(read_zip, file)


def test_8_a_directory_that_understates_its_own_count_is_refused(tmp_path):
    raw = bytearray(zipped(tmp_path, {f"{'n' * 100}{number}.csv": "" for number in range(2_000)}).read_bytes())
    at = raw.rfind(b"PK\x05\x06")
    raw[at + 8 : at + 12] = struct.pack("<HH", 1, 1)
    refusal(read_zip, put(tmp_path, "lie.zip", bytes(raw)))


@pytest.mark.parametrize(
    "name", ["../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "C:\\evil.csv", "..\\evil.csv", "x" * 400 + ".csv"]
)
def test_9_names_that_lead_out_are_refused(tmp_path, name):
    assert "leads out" in refusal(read_zip, zipped(tmp_path, {name: "a,b\n1,2\n"}))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["up.zip"]


def test_9_a_link_in_a_zip_is_refused(tmp_path, secret):
    file = tmp_path / "link.zip"
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("data.csv")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, str(secret))
    assert "link" in refusal(read_zip, file)


@pytest.mark.parametrize("inner", ["inner.zip", "inner.csv"])
def test_10_an_archive_in_an_archive_is_refused_whatever_its_name(tmp_path, inner):
    nested = zipped(tmp_path, {"data.csv": "a,b\n1,2\n"}, "n.zip").read_bytes()
    assert "another archive" in refusal(read_zip, zipped(tmp_path, {inner: nested}))


@pytest.mark.parametrize("claimed", [1, 10, 1 << 31])
def test_11_a_lying_size_is_caught(tmp_path, claimed):
    file = zipped(tmp_path, {"data.csv": "area_code,value\n" + "T01,1\n" * 5_000})
    raw = bytearray(file.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = raw.find(mark)
        raw[at + offset : at + offset + 4] = struct.pack("<L", claimed)
    lie = put(tmp_path, "lie.zip", bytes(raw))
    try:
        members = read_zip(lie)
    except Refused:
        return
    assert len(members["data.csv"]) <= len("area_code,value\n" + "T01,1\n" * 5_000)


def test_names_that_differ_only_in_case_and_passwords_and_junk(tmp_path):
    assert "twice" in refusal(read_zip, zipped(tmp_path, {"a.csv": "1", "A.CSV": "2"}))
    assert set(read_zip(zipped(tmp_path, {"a.csv": "1", "__MACOSX/._a.csv": "x", ".DS_Store": "x"}, "m.zip"))) == {
        "a.csv"
    }
    raw = bytearray(zipped(tmp_path, {"a.csv": "1"}, "p.zip").read_bytes())
    raw[raw.find(b"PK\x01\x02") + 8] |= 1
    assert "password" in refusal(read_zip, put(tmp_path, "p.zip", bytes(raw)))
    assert "compression" in refusal(read_zip, zipped(tmp_path, {"a.csv": "1"}, "b.zip", zipfile.ZIP_BZIP2))


@settings(max_examples=60)
@given(st.data())
def test_a_zip_with_any_byte_changed_is_read_or_refused(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("z")
    raw = bytearray(zipped(folder, {"data.csv": "a,b\n1,2\n"}).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_upload(put(folder, "x.zip", bytes(raw)))
    except Refused as refused:
        assert refused.faults


# ---------------------------------------------------------------- 12-14: GeoPackage


def test_a_good_geopackage_is_read(tmp_path):
    sheet = read_upload(geopackage(tmp_path / "a.gpkg", [("C1", 420500.0, 560500.0), ("C2", 423500.0, 560500.0)])).sheet
    assert sheet.format == "gpkg" and sheet.epsg == 27700 and sheet.geometry == ("easting", "northing")
    assert list(sheet.text["service_id"]) == ["C1", "C2"] and list(sheet.text["easting"]) == ["420500", "423500"]
    areal = geopackage(tmp_path / "b.gpkg", srs=27700, shape=shapely.box(0, 0, 10, 20))
    sheet = read_upload(areal).sheet
    assert (sheet.text["easting"][1], sheet.text["northing"][1]) == ("5", "10")  # the middle of the box
    assert [fault.rule for fault in sheet.faults] == ["not-points"]


def test_12_a_view_is_refused_before_it_runs(tmp_path):
    slow = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000000) SELECT x FROM c"
    extra = f"CREATE VIEW slow AS {slow}; INSERT INTO gpkg_contents VALUES ('slow', 'features', 'slow', 27700);"
    assert "view" in refusal(read_upload, geopackage(tmp_path / "a.gpkg", extra=extra))


def test_13_a_trigger_is_refused(tmp_path):
    extra = "CREATE TRIGGER evil AFTER INSERT ON sites BEGIN DELETE FROM gpkg_contents; END;"
    db = tmp_path / "a.gpkg"
    geopackage(db, rows=(), extra=extra)
    assert "trigger" in refusal(read_upload, db)


def test_14_half_a_geopackage_and_one_that_is_none(tmp_path):
    raw = geopackage(tmp_path / "a.gpkg").read_bytes()
    assert "GeoPackage" in refusal(read_upload, put(tmp_path, "half.gpkg", raw[: len(raw) // 2]))
    plain = tmp_path / "plain.gpkg"
    with sqlite3.connect(plain) as db:
        db.execute("CREATE TABLE t (a)")
    assert "SQLite database" in refusal(read_upload, plain)
    assert "EPSG" in refusal(read_upload, geopackage(tmp_path / "c.gpkg", srs=3857))


# ---------------------------------------------------------------- 15-19: things in disguise


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"GIF89a<html><script>alert(1)</script>", "picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "XML"),
        (b"<!DOCTYPE html><p>", "XML"),
        (b"%PDF-1.7 x", "PDF"),
        (pickle.dumps({"a": 1}), "pickle"),
        (b"PAR1\x00\x00PAR1", "Parquet"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "xls"),
        (b"\x7fELF\x02\x01\x01\x00\x00\x00", "binary"),
        (b"\x1f\x8b\x08\x00aa", "gzip"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.geojson"])
def test_15_19_what_is_something_else_is_named_and_refused(tmp_path, content, word, name):
    assert word in refusal(read_upload, put(tmp_path, name, content))


def test_a_name_that_says_otherwise_is_refused(tmp_path):
    assert "holds JSON" in refusal(read_upload, put(tmp_path, "a.csv", '{"a": 1}'))
    assert "plain text" in refusal(read_upload, put(tmp_path, "a.xlsx", "a,b\n1,2\n"))


def workbook(rows, file: Path, **more) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title, other in more.items():
        sheet = book.create_sheet(title)
        for row in other:
            sheet.append(row)
    book.save(file)
    return file


@pytest.mark.parametrize(
    "entity",
    [
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_16_entities_in_a_workbook_are_refused(tmp_path, entity, encoding):
    good = workbook([["a", "b"], ["x", 1]], tmp_path / "good.xlsx")
    with zipfile.ZipFile(good) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = members["xl/worksheets/sheet1.xml"].decode()
    members["xl/worksheets/sheet1.xml"] = (entity + sheet).encode(encoding)
    assert "entity" in refusal(read_upload, zipped(tmp_path, members, "bad.xlsx"))


def test_a_workbook_is_read_as_a_person_sees_it(tmp_path):
    import datetime

    file = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Fuel poverty, 2024"])
    sheet.append([])
    sheet.append(["LSOA code", "Share", "When", "Count"])
    sheet.append(["E01000001", 0.123, datetime.date(2024, 5, 1), 3.0])
    sheet["B4"].number_format = "0.0%"
    sheet.append(["E01000002", 0.5, None, 4])
    sheet.append(["Source: DESNZ"])
    book.create_sheet("Notes").append(["Nothing here"])
    book.save(file)
    read = read_upload(file).sheet
    assert read.header_row == 3 and list(read.text.index) == [4, 5]
    assert read.text.loc[4].tolist() == ["E01000001", "12.3%", "2024-05-01", "3"]
    assert {fault.rule for fault in read.faults} == {"rows-above", "rows-below", "sheets"}
    assert "Notes" in refusal(read_upload, file, sheet="No such")


def test_a_macro_workbook_and_a_broken_one_are_refused(tmp_path):
    good = workbook([["a", "b"], ["x", 1]], tmp_path / "good.xlsx")
    with zipfile.ZipFile(good) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert "macros" in refusal(read_upload, zipped(tmp_path, {**members, "xl/vbaProject.bin": b"x"}, "m.xlsx"))
    members["xl/worksheets/sheet1.xml"] = b"<worksheet><oops"
    refusal(read_upload, zipped(tmp_path, members, "b.xlsx"))


def test_17_json_without_end_is_refused():
    assert "nested" in refusal(read_json, b"[" * 100_000 + b"]" * 100_000, "a.json")
    deep = (
        b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":null,"geometry":' + b'{"a":' * 10_000
    )
    refusal(read_table, deep, "a.geojson")


def test_18_one_line_without_end_is_refused():
    assert "one line" in refusal(read_table, b"a,b," * (2 << 20), "a.csv")
    assert "MiB" in refusal(read_table, b"a,b\n" * 1_000, "a.csv", limits=Limits(unpacked=1_000))


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_31_numbers_that_json_has_not(word):
    document = (
        f'{{"type":"FeatureCollection","features":[{{"type":"Feature","properties":{{"v":{word}}},"geometry":null}}]}}'
    )
    assert word.lstrip("-") in refusal(read_table, document.encode(), "a.geojson")


def test_limits_of_rows_columns_and_cells():
    assert "columns" in refusal(
        read_table,
        (",".join(f"c{n}" for n in range(30)) + "\n1" + ",1" * 29).encode(),
        "a.csv",
        limits=Limits(columns=20),
    )
    assert "rows" in refusal(read_table, b"a,b\n" + b"1,2\n" * 500, "a.csv", limits=Limits(rows=100))
    features = [{"type": "Feature", "properties": {"a": 1}, "geometry": None}] * 30
    raw = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    assert "features" in refusal(read_table, raw, "a.geojson", limits=Limits(rows=20))


# ---------------------------------------------------------------- GeoJSON


def collection(*features, **more) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features), **more}).encode()


def feature(geometry, **properties) -> dict:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def test_geojson_points_and_what_is_left_out():
    sheet = read_table(
        collection(
            feature(
                {"type": "Point", "coordinates": [-1.6, 54.9, 12]}, name="A", popup="<script>", n=2, deep={"a": [1]}
            ),
            feature(None, name="B"),
            feature({"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]}, name="C"),
            feature({"type": "Point", "coordinates": []}, name="D"),
            feature({"type": "Nonsense"}, name="E"),
        ),
        "a.geojson",
    )
    assert list(sheet.text.columns) == ["name", "n", "deep", "longitude", "latitude"]  # no popup
    assert sheet.text["longitude"].tolist() == ["-1.6", "", "1", "", ""] and sheet.text["n"].tolist() == [
        "2",
        "",
        "",
        "",
        "",
    ]
    assert [fault.rule for fault in sheet.faults] == ["not-points", "geometry", "geometry"]


def test_geojson_says_its_own_projection():
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}
    point = feature({"type": "Point", "coordinates": [420500, 560500]})
    assert read_table(collection(point, crs=crs), "a.geojson").geometry == ("easting", "northing")
    crs["properties"]["name"] = "urn:ogc:def:crs:EPSG::3857"
    assert "3857" in refusal(read_table, collection(point, crs=crs), "a.geojson")


# ---------------------------------------------------------------- CSV


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_36_28_encodings(encoding):
    sheet = read_table("area_code,name\nT01,Caffè £5\nT02,Zoë\n".encode(encoding), "a.csv")
    assert list(sheet.text.columns) == ["area_code", "name"] and sheet.text["name"].tolist() == ["Caffè £5", "Zoë"]
    assert [fault.rule for fault in sheet.faults] == (["encoding"] if encoding == "cp1252" else [])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(delimiter):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(
        [["code", "name", "v"], ["T01", "a, b; c", "1"], ["T02", "d|e", "2"]]
    )
    sheet = read_table(out.getvalue().encode(), "a.csv")
    assert sheet.delimiter == delimiter and sheet.text["name"].tolist() == ["a, b; c", "d|e"]
    assert sheet.decimal_comma is None  # what a comma is in a number is decided from the numbers


def test_titles_above_notes_below_and_blank_lines():
    raw = b'Fuel poverty by LSOA\nPublished 2026\n\ncode,name,value\nT01,a,1\n\nT02,"two\nlines",2\nSource: DESNZ,,\n[c] confidential\n'
    sheet = read_table(raw, "a.csv")
    assert sheet.header_row == 4 and list(sheet.text.index) == [5, 7]  # the blank line is row 6
    assert {fault.rule for fault in sheet.faults} == {"rows-above", "rows-below"}


@pytest.mark.parametrize(
    ("text", "header"),
    [
        (
            "Older people, mid-2020 estimates,,\nLSOA (2011),Aged 65 and over,All residents\nE01020590,321,1273\n",
            "LSOA (2011)",
        ),
        ("Clinics, 2024,,\n,,\nName,Kind,Postcode\nCity clinic,drop-in,NE1 4LP\n", "Name"),
        ("Name,Kind,\nCity clinic,drop-in,NE1 4LP\nWest clinic,drop-in,NE4 5PL\n", "Name"),  # a column without a name
        ("area_code,value\nT01,1\nT02,2\n", "area_code"),
        ("area,2019,2020,2021\nT01,1,2,3\n", "area"),
    ],
)
def test_a_title_with_a_comma_is_not_the_header(text, header):
    assert read_table(text.encode(), "a.csv").text.columns[0] == header


def test_ragged_rows_are_named_and_trailing_commas_are_not():
    sheet = read_table(b"a,b,c\n1,2,3,,\n1,2\n1,2,3,4\n5,6,7\n", "a.csv")
    assert [(fault.row, fault.rule, fault.severity) for fault in sheet.faults] == [(4, "ragged", "warning")]
    assert sheet.text.loc[3].tolist() == ["1", "2", ""] and 4 not in sheet.text.index
    assert [(row, cells) for row, cells, _ in sheet.kept_out] == [(4, "1 | 2 | 3 | 4")]  # kept out, counted and shown
    many = read_table(b"a,b\n" + b"1,2,3\n" * 5 + b"1,2\n" * 5, "a.csv")  # then the header is wrong, not the rows
    assert {(fault.rule, fault.severity) for fault in many.faults} == {("ragged", "error")}


def test_35_headers_that_stand_twice_or_are_empty():
    sheet = read_table(b"a,\xc2\xa0a ,,b,\n1,2,3,4,\n", "x.csv")
    assert list(sheet.text.columns) == ["a", "a (2)", "column C", "b"]
    assert [fault.rule for fault in sheet.faults] == ["header-twice"]


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"   ", b"a,b\n", b"a,b\n,\n", b"\xff\xfe"])
def test_empty_files_are_refused(tmp_path, raw):
    refusal(read_upload, put(tmp_path, "a.csv", raw))


def test_a_quotation_mark_without_end_is_refused():
    assert "quotation" in refusal(read_table, b'a,b\n"' + b"x,y\n" * 100_000, "a.csv")


@settings(max_examples=150)
@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.geojson"]))
def test_any_bytes_are_read_or_refused(raw, name):
    try:
        sheet = read_table(raw, name)
    except Refused as refused:
        assert refused.faults
    else:
        assert isinstance(sheet.text, pd.DataFrame)


@settings(max_examples=60)
@given(
    st.lists(
        st.lists(
            st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=5),
            min_size=3,
            max_size=3,
        ),
        min_size=2,
        max_size=6,
    )
)
def test_what_csv_writes_is_read_back(rows):
    out = io.StringIO()
    csv.writer(out).writerows([["first", "second", "third"], *rows])
    sheet = read_table(out.getvalue().encode(), "a.csv")
    expected = list(rows)
    while expected and sum(1 for cell in expected[-1] if cell.strip()) <= 1:
        expected.pop()
    expected = [row for row in expected if any(row)]
    if sheet.delimiter == ",":
        assert sheet.text.to_numpy().tolist() == expected


# ---------------------------------------------------------------- the child process


def test_the_child_is_stopped_when_it_takes_too_long(tmp_path):
    file = workbook([["a", "b"], ["x", 1]], tmp_path / "a.xlsx")
    assert "within 0.01 seconds" in refusal(read_upload, file, limits=Limits(wall_s=0.01))
    assert "memory" in refusal(read_upload, file, limits=Limits(memory=64 << 20))


def test_a_whole_package_in_a_zip(tmp_path):
    document = {"name": "a", "resources": [{"path": "t.csv"}], "commonground": {"kind": "indicator"}}
    members = {
        "p/datapackage.json": json.dumps(document),
        "p/t.csv": "area_code,value\nT01,1\n",
        "p/readme.md": "hello",
    }
    upload = read_upload(zipped(tmp_path, members))
    assert upload.document["name"] == "a" and upload.sheet.text["area_code"].tolist() == ["T01"]
    assert "2 tables" in refusal(read_upload, zipped(tmp_path, {"a.csv": "a,b\n1,2\n", "b.csv": "a,b\n1,2\n"}))
    assert "no table" in refusal(read_upload, zipped(tmp_path, {"readme.md": "x"}))


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    read_upload(geopackage(tmp_path / "a.gpkg"))
    refusal(read_upload, put(tmp_path, "b.gpkg", b"SQLite format 3\0" + b"\0" * 52 + b"GPKG" + b"\0" * 100))
    assert list((tmp_path / "t").iterdir()) == []


def test_gdal_is_never_loaded():
    import subprocess
    import sys

    code = (
        "import layers.reading.validate, layers.reading.files, sys; "
        "print(any(name in sys.modules for name in ('pyogrio', 'geopandas', 'fiona')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(reading.__file__).parents[2]
    )
    assert done.stdout.strip() == "False", done.stderr
