"""The accessibility statement: what is met, what is not, and how to say so."""

from __future__ import annotations

from collections.abc import Mapping

from dash import dcc, html

from dashboard.components.shell import footer
from dashboard.map_files import Shapes
from dashboard.published import Published
from dashboard.views.documents import DOCS
from layers import Viewer


def layout(published: Published, query: Mapping[str, str], viewer: Viewer, *, shapes: Shapes) -> html.Div:
    text = (DOCS / "accessibility.md").read_text("utf-8")
    return html.Div([dcc.Markdown(text, className="prose"), footer(published)], className="document", id="main")
