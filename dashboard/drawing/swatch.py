"""What stands before a row of a map's key: a colour, hatching, an outline or the mark itself."""

from __future__ import annotations

from dashboard.drawing.palette import INK, PAPER, SPECIAL, hex_of
from dashboard.drawing.shown import LegendRow
from dashboard.drawing.svg_map import SHAPES, shape_path

LINE = SPECIAL["light"]["suppressed_line"]
WATER = SPECIAL["light"]["crossing"]


def _waves(x: float, y: float, lines: int) -> str:
    """Waves from (x, y) on, 22 wide, a line every 6."""
    path = "".join(f"M{x:g} {y + 6 * k:g}" + "q2.75 4.5 5.5 0" * 4 for k in range(lines))
    return f'<path d="{path}" fill="none" stroke="{SPECIAL["light"]["crossing_line"]}" stroke-width="1.3"/>'


def mark_of(row: LegendRow) -> str:
    """The shape on the map that a row stands for, "" where it stands for a colour of areas."""
    return row.mark if row.mark in SHAPES else ""


def swatch_svg(row: LegendRow) -> str:
    """What stands before a row of a key, 24 by 16: a colour, hatching, an outline or a mark."""
    if mark := mark_of(row):
        # on white, so that a dark mark is seen on a dark screen too
        inner = f'<rect width="24" height="16" fill="{PAPER}"/><path d="{shape_path(mark, 12, 8, 12)}" fill="{hex_of(row.colour, INK)}"/>'
    elif row.pattern == "hatch":
        inner = (
            f'<rect x="0.5" y="0.5" width="23" height="15" fill="{PAPER}" stroke="{LINE}"/>'
            f'<path d="M1 8L8 1M1 15L15 1M8 15L22 1M15 15L23 7" stroke="{LINE}" stroke-width="1.6"/>'
        )
    elif row.pattern == "waves":
        inner = f'<rect x="0.5" y="0.5" width="23" height="15" fill="{WATER}" stroke="{LINE}"/>{_waves(1, 5, 2)}'
    elif row.pattern == "outline":
        inner = f'<rect x="1.5" y="1.5" width="21" height="13" fill="{PAPER}" stroke="{SPECIAL["light"]["highlight"]}" stroke-width="3"/>'
    else:
        inner = f'<rect x="0.5" y="0.5" width="23" height="15" fill="{hex_of(row.colour)}" stroke="{LINE}"/>'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="16" viewBox="0 0 24 16" aria-hidden="true">'
        f"{inner}</svg>"
    )


def swatch_at(row: LegendRow, x: float, y: float) -> str:
    """The same as part of another picture, 22 by 17 from (x, y + 2)."""
    if row.mark:
        return f'<path d="{shape_path(row.mark, x + 11, y + 11, 15)}" fill="{row.colour or INK}"/>'
    box = f'x="{x:g}" y="{y + 2:.1f}" width="22" height="17"'
    if row.pattern == "outline":
        return f'<rect {box} fill="{PAPER}" stroke="{row.colour or INK}" stroke-width="2.5"/>'
    if row.pattern == "hatch":
        lines = "".join(f"M{x + a:g} {y + 19:.1f}l{min(17, 22 - a)} {-min(17, 22 - a)}" for a in (0, 6, 12))
        return f'<rect {box} fill="{PAPER}" stroke="{LINE}"/><path d="{lines}" stroke="{LINE}" stroke-width="2" fill="none"/>'
    if row.pattern == "waves":
        return f'<rect {box} fill="{WATER}" stroke="{LINE}"/>{_waves(x, y + 7, 2)}'
    return f'<rect {box} fill="{row.colour}" stroke="#8a8a86" stroke-width=".8"/>'
