"""How far to trust an answer: the strip that stands beside it, on every page."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from dashboard.components.pieces import folded
from dashboard.views.confidence import Row

SHAPES = {"caution": "Caution: ", "note": "Note: ", "fine": ""}
"""Triangle, ring and dot are drawn by the style sheet; who cannot see them hears the word."""


def confidence_strip(
    rows: Sequence[Row], cautions: Sequence[str] = (), heading=html.H3, title: str = "How far to trust this"
) -> html.Section | None:
    """Rows of a term, one word and a reason; amber where it must be; every caution in full, folded. ``heading``: of the level
    that fits the page; ``title``: another one where a page has two strips."""
    if not rows:
        return None
    lines = [
        html.Div(
            [
                html.Span(className="trust-mark", **{"aria-hidden": "true"}),
                html.Dt([html.Span(SHAPES[row.level], className="visually-hidden"), row.term]),
                html.Dd([html.B(row.word), f" {row.reason}"]),
            ],
            className=f"trust-{row.level}",
        )
        for row in rows
    ]
    more = (
        folded("All cautions", html.Ul([html.Li(text) for text in cautions], className="plain-list"))
        if cautions
        else None
    )
    return html.Section(
        [heading(title, className="legend-title"), html.Dl(lines, className="trust"), more],
        className="trustbox",
        **{"aria-label": title},
    )
