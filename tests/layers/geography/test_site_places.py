"""Where something stands, in words; and whose home a postcode is."""

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from layers.geography import postcodes
from layers.geography.site_places import find_home, place_at, places_at
from layers.region import load_region
from tests.tiny import SIDE, SOUTH, WEST, write_tiny_pack


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    pack = write_tiny_pack(tmp_path_factory.mktemp("places") / "pack")
    (pack / "lookups").mkdir()
    (pack / "lookups" / "names.csv").write_text("code,name\nT01,Quay\nT02,Quay\n", "utf-8")
    codes = [f"T{i:02d}" for i in range(1, 17)]
    pd.DataFrame({"code": codes, "district": ["TN1"] * 15 + [""]}).to_parquet(
        pack / "lookups" / "postcode_districts.parquet"
    )
    around = gpd.GeoDataFrame(
        {"code": ["X"], "name": ["Northshire"]},
        geometry=[box(WEST, SOUTH + 4_000, WEST + 4_000, SOUTH + 9_000)],
        crs=27700,
    )
    around.to_crs(4326).to_parquet(pack / "areas" / "context.parquet")
    return load_region(pack)


def middle(i: int) -> tuple[float, float]:
    return WEST + ((i - 1) % 4 + 0.5) * SIDE, SOUTH + ((i - 1) // 4 + 0.5) * SIDE


def test_place_authority_and_district(region):
    assert place_at(region, *middle(1)).words == place_at(region, *middle(2)).words == "Quay, Westshire (TN1)"
    assert place_at(region, *middle(3)).words == "South East, Eastshire (TN1)"  # no name of its own: its ward
    assert place_at(region, *middle(16)).words == "North East, Eastshire"


def test_outside_the_region_the_neighbour_is_named(region):
    assert place_at(region, WEST + 500, SOUTH + 6_000).words == "Northshire, outside the region"
    assert place_at(region, WEST - 5_000, SOUTH).words == "a place outside the region"
    assert place_at(region, float("nan"), SOUTH).words == "a place outside the region"


def test_many_at_once_are_the_same_as_one_by_one(region):
    points = [middle(i) for i in range(1, 17)] + [(0.0, 0.0)]
    assert places_at(region, *zip(*points, strict=True)) == [place_at(region, *point) for point in points]


def test_a_postcode_finds_its_small_area_ward_and_authority(region, monkeypatch):
    here = postcodes.Place("TN1 1AA", *middle(2), -1.6, 55.0, "TA", "unit")
    monkeypatch.setattr(postcodes, "find", lambda unit: here if unit == "TN1 1AA" else None)
    home = find_home(region, "tn11aa")
    assert home.codes == {"lsoa": "T02", "ward": "TW1", "lad": "TA"}
    assert home.names == {"lsoa": "Quay B", "ward": "South West", "lad": "Westshire"}
    assert home.official_names["lsoa"] == "Square 02" and home.accuracy == "unit"
    assert (
        find_home(region, "TN1 1AB") is None and find_home(region, "Quay") is None and find_home(region, "TN1") is None
    )
    monkeypatch.setattr(postcodes, "find", lambda _: postcodes.Place("TN9 9AA", 0.0, 0.0, 0, 0, "", "unit"))
    assert find_home(region, "TN9 9AA") is None  # a good postcode of somewhere else
