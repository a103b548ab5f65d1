"""Crossing water: maps drawn by hand, and any small map against a slow calculation on dicts."""

import heapq

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from layers.crossings import Crossing
from layers.geography.coordinates import to_degrees
from layers.geography.land import Land
from layers.methods import kept_ways
from layers.methods.access import access_model, coverage, e2sfca
from layers.methods.gap_request import GapRequest, IndicatorLayer, ServiceLayer
from layers.methods.gaps import find_gaps
from layers.methods.options import Change, compare_options
from layers.methods.siting import plan_sites
from layers.methods.together import border_view
from layers.methods.water import Water
from layers.model import Descriptor, Direction, Kind, Measure

WEST, SOUTH = 420_000, 560_000  # a multiple of 100 m, and of the tiles of 1 km


def land(*parts):
    """Boxes given in metres from the south-west corner."""
    return np.array([box(WEST + a, SOUTH + b, WEST + c, SOUTH + d) for a, b, c, d in parts], dtype=object)


def xy(*points):
    return np.array(points, dtype="float64").reshape(-1, 2) + np.array([WEST, SOUTH])


def crossing(x, y, name="The bridge", kind="road"):
    longitude, latitude = to_degrees([WEST + x], [SOUTH + y])
    return Crossing(name, kind, float(latitude[0]), float(longitude[0]))


def areas(points, population=None, lad="L"):
    points = xy(*points)
    n = len(points)
    people = np.full(n, 100.0) if population is None else np.asarray(population, dtype="float64")
    codes = [f"A{i}" for i in range(n)]
    return pd.DataFrame(
        {"code": codes, "name": codes, "centroid_x": points[:, 0], "centroid_y": points[:, 1], "population": people,
         "lad_code": lad, "ward_code": "W"}
    )  # fmt: skip


def sites(points, lad="L"):
    points = xy(*points)
    ids = [f"S{i}" for i in range(len(points))]
    return pd.DataFrame(
        {"service_id": ids, "name": ids, "easting": points[:, 0], "northing": points[:, 1], "lad_code": lad}
    )


# An estuary 2 km wide between two banks of 4 km; the south bank has a clinic at its west end, 3 km across from the north.
BANKS = ((0, 0, 10_000, 4_000), (0, 6_000, 10_000, 10_000))
BRIDGED = (*BANKS, (9_000, 4_000, 10_000, 6_000))


# --- lines -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "over"), [(99, False), (100, False), (101, True)])
def test_more_than_100_m_in_all_on_no_land_is_over_water(width, over):
    """The line runs straight north: what it has on no land is the width of the river, in one piece or in two."""
    whole = Water(land((0, 0, 3_000, 1_500), (0, 1_500 + width, 3_000, 3_000)))
    half = width / 2
    two = Water(land((0, 0, 3_000, 700), (0, 700 + half, 3_000, 1_900), (0, 1_900 + half, 3_000, 3_000)))
    for water in (whole, two):
        assert water.over(xy((1_234, 100)), xy((1_234, 2_900))).tolist() == [over]


def test_a_line_is_measured_exactly_wherever_it_ends():
    """Out at sea beyond every tile, along a tile's border, and of no length."""
    ground = Land(land((0, 0, 2_000, 2_000)))
    starts = xy((1_000, 1_000), (1_000, 1_000), (500, 500), (1_000, 1_000), (-40_000, 500), (2_500, 0))
    ends = xy((1_000, 2_300), (61_000, 1_000), (500, 500), (2_000, 1_000), (42_000, 500), (2_500, 2_000))
    assert ground.water_on(starts, ends) == pytest.approx([300, 59_000, 0, 0, 80_000, 2_000])


def test_a_line_along_water_of_its_own_length_touches_it_only():
    ground = Land(land((0, 0, 2_000, 2_000)))
    assert ground.water_on(xy((0, 2_000)), xy((2_000, 2_000))) == pytest.approx([0])


# --- ways ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("depth", "stands"), [(15, True), (16, False)])
def test_a_bay_stands_up_to_1_3_times_the_line(depth, stands):
    """Two points 10 km apart on both sides of a bay: ``depth - 1`` steps up, a diagonal, 98 across, and down again.

    At 15 cells the way is 12,882.84 m, 1.288 times the line; at 16 it is 13,082.84 m, 1.308 times.
    """
    d = depth * 100
    water = Water(land((0, 0, 100, d), (10_000, 0, 10_100, d), (0, d, 10_100, d + 500)))
    a, b = xy((50, 50)), xy((10_050, 50))
    way = 2 * 100 * (depth - 1) + 2 * 141.42 + 98 * 100
    assert water.over(a, b).all()
    assert water.metres(a, b, np.array([10_000.0]), np.inf) == pytest.approx([10_000 if stands else way])
    found = water.nearest(a, b)
    assert found.metres == pytest.approx([10_000 if stands else way]) and found.over.all() and not found.marked.any()
    assert water.named(a, b) == [()]  # over water, and over no crossing


@pytest.mark.parametrize(("apart", "bridged"), [(299, True), (301, False)])
def test_cells_within_300_m_of_a_crossing_are_land(apart, bridged):
    """A strait of four cells: the crossing is ``apart`` from the northernmost centre, near the southernmost."""
    banks = land((0, 0, 2_000, 1_000), (0, 1_400, 2_000, 2_400))
    water = Water(banks, [crossing(1_050, 1_350 - apart)])
    a, b = xy((1_050, 850)), xy((1_050, 1_550))
    assert water.marked(a, b).tolist() == [not bridged]
    if bridged:
        assert water.metres(a, b, np.array([700.0]), np.inf) == [700] and water.named(a, b) == [("The bridge",)]


def test_without_a_bridge_the_pair_is_marked_and_with_one_the_way_replaces_the_line():
    """From (1,050, 3,050) to (1,050, 7,050): by the land at the end 9 km east and back, or by a bridge 1 km east."""
    a, b = xy((1_050, 3_050)), xy((1_050, 7_050))
    line = np.array([4_000.0])
    assert Water(land(*BANKS)).metres(a, b, line, np.inf).tolist() == [np.inf]
    # 80 columns to the land at the end, 10 rows of them aslant; 19 rows along it; 80 columns back, 11 rows of them aslant
    around = (10 + 11) * 141.42 + (70 + 19 + 69) * 100
    assert Water(land(*BRIDGED)).metres(a, b, line, np.inf) == pytest.approx([around])
    near = Water(land(*BANKS), [crossing(2_050, y, f"Bridge {y}") for y in (4_250, 4_750, 5_250, 5_750)])
    assert near.metres(a, b, line, np.inf) == [4_000]
    far = Water(land(*BANKS), [crossing(6_050, y, f"Bridge {y}") for y in (4_250, 4_750, 5_250, 5_750)])
    assert far.metres(a, b, line, np.inf)[0] > 1.3 * 4_000
    assert far.named(a, b) == [("Bridge 4250", "Bridge 4750", "Bridge 5250", "Bridge 5750")]
    assert far.named(b, a) == [("Bridge 5750", "Bridge 5250", "Bridge 4750", "Bridge 4250")]


def test_a_tidal_road_is_no_crossing():
    banks = land((0, 0, 2_000, 1_000), (0, 1_400, 2_000, 2_400))
    for kind, marked in (("ferry", False), ("tidal road", True)):
        water = Water(banks, [crossing(1_050, 1_200, kind=kind)])
        assert water.marked(xy((1_050, 850)), xy((1_050, 1_550))).tolist() == [marked]


def test_a_point_in_the_water_starts_from_the_land_cell_nearest_to_it():
    ground = Land(land((0, 0, 1_000, 1_000), (0, 3_000, 1_000, 4_000)))
    width = ground.passable.shape[1]
    rows = ground.cells_near(xy((450, 1_900), (450, 2_100), (450, 300), (-90_000, 90_000))) // width
    assert ((rows * 100 + ground.y0 - SOUTH) / 100).tolist() == [9, 30, 3, 39]


# --- a second, slower calculation ------------------------------------------------------------------------------------


def slowly(cells, points, bridges, a, b):
    """Metres of one pair by the rule's own words: "line", "way", or None where it is marked; and whether it is over water."""
    line = float(np.hypot(*(np.array(b) - a)))
    ground = shapely.union_all([box(x * 100, y * 100, x * 100 + 100, y * 100 + 100) for x, y in cells])
    over = shapely.LineString([a, b]).difference(ground).length > 100 + 1e-6 if line else False
    if not over:
        return line, False
    middle = {(x, y): (x * 100 + 50, y * 100 + 50) for x in range(-5, 35) for y in range(-5, 35)}
    passable = set(cells) | {
        c for c, (x, y) in middle.items() if any(np.hypot(x - bx, y - by) <= 300 for bx, by in bridges)
    }
    start, end = (min(passable, key=lambda c, p=p: np.hypot(middle[c][0] - p[0], middle[c][1] - p[1])) for p in (a, b))
    best, heap = {start: 0.0}, [(0.0, start)]
    while heap:
        far, cell = heapq.heappop(heap)
        if far > best[cell]:
            continue
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                step, other = 141.42 if dx and dy else 100.0, (cell[0] + dx, cell[1] + dy)
                if other in passable and far + step < best.get(other, np.inf):
                    best[other] = far + step
                    heapq.heappush(heap, (far + step, other))
    way = best.get(end)
    return (None if way is None else line if way <= 1.3 * line else way), True


@st.composite
def maps(draw):
    size = draw(st.integers(5, 24))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    cells = np.column_stack([x.ravel(), y.ravel()])
    for _ in range(draw(st.integers(1, 4))):  # rivers, any way round
        at, lean, wide = rng.uniform(0, size), rng.uniform(-1, 1), rng.uniform(1, 4)
        along, across = (cells[:, 0], cells[:, 1]) if rng.random() < 0.5 else (cells[:, 1], cells[:, 0])
        cells = cells[np.abs(across - at - lean * (along - size / 2)) > wide / 2]
        if len(cells) < 4:
            cells = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    bridges = rng.uniform(0, size * 100, (draw(st.integers(0, 3)), 2))
    points = rng.uniform(-100, size * 100 + 100, (draw(st.integers(1, 5)), 2))
    places = rng.uniform(-100, size * 100 + 100, (draw(st.integers(1, 12)), 2))
    return [tuple(c) for c in cells.tolist()], bridges, points, places


@given(maps())
@settings(max_examples=40)
def test_any_map_is_as_the_rule_says(drawn):
    cells, bridges, points, places = drawn
    move = np.array([WEST, SOUTH])
    water = Water(land(*((x * 100, y * 100, x * 100 + 100, y * 100 + 100) for x, y in cells)))
    water.land = Land(land(*((x * 100, y * 100, x * 100 + 100, y * 100 + 100) for x, y in cells)), bridges + move)
    slow = [[slowly(cells, points, bridges, a, b) for b in places] for a in points]
    rows, cols = (v.ravel() for v in np.indices((len(points), len(places))))
    line = np.hypot(*(places[cols] - points[rows]).T)
    expected = np.array([[np.inf if m is None else m for m, _ in row] for row in slow])
    found = water.replaced(points + move, places + move, rows, cols, line, np.full(len(rows), np.inf))
    np.testing.assert_allclose(found, expected.ravel())
    assert water.over(points[rows] + move, places[cols] + move).tolist() == [over for row in slow for _, over in row]
    # as far as 800 m only: right up to there, and nothing nearer is made up
    some = Water(land(*((x * 100, y * 100, x * 100 + 100, y * 100 + 100) for x, y in cells)))
    some.land = water.land
    near = some.replaced(points + move, places + move, rows, cols, line, np.full(len(rows), 800.0))
    within = expected.ravel() <= 800
    np.testing.assert_allclose(near[within], expected.ravel()[within])
    assert (near[~within] > 800).all()
    reach = water.nearest(points + move, places + move)
    marked = ~np.isfinite(expected).any(axis=1)
    assert reach.marked.tolist() == marked.tolist()
    lines = line.reshape(expected.shape)
    np.testing.assert_allclose(reach.metres, np.where(marked, lines.min(axis=1), expected.min(axis=1)))
    chosen = np.where(marked, lines.argmin(axis=1), expected.argmin(axis=1))
    assert reach.site.tolist() == chosen.tolist()
    assert reach.over.tolist() == [slow[i][k][1] for i, k in enumerate(chosen)]


# --- measures --------------------------------------------------------------------------------------------------------


def island():
    """Two areas on the south bank and one on the north, which nothing leads to; the only clinic is on the south bank."""
    return areas([(1_050, 1_050), (1_050, 3_050), (1_050, 7_050)]), sites([(1_050, 2_050)]), Water(land(*BANKS))


def test_a_marked_pair_counts_nothing_and_the_line_is_kept_for_the_area_that_has_no_other():
    frame, clinic, water = island()
    model = access_model(frame, clinic, water=water)
    assert model.nearest[0].tolist() == [1_000, 1_000, 5_000] and model.crossing.tolist() == [False, False, True]
    assert model.reached.tolist() == [1_000, 1_000, np.inf]
    assert coverage(frame, clinic, 6_000, water=water).tolist() == [1, 1, 0]
    assert coverage(frame, clinic, 6_000).tolist() == [1, 1, 1]
    # the clinic's supply is shared by the 200 on its own bank: 5 each 1,000, not 3.33 with those of the other
    reach = e2sfca(frame, clinic, 6_000, water=water)
    assert reach.tolist() == pytest.approx([5, 5, 0])


def test_the_detour_factor_multiplies_a_way_like_any_line():
    frame, clinic = areas([(1_050, 7_050)]), sites([(1_050, 3_050)])
    once = access_model(frame, clinic, water=Water(land(*BRIDGED))).nearest[0]
    assert access_model(frame, clinic, water=Water(land(*BRIDGED)), detour=1.4).nearest[0] == pytest.approx(1.4 * once)
    assert once[0] > 1.3 * 4_000


def test_nothing_of_it_with_a_travel_time_table():
    frame, clinic, water = island()
    table = pd.DataFrame({"origin": ["A0", "A1", "A2"], "destination": "S0", "minutes": [5.0, 6.0, 7.0]})
    model = access_model(frame, clinic, travel=table, water=water)
    assert model.nearest[0].tolist() == [5, 6, 7] and not model.crossing.any() and not model.over_water.any()


def test_alone_and_together_where_only_ones_own_is_across_water():
    """The north bank's own clinic is on the south bank, 5 km across; a neighbour's is 8 km away on its own bank."""
    frame = areas([(1_050, 7_050), (1_050, 1_050)], lad=["N", "S"])
    clinics = sites([(1_050, 2_050), (9_050, 7_050)], lad=["N", "S"])
    view = border_view(frame, clinics, water=Water(land(*BANKS))).areas
    north = view.loc[0]
    assert (north.alone_m, north.together_m, north.reason) == (5_000, 8_000, "no-own-way")
    assert np.isnan(north.border_penalty_m) and north.nearer_elsewhere and not north.crossing
    assert north.nearest_service_id == "S1"
    # the south bank's own is across; the one that it uses stands beside it
    assert view.loc[1].reason == "no-own-way" and view.loc[1].together_m == 1_000 and view.loc[1].nearer_elsewhere


def test_alone_and_together_where_nothing_can_be_reached():
    frame, clinic, water = island()
    frame["lad_code"] = ["S", "S", "N"]
    clinic["lad_code"] = "S"
    view = border_view(frame, clinic, 6_000, water=water)
    assert view.areas["crossing"].tolist() == [False, False, True]
    total = view.authorities.set_index("lad_code")
    assert total.loc["N", "residents_nearer_elsewhere"] == 0 and total.loc["N", "residents_within_together"] == 0
    assert total.loc["S", "residents_within_together"] == 200


def test_sites_are_planned_over_land():
    """One site within 2.5 km for both banks would serve 300 by straight lines; over land it serves one bank."""
    frame = areas([(1_050, 3_550), (1_050, 3_950), (1_050, 6_050)], population=[100, 100, 150])
    none = sites([])
    none = none.astype({"easting": float, "northing": float})
    plan = dict(objective="mclp", new=1, max_m=2_500.0, compare_alone=False)
    assert plan_sites(frame, none, frame["population"], **plan).value == 350
    over = plan_sites(frame, none, frame["population"], water=Water(land(*BANKS)), **plan)
    assert over.value == 200 and over.demand_within_after == 200
    assert [site.residents_within for site in over.sites] == [200]
    two = plan_sites(frame, none, frame["population"], water=Water(land(*BANKS)), **plan | {"new": 2})
    assert two.value == 350


def test_an_option_on_the_island_reaches_it():
    frame, clinic, water = island()
    need = pd.Series([90.0, 90.0, 90.0])
    opened = [Change("open", "new", WEST + 1_050, SOUTH + 7_550, lad_code="L")]
    found = compare_options(frame, clinic, need, {"o": opened}, max_m=2_000.0, water=water)["o"]
    assert found.residents_within == 300 and found.residents_underserved == 0
    assert found.residents_relieved == 0  # nobody could say that it was a gap
    assert found.overlap[0]["nearest_existing_m"] is None and found.overlap[0]["residents_within"] == 100
    across = compare_options(frame, clinic, need, {"o": []}, max_m=6_000.0, water=water)["o"]
    assert across.residents_within == 200


# --- gaps --------------------------------------------------------------------------------------------------------------


def levels(people):
    """The south bank's two areas and the north bank's one, in one ward and one authority."""
    frame, clinic, water = island()
    frame = frame.assign(population=np.asarray(people, dtype="float64"), ward_code="W", lad_code="L")
    whole = frame.iloc[[0]].assign(code="W", name="The ward", population=float(np.sum(people)))
    lad = whole.assign(code="L", name="The authority")
    shapes = [box(*c, c[0] + 100, c[1] + 100) for c in xy((1_000, 1_000), (1_000, 3_000), (1_000, 7_000))]
    found = {"lsoa": frame, "ward": whole, "lad": lad}
    geometry = {"lsoa": shapes, "ward": shapes[:1], "lad": shapes[:1]}
    return {k: gpd.GeoDataFrame(v, geometry=geometry[k], crs=27700) for k, v in found.items()}, clinic, water


def answer(people, level="lsoa", **more):
    areas_, clinic, water = levels(people)
    scores = {"lsoa": [50.0, 10.0, 90.0], "ward": [60.0], "lad": [60.0]}
    need = IndicatorLayer(
        Descriptor("score", "Score", Kind.INDICATOR, (), "p", measure=Measure.SCORE, direction=Direction.HIGH_IS_WORSE),
        {name: pd.DataFrame({"value": values, "status": "ok"}) for name, values in scores.items()},
    )
    place = ServiceLayer(Descriptor("clinics", "Clinics", Kind.SERVICES, (), "p"), clinic)
    request = GapRequest(
        (("score", 1.0),), ("clinics",), level=level, **{"max_m": 900.0, "need_threshold": 45.0} | more
    )
    return find_gaps(request, areas_, {"score": need}, {"clinics": place}, water=water)


def test_an_area_that_nothing_leads_to_is_listed_apart():
    """All are beyond 900 m. A0 and A2 have need: A0 is a gap of 100, A2 is judged by its line and in no sum."""
    found = answer([100, 100, 100])
    assert found.areas["crossing"].tolist() == [False, False, True]
    assert found.areas["underserved"].tolist() == [True, False, True]
    assert found.summary["underserved_areas"] == 1 and found.summary["underserved_residents"] == 100
    apart = {"areas": 1, "residents": 100.0, "underserved_areas": 1, "underserved_residents": 100.0, "codes": ["A2"]}
    assert found.summary["crossing"] == apart
    assert sum(map(sum, found.summary["bivariate"])) == 2 and found.summary["poor_access_areas"] == 2
    assert [c.areas for c in found.communities] == [("A0",)]
    row = found.to_json()["areas"][2]
    assert row["crossing"] is True and row["crossings"] == [] and row["access"] == 5_000 and row["community"] == ""
    assert found.summary["by_authority"][0]["underserved_residents"] == 100


@pytest.mark.parametrize("metric", ["coverage", "e2sfca"])
def test_what_nothing_leads_to_has_none_by_any_measure(metric):
    found = answer([100, 100, 100], metric=metric, max_m=6_000.0)
    assert found.areas["access"].tolist()[2] == 0 and found.areas["poor"].tolist()[2]
    assert found.areas["crossing"].tolist() == [False, False, True]


@pytest.mark.parametrize(("north", "marked", "mean"), [(199, False, 1_000), (200, False, 1_000), (201, True, None)])
def test_a_ward_is_marked_when_more_than_half_of_its_residents_are(north, marked, mean):
    """Else its mean leaves them out and says so; where it is marked, it is that of the lines, theirs too."""
    found = answer([100, 100, north], level="ward")
    assert found.areas["crossing"].tolist() == [marked]
    if marked:
        mean = (200 * 1_000 + north * 5_000) / (200 + north)
    assert found.areas["access"].tolist() == pytest.approx([mean])
    assert found.areas["together_m"].tolist() == pytest.approx([mean])
    said = [note.about for note in found.notes if note.code == "residents-left-out"]
    assert said == ([] if marked else [{"areas": 1}])
    assert found.summary["underserved_areas"] == (0 if marked else 1)


@pytest.mark.parametrize(("metric", "limit"), [("nearest", 900.0), ("coverage", 6_000.0), ("e2sfca", 6_000.0)])
def test_an_answer_says_which_lists_have_a_pair_over_water(metric, limit):
    assert answer([100, 100, 100], metric=metric, max_m=limit).crossing_lists == ("clinics",)
    areas_, clinic, water = levels([100, 100, 100])
    south = access_model(areas_["lsoa"].iloc[:2], clinic, water=water)
    assert south.lists_over_water() == south.lists_over_water(900.0) == set()


# --- what is kept --------------------------------------------------------------------------------------------------------


def test_ways_are_kept_in_a_file_that_belongs_to_the_land(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_ways, "WORTH_S", 0.0)
    pair = xy((1_050, 3_050)), xy((1_050, 7_050)), np.array([4_000.0])
    first = Water(land(*BRIDGED))
    first.keep_in(tmp_path / "ways", write=True)
    far = first.metres(*pair, np.inf)
    assert first.metres(*pair, 6_000.0).tolist() == [np.inf]  # known to be longer
    [file] = (tmp_path / "ways").iterdir()

    again = Water(land(*BRIDGED))
    again.keep_in(tmp_path / "ways", write=False)
    monkeypatch.setattr(again.land, "ways", None)  # nothing is looked for
    assert again.metres(*pair, np.inf) == far and again.metres(*pair, 6_000.0).tolist() == [np.inf]

    other = Water(land(*BRIDGED), [crossing(1_050, y, f"Bridge {y}") for y in (4_250, 4_750, 5_250, 5_750)])
    other.keep_in(tmp_path / "ways", write=True)
    assert len(other.kept) == 0 and other.metres(*pair, np.inf) != far
    assert len(list((tmp_path / "ways").iterdir())) == 2

    file.write_bytes(b"PK half a file")
    broken = Water(land(*BRIDGED))
    broken.keep_in(tmp_path / "ways", write=True)
    assert broken.metres(*pair, np.inf) == far


def test_a_reading_command_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_ways, "WORTH_S", 0.0)
    water = Water(land(*BRIDGED))
    water.keep_in(tmp_path / "ways", write=False)
    water.metres(xy((1_050, 3_050)), xy((1_050, 7_050)), np.array([4_000.0]), np.inf)
    assert not (tmp_path / "ways").exists()


def test_what_was_looked_for_in_vain_is_looked_for_farther():
    pair = xy((1_050, 3_050)), xy((1_050, 7_050)), np.array([4_000.0])
    water = Water(land(*BRIDGED))
    assert [water.metres(*pair, most).tolist() for most in (6_000.0, 5_500.0)] == [[np.inf], [np.inf]]
    assert water.metres(*pair, 20_000.0)[0] == pytest.approx(18_769.82)
    assert water.metres(*pair, 6_000.0).tolist() == [np.inf]
