"""Maps made on the server: the right areas in the right colours, nothing hostile, nothing from elsewhere."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import shapely

from dashboard.drawing.svg_map import PLAIN, Label, Outline, Point, bounds_around, svg_map
from dashboard.views.banding import MISSING, OUTSIDE, SUPPRESSED

NS = {"s": "http://www.w3.org/2000/svg"}
RED, BLUE = "#aa0000", "#0000aa"


def parsed(text: str):
    return ElementTree.fromstring(text)


def draw(published, classes=None, palette=(RED, BLUE), level="lsoa", **more):
    n = len(published.region.areas[level])
    classes = np.zeros(n, dtype="uint8") if classes is None else classes
    return svg_map(published, level, classes, list(palette), **more)


def fills(root) -> list[str]:
    return [path.get("fill") for path in root.findall("s:path", NS)]


def places(path) -> np.ndarray:
    """Corners of a path in pixels: each ring is M and l, then steps in tenths of a pixel."""
    assert path.get("transform") == "scale(.1)"
    rings = re.findall(r"M(-?\d+) (-?\d+)l([^MZ]*)", path.get("d"))
    out = []
    for x, y, steps in rings:
        numbers = np.array(re.findall(r"-?\d+", steps), dtype=float).reshape(-1, 2)
        out.append(np.cumsum(np.vstack([[float(x), float(y)], numbers]), axis=0))
    return np.vstack(out) / 10


def test_each_class_is_one_path_in_its_colour(tiny):
    n = len(tiny.region.areas["lsoa"])
    classes = (np.arange(n) % 2).astype("uint8")
    root = parsed(draw(tiny, classes))
    assert [fill for fill in fills(root) if fill in (RED, BLUE)] == [RED, BLUE]
    # every area is a ring of its own
    rings = sum(path.get("d").count("Z") for path in root.findall("s:path", NS) if path.get("fill") in (RED, BLUE))
    assert rings == sum(len(shapely.get_parts(shape)) for shape in tiny.region.areas["lsoa"].geometry)


def test_special_classes_have_colours_of_their_own(tiny):
    n = len(tiny.region.areas["lsoa"])
    classes = np.zeros(n, dtype="uint8")
    classes[:4] = MISSING, SUPPRESSED, OUTSIDE, PLAIN
    found = fills(parsed(draw(tiny, classes)))
    assert "url(#withheld)" in found and len(set(found) - {"none"}) >= 5


def test_areas_fill_the_picture_and_stay_in_it(tiny):
    root = parsed(draw(tiny, width=300, height=200))
    numbers = places(next(path for path in root.findall("s:path", NS) if path.get("fill") == RED))
    assert numbers[:, 0].min() >= -5 and numbers[:, 0].max() <= 305
    assert numbers[:, 1].min() >= -5 and numbers[:, 1].max() <= 205
    wide, tall = np.ptp(numbers, axis=0)
    assert wide == pytest.approx(300, abs=1) or tall == pytest.approx(200, abs=1)


def test_a_close_view_holds_only_what_it_shows(tiny):
    shape = tiny.region.areas["lsoa"].geometry.iat[0]
    near = draw(tiny, bounds=bounds_around([shape], 0.01, 0.0))
    assert len(near) < len(draw(tiny))
    assert parsed(near) is not None


def test_names_and_titles_are_texts_and_never_markup(tiny):
    hostile = '</text><script>alert("1")</script>&'
    x, y = tiny.region.areas["lsoa"].geometry.iat[0].representative_point().coords[0]
    text = draw(
        tiny,
        title=hostile,
        description=hostile,
        labels=[Label(hostile[:8], x, y)],
        points=[Point(x, y, "square", "<1>", title=hostile)],
    )
    root = parsed(text)
    assert root.findall(".//s:script", NS) == []
    assert root.find("s:title", NS).text == hostile and root.find("s:desc", NS).text == hostile


@pytest.mark.parametrize("colour", ['red" onload="x', "url(javascript:1)<"])
def test_a_colour_cannot_carry_anything_else(tiny, colour):
    with pytest.raises(ValueError, match="is not a colour"):
        draw(tiny, palette=[colour])


def test_classes_of_another_level_or_without_colour_are_refused(tiny):
    with pytest.raises(ValueError, match="belong to another level"):
        svg_map(tiny, "ward", np.zeros(len(tiny.region.areas["lsoa"]), dtype="uint8"), [RED])
    with pytest.raises(ValueError, match="class 7 has no colour"):
        draw(tiny, np.full(len(tiny.region.areas["lsoa"]), 7, dtype="uint8"))


def test_of_two_names_at_one_place_the_first_stays(tiny):
    x, y = tiny.region.areas["lad"].geometry.iat[0].representative_point().coords[0]
    root = parsed(draw(tiny, labels=[Label("First", x, y), Label("Second", x, y)], scale_bar=False))
    assert [each.text for each in root.findall("s:text", NS)] == ["First"]


def test_every_shape_of_mark_is_drawn_and_those_outside_are_not(tiny):
    x, y = tiny.region.areas["lad"].geometry.iat[0].representative_point().coords[0]
    marks = [Point(x, y, shape) for shape in ("circle", "square", "diamond", "cross")]
    root = parsed(draw(tiny, points=[*marks, Point(100.0, 80.0)], scale_bar=False))
    assert len(root.findall("s:g", NS)) == 4


def test_outlines_have_their_casing_below_them(tiny):
    shape = tiny.region.areas["lad"].geometry.iat[0]
    root = parsed(draw(tiny, outlines=[Outline(shape, "#123456", 3, casing="#abcdef")]))
    strokes = [path.get("stroke") for path in root.findall("s:path", NS)]
    assert strokes.index("#abcdef") < strokes.index("#123456")


def test_the_scale_bar_is_as_long_as_it_says(tiny):
    """A bar of n km is n / 111.32 degrees of latitude, and the picture is as high as its bounds."""
    (south, west), (north, east) = [[54.0, -1.001], [54.2, -0.999]]
    root = parsed(draw(tiny, bounds=[[south, west], [north, east]], width=400, height=400))
    bar = root.findall("s:g", NS)[-1]
    start, end = (float(x) for x in re.match(r"M([\d.]+) .*H([\d.]+)V", bar.find("s:path", NS).get("d")).groups())
    number, unit = bar.find("s:text", NS).text.split()
    metres = float(number) * (1000 if unit == "km" else 1)
    assert (end - start) * 0.2 / 400 * 111_320 == pytest.approx(metres, rel=0.01)


def test_bounds_have_a_margin_and_a_least_size():
    (south, west), (north, east) = bounds_around([shapely.Point(-1.5, 55.0)], 0.25, 1_500.0)
    assert (north - south) * 111_320 == pytest.approx(1_500)
    assert south < 55.0 < north and west < -1.5 < east
    (south, west), (north, east) = bounds_around([shapely.box(-2, 54, -1, 55)], 0.5, 0.0)
    assert (south, west, north, east) == pytest.approx((53.5, -2.5, 55.5, -0.5))
