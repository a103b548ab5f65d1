"""How a layer moved from period to period, over its versions: one line for the region, with a gap where figures do not compare."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dashboard.published import Published
from dashboard.views import wording
from layers import Kind, Layer, Measure, NotFound, Version, Viewer, periods_in_order

WIDTH, HEIGHT = 640, 230
LEFT, RIGHT, TOP, BOTTOM = 8, 24, 34, 34


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


def trend(published: Published, layer: Layer, history: tuple[Version, ...], viewer: Viewer) -> Trend | None:
    """The line of an indicator with two or more periods, else None. Every period is taken from the newest version open to
    everybody who sees the layer that has it."""
    if layer.kind != Kind.INDICATOR or layer.descriptor.measure in (Measure.RANK, Measure.DECILE, Measure.CATEGORY):
        return None
    of_period: dict[str, int] = {}
    for version in history:  # newest first
        if version.state in ("current", "superseded"):
            for period in version.periods:
                of_period.setdefault(period, version.version)
    if len(of_period) < 2:
        return None
    layers = {
        version: published.store.layer(layer.id, viewer, version=version) for version in sorted(set(of_period.values()))
    }
    found, said = [], []
    for period in periods_in_order(of_period):
        version = of_period[period]
        value, what = _value(published, layers[version], period, viewer)
        if value is not None:
            found.append((period, value, version))
            said.append(what)
    if len(found) < 2:
        return None
    places = wording.decimals_for(np.array([value for _, value, _ in found]), layer.descriptor.decimals)
    points = [Point(found[0][0], found[0][1], _words(layer, found[0][1], places), found[0][2], False)]
    for (_, _, before), (period, value, version) in pairwise(found):
        why = _difference(layers[before], layers[version])
        points.append(Point(period, value, _words(layer, value, places), version, not why, why))
    return Trend(", or ".join(dict.fromkeys(said)), layer.descriptor.unit, tuple(points), _sentence(points))


def _words(layer: Layer, value: float, places: int) -> str:
    return wording.with_unit(value, layer.descriptor.unit, places)


def _value(published: Published, layer: Layer, period: str, viewer: Viewer) -> tuple[float | None, str]:
    """The region in one number, and what that is: the rate of all areas, the total of a count, else the middle area."""
    level = next((level for level in layer.levels if (level, period) in layer.parts), None)
    if level is None:
        return None, ""
    try:
        values = published.store.values(layer.id, level, viewer, period=period, version=layer.version)
    except NotFound:
        return None, ""
    arrays = values.arrays
    known = np.isfinite(arrays["value"])
    if not known.any():
        return None, ""
    measure = layer.descriptor.measure
    if measure in (Measure.RATE, Measure.PERCENTAGE):
        top, base = arrays["numerator"][known], arrays["denominator"][known]
        if np.isfinite(top).all() and np.isfinite(base).all() and base.sum() > 0:
            return float(top.sum() / base.sum() * layer.descriptor.per), "The region’s areas together"
    if measure == Measure.COUNT:
        return float(arrays["value"][known].sum()), "Total of the areas that have a figure"
    return float(np.median(arrays["value"][known])), "The middle one of the region’s areas"


def _difference(before: Layer, after: Layer) -> str:
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
    text = f"From {first.words} in {first.period} to {last.words} in {last.period}."
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
    width: int = WIDTH
    height: int = HEIGHT


def picture(line: Trend, measure: Measure | None = None) -> Picture:
    values = [point.value for point in line.points]
    low, high = min(values), max(values)
    if measure in (Measure.RATE, Measure.PERCENTAGE, Measure.COUNT) and low >= 0:
        low = 0.0
    step = _nice((high - low) / 3 or abs(high) or 1.0)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    if high == low:
        high = low + step
    count = len(values)

    def across(i: int) -> float:
        return round(LEFT + 80 + (WIDTH - LEFT - RIGHT - 120) * (i / (count - 1)), 1)

    def up(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low), 1)

    paths, part = [], ""
    for i, point in enumerate(line.points):
        where = f"{across(i)} {up(point.value)}"
        if i and point.joined:
            part += f"L{where}"
        else:
            paths.append(part)
            part = f"M{where}"
    paths.append(part)
    places = 0 if step >= 1 else min(max(-math.floor(math.log10(step)), 0), 4)
    grid = []
    tick = low
    while tick <= high + step / 2:
        grid.append((up(tick), wording.number(tick, places)))
        tick += step
    every = max(1, math.ceil(count / 8))
    shown = {i for i in range(count) if (count - 1 - i) % every == 0}
    ends = {0, count - 1} if count > 8 else set(range(count))
    return Picture(
        paths=tuple(path for path in paths if "L" in path),
        dots=tuple((across(i), up(p.value), f"{p.period}: {p.words}") for i, p in enumerate(line.points)),
        breaks=tuple(
            (round((across(i - 1) + across(i)) / 2, 1), p.why) for i, p in enumerate(line.points) if p.why
        ),
        labels=tuple((across(i), line.points[i].period, "middle") for i in sorted(shown)),
        values=tuple(
            (across(i), up(line.points[i].value) - 10, _short(line.points[i].words), "middle") for i in sorted(ends)
        ),
        grid=tuple(grid),
    )  # fmt: skip


def _short(words: str) -> str:
    """ "23.4% of households" -> "23.4%"; "6.1 per 1,000" -> "6.1"."""
    return words.split(" ")[0]


def _nice(step: float) -> float:
    """The next larger of 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= step * 0.999999)
