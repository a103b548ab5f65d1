"""England's estuaries: nobody walks over the Mersey or the Humber; who crosses does so by what the definition declares, by name."""

from __future__ import annotations

import tomllib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from layers.crossings import read_crossings
from layers.geography.coordinates import to_metres
from layers.methods.water import Water

ROOT = Path(__file__).parents[3]
AROUND_M = 25_000

pytestmark = pytest.mark.real

# Two towns on either bank, latitude and longitude, and by what one gets from one to the other.
PAIRS = {
    "Mersey": ((53.4085, -2.9885), (53.3925, -3.0150), {"Queensway Tunnel (Birkenhead)", "Mersey Ferry"}),
    "upper Mersey": ((53.3415, -2.7375), (53.3515, -2.7380), {"Silver Jubilee Bridge", "Mersey Gateway"}),
    "Humber": ((53.7190, -0.4500), (53.6900, -0.4500), {"Humber Bridge"}),
    "Severn": ((51.6040, -2.6230), (51.6160, -2.6500), {"Severn Bridge (M48)"}),
    "Southampton Water": (
        (50.8960, -1.4060),
        (50.8710, -1.3980),
        {"Hythe Ferry", "Red Funnel ferry, Southampton to Cowes"},
    ),
    "Solent": ((50.7590, -1.5330), (50.7030, -1.4970), {"Wightlink ferry, Lymington to Yarmouth"}),
    "Tamar": ((50.3730, -4.1820), (50.3760, -4.2020), {"Torpoint Ferry"}),
    "Medway": ((51.3960, 0.5430), (51.4040, 0.5180), {"Medway Tunnel"}),
    "Swale": ((51.3800, 0.7440), (51.4000, 0.7530), {"Sheppey Crossing"}),
    "Fal": ((50.2170, -5.0160), (50.2140, -5.0360), {"King Harry Ferry"}),
}
APART = {
    "Ribble, which nothing crosses below Preston": ((53.6500, -2.9900), (53.7400, -2.9900), 1.8),
    "Hull to New Holland, where the ferry is no more": ((53.7400, -0.3300), (53.6960, -0.3600), 3.0),
    "Thames at Southend": ((51.5350, 0.7100), (51.4450, 0.7500), 5.0),
}


@pytest.fixture(scope="module")
def outlines():
    file = ROOT.parent / "shared" / "data" / "boundaries" / "LSOA_2021_EW.parquet"
    if not file.is_file():
        pytest.skip("the real open data is not at ../shared/data")
    return gpd.read_parquet(file).to_crs("EPSG:27700")


@pytest.fixture(scope="module")
def crossings():
    faults = []
    raw = tomllib.loads((ROOT / "data" / "regions" / "england.toml").read_text("utf-8"))
    found = read_crossings(raw["crossings"], "england.toml", faults)
    assert not faults
    return found


def water_around(outlines, ends, crossings):
    (x, y) = to_metres([lon for _, lon in ends], [lat for lat, _ in ends])
    box = shapely.box(min(x) - AROUND_M, min(y) - AROUND_M, max(x) + AROUND_M, max(y) + AROUND_M)
    near = outlines.geometry.iloc[outlines.sindex.query(box)].to_numpy()
    points = np.column_stack([x, y])
    return Water(near, crossings), points[:1], points[1:]


@pytest.mark.parametrize("name", list(PAIRS))
def test_a_declared_crossing_is_the_way_and_is_named(outlines, crossings, name):
    *ends, by = PAIRS[name]
    water, here, there = water_around(outlines, ends, crossings)
    assert water.over(here, there).all()
    line = np.hypot(*(here - there).T)
    assert water.metres(here, there, line, 50 * line) == pytest.approx(line)  # no longer than 1.3 times the line
    assert water.named(here, there)[0] and set(water.named(here, there)[0]) <= by
    dry, here, there = water_around(outlines, ends, ())
    assert not dry.metres(here, there, line, 50 * line)[0] < 2 * line[0]  # without it: far round, or no way at all


@pytest.mark.parametrize("name", list(APART))
def test_where_nothing_crosses_the_line_is_not_believed(outlines, crossings, name):
    *ends, times = APART[name]
    water, here, there = water_around(outlines, ends, crossings)
    assert water.over(here, there).all()
    line = np.hypot(*(here - there).T)
    assert not water.metres(here, there, line, 50 * line)[0] < times * line[0]
