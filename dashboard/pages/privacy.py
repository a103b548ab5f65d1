"""What is kept about people who use the site, for how long, and whom to ask."""

from __future__ import annotations

from collections.abc import Mapping

from dash import dcc, html

from dashboard.components.shell import footer
from dashboard.map_files import Shapes
from dashboard.published import Published
from dashboard.views.documents import DOCS
from layers import Viewer


def layout(published: Published, query: Mapping[str, str], viewer: Viewer, *, shapes: Shapes) -> html.Div:
    text = (DOCS / "privacy.md").read_text("utf-8")
    return html.Div([dcc.Markdown(text, className="prose"), footer(published)], className="document", id="main")
