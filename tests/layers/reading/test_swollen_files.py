"""Small files that say much: what they may make of this process is counted, in rows, cells and letters, not in seconds."""

from __future__ import annotations

import zipfile

import pytest

from layers.model import Refused
from layers.reading import files as reading
from layers.reading.files import Limits, read_upload

SHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PARTS = {"shared": "sharedStrings", "styles": "styles"}


def cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


HEAD = f"<row>{cell('area_code')}{cell('value')}</row>"
RECORD = f"<row>{cell('E01000001')}<c><v>1</v></c></row>"


ONE, SHARED, FORMAT, MERGED = (
    "<c><v>1</v></c>",
    '<c t="s"><v>0</v></c>',
    '<xf numFmtId="0"/>',
    '<mergeCell ref="A9:B9"/>',
)


def row(cells: str) -> str:
    return f"<row>{cells}</row>"


def rows(*parts: str) -> str:
    return f"<sheetData>{''.join(parts)}</sheetData>"


def book(file, *sheets: str, shared: str = "", styles: str = ""):
    """A workbook of raw parts, as no program would write it."""
    extra = {name: text for name, text in (("shared", shared), ("styles", styles)) if text}
    kinds = [(f"/xl/worksheets/sheet{n}.xml", "worksheet") for n, _ in enumerate(sheets)]
    kinds += [("/xl/workbook.xml", "sheet.main"), *((f"/xl/{PARTS[name]}.xml", PARTS[name]) for name in extra)]
    targets = [(f"s{n}", "worksheet", f"worksheets/sheet{n}.xml") for n, _ in enumerate(sheets)]
    targets += [(name, PARTS[name], f"{PARTS[name]}.xml") for name in extra]
    links = "".join(f'<Relationship Id="{i}" Type="{OFFICE}/{kind}" Target="{to}"/>' for i, kind, to in targets)
    types = "".join(f'<Override PartName="{part}" ContentType="{WORKBOOK}.{kind}+xml"/>' for part, kind in kinds)
    names = "".join(f'<sheet name="s{n}" sheetId="{n + 1}" r:id="s{n}"/>' for n, _ in enumerate(sheets))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
            f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{types}</Types>',
        )
        whole = f'<Relationship Id="r" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}/relationships">{whole}</Relationships>')
        archive.writestr("xl/workbook.xml", f'<workbook {SHEET} xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>')
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'
        )
        for n, sheet in enumerate(sheets):
            archive.writestr(f"xl/worksheets/sheet{n}.xml", f"<worksheet {SHEET}>{sheet}</worksheet>")
        for name, text in extra.items():
            archive.writestr(f"xl/{PARTS[name]}.xml", text)
    return file


@pytest.fixture
def across(monkeypatch):
    """What the child process hands to this one: rows, cells and letters of each file that is read."""
    seen, really = [], reading._apart

    def count(*given):
        about, columns = really(*given)
        letters = sum(len(text) for column in columns for text in column)
        seen.append((len(columns[0]) if columns else 0, sum(map(len, columns)), letters))
        return about, columns

    monkeypatch.setattr(reading, "_apart", count)
    return seen


HARMLESS = {
    "a sheet that says that it is enormous": '<dimension ref="A1:XFD1048576"/>' + rows(HEAD, RECORD),
    "a record far below": rows(HEAD, f'<row r="499000">{cell("E01000001")}<c><v>1</v></c></row>'),
    "half a million empty rows": rows(HEAD, RECORD, "<row/>" * 400_000),
    "formats without values": rows(HEAD, RECORD, row('<c s="0"/>' * 400) * 700),
    "formats to the last column": rows(HEAD, RECORD, '<row><c r="XFD3"/></row>' * 500),
    "merged ranges": rows(HEAD, RECORD)
    + "<mergeCells>"
    + '<mergeCell ref="A9:XFD1048576"/>' * 50_000
    + "</mergeCells>",
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_is_empty_is_not_handed_on(kind, tmp_path, across):
    file = book(tmp_path / "a.xlsx", HARMLESS[kind])
    assert file.stat().st_size < 170_000
    sheet = read_upload(file).sheet
    assert sheet.text.iloc[0].tolist() == ["E01000001", "1"] and len(sheet.text) == 1
    assert across == [(2, 6, across[0][2])] and across[0][2] < 60


def test_rows_keep_the_numbers_that_a_person_sees(tmp_path, across):
    record = f'<row r="12">{cell("E01000002")}<c><v>2</v></c></row>'
    sheet = read_upload(book(tmp_path / "a.xlsx", rows('<row r="4"/>', HEAD, "<row/><row/>", RECORD, record))).sheet
    assert (sheet.header_row, sheet.text.index.tolist()) == (5, [8, 12])
    assert "the 4 rows above the header" in str(sheet.faults[0])


SWOLLEN = {
    "a million cells": {"sheets": [rows(HEAD, row(ONE * 500) * 2_000)]},
    "half a million records": {"sheets": [rows(HEAD, row(ONE * 2) * 450_000)]},
    "references to one text": {
        "sheets": [rows(HEAD, row(SHARED * 2) * 400_000)],
        "shared": f"<sst {SHEET}><si><t>E01000001</t></si></sst>",
    },
    "two million texts": {
        "sheets": [rows(HEAD, RECORD)],
        "shared": f"<sst {SHEET}>{'<si><t>a</t></si>' * 2_000_000}</sst>",
    },
    "a million formats": {
        "sheets": [rows(HEAD, RECORD)],
        "styles": f"<styleSheet {SHEET}><cellXfs>{FORMAT * 1_000_000}</cellXfs></styleSheet>",
    },
    "a million merged ranges": {"sheets": [rows(HEAD) + f"<mergeCells>{MERGED * 1_000_000}</mergeCells>"]},
    "many sheets": {"sheets": [rows(HEAD, row(ONE * 10) * 4_000)] * 90},
}


@pytest.mark.parametrize("kind", SWOLLEN)
def test_a_small_workbook_that_grows_is_refused_before_anybody_opens_it(kind, tmp_path, across):
    parts = dict(SWOLLEN[kind])
    file = book(tmp_path / "a.xlsx", *parts.pop("sheets"), **parts)
    assert file.stat().st_size < 300_000
    with pytest.raises(Refused, match=r"unpacks to more than .* too much for its size"):
        read_upload(file)
    assert across == []


def test_one_long_text_in_every_cell_does_not_come_across(tmp_path, across):
    shared = f"<sst {SHEET}><si><t>{'x' * 4_000}</t></si></sst>"
    file = book(tmp_path / "a.xlsx", rows(HEAD, row(SHARED * 20) * 300), shared=shared)
    with pytest.raises(Refused, match="letters"):
        read_upload(file)
    assert across == []


def test_a_zip_with_a_table_that_grows_is_refused(tmp_path):
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", "area_code,value\n" + "0,0\n" * 3_000_000)
    with pytest.raises(Refused, match="too much for its size"):
        read_upload(file)


def test_tables_as_programs_write_them_pass(tmp_path, across):
    import openpyxl

    made = openpyxl.Workbook(write_only=True)
    sheet = made.create_sheet("a")
    sheet.append(["area_code", *(f"withheld {n}" for n in range(60))])
    for n in range(3_000):
        sheet.append([f"E0100{n:04d}", *["c"] * 60])
    made.save(tmp_path / "a.xlsx")
    assert read_upload(tmp_path / "a.xlsx").sheet.text.shape == (3_000, 61)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", "area_code,value\n" + "".join(f"E01{n:06d},0\n" for n in range(400_000)))
    assert len(read_upload(tmp_path / "a.zip").sheet.text) == 400_000


def test_a_header_of_blanks_is_looked_at_once(tmp_path):
    """Each blank taken off by copying the rest would be 90 thousand million copies."""
    file = tmp_path / "a.csv"
    file.write_text("area_code,value" + "," * 300_000 + "\nE01000001,1\nE01000002,2,,\n")
    assert read_upload(file).sheet.text.columns.tolist() == ["area_code", "value"]
    file.write_text("a,b,,,\n1,2,,7,\n3,4\n")
    text = read_upload(file).sheet.text
    assert text.columns.tolist() == ["a", "b", "column D"] and text["column D"].tolist() == ["7", ""]


def test_what_may_come_out_of_a_zip_grows_with_it():
    limits = Limits()
    assert limits.of_zip(170_000) < 12 << 20 < limits.of_zip(1 << 20) < limits.of_zip(100 << 20) == limits.unpacked
