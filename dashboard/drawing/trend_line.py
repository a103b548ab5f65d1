"""The small line of a layer from period to period, for pages: light and dark, with a gap where figures do not compare."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from dashboard.drawing.charts import nice_step
from dashboard.views import wording
from dashboard.views.trend import Trend, first_word
from layers import Measure

WIDTH, HEIGHT = 560, 230
NARROW = 360
"""Width of one of several pictures side by side, about as wide as a phone: text keeps its size there."""
LEFT, TOP, BOTTOM = 8, 34, 34


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
    step = nice_step((high - low) / 3 or abs(high) or 1.0)
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
            (across(i), up(line.points[i].value) - 10, first_word(line.points[i].words), "middle") for i in sorted(ends)
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
