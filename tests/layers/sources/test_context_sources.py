"""Names, places and lines from their publishers: read, or refused with the reason."""

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import LineString

from layers.model import Refused
from layers.sources import geonames, house_of_commons_library, network_rail
from tests.tiny_official import write_tiny_context


@pytest.fixture
def source(tmp_path):
    return write_tiny_context(tmp_path)


def test_every_small_area_has_the_name_of_its_msoa(source):
    names = house_of_commons_library.read(source)
    assert names["E01000001"] == names["E01000002"] == "King's Quay" and names["E01000003"] == "Moor & Mill"
    assert "E01000016" not in names  # its MSOA has no name: the official one stands


def test_names_of_another_vintage_are_refused(source):
    file = source / house_of_commons_library.NAMES
    frame = pd.read_parquet(file)
    frame.assign(msoa21_code="E02009" + frame["msoa21_code"].str[-3:]).to_parquet(file)
    with pytest.raises(Refused) as caught:
        house_of_commons_library.read(source)
    assert "names none of the MSOAs" in str(caught.value)


def test_places_come_largest_first_and_swapped_degrees_are_refused(source):
    assert geonames.read(source)["name"].tolist() == ["Westport", "Eastham", "Farton"]
    file = source / geonames.PLACES
    frame = pd.read_parquet(file)
    frame.rename(columns={"latitude": "longitude", "longitude": "latitude"}).to_parquet(file)
    with pytest.raises(Refused) as caught:
        geonames.read(source)
    assert "swapped" in str(caught.value)


def test_lines_of_every_file_and_none(source):
    assert network_rail.read(source)["kind"].tolist() == ["railway"]
    gpd.GeoDataFrame({"kind": ["tram"]}, geometry=[LineString([(-1.6, 55), (-1.5, 55)])], crs=4326).to_parquet(
        source / "places" / "rail_town.parquet"
    )
    assert sorted(network_rail.read(source)["kind"]) == ["railway", "tram"]
    (source / "places" / "rail_cut.parquet").write_bytes(b"PAR1")
    with pytest.raises(Refused):
        network_rail.read(source)
    assert network_rail.read(source / "nowhere") is None
