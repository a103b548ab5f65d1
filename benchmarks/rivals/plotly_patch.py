"""plotly's choropleth at its best in Dash: the figure is built once, a choice sends only the new values (``Patch``)."""

from __future__ import annotations

from dash import Input, Output, Patch, ctx

from benchmarks.rivals.common import finished, make_app, material
from benchmarks.rivals.plotly_rebuilt import PROBE, figure, graph, serve_no_world

TITLE = "plotly Patch(z)"
GEOMETRY = r"/_dash-update-component"

__all__ = ["GEOMETRY", "PROBE", "TITLE", "create_server"]


def create_server():
    given = material()
    app = make_app(given, graph())
    serve_no_world(app)
    given.geojson  # noqa: B018  read before the first visitor

    @app.callback(Output("graph", "figure"), Input("indicator", "value"))
    def show(name):
        if ctx.triggered_id is None:  # the page was opened
            return figure(given, name)
        change = Patch()
        change["data"][0]["z"] = given.classes(name)
        return change

    return finished(app)
