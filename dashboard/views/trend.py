"""How a layer moved from period to period, over its versions: one line for the region, with a gap where figures do not compare."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from html import escape

import numpy as np

from dashboard.published import Published
from dashboard.views import wording
from layers import (
    STATUSES,
    Descriptor,
    Kind,
    Layer,
    Measure,
    NotFound,
    Version,
    Viewer,
    decode_values,
    parts_of,
    periods_in_order,
)

WIDTH, HEIGHT = 560, 230
NARROW = 360
"""Width of one of several pictures side by side, about as wide as a phone: text keeps its size there."""
LEFT, TOP, BOTTOM = 8, 34, 34


@dataclass(frozen=True)
class Point:
    period: str
    value: float
    words: str
    version: int
    joined: bool  # compares with the point before it
    why: str = ""  # why it does not


@dataclass(frozen=True)
class Trend:
    """``what`` says what the line is of; ``sentence`` says in words what the picture shows."""

    what: str
    unit: str
    points: tuple[Point, ...]
    sentence: str

    @property
    def breaks(self) -> tuple[Point, ...]:
        return tuple(point for point in self.points if point.why)


@dataclass(frozen=True)
class Coming:
    """A version that is not published yet, as far as a line needs to know it: what :class:`layers.Layer` says of one that is."""

    version: int
    descriptor: Descriptor


def trend(published: Published, layer: Layer, history: tuple[Version, ...], viewer: Viewer) -> Trend | None:
    """The line of an indicator with two or more periods, else None. Every period is taken from the newest version open to
    everybody who sees the layer that has it."""
    layers = versions_of_periods(published, layer, history, viewer)
    found = []
    for period in periods_in_order(layers):
        value, what = region_number(published, layers[period], period, viewer)
        if value is not None:
            found.append((period, value, layers[period], what))
    return line_through(found, layer.descriptor)


def versions_of_periods(
    published: Published, layer: Layer, history: tuple[Version, ...], viewer: Viewer
) -> dict[str, Layer]:
    """Period -> the newest open version that has it; empty where a line would say nothing (ranks, tenths, categories)."""
    if not has_line(layer.descriptor):
        return {}
    of_period: dict[str, int] = {}
    for version in history:  # newest first
        if version.state in ("current", "superseded"):
            for period in version.periods:
                of_period.setdefault(period, version.version)
    if len(of_period) < 2:
        return {}
    layers = {
        version: published.store.layer(layer.id, viewer, version=version) for version in sorted(set(of_period.values()))
    }
    return {period: layers[version] for period, version in of_period.items()}


def has_line(descriptor: Descriptor) -> bool:
    return descriptor.kind == Kind.INDICATOR and descriptor.measure not in (
        Measure.RANK, Measure.DECILE, Measure.CATEGORY,
    )  # fmt: skip


def area_trend(
    published: Published, layer: Layer, history: tuple[Version, ...], viewer: Viewer, code: str
) -> tuple[Trend, Trend | None] | None:
    """The line of one area, and that of the region to compare it with (None where it is nothing alike: counts); None where
    the area has fewer than two figures. A period in which the area has none is left out, and said."""
    layers = versions_of_periods(published, layer, history, viewer)
    region = published.region
    level = region.level_of(code)
    if not layers or level is None:
        return None
    i = region.position(level, code)
    found, around, without, after_gap = [], [], [], set()
    gap = False
    for period in periods_in_order(layers):
        version = layers[period]
        if (level, period) not in version.parts:
            continue
        values = published.store.values(layer.id, level, viewer, period=period, version=version.version)
        value = float(values.arrays["value"][i])
        if not math.isfinite(value):
            status = STATUSES[int(values.arrays["status"][i])]
            without.append(f"{period} ({'withheld' if status == 'suppressed' else 'no figure'})")
            gap = True
            continue
        if gap:
            after_gap.add(period)
            gap = False
        together, what = _in_one_number(values.arrays, version.descriptor)
        found.append((period, value, version, region.areas[level]["name"].iat[i]))
        around.append((period, together, version, what))
    line = line_through(found, layer.descriptor, after_gap)
    if line is None:
        return None
    if without:
        line = replace(line, sentence=f"{line.sentence} Left out: {', '.join(without)}.")
    alike = layer.descriptor.measure != Measure.COUNT
    return line, line_through(around, layer.descriptor, after_gap) if alike else None


@dataclass(frozen=True)
class AreaTrend:
    layer_id: str
    title: str
    line: Trend
    beside: Trend | None  # the region's line, where it can be compared with
    measure: Measure | None

    def svg(self, scheme: str) -> str:
        return as_svg(picture(self.line, self.measure, self.beside, width=NARROW), self.line.sentence, scheme)


def area_trends(published: Published, code: str, theme: str, viewer: Viewer) -> list[AreaTrend]:
    """The lines of every indicator of a theme ("" for all) that has two or more periods with a figure for this area."""
    out = []
    for layer in published.store.layers(viewer, kind=Kind.INDICATOR, theme=theme or None):
        if len(layer.periods) < 2 and layer.version == 1:
            continue
        found = area_trend(published, layer, published.store.history(layer.id, viewer), viewer, code)
        if found is not None:
            out.append(AreaTrend(layer.id, layer.title, *found, layer.descriptor.measure))
    return out


def coming_trend(
    published: Published,
    prepared,
    layer: Layer | None,
    history: tuple[Version, ...],
    viewer: Viewer,
) -> Trend | None:
    """The line as it would be once ``prepared`` (what :func:`layers.prepare_layer` gives) is published: its own periods, and
    those of the versions before that it does not bring."""
    if not has_line(prepared.descriptor):
        return None
    known = versions_of_periods_before(published, layer, history, viewer)
    number = max((version.version for version in history), default=0) + 1
    coming = Coming(number, prepared.descriptor)
    level_of: dict[str, str] = {}
    for level, period in parts_of(prepared.values):
        level_of.setdefault(period, level)
    found = []
    for period in periods_in_order({*known, *level_of}):
        if period in level_of:
            arrays = decode_values(prepared.values, level_of[period], period).arrays
            value, what = _in_one_number(arrays, prepared.descriptor)
            source = coming
        else:
            value, what = region_number(published, known[period], period, viewer)
            source = known[period]
        if value is not None:
            found.append((period, value, source, what))
    return line_through(found, prepared.descriptor)


def versions_of_periods_before(published, layer, history, viewer) -> dict[str, Layer]:
    """As :func:`versions_of_periods`, also where there is only one period so far."""
    if layer is None or not has_line(layer.descriptor):
        return {}
    out: dict[str, Layer] = {}
    for version in history:
        if version.state in ("current", "superseded"):
            for period in version.periods:
                if period not in out:
                    out[period] = published.store.layer(layer.id, viewer, version=version.version)
    return out


def line_through(
    found: list[tuple[str, float | None, Layer | Coming, str]],
    descriptor: Descriptor,
    after_gap: Collection[str] = (),
) -> Trend | None:
    """A line through (period, value, the version it is from, what it is of), oldest first; None for fewer than two values.
    It is not drawn to the periods ``after_gap``: between them and the point before there is one without a figure."""
    found = [one for one in found if one[1] is not None]
    if len(found) < 2:
        return None
    places = wording.decimals_for(np.array([value for _, value, _, _ in found]), descriptor.decimals)
    points, before = [], None
    for period, value, version, _ in found:
        why = break_between(before, version) if before is not None else ""
        words = wording.with_unit(value, descriptor.unit, places)
        joined = before is not None and not why and period not in after_gap
        points.append(Point(period, value, words, version.version, joined, why))
        before = version
    said = dict.fromkeys(what for *_, what in found if what)
    return Trend(", or ".join(said), descriptor.unit, tuple(points), _sentence(points))


def region_number(published: Published, layer: Layer, period: str, viewer: Viewer) -> tuple[float | None, str]:
    """The region in one number, and what that is: the rate of all areas, the total of a count, else the middle area."""
    level = next((level for level in layer.levels if (level, period) in layer.parts), None)
    if level is None:
        return None, ""
    try:
        values = published.store.values(layer.id, level, viewer, period=period, version=layer.version)
    except NotFound:
        return None, ""
    return _in_one_number(values.arrays, layer.descriptor)


def _in_one_number(arrays: Mapping[str, np.ndarray], descriptor: Descriptor) -> tuple[float | None, str]:
    known = np.isfinite(arrays["value"])
    if not known.any():
        return None, ""
    measure = descriptor.measure
    if measure in (Measure.RATE, Measure.PERCENTAGE):
        top, base = arrays["numerator"][known], arrays["denominator"][known]
        if np.isfinite(top).all() and np.isfinite(base).all() and base.sum() > 0:
            return float(top.sum() / base.sum() * descriptor.per), "The region’s areas together"
    if measure == Measure.COUNT:
        return float(arrays["value"][known].sum()), "Total of the areas that have a figure"
    return float(np.median(arrays["value"][known])), "The middle one of the region’s areas"


def break_between(before: Layer | Coming, after: Layer | Coming) -> str:
    """Why two periods from these versions do not compare; "" when they do."""
    if before.version == after.version:
        return ""
    a, b = before.descriptor, after.descriptor
    if (a.level, a.vintage) != (b.level, b.vintage):
        one = f"{wording.LEVEL_WORDS[a.level][1]} of {a.vintage}"
        return f"boundaries changed, from {one} to {wording.LEVEL_WORDS[b.level][1]} of {b.vintage}"
    if (a.measure, a.unit, a.per) != (b.measure, b.unit, b.per):
        return f"the unit changed, from “{a.unit}” to “{b.unit}”"
    if a.method.strip() != b.method.strip():
        return "the method changed"
    return ""


def _sentence(points: list[Point]) -> str:
    first, last = points[0], points[-1]
    text = f"From {_short(first.words)} in {first.period} to {last.words} in {last.period}."
    for point in points:
        if point.why:
            text += f" Before {point.period} the figures do not compare: {point.why}."
    return text


# ---------------------------------------------------------------- the picture


@dataclass(frozen=True)
class Picture:
    """Coordinates for the template: lines as SVG paths, dots, breaks, labels."""

    paths: tuple[str, ...]
    dots: tuple[tuple[float, float, str], ...]
    breaks: tuple[tuple[float, str], ...]
    labels: tuple[tuple[float, str, str], ...]  # x, text, anchor
    values: tuple[tuple[float, float, str, str], ...]  # x, y, text, anchor
    grid: tuple[tuple[float, str], ...]
    beside: tuple[str, ...] = ()  # paths of the line to compare with
    width: int = WIDTH
    height: int = HEIGHT


def picture(line: Trend, measure: Measure | None = None, beside: Trend | None = None, *, width: int = WIDTH) -> Picture:
    """Where everything stands. ``beside`` has the same periods and is drawn as a second, thinner line."""
    values = [point.value for point in line.points]
    every = values + [point.value for point in beside.points] if beside else values
    low, high = min(every), max(every)
    if measure in (Measure.RATE, Measure.PERCENTAGE, Measure.COUNT) and low >= 0:
        low = 0.0
    step = _nice((high - low) / 3 or abs(high) or 1.0)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    if high == low:
        high = low + step
    count = len(values)

    def across(i: int) -> float:
        return round(LEFT + 64 + (width - LEFT - 64 - 40) * (i / (count - 1)), 1)

    def up(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low), 1)

    places = 0 if step >= 1 else min(max(-math.floor(math.log10(step)), 0), 4)
    grid = []
    tick = low
    while tick <= high + step / 2:
        grid.append((up(tick), wording.number(tick, places)))
        tick += step
    longest = max(len(point.period) for point in line.points)
    nth = max(1, math.ceil(count * (8 * longest + 16) / (width - 40)))
    shown = {i for i in range(count) if (count - 1 - i) % nth == 0}
    ends = {0, count - 1} if nth > 1 else set(range(count))
    return Picture(
        paths=_paths(line, across, up),
        beside=_paths(beside, across, up) if beside else (),
        dots=tuple((across(i), up(p.value), f"{p.period}: {p.words}") for i, p in enumerate(line.points)),
        breaks=tuple(
            (round((across(i - 1) + across(i)) / 2, 1), p.why) for i, p in enumerate(line.points) if p.why
        ),
        labels=tuple((across(i), line.points[i].period, "middle") for i in sorted(shown)),
        values=tuple(
            (across(i), up(line.points[i].value) - 10, _short(line.points[i].words), "middle") for i in sorted(ends)
        ),
        grid=tuple(grid),
        width=width,
    )  # fmt: skip


def _paths(line: Trend, across: Callable[[int], float], up: Callable[[float], float]) -> tuple[str, ...]:
    """One path for each stretch of two or more points that compare."""
    paths, part = [], ""
    for i, point in enumerate(line.points):
        where = f"{across(i)} {up(point.value)}"
        if i and point.joined:
            part += f"L{where}"
        else:
            paths.append(part)
            part = f"M{where}"
    paths.append(part)
    return tuple(path for path in paths if "L" in path)


INKS = {
    # scheme: (line, text, quiet text, grid, paper)
    "light": ("#12436d", "#1d1d1b", "#4d4d49", "#d8d8d4", "#ffffff"),
    "dark": ("#8cc4f5", "#f1f1ee", "#b9bab6", "#45474b", "#1b1d20"),
}


def as_svg(drawn: Picture, words: str, scheme: str = "light") -> str:
    """The picture as a whole SVG document, for where a page can only show it as an image; ``words`` says the same."""
    line, ink, quiet, grid, paper = INKS[scheme]
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {drawn.width} {drawn.height}" width="{drawn.width}" '
        f'height="{drawn.height}" role="img" font-family="system-ui, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif" '
        f'font-size="14"><title>{escape(words)}</title>'
    ]
    for y, text in drawn.grid:
        out.append(f'<path d="M8 {y}H{drawn.width - 8}" stroke="{grid}"/>')
        out.append(f'<text x="8" y="{y - 4}" fill="{quiet}">{escape(text)}</text>')
    for x, _ in drawn.breaks:
        out.append(f'<path d="M{x} 20V{drawn.height - 30}" stroke="{quiet}" stroke-dasharray="4 4"/>')
        out.append(f'<text x="{x}" y="14" text-anchor="middle" fill="{quiet}">does not compare</text>')
    for path in drawn.beside:
        out.append(f'<path d="{path}" fill="none" stroke="{quiet}" stroke-width="2" stroke-dasharray="6 4"/>')
    for path in drawn.paths:
        out.append(f'<path d="{path}" fill="none" stroke="{line}" stroke-width="3" stroke-linejoin="round"/>')
    for x, y, text in drawn.dots:
        out.append(f'<circle cx="{x}" cy="{y}" r="5" fill="{line}" stroke="{paper}" stroke-width="2">')
        out.append(f"<title>{escape(text)}</title></circle>")
    for x, y, text, anchor in drawn.values:
        out.append(
            f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="600" fill="{ink}" stroke="{paper}" '
            f'stroke-width="4" paint-order="stroke">{escape(text)}</text>'
        )
    for x, text, anchor in drawn.labels:
        out.append(f'<text x="{x}" y="{drawn.height - 8}" text-anchor="{anchor}" fill="{quiet}">{escape(text)}</text>')
    return "".join(out) + "</svg>"


def _short(words: str) -> str:
    """ "23.4% of households" -> "23.4%"; "6.1 per 1,000" -> "6.1"."""
    return words.split(" ")[0]


def _nice(step: float) -> float:
    """The next larger of 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= step * 0.999999)
