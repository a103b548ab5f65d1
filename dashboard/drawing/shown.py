"""What pictures and tables show, as data: a chart, a table, a row of a map's key. Each format draws from these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LegendRow:
    """``colour`` is a CSS colour, "" with a ``pattern`` (or that of its line). ``pattern``: "", "hatch", "waves", "outline". With ``mark``
    it is a shape on the map rather than a colour of areas: circle, square, triangle, diamond, star, cross, pentagon or ring, filled
    with ``colour``."""

    label: str
    colour: str = ""
    pattern: str = ""
    count: str = ""  # "63 areas, 104,200 residents"
    mark: str = ""


@dataclass(frozen=True)
class ChartData:
    """The numbers of a chart, for formats that draw it themselves. ``values[series][category]``; None: no value."""

    kind: str  # "bar" (horizontal, first category on top) | "stacked" (the same, series on top of each other) | "line"
    categories: tuple[str, ...]
    series: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    unit: str
    decimals: int = 0
    lower: tuple[float | None, ...] = ()  # of the first series
    upper: tuple[float | None, ...] = ()
    highlight: int | None = None  # the category that the page is about
    colours: tuple[str, ...] = ()  # by series; Government Analysis Function


@dataclass(frozen=True)
class TableData:
    """Cells are texts, numbers already in words. ``numeric`` columns are set to the right."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...] = ()
    note: str = ""  # "The 10 largest of 64."
