"""The six formats of a layer read back as the same numbers, and no cell of a spreadsheet runs."""

from __future__ import annotations

import dataclasses
import io
import json
import sqlite3

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely

from dashboard.exports import formats_of, safe_cell, write, write_whole
from dashboard.views.values import values_export
from layers import PUBLIC, VALUES

NUMBERS = VALUES[1:-1]


def read_back(data: bytes, form: str, folder) -> pd.DataFrame:
    """The file as a frame with the columns of VALUES (and more)."""
    if form == "csv":
        return pd.read_csv(io.BytesIO(data), keep_default_na=False, na_values=[""])
    if form == "json":
        return pd.DataFrame(json.loads(data)["values"])
    if form == "geojson":
        return pd.DataFrame([feature["properties"] for feature in json.loads(data)["features"]])
    if form == "parquet":
        return pd.read_parquet(io.BytesIO(data))
    if form == "xlsx":
        return pd.read_excel(io.BytesIO(data))
    file = folder / "values.gpkg"
    file.write_bytes(data)
    return gpd.read_file(file)


@pytest.mark.parametrize("form", formats_of("values"))
@pytest.mark.parametrize(
    ("layer", "level"), [("harm", "lsoa"), ("crowded", "lsoa"), ("harm", "lad"), ("poverty-rank", "ward")]
)
def test_every_format_reads_back_equal(tiny, tmp_path, form, layer, level):
    values = tiny.store.values(layer, level, PUBLIC)
    frame = read_back(write(values_export(tiny, values), form), form, tmp_path)
    expected = values.frame
    assert frame["area_code"].tolist() == expected["area_code"].tolist()
    assert frame["status"].astype(str).tolist() == expected["status"].astype(str).tolist()
    for name in NUMBERS:
        given = pd.to_numeric(frame[name]).to_numpy(dtype="float64")
        # nine figures at least; what is missing stays missing and never becomes 0
        np.testing.assert_allclose(given, expected[name].to_numpy(dtype="float64"), rtol=1e-9, equal_nan=True)


@pytest.mark.parametrize("form", formats_of("values"))
def test_every_file_of_a_demonstration_says_so(tiny, tmp_path, form):
    data = write(values_export(tiny, tiny.store.values("harm", "ward", PUBLIC)), form)
    if form == "json":
        assert json.loads(data)["notice"] == tiny.region.notice
    else:
        assert set(read_back(data, form, tmp_path)["notice"]) == {tiny.region.notice}


@pytest.mark.parametrize("form", formats_of("values"))
def test_no_file_of_a_real_region_speaks_of_a_demonstration(lonely, tmp_path, form):
    data = write(values_export(lonely, lonely.store.values("plain", "lsoa", PUBLIC)), form)
    assert b"Demonstration" not in data
    assert "notice" not in read_back(data, form, tmp_path).columns


def test_the_files_with_shapes_lie_in_the_right_place(tiny, tmp_path):
    values = tiny.store.values("harm", "lsoa", PUBLIC)
    for form in ("gpkg", "geojson"):
        file = tmp_path / f"values.{form}"
        file.write_bytes(write(values_export(tiny, values), form))
        frame = gpd.read_file(file)
        assert frame.crs.to_epsg() == 4326
        outlines = tiny.region.areas["lsoa"].geometry.to_numpy()
        apart = shapely.area(shapely.symmetric_difference(frame.geometry.to_numpy(), outlines))
        # six decimals: an edge of 0.016 degrees may move by half of 0.000001, and there are four
        assert apart.max() < 4 * 0.016 * 1e-6


def test_a_geopackage_is_one_with_the_layer_s_name(tiny, tmp_path):
    file = tmp_path / "values.gpkg"
    file.write_bytes(write(values_export(tiny, tiny.store.values("harm", "lsoa", PUBLIC)), "gpkg"))
    with sqlite3.connect(file) as connection:
        assert connection.execute("select table_name from gpkg_contents").fetchall() == [("harm",)]


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://example.org")', "\0=1"]


@pytest.fixture()
def hostile(tiny):
    """Values of a layer whose every text would run as a formula."""
    values = tiny.store.values("harm", "ward", PUBLIC)
    descriptor = dataclasses.replace(values.layer.descriptor, title="=1+1", unit='=HYPERLINK("http://example.org")')
    return dataclasses.replace(values, layer=dataclasses.replace(values.layer, descriptor=descriptor))


def test_an_excel_file_holds_text_as_text_and_numbers_as_numbers(tiny, hostile):
    sheet = openpyxl.load_workbook(io.BytesIO(write(values_export(tiny, hostile), "xlsx"))).active
    head = [cell.value for cell in sheet[1]]
    kinds = {name: {row[n].data_type for row in sheet.iter_rows(min_row=2)} for n, name in enumerate(head)}
    assert "f" not in set().union(*kinds.values())
    assert kinds["title"] == kinds["unit"] == {"s"}
    assert kinds["value"] == {"n"}
    row = dict(zip(head, (cell.value for cell in sheet[2]), strict=True))
    assert row["title"] == "'=1+1"


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_would_run_is_defused_and_other_text_is_left_alone(text):
    assert safe_cell(text) == f"'{text}"
    assert safe_cell("St. Mary's = 1") == "St. Mary's = 1"
    assert safe_cell("") == ""


def test_negative_numbers_stay_numbers(tiny):
    values = tiny.store.values("harm", "ward", PUBLIC)
    frame = values.frame
    frame["value"] = -frame["value"]
    values = dataclasses.replace(values, _frame=frame)
    rows = write(values_export(tiny, values), "csv").decode().splitlines()
    assert float(rows[1].split(",")[1]) < 0


def test_an_export_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    from pathlib import Path

    target = tmp_path / "folder" / "values.csv"
    write_whole(target, b"first")
    assert target.read_bytes() == b"first"

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(target, b"second")
    monkeypatch.undo()
    assert [file.name for file in target.parent.iterdir()] == ["values.csv"]
    assert target.read_bytes() == b"first"
