"""plotly's choropleth at its best in Dash: the figure is built once, a choice sends only the new values (``Patch``)."""

from __future__ import annotations

from dash import Input, Output, Patch

from benchmarks.rivals.common import finished, make_app, material
from benchmarks.rivals.plotly_rebuilt import PROBE, figure, graph

TITLE = "plotly Patch(z)"
GEOMETRY = r"/_dash-layout"

__all__ = ["GEOMETRY", "PROBE", "TITLE", "create_server"]


def create_server():
    given = material()
    first = next(iter(given.titles))
    shown = graph()
    shown.figure = figure(given, first)
    app = make_app(given, shown)

    @app.callback(Output("graph", "figure"), Input("indicator", "value"), prevent_initial_call=True)
    def show(name):
        change = Patch()
        change["data"][0]["z"] = given.classes(name)
        return change

    return finished(app)
