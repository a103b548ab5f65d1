"""A plain map as an SVG text, made on the server: for pages that print, briefings and exports. No script, no other file.

Degrees (EPSG:4326) come in; the picture is an equirectangular one about the middle of its bounds, which over a region is the
map that people know. Areas are thinned together, so that neighbours still share their border, and areas of one class are one
path in tenths of a pixel. Where areas are only a few pixels large, those of one class that touch are drawn as one shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from dashboard.drawing.palette import INK, SPECIAL
from dashboard.drawing.svg_text import FONT, clean, text_at, text_block, width_of, wrap
from dashboard.memory import memory_of
from dashboard.published import Published
from dashboard.views.banding import CROSSING, MISSING, OUTSIDE, SUPPRESSED
from layers import Region

PLAIN = 252
"""Class of an area without anything to show, as in the map painter."""
METRES_PER_DEGREE = 111_320.0
THIN = 0.4
"""Pixels: what lies closer to a straight line than about this is left out."""
JOINED_BELOW = 60.0
"""Square pixels of the middle area: below this there is no room for a border round every area."""
DENSE = 4_000
"""Areas in one picture from which shapes are thinned a second time, and specks left out: a whole country."""
SPECK = 2.0
MOST_KEPT = 24

Bounds = Sequence[Sequence[float]]  # [[south, west], [north, east]] in degrees


@dataclass(frozen=True)
class Outline:
    """A line around something: ``geometry`` is any shapely geometry in degrees; polygons give their rims, a list of polygons
    each rim that they share once."""

    geometry: Any
    colour: str = SPECIAL["light"]["authority"]
    width: float = 1.4
    casing: str = ""  # colour of a wider line below it
    dash: str = ""


@dataclass(frozen=True)
class Point:
    """A mark that differs by form as well as colour: one of :data:`SHAPES`, where a cross is drawn as a saltire; with a text in it."""

    longitude: float
    latitude: float
    shape: str = "circle"
    text: str = ""
    colour: str = INK
    size: float = 13.0
    title: str = ""


@dataclass(frozen=True)
class Marks:
    """Many places with the same mark, one of :data:`SHAPES`, as one path."""

    longitudes: Sequence[float]
    latitudes: Sequence[float]
    shape: str = "circle"
    colour: str = INK
    size: float = 9.0


@dataclass(frozen=True)
class Label:
    """A name; of two that would overlap the earlier one stays. With ``shifts`` it may stand beside, above or below its place."""

    text: str
    longitude: float
    latitude: float
    size: float = 13.0
    bold: bool = False
    dy: float = 0.0  # pixels below the place
    shifts: bool = False


@dataclass(frozen=True)
class Callouts:
    """Names beside the map, each with a line to its place: for places too close together to be named where they are.

    They stand below each other from ``top`` to ``bottom``, begin at ``left`` and break within ``width`` pixels.
    """

    labels: Sequence[Label]
    left: float
    width: float
    top: float
    bottom: float


def svg_map(
    published: Published,
    level: str,
    classes: np.ndarray,
    palette: Mapping[str, Any] | Sequence[str],
    *,
    width: int = 720,
    height: int = 480,
    bounds: Bounds | None = None,
    clear: tuple[float, float, float, float] = (0, 0, 0, 0),
    outlines: Sequence[Outline] = (),
    marks: Sequence[Marks] = (),
    points: Sequence[Point] = (),
    labels: Sequence[Label] = (),
    callouts: Callouts | None = None,
    title: str = "",
    description: str = "",
    scale_bar: bool = True,
    id_prefix: str = "",
    on_top: str = "",
    text_size: float = 12.0,
) -> str:
    """The areas of a level in their colours as one SVG element.

    ``classes`` (uint8, area order) and ``palette`` (a list of CSS colours by class, or a mapping ``classes`` and the special
    ``missing, suppressed, suppressed_line, outside, plain, land, water, border``) are those of the map painter. ``bounds``
    default to the whole region and are widened to the shape of the picture, less ``clear`` pixels at its left, top, right and
    bottom. ``id_prefix`` keeps the ids of several maps in one page apart; ``on_top`` is markup of the caller's own, drawn last.
    Raises ValueError for classes of another level.
    """
    areas = published.region.areas[level]
    classes = np.asarray(classes)
    if len(classes) != len(areas):
        raise ValueError(
            f"{level} has {len(areas):,} areas but got {len(classes):,} classes; they belong to another level"
        )
    colours = SPECIAL["light"] | (dict(palette) if isinstance(palette, Mapping) else {"classes": list(palette)})
    view = _View.of(bounds or _bounds_of(areas), width, height, clear)
    parts = [f'<rect width="{width}" height="{height}" fill="{_colour(colours["water"])}"/>']
    context = published.region.context
    if context is not None:
        parts.append(_path(_land(published.region, view), fill=colours["land"]))
    hatch = {SUPPRESSED: f"{id_prefix}withheld", CROSSING: f"{id_prefix}across"}
    parts += _areas(_thinned(published.region, level, view), classes, colours, hatch)
    for line in outlines:
        lines = _rims(line.geometry, view)
        if line.casing:
            parts.append(_path(lines, stroke=line.casing, width=line.width + 2.2))
        parts.append(_path(lines, stroke=line.colour, width=line.width, dash=line.dash))
    parts += [_marks(many, view) for many in marks]
    parts += [_mark(point, *view.place(point.longitude, point.latitude)) for point in points if view.holds(point)]
    scale = _scale(view, text_size) if scale_bar else ("", None)
    leaders, called = _called(callouts, view) if callouts else ("", "")
    parts += [leaders, *_names(labels, points, view, clear, scale[1]), called, scale[0], on_top]
    heading, words = f"{id_prefix}map-title", f"{id_prefix}map-description"
    names = f'<title id="{heading}">{clean(title)}</title>' if title else ""
    names += f'<desc id="{words}">{clean(description)}</desc>' if description else ""
    said = f' role="img" aria-labelledby="{heading} {words}"' if title and description else ' role="img"'
    pattern = ""
    if (classes == CROSSING).any():
        pattern += (
            f'<defs><pattern id="{hatch[CROSSING]}" width="11" height="7" patternUnits="userSpaceOnUse" '
            f'patternTransform="scale(10)"><rect width="11" height="7" fill="{_colour(colours["crossing"])}"/>'
            f'<path d="M0 2q2.75 4.5 5.5 0t5.5 0" fill="none" stroke="{_colour(colours["crossing_line"])}" '
            'stroke-width="1.2"/></pattern></defs>'
        )
    if (classes == SUPPRESSED).any():
        pattern += (
            f'<defs><pattern id="{hatch[SUPPRESSED]}" width="6" height="6" patternUnits="userSpaceOnUse" '
            'patternTransform="scale(10) rotate(45)">'  # paths are drawn in tenths of a pixel
            f'<rect width="6" height="6" fill="{_colour(colours["suppressed"])}"/>'
            f'<rect width="1.5" height="6" fill="{_colour(colours["suppressed_line"])}"/></pattern></defs>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"{said}>'
        f"{names}{pattern}{''.join(parts)}</svg>"
    )


# ---- the view -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _View:
    """From degrees to pixels. ``west`` and ``north`` lie at the corner of the picture."""

    west: float
    north: float
    x_scale: float  # pixels per degree
    y_scale: float
    width: int
    height: int

    @classmethod
    def of(cls, bounds: Bounds, width: int, height: int, clear=(0, 0, 0, 0)) -> _View:
        (south, west), (north, east) = bounds
        left, top, right, bottom = clear
        free_x, free_y = width - left - right, height - top - bottom
        squeeze = max(math.cos(math.radians((south + north) / 2)), 0.05)
        across, up = max((east - west) * squeeze, 1e-5), max(north - south, 1e-5)
        scale = min(free_x / across, free_y / up)  # pixels per degree of latitude
        middle_x, middle_y = (west + east) / 2, (south + north) / 2
        return cls(
            middle_x - (left + free_x / 2) / (scale * squeeze),
            middle_y + (top + free_y / 2) / scale,
            scale * squeeze,
            scale,
            width,
            height,
        )

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east and north of the picture, with a few pixels around."""
        x, y = 4 / self.x_scale, 4 / self.y_scale
        return (
            self.west - x,
            self.north - self.height / self.y_scale - y,
            self.west + self.width / self.x_scale + x,
            self.north + y,
        )

    def place(self, longitude, latitude):
        return (longitude - self.west) * self.x_scale, (self.north - latitude) * self.y_scale

    def holds(self, point) -> bool:
        x, y = self.place(point.longitude, point.latitude)
        return 0 <= x <= self.width and 0 <= y <= self.height

    def touches(self, shapes: np.ndarray) -> np.ndarray:
        west, south, east, north = self.box
        b = shapely.bounds(shapes)
        return (b[:, 0] <= east) & (b[:, 2] >= west) & (b[:, 1] <= north) & (b[:, 3] >= south)

    def pixels(self, shapes: np.ndarray) -> np.ndarray:
        return shapely.transform(shapes, lambda xy: np.column_stack(self.place(xy[:, 0], xy[:, 1])))

    def clipped(self, shapes: np.ndarray) -> np.ndarray:
        """Shapes in pixels without what lies outside the picture, a few pixels apart."""
        b = shapely.bounds(shapes)
        out = (b[:, 0] < -4) | (b[:, 1] < -4) | (b[:, 2] > self.width + 4) | (b[:, 3] > self.height + 4)
        if out.any():
            shapes = shapes.copy()
            shapes[out] = shapely.clip_by_rect(shapes[out], -4, -4, self.width + 4, self.height + 4)
        return shapes


def _bounds_of(areas) -> Bounds:
    west, south, east, north = areas.total_bounds
    return [[south, west], [north, east]]


def bounds_around(geometries: Sequence[Any], share: float = 0.25, least_m: float = 1_500.0) -> Bounds:
    """Bounds of some shapes with a margin: a share of their size, and at least some metres across."""
    west, south, east, north = shapely.total_bounds(np.asarray(geometries, dtype=object))
    squeeze = max(math.cos(math.radians((south + north) / 2)), 0.05)
    pad_y = max((north - south) * share, (least_m / METRES_PER_DEGREE - (north - south)) / 2, 0)
    pad_x = max((east - west) * share, (least_m / METRES_PER_DEGREE / squeeze - (east - west)) / 2, 0)
    return [[south - pad_y, west - pad_x], [north + pad_y, east + pad_x]]


# ---- shapes in pixels ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Thinned:
    """Areas of a level as a view shows them: ``places`` in area order, ``shapes`` in pixels, ``middle`` area in square pixels."""

    places: np.ndarray
    shapes: np.ndarray
    middle: float


def _once(region: Region, key: tuple, make: Callable[[], Any]) -> Any:
    """Thinning costs more than drawing, and a briefing shows the same areas page after page."""
    return memory_of(region, "drawn shapes", MOST_KEPT).get(key, make)


def _thinned(region: Region, level: str, view: _View) -> _Thinned:
    return _once(region, (level, view), lambda: _thin(region.areas[level].geometry.to_numpy(), view))


def _thin(shapes: np.ndarray, view: _View) -> _Thinned:
    places = np.flatnonzero(view.touches(shapes))
    pixels = view.pixels(shapes[places])
    middle = float(np.median(shapely.area(pixels))) if len(places) else 0.0
    return _Thinned(places, view.clipped(_simplified(pixels, THIN)), middle)


def _land(region: Region, view: _View) -> np.ndarray:
    def make():
        shapes = region.context.geometry.to_numpy()
        shapes = view.pixels(shapes[view.touches(shapes)])
        return view.clipped(shapely.simplify(shapes, THIN))

    return _once(region, ("land", view), make)


def _simplified(shapes: np.ndarray, tolerance: float) -> np.ndarray:
    """Thinned so that neighbours keep one border; outlines that do not fit together are thinned one by one."""
    try:
        return shapely.coverage_simplify(shapes, tolerance)
    except (shapely.GEOSException, TypeError, ValueError):
        return shapely.simplify(shapes, tolerance, preserve_topology=True)


def one_shape(shapes: np.ndarray):
    """Areas as one, for the line around them."""
    try:
        return shapely.coverage_union_all(shapes)
    except (shapely.GEOSException, TypeError, ValueError):
        return shapely.union_all(shapely.make_valid(shapes))


def _areas(thin: _Thinned, classes: np.ndarray, colours: Mapping[str, Any], hatch: Mapping[int, str]) -> list[str]:
    """One path for each class that is to be seen."""
    found = classes[thin.places]
    codes = np.unique(found)
    fills = [f"url(#{hatch[code]})" if code in hatch else _fill(int(code), colours) for code in codes.tolist()]
    if thin.middle >= JOINED_BELOW:
        groups = [thin.shapes[found == code] for code in codes]
        return [
            _path(group, fill=fill, stroke=colours["border"], width=0.5)
            for group, fill in zip(groups, fills, strict=True)
        ]
    joined = np.array([one_shape(thin.shapes[found == code]) for code in codes], dtype=object)
    if len(thin.places) > DENSE:
        joined = np.array([_without_specks(shape) for shape in _simplified(joined, 4 * THIN)], dtype=object)
    # a line in the colour of the shape closes the hair between neighbours that a renderer leaves
    return [
        _path([shape], fill=fill, stroke="" if fill.startswith("url(") else fill, width=0.5)
        for shape, fill in zip(joined, fills, strict=True)
    ]


def _without_specks(shape):
    parts = shapely.get_parts(shape)
    parts = parts[(shapely.get_type_id(parts) == 3) & (shapely.area(parts) >= SPECK)]
    kept = [
        shapely.Polygon(
            part.exterior, [ring for ring in part.interiors if shapely.area(shapely.Polygon(ring)) >= SPECK]
        )
        for part in parts
    ]
    return shapely.MultiPolygon(kept)


def _rims(geometry, view: _View) -> np.ndarray:
    """Lines in pixels. Polygons that touch give each border once."""
    shapes = np.atleast_1d(np.asarray(geometry, dtype=object))
    shapes = view.pixels(shapes[view.touches(shapes)])
    if not len(shapes):
        return shapes
    area = np.isin(shapely.get_type_id(shapes), (3, 6))
    lines = list(view.clipped(shapely.simplify(shapes[~area], THIN)))
    if area.any():
        rims = shapely.boundary(_simplified(shapes[area], THIN if area.sum() < 100 else 4 * THIN))
        one = shapely.line_merge(shapely.union_all(rims)) if area.sum() > 1 else rims[0]
        lines += list(view.clipped(shapely.get_parts(one)))
    return np.array(lines, dtype=object)


# ---- ink ------------------------------------------------------------------------------------------------------------------


def _path(shapes: Sequence[Any], *, fill="none", stroke="", width=1.0, dash="") -> str:
    """Shapes in pixels as one path in tenths of a pixel, relative, which takes a third of the bytes of plain numbers."""
    data = "".join(map(_data, shapes))
    if not data:
        return ""
    fill = fill if fill.startswith("url(#") else _colour(fill)
    line = f' stroke="{_colour(stroke)}" stroke-width="{10 * width:g}" stroke-linejoin="round"' if stroke else ""
    line += f' stroke-dasharray="{" ".join(f"{10 * float(n):g}" for n in dash.split())}"' if dash else ""
    rule = ' fill-rule="evenodd"' if fill != "none" else ""
    return f'<path transform="scale(.1)" d="{data}" fill="{fill}"{rule}{line}/>'


def _data(shape) -> str:
    """Path data of any geometry; points that round to the one before are left out."""
    out = []
    for part in shapely.get_parts(shape):
        kind = part.geom_type
        if kind == "Polygon":
            out += [_line(ring, True) for ring in (part.exterior, *part.interiors)]
        elif kind in ("LineString", "LinearRing"):
            out.append(_line(part, False))
        elif kind.startswith(("Multi", "Geometry")):
            out.append(_data(part))
    return "".join(out)


def _line(ring, closed: bool) -> str:
    xy = np.rint(shapely.get_coordinates(ring) * 10).astype(int)
    steps = np.diff(xy, axis=0)
    steps = steps[(steps != 0).any(axis=1)]
    if closed:
        steps = steps[:-1]  # the way back is what closes it
    if len(steps) < (2 if closed else 1):
        return ""
    # a minus sign parts two numbers as well as a space does
    numbers = "".join(f"{n}" if n < 0 else f" {n}" for n in steps.ravel().tolist())
    return f"M{xy[0, 0]} {xy[0, 1]}l{numbers.lstrip()}{'Z' if closed else ''}"


def _fill(code: int, colours: Mapping[str, Any]) -> str:
    special = {MISSING: "missing", OUTSIDE: "outside", PLAIN: "plain"}
    if code in special:
        return colours[special[code]]
    classes = colours.get("classes") or ()
    if code >= len(classes):
        raise ValueError(f"class {code} has no colour: the palette has {len(classes)}")
    return classes[code]


def _colour(text: str) -> str:
    """A colour as it may stand in an attribute; whatever else would come from a fault of ours."""
    if text != "none" and not all(c.isalnum() or c in "#(),.% -" for c in text):
        raise ValueError(f"“{text[:40]}” is not a colour")
    return text


# corners of the marks of assets/services.js, about their middle, for a size of 2
_CORNERS = {
    "square": ((-0.86, -0.86), (0.86, -0.86), (0.86, 0.86), (-0.86, 0.86)),
    "triangle": ((0, -1.1), (1.1, 0.9), (-1.1, 0.9)),
    "diamond": ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
    "star": (
        (0, -1.25), (0.33, -0.45), (1.2, -0.4), (0.52, 0.15), (0.75, 1.0), (0, 0.53), (-0.75, 1.0), (-0.52, 0.15),
        (-1.2, -0.4), (-0.33, -0.45),
    ),
    "cross": (
        (-0.4, -1.15), (0.4, -1.15), (0.4, -0.4), (1.15, -0.4), (1.15, 0.4), (0.4, 0.4), (0.4, 1.15), (-0.4, 1.15),
        (-0.4, 0.4), (-1.15, 0.4), (-1.15, -0.4), (-0.4, -0.4),
    ),
    "pentagon": ((0, -1.15), (1.15, -0.3), (0.7, 1.05), (-0.7, 1.05), (-1.15, -0.3)),
}  # fmt: skip
SHAPES = ("circle", "square", "triangle", "diamond", "star", "cross", "pentagon", "ring")
"""Marks of service lists, in the order in which lists get them on the explore page."""


def shape_path(shape: str, x: float, y: float, size: float) -> str:
    """Path data of a mark about (x, y), one of :data:`SHAPES`; all of about the same weight at one size."""
    r = size / 2
    if shape in _CORNERS:
        points = [f"{x + r * a:.1f} {y + r * b:.1f}" for a, b in _CORNERS[shape]]
        return f"M{'L'.join(points)}Z"

    def circle(r: float, way: int) -> str:
        return f"M{x - r:.1f} {y:.1f}a{r:.1f} {r:.1f} 0 1 {way} {2 * r:.1f} 0a{r:.1f} {r:.1f} 0 1 {way} {-2 * r:.1f} 0Z"

    return circle(1.1 * r, 1) + circle(0.45 * r, 0) if shape == "ring" else circle(r, 1)


def _marks(many: Marks, view: _View) -> str:
    x, y = view.place(np.asarray(many.longitudes, dtype="float64"), np.asarray(many.latitudes, dtype="float64"))
    seen = (x >= 0) & (y >= 0) & (x <= view.width) & (y <= view.height)  # false for a place that is not known
    data = "".join(
        shape_path(many.shape, a, b, many.size) for a, b in zip(x[seen].tolist(), y[seen].tolist(), strict=True)
    )
    if not data:
        return ""
    rim = 1.4 if many.size >= 8 else 0.8
    return f'<path d="{data}" fill="{_colour(many.colour)}" stroke="#ffffff" stroke-width="{rim}"/>'


def _mark(point: Point, x: float, y: float) -> str:
    r, colour = point.size / 2, _colour(point.colour)
    if point.shape == "circle":
        shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:g}"/>'
    elif point.shape == "square":
        shape = f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r:g}" height="{2 * r:g}" rx="2"/>'
    elif point.shape == "cross":
        arms = f"M{x - r:.1f} {y - r:.1f}L{x + r:.1f} {y + r:.1f}M{x - r:.1f} {y + r:.1f}L{x + r:.1f} {y - r:.1f}"
        shape = f'<path d="{arms}" stroke-width="6"/><path d="{arms}" stroke="{colour}" stroke-width="3.5"/>'
    else:
        shape = f'<path d="{shape_path(point.shape, x, y, point.size)}"/>'
    text = ""
    if point.text:
        text = (
            f'<text x="{x:.1f}" y="{y + point.size * 0.27:.1f}" text-anchor="middle" font-family="{FONT}" font-weight="700" '
            f'font-size="{point.size * 0.75:.1f}" fill="#ffffff" stroke="none">{clean(point.text)}</text>'
        )
    title = f"<title>{clean(point.title)}</title>" if point.title else ""
    return f'<g fill="{colour}" stroke="#ffffff" stroke-width="1.6">{title}{shape}{text}</g>'


Box = tuple[float, float, float, float]


def _names(labels: Sequence[Label], points: Sequence[Point], view: _View, clear, scale: Box | None) -> list[str]:
    taken = [
        (x - p.size / 2, y - p.size / 2, x + p.size / 2, y + p.size / 2)
        for p in points
        if view.holds(p)
        for x, y in [view.place(p.longitude, p.latitude)]
    ]
    taken += [scale] if scale else []
    left, top, right, bottom = clear
    room = (left + 2, top + 2, view.width - right - 2, view.height - bottom - 2)
    out = []
    for label in labels:
        place = _free(label, view, room, taken) if label.text else None
        if place is None:
            continue
        x, y, box = place
        taken.append(box)
        out.append(
            text_at(
                x, y, label.text, label.size,
                anchor="middle", bold=label.bold, fill=SPECIAL["light"]["label"], halo=True,
            )
        )  # fmt: skip
    return out


def _free(label: Label, view: _View, room: Box, taken: Sequence[Box]) -> tuple[float, float, Box] | None:
    """Middle and baseline of the first place where a name stands free of others and inside the picture."""
    x, y = view.place(label.longitude, label.latitude)
    y += label.dy
    half, tall = width_of(label.text, label.size, bold=label.bold) / 2, label.size
    shifts = [(0.0, 0.0)]
    if label.shifts:
        inward = min(max(x, room[0] + half), room[2] - half) - x
        shifts = [(0.0, 0.0), (half + 8, 0.0), (-half - 8, 0.0), (0.0, -1.1 * tall), (0.0, 1.1 * tall)]
        shifts += [(inward, 0.0), (inward, -1.1 * tall), (inward, 1.1 * tall)] if inward else []
        shifts += [
            (0.6 * half, -1.2 * tall),
            (-0.6 * half, -1.2 * tall),
            (0.6 * half, 1.2 * tall),
            (-0.6 * half, 1.2 * tall),
        ]
    for across, down in shifts:
        a, b = x + across, y + down
        box = (a - half, b - tall * 0.8, a + half, b + tall * 0.3)
        inside = box[0] >= room[0] and box[1] >= room[1] and box[2] <= room[2] and box[3] <= room[3]
        if inside and not any(_overlap(box, other) for other in taken):
            return a, b, box
    return None


def _called(callouts: Callouts, view: _View) -> tuple[str, str]:
    """Lines and names, in the order of their places from north to south, so that few of the lines cross."""
    found = []
    for label in callouts.labels:
        x, y = view.place(label.longitude, label.latitude)
        if 0 <= x <= callouts.left and 0 <= y <= view.height:
            lines = wrap(label.text, callouts.width, label.size, bold=label.bold, lines=2)
            found.append((y, x, lines, label, len(lines) * label.size * 1.15 + 7))
    found.sort(key=lambda each: each[0])
    room = callouts.bottom - callouts.top
    while found and sum(each[4] for each in found) > room:
        found.remove(max(found, key=lambda each: callouts.labels.index(each[3])))  # the least important makes way
    middles = _spread([each[0] for each in found], [each[4] for each in found], callouts.top, callouts.bottom)
    lines_, words = [], []
    for (y, x, lines, label, _), at in zip(found, middles, strict=True):
        path = f'd="M{x:.1f} {y:.1f}L{callouts.left - 7:.1f} {at:.1f}" fill="none"'
        ink = SPECIAL["light"]["label"]
        lines_.append(
            f'<path {path} stroke="#ffffff" stroke-width="3.5"/><path {path} stroke="{ink}" stroke-width="1.3"/>'
        )
        lines_.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="#ffffff" stroke="{ink}" stroke-width="1.5"/>')
        first = at - (len(lines) - 1) * label.size * 1.15 / 2 + label.size * 0.35
        wide = max(width_of(line, label.size, bold=label.bold) for line in lines) + 8
        ground = f'x="{callouts.left - 5:.1f}" y="{first - label.size:.1f}"'
        ground += f' width="{wide:.1f}" height="{len(lines) * label.size * 1.15 + 5:.1f}"'
        words.append(f'<rect {ground} rx="3" fill="#ffffff" fill-opacity=".78"/>')
        words.append(
            text_block(lines, callouts.left, first, label.size, leading=1.15, bold=label.bold, fill=ink, halo=True)
        )
    return "".join(lines_), "".join(words)


def _spread(wanted: Sequence[float], heights: Sequence[float], top: float, bottom: float) -> list[float]:
    """Middles as near to where they are wanted as they can be without overlapping; ``wanted`` rises."""
    out: list[float] = []
    edge = top
    for place, tall in zip(wanted, heights, strict=True):
        out.append(max(place, edge + tall / 2))
        edge = out[-1] + tall / 2
    edge = bottom
    for i in range(len(out) - 1, -1, -1):
        out[i] = min(out[i], edge - heights[i] / 2)
        edge = out[i] - heights[i] / 2
    return out


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _scale(view: _View, size: float) -> tuple[str, Box]:
    """A bar of a round length, a fifth of the width or less, and the room that it takes."""
    metres = view.width / 5 / view.y_scale * METRES_PER_DEGREE
    power = 10 ** math.floor(math.log10(metres))
    length = max(step * power for step in (1, 2, 5) if step * power <= metres)
    pixels = length / METRES_PER_DEGREE * view.y_scale
    words = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    x, y = 12.0, view.height - 12.0
    ink = SPECIAL["light"]["label"]
    bar = (
        f'<g><path d="M{x} {y - 5}V{y}H{x + pixels:.1f}V{y - 5}" fill="none" stroke="#ffffff" stroke-width="4"/>'
        f'<path d="M{x} {y - 5}V{y}H{x + pixels:.1f}V{y - 5}" fill="none" stroke="{ink}" stroke-width="1.6"/>'
        f"{text_at(x + pixels / 2, y - 7, words, size, anchor='middle', fill=ink, halo=True)}</g>"
    )
    return bar, (x, y - 8 - size, x + max(pixels, width_of(words, size)), view.height)
