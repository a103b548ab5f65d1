"""The map painter in a real Chromium, on a real Dash page with dash-leaflet's map.

One small Dash app is served on this machine for the whole module; each test opens it anew and draws with
``window.harness`` (painter_harness.js). Colours are compared exactly.
"""

import base64
import json
import logging
import math
import threading
from pathlib import Path

import brotli
import dash
import dash_leaflet as dl
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from dash import html
from flask import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box
from werkzeug.serving import make_server

from layers.geography.packed_outlines import pack, unpack
from tests.tiny import tiny_areas

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
DATA = ROOT / "../shared/data"
NORTH_EAST = ["E08000021", "E08000037", "E08000022", "E08000023", "E08000024", "E06000057", "E06000047"]

WHITE, BLUE, NAVY = "#eff3ff", "#6baed6", "#08519c"
PALETTE = {
    "classes": [WHITE, BLUE, NAVY],
    "missing": "#bdbdbd",
    "suppressed": "#ffffff",
    "hatch": "#000000",
    "outside": "#eeeeee",
    "plain": "#fafafa",
    "context": "#dddddd",
}
MISSING, SUPPRESSED, OUTSIDE, PLAIN, CROSSING = 255, 254, 253, 252, 251

HOLED = [  # land with a lake-shaped hole, the island in it, and two islets that are one area
    Polygon([(0, 0), (0.9, 0), (0.9, 0.9), (0, 0.9)], [[(0.3, 0.3), (0.6, 0.3), (0.6, 0.6), (0.3, 0.6)]]),
    box(0.4, 0.4, 0.5, 0.5),
    MultiPolygon([box(1.0, 0, 1.1, 0.1), box(1.2, 0, 1.3, 0.1)]),
]


def frame(shapes):
    return gpd.GeoDataFrame(geometry=list(shapes), crs="EPSG:4326")


def rgba(css):
    return [int(css[k : k + 2], 16) for k in (1, 3, 5)] + [255]


@pytest.fixture(scope="module")
def packed():
    """Files that the test server offers under /packed/<name>; tests may add to it."""
    grid = [box(x * 0.001, y * 0.001, (x + 1) * 0.001, (y + 1) * 0.001) for y in range(260) for x in range(270)]
    return {
        "tiny": pack(tiny_areas()["lsoa"]),
        "lads": pack(tiny_areas()["lad"]),
        "around": pack(frame([box(-1.9, 54.8, -1.5, 55.1)])),
        "holes": pack(frame(HOLED)),
        "grid": pack(frame(grid)),
        "short": pack(tiny_areas()["lsoa"])[:-4],
    }


@pytest.fixture(scope="module")
def server(packed):
    app = dash.Dash("painter_tests", assets_folder=str(ROOT / "assets"), assets_ignore=r"^(?!map-).*|.*\.css$")
    view = dl.Map(id="map", center=[54.95, -1.66], zoom=12, style={"height": "400px", "width": "600px"})
    app.layout = html.Div(view, style={"margin": "-8px"})

    @app.server.get("/packed/<name>")
    def outlines(name):
        answer = Response(brotli.compress(packed[name], quality=4), mimetype="application/octet-stream")
        answer.headers["Content-Encoding"] = "br"
        return answer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    serving = make_server("127.0.0.1", 0, app.server, threaded=True)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{serving.port}/"
    serving.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def errors():
    """What went wrong in any page since it was last emptied."""
    return []


@pytest.fixture(scope="module")
def new_page(chromium, server, errors):
    def opened(**options):
        page = chromium.new_context(viewport={"width": 600, "height": 400}, **options).new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.add_init_script(path=Path(__file__).with_name("painter_harness.js"))
        page.goto(server)
        page.wait_for_function("Boolean(window.commonground && commonground.whenMap && window.L)")
        return page

    return opened


@pytest.fixture(scope="module")
def shared_page(new_page):
    return new_page()


@pytest.fixture
def page(shared_page, errors):
    """The page, with nothing drawn; an error in it fails the test."""
    shared_page.evaluate("() => harness.reset()")
    errors.clear()
    yield shared_page
    assert errors == []


@pytest.fixture
def open_page(new_page, errors):
    """Open another page with options of Playwright's new_context, for one test."""
    pages = []
    errors.clear()
    yield lambda **options: pages.append(new_page(**options)) or pages[-1]
    for page in pages:
        page.context.close()
    assert errors == []


def start(page, name="tiny", classes=None, palette=PALETTE):
    """Draw and look straight down at the whole geometry."""
    n = page.evaluate("([n, c, p]) => harness.start(n, c, p)", [name, classes, palette])
    page.evaluate("""() => {
        const [w, s, e, n] = harness.painter.geometry.bounds;
        harness.painter.fit([w, s, e, n], { animate: false });
        harness.log.length = 0;
    }""")
    return n


def middles(page, n):
    return page.evaluate("n => Array.from({ length: n }, (_, i) => harness.middle(i))", n)


# -- Decoding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tiny", "lads", "holes"])
def test_the_browser_decodes_what_python_reads(page, packed, name):
    want = [[ring.tolist() for ring in rings] for rings in unpack(packed[name]).rings]
    assert page.evaluate("name => harness.rings(name)", name) == want


def test_a_file_cut_short_is_refused_in_plain_words_and_can_be_fetched_again(page):
    ask = "() => commonground.loadGeometry('/packed/short').then(() => 'fine', (error) => error.message)"
    assert "incomplete" in page.evaluate(ask)
    assert "incomplete" in page.evaluate(ask)
    missing = ask.replace("short", "nothing")
    assert "could not be fetched (status 500)" in page.evaluate(missing)


def test_questions_about_areas(page):
    start(page)
    # Square 6 (index 5) stands in the second row and column; its sides touch squares 2, 5, 7 and 10.
    assert page.evaluate("() => commonground.bordering(harness.painter.geometry, 5)") == [1, 4, 6, 9]
    bounds = tiny_areas()["lsoa"].geometry[5].bounds
    got = page.evaluate("() => harness.painter.boundsOf(5).toBBoxString()").split(",")
    assert [float(x) for x in got] == pytest.approx(bounds, abs=1.1e-5)
    # Groups west and east of the middle: 4 arcs between them, and the outer edge, one arc per square on it (corner
    # squares have one arc of two sides).
    groups = [0 if i % 4 < 2 else 1 for i in range(16)]
    arcs = "g => commonground.bordersBetween(harness.painter.geometry, g).length"
    assert page.evaluate(arcs, groups) == 4 + 12
    assert page.evaluate("() => commonground.outlineOf(harness.painter.geometry, [5, 6]).length") == 6
    assert page.evaluate("() => commonground.outlineOf(harness.painter.geometry, []).length") == 0


# -- Pixels ---------------------------------------------------------------------------------------------------------


def test_finds_dash_leaflets_map_and_leaves_the_namespace_alone(page):
    found = page.evaluate("() => new Promise((r) => commonground.whenMap((map) => r(map.getContainer().id)))")
    assert found == "map"
    assert page.evaluate("() => ['MapRaster', 'MapInk', 'decodeGeometry'].every((name) => name in commonground)")


def test_every_area_shows_its_colour_and_answers_to_its_middle(page):
    classes = [i % 3 for i in range(16)]
    start(page, classes=classes)
    for i, middle in enumerate(middles(page, 16)):
        assert middle["at"] == i
        shown = page.evaluate("m => harness.pixel(m.x, m.y)", middle)
        assert shown == rgba(PALETTE["classes"][classes[i]])


def test_special_classes(page):
    classes = [MISSING, SUPPRESSED, OUTSIDE, PLAIN] + [0] * 12
    start(page, classes=classes)
    found = [page.evaluate("m => harness.colours(m.x - 12, m.y - 12, 24)", m) for m in middles(page, 5)]
    key = {
        name: ",".join(map(str, rgba(PALETTE[name]))) for name in ("missing", "suppressed", "outside", "plain", "hatch")
    }
    assert list(found[0]) == [key["missing"]]
    assert list(found[2]) == [key["outside"]]
    assert list(found[3]) == [key["plain"]]
    assert list(found[4]) == [",".join(map(str, rgba(WHITE)))]  # a true zero is a class like any other
    hatched = found[1]
    assert len(hatched) >= 3 and key["suppressed"] in hatched  # ground, line, and the steps between
    assert key["missing"] not in hatched
    dark = sum(count for colour, count in hatched.items() if int(colour.split(",")[0]) < 128)
    assert 0.1 < dark / 24**2 < 0.4


def test_areas_across_water_have_waves(page):
    start(
        page, classes=[CROSSING, SUPPRESSED] + [0] * 14, palette=PALETTE | {"crossing": "#eef4f7", "waves": "#474d54"}
    )
    waves, hatched = (page.evaluate("m => harness.colours(m.x - 12, m.y - 12, 24)", m) for m in middles(page, 2))
    ground, line = (",".join(map(str, rgba(colour))) for colour in ("#eef4f7", "#474d54"))
    assert ground in waves and line in waves and ground not in hatched
    dark = sum(count for colour, count in waves.items() if int(colour.split(",")[0]) < 140)
    assert 0.08 < dark / 24**2 < 0.4


@pytest.mark.parametrize("code", [SUPPRESSED, CROSSING])
def test_hatching_stays_on_the_ground_when_the_map_moves(page, code):
    start(page, classes=[code] * 16)
    look = "m => Array.from({ length: 12 }, (_, k) => harness.pixel(m.x + k, m.y))"
    before = page.evaluate(look, middles(page, 6)[5])
    page.evaluate("() => { harness.map.panBy([137, 61], { animate: false }); }")
    assert "view" in page.evaluate("() => harness.log")
    assert page.evaluate(look, middles(page, 6)[5]) == before


def test_holes_islands_and_areas_of_several_parts(page):
    start(page, "holes", classes=[0, 1, 2])
    where = "([x, y]) => { const p = harness.map.latLngToContainerPoint([y, x]); return harness.painter.at(p); }"
    points = {(0.1, 0.1): 0, (0.35, 0.35): -1, (0.45, 0.45): 1, (1.05, 0.05): 2, (1.15, 0.05): -1, (1.25, 0.05): 2}
    for point, want in points.items():
        assert page.evaluate(where, list(point)) == want, point
    through = "() => { const p = harness.map.latLngToContainerPoint([0.35, 0.35]); return harness.pixel(p.x, p.y)[3]; }"
    assert page.evaluate(through) == 0  # the hole is clear


def test_context_land_lies_below_and_is_no_area(page):
    start(page, classes=[0] * 16)
    page.evaluate(
        "() => commonground.loadGeometry('/packed/around').then((land) => { harness.painter.setContext(land); })"
    )
    assert [m["at"] for m in middles(page, 16)] == list(range(16))
    assert page.evaluate("() => harness.pixel(8, 200)") == rgba(PALETTE["context"])
    assert page.evaluate("() => harness.painter.at({ x: 8, y: 200 })") == -1


def test_colours_may_be_custom_properties(page):
    page.add_style_tag(content=":root { --need: rgb(10, 20, 30) }")
    start(page, classes=[0] * 16, palette={"classes": ["var(--need)"]})
    assert page.evaluate("m => harness.pixel(m.x, m.y)", middles(page, 1)[0]) == [10, 20, 30, 255]


def test_classes_of_another_level_are_refused(page):
    start(page)
    refused = page.evaluate("""() => {
        try { harness.painter.setClasses(new Uint8Array(3)); } catch (error) { return error.message; }
    }""")
    assert "16 areas" in refused and "3 classes" in refused


def test_more_areas_than_sixteen_bits_count(page):
    """70,200 squares: 65,535 is not enough for their numbers."""
    assert start(page, "grid") == 70_200
    assert page.evaluate("() => harness.painter._raster.id instanceof Uint32Array")
    for i in (0, 65_534, 65_535, 65_536, 70_199):
        page.evaluate("i => { harness.map.setView(harness.painter.pointOf(i), 16, { animate: false }); }", i)
        assert page.evaluate("i => harness.middle(i).at", i) == i


# -- The id buffer against a brute-force oracle ---------------------------------------------------------------------


def scan(page, areas, view, precision=1e-5):
    text = page.evaluate(
        "([p, v]) => harness.raster(p, v)", [base64.b64encode(pack(areas, precision=precision)).decode(), view]
    )
    return np.frombuffer(base64.b64decode(text), np.uint32).reshape(view["height"], view["width"])


def to_pixels(shape, view):
    """Web Mercator as Leaflet has it, written down a second time, on rounded degrees."""

    def move(points):
        lon, lat = np.round(points, 5).T
        x = (lon + 180) / 360 * 65536 * view["scale"]
        y = (0.5 - np.log(np.tan(np.pi / 4 + np.radians(lat) / 2)) / (2 * np.pi)) * 65536 * view["scale"]
        return np.column_stack([x - view["left"], y - view["top"]])

    return shapely.transform(shape, move)


def view_of(bounds, scale, width, height):
    x = ((bounds[0] + bounds[2]) / 2 + 180) / 360 * 65536 * scale
    lat = (bounds[1] + bounds[3]) / 2
    y = (0.5 - math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) / (2 * math.pi)) * 65536 * scale
    return {
        "width": width,
        "height": height,
        "scale": scale,
        "left": round(x - width / 2),
        "top": round(y - height / 2),
    }


def assert_matches_oracle(ids, areas, view):
    """Each pixel centre further than 1/50 pixel from a border belongs to the area that holds it, by shapely."""
    want, sure = np.zeros(ids.shape, int), np.ones(ids.shape, bool)
    seen = np.zeros(len(areas) + 1, bool)
    seen[0] = True
    for i, shape in enumerate(to_pixels(areas.geometry.values, view)):
        if shape.is_empty:
            continue
        x0, y0, x1, y1 = np.floor(shape.bounds).astype(int)
        part = np.s_[max(0, y0 - 1) : max(0, y1 + 2), max(0, x0 - 1) : max(0, x1 + 2)]
        rows, columns = np.mgrid[: view["height"], : view["width"]][(slice(None), *part)] + 0.5
        shapely.prepare(shape)
        inside = shapely.contains_xy(shape, columns, rows)
        want[part][inside] = i + 1
        seen[i + 1] = inside.any()
        edge = shapely.buffer(shapely.boundary(shape), 0.02)
        shapely.prepare(edge)
        sure[part] &= ~shapely.contains_xy(edge, columns, rows)
    sure &= seen[ids] | (ids == want)  # areas below a pixel were given one of their neighbour's
    wrong = sure & (ids != want)
    assert not wrong.any(), f"{wrong.sum()} pixels, first at {np.argwhere(wrong)[0]}"
    return seen


@st.composite
def coverages(draw):
    seed, cells, areas = draw(st.integers(0, 2**32 - 1)), draw(st.integers(4, 80)), draw(st.integers(1, 15))
    rng = np.random.default_rng(seed)
    points = shapely.MultiPoint(rng.uniform([-2, 54], [-1, 55], (cells, 2)))
    diagram = shapely.get_parts(shapely.voronoi_polygons(points))
    diagram = shapely.set_precision(shapely.intersection(diagram, box(-2, 54, -1, 55)), 1e-5)
    owner = rng.integers(0, areas, len(diagram))
    merged = [shapely.union_all(diagram[owner == k]) for k in range(areas)]
    return frame(m if m.geom_type in ("Polygon", "MultiPolygon") else Polygon() for m in merged)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(areas=coverages(), zoom=st.floats(5.5, 12), east=st.floats(-0.6, 0.6))
def test_pixels_agree_with_point_in_polygon(page, areas, zoom, east):
    view = view_of((-2 + east, 54, -1 + east, 55), 2 ** (zoom - 8), 160, 120)
    assert_matches_oracle(scan(page, areas, view), areas, view)


def test_neighbours_leave_no_gap_and_do_not_overlap(page):
    rng = np.random.default_rng(5)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(rng.uniform([-2, 54], [-1, 55], (400, 2)))))
    areas = frame(shapely.set_precision(shapely.intersection(cells, box(-2, 54, -1, 55)), 1e-5))
    view = view_of((-1.7, 54.3, -1.3, 54.7), 4.0, 400, 300)  # all inside the square
    ids = scan(page, areas, view)
    assert (ids > 0).all()
    assert_matches_oracle(ids, areas, view)


def test_areas_below_a_pixel_keep_one_where_there_is_room(page):
    specks = [box(-1.6 + k * 0.05, 54.5, -1.6 + k * 0.05 + 1e-4, 54.5 + 1e-4) for k in range(8)]
    land = box(-2, 54, -1, 55)
    for speck in specks:
        land = land.difference(speck)
    areas = frame([land, *specks])
    ids = scan(page, areas, view_of((-2, 54, -1, 55), 1.0, 200, 300))  # a speck is 1/50 of a pixel
    assert set(np.unique(ids)) == set(range(10))
    assert all((ids == k).sum() == 1 for k in range(2, 10))


def test_long_outlines_do_not_overflow(page):
    """A comb of 6,000 teeth: 24,000 edges in one ring, up to hundreds of crossings in a row."""
    teeth = 6000
    top = [(-2 + k / teeth, 54.6 if k % 2 else 54.4) for k in range(teeth + 1)]
    comb = Polygon([(-2, 54.3), *top, (-1, 54.3)])
    view = view_of(comb.bounds, 4.0, 700, 300)
    ids = scan(page, frame([comb]), view)
    assert (ids[-20] == 1).sum() > 650
    assert page.evaluate("() => harness.last.crossX.length") > 10_000


def test_borders_are_smooth_by_the_share_of_each_side(page):
    """A level border a quarter into a pixel row: that row is three quarters the one colour, one quarter the other."""
    scale = 64.0
    view = {"width": 40, "height": 40, "scale": scale, "left": 0, "top": 0}
    y_of = lambda lat: to_pixels(shapely.Point(0, lat), view).y  # noqa: E731
    edge = 54.5
    view["top"] = math.floor(y_of(edge)) - 20
    share = y_of(edge) % 1
    west = to_pixels(shapely.Point(-1.5, edge), {**view, "left": 0}).x
    view["left"] = math.floor(west) - 20
    areas = frame([box(-2, edge, -1, 55), box(-2, 54, -1, edge)])
    ids = scan(page, areas, view)
    assert (ids[:20] == 1).all() and (ids[21:] == 2).all()
    assert (ids[20] == (1 if share > 0.5 else 2)).all()
    column = page.evaluate("""() => {
        const image = harness.last.paint(Uint32Array.from([0, 0xff000000, 0xffffffff, 0]), null);
        return Array.from({ length: 40 }, (_, y) => image.data[(y * 40 + 20) * 4]);
    }""")
    # North is black and lies above: the mixed row is (1 - share) white.
    assert column[:20] == [0] * 20 and column[21:] == [255] * 19
    assert column[20] == pytest.approx(255 * (1 - share), abs=4)


# -- What is not done again -----------------------------------------------------------------------------------------


COUNT = """() => {
    const p = harness.painter;
    window.calls = { raster: 0, ink: 0, fill: 0 };
    const spy = (object, name, key) => {
        const before = object[name];
        object[name] = function () { calls[key]++; return before.apply(this, arguments); };
    };
    spy(p._raster, 'draw', 'raster');
    spy(p._raster, 'paint', 'fill');
    spy(p._ink, 'draw', 'ink');
    harness.log.length = 0;
}"""


def test_new_classes_repaint_the_colours_only(page):
    start(page, classes=[0] * 16)
    page.evaluate(COUNT)
    page.evaluate("() => { harness.painter.setClasses(new Uint8Array(16).fill(2)); }")
    assert page.evaluate("() => calls") == {"raster": 0, "ink": 0, "fill": 1}
    assert page.evaluate("() => harness.log") == ["classes"]
    assert page.evaluate("m => harness.pixel(m.x, m.y)", middles(page, 1)[0]) == rgba(NAVY)


def test_highlight_and_selection_draw_one_outline_and_nothing_else(page):
    start(page, classes=[0] * 16)
    page.evaluate(COUNT)
    paths = "() => [...document.querySelectorAll('.commonground-painter path')].map((p) => p.getAttribute('d'))"
    page.evaluate("() => { harness.painter.setHighlight(5).setSelected(2); }")
    selected_casing, selected, hover_casing, hover = page.evaluate(paths)
    assert selected == selected_casing != hover == hover_casing
    assert hover.startswith("M") and hover.endswith("Z") and hover.count("L") >= 3
    assert page.evaluate("() => calls") == {"raster": 0, "ink": 0, "fill": 0}
    page.evaluate("() => { harness.painter.setHighlight(-1).setSelected(-1); }")
    assert set(page.evaluate(paths)) == {""}


def test_outlines_names_and_emphasis_leave_the_fill_alone(page):
    start(page, classes=[0] * 16)
    page.evaluate(COUNT)
    ink = "() => { const c = document.querySelectorAll('.commonground-painter canvas')[1]; return c.toDataURL(); }"
    pictures = [page.evaluate(ink)]
    for step in (
        "p.setOutlines(Uint8Array.from({ length: 16 }, (_, i) => (i % 4 < 2 ? 0 : 1)))",
        "p.setLabels([{ name: 'Westshire', lon: -1.67, lat: 54.95, rank: 0 }, { name: 'Hidden', lon: -1.67, lat: 54.95, rank: 1 }])",
        "p.setEmphasis([5, 6], [{ name: 'Underserved', lon: -1.66, lat: 54.94 }])",
        "p.setStyle({ border: '#ff0000' })",
    ):
        page.evaluate(f"() => {{ const p = harness.painter; {step}; }}")
        pictures.append(page.evaluate(ink))
    assert len(set(pictures)) == 5
    assert page.evaluate("() => calls") == {"raster": 0, "ink": 4, "fill": 0}
    page.evaluate(
        "() => { harness.painter.setOutlines(null).setLabels([]).setEmphasis(null).setStyle({ border: '#ffffff' }); }"
    )
    assert page.evaluate(ink) == pictures[0]


def test_names_do_not_cover_each_other(page):
    start(page)
    written = page.evaluate("""() => {
        const names = [];
        const context = harness.painter._ink.context;
        const before = context.fillText;
        context.fillText = function (name) { names.push(name); return before.apply(this, arguments); };
        const { lat, lng: lon } = harness.map.getCenter();
        harness.painter.setLabels([
            { name: 'Second', lon, lat, rank: 2 }, { name: 'First', lon, lat, rank: 1 },
            { name: 'Far', lon: lon + 0.02, lat, rank: 3 }, { name: 'Late', lon: lon - 0.02, lat, rank: 0, minZoom: 18 }]);
        return names;
    }""")
    assert written == ["First", "Far"]


# -- The view -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1, 1.5, 2, 3])
def test_sharp_on_dense_screens(open_page, ratio):
    page = open_page(device_scale_factor=ratio)
    classes = [i % 3 for i in range(16)]
    start(page, classes=classes)
    size = page.evaluate("""() => { const c = document.querySelector('.commonground-painter canvas');
        return [c.width, c.height, c.getBoundingClientRect().width, harness.painter._view.ratio]; }""")
    # 600 x 400 and an eighth more on each side: 750 x 500.
    assert size[:2] == [round(750 * ratio), round(500 * ratio)]
    assert size[2] == pytest.approx(750, abs=1) and size[3] == ratio
    for i, middle in enumerate(middles(page, 16)):
        assert middle["at"] == i
        assert page.evaluate("m => harness.pixel(m.x, m.y)", middle) == rgba(PALETTE["classes"][classes[i]])


def test_the_number_of_pixels_has_a_ceiling(open_page):
    page = open_page(device_scale_factor=3)
    start(page, classes=[1] * 16)
    page.evaluate("() => { harness.painter.options.maxPixels = 400000; harness.painter._redraw('view'); }")
    width, height = page.evaluate("() => [harness.painter._view.width, harness.painter._view.height]")
    assert 380_000 < width * height <= 401_000
    assert [m["at"] for m in middles(page, 16)] == list(range(16))


def test_small_pans_cost_nothing_and_larger_ones_are_drawn(page):
    start(page, classes=[1] * 16)
    page.evaluate("() => { harness.map.panBy([20, 10], { animate: false }); }")
    assert page.evaluate("() => harness.log") == []
    assert [m["at"] for m in middles(page, 16)] == list(range(16))
    page.evaluate("() => { harness.map.panBy([200, 0], { animate: false }); }")
    assert page.evaluate("() => harness.log") == ["view"]
    seen = [m for m in middles(page, 16) if m["x"] > 0]
    assert seen and all(m["at"] >= 0 for m in seen)


def test_dragging_draws_ahead_of_the_hand(page):
    start(page, classes=[1] * 16)
    page.mouse.move(300, 200)
    page.mouse.down()
    for k in range(1, 9):
        page.mouse.move(300 - 25 * k, 200)
    page.evaluate("() => harness.nextFrame()")
    drawn = page.evaluate("() => harness.log.length")
    page.mouse.up()
    assert drawn >= 1


def test_zoom_animation_scales_the_sheet_and_leaves_nothing_behind(page):
    start(page, classes=[i % 3 for i in range(16)])
    during, after = page.evaluate("""async () => {
        const sheet = document.querySelector('.commonground-painter');
        const { map, painter } = harness;
        const ended = new Promise((resolve) => map.once('zoomend', () => setTimeout(resolve)));
        map.setZoom(map.getZoom() + 1, { animate: true });
        await harness.nextFrame();
        const during = { transform: sheet.style.transform, at: painter.at({ x: 300, y: 200 }), log: [...harness.log] };
        await ended;
        return [during, { transform: sheet.style.transform, log: harness.log,
            sheets: document.querySelectorAll('.commonground-painter').length,
            canvases: document.querySelectorAll('.commonground-painter canvas').length }];
    }""")
    assert "scale(2)" in during["transform"] and during["at"] == -1 and during["log"] == []
    assert "scale" not in after["transform"] and after["log"] == ["view"]
    assert (after["sheets"], after["canvases"]) == (1, 2)
    for i, middle in enumerate(middles(page, 16)):
        if 0 < middle["x"] < 600 and 0 < middle["y"] < 400:
            assert middle["at"] == i
            assert page.evaluate("m => harness.pixel(m.x, m.y)", middle) == rgba(PALETTE["classes"][i % 3])


def test_the_sheet_follows_a_fractional_zoom(page):
    """A pinch: zoom events without the animation's. The drawn picture is scaled, then drawn anew at the end."""
    start(page, classes=[1] * 16)
    before = page.evaluate("() => harness.map.latLngToContainerPoint(harness.painter.pointOf(5))")
    scale = page.evaluate("""() => {
        const { map } = harness;
        map._moveStart(true, false);
        map._move(map.getCenter(), map.getZoom() + 0.5, { pinch: true, round: false });
        return document.querySelector('.commonground-painter').style.transform;
    }""")
    assert "scale(1.41" in scale
    page.evaluate("() => { harness.map._moveEnd(true); }")
    after = middles(page, 6)[5]
    assert after["at"] == 5 and (after["x"], after["y"]) != (before["x"], before["y"])


def test_resizing_the_map(page):
    start(page, classes=[1] * 16)
    page.evaluate("""() => {
        harness.map.getContainer().style.width = '300px';
        harness.map.invalidateSize({ animate: false });
    }""")
    assert page.evaluate("() => harness.painter._view.size.x") == 376  # 300 and 38 on each side, an eighth rounded up
    assert "view" in page.evaluate("() => harness.log")


def test_less_motion_when_asked(open_page):
    page = open_page(reduced_motion="reduce")
    start(page, classes=[1] * 16)
    page.evaluate("() => { harness.map.setZoom(harness.map.getZoom() + 1); }")
    assert page.evaluate("() => harness.log") == ["view"]  # there at once, in the same task
    page.evaluate("() => { harness.map.panBy([200, 0]); }")
    assert page.evaluate("() => harness.log") == ["view", "view"]


# -- Pointer --------------------------------------------------------------------------------------------------------


def test_pointer_over_areas_controls_and_the_sea(page):
    start(page, classes=[1] * 16)
    m = middles(page, 16)
    page.mouse.move(m[5]["x"], m[5]["y"])
    page.evaluate("() => harness.nextFrame()")
    assert page.evaluate("() => harness.hovered.at(-1)") == [5, True]
    assert page.evaluate("() => document.querySelector('.commonground-hover').getAttribute('d').length") > 10
    page.evaluate("() => { harness.log.length = 0; }")
    page.mouse.move(m[6]["x"], m[6]["y"])
    page.evaluate("() => harness.nextFrame()")
    assert page.evaluate("() => [harness.hovered.at(-1)[0], harness.log.length]") == [6, 0]
    page.mouse.move(25, 25)  # the zoom buttons
    page.evaluate("() => harness.nextFrame()")
    assert page.evaluate("() => harness.hovered.at(-1)[0]") == -1
    page.mouse.click(m[9]["x"], m[9]["y"])
    page.mouse.click(590, 200)
    assert page.evaluate("() => harness.selected") == [9, -1]


def test_taken_off_the_map_nothing_stays(page):
    start(page, classes=[1] * 16)
    page.evaluate(
        "() => { harness.painter.destroy(); harness.log.length = 0; harness.map.setZoom(10, { animate: false }); }"
    )
    page.mouse.move(300, 200)
    page.evaluate("() => harness.nextFrame()")
    assert page.evaluate("() => [harness.log.length, document.querySelectorAll('.commonground-painter').length]") == [
        0,
        0,
    ]
    start(page, classes=[1] * 16)  # and a new one can be added
    assert middles(page, 1)[0]["at"] == 0


def test_nothing_to_draw_yet(page):
    page.evaluate("""async () => {
        const map = await new Promise((resolve) => commonground.whenMap(resolve));
        const painter = commonground.createPainter().addTo(map);
        painter.setHighlight(3).setLabels([]).setOutlines(null).setEmphasis([1]).fit(null);
        painter.setGeometry(null);
        harness.painter = painter; harness.map = map; // for the clean-up
        if (painter.at({ x: 5, y: 5 }) !== -1 || painter.boundsOf(2) || painter.pointOf(2)) throw new Error('not empty');
    }""")


# -- Real outlines --------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_the_real_north_east(page, packed):
    if not DATA.exists():
        pytest.skip("the real open data is not at ../shared/data")
    areas = gpd.read_parquet(DATA / "boundaries/LSOA_2021_EW.parquet")
    lookup = pd.read_csv(DATA / "lookups/LSOA21_WD24_LAD24_EW_LU.csv.gz").set_index("LSOA21CD")["LAD24CD"]
    areas = areas[lookup.reindex(areas["LSOA21CD"]).isin(NORTH_EAST).to_numpy()].reset_index(drop=True)
    packed["north-east"] = pack(areas)
    assert start(page, "north-east", classes=[i % 3 for i in range(len(areas))]) == 1257
    whole = "() => harness.rings('north-east').then((areas) => JSON.stringify(areas))"
    want = [[ring.tolist() for ring in rings] for rings in unpack(packed["north-east"]).rings]
    assert json.loads(page.evaluate(whole)) == want
    rows = range(0, 1257, 11)
    found = page.evaluate(
        """(rows) => rows.map((i) => {
        harness.map.setView(harness.painter.pointOf(i), 14, { animate: false });
        const m = harness.middle(i);
        return [m.at, harness.pixel(m.x, m.y)];
    })""",
        list(rows),
    )
    for i, (at, colour) in zip(rows, found, strict=True):
        assert at == i and colour == rgba(PALETTE["classes"][i % 3])
    view = page.evaluate("""() => { const [w, s, e, n] = harness.painter.geometry.bounds;
        harness.painter.fit([w, s, e, n], { animate: false });
        const { width, height, scale, left, top } = harness.painter._view;
        return { width, height, scale, left, top }; }""")
    seen = assert_matches_oracle(scan(page, areas, view), areas, view)
    assert seen.sum() > 900  # at this scale the smallest have no pixel centre of their own
