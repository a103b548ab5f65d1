"""dash-leaflet with the values joined into the outlines by a callback: the whole GeoJSON travels with every choice."""

from __future__ import annotations

import dash_leaflet as dl
from dash import Input, Output

from benchmarks.rivals.common import LEAFLET_PROBE, STYLE, finished, hideout, joined, make_app, material

TITLE = "dash-leaflet joined GeoJSON"
PROBE = LEAFLET_PROBE
GEOMETRY = r"/_dash-update-component"


def create_server():
    given = material()
    areas = dl.GeoJSON(id="areas", style={"variable": "dashExtensions.default.style"})
    app = make_app(given, dl.Map([areas], preferCanvas=True, className="map", **given.about["view"]), STYLE)
    given.geojson  # noqa: B018  read before the first visitor

    @app.callback(Output("areas", "data"), Output("areas", "hideout"), Input("indicator", "value"))
    def show(name):
        return joined(given, [name]), hideout(given, name)

    return finished(app)
