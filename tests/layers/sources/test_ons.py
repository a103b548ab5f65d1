"""The readers of official files: good ones in every format, bad ones with what, where and what to do."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import GeometryCollection, LineString, box

from layers.sources import ons
from tests.tiny_official import write_tiny_official

REAL = Path(__file__).parents[3] / "../shared/data"


@pytest.fixture
def source(tmp_path):
    return write_tiny_official(tmp_path)


def faults_of(file, source) -> str:
    faults = []
    assert ons.read(file, source, faults) is None
    return "\n".join(str(fault) for fault in faults)


def test_every_official_file_is_read_tidy(source):
    faults = []
    frames = {file.path: ons.read(file, source, faults) for file in ons.FILES}
    assert not faults
    lsoa = frames["boundaries/LSOA_2021_EW"]
    assert list(lsoa.columns) == ["code", "name", "geometry"] and lsoa.crs.to_epsg() == 4326 and len(lsoa) == 17
    assert list(frames["lookups/LSOA21_WD24_LAD24_EW_LU"].columns) == [
        "code",
        "name",
        "ward_code",
        "ward_name",
        "lad_code",
        "lad_name",
    ]
    # An authority with two community safety partnerships has one police force.
    police = frames["lookups/LAD24_CSP24_PFA24_EW_LU"]
    assert list(police.columns) == ["lad_code", "body_code", "body_name"] and len(police) == 3
    assert frames["indicators/population_lsoa21"]["population"].dtype == float


def test_a_table_may_be_plain_or_compressed_with_a_byte_order_mark_and_headers_in_any_case(source):
    path = source / "lookups/LSOA21_WD24_LAD24_EW_LU.csv.gz"
    table = pd.read_csv(path, dtype=str).rename(columns=str.lower)
    path.unlink()
    table.to_csv(path.with_suffix(""), index=False, encoding="utf-8-sig")
    faults = []
    assert len(ons.read(ons.BEST_FIT, source, faults)) == 17 and not faults


@pytest.mark.parametrize(("ending", "driver"), [(".geojson", "GeoJSON"), (".gpkg", "GPKG")])
def test_outlines_may_be_geojson_or_geopackage(source, ending, driver):
    path = source / "boundaries/LSOA_2021_EW.parquet"
    frame = gpd.read_parquet(path)
    path.unlink()
    if driver == "GPKG":
        frame = frame.to_crs("EPSG:27700")  # the portal's own projection
    frame.to_file(path.with_suffix(ending), driver=driver)
    faults = []
    found = ons.read(ons.LSOA_2021, source, faults)
    assert not faults and len(found) == 17 and found.crs.to_epsg() == 4326


def test_a_file_that_only_calls_itself_geojson_is_not_opened_as_something_else(source):
    (source / "boundaries/LSOA_2021_EW.parquet").unlink()
    vrt = '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
    (source / "boundaries/LSOA_2021_EW.geojson").write_text(vrt, "utf-8")
    assert "cannot be read" in faults_of(ons.LSOA_2021, source)


def test_a_stray_line_beside_a_polygon_is_left_out(source):
    path = source / "boundaries/LSOA_2021_EW.parquet"
    frame = gpd.read_parquet(path)
    mixed = GeometryCollection([frame.geometry.iloc[0], LineString([(-1, 55), (-1, 55.1)])])
    frame.geometry = [mixed, *frame.geometry.iloc[1:]]
    frame.to_parquet(path)
    faults = []
    found = ons.read(ons.LSOA_2021, source, faults)
    assert not faults and found.geometry.iloc[0].geom_type == "MultiPolygon"


def test_outlines_elsewhere_or_without_coordinates_are_refused(source):
    path = source / "boundaries/LAD_2024_UK.parquet"
    frame = gpd.read_parquet(path)
    frame.set_geometry([box(54, -2, 55, -1)] * 4, crs="EPSG:4326").to_parquet(path)
    assert "not in the United Kingdom" in faults_of(ons.LADS_2024, source)
    frame.set_crs(None, allow_override=True).to_parquet(path)
    assert "does not say which coordinates" in faults_of(ons.LADS_2024, source)
    frame.set_geometry([None, *frame.geometry.iloc[1:]], crs="EPSG:4326").to_parquet(path)
    assert "1 areas have no outline, first E08000021" in faults_of(ons.LADS_2024, source)


def test_a_plain_table_cut_in_the_middle_of_a_line_is_refused(source):
    path = source / "lookups/LAD24_FRA24_EW_LU.csv"
    path.write_text(path.read_text("utf-8")[:-18], "utf-8")
    text = faults_of(ons.FIRE, source)
    assert "row 4, column FRA24CD" in text and "cut short" in text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be read"),
        (b"LAD24CD,FRA24CD,FRA24NM\n", "holds no rows"),
        (b"\xff\xfe\x00\x01", "cannot be read"),
        (b"<html><body>Not found</body></html>", "LAD24CD is missing"),
        (b"LAD23CD,FRA23CD,FRA23NM\nE06000001,E31000001,A\n", "LAD23CD is there: this file is of another vintage"),
        (b"LAD24CD,FRA24CD,FRA24NM\nS12000001,E31000001,A\n", "first 'S12000001'"),
        (b"LAD24CD,FRA24CD,FRA24NM\nE06000001,E31000001,A\nE06000001,E31000002,B\n", "row 3, column LAD24CD"),
    ],
)
def test_each_bad_table_is_refused(source, content, words):
    (source / "lookups/LAD24_FRA24_EW_LU.csv").write_bytes(content)
    assert words in faults_of(ons.FIRE, source)


def test_populations_must_be_numbers(source):
    path = source / "indicators/population_lsoa21.parquet"
    frame = pd.read_parquet(path).astype({"population": object})
    frame.loc[2, "population"] = "c"
    frame.astype(str).to_parquet(path)
    text = faults_of(ons.POPULATION, source)
    assert "row 4, column population: 1 values are not numbers" in text


def test_populations_from_the_official_workbook(source):
    (source / "indicators/population_lsoa21.parquet").unlink()
    rows = [
        ["LAD 2021 Code", "LSOA 2021 Code", "LSOA 2021 Name", "Total", "F0"],
        ["E06000001", "E01000001", "A", 1500, 9],
    ]
    book = pd.DataFrame([["Mid-2022 estimates"], [None], [None], *rows])
    path = source / "indicators/population_lsoa21.xlsx"
    book.to_excel(path, sheet_name="Mid-2022 LSOA 2021", header=False, index=False)
    faults = []
    found = ons.read(ons.POPULATION, source, faults)
    assert not faults and found.to_dict("records") == [{"code": "E01000001", "population": 1500.0}]
    book.to_excel(path, sheet_name="Mid-2020", header=False, index=False)
    assert "there is no sheet 'Mid-2022 LSOA 2021'; it has Mid-2020" in faults_of(ons.POPULATION, source)


def test_parts_of_a_ward_are_joined_and_repeats_refused(source):
    path = source / "boundaries/WD_2022_UK.parquet"
    frame = gpd.read_parquet(path)
    parts = frame.assign(WD22CD=frame["WD22CD"].replace({"E05000003": "E05000001"}))
    parts["WD22NM"] = ["South West (part A)", *frame["WD22NM"].iloc[1:]]
    parts.to_parquet(path)
    faults = []
    found = ons.read(ons.WARDS_2022, source, faults)
    assert not faults and len(found) == 5
    assert found.set_index("code").loc["E05000001", "name"] == "South West"
    pd.concat([frame, frame.iloc[[1]]]).to_parquet(path)
    assert "2 rows repeat the code E05000002, and their outlines overlap" in faults_of(ons.WARDS_2022, source)


def test_postcodes_of_an_authority():
    table = ons.postcode_points(["E09000001", "E08000016"])
    assert list(table.columns) == ["postcode", "lad_code", "easting", "northing"]
    assert set(table["lad_code"]) == {"E09000001", "E08000016"}  # Barnsley under its code of 2024
    city = table[table["lad_code"] == "E09000001"]
    assert city["easting"].between(530_000, 535_000).all() and city["northing"].between(180_000, 183_000).all()


@pytest.mark.real
def test_the_real_files_have_the_published_counts():
    if not REAL.is_dir():
        pytest.skip("the real open data is not at ../shared/data")
    faults = []
    frames = [ons.read(file, REAL, faults) for file in ons.FILES]
    assert not faults
    counts = {file.path.split("/")[1]: len(frame) for file, frame in zip(ons.FILES, frames, strict=True)}
    assert counts == {
        "LSOA_2021_EW": 35_672,
        "WD_2022_UK": 8_482,  # 8,483 rows: one ward lay in two authorities
        "LAD_2024_UK": 361,
        "LSOA21_WD24_LAD24_EW_LU": 35_672,
        "LSOA11_LSOA21_LAD22_EW_LU": 35_795,
        "LSOA21_SICBL24_ICB24_EN_LU": 33_755,
        "LAD24_CSP24_PFA24_EW_LU": 318,
        "LAD24_FRA24_EW_LU": 318,
        "RUC21_LSOA21_EW": 35_672,
        "population_lsoa21": 33_755,
    }
    changes = frames[4].drop_duplicates(["code_2011", "change"])
    england = changes[changes["code_2011"].str.startswith("E")]
    assert england.groupby("change")["code_2011"].nunique().to_dict() == {"M": 194, "S": 834, "U": 31_810, "X": 6}
