"""The water of the real North East: the numbers that were agreed on, and the same numbers from a slower calculation.

The slow one cuts whole lines with the whole land, makes one graph of every land cell of the region, and asks it for the ways of all
pairs. It shares no code with ``layers/geography/land.py``.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from layers.methods.gap_request import ServiceLayer
from layers.methods.together import find_together

ROOT = Path(__file__).parents[3]
SERVICES = "drug-alcohol-services"
NEWCASTLE, NORTH, SOUTH, GATESHEAD = "E08000021", "E08000022", "E08000023", "E08000037"

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def north_east(tmp_path_factory):
    """The region and its eleven drug and alcohol services."""
    from layers.build.region_pack import build_region
    from layers.reading.package import read_package
    from layers.region import load_region

    source = ROOT.parent / "shared" / "data"
    if not source.is_dir():
        pytest.skip("the real open data is not at ../shared/data")
    pack = tmp_path_factory.mktemp("north-east") / "pack"
    build_region(ROOT / "data/regions/north-east.toml", source, pack, only_layers=[SERVICES])
    region = load_region(pack)
    package = read_package(pack / "layers" / SERVICES)
    return region, ServiceLayer(package.descriptor, package.table)


@pytest.fixture(scope="module")
def slow(north_east):
    """Metres of every pair, in a straight line and by the rule; which are over water."""
    region, services = north_east
    outlines = [part.geometry.to_crs(27700).to_numpy() for part in (region.areas["lsoa"], region.context)]
    ground = shapely.union_all(np.concatenate(outlines))
    points = region.areas["lsoa"][["centroid_x", "centroid_y"]].to_numpy()
    sites = services.table[["easting", "northing"]].to_numpy("float64")
    rows, cols = (k.ravel() for k in np.indices((len(points), len(sites))))
    lines = shapely.linestrings(np.stack([points[rows], sites[cols]], axis=1))
    wet = shapely.length(lines) - shapely.length(shapely.intersection(lines, ground))
    line, over = (v.reshape(len(points), -1) for v in (shapely.length(lines), wet > 100))
    # one graph of every cell of the region and 20 km around it
    low = np.floor((np.vstack([points, sites]).min(axis=0) - 20_000) / 100) * 100
    across, up = np.ceil((np.vstack([points, sites]).max(axis=0) + 20_000 - low) / 100).astype(int)
    x, y = np.meshgrid(low[0] + 50 + 100 * np.arange(across), low[1] + 50 + 100 * np.arange(up))
    shapely.prepare(ground)
    land = shapely.intersects_xy(ground, x.ravel(), y.ravel()).reshape(x.shape)
    declared = [c for c in region.crossings if c.counts]
    spots = gpd.GeoSeries.from_xy([c.longitude for c in declared], [c.latitude for c in declared], crs=4326).to_crs(
        27700
    )
    for spot in spots:
        land |= (x - spot.x) ** 2 + (y - spot.y) ** 2 <= 300**2
    number = np.full(land.shape, -1)
    number[land] = np.arange(land.sum())
    pairs = []
    for a, b, cost in (
        (number[:, :-1], number[:, 1:], 100.0), (number[:-1], number[1:], 100.0),
        (number[:-1, :-1], number[1:, 1:], 141.42), (number[:-1, 1:], number[1:, :-1], 141.42),
    ):  # fmt: skip
        both = (a >= 0) & (b >= 0)
        pairs.append((a[both], b[both], np.full(both.sum(), cost)))
    a, b, cost = (np.concatenate(v) for v in zip(*pairs, strict=True))
    graph = coo_array((cost, (a, b)), shape=(land.sum(), land.sum())).tocsr()
    cells = cKDTree(np.column_stack([x[land], y[land]]))
    ways = dijkstra(graph, directed=False, indices=cells.query(sites)[1])[:, cells.query(points)[1]].T
    return line, np.where(over & (ways > 1.3 * line), ways, line), over


def lads(north_east):
    region, services = north_east
    return region.areas["lsoa"]["lad_code"].to_numpy(str), services.table["lad_code"].to_numpy(str)


def flows(cost, north_east) -> Counter:
    """Residents nearer to a site of another authority than to one of their own, by both authorities."""
    area_lad, site_lad = lads(north_east)
    people = north_east[0].areas["lsoa"]["population"]
    own = np.where(area_lad[:, None] == site_lad, cost, np.inf).min(axis=1)
    out = Counter()
    for i in np.flatnonzero(own > cost.min(axis=1)):
        out[area_lad[i], site_lad[cost[i].argmin()]] += people[i]
    return out


def test_both_calculations_give_the_agreed_numbers(north_east, slow):
    """Within 2% is agreed; the two calculations here agree to the metre, but for points that lie between two cells."""
    line, cost, over = slow
    rows = np.arange(len(line))
    assert over[rows, line.argmin(axis=1)].sum() == pytest.approx(269, rel=0.02)
    assert (cost.min(axis=1) - line.min(axis=1) > 250).sum() == pytest.approx(34, abs=1)
    assert (cost.argmin(axis=1) != line.argmin(axis=1)).sum() == pytest.approx(22, abs=1)
    assert flows(line, north_east).total() == pytest.approx(476_294, rel=0.02)
    expected = flows(cost, north_east)
    assert expected.total() == pytest.approx(452_221, rel=0.02)
    region, services = north_east
    found = find_together({SERVICES: services}, region.areas, water=region.water)
    np.testing.assert_allclose(found.areas["together_m"], cost.min(axis=1), atol=100)
    assert found.summary["residents_nearer_elsewhere"] == pytest.approx(expected.total(), rel=0.002)
    assert {(f["lad_code"], f["nearest_lad"]): f["residents"] for f in found.summary["flows"]} == pytest.approx(
        dict(expected), rel=0.01
    )
    assert found.summary["crossing"] == {"areas": 0, "residents": 0.0}
    assert found.crossing_lists == (SERVICES,)


def test_the_crossings_are_named(north_east):
    region, services = north_east
    found = find_together({SERVICES: services}, region.areas, water=region.water).summary
    flow = {(f["lad_code"], f["nearest_lad"]): f for f in found["flows"]}
    north, south, gateshead = flow[NORTH, SOUTH], flow[SOUTH, NORTH], flow[GATESHEAD, NEWCASTLE]
    assert north["residents"] == pytest.approx(95_738, rel=0.02)
    assert north["crossings"] == [{"name": "Shields Ferry", "residents": north["residents"]}]
    assert south["residents"] == pytest.approx(22_416, rel=0.02)
    assert south["crossings"] == [{"name": "Tyne Tunnels (A19, toll)", "residents": south["residents"]}]
    assert gateshead["residents"] == pytest.approx(31_409, rel=0.02)
    assert {"name": "Shields Ferry", "residents": north["residents"]} in found["crossings"]
    straight = find_together({SERVICES: services}, region.areas).summary
    before = {(f["lad_code"], f["nearest_lad"]): f["residents"] for f in straight["flows"]}
    assert before[NORTH, SOUTH] == north["residents"] and before[SOUTH, NORTH] == pytest.approx(44_883, rel=0.02)
    assert before[GATESHEAD, NEWCASTLE] == gateshead["residents"]


def test_wards_have_the_flows_of_their_small_areas(north_east):
    region, services = north_east
    levels = {
        level: find_together({SERVICES: services}, region.areas, level=level, water=region.water)
        for level in ("lsoa", "ward", "lad")
    }
    small = levels["lsoa"].summary
    for level, found in levels.items():
        assert found.summary["flows"] == small["flows"], level
        assert found.summary["residents_nearer_elsewhere"] == pytest.approx(small["residents_nearer_elsewhere"])
    ward = levels["ward"].areas.set_index("name").loc["Tynemouth"]
    assert "Shields Ferry" in ward["crossings"]


def test_lines_on_land_stay_as_they_were(north_east):
    """No area's nearest pharmacy-like list moves but by water: what is not over water is to the millimetre what it was."""
    region, services = north_east
    with_, without = (
        find_together({SERVICES: services}, region.areas, water=water).areas for water in (region.water, None)
    )
    moved = with_["together_m"] != without["together_m"]
    assert 30 <= moved.sum() <= 60
    assert pd.Series(with_["together_m"] >= without["together_m"]).all()


@pytest.mark.parametrize("level", ["ward", "lad"])
def test_larger_areas_have_the_mean_of_their_small_areas(north_east, slow, level):
    """Every ward's and authority's distance, alone and together, once more: the slow distances, weighted by residents, one by one."""
    region, services = north_east
    found = find_together({SERVICES: services}, region.areas, level=level, water=region.water).areas.set_index("code")
    _, cost, _ = slow
    area_lad, site_lad = lads(north_east)
    own = np.where(area_lad[:, None] == site_lad, cost, np.inf).min(axis=1)
    small, sums = region.areas["lsoa"], {}
    for i, (code, people) in enumerate(zip(small[f"{level}_code"], small["population"], strict=True)):
        residents, together, alone = sums.get(code, (0.0, 0.0, 0.0))
        sums[code] = residents + people, together + people * cost[i].min(), alone + people * own[i]
    assert len(sums) == len(found) == {"ward": 240, "lad": 7}[level]
    for code, (residents, together, alone) in sums.items():
        assert found.at[code, "together_m"] == pytest.approx(together / residents, abs=50), code
        if np.isfinite(alone):
            assert found.at[code, "alone_m"] == pytest.approx(alone / residents, abs=50), code
        else:
            assert found.at[code, "reason"] == "no-own-service", code
