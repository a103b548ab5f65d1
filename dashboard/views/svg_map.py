"""A plain map as an SVG text, made on the server: for pages that print, briefings and exports. No script, no other file.

Degrees (EPSG:4326) come in; the picture is an equirectangular one about the middle of its bounds, which over a region is the
map that people know. Areas of one class are one path, thinned to a third of a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import shapely

from dashboard.published import Published
from dashboard.views.banding import MISSING, OUTSIDE, SUPPRESSED
from dashboard.views.palette import SPECIAL

PLAIN = 252
"""Class of an area without anything to show, as in the map painter."""
METRES_PER_DEGREE = 111_320.0
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

Bounds = Sequence[Sequence[float]]  # [[south, west], [north, east]] in degrees


@dataclass(frozen=True)
class Outline:
    """A line around something: ``geometry`` is any shapely geometry in degrees; polygons give their rims."""

    geometry: Any
    colour: str = SPECIAL["light"]["authority"]
    width: float = 1.4
    casing: str = ""  # colour of a wider line below it
    dash: str = ""


@dataclass(frozen=True)
class Point:
    """A mark that differs by form as well as colour: circle, square, diamond or cross, with a short text in it."""

    longitude: float
    latitude: float
    shape: str = "circle"
    text: str = ""
    colour: str = "#1d1d1b"
    size: float = 13.0
    title: str = ""


@dataclass(frozen=True)
class Label:
    """A name; of two that would overlap the earlier one stays."""

    text: str
    longitude: float
    latitude: float
    size: float = 13.0
    bold: bool = False
    dy: float = 0.0  # pixels below the place


def svg_map(
    published: Published,
    level: str,
    classes: np.ndarray,
    palette: Mapping[str, Any] | Sequence[str],
    *,
    width: int = 720,
    height: int = 480,
    bounds: Bounds | None = None,
    outlines: Sequence[Outline] = (),
    points: Sequence[Point] = (),
    labels: Sequence[Label] = (),
    title: str = "",
    description: str = "",
    scale_bar: bool = True,
) -> str:
    """The areas of a level in their colours as one SVG element.

    ``classes`` (uint8, area order) and ``palette`` (a list of CSS colours by class, or a mapping ``classes`` and the special
    ``missing, suppressed, suppressed_line, outside, plain, land, water, border``) are those of the map painter. ``bounds``
    default to the whole region and are widened to the shape of the picture. Raises ValueError for classes of another level.
    """
    areas = published.region.areas[level]
    classes = np.asarray(classes)
    if len(classes) != len(areas):
        raise ValueError(
            f"{level} has {len(areas):,} areas but got {len(classes):,} classes; they belong to another level"
        )
    colours = SPECIAL["light"] | (dict(palette) if isinstance(palette, Mapping) else {"classes": list(palette)})
    view = _View.of(bounds or _bounds_of(areas), width, height)
    parts = [f'<rect width="{width}" height="{height}" fill="{_colour(colours["water"])}"/>']
    context = published.region.context
    if context is not None:
        parts.append(_path(view.near(context.geometry.to_numpy()), view, fill=colours["land"]))
    shapes = areas.geometry.to_numpy()
    near = view.touches(shapes)
    border = colours["border"]
    for code in np.unique(classes[near]).tolist():
        fill = "url(#withheld)" if code == SUPPRESSED else _fill(code, colours)
        parts.append(_path(view.cut(shapes[near & (classes == code)]), view, fill=fill, stroke=border, width=0.5))
    for line in outlines:
        rims = [view.cut_line(rim) for rim in _rims(line.geometry)]
        rims = [rim for rim in rims if not rim.is_empty]
        if line.casing:
            parts.append(_path(rims, view, stroke=line.casing, width=line.width + 2.2))
        parts.append(_path(rims, view, stroke=line.colour, width=line.width, dash=line.dash))
    parts += [_mark(point, *view.place(point.longitude, point.latitude)) for point in points if view.holds(point)]
    parts += _names(labels, points, view)
    if scale_bar:
        parts.append(_scale(view))
    names = f'<title id="map-title">{escape(title)}</title>' if title else ""
    names += f'<desc id="map-description">{escape(description)}</desc>' if description else ""
    said = ' role="img" aria-labelledby="map-title map-description"' if title and description else ' role="img"'
    hatch = (
        '<defs><pattern id="withheld" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="6" height="6" fill="{_colour(colours["suppressed"])}"/>'
        f'<rect width="1.5" height="6" fill="{_colour(colours["suppressed_line"])}"/></pattern></defs>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"{said}>'
        f"{names}{hatch}{''.join(parts)}</svg>"
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
    def of(cls, bounds: Bounds, width: int, height: int) -> _View:
        (south, west), (north, east) = bounds
        squeeze = max(math.cos(math.radians((south + north) / 2)), 0.05)
        across, up = max((east - west) * squeeze, 1e-5), max(north - south, 1e-5)
        scale = min(width / across, height / up)  # pixels per degree of latitude
        middle_x, middle_y = (west + east) / 2, (south + north) / 2
        return cls(
            middle_x - width / 2 / (scale * squeeze),
            middle_y + height / 2 / scale,
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

    def near(self, shapes: np.ndarray) -> list:
        return self.cut(shapes[self.touches(shapes)])

    def cut(self, shapes: np.ndarray) -> list:
        """Thinned to a third of a pixel, and without what lies outside the picture."""
        thin = shapely.simplify(shapes, 0.33 / self.y_scale, preserve_topology=True)
        cut = [self.clipped(shape) for shape in thin]
        return [shape for shape in cut if not shape.is_empty]

    def cut_line(self, rim):
        return self.clipped(shapely.simplify(rim, 0.33 / self.y_scale))

    def clipped(self, shape):
        west, south, east, north = self.box
        b = shape.bounds
        if b and b[0] >= west and b[1] >= south and b[2] <= east and b[3] <= north:
            return shape
        return shapely.clip_by_rect(shape, west, south, east, north)


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


# ---- ink ------------------------------------------------------------------------------------------------------------------


def _path(shapes: Sequence[Any], view: _View, *, fill="none", stroke="", width=1.0, dash="") -> str:
    data = "".join(_data(shape, view) for shape in shapes)
    if not data:
        return ""
    fill = fill if fill.startswith("url(#") else _colour(fill)
    line = f' stroke="{_colour(stroke)}" stroke-width="{width:g}" stroke-linejoin="round"' if stroke else ""
    line += f' stroke-dasharray="{escape(dash)}"' if dash else ""
    rule = ' fill-rule="evenodd"' if fill != "none" else ""
    return f'<path d="{data}" fill="{fill}"{rule}{line}/>'


def _data(shape, view: _View) -> str:
    """Path data of any geometry, in tenths of a pixel; points that round to the one before are left out."""
    out = []
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon":
            out += [f"{_line(ring, view)}Z" for ring in (part.exterior, *part.interiors)]
        elif part.geom_type in ("LineString", "LinearRing"):
            out.append(_line(part, view))
        elif part.geom_type.startswith(("Multi", "Geometry")):
            out.append(_data(part, view))
    return "".join(out)


def _line(ring, view: _View) -> str:
    xy = shapely.get_coordinates(ring)
    x, y = view.place(xy[:, 0], xy[:, 1])
    pixels = np.round(np.column_stack([x, y]), 1)
    keep = np.concatenate([[True], (np.diff(pixels, axis=0) != 0).any(axis=1)])
    return "M" + "L".join(f"{a:g} {b:g}" for a, b in pixels[keep].tolist())


def _rims(geometry) -> list:
    parts = shapely.get_parts(np.atleast_1d(np.asarray(geometry, dtype=object)))
    return [shapely.boundary(part) if part.geom_type.endswith("Polygon") else part for part in parts]


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


def _mark(point: Point, x: float, y: float) -> str:
    r, colour = point.size / 2, _colour(point.colour)
    shape = {
        "circle": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:g}"/>',
        "square": f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r:g}" height="{2 * r:g}" rx="2"/>',
        "diamond": f'<path d="M{x:.1f} {y - r:.1f}L{x + r:.1f} {y:.1f}L{x:.1f} {y + r:.1f}L{x - r:.1f} {y:.1f}Z"/>',
        "cross": f'<path d="M{x - r:.1f} {y - r:.1f}L{x + r:.1f} {y + r:.1f}M{x - r:.1f} {y + r:.1f}L{x + r:.1f} {y - r:.1f}" '
        f'stroke="{colour}" stroke-width="3.5"/>',
    }[point.shape]
    text = ""
    if point.text:
        text = (
            f'<text x="{x:.1f}" y="{y + point.size * 0.27:.1f}" text-anchor="middle" font-family="{FONT}" font-weight="700" '
            f'font-size="{point.size * 0.75:.1f}" fill="#ffffff" stroke="none">{escape(point.text)}</text>'
        )
    title = f"<title>{escape(point.title)}</title>" if point.title else ""
    return f'<g fill="{colour}" stroke="#ffffff" stroke-width="1.6">{title}{shape}{text}</g>'


def _names(labels: Sequence[Label], points: Sequence[Point], view: _View) -> list[str]:
    taken = [
        (x - p.size / 2, y - p.size / 2, x + p.size / 2, y + p.size / 2)
        for p in points
        if view.holds(p)
        for x, y in [view.place(p.longitude, p.latitude)]
    ]
    out = []
    for label in labels:
        x, y = view.place(label.longitude, label.latitude)
        y += label.dy
        half, tall = len(label.text) * label.size * (0.33 if label.bold else 0.29), label.size
        box = (x - half, y - tall * 0.8, x + half, y + tall * 0.35)
        inside = box[0] >= 2 and box[1] >= 2 and box[2] <= view.width - 2 and box[3] <= view.height - 2
        if not label.text or not inside or any(_overlap(box, other) for other in taken):
            continue
        taken.append(box)
        weight = ' font-weight="700"' if label.bold else ""
        out.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-family="{FONT}" font-size="{label.size:g}"{weight} '
            f'fill="{SPECIAL["light"]["label"]}" stroke="#ffffff" stroke-width="3" stroke-linejoin="round" '
            f'paint-order="stroke">{escape(label.text)}</text>'
        )
    return out


def _overlap(a, b) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _scale(view: _View) -> str:
    """A bar of a round length, a fifth of the width or less."""
    metres = view.width / 5 / view.y_scale * METRES_PER_DEGREE
    power = 10 ** math.floor(math.log10(metres))
    length = max(step * power for step in (1, 2, 5) if step * power <= metres)
    pixels = length / METRES_PER_DEGREE * view.y_scale
    words = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    x, y = 12.0, view.height - 12.0
    ink = SPECIAL["light"]["label"]
    return (
        f'<g><path d="M{x} {y - 5}V{y}H{x + pixels:.1f}V{y - 5}" fill="none" stroke="#ffffff" stroke-width="4"/>'
        f'<path d="M{x} {y - 5}V{y}H{x + pixels:.1f}V{y - 5}" fill="none" stroke="{ink}" stroke-width="1.6"/>'
        f'<text x="{x + pixels / 2:.1f}" y="{y - 6}" text-anchor="middle" font-family="{FONT}" font-size="12" fill="{ink}" '
        f'stroke="#ffffff" stroke-width="3" paint-order="stroke">{words}</text></g>'
    )
