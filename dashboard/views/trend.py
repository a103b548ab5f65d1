"""How a layer moved from period to period, over its versions: one line for the region, with a gap where figures do not compare."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

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
    Status,
    Version,
    Viewer,
    decode_values,
    parts_of,
    periods_in_order,
)


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
    """The region in one number, and what that is: the rate of all areas, the total of a count, else the middle area.

    Where small areas are withheld it is taken from the largest: the areas with a figure would be those with most cases."""
    levels = [level for level in layer.levels if (level, period) in layer.parts]
    if not levels:
        return None, ""
    try:
        values = published.store.values(layer.id, levels[0], viewer, period=period, version=layer.version)
        if len(levels) > 1 and (values.frame["status"] == Status.SUPPRESSED).any():
            values = published.store.values(layer.id, levels[-1], viewer, period=period, version=layer.version)
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
    text = f"From {first_word(first.words)} in {first.period} to {last.words} in {last.period}."
    for point in points:
        if point.why:
            text += f" Before {point.period} the figures do not compare: {point.why}."
    return text


def first_word(words: str) -> str:
    """ "23.4% of households" -> "23.4%"; "6.1 per 1,000" -> "6.1"."""
    return words.split(" ")[0]
