"""plotly's choropleth as its documentation does it in Dash: a callback builds the figure, outlines and all, for every choice."""

from __future__ import annotations

import plotly.graph_objects as go
from dash import Dash, Input, Output, dcc

from benchmarks.rivals.common import Material, finished, make_app, material

TITLE = "plotly rebuilt"
GEOMETRY = r"/_dash-update-component"

PROBE = """
bench.whenThere('.js-plotly-plot', (plot) => {
  const listen = () => {
    if (!plot.on) return setTimeout(listen, 1);
    plot.on('plotly_afterplot', () => {
      if (plot.querySelectorAll('.choroplethlayer path.choroplethlocation').length >= bench.areas) bench.painted();
    });
  };
  listen();
});
"""


def create_server():
    given = material()
    app = make_app(given, graph())
    serve_no_world(app)
    given.geojson  # noqa: B018  read before the first visitor

    @app.callback(Output("graph", "figure"), Input("indicator", "value"))
    def show(name):
        return figure(given, name)

    return finished(app)


def graph() -> dcc.Graph:
    config = {"displayModeBar": False, "scrollZoom": True, "topojsonURL": "/outlines-of-the-world/"}
    return dcc.Graph(id="graph", className="map", config=config)


def serve_no_world(app: Dash) -> None:
    """plotly asks another host for the world's coastlines, shown or not, and draws nothing before it has them. Here: none."""
    layers = ("coastlines", "land", "ocean", "lakes", "rivers", "countries", "subunits")
    nothing = {name: {"type": "GeometryCollection", "geometries": []} for name in layers}

    @app.server.get("/outlines-of-the-world/<path:name>")
    def world(name):
        return {"type": "Topology", "objects": nothing, "arcs": []}


def figure(given: Material, name: str) -> go.Figure:
    steps = given.palette
    scale = [[k / len(steps), colour] for k, colour in enumerate(steps) for k in (k, k + 1)]
    figure = go.Figure(
        go.Choropleth(
            geojson=given.geojson,
            featureidkey="properties.code",
            locations=given.codes,
            z=given.classes(name),
            zmin=0,
            zmax=len(steps),
            colorscale=scale,
            showscale=False,
            marker_line_width=0,
        )
    )
    figure.update_geos(fitbounds="locations", visible=False, projection_type="mercator")
    figure.update_layout(margin={"l": 0, "r": 0, "t": 0, "b": 0})
    return figure
