"""Packed outlines: round trips, closed borders, and the promised size."""

import gzip
import json
from pathlib import Path

import brotli
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon, box

from layers.geography.packed_outlines import pack, unpack
from layers.model import Refused
from tests.tiny import tiny_areas

DATA = Path(__file__).parents[3] / "../shared/data"
NORTH_EAST = ["E08000021", "E08000037", "E08000022", "E08000023", "E08000024", "E06000057", "E06000047"]


def frame(*shapes):
    return gpd.GeoDataFrame(geometry=list(shapes), crs="EPSG:4326")


def head_of(packed):
    return json.loads(packed.partition(b"\n")[0])


def ring_set(rings, precision=1e-5):
    """Rings as sets of undirected edges in whole units: where a ring starts and which way it runs do not matter."""
    edges = set()
    for ring in rings:
        whole = [tuple(point) for point in np.rint(np.asarray(ring) / precision).astype(int).tolist()]
        whole = [p for k, p in enumerate(whole) if p != whole[k - 1]]
        edges ^= {frozenset(pair) for pair in zip(whole, whole[1:] + whole[:1], strict=True)}
    return edges


def rings_of(shape):
    return [
        np.asarray(ring.coords)[:-1]
        for part in getattr(shape, "geoms", [shape])
        for ring in (part.exterior, *part.interiors)
    ]


def assert_round_trip(areas, precision=1e-5):
    """A second, dumber calculation: every border edge of every area, rounded on its own, is there, and no other."""
    out = unpack(pack(areas, precision=precision))
    assert out.n == len(areas)
    for i, shape in enumerate(areas.geometry):
        assert ring_set([ring * precision for ring in out.rings[i]], precision) == ring_set(rings_of(shape), precision)
    return out


def test_two_squares_share_their_common_border():
    packed = pack(frame(box(0, 0, 1, 1), box(1, 0, 2, 1)), precision=0.5)
    head = head_of(packed)
    # Two junctions, (1,0) and (1,1); arcs: the common side, the west's other three sides, the east's other three.
    assert (head["n"], head["rings"], head["arcs"]) == (2, 2, 3)
    assert head["vertices"] == 6  # each of the six corners is written once
    assert head["bounds"] == [0, 0, 2, 1]
    assert len(packed.partition(b"\n")[2]) == sum(head["sections"])
    assert_round_trip(frame(box(0, 0, 1, 1), box(1, 0, 2, 1)), precision=0.5)


def test_the_first_line_and_the_bytes_are_as_documented():
    packed = pack(frame(Polygon([(0, 0), (3, 0), (0, 2)])), precision=1)
    head, _, body = packed.partition(b"\n")
    assert json.loads(head)["sections"] == [1, 1, 1, 1, 3, 3]
    # One ring of one use; a new arc; 2 vertices between its ends (the ends are one point, which is a step of its own).
    assert list(body[:4]) == [1, 1, 0, 2]
    # The smallest vertex in order of longitude, then latitude, is (0, 0); steps (0,0) then along the ring, zigzag.
    x, y = [list(body[4:7]), list(body[7:10])]
    turn = {tuple(x): tuple(y)}
    assert turn in ({(0, 6, 5): (0, 0, 4)}, {(0, 0, 6): (0, 4, 3)})  # anticlockwise or clockwise


def polygon(out, i):
    """Area ``i`` in degrees: inside an odd number of its rings."""
    shape = Polygon()
    for ring in out.rings[i]:
        shape = shape.symmetric_difference(shapely.make_valid(Polygon(ring * out.precision)))
    return shape


def test_hole_island_in_the_hole_and_islands():
    ring_land = Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(3, 3), (6, 3), (6, 6), (3, 6)]])
    inner = box(3, 3, 6, 6)
    far = MultiPolygon([box(20, 0, 21, 1), box(22, 0, 23, 1)])
    out = assert_round_trip(frame(ring_land, inner, far), precision=1)
    assert [len(rings) for rings in out.rings] == [2, 1, 2]
    assert polygon(out, 0).equals(ring_land) and polygon(out, 1).equals(inner) and polygon(out, 2).equals(far)
    assert head_of(pack(frame(ring_land, inner, far), precision=1))["arcs"] == 4  # the hole's border is shared


def test_a_neighbour_with_an_extra_vertex_on_the_border_is_kept_as_it_is():
    west = box(0, 0, 1, 1)
    east = Polygon([(1, 0), (2, 0), (2, 1), (1, 1), (1, 0.5)])
    assert_round_trip(frame(west, east), precision=0.25)


def test_areas_that_meet_in_one_point_and_overlap_and_repeat():
    bow = MultiPolygon([box(0, 0, 1, 1), box(1, 1, 2, 2)])
    assert_round_trip(frame(bow, box(0, 0, 2, 2), box(0, 0, 2, 2), box(0.5, 0.5, 3, 3)), precision=0.25)


def test_small_areas_survive_and_rows_without_outline_stay_in_their_place():
    speck = box(5, 5, 5 + 1e-7, 5 + 1e-7)  # a centimetre: collapses at a metre's precision
    out = unpack(pack(frame(box(0, 0, 1, 1), speck, None, Polygon(), box(2, 0, 3, 1))))
    assert [len(rings) for rings in out.rings] == [1, 1, 0, 0, 1]
    assert polygon(out, 1).area == pytest.approx(0.5 * 1e-10)  # half a unit square of 1e-5 degrees
    assert polygon(out, 1).distance(Point(5, 5)) < 2e-5
    crumbs = MultiPolygon([box(0, 0, 1, 1), speck])
    assert len(unpack(pack(frame(crumbs))).rings[0]) == 1  # an islet of a centimetre is dropped, its area is not


def test_no_areas_at_all():
    assert unpack(pack(frame())).n == 0
    assert unpack(pack(frame(None))).bounds is None


def test_the_input_is_not_changed():
    areas = tiny_areas()["lsoa"]
    before = areas.to_wkb()
    pack(areas)
    pd.testing.assert_frame_equal(areas.to_wkb(), before)


@pytest.mark.parametrize("level", ["lsoa", "ward", "lad"])
def test_tiny_region(level):
    assert_round_trip(tiny_areas()[level])


@st.composite
def coverages(draw):
    """Cells of a random Voronoi diagram, merged at random: junctions of all degrees, holes, islands, many rings."""
    seed, cells, areas = draw(st.integers(0, 2**32 - 1)), draw(st.integers(4, 60)), draw(st.integers(1, 12))
    rng = np.random.default_rng(seed)
    points = shapely.MultiPoint(rng.uniform(-3, 3, (cells, 2)))
    diagram = shapely.get_parts(shapely.voronoi_polygons(points))
    diagram = shapely.set_precision(shapely.intersection(diagram, box(-4, -4, 4, 4)), 1e-5)
    owner = rng.integers(0, areas, len(diagram))
    merged = [shapely.union_all(diagram[owner == k]) for k in range(areas)]
    return frame(*[m if m.geom_type in ("Polygon", "MultiPolygon") else Polygon() for m in merged])


@settings(max_examples=60)
@given(coverages())
def test_any_coverage_comes_back(areas):
    assert_round_trip(areas)


@settings(max_examples=25)
@given(coverages(), st.randoms())
def test_order_of_rows_does_not_matter(areas, random):
    order = list(range(len(areas)))
    random.shuffle(order)
    straight, mixed = unpack(pack(areas)), unpack(pack(areas.iloc[order]))
    for place, i in enumerate(order):
        assert ring_set([r * 1e-5 for r in mixed.rings[place]]) == ring_set([r * 1e-5 for r in straight.rings[i]])


def test_refuses_with_every_fault_at_once():
    wrong = gpd.GeoDataFrame(geometry=[Point(0, 0), box(0, 0, 1, 1)], crs="EPSG:27700")
    with pytest.raises(Refused) as refused:
        pack(wrong, precision=5)
    text = str(refused.value)
    assert "EPSG:27700" in text and "Point" in text and "precision of 5" in text and len(refused.value.faults) == 3


@pytest.mark.parametrize("harm", [lambda b: b[:-3], lambda b: b"", lambda b: b"{}\n" + b, lambda b: b"\xff" + b])
def test_unpack_refuses_what_is_cut_short_or_foreign(harm):
    with pytest.raises(ValueError, match=r"pack|cut short"):
        unpack(harm(pack(tiny_areas()["lsoa"])))


@pytest.fixture(scope="module")
def england():
    if not DATA.exists():
        pytest.skip("the real open data is not at ../shared/data")
    areas = gpd.read_parquet(DATA / "boundaries/LSOA_2021_EW.parquet")
    areas = areas[areas["LSOA21CD"].str.startswith("E01")].reset_index(drop=True)
    lookup = pd.read_csv(DATA / "lookups/LSOA21_WD24_LAD24_EW_LU.csv.gz").set_index("LSOA21CD")["LAD24CD"]
    return areas.assign(lad_code=lookup.reindex(areas["LSOA21CD"]).to_numpy())


@pytest.mark.real
def test_england_is_small_and_complete(england):
    packed = pack(england)
    assert len(gzip.compress(packed, 9)) < 750_000  # 0.69 MB; Brotli 0.60 MB; the aim was 1.4 MB
    assert len(brotli.compress(packed, quality=11)) < 650_000
    assert_round_trip_sample(england, packed, np.arange(0, len(england), 37))


@pytest.mark.real
def test_north_east_is_small_and_exact(england):
    areas = england[england["lad_code"].isin(NORTH_EAST)].reset_index(drop=True)
    packed = pack(areas)
    assert len(areas) == 1257
    assert len(gzip.compress(packed, 9)) < 32_000  # 28.7 kB; the aim was 70 kB
    assert_round_trip_sample(areas, packed, np.arange(len(areas)))


def assert_round_trip_sample(areas, packed, rows):
    out = unpack(packed)
    for i in rows:
        assert ring_set([ring * 1e-5 for ring in out.rings[i]]) == ring_set(rings_of(areas.geometry.iloc[i]))
