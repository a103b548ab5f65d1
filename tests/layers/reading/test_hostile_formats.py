"""Strangers' files of the formats beside CSV, XLSX and GeoPackage: what is in them, and what is tried with them."""

from __future__ import annotations

import io
import json
import struct
import zipfile

import pytest

from layers.model import Refused
from layers.reading.files import Limits, read_upload

ODS = "application/vnd.oasis.opendocument.spreadsheet"
HEAD = (
    '<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0">'
    "<office:body><office:spreadsheet>"
)
TAIL = "</office:spreadsheet></office:body></office:document-content>"


def refusal(path, **more) -> str:
    with pytest.raises(Refused) as refused:
        read_upload(path, **more)
    return str(refused.value)


def cell(value, more="") -> str:
    if isinstance(value, str):
        return f'<table:table-cell office:value-type="string"{more}><text:p>{value}</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="float" office:value="{value}"{more}><text:p>{value}</text:p></table:table-cell>'


def row(*cells, more="") -> str:
    return f"<table:table-row{more}>{''.join(one if one.startswith('<') else cell(one) for one in cells)}</table:table-row>"


def ods(path, *sheets, head=HEAD, **extra):
    """A workbook of OpenDocument; ``sheets`` are the rows of each."""
    tables = "".join(f'<table:table table:name="S{at + 1}">{rows}</table:table>' for at, rows in enumerate(sheets))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("mimetype"), ODS)
        archive.writestr("content.xml", head + tables + TAIL)
        manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">{}</manifest:manifest>'
        entry = f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{ODS}"/>'
        archive.writestr("META-INF/manifest.xml", manifest.format(entry + extra.pop("manifest", "")))
        for name, content in extra.items():
            archive.writestr(name, content)
    return path


CODES = ["T01", "T02", "T03"]


# ---------------------------------------------------------------- OpenDocument


def test_an_opendocument_workbook_reads_as_it_is_shown(tmp_path):
    percent = '<table:table-cell office:value-type="percentage" office:value="0.123"><text:p>12.3%</text:p></table:table-cell>'
    rows = row("code", "share", "n") + "".join(row(code, percent, cell(7.0)) for code in CODES)
    sheet = read_upload(ods(tmp_path / "a.ods", rows)).sheet
    assert sheet.format == "ods" and sheet.sheet == "S1" and sheet.text["code"].tolist() == CODES
    assert sheet.text["share"].tolist() == ["12.3%"] * 3 and sheet.text["n"].tolist() == ["7"] * 3


def test_hidden_rows_and_merged_cells_of_opendocument(tmp_path):
    merged = cell("T01", ' table:number-rows-spanned="2" table:number-columns-spanned="1"')
    rows = (
        row("code", "year", "n") + row(merged, cell(2021.0), cell(1.0))
        + row("<table:covered-table-cell/>", cell(2022.0), cell(2.0))
        + row("T02", cell(2021.0), cell(3.0), more=' table:visibility="filter"')
    )  # fmt: skip
    sheet = read_upload(ods(tmp_path / "a.ods", rows)).sheet
    assert sheet.text["code"].tolist() == ["T01", "T01", "T02"] and sheet.hidden == (4,)


def test_a_row_repeated_without_end_is_refused_or_ends(tmp_path):
    rows = (
        row("code", "n") + row("T01", cell(1.0)) + row("T02", cell(2.0), more=' table:number-rows-repeated="1048000"')
    )
    said = refusal(ods(tmp_path / "a.ods", rows), limits=Limits(rows=1000, cells=50_000))
    assert "too large" in said or "more time or memory" in said


def test_empty_rows_to_the_end_of_the_sheet_cost_nothing(tmp_path):
    wide = '<table:table-cell table:number-columns-repeated="16384"/>'
    empty = f'<table:table-row table:number-rows-repeated="1048000">{wide}</table:table-row>'
    rows = row("code", "n") + "".join(row(code, cell(1.0)) for code in CODES) + empty
    assert len(read_upload(ods(tmp_path / "a.ods", rows)).sheet.text) == 3


def test_an_opendocument_bomb_is_stopped_before_it_is_read(tmp_path):
    rows = row("code", "n") + row("T01", cell("A" * 20_000_000))
    assert "unpacks to more" in refusal(ods(tmp_path / "a.ods", rows))


@pytest.mark.parametrize("name", ["content.xml"])
def test_an_entity_is_refused(tmp_path, name):
    head = HEAD.replace(
        '<?xml version="1.0"?>', '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    )
    assert "XML entity" in refusal(ods(tmp_path / "a.ods", row("code", "n") + row("T01", cell("&a;")), head=head))


def test_a_password_and_macros_are_refused(tmp_path):
    rows = row("code", "n") + row("T01", cell(1.0))
    assert "password" in refusal(ods(tmp_path / "a.ods", rows, manifest="<manifest:encryption-data/>"))
    assert "macros" in refusal(ods(tmp_path / "b.ods", rows, **{"Basic/Standard/script-lb.xml": "x"}))


def test_a_text_document_is_no_workbook(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr(zipfile.ZipInfo("mimetype"), "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", "<a/>")
    refusal(tmp_path / "a.ods")


# ---------------------------------------------------------------- old Excel workbooks


@pytest.mark.parametrize("size", [8, 512, 5000])
def test_an_old_workbook_of_noise_is_refused(tmp_path, size):
    file = tmp_path / "a.xls"
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(at * 37 % 256 for at in range(size)))
    assert "damaged" in refusal(file) or "memory" in refusal(file)


def test_a_locked_workbook_says_so(tmp_path):
    file = tmp_path / "a.xlsx"
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"))
    assert "password" in refusal(file)


def test_a_word_document_is_called_by_what_it_is_not(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    assert "is called .csv but holds an old Excel workbook" in refusal(file)


def test_a_binary_workbook_of_nothing_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsb", "w") as archive:
        archive.writestr("xl/workbook.bin", b"\x83\x01" * 200)
    refusal(tmp_path / "a.xlsb")


# ---------------------------------------------------------------- KML


def kml(path, inner, head='<?xml version="1.0"?>'):
    path.write_text(f'{head}<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{inner}</Document></kml>', "utf-8")
    return path


MARK = "<Placemark><name>{}</name><Point><coordinates>{}</coordinates></Point></Placemark>"


def test_placemarks_with_their_data(tmp_path):
    data = '<ExtendedData><Data name="Postcode"><value>NE1 4ST</value></Data></ExtendedData>'
    shape = "<Placemark><name>Park</name><Polygon><outerBoundaryIs><LinearRing><coordinates>-1.6,54.9 -1.6,55.0 -1.5,55.0 -1.6,54.9</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>"  # noqa: E501
    inner = MARK.format("Hub", "-1.61,54.97,0").replace("</name>", f"</name>{data}") + shape
    sheet = read_upload(kml(tmp_path / "a.kml", inner)).sheet
    assert sheet.text.loc[1].tolist() == ["Hub", "NE1 4ST", "-1.61", "54.97"] and sheet.epsg == 4326
    assert float(sheet.text.loc[2, "longitude"]) == pytest.approx(-1.55) and "1 shapes are not points" in str(
        sheet.faults
    )


def test_a_kml_in_a_kmz(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.kmz", "w") as archive:
        archive.write(kml(tmp_path / "doc.kml", MARK.format("Hub", "-1.61,54.97")), "doc.kml")
        archive.writestr("files/icon.png", b"\x89PNG")
    assert read_upload(tmp_path / "a.kmz").sheet.text["name"].tolist() == ["Hub"]


@pytest.mark.parametrize(
    "head",
    [
        '<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<?xml version="1.0"?><!DOCTYPE kml SYSTEM "http://127.0.0.1:1/x.dtd">',
    ],
)
def test_a_kml_that_declares_anything_is_refused(tmp_path, head):
    assert "XML entity" in refusal(kml(tmp_path / "a.kml", MARK.format("&x;", "1,2"), head))


def test_a_link_to_another_file_is_not_followed(tmp_path):
    (tmp_path / "secret.kml").write_text("<kml/>")
    link = "<NetworkLink><Link><href>secret.kml</href></Link></NetworkLink>"
    assert "is not followed" in refusal(kml(tmp_path / "a.kml", link))


def test_a_kml_without_end_and_one_of_great_depth(tmp_path):
    assert "nested too deeply" in refusal(kml(tmp_path / "a.kml", "<Folder>" * 500))
    (tmp_path / "b.kml").write_text('<kml xmlns="x"><Placemark><name>a', "utf-8")
    assert "damaged" in refusal(tmp_path / "b.kml")
    many = "".join(MARK.format(at, "-1.6,54.9") for at in range(50))
    assert "more than 20 placemarks" in refusal(kml(tmp_path / "c.kml", many), limits=Limits(rows=20))
    odd = read_upload(kml(tmp_path / "d.kml", MARK.format("a", "nan,inf x,y 1e999,0"))).sheet
    assert odd.text["name"].tolist() == ["a"] and odd.geometry == ()


# ---------------------------------------------------------------- shapefile


BRITISH = 'PROJCS["British_National_Grid",GEOGCS["GCS_OSGB_1936"]]'


def shapes(path, points, *, prj=BRITISH, without=(), **more):
    import shapefile

    parts = {end: io.BytesIO() for end in ("shp", "shx", "dbf")}
    with shapefile.Writer(**parts, shapeType=shapefile.POINT) as writer:
        writer.field("name", "C", 40)
        for at, point in enumerate(points):
            writer.point(*point)
            writer.record(f"Site {at}")
    with zipfile.ZipFile(path, "w") as archive:
        for end, content in parts.items():
            if end not in without:
                archive.writestr(f"sites/a.{end}", more.get(end, content.getvalue()))
        if prj:
            archive.writestr("sites/a.prj", prj)
    return path


def test_a_zipped_shapefile(tmp_path):
    sheet = read_upload(shapes(tmp_path / "a.zip", [(425374, 561243), (425500, 561000)])).sheet
    assert sheet.epsg == 27700 and sheet.text.loc[1].tolist() == ["Site 0", "425374", "561243"]
    degrees = read_upload(shapes(tmp_path / "b.zip", [(-1.6, 54.9)], prj='GEOGCS["GCS_WGS_1984"]')).sheet
    assert degrees.epsg == 4326 and degrees.text["longitude"].tolist() == ["-1.6"]


def test_a_shapefile_whose_parts_are_missing_or_lie(tmp_path):
    assert "without its .dbf" in refusal(shapes(tmp_path / "a.zip", [(1, 2)], without=("dbf",)))
    assert "no .prj" in refusal(shapes(tmp_path / "b.zip", [(1, 2)], prj=""))
    assert "another system" in refusal(shapes(tmp_path / "c.zip", [(1, 2)], prj='PROJCS["WGS_84_Pseudo_Mercator"]'))
    cut = shapes(tmp_path / "d.zip", [(1, 2)], shp=b"\x00\x00\x27\x0a" + b"\0" * 40)
    refusal(cut)
    noise = shapes(tmp_path / "e.zip", [(1, 2)], dbf=b"\x03" + struct.pack("<I", 1 << 31) + b"\xff" * 200)
    refusal(noise)
    many = shapes(tmp_path / "f.zip", [(425374, 561243)] * 60)
    assert "more than 20 rows" in refusal(many, limits=Limits(rows=20))


def test_two_shapefiles_are_not_chosen_between(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("a", "b"):
            archive.writestr(f"{name}.shp", b"x")
            archive.writestr(f"{name}.dbf", b"x")
    assert "2 shapefiles" in refusal(tmp_path / "a.zip")


# ---------------------------------------------------------------- Open Referral UK


def feed(path, services, **page):
    path.write_text(json.dumps({"total_pages": 1, "contents": services, **page}), "utf-8")
    return path


def service(number, **more):
    location = {
        "latitude": 54.97,
        "longitude": -1.61,
        "addresses": [{"address_1": "1 High St", "postal_code": "NE1 4ST"}],
    }
    place = {"id": f"l{number}", "location": location}
    return {"id": f"s{number}", "name": f"Service {number}", "service_at_locations": [place]} | more


def test_a_service_at_two_places_is_two_rows(tmp_path):
    two = service(1)
    two["service_at_locations"] = two["service_at_locations"] * 1 + [
        {"id": "l9", "location": {"latitude": 55, "longitude": -1.5}}
    ]
    sheet = read_upload(feed(tmp_path / "a.json", [two, service(2)])).sheet
    assert sheet.format == "open-referral" and sheet.text["service_id"].tolist() == ["l1", "l9", "s2"]
    assert sheet.text["postcode"].tolist() == ["NE1 4ST", "", "NE1 4ST"]


def test_one_id_for_many_services_and_one_page_of_many_stop(tmp_path):
    same = read_upload(feed(tmp_path / "a.json", [service(1)] * 128)).sheet
    assert [(fault.rule, fault.severity) for fault in same.faults] == [("duplicate-service", "error")]
    assert "128 services have the same id, s1" in same.faults[0].what
    page = read_upload(feed(tmp_path / "b.json", [service(1)], total_pages=9, page_number=1)).sheet
    assert [fault.rule for fault in page.faults] == ["one-page"]


def test_services_without_a_place_are_said(tmp_path):
    bare = [{"id": f"s{at}", "name": "x", "organization": {"name": "o"}} for at in range(3)]
    assert [fault.rule for fault in read_upload(feed(tmp_path / "a.json", bare)).sheet.faults] == ["no-place"]


@pytest.mark.parametrize("odd", [[], [1], {"a": 1}, [{"id": 1}], {"contents": [None]}, {"contents": {}}])
def test_other_json_is_refused(tmp_path, odd):
    (tmp_path / "a.json").write_text(json.dumps(odd), "utf-8")
    assert "FeatureCollection" in refusal(tmp_path / "a.json")


def test_made_up_values_in_a_feed_are_text_or_nothing(tmp_path):
    odd = service(1, name={"x": 1}, url=["a"], organization="o", schedules="x", attributes=[None, {"taxonomy_term": 3}])
    odd["service_at_locations"][0]["location"] |= {"latitude": [1], "addresses": "x"}
    sheet = read_upload(feed(tmp_path / "a.json", [odd, service(2)])).sheet
    assert sheet.text.loc[1, ["name", "latitude"]].tolist() == ["", ""]
