"""Pubs as points, and points counted in outlines."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from layers.model import Refused
from layers.sources import osm, tables
from tests.layers.official import write_official

CHESSBOARD = gpd.GeoDataFrame(geometry=[box(x, y, x + 1, y + 1) for x in range(4) for y in range(4)], crs="EPSG:4326")


def test_points_are_read(tmp_path):
    pubs = osm.read(write_official(tmp_path) / "services/pubs.parquet", {"category": "Pub", "as_of": "2026"})
    assert pubs["service_id"].tolist() == ["osm-crown", "osm-anchor", "osm-border", "osm-scot"]
    assert pubs["name"].iloc[0] == "The Crown" and set(pubs["category"]) == {"Pub"}
    tables.forget()


def test_swapped_coordinates_are_refused(tmp_path):
    file = write_official(tmp_path) / "services/pubs.parquet"
    frame = pd.read_parquet(file)
    frame.rename(columns={"longitude": "latitude", "latitude": "longitude"}).to_parquet(file)
    with pytest.raises(Refused) as raised:
        osm.read(file, {})
    assert "swapped" in raised.value.faults[0].todo


def points(*pairs) -> pd.DataFrame:
    return pd.DataFrame(list(pairs), columns=["longitude", "latitude"])


def test_each_point_is_counted_in_its_square():
    counts = osm.count_points(points((0.5, 0.5), (0.6, 0.4), (3.5, 3.5), (9.0, 9.0)), CHESSBOARD)
    assert counts.index.equals(CHESSBOARD.index)
    assert counts.iloc[0] == 2 and counts.iloc[15] == 1 and counts.sum() == 3


@settings(max_examples=40)
@given(at=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=30))
def test_no_point_is_lost_or_counted_twice_even_on_borders(at):
    """Law: half-unit steps fall on borders and corners of the chessboard; every point inside it counts exactly once."""
    pairs = [(x / 2, y / 2) for x, y in at]
    counts = osm.count_points(points(*pairs), CHESSBOARD)
    assert counts.sum() == len(pairs)
    assert np.all(counts >= 0)
