"""Briefings. The pages are drawn by the server (:mod:`dashboard.briefings.web.routes`); this is the way there from a page that Dash
draws."""

from __future__ import annotations

from collections.abc import Mapping

from dash import html

from dashboard.map_files import Shapes
from dashboard.published import Published
from layers import Viewer


def layout(published: Published, query: Mapping[str, str], viewer: Viewer, *, shapes: Shapes) -> html.Div:
    return html.Div(
        [html.H1("Briefings"), html.P(html.A("Go to the briefings", href="/briefings", target="_self"))],
        className="document",
        id="main",
    )
