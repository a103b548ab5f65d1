"""Text in pictures that are drawn on the server: how wide it is, where it breaks, and as markup.

Nobody can ask the browser here, so widths are those of Helvetica (Adobe's published metrics, which Arial, Liberation Sans and, within a
few hundredths, Roboto and Segoe UI share) with a little to spare.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from dashboard.drawing.palette import INK, PAPER

FONT = "'Source Sans 3', system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
"""That of the page round it, else the reader's own; the last two are what a server without any other has, where PNG and PDF are made."""
SPARE = 1.06
_BOLD = 1.16
"""Of the widest face that a reader may have (DejaVu Sans Bold); names are in boxes, so a guess too wide costs less than one too narrow."""

# thousandths of the size, from the space to the tilde
_WIDTHS = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556,
    556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
_OTHER = 600


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Pixels that a line of text takes, rather too many than too few."""
    units = sum(_WIDTHS[ord(c) - 32] if " " <= c <= "~" else _OTHER if ord(c) < 0x2E80 else 1000 for c in text)
    return units / 1000 * size * SPARE * (_BOLD if bold else 1.0)


def wrap(text: str, width: float, size: float, *, bold: bool = False, lines: int = 0) -> list[str]:
    """Lines no wider than ``width``; a word that is wider is cut. With ``lines`` the last of them ends with an ellipsis where
    more would follow."""
    out: list[str] = []
    for word in text.split():
        if out and width_of(f"{out[-1]} {word}", size, bold=bold) <= width:
            out[-1] = f"{out[-1]} {word}"
        else:
            out.append(word)
    out = [line if width_of(line, size, bold=bold) <= width else cut(line, width, size, bold=bold) for line in out]
    if lines and len(out) > lines:
        out = [*out[: lines - 1], cut(f"{out[lines - 1]} {out[lines]}", width, size, bold=bold, always=True)]
    return out or [""]


def cut(text: str, width: float, size: float, *, bold: bool = False, always: bool = False) -> str:
    """The text, shortened with an ellipsis until it fits. ``always``: with the ellipsis even if it would fit."""
    if not always and width_of(text, size, bold=bold) <= width:
        return text
    while text and width_of(f"{text}…", size, bold=bold) > width:
        text = text[:-1].rstrip()
    return f"{text.rstrip(' ,;.:')}…"


def text_at(
    x: float,
    y: float,
    text: str,
    size: float,
    *,
    anchor: str = "start",
    bold: bool = False,
    fill: str = INK,
    halo: bool = False,
    turn: float = 0.0,
) -> str:
    """One line of text as an SVG element; ``y`` is its baseline, ``turn`` degrees clockwise about (x, y)."""
    more = f' text-anchor="{anchor}"' if anchor != "start" else ""
    more += ' font-weight="700"' if bold else ""
    if halo:
        more += f' stroke="{PAPER}" stroke-width="3.5" stroke-linejoin="round" paint-order="stroke"'
    if turn:
        more += f' transform="rotate({turn:g} {x:.1f} {y:.1f})"'
    return f'<text x="{x:.1f}" y="{y:.1f}" font-family="{FONT}" font-size="{size:g}"{more} fill="{fill}">{clean(text)}</text>'


def text_block(lines: Iterable[str], x: float, y: float, size: float, *, leading: float = 1.3, **style) -> str:
    """Lines below each other, the first with its baseline at ``y``."""
    return "".join(text_at(x, y + n * size * leading, line, size, **style) for n, line in enumerate(lines))


def clean(text: str) -> str:
    """Text as it may stand in XML: escaped, and without characters that XML does not know."""
    return escape(
        "".join(c for c in str(text) if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff" and not _half(c)))
    )


def _half(c: str) -> bool:
    return "\ud800" <= c <= "\udfff"
